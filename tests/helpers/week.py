"""A small operator whose nights are played by the command line: what comes in, and what each night left."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
from commands import Done, cardscreen
from small_operator import on_day

#: Monday, 2 November 2026, and what follows; `mon2` is the Monday after.
DAYS = {
    f"{day}{week if week > 1 else ''}": date(2026, 11, 2) + timedelta(days=7 * week - 7 + number)
    for week in (1, 2, 3)
    for number, day in enumerate(["mon", "tue", "wed", "thu", "fri", "sat", "sun"])
}
NAME_OF = {str(day): name for name, day in DAYS.items()}

JOB = """
timezone = "Asia/Shanghai"
[accounts]
path = "accounts.csv"
[identifiers]
mobile = { kind = "phone", region = "CN", holder_since = "since" }
card_no = { kind = "card" }
[blocklist]
store = "lists"
[policy.clearances]
file = "clearances.csv"
[limits]
first_run = "publish"
flagged_share = 0.6
source_share = 0.4
exempted_share = 0.2
new_suspend = 0.12
released_share = 0.5
accounts_shrink = 0.2
carry_days = 2
"""
FEEDS = {
    "police": """
        source = "police"
        kind = "phone"
        region = "CN"
        severity = 95
        reason = "telecom_fraud"
        columns = { value = "number", expires_on = "until", reference = "case" }
        terms = { legal_basis = "Law on telecom fraud", appeal = "desk 12", warn_after_days = 1, error_after_days = 2 }
        limits = { grow_share = 1.0 }
    """,
    "bank": """
        source = "bank"
        kind = "card"
        severity = 50
        reason = "money_mule"
        mode = "delta"
        store_as = "plain"
        columns = { value = "pan", operation = "op" }
        limits = { shrink_share = 0.5 }
    """,
    "regulator": """
        source = "regulator"
        kind = "phone"
        region = "CN"
        severity = 95
        columns = { value = "number" }
        limits = { shrink_share = 0.2, grow_share = 2.0 }
    """,
    "own": """
        source = "own-desk"
        kind = "phone"
        region = "CN"
        list = "allow"
        reason = "own number"
        open_ended = true
        columns = { value = "number" }
    """,
}

NAMED = ["ana", "ben", "cho", "dee", "eli", "fay", "gus", "hal", "ivy", "jon", "kim", "lou", "max", "ned"]
OTHERS = ["oda", "pia", "quy", "ray", "sue", "tom"]
MOBILE = {name: f"138001380{number:02}" for number, name in enumerate([*NAMED, *OTHERS], start=1)}
CARD = {"ben": "6222029876540001", "dee": "6222029876540002", "eli": "6222029876540003"}

CHANGES = (
    "account_id change cause action_before action flagged_since act_on carried_since handed_out handed_out_on undo"
)
RELEASES = "account_id undo action instead cause"


class Week:
    """The operator's folder, and what each run of the week left in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.done: dict[str, Done] = {}
        self.folders: dict[str, Path] = {}
        self.write("job.toml", JOB)
        for name, text in FEEDS.items():
            self.write(f"{name}.toml", "\n".join(line.strip() for line in text.splitlines()))
        self.clear()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def clear(self, *rows: str) -> None:
        """The clearances that persons have decided."""
        self.write("clearances.csv", "\n".join(["account_id,listing_id,decided_on,until,by,reason", *rows, ""]))

    def extract(
        self,
        day: str | None = None,
        *,
        without: Iterable[str] = (),
        since: Mapping[str, str] | None = None,
        write: Callable[[str], str] = str,
    ) -> None:
        """The accounts as they come from the operator's systems; of a day, in the folder of that day.

        `since`: from when on a number has its holder, where that is not long ago. `write`: how ids are written.
        """
        file = f"accounts/{DAYS[day]}/accounts.csv" if day else "accounts.csv"
        rows = [
            f"{write(name)},{mobile},{CARD.get(name, '')},{(since or {}).get(name, '2020-01-01')}"
            for name, mobile in MOBILE.items()
            if name not in set(without)
        ]
        (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
        self.write(file, "\n".join(["account_id,mobile,card_no,since", *rows, ""]))

    def imports(self, day: str, feed: str, header: str, *rows: str, allow: Iterable[str] = ()) -> None:
        """A file of a source comes in."""
        self.write(f"{feed}.csv", "\n".join([header, *rows, ""]))
        options = [part for check in allow for part in ("--allow", check)]
        arguments = ("list", "import", f"{feed}.csv", "--feed", f"{feed}.toml", "--store", "lists")
        done = cardscreen(*arguments, "--as-of", DAYS[day], *options, cwd=self.folder)
        assert done.code == 0, done.err

    def police(self, day: str, *listed: str, until: str = "") -> None:
        """The police's list; of `hal` it says until when it holds."""
        rows = [f"{MOBILE[name]},{until if name == 'hal' else ''},C-{name},{DAYS[day]}" for name in listed]
        self.imports(day, "police", "number,until,case,exported", *rows)

    def regulator(self, day: str, *listed: str, allow: Iterable[str] = ()) -> None:
        """The regulator's list."""
        self.imports(day, "regulator", "number", *(MOBILE[name] for name in listed), allow=allow)

    def run(self, label: str, day: str, hour: int) -> None:
        """A night at an hour of Monday's week; `label` is how tests call it."""
        run_id = f"{DAYS[label.split()[0]]:%Y%m%d}T{hour:02}0000Z"
        with mock.patch("cardscreen.runs.folder.new_id", return_value=run_id):
            self.done[label] = cardscreen("run", "job.toml", "--as-of", DAYS[day], "-q", cwd=self.folder)
        published = self.folder / "runs" / run_id
        self.folders[label] = published if published.exists() else self.folder / "runs/.held" / run_id

    def decides(self, verb: str, label: str, reason: str, *, on: str | None = None) -> None:
        """A person decides about a held run, on its day or on another one."""
        arguments = ("runs", verb, self.folders[label], "--by", "A. Li", "--reason", reason)
        with on_day(f"{DAYS[on or label.split()[0]]}T09:00:00"):
            self.done[f"{label} {verb}"] = cardscreen(*arguments, cwd=self.folder)

    def does(self, label: str, *arguments: object) -> None:
        """Any command; `label` is how tests call it."""
        self.done[label] = cardscreen(*arguments, cwd=self.folder)

    def moved_to(self, folder: Path) -> None:
        """The project lies in another folder now."""
        self.folders = {label: folder / run.relative_to(self.folder) for label, run in self.folders.items()}
        self.folder = folder

    # What tests ask

    def manifest(self, label: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.folders[label] / "manifest.json").read_text(encoding="utf-8"))
        return told

    def changes(self, label: str) -> list[str]:
        rows = pl.read_parquet(self.folders[label] / "changes.parquet").select(CHANGES.split()).rows()
        return [" ".join(map(shown, row)) for row in rows]

    def rows(self, label: str, file: str) -> list[dict[str, str]]:
        with (self.folders[label] / file).open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def told(self, label: str, kind: str) -> list[str]:
        """File and account of every row of notices/ or actions/, but for releases."""
        files = ("notify", "verify", "suspend", "close")
        return [f"{file} {row['account_id']}" for file in files for row in self.rows(label, f"{kind}/{file}.csv")]

    def releases(self, label: str) -> list[str]:
        rows = self.rows(label, "actions/release.csv")
        return [" ".join(shown(row[name] or None) for name in RELEASES.split()) for row in rows]


