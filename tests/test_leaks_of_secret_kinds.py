"""Bank accounts and persons leak no more than cards do: planted ones are looked for in all that a night leaves."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from commands import cardscreen
from stdnum.cn import ric
from stdnum.iso7064 import mod_97_10

import cardscreen as cs
from cardscreen.kinds.kind import secret_kinds

IBAN, ID, CARD = "DE89370400440532013000", "11010519491231002X", "4539578763621486"
#: As the account's side writes them; the id as it was before 1999.
WRITTEN = {"iban": "DE89 3704 0044 0532 0130 00", "resident_id": "110105491231002", "card": "4539 5787 6362 1486"}
#: What may not be read anywhere: more of a number than its mask shows, a person's birth date and sex.
PARTS = ["370400440532", "19491231", "491231002", "578763621"]
_GAPS = re.compile(r"[\s\-_./,;:'\"]+")


def leaks(text: str) -> list[str]:
    plain = _GAPS.sub("", unicodedata.normalize("NFKC", text))
    return [part for part in PARTS if part in plain]


def in_files(folder: Path) -> list[str]:
    found = []
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        texts = [file.read_bytes().decode("latin-1")]
        if file.suffix == ".parquet":
            texts.append(pl.read_parquet(file).write_json())
        found += [f"{file.relative_to(folder)}: {part}" for text in texts for part in leaks(text)]
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A job of all secret kinds, a list of each, and accounts with what is listed and what can't be read."""
    (tmp_path / "inputs").mkdir()
    (tmp_path / "key").write_text("kept in a vault and nowhere else, for long", encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    pl.DataFrame(
        {
            "account_id": ["a", "b", "c"],
            "iban": [WRITTEN["iban"], f"IBAN {IBAN}", None],
            "person": [WRITTEN["resident_id"], f"no. {ID}", "110105491231996"],
            "card": [WRITTEN["card"], f"{CARD}/x", None],
        }
    ).write_csv(tmp_path / "inputs/accounts.csv")
    rows = "\n".join(f"{kind},{value}" for kind, value in [("iban", IBAN), ("resident_id", ID), ("card", CARD)])
    bad = f"iban,{IBAN}0\nresident_id,{ID[:-1]}\n"
    (tmp_path / "inputs/list.csv").write_text(f"kind,value\n{rows}\n{bad}", encoding="utf-8")
    (tmp_path / "feed.toml").write_text(
        'source = "police"\nseverity = 95\n[columns]\nvalue = "value"\nkind = "kind"\n'
        '[terms]\nlegal_basis = "Act 7"\nappeal = "desk"\n[limits]\nunusable_share = 1\n',
        encoding="utf-8",
    )
    (tmp_path / "job.toml").write_text(
        '[accounts]\npath = "inputs/accounts.csv"\n[identifiers]\niban = { kind = "iban" }\n'
        'person = { kind = "resident_id" }\ncard = { kind = "card" }\n[blocklist]\nstore = "lists"\n'
        '[tokens]\nkey_file = "key"\n[limits]\nfirst_run = "publish"\nflagged_share = 1\nsource_share = 1\n'
        "rejected_share = 1\n",
        encoding="utf-8",
    )
    return tmp_path


def test_all_secret_kinds_are_planted() -> None:
    assert set(secret_kinds()) == set(WRITTEN)


def test_a_night_of_all_secret_kinds_leaves_and_prints_nothing_of_them(folder: Path) -> None:
    told = ("--feed", "feed.toml", "--store", "lists", "--key-file", "key")
    done = [cardscreen("list", "import", "inputs/list.csv", *told, cwd=folder)]
    done.append(cardscreen("run", "job.toml", cwd=folder))
    assert [each.code for each in done] == [0, 0], "".join(each.err for each in done)
    flagged = pl.read_parquet(folder / "runs/latest/flagged.parquet")
    assert flagged.select("account_id", "action", "hits").rows() == [("a", "suspend", 3)]
    rejects = pl.read_parquet(folder / "runs/latest/rejects.parquet")
    assert rejects.select("account_id", "identifier", "status").rows() == [
        ("b", "iban", "not_an_iban"),
        ("b", "person", "not_a_resident_id"),
        ("b", "card", "not_a_number"),
        ("c", "person", "open"),
    ]
    for command in (
        ("explain", "a", "--run", "runs/latest"),
        ("explain", "a", "--run", "runs/latest", "--json", "--lang", "zh"),
        ("runs", "show", "runs/latest"),
        ("runs", "export", "runs/latest", "--out", "tables.xlsx"),
        ("audit", "runs/latest", "--replay"),
        ("report", "runs/latest", "--out", "page.html"),
        ("status", "job.toml"),
        ("list", "show", "--store", "lists"),
        ("normalize", "resident_id", "inputs/accounts.csv", "--column", "person", "--out", "clean.csv"),
        ("normalize", "iban", "inputs/accounts.csv", "--column", "iban", "--out", "ibans.parquet"),
    ):
        done.append(cardscreen(*command, cwd=folder))
        assert done[-1].code == 0, (command, done[-1].err)
    with mock.patch("sys.stdin", io.StringIO(f"{ID}\n")):
        checked = cardscreen("check", "resident_id", "-", "--json", cwd=folder)
    assert json.loads(checked.out)["masked"] == "110105***********X"
    assert [part for each in [*done, checked] for part in leaks(each.out + each.err)] == []
    # What was written are the inputs; normalising keeps all other columns, which are raw.
    for file in ("inputs/accounts.csv", "inputs/list.csv", "clean.csv", "ibans.parquet"):
        (folder / file).unlink()
    assert in_files(folder) == []


@pytest.mark.parametrize("column", ["iban", "person"])
def test_results_are_refused_that_would_show_the_secret_beside_its_mask(column: str) -> None:
    kinds = {"iban": cs.Iban(), "person": cs.ResidentId()}
    accounts = pl.DataFrame({"account_id": ["a"], "iban": [IBAN], "person": [ID], "note": [WRITTEN["resident_id"]]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["iban", "resident_id"], "value": [IBAN, ID]}))
    with pytest.raises(cs.ConfigError) as refused:
        cs.screen(accounts, listed, kinds, account_id=column, as_of=date(2026, 11, 20))
    assert leaks(str(refused.value)) == []
    with pytest.raises(cs.ConfigError, match="show their own resident ids"):
        cs.screen(accounts, listed, kinds, carry=["note"], as_of=date(2026, 11, 20))


