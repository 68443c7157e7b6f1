"""Two nights of a small operator, with a hit of every sort: what the commands about finished runs are tried on."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
from commands import Done, cardscreen

from cardscreen.review.decisions.upgrading import upgrade
from cardscreen.runs import chain
from cardscreen.runs.manifest import write_json
from cardscreen.runs.record import home_of

FIRST, SECOND = "2026-11-20", "2026-11-21"
CARD = "6222029876354197"
MASKED = "622202******4197"
JOB = """
timezone = "Asia/Shanghai"
[accounts]
path = "accounts.parquet"
carry = ["segment"]
[identifiers]
mobile = { kind = "phone", region = "CN", holder_since = "sim_since" }
card_no = { kind = "card" }
[blocklist]
store = "lists"
[policy]
file = "policy.toml"
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
rejected_share = 1
exempted_share = 1
new_suspend = 1
released_share = 1
"""
POLICY = """
[[rules]]
when = { source = "pilot" }
measure_only = true

[[rules]]
when = { "account.segment" = "hospital" }
cap = "notify"

[[rules]]
when = { reason = "reported" }
score = 45

[clearances]
file = "clearances.csv"
"""
POLICE = """
source = "police"
kind = "phone"
region = "CN"
severity = 95
reason = "telecom_fraud"
[columns]
value = "number"
listed_on = "listed"
reference = "case"
reason = "why"
[terms]
legal_basis = "Law on telecom fraud, article 31"
allowed_use = "prevention of fraud"
appeal = "the police, desk 12"
[limits]
shrink_share = 1.0
grow_share = 10.0
"""
BANK = """
source = "bank-a"
kind = "card"
severity = 80
store_as = "plain"
[columns]
value = "pan"
[terms]
cap = "verify"
"""
PILOT = """
source = "pilot"
kind = "phone"
region = "CN"
severity = 95
[columns]
value = "number"
"""
ALLOW = """
source = "own-desk"
kind = "phone"
region = "CN"
list = "allow"
reason = "own number"
open_ended = true
[columns]
value = "number"
"""
#: Account → its mobile; the others are clear.
MOBILES = {
    1: "138 0013 8001", 2: "13800138002", 3: "17000000003", 4: "", 5: "13800138005", 6: "13800138006",
    7: "13800138007", 8: "n/a", 9: "13800138009", 10: "13800138010", 17: "13800138017",
} | dict.fromkeys(range(11, 17), "13800138011")  # fmt: skip
LISTED = [
    "13800138001,2026-01-10,C-1,", "13800138002,2020-01-10,C-2,", "+86170000*,2026-01-10,C-3,",
    "13800138005,2026-01-10,C-5,", "13800138006,2026-01-10,C-6,", "13800138007,2026-01-10,C-7,",
    "13800138011,2026-01-10,C-11,", "13800138017,2026-01-10,C-17,reported",
]  # fmt: skip


def two_nights(folder: Path) -> Path:
    """The operator after its second night: 2 was released, 9 is new."""
    project(folder)
    assert run(folder, FIRST).code == 0
    lists(folder, [*LISTED[:1], *LISTED[2:], "13800138009,2026-11-21,C-9,"], SECOND)
    done = run(folder, SECOND)
    assert done.code == 0, done.err
    return folder


def project(folder: Path) -> None:
    """A folder with a job that runs as it is."""
    ids = range(1, 41)
    accounts = {
        "account_id": list(ids),
        "mobile": [MOBILES.get(account, f"139001390{account:02}") for account in ids],
        "card_no": [CARD if account == 4 else None for account in ids],
        "sim_since": [date(2024, 5, 1)] * len(ids),
        "segment": ["hospital" if account == 7 else "private" for account in ids],
    }
    pl.DataFrame(accounts).write_parquet(folder / "accounts.parquet")
    texts = {"job.toml": JOB, "policy.toml": POLICY}
    texts |= {"police.toml": POLICE, "bank.toml": BANK, "pilot.toml": PILOT, "allow.toml": ALLOW}
    texts |= {"bank.csv": f"pan\n{CARD}\n", "pilot.csv": "number\n13800138010\n", "allow.csv": "number\n13800138005\n"}
    texts["clearances.csv"] = "account_id,listing_id,decided_on,until,by,reason\n6,,2026-11-01,,A. Li,in order\n"
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    for name in ("bank", "pilot", "allow"):
        _import(folder, name, FIRST)
    lists(folder, LISTED, FIRST)


def lists(folder: Path, rows: list[str], day: str) -> None:
    """A new file of the police."""
    (folder / "police.csv").write_text("\n".join(["number,listed,case,why", *rows, ""]), encoding="utf-8")
    _import(folder, "police", day)


def _import(folder: Path, name: str, day: str) -> None:
    arguments = ("list", "import", f"{name}.csv", "--feed", f"{name}.toml", "--store", "lists", "--as-of", day)
    done = cardscreen(*arguments, cwd=folder)
    assert done.code == 0, done.err


def run(folder: Path, day: str, *more: str) -> Done:
    """A night, whatever day it is."""
    return cardscreen("run", "job.toml", "--as-of", day, "--allow-future", "-q", *more, cwd=folder)


def published(folder: Path) -> list[Path]:
    """The folders of the published runs, the oldest first."""
    return sorted(each for each in (folder / "runs").glob("2*") if each.is_dir())


def held(folder: Path) -> list[Path]:
    """The folders under `.held`."""
    return sorted((folder / "runs/.held").glob("2*"))


def write_manifest(run: Path, told: dict[str, Any]) -> None:
    """Another manifest for a run, as if it had been written so: who can rewrite all is not stopped without a key."""
    write_json(run / "manifest.json", told)
    begin_chain(home_of(run.resolve()))


def begin_chain(output: Path) -> None:
    """Take the runs of an output folder for what they are now."""
    (output / chain.FILE).unlink(missing_ok=True)
    assert list(upgrade(str(output)))


def located_in(folder: Path, was: Path | str, now: Path | str) -> None:
    """Let the runs of a copied project name other places."""
    for run in published(folder):
        write_manifest(run, json.loads(json.dumps(manifest(run)).replace(str(was), str(now))))


def manifest(run: Path) -> dict[str, Any]:
    """A run's manifest."""
    told: dict[str, Any] = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    return told


def on_day(instant: str) -> AbstractContextManager[Any]:
    """Within it, persons decide at this instant in UTC."""
    now = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    return mock.patch("cardscreen.review.decisions.held._now", return_value=now)


def job_with(folder: Path, old: str, new: str) -> None:
    """Change the job."""
    text = (folder / "job.toml").read_text(encoding="utf-8")
    assert old in text
    (folder / "job.toml").write_text(text.replace(old, new), encoding="utf-8")
