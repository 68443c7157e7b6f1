"""Mistakes in job and feed files are told with the line, like those of a policy."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from partners import AGREEMENT

import cardscreen as cs
from cardscreen.exchange.agreement import AgreementFile
from cardscreen.foundation.settings.toml import checked, read_toml
from cardscreen.leads.settings import CustomerLimit
from cardscreen.lists.feeds.feed import Feed
from cardscreen.runs.job import Job

JOB = """\
timezone = "UTC"
[accounts]
path = "a.csv"
[identifiers]
mobile = { kind = "phone" }
card = { kind = "card" }
[blocklist]
paths = ["l.parquet"]
[limits]
flagged_share = 1
"""
FEED = """\
source = "police"
kind = "phone"
severity = 90
[columns]
value = "n"
[terms]
cap = "suspend"
"""


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        pytest.param('"UTC"', "8", 1, "timezone must be text, not 8", id="type"),
        pytest.param(
            '"a.csv"', '"a.csv"\ndelimiter = ";;"', 4, 'accounts.delimiter must be one character, not ";;"', id="length"
        ),
        pytest.param(
            '"a.csv"', '"a.csv"\ncarry = "x"', 4, 'accounts.carry must be a list of text, not "x"', id="no-list"
        ),
        pytest.param('path = "a.csv"', "", 2, "'accounts.path' is missing", id="missing"),
        pytest.param(
            '["l.parquet"]',
            "[]",
            8,
            "blocklist.paths must be a list of at least one text, not an empty list",
            id="empty",
        ),
        pytest.param(
            '"phone" }', '"fone" }', 5, "identifiers.mobile: unknown kind 'fone' (did you mean 'phone'?)", id="kind"
        ),
        pytest.param(
            "share = 1", "share = 5", 10, "limits.flagged_share must be a number from 0 to 1, not 5", id="limit"
        ),
        pytest.param(
            "[limits]", '[policy]\nfile = "p"\nrules = []\n[limits]', 10, "give either `file` or", id="two-policies"
        ),
        pytest.param(
            "[limits]", "[policy.levels]\nhigh = 0\n[limits]", 10, "policy.levels.high must be a whole", id="policy"
        ),
        pytest.param("[blocklist]\n", '[blocklist]\nstore = "s"\n', 7, "give either `store`", id="two-lists"),
    ],
)
def test_a_mistake_in_a_job_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    path = tmp_path / "job.toml"
    path.write_text(JOB.replace(old, new), encoding="utf-8")
    with pytest.raises(cs.ConfigError) as caught:
        Job.read(path)
    assert str(caught.value).startswith(f"{path}, line {line}: ")
    assert words in str(caught.value)


def test_all_identifiers_that_make_no_sense_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "job.toml"
    path.write_text(JOB.replace('kind = "', 'kind = "x'), encoding="utf-8")
    with pytest.raises(cs.ConfigError) as caught:
        Job.read(path)
    lines = [line.split(":")[0] for line in str(caught.value).split("\n")]
    assert lines == [f"{path}, line 5", f"{path}, line 6"]


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        pytest.param("90", "0", 3, "severity must be a whole number from 1 to 100, not 0", id="number"),
        pytest.param(
            "= 90",
            '= 90\nlisted_on = "today"',
            4,
            'listed_on must be "first-seen" or a day such as 2026-01-31, not "today"',
            id="day",
        ),
        pytest.param(
            "= 90",
            '= 90\nlisted_on = "2026-02-30"',
            4,
            'listed_on must be "first-seen" or a day such as 2026-01-31, not "2026-02-30"',
            id="no-such-day",
        ),
        pytest.param(
            "= 90",
            '= 90\nmode = "deltas"',
            4,
            """mode must be one of "snapshot" or "delta", not "deltas" (did you mean 'delta'?)""",
            id="word",
        ),
        pytest.param(
            "[columns]\nvalue", "[columns]\nvalues", 5, "unknown key 'columns.values' (did you mean 'value'?)", id="key"
        ),
        pytest.param(
            '"suspend"',
            '"suspend"\nwarn_after_days = 9\nerror_after_days = 3',
            6,
            "terms: warn_after_days is more",
            id="terms",
        ),
    ],
)
def test_a_mistake_in_a_feed_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, words: str) -> None:
    path = tmp_path / "police.toml"
    path.write_text(FEED.replace(old, new), encoding="utf-8")
    with pytest.raises(cs.ConfigError) as caught:
        Feed.read(path)
    assert str(caught.value).startswith(f"{path}, line {line}: {words}")
    assert "\n" not in str(caught.value)


def test_a_day_in_quotes_is_that_day(tmp_path: Path) -> None:
    day, columns = date(2026, 1, 1), {"value": "nr"}
    assert cs.Feed(source="a", kind="phone", listed_on="2026-01-01", columns=columns).listed_on == day
    limit = {"identifier": "mobile", "above": 3, "opened": "opened_on", "since": "2026-01-01"}
    assert CustomerLimit.model_validate(limit).since == day
    file = tmp_path / "agreement.toml"
    file.write_text(AGREEMENT.format(name="n", until='"2026-01-01"', more=""), encoding="utf-8")
    assert checked(AgreementFile, read_toml(file)).valid_until == day
