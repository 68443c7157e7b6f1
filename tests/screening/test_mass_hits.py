"""Lists that hit masses: the strongest evidence is kept, the rest is counted, and a night that hits too many stops."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from unittest import mock

import parts
import polars as pl
import pytest
from commands import cardscreen

import cardscreen as cs
from cardscreen.kinds.phone.numbering import shelf
from cardscreen.screening.workers import batches

DAY = date(2026, 11, 23)
PHONES = {"mobile": cs.Phone("CN")}


def ranges(count: int, listed: str = "block") -> pl.DataFrame:
    """Ranges within one another, the narrower the more severe."""
    return pl.DataFrame(
        {
            "kind": "phone",
            "value": [f"+86138000{at:05}-+8613800099999" for at in range(count)],
            "list": listed,
            "severity": [1 + at % 99 for at in range(count)],
            "listing_id": [f"{listed}-{at:05}" for at in range(count)],
        }
    )


def numbers(count: int, one: bool) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "account_id": ["a" if one else f"a{at:05}" for at in range(count)],
            "mobile": [f"13800{9_0000 + at:06}" for at in range(count)],
        }
    )


def hits(result: cs.Result) -> pl.DataFrame:
    return result.hits.collect()


@pytest.mark.parametrize("one", [True, False])
def test_of_an_account_the_strongest_hits_are_kept_and_the_others_counted(one: bool) -> None:
    listed = cs.Blocklist.from_frame(ranges(120))
    all_of_them = cs.screen(numbers(6, one), listed, PHONES, as_of=DAY)
    few = cs.screen(numbers(6, one), listed, PHONES, as_of=DAY, hits_per_account=5)
    told = few.summary["hits"]
    assert all_of_them.summary["hits"]["left_out"] == 0
    assert told["rows"] + told["left_out"] == all_of_them.summary["hits"]["rows"] == 6 * 120
    assert set(few.flagged.collect().columns) == set(all_of_them.flagged.collect().columns)
    same = ["account_id", "action", "level", "score", "decided_by", "act_on"]
    assert few.flagged.select(same).collect().equals(all_of_them.flagged.select(same).collect())
    kept = hits(few).group_by("account_id").agg(pl.len(), pl.col("score").min(), ids=pl.col("listing_id"))
    assert kept["len"].to_list() == [5] * len(kept)
    assert kept.filter(pl.col("score") < 95).is_empty()
    decided = dict(few.flagged.select("account_id", "decided_by").collect().rows())
    assert all(decided[account] in ids for account, ids in kept.select("account_id", "ids").rows())
    assert few.summary["rows"] == all_of_them.summary["rows"]
    assert few.summary["coverage"] == all_of_them.summary["coverage"]


def test_each_number_of_an_account_with_thousands_of_hits_is_a_hit() -> None:
    result = cs.screen(
        numbers(300, one=True), cs.Blocklist.from_frame(ranges(300)), PHONES, as_of=DAY, hits_per_account=10
    )
    assert result.summary["coverage"]["mobile"]["hit"] == 300
    assert result.summary["hits"] == {"rows": 10, "exempt": 0, "left_out": 300 * 300 - 10, "sources": {"unnamed": 1}}


def test_a_listing_that_allows_is_never_left_out() -> None:
    listed = cs.Blocklist.from_frame(pl.concat([ranges(120), ranges(1, "allow")]))
    result = cs.screen(numbers(3, one=False), listed, PHONES, as_of=DAY, hits_per_account=1)
    assert result.summary["rows"]["exempt"] == 3
    assert result.flagged.collect()["action"].to_list() == ["none"] * 3


def test_accounts_in_small_parts_give_the_same_hits_and_flags() -> None:
    accounts, listed = numbers(50, one=False), cs.Blocklist.from_frame(ranges(20))
    whole = cs.screen(accounts, listed, PHONES, as_of=DAY)
    with mock.patch.multiple("cardscreen.screening.hits.parts", PART=7, MATCHES=45, _FIRST=3):
        small = cs.screen(accounts, listed, PHONES, as_of=DAY)
    assert hits(small).equals(hits(whole))
    assert small.flagged.collect().equals(whole.flagged.collect())
    keys = ["rows", "coverage", "flagged", "hits", "listings", "notes"]
    assert {key: small.summary[key] for key in keys} == {key: whole.summary[key] for key in keys}


def test_workers_keep_the_same_hits(tmp_path: Path) -> None:
    accounts, listed = numbers(20, one=False), cs.Blocklist.from_frame(ranges(30))
    here = cs.screen(accounts, listed, PHONES, as_of=DAY, hits_per_account=4)
    with mock.patch.dict(shelf._lent), mock.patch.dict(batches._OPEN):  # which are the process's
        there = parts.screen([accounts[:7], accounts[7:]], listed, PHONES, tmp_path, as_of=DAY, hits_per_account=4)
    assert hits(there).equals(hits(here))
    assert there.summary["hits"] == here.summary["hits"]


def test_past_a_share_of_flagged_rows_no_evidence_is_collected_and_nobody_left_is_clear() -> None:
    accounts = pl.concat([numbers(100, one=False), pl.DataFrame({"account_id": ["z"], "mobile": ["13900139000"]})])
    with mock.patch("cardscreen.screening.hits.parts.PART", 10):
        result = cs.screen(accounts, cs.Blocklist.from_frame(ranges(1)), PHONES, as_of=DAY, flagged_share=0.25)
    rows = result.summary["rows"]
    assert (rows["hit"], rows["not_judged"], rows["clear"]) == (30, 70, 1)
    assert rows["read"] == sum(rows.values()) - rows["read"]
    assert result.summary["coverage"]["mobile"]["not_judged"] == 70
    assert result.summary["coverage"]["mobile"]["clear"] == 1
    assert result.flagged.collect()["account_id"].to_list() == [f"a{at:05}" for at in range(30)]


@pytest.mark.parametrize(("asked", "limit"), [(0.25, 1.0), (0.29, 0.29)])  # 0.29 * 100 is a little less than 29
def test_rows_that_were_not_judged_are_never_let_pass(asked: float, limit: float) -> None:
    with mock.patch("cardscreen.screening.hits.parts.PART", 29):
        blocklist = cs.Blocklist.from_frame(ranges(1))
        result = cs.screen(numbers(100, one=False), blocklist, PHONES, as_of=DAY, flagged_share=asked)
    assert (result.summary["rows"]["hit"], result.summary["rows"]["not_judged"]) == (29, 71)
    with pytest.raises(cs.HeldForApproval, match="flagged_share: of 71 rows that may be listed no evidence"):
        cs.check(result, {"first_run": "publish", "flagged_share": limit, "source_share": 1})


JOB = """
timezone = "UTC"
[accounts]
path = "accounts.csv"
[identifiers]
mobile = { kind = "phone", region = "CN" }
[blocklist]
paths = ["list.csv"]
[output]
directory = "out"
[limits]
first_run = "publish"
flagged_share = 0.2
source_share = 1
"""


def test_a_night_that_stopped_is_held_with_figures_and_can_not_be_approved(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(JOB)
    numbers(100, one=False).write_csv(tmp_path / "accounts.csv")
    (tmp_path / "list.csv").write_text("kind,value,severity\nphone,+86*,95\n")
    with mock.patch("cardscreen.screening.hits.parts.PART", 10):
        done = cardscreen("run", "job.toml", "--as-of", "2026-11-23", cwd=tmp_path)
        assert done.code == 4
        assert (
            "flagged_share: 30.00 % of the rows are flagged, and 70 more, of which no evidence was collected"
            in done.err
        )
        assert "70 perhaps on a list" in done.out
        (held,) = (tmp_path / "out" / ".held").glob("2026*")
        who = ("--by", "A. Li", "--reason", "expected")
        refused = cardscreen("runs", "approve", held, *who, cwd=tmp_path)
        assert (refused.code, "can't be approved: too many rows are flagged, and of 70 others" in refused.err) == (
            2,
            True,
        )
        assert cardscreen("audit", held, "--replay", cwd=tmp_path).code == 0
    assert json.loads((held / "summary.json").read_text())["rows"]["not_judged"] == 70
    assert cardscreen("runs", "discard", held, *who, cwd=tmp_path).code == 0


def test_a_job_says_how_many_hits_of_an_account_are_kept(tmp_path: Path) -> None:
    (tmp_path / "job.toml").write_text(JOB.replace("flagged_share = 0.2", "flagged_share = 1\nhits_per_account = 2"))
    numbers(2, one=False).write_csv(tmp_path / "accounts.csv")
    ranges(5).write_csv(tmp_path / "list.csv")
    done = cardscreen("run", "job.toml", "--as-of", "2026-11-23", cwd=tmp_path)
    assert (done.code, "6 weaker hits left out, past hits_per_account" in done.out) == (0, True)
    wrong = (tmp_path / "job.toml").read_text().replace("hits_per_account = 2", "hits_per_account = 0")
    (tmp_path / "job.toml").write_text(wrong)
    done = cardscreen("run", "job.toml", cwd=tmp_path)
    assert (done.code, "hits_per_account" in done.err) == (2, True)
