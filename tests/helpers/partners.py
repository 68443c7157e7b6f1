"""Two institutions, each with a home of its own, that share nothing but the letters they send each other."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from commands import Done, cardscreen

KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f0" * 2
NAME = "operator-a/bank-b/2026-11"
AGREEMENT = """
id = "{name}"
asker = "operator-a"
answerer = "bank-b"
purpose = "to find bank accounts behind rented SIM cards"
legal_basis = "Anti-Telecom Fraud Law, Art. 32"
kinds = ["phone", "card"]
valid_until = {until}
key = {{ file = "exchange.key" }}
{more}
"""
OPRF = 'method = "oprf"\nholder = "operator-a"\n'
JOB = """
timezone = "UTC"
[accounts]
path = "accounts.csv"
[identifiers]
mobile = { kind = "phone", region = "CN" }
card_no = { kind = "card" }
[blocklist]
store = "lists"
[tokens]
key_file = "tokens.key"
[output]
report = false
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
"""
POLICE = """
source = "police"
kind = "phone"
region = "CN"
severity = 80
[columns]
value = "number"
"""


def agreement(more: str = "", until: date | None = None, name: str = NAME) -> str:
    """The text of an agreement."""
    return AGREEMENT.format(more=more, until=until or date.today() + timedelta(days=90), name=name)


def pan(number: int) -> str:
    """A card number of 16 digits that passes its check."""
    front = f"621700{number:09d}"
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in front[::-2])
    return front + str(-(sum(doubled) + sum(map(int, front[-2::-2]))) % 10)


@dataclass(frozen=True)
class Side:
    """One institution.

    Attributes:
        home: Its folder.
        key: The key of its own tokens.
    """

    home: Path
    key: str

    def found(self, accounts: pl.DataFrame, agreed: str) -> Side:
        """Write its accounts, job, keys and agreement."""
        self.home.mkdir()
        accounts.write_csv(self.home / "accounts.csv")
        (self.home / "job.toml").write_text(JOB, encoding="utf-8")
        for name, key in (("exchange.key", KEY), ("tokens.key", self.key)):
            (self.home / name).write_text(key, encoding="utf-8")
            (self.home / name).chmod(0o600)
        self.agree(agreed)
        return self

    def agree(self, agreed: str) -> None:
        """Write its copy of the agreement."""
        (self.home / "agreement.toml").write_text(agreed, encoding="utf-8")

    def has_phones_only(self) -> None:
        """Write a job that knows no cards, and so has no key of tokens."""
        job = JOB.replace('card_no = { kind = "card" }\n', "").replace('[tokens]\nkey_file = "tokens.key"\n', "")
        (self.home / "job.toml").write_text(job, encoding="utf-8")

    def lists(self, numbers: pl.DataFrame) -> None:
        """Import a list of phone numbers: column `number`."""
        numbers.write_csv(self.home / "police.csv")
        (self.home / "police.toml").write_text(POLICE, encoding="utf-8")
        self.does("list", "import", "police.csv", "--feed", "police.toml", "--store", "lists")

    def does(self, *arguments: object) -> Done:
        """Run a command that must succeed."""
        done = self.tries(*arguments)
        assert done.code == 0, done.err
        return done

    def tries(self, *arguments: object) -> Done:
        """Run a command."""
        return cardscreen(*arguments, cwd=self.home)

    def exchange(self, step: str, *arguments: object) -> dict[str, Any]:
        """A step that must succeed, and what it says of itself."""
        told: dict[str, Any] = json.loads(self.does("exchange", step, "agreement.toml", *arguments, "--json").out)
        return told

    def refuses(self, step: str, *arguments: object) -> str:
        """A step that must be refused as input, in one sentence."""
        done = self.tries("exchange", step, "agreement.toml", *arguments)
        assert done.code == 3, (done.code, done.err)
        assert done.err.count("\n") == 1, done.err
        return done.err

    def sends(self, letter: str, other: Side) -> None:
        """Hand a letter to the other side."""
        shutil.copy(self.home / letter, other.home / letter)

    def matches(self, name: str = "matches.csv") -> pl.DataFrame:
        """A table of matches."""
        file = self.home / name
        return pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, infer_schema=False)


@dataclass(frozen=True)
class Partners:
    """Both, and what they have in common.

    Attributes:
        operator: The asker, who lists numbers of its accounts.
        bank: The answerer.
        listed: `number`: the phone numbers that the operator lists, as all its accounts write them: 11 digits.
        asked: account_id, identifier: what of the operator's flagged accounts the bank knows.
        known: account_id, identifier: what of the bank's accounts the operator asked about.
        on_list: account_id: the bank's accounts whose phone number the operator lists.
    """

    operator: Side
    bank: Side
    listed: pl.DataFrame
    asked: pl.DataFrame
    known: pl.DataFrame
    on_list: pl.DataFrame


def partners(
    folder: Path, agreed: str, operators: int = 600, banks: int = 400, flagged: int = 150, shared: int = 40
) -> Partners:
    """Two institutions that have some customers in common.

    Args:
        folder: Where both homes are made.
        agreed: The agreement.
        operators: Accounts of the operator.
        banks: Accounts of the bank.
        flagged: Of the operator's, those that it lists.
        shared: Of these, those whose phone number the bank knows; half as many more whose card it knows.
    """
    at = pl.int_range(operators, eager=True)
    of_operator = pl.DataFrame(
        {
            "account_id": pl.select(pl.format("OP-{}", at + 10_000_000)).to_series(),
            "mobile": pl.select(pl.format("138{}", (at * 7 + 10_000_000).cast(pl.String))).to_series(),
            "card_no": [pan(number) for number in range(operators)],
        }
    )
    cards = shared // 2
    others = banks - shared - cards
    phones = pl.concat(
        [
            of_operator["mobile"][:shared],  # of flagged ones
            pl.Series([f"137{number + 20_000_000}" for number in range(cards)]),
            of_operator["mobile"][flagged : flagged + others // 2],  # of ones that nothing speaks against
            pl.Series([f"139{number + 30_000_000}" for number in range(others - others // 2)]),
        ]
    )
    own_cards = [
        *(pan(500_000_000 + number) for number in range(shared)),
        *(pan(number) for number in range(shared, shared + cards)),  # of flagged ones, too
        *(pan(700_000_000 + number) for number in range(others)),
    ]
    spaced = "+86 " + phones.str.slice(0, 3) + " " + phones.str.slice(3, 4) + " " + phones.str.slice(7)
    hyphened = pl.Series(own_cards).str.replace(r"(\d{4})(\d{4})(\d{4})(\d{4})", "$1-$2-$3-$4")
    ids = [f"BANK{number:09d}" for number in range(banks)]
    of_bank = pl.DataFrame({"account_id": ids, "mobile": spaced, "card_no": hyphened})
    listed = of_operator.head(flagged).select(number="mobile")
    operator = Side(folder / "operator", "a" * 64).found(of_operator, agreed)
    bank = Side(folder / "bank", "b" * 64).found(of_bank, agreed)
    operator.lists(listed)
    operator.does("run", "job.toml")

    def both(account: list[str], identifier: str) -> pl.DataFrame:
        return pl.DataFrame({"account_id": account}).with_columns(identifier=pl.lit(identifier))

    first, last = of_operator["account_id"][:shared], of_operator["account_id"][shared : shared + cards]
    return Partners(
        operator,
        bank,
        listed,
        asked=pl.concat([both(first.to_list(), "mobile"), both(last.to_list(), "card_no")]),
        known=pl.concat([both(ids[:shared], "mobile"), both(ids[shared : shared + cards], "card_no")]),
        on_list=both(ids[:shared], "mobile"),
    )


def said_of(both: Partners) -> set[bytes]:
    """What must stand nowhere: every account, key, and number, with and without its country's code."""
    words = [KEY, both.operator.key, both.bank.key]
    for side in (both.operator, both.bank):
        table = pl.read_csv(side.home / "accounts.csv", infer_schema=False)
        numbers = pl.concat([table["mobile"], table["card_no"]]).str.replace_all(r"\D", "")
        words += [*table["account_id"], *numbers, *(each.removeprefix("86") for each in numbers)]
    return {word.encode() for word in words}


def told_in(content: bytes, words: set[bytes]) -> set[bytes]:
    """Those of some words of ten and more letters and digits that stand in a file, whatever is around them."""
    found, lengths = set(), sorted({len(word) for word in words})
    for run in re.findall(rb"[A-Za-z0-9-]{10,}", content):
        for length in lengths:
            found |= {run[at : at + length] for at in range(len(run) - length + 1)} & words
    return found


def texts_told(content: bytes, both: Partners) -> list[bytes]:
    """The forms, with blanks and hyphens, in which either side writes its first and last numbers, that stand there."""
    cells: list[str] = []
    for side in (both.operator, both.bank):
        table = pl.read_csv(side.home / "accounts.csv", infer_schema=False)
        for part in (table.head(100), table.tail(100)):
            cells += [*part["mobile"], *part["card_no"]]
    return [cell.encode() for cell in cells if cell.encode() in content]
