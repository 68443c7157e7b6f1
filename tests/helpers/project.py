"""A small operator's project, on which the pages of the documentation work: accounts, a list, a job, a policy."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from commands import Done, cardscreen
from partners import pan

JOB = """
timezone = "Asia/Shanghai"
[accounts]
path = "accounts.csv"
carry = ["segment"]
[identifiers]
mobile = { kind = "phone", region = "CN", holder_since = "sim_since" }
card_no = { kind = "card" }
device = { kind = "opaque", name = "device" }
customer = { kind = "opaque", name = "customer" }
[blocklist]
store = "lists"
[tokens]
key_file = "tokens.key"
[policy]
file = "policy.toml"
[limits]
first_run = "publish"
exempted_share = 0.02
released_share = 0.9
"""
FEED = """
source = "police"
kind = "phone"
region = "CN"
severity = 90
columns.value = "number"
terms.legal_basis = "Law on telecom fraud, article 31"
"""
NUMBERS = ["138 0013 8000", "138 0013 8001"]
YESTERDAY = date.today() - timedelta(days=1)


def make() -> None:
    """Write it where we are: of 600 accounts, A0042 and A0043 are listed, and share a device with A0044."""
    ids = range(1, 601)
    phones = {42: NUMBERS[0], 43: NUMBERS[1]}
    pl.DataFrame(
        {
            "account_id": [f"A{at:04}" for at in ids],
            "mobile": [phones.get(at, f"1390013{at:04}") for at in ids],
            "card_no": [pan(at) for at in ids],
            "device": ["8F-03" if at in (42, 43, 44) else f"D{at:04}" for at in ids],
            "customer": [f"C{at:04}" for at in ids],
            "operator": ["one" for _ in ids],
            "segment": ["private" if at % 9 else "business" for at in ids],
            "opened_on": ["2024-05-01" for _ in ids],
            "sim_since": ["2024-05-01" for _ in ids],
        }
    ).write_csv("accounts.csv")
    for name, text in {
        "job.toml": JOB,
        "police.toml": FEED,
        "clearances.csv": CLEARANCES,
        "policy.toml": POLICY,
    }.items():
        Path(name).write_text(text, encoding="utf-8")
    Path("stricter.toml").write_text('[actions]\nhigh = "verify"\ncritical = "verify"\n', encoding="utf-8")
    key("tokens.key")
    listed(NUMBERS)


CLEARANCES = "account_id,listing_id,decided_on,until\n"
POLICY = '[clearances]\nfile = "clearances.csv"\n'


def key(name: str) -> None:
    """Write a key that only its owner can read."""
    Path(name).write_text(secrets.token_hex(32), encoding="utf-8")
    Path(name).chmod(0o600)


def listed(numbers: list[str], day: date = YESTERDAY) -> None:
    """Import a list of the police."""
    Path("police.csv").write_text("number\n" + "\n".join(numbers) + "\n", encoding="utf-8")
    _done(
        "list", "import", "police.csv", "--feed", "police.toml", "--store", "lists", "--as-of", day, "--allow", "grow"
    )


def night(day: date = YESTERDAY, code: int = 0) -> None:
    """Run the job."""
    _done("run", "job.toml", "--as-of", day, code=code)


def _done(*words: object, code: int = 0) -> Done:
    done = cardscreen(*words, cwd=Path.cwd())
    assert done.code == code, done.err
    return done
