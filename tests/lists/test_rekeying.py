"""From one key to another: what a store held under the old one is found under the new one, as the same listing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from commands import Done, cardscreen

import cardscreen as cs

CARDS = ["4539578763621486", "4266840957311"]
KEYS = {
    "old": "the key of the year before, which is long enough",
    "new": "the key of this year, which is long enough too",
}
PUBLISHED = Path(__file__).parents[2] / "docs/how-to/cards-and-tokens.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in KEYS.items():
        (tmp_path / f"{name}.key").write_text(text, encoding="utf-8")
        (tmp_path / f"{name}.key").chmod(0o600)
    (tmp_path / "feed.toml").write_text(
        'source = "bank"\nkind = "card"\nseverity = 95\n[columns]\nvalue = "card"\n', encoding="utf-8"
    )
    return tmp_path


def listed(folder: Path, cards: list[str]) -> None:
    (folder / "list.csv").write_text("\n".join(["card", *cards, ""]), encoding="utf-8")


def imported(folder: Path, key: str, day: str, *more: str) -> Done:
    told = ("--feed", "feed.toml", "--store", "lists", "--key-file", f"{key}.key", "--as-of", day)
    return cardscreen("list", "import", "list.csv", *told, *more, cwd=folder)


def rekeyed(folder: Path, *more: str) -> Done:
    told = ("--feed", "feed.toml", "--store", "lists", "--by", "A. Li", "--reason", "yearly", "--json")
    keys = ("--old-key-file", "old.key", "--key-file", "new.key")
    return cardscreen("tokens", "rekey", "list.csv", *told, *keys, *more, cwd=folder)


def stored(folder: Path) -> pl.DataFrame:
    return cs.Store(folder / "lists").blocklist().listings.sort("listing_id")


def hits(folder: Path, key: str) -> list[str]:
    accounts = pl.DataFrame({"account_id": CARDS, "card": CARDS})
    secret = cs.TokenKey.from_file(folder / f"{key}.key")
    kinds = {"card": cs.Card()}
    found = cs.screen(
        accounts,
        cs.Store(folder / "lists").blocklist(),
        kinds,
        tokens=secret,
        as_of=date(2026, 11, 20),
        unmasked=["account_id"],
    )
    return found.hits.collect()["account_id"].sort().to_list()


def test_listings_keep_their_names_and_days_under_another_key(folder: Path) -> None:
    listed(folder, CARDS)
    assert imported(folder, "old", "2026-01-10").code == 0
    before = stored(folder)
    done = rekeyed(folder)
    assert done.code == 0, done.err
    assert json.loads(done.out)["renewed"] == 2
    after = stored(folder)
    assert after.drop("value").equals(before.drop("value"))
    assert hits(folder, "new") == sorted(CARDS)
    assert imported(folder, "new", "2026-02-10").code == 0
    assert stored(folder).select("listing_id", "listed_on").equals(before.select("listing_id", "listed_on"))
    history = cardscreen("list", "history", "--store", "lists", cwd=folder)
    assert "rekey" in history.out
    assert not any(card in done.out + done.err + history.out for card in CARDS)
    assert not any(key in done.out + done.err + history.out for key in KEYS.values())


def test_what_is_not_in_the_file_stays_under_the_old_key_and_is_told(folder: Path) -> None:
    listed(folder, CARDS)
    assert imported(folder, "old", "2026-01-10").code == 0
    listed(folder, CARDS[:1])
    done = rekeyed(folder)
    told = {"renewed": 1, "left": 1, "ended": 0, "key": "", "old_key": ""}
    assert json.loads(done.out) | {"key": "", "old_key": ""} == told
    assert "jobs need both keys" in done.err
    for key in KEYS:
        refused = imported(folder, key, "2026-02-10")
        assert (refused.code, "cardscreen tokens rekey" in refused.err) == (2, True)
    with pytest.raises(cs.ConfigError, match="the listings hold tokens under the key"):
        hits(folder, "new")


def shrunk(folder: Path) -> None:
    """A list of two, of which one has ended, under the new key; the ended one stays under the old."""
    listed(folder, CARDS)
    assert imported(folder, "old", "2026-01-10").code == 0
    listed(folder, CARDS[:1])
    assert imported(folder, "old", "2026-01-11", "--allow", "shrink").code == 0
    done = rekeyed(folder)
    told = {"renewed": 1, "left": 1, "ended": 1, "key": "", "old_key": ""}
    assert json.loads(done.out) | {"key": "", "old_key": ""} == told
    assert "1 that have ended stay under" in done.err
    assert "listed again comes in as new, and neither its first day nor that a person has ended it" in done.err
    assert "both keys" not in done.err


def test_what_has_ended_under_the_old_key_refuses_no_import_under_the_new_one(folder: Path) -> None:
    shrunk(folder)
    assert hits(folder, "new") == CARDS[:1]
    assert imported(folder, "new", "2026-02-10").code == 0
    refused = imported(folder, "old", "2026-02-11")
    assert (refused.code, "cardscreen tokens rekey" in refused.err) == (2, True)
    first = stored(folder).filter(pl.col("ended_on").is_null())
    assert first["listed_on"].to_list() == [date(2026, 1, 10)]


def test_a_list_whose_listings_have_all_ended_is_still_not_taken_under_another_key(folder: Path) -> None:
    listed(folder, CARDS)
    assert imported(folder, "old", "2026-01-10").code == 0
    listed(folder, [])
    assert imported(folder, "old", "2026-01-11", "--allow", "shrink", "--allow", "empty").code == 0
    listed(folder, CARDS)
    assert imported(folder, "new", "2026-01-12").code == 2


def test_what_ended_and_came_in_as_new_stays_two_listings_when_an_old_file_renews_it(folder: Path) -> None:
    shrunk(folder)
    listed(folder, CARDS)
    assert imported(folder, "new", "2026-02-10", "--allow", "grow").code == 0
    done = rekeyed(folder)
    assert (json.loads(done.out)["renewed"], json.loads(done.out)["ended"]) == (0, 1)
    assert imported(folder, "new", "2026-02-11").code == 0
    rows = stored(folder)
    assert (len(rows), rows["value"].n_unique()) == (3, 3)


def test_a_wrong_old_key_changes_nothing_and_is_told(folder: Path) -> None:
    listed(folder, CARDS)
    assert imported(folder, "new", "2026-01-10").code == 0
    before = stored(folder)
    done = rekeyed(folder)
    assert (done.code, done.out) == (2, "")
    assert "no tokens of 'bank' under the key" in done.err
    assert stored(folder).equals(before)


def test_an_import_under_another_key_names_the_way(folder: Path) -> None:
    listed(folder, CARDS)
    assert imported(folder, "old", "2026-01-10").code == 0
    assert "cardscreen tokens rekey" in imported(folder, "new", "2026-02-10").err


def test_published_tokens_are_those_of_the_description() -> None:
    text = PUBLISHED.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+):(.+?)` \| `7a5227ca:([\w-]{43})`", text, re.MULTILINE)
    assert len(rows) == 5
    key = cs.TokenKey("0" * 64)
    for kind, value, encoded in rows:
        made = pl.DataFrame({"x": [value]}).select(cs.token("x", kind, key)).item()
        digest = hmac.new(b"0" * 64, f"{kind}:{value}".encode(), hashlib.sha256).digest()
        assert made == f"{key.id}:{encoded}"
        assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == encoded


@pytest.mark.parametrize("form", ["hex", "HEX", "padded"])
def test_tokens_of_a_partner_are_read_in_hexadecimal_and_in_padded_base64url(form: str, folder: Path) -> None:
    key = cs.TokenKey.from_file(folder / "new.key")
    digest = hmac.new(KEYS["new"].encode(), f"card:{CARDS[0]}".encode(), hashlib.sha256)
    written = {"hex": digest.hexdigest(), "HEX": digest.hexdigest().upper()}
    token = f"{key.id}:{written.get(form) or base64.urlsafe_b64encode(digest.digest()).decode()}"
    listed(folder, [token])
    assert imported(folder, "new", "2026-01-10").code == 0
    assert hits(folder, "new") == [CARDS[0]]
    in_frame = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [token]}))
    assert in_frame.listings["match"].to_list() == ["token"]
    assert len(in_frame.listings["value"].item()) == 52


COMMANDS = {
    "prints-it": ("print('{key}')", None),
    "fails": ("print('{key}'); raise SystemExit(3)", "ended with exit code 3"),
    "prints-nothing": ("pass", "printed nothing"),
    "prints-more": ("print('{key}\\nwarning: old')", "printed several lines"),
    "prints-a-short-one": ("print('short')", "at least 32 characters"),
    "prints-bytes": ("import sys; sys.stdout.buffer.write(bytes([255] * 40))", "its output is no text"),
    "hangs": ("import time; time.sleep(60)", "took more than 1 s"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_key_of_a_command_is_its_one_line_and_nothing_of_it_is_told(name: str) -> None:
    program, problem = COMMANDS[name]
    command = [sys.executable, "-c", program.format(key=KEYS["old"])]
    if problem is None:
        assert cs.TokenKey.from_command(command).id == cs.TokenKey(KEYS["old"]).id
        return
    with pytest.raises(cs.ConfigError) as refused:
        cs.TokenKey.from_command(command, timeout=1 if name == "hangs" else 30)
    assert problem in str(refused.value)
    assert KEYS["old"][:12] not in str(refused.value)


def test_a_command_that_is_not_there_and_one_in_a_text_are_refused() -> None:
    with pytest.raises(cs.ConfigError, match=r"can't be run \(No such file"):
        cs.TokenKey.from_command(["/no/such/program"])
    with pytest.raises(cs.ConfigError, match="as a list"):
        cs.TokenKey.from_command("vault kv get")


def test_a_job_asks_a_command_for_its_key(folder: Path) -> None:
    listed(folder, CARDS)
    assert imported(folder, "new", "2026-01-10").code == 0
    (folder / "accounts.csv").write_text(f"account_id,card\na,{CARDS[0]}\nb,\n", encoding="utf-8")
    (folder / "job.toml").write_text(
        '[accounts]\npath = "accounts.csv"\n[identifiers]\ncard = { kind = "card" }\n[blocklist]\nstore = "lists"\n'
        '[tokens]\nkey_command = ["cat", "new.key"]\n[limits]\nfirst_run = "publish"\nflagged_share = 1\n'
        "source_share = 1\n[output]\nreport = false\n",
        encoding="utf-8",
    )
    run = cardscreen("run", "job.toml", cwd=folder)
    assert run.code == 0, run.err
    assert pl.read_parquet(folder / "runs/latest/flagged.parquet")["account_id"].to_list() == ["a"]
