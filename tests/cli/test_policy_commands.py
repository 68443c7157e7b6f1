"""What `cardscreen policy check` says of a sound policy, of a doubtful one and of a wrong one."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from commands import Done, cardscreen

import cardscreen as cs
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.review.policy_summary import CheckedPolicy
from cardscreen.runs.job import Job

POLICY = """
[levels]
low = 5

[grace_days]
verify = 0

[caps]
shared_above = 3

[sources.payment-alert]
cap = "notify"

[[rules]]
when = { kind = "card", source = ["police", "regulator"] }
score = 95

[[rules]]
when = { "account.segment" = ["hospital", "emergency", "school"] }
cap = "none"

[[rules]]
when = { source = "pilot" }
measure_only = true

[clearances]
file = "clearances.csv"
"""
CLEARANCES = (
    "account_id,listing_id,decided_on,until\na,,2026-01-01,\nb,,2026-01-01,2026-02-01\nc,,2026-11-22,2026-11-22\n"
)
AHEAD = "account_id,listing_id,decided_on,until\na,,2026-11-23,\nc,,2026-11-24,\nd,,2027-11-01,\n"
TOLD = """\
Levels
  no level  score 1 to 4     nothing
  low       score 5 to 39    notify    due on the day it is told
  medium    score 40 to 69   verify    due on the day it is told
  high      score 70 to 89   suspend   due 3 days after it is told
  critical  score 90 to 100  suspend   due 3 days after it is told
Weak evidence leads at most to
  verify    listed before the present holder
  verify    number of which not all digits are known
  verify    range or prefix
  verify    value carried by more than 3 accounts
  verify    phone number with the leading digits of another in its cell
Sources
  payment-alert: at most notify; allow listings and clearances exempt
Rules: the first that matches a hit applies
  1. kind is card, and source is police or regulator: score 95
  2. account.segment is hospital, emergency or school: no action
  3. source is pilot: only measured, flags nobody
Clearances
  clearances.csv: 3 decisions, 1 of them in force on 2026-11-23
Account columns that must be carried
  segment
"""
JOB = """
[accounts]
path = "accounts.csv"
carry = ["segment"]

[identifiers]
mobile = { kind = "phone", region = "CN" }

[blocklist]
store = "lists"

