"""A small operator with a gang among its accounts: five share a device, two of whom the police lists; one has a card
in common with two more. There are a switchboard, a family and a customer with many cards besides."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import polars as pl
from commands import Done, cardscreen
from stdnum import luhn

import cardscreen as cs

DAY = "2026-11-20"
JOB = """
timezone = "UTC"
[accounts]
path = "accounts.csv"
[identifiers]
mobile = { kind = "phone", region = "CN" }
device = { kind = "opaque", name = "device" }
card_no = { kind = "card" }
customer = { kind = "opaque", name = "customer" }
[blocklist]
store = "lists"
[tokens]
key_file = "tokens.key"
[policy]
clearances = { file = "clearances.csv" }
[output]
report = false
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
released_share = 1
exempted_share = 1
new_suspend = 1
new_close = 1
accounts_shrink = 1
accounts_grow = 10
flagged_gone_share = 1
coverage_drop = 1
"""
LEADS = """
job = "job.toml"
directory = "leads"
[rings]
links = { mobile = 20, card_no = 5, device = 10 }
"""
CUSTOMERS = """
[customers]
column = "customer"
lift = ["suspend", "close"]
[[customers.limits]]
identifier = "mobile"
per = ["operator"]
above = 5
opened = "opened_on"
since = 2016-12-01
exempt = { segment = ["iot", "business"] }
reason = "too_many_cards"
severity = 40
"""
POLICE = """
source = "police"
kind = "phone"
region = "CN"
severity = 80
[columns]
value = "number"
[limits]
shrink_share = 1
grow_share = 100
"""
Row = dict[str, str]


def card(number: int) -> str:
    body = f"622202000{number:09}"
    return body + luhn.calc_check_digit(body)


def account(at: int, **others: str) -> Row:
    return {
        "account_id": f"A{at:03}",
        "mobile": f"1390000{at:04}",
        "device": f"D{at:03}",
        "card_no": card(at),
        "customer": f"C{at:03}",
        "operator": "one",
        "segment": "private",
        "opened_on": "2020-01-02",
        **others,
    }


def people() -> list[Row]:
    """Accounts 1 to 5 share a device, 5 to 7 a card; 20 to 39 a switchboard, 50 and 51 are a family."""
    rows = [account(at) for at in range(1, 90)]
    by_name = {row["account_id"]: row for row in rows}
    for at in range(1, 6):
        by_name[f"A{at:03}"]["device"] = "GANG"
    for at in range(5, 8):
        by_name[f"A{at:03}"]["card_no"] = card(5)
    for at in range(20, 40):
        by_name[f"A{at:03}"]["device"] = "SWITCH"
    for at in (50, 51):
        by_name[f"A{at:03}"]["device"] = "HOME"
    return rows


LISTED = (1, 2, 3, 20, 21, 50)


def read_rows(file: Path) -> list[Row]:
    with file.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_rows(file: Path, rows: list[Row]) -> None:
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]) if rows else ["decision"])
        writer.writeheader()
        writer.writerows(rows)


class Gang:
    """The operator's folder, and its commands."""

    def __init__(self, folder: Path, leads: str = LEADS, job: str = JOB) -> None:
        self.folder = folder
        self.write("job.toml", job)
        self.write("leads.toml", leads)
        self.write("police.toml", POLICE)
        self.write("clearances.csv", "account_id,listing_id,decided_on,until\n")
        key = folder / "tokens.key"
        key.write_text("k" * 40)
        key.chmod(0o600)
        self.has(people())

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def has(self, rows: list[Row]) -> None:
        """The accounts that there are."""
        write_rows(self.folder / "accounts.csv", rows)

    def lists(self, *numbers: int, on: str = DAY) -> None:
        """The police lists the numbers of accounts."""
        self.write("police.csv", "number\n" + "".join(f"1390000{at:04}\n" for at in numbers))
        done = self.says("list", "import", "police.csv", "--feed", "police.toml", "--store", "lists", "--as-of", on)
        assert done.code == 0, done.err

    def says(self, *words: object) -> Done:
        return cardscreen(*words, cwd=self.folder)

    def does(self, *words: object) -> Done:
        done = self.says(*words)
        assert done.code == 0, done.err
        return done

    def night(self, day: str = DAY) -> None:
        self.does("run", "job.toml", "--as-of", day, "--quiet")

    def finds(self) -> pl.DataFrame:
        """Look for leads; the proposals."""
        self.does("leads", "find", "leads.toml")
        return self.table("proposals")

    def table(self, name: str, directory: str = "leads") -> pl.DataFrame:
        return pl.read_parquet(self.newest(directory) / f"{name}.parquet")

    def newest(self, directory: str = "leads") -> Path:
        return max((self.folder / directory).glob("2*"))

    def decides(self, decision: str, which: Any = None, by: str = "A. Li") -> Done:
        """Fill in the decision for all proposals to look at, or those that a test of the row means."""
        self.does("leads", "review", "leads.toml", "--out", "review.csv", "--force")
        rows = read_rows(self.folder / "review.csv")
        for row in rows:
            if which is None or which(row):
                row["decision"] = decision
        write_rows(self.folder / "review.csv", rows)
        return self.says("leads", "decide", "leads.toml", "review.csv", "--by", by)

    def states(self) -> dict[str, str]:
        """By what a proposal is of, its state in the newest folder."""
        rows = self.table("proposals").select("kind", "value", "state").rows()
        return {value if kind != "card" else "card": state for kind, value, state in rows}

    def listed(self, *sources: str) -> set[str]:
        """What the store has in force of some sources; a token as `card`."""
        listings = cs.Store(self.folder / "lists").blocklist().listings
        live = listings.filter(pl.col("ended_on").is_null() & pl.col("source").is_in(sources))
        return {"card" if match == "token" else value for match, value in live.select("match", "value").rows()}

    def flagged(self) -> dict[str, str]:
        """By account, the action of the newest run."""
        changes = pl.read_parquet(self.folder / "runs/latest/changes.parquet")
        flags = changes.filter(pl.col("action") > "none")
        return dict(flags.select("account_id", pl.col("action").cast(pl.String)).rows())
