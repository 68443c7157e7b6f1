"""Masks and keyed tokens: what they are, what they find, and that the key never shows."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import pickle
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cardscreen as cs

SECRET = "correct horse battery staple, and some more"
KEY = cs.TokenKey(SECRET)
OTHER = cs.TokenKey("another key, which is long enough as well")
PAN = "6222021234561234"
DAY = date(2026, 11, 23)


def token_of(value: str, kind: str = "card", key: cs.TokenKey = KEY) -> str:
    """One token, by the library."""
    found: str = pl.DataFrame({"x": [value]}).select(cs.token("x", kind, key)).item()
    return found


@given(st.text(st.sampled_from("0123456789"), min_size=1, max_size=19), st.sampled_from(["card", "phone"]))
def test_a_token_is_pythons_own_hmac_in_base64url(value: str, kind: str) -> None:
    digest = hmac.new(SECRET.encode(), f"{kind}:{value}".encode(), hashlib.sha256).digest()
    assert token_of(value, kind) == f"{KEY.id}:{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_a_null_has_no_token_and_the_column_keeps_its_name() -> None:
    tokens = pl.DataFrame({"pan": [None, PAN]}).select(cs.token("pan", "card", KEY))
    assert tokens.columns == ["pan"]
    assert tokens["pan"].is_null().to_list() == [True, False]


@pytest.mark.parametrize("secret", [b"0" * 32, bytearray(32), None, 10**32])
def test_a_key_that_is_no_text_is_told_what_to_give(secret: Any) -> None:
    with pytest.raises(cs.ConfigError, match=r"a token key is text: .*bytes\.hex\(\)") as told:
        cs.TokenKey(secret)
    assert "0000" not in str(told.value)


def test_kind_and_key_make_other_tokens_of_the_same_digits() -> None:
    assert len({token_of(PAN), token_of(PAN, "phone"), token_of(PAN, key=OTHER)}) == 3


def tokens_listed(*keys: cs.TokenKey) -> cs.Blocklist:
    """A list that holds the card under each key."""
    values = [token_of(PAN, key=key) for key in keys]
    return cs.Blocklist.from_frame(
        pl.DataFrame({"kind": ["card"] * len(keys), "value": values, "severity": [95] * len(keys)})
    )


ACCOUNTS = pl.DataFrame(
    {"account_id": ["a", "b", "c", "d"], "card": ["6222 0212 3456 1234", "4111111111111111", None, "622202******1234"]}
)


def screened(blocklist: cs.Blocklist, **options: Any) -> cs.Result:
    return cs.screen(ACCOUNTS, blocklist, {"card": cs.Card()}, as_of=DAY, **options)


def test_a_listed_token_finds_its_card_and_shows_it_masked() -> None:
    hits = screened(tokens_listed(KEY), tokens=KEY).hits.collect()
    told = hits.select("account_id", "value", "match", "action").rows()
    assert told == [("a", "622202******1234", "token", "suspend")]


def test_cards_in_a_list_column_are_found_by_token() -> None:
    accounts = pl.DataFrame({"account_id": [1, 2], "card": [["4111111111111111", PAN], []]})
    result = cs.screen(accounts, tokens_listed(KEY), {"card": cs.Card()}, as_of=DAY, tokens=KEY)
    assert result.flagged.collect()["account_id"].to_list() == [1]


def test_phones_are_found_by_token_too() -> None:
    token = token_of("+8613800138000", "phone")
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": [token]}))
    accounts = pl.DataFrame({"account_id": [1], "mobile": ["138 0013 8000"]})
    result = cs.screen(accounts, listed, {"mobile": cs.Phone("CN")}, as_of=DAY, tokens=KEY)
    assert result.hits.collect()["match"].to_list() == ["token"]


def test_two_keys_hold_while_they_are_changed() -> None:
    result = screened(tokens_listed(KEY, OTHER), tokens=[KEY, OTHER])
    assert result.hits.collect()["account_id"].to_list() == ["a", "a"]


def test_an_allow_token_exempts_what_a_block_token_finds() -> None:
    rows = {"kind": ["card"] * 2, "value": [token_of(PAN)] * 2, "list": ["block", "allow"], "source": ["p", "own"]}
    result = screened(cs.Blocklist.from_frame(pl.DataFrame(rows)), tokens=KEY)
    assert result.flagged.collect().select("action", "exempted_by").rows() == [("none", "own")]


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        pytest.param({}, "no key is given", id="no-key"),
        pytest.param({"tokens": OTHER}, f"under the key {KEY.id}, and the keys given are {OTHER.id}", id="other-key"),
    ],
)
def test_tokens_under_another_key_are_an_error_and_not_an_empty_answer(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(cs.ConfigError, match=words):
        screened(tokens_listed(KEY), **keys)


def test_results_never_hold_the_token_beside_the_mask() -> None:
    result = screened(tokens_listed(KEY), tokens=KEY)
    written = "".join(frame.collect().write_json() for frame in (result.hits, result.flagged, result.rejects))
    assert token_of(PAN)[9:] not in written + str(result.summary)


def test_the_key_shows_nowhere() -> None:
    plan = ACCOUNTS.lazy().select(cs.token("card", "card", KEY))
    for text in (repr(KEY), str(KEY), plan.explain(), repr(plan), str(vars(cs.TokenKey))):
        assert SECRET not in text
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(KEY)
    with pytest.raises(pl.exceptions.ComputeError):
        plan.serialize()


def test_a_key_file_must_be_its_owners_alone(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(SECRET + "\n", encoding="utf-8")
    file.chmod(0o640)
    with pytest.raises(cs.ConfigError, match="chmod 600"):
        cs.TokenKey.from_file(file)
    file.chmod(0o600)
    assert cs.TokenKey.from_file(file).id == KEY.id


def test_a_missing_or_short_key_is_refused_without_showing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", "short")
    monkeypatch.delenv("NO_KEY", raising=False)
    with pytest.raises(cs.ConfigError, match="holds no token key"):
        cs.TokenKey.from_env("NO_KEY")
    with pytest.raises(cs.ConfigError, match="at least 32 characters") as refused:
        cs.TokenKey.from_env("SOME_KEY")
    assert "short" not in str(refused.value)
    with pytest.raises(cs.ConfigError, match="can't be read"):
        cs.TokenKey.from_file(tmp_path / "nothing")


def test_a_short_key_is_refused_by_naming_where_it_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text("short\n", encoding="utf-8")
    with pytest.raises(cs.ConfigError, match=f"and the key file {file} holds fewer: make one with openssl"):
        cs.TokenKey.from_file(file)
    monkeypatch.setenv("SOME_KEY", "short")
    with pytest.raises(cs.ConfigError, match="and the environment variable SOME_KEY holds fewer"):
        cs.TokenKey.from_env("SOME_KEY")
    with pytest.raises(cs.ConfigError, match="and the output of the command echo holds fewer"):
        cs.TokenKey.from_command(["echo", "short"])


def test_the_environment_gives_the_same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARDSCREEN_KEY", SECRET)
    assert cs.TokenKey.from_env().id == KEY.id


def test_a_process_that_has_read_a_key_leaves_no_core_dump() -> None:
    limit = "resource.getrlimit(resource.RLIMIT_CORE)"
    code = f"""
import resource
import cardscreen as cs
resource.setrlimit(resource.RLIMIT_CORE, ({limit}[1], {limit}[1]))
cs.TokenKey.from_env()
print({limit}[0])
"""
    environment = os.environ | {"CARDSCREEN_KEY": SECRET}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