PHONES = [f"+86138001{number:05}" for number in range(60)]


def ibans(count: int) -> list[str]:
    bodies = [f"37040044{number:010}" for number in range(count)]
    return [f"DE{mod_97_10.calc_check_digits(body + 'DE')}{body}" for body in bodies]


def dutch(count: int) -> list[str]:
    bodies = [f"ABNA{number:010}" for number in range(count)]
    return [f"NL{mod_97_10.calc_check_digits(body + 'NL')}{body}" for body in bodies]


def persons(count: int) -> list[str]:
    bodies = [f"110105{1950 + number}0{1 + number % 9}15{number:03}" for number in range(count)]
    return [body + ric.calc_check_digit(body + "0") for body in bodies]


def screened(accounts: pl.DataFrame, kind: Any = None, **options: Any) -> cs.Result:
    """Accounts that all have a listed phone, and perhaps another identifier."""
    accounts = accounts.with_columns(phone=pl.Series(PHONES[: len(accounts)]))
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": "phone", "value": PHONES}))
    kinds: dict[str, Any] = {"phone": cs.Phone(), **({} if kind is None else {"other": kind})}
    return cs.screen(accounts, listed, kinds, as_of=date(2026, 11, 20), **options)


OF_THEM = [
    pytest.param(ibans(60), "IBANs", id="ibans"),
    pytest.param([" ".join(re.findall(".{1,4}", each)) for each in ibans(60)], "IBANs", id="ibans-in-groups"),
    pytest.param([f"pays to {each} since May" for each in dutch(60)], "IBANs", id="ibans-in-text"),
    pytest.param(persons(60), "resident ids", id="persons"),
    pytest.param([f"{each[:6]} {each[6:14]} {each[14:].lower()}" for each in persons(60)], "resident ids", id="apart"),
    pytest.param([f"身份证{each}，已核" for each in persons(60)], "resident ids", id="persons-in-text"),
    pytest.param([*persons(9), *(f"a{each}" for each in range(51))], "resident ids", id="some"),
]


@pytest.mark.parametrize(("cells", "noun"), OF_THEM)
def test_columns_of_others_secrets_are_refused_unless_they_are_meant(cells: list[str], noun: str) -> None:
    ids = [f"a{number}" for number in range(60)]
    named = pl.DataFrame({"account_id": ids, "other": cells})
    for refused, column, options in (
        (pl.DataFrame({"account_id": cells}), "account_id", {}),
        (named, "other", {"carry": ["other"]}),
        (named, "other", {"kind": cs.Opaque("device")}),
    ):
        with pytest.raises(cs.ConfigError, match=f"'{column}' .* values looked at hold {noun}.* unmasked") as told:
            screened(refused, **options)
        assert not any(cell in str(told.value) for cell in cells)
        meant = screened(refused, unmasked=[column], **options)
        assert meant.summary["rows"]["hit"] == 60


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param([f"{7919 * number + 9 * 10**17:018}" for number in range(60)], id="numbers-of-eighteen-digits"),
        pytest.param([each[:17] + str(at % 10) for at, each in enumerate(persons(60))], id="region-day-and-a-count"),
        pytest.param([f"110105{number:02}0615{number:03}" for number in range(60)], id="fifteen-digits"),
        pytest.param([f"{each}{each[:4]}" for each in persons(60)], id="longer-numbers"),
        pytest.param([f"DE{number:020}" for number in range(60)], id="as-long-as-an-iban"),
        pytest.param([f"AB{number:016}" for number in range(60)], id="of-no-country"),
        pytest.param([*persons(1), *(f"a{each}" for each in range(59))], id="one"),
        pytest.param([None] * 60, id="nulls"),
    ],
)
def test_columns_of_other_ids_are_not(cells: list[str | None]) -> None:
    named = pl.DataFrame({"account_id": [f"a{number}" for number in range(60)], "other": cells})
    assert screened(named, carry=["other"]).summary["rows"]["hit"] == 60


def test_rings_among_accounts_that_are_named_by_a_persons_id_are_refused() -> None:
    accounts = pl.DataFrame({"person": persons(60), "phone": PHONES})
    with pytest.raises(cs.ConfigError, match="hold resident ids"):
        cs.find_rings(
            accounts, accounts["person"], {"phone": 10}, identifiers={"phone": cs.Phone()}, account_id="person"
        )


def test_a_page_masks_persons_and_ibans_that_results_were_asked_to_hold(tmp_path: Path) -> None:
    accounts = pl.DataFrame({"account_id": [*ibans(2), *persons(58)]})
    page = cs.report(screened(accounts, unmasked=["account_id"]), tmp_path / "it.html").read_text(encoding="utf-8")
    assert "110105***********" in page
    assert "**************0001" in page
    assert not any(each in page for each in accounts["account_id"])
    assert not re.search(r"110105\*+[0-9]{3}", page)