def shown(cell: Any) -> str:
    """A cell of a table: days by their names, nothing as a hyphen."""
    return "-" if cell is None else NAME_OF.get(str(cell), str(cell))


def table(text: str) -> list[str]:
    """The rows of an expectation, below its heading and without the blanks that align it."""
    return [" ".join(line.split()) for line in text.strip().splitlines()[1:]]


def play(week: Week) -> None:
    """Everything that comes in and is done from Monday to Sunday."""
    # Monday: the first night. The bank lists three cards, the police five numbers, one of them until Saturday.
    week.extract()
    week.police("mon", "ana", "cho", "fay", "gus", "hal", until="2026-11-07")
    week.imports("mon", "bank", "op,pan", *(f"add,{CARD[name]}" for name in ("ben", "dee", "eli")))
    week.run("mon", "mon", 2)

    # Tuesday: the police list eli too; cho turns out to be a number of the operator's own.
    week.police("tue", "ana", "cho", "eli", "fay", "gus", "hal", until="2026-11-07")
    week.imports("tue", "own", "number", MOBILE["cho"])
    week.run("tue", "tue", 2)

    # Wednesday: the extract is truncated; the bank withdraws ben; a person clears dee.
    week.extract(without=["fay", "gus"])
    week.imports("wed", "bank", "op,pan", f"remove,{CARD['ben']}")
    week.clear("dee,,2026-11-04,,A. Li,papers seen")
    week.run("wed", "wed", 2)

    # Thursday: fay is back, gus is not; the police withdraw eli, whom the bank still lists.
    week.extract(without=["gus"])
    week.police("thu", "ana", "cho", "fay", "gus", "hal", until="2026-11-07")
    week.run("thu", "thu", 2)

    # Friday: the regulator's first list names half the operator. It is discarded; the right one names ivy alone.
    week.regulator("fri", "ivy", "kim", "lou", "max", *OTHERS)
    week.run("fri held", "fri", 2)
    week.decides("discard", "fri held", "the regulator sent its test list")
    week.regulator("fri", "ivy", allow=["shrink"])
    week.run("fri", "fri", 3)

    # Saturday: nothing from the police since Thursday. The regulator adds jon and kim, and takes jon back at once.
    week.regulator("sat", "ivy", "jon", "kim")
    week.run("sat first", "sat", 2)
    week.regulator("sat", "ivy", "kim", allow=["shrink"])
    week.run("sat", "sat", 3)
    week.run("sat audit", "wed", 4)

    # Sunday: still nothing from the police, then a list with three more numbers, which is as many as may not be.
    week.run("sun held", "sun", 2)
    week.police("sun", "ana", "cho", "fay", "gus", "lou", "max", "ned")
    week.run("sun", "sun", 3)
    week.decides("approve", "sun", "the police announced them")
    week.folders["sun"] = week.folder / "runs" / week.folders["sun"].name
