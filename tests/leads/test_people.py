"""From forty people who call in to the one who objects, and back to whoever listed the number; and who is warned."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from gang import DAY, Gang, people, read_rows, write_rows

from cardscreen.foundation import schema
from cardscreen.runs.job import Job
from cardscreen.runs.record import Base

NEXT = "2026-11-21"
REPORTS = """
source = "reports"
kind = "phone"
region = "CN"
directory = "reports"
store = "lists"
reporter_key = { file = "tokens.key" }
[columns]
value = "number"
category = "category"
reported_on = "when"
reporter = "reporter"
[categories.telecom_fraud]
half_life_days = 30
weight = 1.0
[[steps]]
weight = 3
severity = 40
[[steps]]
weight = 10
severity = 55
[review]
new_reporters_share = 0.8
[terms]
appeal = "the fraud desk, 400-000"
"""


@pytest.fixture(autouse=True)
def today() -> Any:
    """The day of the nights."""
    with mock.patch.object(Job, "today", return_value=date.fromisoformat(DAY)):
        yield


@pytest.fixture
def gang(tmp_path: Path) -> Gang:
    """Accounts, and nobody listed but one by the police."""
    there = Gang(tmp_path)
    there.lists(60)
    return there


def report_forty(gang: Gang, number: str) -> None:
    rows = [f"{number},telecom_fraud,2026-11-19 1{at % 10}:00,1880000{at:04}\n" for at in range(40)]
    gang.write("hotline.csv", "number,category,when,reporter\n" + "".join(rows))
    gang.write("reports.toml", REPORTS)
    gang.does("reports", "add", "reports.toml", "hotline.csv", "--as-of", DAY)


def test_from_forty_reports_to_a_listing_a_hit_an_appeal_a_release_and_the_owners_feedback(gang: Gang) -> None:
    report_forty(gang, "139 0000 0070")
    gang.does("reports", "publish", "reports.toml", "--as-of", DAY)
    assert gang.listed("reports") == set()  # people who have never called before: a person looks first
    gang.does("reports", "review", "reports.toml", "--out", "review.csv")
    (row,) = read_rows(gang.folder / "review.csv")
    assert (row["value"], row["reporters"], row["severity"]) == ("+8613900000070", "40", "55")
    assert "never reported another number before" in row["why"]
    write_rows(gang.folder / "review.csv", [{**row, "decision": "accept", "decision_reason": "called all of them"}])
    gang.does("reports", "decide", "reports.toml", "review.csv", "--by", "A. Li")
    gang.does("reports", "publish", "reports.toml", "--as-of", DAY)
    assert gang.listed("reports") == {"+8613900000070"}

    gang.night()
    assert gang.flagged() == {"A060": "suspend", "A070": "verify"}
    (notice,) = read_rows(gang.folder / "runs/latest/notices/verify.csv")
    assert (notice["account_id"], notice["source"], notice["appeal"]) == ("A070", "reports", "the fraud desk, 400-000")
    told = gang.does("explain", "A070", "--run", "job.toml").out
    assert "That listing was found here: 40 people have reported it, mostly for telecom_fraud" in told
    assert "A. Li has accepted it on" in told

    done = gang.does(
        "appeal", "A070", "--run", "job.toml", "--upheld", "--by", "B. Wu", "--reason", "a courier", "--now"
    )
    assert "the objection is upheld" in done.out
    told = gang.does("explain", "A070", "--run", "job.toml").out
    assert f"An objection was upheld on {date.today()} by B. Wu, which frees the account from the next run on" in told
    assert "a courier" in told
    (now,) = read_rows(gang.folder / "runs/release-now.csv")
    assert (now["account_id"], now["undo"], now["action"], now["cause"]) == ("A070", "cancel", "verify", "clearance")
    (cleared,) = read_rows(gang.folder / "clearances.csv")
    assert cleared == {
        "account_id": "A070",
        "listing_id": "",
        "decided_on": DAY,
        "until": "",
        "by": "B. Wu",
        "reason": "a courier",
    }

    gang.night(NEXT)
    assert gang.flagged() == {"A060": "suspend"}
    (release,) = read_rows(gang.folder / "runs/latest/actions/release.csv")
    assert {name: value for name, value in release.items() if name != "run_id"} == {
        name: value for name, value in now.items() if name != "run_id"
    }

    gang.does("feedback", "job.toml", "--source", "reports", "--from", DAY, "--to", NEXT, "--out", "owner.csv")
    (owner,) = read_rows(gang.folder / "owner.csv")
    assert owner.pop("listing_id")
    assert owner == {
        "reference": "",
        "kind": "phone",
        "value": "+86139****0070",
        "reason": "telecom_fraud",
        "severity": "55",
        "listed_on": "2026-11-19",
        "first_hit": DAY,
        "last_hit": NEXT,
        "hits": "1",
        "holder_same": "0",
        "holder_earlier": "0",
        "holder_unknown": "1",
        "told": "1",
        "strongest": "verify",
        "applied": "0",
        "released": "1",
        "lifted": "0",
        "upheld": "1",
        "rejected": "0",
    }


def test_who_rejects_what_a_hit_stood_on_is_not_told_to_have_accepted_it(gang: Gang) -> None:
    report_forty(gang, "139 0000 0070")
    for decision, by in (("accept", "A. Li"), ("reject", "B. Wu")):
        gang.does("reports", "score", "reports.toml", "--as-of", DAY)
        if decision == "accept":
            gang.does("reports", "review", "reports.toml", "--out", "review.csv")
        write_rows(gang.folder / "review.csv", [{**read_rows(gang.folder / "review.csv")[0], "decision": decision}])
        gang.does("reports", "decide", "reports.toml", "review.csv", "--by", by)
        if decision == "accept":
            gang.does("reports", "publish", "reports.toml", "--as-of", DAY)
            gang.night()
    told = gang.does("explain", "A070", "--run", "job.toml").out
    assert "That listing was found here: 40 people have reported it" in told
    assert "has accepted it" not in told


def test_what_other_systems_did_is_lifted_and_told_to_the_owner(gang: Gang) -> None:
    gang.write(
        "job.toml", (gang.folder / "job.toml").read_text().replace("[output]", '[output]\napplied = "applied.csv"')
    )
    gang.write("applied.csv", "account,action,applied_on\n")
    gang.night()
    gang.write("applied.csv", f"account,action,applied_on\nA060,suspend,{DAY}\n")
    gang.does("appeal", "A060", "--run", "job.toml", "--upheld", "--by", "B", "--reason", "r", "--now")
    (now,) = read_rows(gang.folder / "runs/release-now.csv")
    assert (now["undo"], now["action"]) == ("lift", "suspend")
    gang.night(NEXT)
    (release,) = read_rows(gang.folder / "runs/latest/actions/release.csv")
    assert release["key"] == now["key"]
    gang.does("feedback", "job.toml", "--source", "police", "--from", DAY, "--to", NEXT, "--out", "owner.csv")
    (owner,) = read_rows(gang.folder / "owner.csv")
    assert (owner["applied"], owner["lifted"], owner["strongest"]) == ("1", "1", "suspend")


def test_a_rejected_objection_is_kept_and_frees_nobody(gang: Gang) -> None:
    gang.night()
    gang.does("appeal", "A060", "--run", "job.toml", "--rejected", "--by", "B. Wu", "--reason", "no proof")
    told = gang.does("explain", "A060", "--run", "job.toml").out
    assert told.count("An objection was rejected on") == 1
    assert "by B. Wu: no proof" in told
    gang.night(NEXT)
    assert gang.flagged() == {"A060": "suspend"}
    kept = pl.read_parquet(gang.folder / "runs/feedback.parquet")
    assert kept.select("account_id", "verdict", "source", "by", "reason").rows() == [
        ("A060", "rejected", "police", "B. Wu", "no proof")
    ]


def test_an_objection_is_not_rejected_while_a_clearance_frees_what_it_is_about(gang: Gang) -> None:
    gang.write("clearances.csv", "account_id,listing_id,decided_on,until\nA060,,2026-01-02,\nA061,,2026-12-01,\n")
    gang.night()
    verdicts = [["--rejected", "--by", "B. Wu", "--reason", "no proof"], ["--upheld", "--by", "A. Li", "--reason", "r"]]
    for words in verdicts:
        gang.does("appeal", "A060", "--run", "job.toml", *words)  # the clearance is older than the listing
    kept = (gang.folder / "runs/feedback.parquet").read_bytes()
    done = gang.says("appeal", "A060", "--run", "job.toml", *verdicts[0])
    assert (done.code, "clearances.csv, line 4: a clearance frees this account" in done.err) == (2, True), done.err
    assert (gang.folder / "runs/feedback.parquet").read_bytes() == kept


def test_a_clearance_that_would_free_a_namesake_is_refused(gang: Gang) -> None:
    rows = people()
    rows[60]["account_id"] = "A060 "
    gang.has(rows)
    gang.lists(60, 61)
    gang.night()
    done = gang.says("appeal", "A060", "--run", "job.toml", "--upheld", "--by", "B", "--reason", "r")
    assert (done.code, "would free 'A060 ' as well" in done.err) == (2, True), done.err
    assert read_rows(gang.folder / "clearances.csv") == []


def test_the_same_appeal_again_adds_nothing(gang: Gang) -> None:
    gang.night()
    for _ in range(2):
        gang.does("appeal", "A060", "--run", "job.toml", "--upheld", "--by", "B", "--reason", "r", "--now")
    assert len(read_rows(gang.folder / "clearances.csv")) == 1
    assert len(read_rows(gang.folder / "runs/release-now.csv")) == 1
    assert len(pl.read_parquet(gang.folder / "runs/feedback.parquet")) == 1


def test_what_was_accepted_ends_with_its_evidence_and_a_person_is_asked_again_if_it_returns(gang: Gang) -> None:
    def published(day: str) -> int:
        done = gang.does("reports", "publish", "reports.toml", "--as-of", day, "--allow", "future", "--json")
        (imported,) = json.loads(done.out)
        count: int = imported["in_force"]
        return count

    report_forty(gang, "139 0000 0070")
    gang.does("reports", "score", "reports.toml", "--as-of", DAY)
    gang.does("reports", "review", "reports.toml", "--out", "review.csv")
    (row,) = read_rows(gang.folder / "review.csv")
    write_rows(gang.folder / "review.csv", [{**row, "decision": "accept"}])
    gang.does("reports", "decide", "reports.toml", "review.csv", "--by", "A. Li")
    assert published(DAY) == 1
    for _ in range(2):
        gang.does("reports", "score", "reports.toml", "--as-of", "2027-11-19")  # asking alone changes nothing
    assert [row["decision"] for row in read_rows(gang.folder / "reports/decisions.csv")] == ["accept"]
    assert published("2027-11-19") == 0
    later = [f"139 0000 0070,telecom_fraud,2027-11-20,1770000{at:04}\n" for at in range(40)]
    gang.write("hotline.csv", "number,category,when,reporter\n" + "".join(later))
    gang.does("reports", "add", "reports.toml", "hotline.csv", "--as-of", "2027-11-21", "--allow", "future")
    assert published("2027-11-21") == 0
    words = [(row["decision"], row["by"]) for row in read_rows(gang.folder / "reports/decisions.csv")]
    assert words == [("accept", "A. Li"), ("withdraw", "evidence")]
    assert gang.table("proposals", "reports")["state"].to_list() == ["proposed"]


@pytest.mark.parametrize(
    ("made", "asked", "decided"),
    [("2026-11-25", "2026-11-25", DAY), (DAY, "2026-11-25", "2026-11-25"), (NEXT, NEXT, NEXT)],
    ids=["caught-up", "asked-later", "of-the-day-before"],
)
def test_an_appeal_is_of_its_day_or_of_that_of_the_nights_that_are_caught_up_on(
    gang: Gang, made: str, asked: str, decided: str
) -> None:
    gang.night()
    with (
        mock.patch.object(Base, "made_on", date.fromisoformat(made)),
        mock.patch.object(Job, "today", return_value=date.fromisoformat(asked)),
    ):
        gang.does("appeal", "A060", "--run", "job.toml", "--upheld", "--by", "B", "--reason", "r", "--now")
        assert [row["decided_on"] for row in read_rows(gang.folder / "clearances.csv")] == [decided]
        gang.night(max(decided, NEXT))
    assert "A060" not in gang.flagged()
    (row,) = read_rows(gang.folder / "runs/latest/actions/release.csv")
    (now,) = read_rows(gang.folder / "runs/release-now.csv")
    assert (row["account_id"], row["key"]) == ("A060", now["key"])


def test_other_columns_and_rows_of_the_file_of_clearances_stay(gang: Gang) -> None:
    gang.write("clearances.csv", "account_id,listing_id,decided_on,until,note,by\nA001,,2026-01-02,,as it was,C\n")
    gang.night()
    gang.does("appeal", "A060", "--run", "job.toml", "--upheld", "--by", "B", "--reason", "r", "--until", "2027-01-31")
    assert read_rows(gang.folder / "clearances.csv") == [
        {
            "account_id": "A001",
            "listing_id": "",
            "decided_on": "2026-01-02",
            "until": "",
            "note": "as it was",
            "by": "C",
            "reason": "",
        },
        {
            "account_id": "A060",
            "listing_id": "",
            "decided_on": DAY,
            "until": "2027-01-31",
            "note": "",
            "by": "B",
            "reason": "r",
        },
    ]
    gang.night(NEXT)
    told = gang.does("explain", "A060", "--run", "job.toml").out
    assert f"  B has cleared the account on {DAY}.\n  Why it was cleared: r\n" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("A001", "--upheld"), "account 'A001' has no flag"),
        (("A060",), "say what was decided: --upheld or --rejected"),
        (("A060", "--upheld", "--rejected"), "say what was decided"),
        (("A060", "--rejected", "--now"), "a rejected objection releases nobody"),
        (("A060", "--upheld", "--until", "2026-01-01"), "is over already"),
    ],
)
def test_an_appeal_that_makes_no_sense_is_refused_and_nothing_is_written(
    gang: Gang, words: tuple[str, ...], told: str
) -> None:
    gang.night()
    done = gang.says("appeal", *words, "--run", "job.toml", "--by", "B", "--reason", "r")
    assert (done.code, told in done.err) == (2, True), done.err
    assert read_rows(gang.folder / "clearances.csv") == []
    assert not (gang.folder / "runs/feedback.parquet").exists()


def test_a_policy_without_a_file_of_clearances_is_told_what_to_say(gang: Gang) -> None:
    job = (gang.folder / "job.toml").read_text()
    gang.write("job.toml", job.replace('[policy]\nclearances = { file = "clearances.csv" }\n', ""))
    gang.night()
    done = gang.says("appeal", "A060", "--run", "job.toml", "--upheld", "--by", "B", "--reason", "r")
    assert (done.code, "the policy names no file of clearances" in done.err) == (2, True)
    assert "with the line account_id,listing_id,decided_on,until,by,reason" in done.err


def test_of_a_source_that_no_clearance_overrides_the_flag_is_said_to_stay(gang: Gang) -> None:
    gang.write("police.toml", (gang.folder / "police.toml").read_text() + "[terms]\noverridable = false\n")
    gang.lists(60, 61)
    gang.night()
    done = gang.does("appeal", "A060", "--run", "job.toml", "--upheld", "--by", "B", "--reason", "r", "--now")
    assert "a clearance does not exempt hits of police" in done.out
    assert not (gang.folder / "runs/release-now.csv").exists()
    gang.night(NEXT)
    assert gang.flagged()["A060"] == "suspend"


def test_feedback_of_a_source_or_days_that_nobody_knows_is_refused(gang: Gang) -> None:
    gang.night()
    asked = ("feedback", "job.toml", "--out", "owner.csv", "--from", DAY, "--to", DAY)
    done = gang.says(*asked, "--source", "polcie")
    assert (done.code, "did you mean 'police'?" in done.err) == (3, True)
    done = gang.says(
        "feedback", "job.toml", "--out", "o.csv", "--source", "police", "--from", "2025-01-01", "--to", "2025-02-01"
    )
    assert (done.code, "holds no published run" in done.err) == (3, True)
    done = gang.says("feedback", "job.toml", "--out", "o.csv", "--source", "police", "--from", NEXT, "--to", DAY)
    assert (done.code, "in the wrong order" in done.err) == (2, True)


def test_feedback_may_tell_tokens_that_the_owner_can_make_too(gang: Gang) -> None:
    gang.night()
    gang.does(
        *("feedback", "job.toml", "--source", "police", "--from", DAY, "--to", DAY),
        *("--out", "owner.csv", "--identifiers", "token"),
    )
    (owner,) = read_rows(gang.folder / "owner.csv")
    assert owner["value"].count(":") == 1
    assert "0060" not in owner["value"]


# --- those who were called -------------------------------------------------------------------------------

CONTACTS = 'job = "job.toml"\npath = "contacts.csv"\nmin_days = 2\nmin_contacts = 3\nwithin_days = 7\n'
LISTED = "13900000060"


def contacts(gang: Gang, *rows: tuple[Any, ...]) -> None:
    gang.write("contacts.toml", CONTACTS)
    lines = [",".join(map(str, row)) for row in rows]
    gang.write("contacts.csv", "account,counterpart,day,direction,count\n" + "".join(f"{line}\n" for line in lines))


def test_who_was_called_often_enough_is_warned_and_apart_from_suspects(gang: Gang) -> None:
    gang.night()
    contacts(
        gang,
        ("A001", LISTED, "2026-11-18", "in", 2),
        ("A001", "+86 139-0000-0060", "2026-11-19", "in", 2),
        ("A001", LISTED, "2026-11-19", "out", 5),
        ("A002", LISTED, "2026-11-19", "in", 9),  # on one day only
        ("A003", LISTED, "2026-11-18", "in", 1),
        ("A003", LISTED, "2026-11-19", "in", 1),  # too few
        ("A004", LISTED, "2026-11-18", "out", 9),
        ("A004", LISTED, "2026-11-19", "out", 9),  # called themselves
        ("A005", LISTED, "2026-11-01", "in", 9),
        ("A005", LISTED, "2026-11-02", "in", 9),  # long ago
        ("A006", "13900000099", "2026-11-18", "in", 9),
        ("A006", "13900000099", "2026-11-19", "in", 9),  # not listed
        ("A060", LISTED, "2026-11-18", "in", 9),
        ("A060", LISTED, "2026-11-19", "in", 9),  # flagged themselves
    )
    done = gang.does("targets", "contacts.toml", "--as-of", DAY)
    assert "to warn    1 accounts, of which 1 have called back" in done.out
    assert "left out   1 accounts that are flagged themselves" in done.out
    found = gang.table("targets", "targets")
    assert found.select("account_id", "value", "source", "days", "contacts", "called_back").rows() == [
        ("A001", "+8613900000060", "police", 2, 4, 5)
    ]
    (warned,) = read_rows(gang.newest("targets") / "notices/warn.csv")
    assert (warned["account_id"], warned["numbers"], warned["called_back"]) == ("A001", "+86139****0060", "5")
    assert "You have called such a number, too." in warned["text"]
    assert not (gang.newest("targets") / "actions").exists()


def test_warnings_are_in_the_language_of_the_job(gang: Gang) -> None:
    gang.write("job.toml", 'lang = "zh"\n' + (gang.folder / "job.toml").read_text())
    gang.night()
    contacts(gang, ("A001", LISTED, "2026-11-18", "呼入", 2), ("A001", LISTED, "2026-11-19", "呼入", 2))
    gang.does("targets", "contacts.toml", "--as-of", DAY)
    (warned,) = read_rows(gang.newest("targets") / "notices/warn.csv")
    assert warned["text"].startswith("近日给您来电")


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (("A001", LISTED, "2026-11-18", "sideways", 2), "say in the file of contacts what `incoming` and `outgoing`"),
        (("A001", LISTED, "18/11/2026", "in", 2), "have no day that can be read"),
    ],
)
def test_contacts_that_cant_be_read_are_told(gang: Gang, row: tuple[Any, ...], told: str) -> None:
    gang.night()
    contacts(gang, row)
    done = gang.says("targets", "contacts.toml", "--as-of", DAY)
    assert (done.code, told in done.err) == (3, True), done.err
    assert not list((gang.folder / "targets").glob("2*"))


def test_contacts_of_which_too_many_cant_be_read_are_refused(gang: Gang) -> None:
    gang.night()
    rows = [("A001", "1.39E+10", "2026-11-18", "in", 2), ("A002", "n/a", "2026-11-18", "in", 2)]
    contacts(gang, *rows)
    done = gang.says("targets", "contacts.toml", "--as-of", DAY)
    assert (done.code, "2 of 2 filled cells of 'counterpart' can't be read" in done.err) == (3, True), done.err
    assert "a spreadsheet made quantities of the numbers" in done.err
    assert not list((gang.folder / "targets").glob("2*"))
    good = [(f"A{at:03}", "13900000099", "2026-11-18", "in", 2) for at in range(8)]
    contacts(gang, *rows, *good)
    gang.does("targets", "contacts.toml", "--as-of", DAY)
    assert gang.table("rejects", "targets")["account_id"].to_list() == ["A001", "A002"]
    contacts(gang, *((row[0], "", *row[2:]) for row in good))
    done = gang.says("targets", "contacts.toml", "--as-of", DAY)
    assert (done.code, "all 8 cells of 'counterpart' are empty" in done.err) == (3, True), done.err
    contacts(gang, *(("", *row[1:]) for row in good))
    done = gang.says("targets", "contacts.toml", "--as-of", DAY)
    assert (done.code, "8 of 8 filled cells of 'account' can't be read" in done.err) == (3, True), done.err


def test_contacts_of_a_later_day_and_of_a_count_that_is_none_are_rejects_with_their_reason(gang: Gang) -> None:
    gang.night()
    contacts(
        gang,
        ("A001", LISTED, "2026-11-18", "in", 2),
        ("A001", LISTED, "2026-11-19", "in", ""),
        ("A002", LISTED, "2026-11-21", "in", 9),
        ("A003", LISTED, "2026-11-18", "in", -9),
        ("A003", LISTED, "2026-11-19", "in", "many"),
        ("A003", LISTED, "2026-11-19", "in", 3),
    )
    done = gang.does("targets", "contacts.toml", "--as-of", DAY)
    assert gang.table("targets", "targets")["account_id"].to_list() == ["A001"]
    assert "1 with listed numbers of a day after 2026-11-20: see rejects.parquet" in done.out
    assert "2 with listed numbers whose count is negative, or no whole number" in done.out
    rejects = gang.table("rejects", "targets")
    assert rejects.schema == pl.Schema(schema.REJECTS)
    assert rejects.select("account_id", "identifier", "status", "shape").rows() == [
        ("A002", "day", "later", "9999-99-99"),
        ("A003", "count", "bad_count", "-9"),
        ("A003", "count", "bad_count", "AAAA"),
    ]


def test_contacts_of_a_day_are_found_by_its_name(gang: Gang) -> None:
    gang.night()
    contacts(gang, ("A001", LISTED, "2026-11-18", "in", 2), ("A001", LISTED, "2026-11-19", "in", 2))
    gang.write("contacts.toml", CONTACTS.replace("contacts.csv", "contacts-{as_of}.csv"))
    (gang.folder / "contacts.csv").rename(gang.folder / f"contacts-{DAY}.csv")
    assert "to warn    1 accounts" in gang.does("targets", "contacts.toml", "--as-of", DAY).out


def test_a_job_that_knows_holders_reads_contacts_too(gang: Gang) -> None:
    job = (gang.folder / "job.toml").read_text("utf-8")
    known = job.replace('kind = "phone", region = "CN"', 'kind = "phone", region = "CN", holder_since = "opened_on"')
    assert known != job
    gang.write("job.toml", known)
    gang.night()
    contacts(gang, ("A001", LISTED, "2026-11-18", "in", 2), ("A001", LISTED, "2026-11-19", "in", 2))
    assert "to warn    1 accounts" in gang.does("targets", "contacts.toml", "--as-of", DAY).out