[policy]
rules = [{ when = { source = "polcie" }, cap = "notify" }]
"""


def checked(folder: Path, policy: str, *options: str, name: str = "policy.toml") -> Done:
    (folder / name).write_text(policy, encoding="utf-8")
    (folder / "clearances.csv").write_text(CLEARANCES, encoding="utf-8")
    (folder / "ahead.csv").write_text(AHEAD, encoding="utf-8")
    return cardscreen("policy", "check", name, "--as-of", "2026-11-23", *options, cwd=folder)


def test_a_policy_is_told_in_sentences(tmp_path: Path) -> None:
    assert checked(tmp_path, POLICY) == Done(0, TOLD, "")


def test_today_is_the_day_where_the_job_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = JOB.replace('store = "lists"', 'paths = ["lists.parquet"]').replace('source = "polcie"', 'kind = "phone"')
    (tmp_path / "job.toml").write_text(job, encoding="utf-8")
    (tmp_path / "policy.toml").write_text("", encoding="utf-8")
    monkeypatch.setattr(Job, "today", lambda _: date(2099, 3, 1))
    assert CheckedPolicy.read(tmp_path / "job.toml").day == date(2099, 3, 1)
    assert CheckedPolicy.read(tmp_path / "policy.toml").day == date.today()


def test_a_reason_in_another_spelling_is_no_unknown_one_to_a_rule() -> None:
    policy = cs.Policy.model_validate({"rules": [{"when": {"reason": ["THEFT", "tehft"]}, "score": 1}]})
    told = list(CheckedPolicy(policy, policy, date(2026, 11, 23), known={"reason": ["Theft"]}).warnings())
    assert told == ["rule 1: no listing in the store has the reason 'tehft' (did you mean 'Theft'?)"]


def test_one_clearance_is_told_as_one_decision(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("account_id,listing_id,decided_on,until\na,,2026-11-23,\n", encoding="utf-8")
    done = checked(tmp_path, "[clearances]\nfile = 'one.csv'")
    assert "  one.csv: 1 decision, 1 of them in force on 2026-11-23\n" in done.out


def test_a_policy_is_told_as_one_line_of_json(tmp_path: Path) -> None:
    done = checked(tmp_path, POLICY, "--json")
    assert done.out.count("\n") == 1
    told = json.loads(done.out)
    assert told["levels"] == {"low": 5, "medium": 40, "high": 70, "critical": 90}
    assert told["clearances"] == {"file": "clearances.csv", "decisions": 3, "in_force": 1}
    assert (told["account_columns"], told["warnings"]) == (["segment"], [])


@pytest.mark.parametrize(
    ("policy", "warning"),
    [
        pytest.param(
            "[levels]\nmedium = 70",
            "level medium never holds: high begins at the same score, 70",
            id="level-of-nothing",
        ),
        pytest.param(
            "[[rules]]\nwhen.source = 'a'\nscore = 1\n[[rules]]\nwhen.source = ['a', 'b']\nscore = 2",
            "rule 2 looks for source 'a' in vain: rule 1 comes first",
            id="value-decided-before",
        ),
        pytest.param("[sources.a]\ncap = 'close'", "sources.a changes nothing", id="source-without-effect"),
        pytest.param(
            "[clearances]\nfile = 'ahead.csv'",
            "clearances that free nobody yet, as their decided_on is still to come: 2, the first in line 3",
            id="clearances-of-days-to-come",
        ),
    ],
)
def test_what_is_allowed_and_hardly_meant_is_a_warning(tmp_path: Path, policy: str, warning: str) -> None:
    done = checked(tmp_path, policy)
    assert (done.code, done.err.count("\n")) == (0, 1)
    assert done.err.startswith(f"cardscreen: warning: {warning}")


def test_a_wrong_policy_is_told_with_all_its_lines(tmp_path: Path) -> None:
    done = checked(tmp_path, "[levels]\nlow = 0\n\n[[rules]]\nwhen.kind = 'crad'\ncap = 'none'\n")
    assert (done.code, done.out) == (2, "")
    first, second = done.err.splitlines()
    assert first == "cardscreen: policy.toml, line 2: levels.low must be a whole number from 1 to 100, not 0"
    assert second.startswith("policy.toml, line 5: rule 1: when.kind is never \"crad\" (did you mean 'card'?)")


def test_clearances_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    done = checked(tmp_path, "[clearances]\nfile = 'clearance.csv'")
    assert done.code == 3
    assert "did you mean 'clearances.csv'" in done.err


def store_in(folder: Path) -> None:
    (folder / "police.csv").write_text("value\n13800138000\n", encoding="utf-8")
    feed = Feed(source="police", kind="phone", region="CN", columns={"value": "value"}, terms={"cap": "verify"})
    import_file(folder / "police.csv", feed, cs.Store(folder / "lists"))


def test_a_store_adds_its_sources_terms_and_says_which_sources_and_reasons_there_are(tmp_path: Path) -> None:
    store_in(tmp_path)
    policy = "[[rules]]\nwhen.source = 'polcie'\nscore = 1\n[[rules]]\nwhen.reason = 'listde'\nscore = 1\n"
    done = checked(tmp_path, policy, "--store", "lists")
    assert "  police: at most verify; allow listings and clearances exempt\n" in done.out
    assert done.err.splitlines() == [
        "cardscreen: warning: rule 1: no listing in the store has the source 'polcie' (did you mean 'police'?)",
        "cardscreen: warning: rule 2: no listing in the store has the reason 'listde' (did you mean 'listed'?)",
    ]


def test_a_jobs_policy_is_checked_with_its_store(tmp_path: Path) -> None:
    store_in(tmp_path)
    done = checked(tmp_path, JOB, name="job.toml")
    assert "  1. source is polcie: at most notify\n" in done.out
    assert "did you mean 'police'" in done.err


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        pytest.param('cap = "notify"', 'cap = "notfy"', "job.toml, line 13: policy.rule 1: cap must be", id="value"),
        pytest.param(
            'source = "polcie"', '"account.tier" = "1"', "job.toml, line 4: rules look at tier, n", id="carry"
        ),
    ],
)
def test_a_mistake_in_a_jobs_policy_is_told_with_the_jobs_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    done = checked(tmp_path, JOB.replace(old, new), name="job.toml")
    assert done.code == 2
    assert words in done.err
