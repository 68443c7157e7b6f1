"""Whether a file's first row names its columns: a row of values never does, of whatever kind they are."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Callable
from pathlib import Path

import ibans
import pytest
from commands import cardscreen
from of_each_kind import digits
from partners import pan
from stdnum import luhn
from stdnum.cn import ric

from cardscreen.cli.starter.looking import look

ROWS = 40


def _checked(body: str) -> str:
    return body + luhn.calc_check_digit(body)


def _resident_id(dice: random.Random) -> str:
    body = f"110105{dice.randrange(1950, 2000)}{dice.randrange(1, 13):02}{dice.randrange(1, 29):02}{digits(dice, 3)}"
    return body + str(ric.calc_check_digit(body + "0"))


MADE: dict[str, tuple[str, Callable[[random.Random], str]]] = {
    "bare": ("phone", lambda dice: f"138{digits(dice, 8)}"),
    "labelled": ("phone", lambda dice: f"Tel. 138{digits(dice, 8)}"),
    "card": ("card", lambda dice: pan(dice.randrange(10**6))),
    "iban": ("iban", lambda dice: ibans.made(dice, "DE")),
    "ethereum": ("wallet", lambda dice: f"0x{dice.getrandbits(160):040x}"),
    "imei": ("imei", lambda dice: _checked(f"3520990{digits(dice, 7)}")),
    "imsi": ("imsi", lambda dice: f"46000{digits(dice, 10)}"),
    "iccid": ("iccid", lambda dice: _checked(f"89860{digits(dice, 14)}")),
    "resident-id": ("resident_id", _resident_id),
    "email": ("email", lambda dice: f"bad{digits(dice, 5)}@evil.example"),
    "telegram": ("handle", lambda dice: f"telegram:fraud{digits(dice, 5)}"),
    "link": ("handle", lambda dice: f"https://t.me/fraud{digits(dice, 5)}"),
    "at": ("handle", lambda dice: f"@fraud_{digits(dice, 5)}"),
}


@pytest.mark.parametrize("name", MADE)
def test_a_list_without_a_header_loses_no_row_and_shows_none_in_its_feed(tmp_path: Path, name: str) -> None:
    kind, made = MADE[name]
    dice = random.Random(name)
    values = [made(dice) for _ in range(ROWS)]
    values.sort(key=lambda value: not value.endswith("X"))  # a resident id with a letter is no row of digits
    (tmp_path / "list.txt").write_text("".join(f"{value}\n" for value in values))
    accounts = "".join(f"A{at},+86138{digits(dice, 8)}\n" for at in range(60))
    (tmp_path / "accounts.csv").write_text(f"id,phone\n{accounts}")
    assert len(look(str(tmp_path / "list.txt")).frame) == ROWS
    done = cardscreen("init", "night", "--accounts", "accounts.csv", "--list", "list.txt", cwd=tmp_path)
    assert done.code == 0, done.err
    text = (tmp_path / "night/feeds/list.toml").read_text("utf-8")
    feed = tomllib.loads(text)
    assert (feed["kind"], feed["columns"]["value"]) == (kind, 1)
    assert not any(value in text for value in values)
    unsaid = "platform, legal_basis" if name == "at" else "legal_basis"
    assert f"feeds/list.toml: {unsaid}" in done.err


def test_a_list_of_commented_ibans_is_read_by_its_lines(tmp_path: Path) -> None:
    dice = random.Random(1)
    file = tmp_path / "list.txt"
    file.write_text("".join(f"{ibans.made(dice, 'DE')}  # case {at}\n" for at in range(ROWS)))
    looked = look(str(file))
    assert (looked.layout, len(looked.frame)) == ("lines", ROWS)


NAMES = (
    "Telefon 2",
    "Umsatz 2024/2025",
    "dc:title",
    "case no",
    "telegram",
    "E-Mail",
    "BTC address",
    "Saldo 20261130",
    "PAN",
)


@pytest.mark.parametrize("header", NAMES)
def test_names_of_columns_stay_names(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.csv").write_text(f"id,{header}\n" + "".join(f"A{at},x{at}\n" for at in range(9)))
    looked = look(str(tmp_path / "a.csv"))
    assert (looked.header, looked.frame.columns) == (True, ["id", header])


def test_a_column_that_is_called_by_a_secret_value_is_refused_before_a_feed_shows_it(tmp_path: Path) -> None:
    dice = random.Random(2)
    (tmp_path / "list.jsonl").write_text("".join(f'{{"{pan(7)}": "{pan(at)}"}}\n' for at in range(9)))
    (tmp_path / "a.csv").write_text("id,phone\n" + "".join(f"A{at},+86138{digits(dice, 8)}\n" for at in range(60)))
    done = cardscreen("init", "night", "--accounts", "a.csv", "--list", "list.jsonl", cwd=tmp_path)
    assert (done.code, "a column is called by a card number" in done.err) == (2, True), done.err
    assert pan(7) not in done.out + done.err
    assert not (tmp_path / "night").exists()


@pytest.mark.parametrize("column", ["device", "Gerät", "imei", "x"])
def test_what_a_column_holds_counts_and_its_name_only_helps(tmp_path: Path, column: str) -> None:
    dice = random.Random(3)
    imeis = [MADE["imei"][1](dice) for _ in range(60)]
    rows = "".join(f"A{at},138{digits(dice, 8)},{imei}\n" for at, imei in enumerate(imeis))
    (tmp_path / "a.csv").write_text(f"id,mobile,{column}\n{rows}")
    (tmp_path / "list.csv").write_text("value\n" + "".join(f"{imei}\n" for imei in imeis[:30]))
    done = cardscreen("init", "night", "--accounts", "a.csv", "--list", "list.csv", cwd=tmp_path)
    assert done.code == 0, done.err
    job = tomllib.loads((tmp_path / "night/job.toml").read_text("utf-8"))
    assert job["identifiers"][column] == {"kind": "imei"}


def test_a_list_of_a_kind_that_no_account_has_is_told_at_once(tmp_path: Path) -> None:
    dice = random.Random(4)
    (tmp_path / "a.csv").write_text("id,mobile\n" + "".join(f"A{at},138{digits(dice, 8)}\n" for at in range(60)))
    (tmp_path / "list.txt").write_text("".join(f"{MADE['imei'][1](dice)}\n" for _ in range(ROWS)))
    done = cardscreen("init", "night", "--accounts", "a.csv", "--list", "list.txt", cwd=tmp_path)
    assert "job.toml: the column of IMEIs: list lists some, and no column holds any" in done.err
