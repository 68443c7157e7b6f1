"""Leads by the command line: found, reviewed, decided, published; what comes back, what stays, what is refused."""

from __future__ import annotations

import csv
import json
from datetime import date, datetime
from pathlib import Path
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from gang import CUSTOMERS, DAY, JOB, LEADS, LISTED, Gang, account, card, people, read_rows, write_rows

import cardscreen as cs
from cardscreen.foundation import schema
from cardscreen.foundation.errors import Busy, InputError
from cardscreen.leads.desk.decisions import Decisions, decided, to_review
from cardscreen.leads.desk.publishing import DerivedSource, publish
from cardscreen.leads.finding import desk_of, find
from cardscreen.leads.proposals import as_proposals
from cardscreen.leads.settings import Leads
from cardscreen.lists.terms import Terms
from cardscreen.runs.job import Job


@pytest.fixture
def gang(tmp_path: Path) -> Gang:
    """The gang, after one night."""
    there = Gang(tmp_path)
    there.lists(*LISTED)
    there.night()
    return there


def test_a_ring_is_found_through_a_device_and_a_card_and_nobody_else_is_drawn_in(gang: Gang) -> None:
    gang.finds()
    members = gang.table("members")
    assert dict(members.select("account_id", "steps").rows()) == {
        **dict.fromkeys(("A001", "A002", "A003"), 0),
        **dict.fromkeys(("A004", "A005"), 1),
        **dict.fromkeys(("A006", "A007"), 2),
    }
    assert gang.states() == {"device:GANG": "proposed", "card": "proposed"}
    assert gang.table("dropped").select("value", "why", "more_than").rows() == [("device:SWITCH", "crowded", 10)]
    assert gang.table("rings").select("accounts", "listed").rows() == [(7, 3)]


def test_frames_have_the_columns_of_the_contract(tmp_path: Path) -> None:
    gang = Gang(tmp_path, LEADS + CUSTOMERS)
    gang.lists(*LISTED)
    gang.night()
    gang.finds()
    for name, columns in (
        ("proposals", schema.PROPOSALS),
        ("rings", schema.RINGS),
        ("members", schema.MEMBERS),
        ("links", schema.LINKS),
        ("customers", schema.CUSTOMERS),
    ):
        assert gang.table(name).schema == pl.Schema(columns), name
    summary = json.loads((gang.newest() / "summary.json").read_text())
    assert summary["proposals"] == {"customers": {"proposed": 6}, "rings": {"proposed": 2}}


def test_what_is_accepted_becomes_a_listing_that_asks_a_person(gang: Gang) -> None:
    gang.finds()
    assert gang.decides("accept").out == "2 accept\n"
    assert gang.does("leads", "publish", "leads.toml").out == "rings: 2 added, 0 ended, 2 in force\n"
    assert gang.states() == {"device:GANG": "published", "card": "published"}
    gang.has([*people(), account(99, device="GANG")])
    gang.night("2026-11-21")
    flags = gang.flagged()
    assert {name: flags[name] for name in ("A004", "A006", "A099")} == dict.fromkeys(("A004", "A006", "A099"), "verify")
    assert [flags[f"A{at:03}"] for at in LISTED] == ["suspend"] * 6
    listed = cs.Store(gang.folder / "lists").blocklist()
    ours = listed.listings.filter(pl.col("source") == "rings")
    ring = gang.table("rings")["ring_id"][0]
    assert ours.select("reason", "reference", "severity").unique().rows() == [("ring", ring, 50)]
    assert {str(day) for day in ours["listed_on"]} == {DAY}
    assert {str(day) for day in ours["expires_on"]} == {"2026-12-20"}
    assert listed.origins["rings"].terms.derived
    assert listed.origins["rings"].terms.cap == "verify"


def test_explain_says_that_a_hit_stands_on_a_ring_and_which_and_why_and_who_accepted_it(gang: Gang) -> None:
    gang.finds()
    gang.decides("accept")
    gang.does("leads", "publish", "leads.toml")
    gang.night("2026-11-21")
    ring = gang.table("rings")["ring_id"][0]
    told = gang.does("explain", "A006", "--run", "job.toml").out
    assert f"it stands on ring {ring}" in told
    assert "Why that is a ring: 3 of its 7 accounts (43%) are listed by other sources." in told
    assert "A. Li has accepted it on" in told
    chinese = gang.does("explain", "A006", "--run", "job.toml", "--lang", "zh").out
    assert "为何认定为团伙：其 7 个账户中有 3 个（43%）被其他来源列名。" in chinese
    decided = gang.does("explain", "A001", "--run", "job.toml").out.split("Also found")[0]
    assert "That listing was found here" not in decided


def test_hits_of_derived_sources_make_and_grow_no_ring(gang: Gang) -> None:
    gang.finds()
    gang.decides("accept")
    gang.does("leads", "publish", "leads.toml")
    before = gang.table("rings").drop("why")
    gang.has([*people(), account(98, device="GANG", mobile="13999990001"), account(97, mobile="13999990001")])
    gang.night("2026-11-21")
    gang.finds()
    after = gang.table("rings")
    assert after.select("ring_id", "listed").rows() == before.select("ring_id", "listed").rows()
    # The police's listings end: what was found from them alone goes, however many derived hits there are.
    gang.lists(20, on="2026-11-21")
    gang.night("2026-11-22")
    assert set(gang.finds()["state"]) == {"withdrawn"}
    assert gang.table("rings").is_empty()


def test_nothing_is_published_that_is_not_accepted(gang: Gang) -> None:
    gang.finds()
    assert gang.does("leads", "publish", "leads.toml").out == "nothing is accepted, so nothing is published\n"
    gang.decides("later")
    gang.does("leads", "publish", "leads.toml")
    assert gang.listed("rings") == set()
    assert gang.decides("accept", lambda row: row["kind"] == "opaque").code == 0
    gang.does("leads", "publish", "leads.toml")
    assert gang.listed("rings") == {"device:GANG"}


def test_a_stated_rule_publishes_without_a_person_and_a_person_may_still_reject(tmp_path: Path) -> None:
    gang = Gang(tmp_path, f'{LEADS}accept = "rule"\n')
    gang.lists(*LISTED)
    gang.night()
    assert gang.finds().select("state", "decided_by").unique().rows() == [("accepted", "rule")]
    gang.does("leads", "publish", "leads.toml")
    assert gang.listed("rings") == {"device:GANG", "card"}
    review = gang.table("proposals").with_columns(decision=pl.lit("reject"))
    review.filter(pl.col("kind") == "card").write_csv(gang.folder / "mine.csv")
    gang.does("leads", "decide", "leads.toml", "mine.csv", "--by", "A. Li", "--reason", "a shop's")
    gang.does("leads", "publish", "leads.toml")
    assert gang.listed("rings") == {"device:GANG"}
    gang.night("2026-11-21")
    gang.finds()
    assert gang.states()["card"] == "rejected"


def test_a_rejected_proposal_comes_back_when_its_evidence_has_grown_by_half(gang: Gang) -> None:
    gang.finds()
    gang.decides("reject")
    for listed, state in (((*LISTED, 4), "rejected"), ((*LISTED, 4, 5), "proposed")):
        gang.lists(*listed)
        gang.night()
        gang.finds()
        assert gang.states()["device:GANG"] == state


def test_decisions_are_kept_with_who_and_why_and_the_same_again_adds_nothing(gang: Gang) -> None:
    gang.finds()
    gang.decides("reject")
    again = gang.does("leads", "decide", "leads.toml", "review.csv", "--by", "A. Li")
    assert again.out == "nothing new was decided\n"
    kept = pl.read_csv(gang.folder / "leads/decisions.csv", infer_schema=False)
    assert kept.select("decision", "source", "by").rows() == [("reject", "rings", "A. Li")] * 2
    proposals = gang.table("proposals")
    assert proposals.select("decided_by").unique().rows() == [("A. Li",)]


@pytest.mark.parametrize(("zone", "day"), [("Asia/Shanghai", date(2026, 11, 21)), ("UTC", date(2026, 11, 20))])
def test_the_day_of_a_decision_is_that_of_the_jobs_time_zone(tmp_path: Path, zone: str, day: date) -> None:
    at = "2026-11-20T20:30:00+00:00"
    row = {"at": at, "decision": "accept", "source": "rings", "kind": "opaque", "value": "device:GANG", "by": "A. Li"}
    write_rows(tmp_path / "decisions.csv", [{**row, "reason": "", "weight": "3", "system_user": ""}])
    assert Decisions(tmp_path / "decisions.csv", zone).latest()["at"].to_list() == [day]


def test_a_spreadsheet_that_spoils_values_spoils_no_decision(gang: Gang) -> None:
    gang.finds()
    gang.does("leads", "review", "leads.toml", "--out", "review.csv")
    rows = read_rows(gang.folder / "review.csv")
    rows = [{**row, "value": row["value"].upper(), "decision": " Accept "} for row in rows]
    write_rows(gang.folder / "review.csv", rows)
    assert gang.does("leads", "decide", "leads.toml", "review.csv", "--by", "A. Li").out == "2 accept\n"


@pytest.mark.parametrize(
    "shown", ["8.61391E+12", "8,61391E+12", "8613912345678.0", " 8613912345678", "'+8613912345678"]
)
def test_a_long_number_as_a_spreadsheet_shows_it_is_still_the_proposals(tmp_path: Path, shown: str) -> None:
    found = pl.DataFrame({"source": ["reports"], "kind": ["phone"], "value": ["+8613912345678"]})
    proposals = as_proposals(found, None)
    table = to_review(proposals).with_columns(decision=pl.lit("accept"), value=pl.lit(shown))
    table.write_csv(tmp_path / "review.csv")
    rows = decided(tmp_path / "review.csv", proposals, "A. Li", None)
    assert rows.select("decision", "value").rows() == [("accept", "+8613912345678")]
    table.with_columns(value=pl.lit("8.62E+12")).write_csv(tmp_path / "review.csv")
    with pytest.raises(InputError, match="line 2: the row names one proposal, and its value is another's"):
        decided(tmp_path / "review.csv", proposals, "A. Li", None)


@pytest.mark.parametrize("column", ["proposal", "value"])
def test_rows_that_name_one_proposal_and_tell_another_are_refused(gang: Gang, column: str) -> None:
    gang.finds()
    gang.does("leads", "review", "leads.toml", "--out", "review.csv")
    rows = read_rows(gang.folder / "review.csv")
    turned = [{**row, column: rows[-1 - at][column], "decision": "accept"} for at, row in enumerate(rows)]
    write_rows(gang.folder / "review.csv", turned)
    done = gang.says("leads", "decide", "leads.toml", "review.csv", "--by", "A. Li")
    assert (done.code, "line 2: the row names one proposal" in done.err, len(rows)) == (3, True, 2)
    assert not (gang.folder / "leads/decisions.csv").exists()


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-16"), (",", "gb18030")])
def test_a_table_is_read_as_spreadsheets_save_it(gang: Gang, delimiter: str, encoding: str) -> None:
    gang.finds()
    gang.does("leads", "review", "leads.toml", "--out", "review.csv")
    said = {"decision": "accept", "decision_reason": "wie gesehen"}
    rows = [row | said for row in read_rows(gang.folder / "review.csv")]
    with (gang.folder / "review.csv").open("w", newline="", encoding=encoding) as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    assert gang.does("leads", "decide", "leads.toml", "review.csv", "--by", "A. Li").out == "2 accept\n"
    kept = pl.read_csv(gang.folder / "leads/decisions.csv", infer_schema=False)
    assert kept["reason"].to_list() == ["wie gesehen"] * 2


@pytest.mark.parametrize(
    ("cell", "told"),
    [("acept", "line 2: decision is 'acept' (did you mean 'accept'?)"), ("yes", "write accept, reject or later")],
)
def test_another_word_is_told_with_its_line_and_nothing_is_taken_down(gang: Gang, cell: str, told: str) -> None:
    gang.finds()
    done = gang.decides(cell)
    assert (done.code, told in done.err) == (2, True)
    assert not (gang.folder / "leads/decisions.csv").exists()


def test_a_decision_about_what_nobody_has_proposed_is_refused(gang: Gang) -> None:
    gang.finds()
    gang.write("review.csv", "decision,source,kind,value\naccept,rings,phone,+8613800138000\n")
    done = gang.says("leads", "decide", "leads.toml", "review.csv", "--by", "A. Li")
    assert (done.code, "line 2: there is no such proposal" in done.err) == (3, True)
    done = gang.says("leads", "decide", "leads.toml", "review.csv", "--by", " ")
    assert (done.code, "say who decides" in done.err) == (2, True)


def test_what_was_published_stays_when_its_accounts_are_closed_and_goes_when_the_listing_ends(gang: Gang) -> None:
    gang.finds()
    gang.decides("accept")
    gang.does("leads", "publish", "leads.toml")
    gang.has([row for row in people() if row["account_id"] not in ("A001", "A002", "A003")])
    gang.night("2026-11-21")
    gang.finds()
    assert gang.table("rings").is_empty()
    gang.does("leads", "publish", "leads.toml")
    assert gang.listed("rings") == {"device:GANG", "card"}
    assert {str(day) for day in gang.table("proposals")["last_on"]} == {DAY}
    gang.lists(20, 21, on="2026-11-21")
    gang.night("2026-11-22")
    gang.finds()
    assert set(gang.states().values()) == {"withdrawn"}
    gang.does("leads", "publish", "leads.toml")
    assert gang.listed("rings") == set()
    gang.lists(*LISTED, on="2026-11-22")
    gang.has(people())
    gang.night("2026-11-23")
    gang.finds()
    assert set(gang.states().values()) == {"proposed"}  # and not accepted once and for all


def test_rings_and_proposals_keep_the_day_that_found_them_first_when_a_night_does_not_see_them(tmp_path: Path) -> None:
    gang = Gang(tmp_path, LEADS + CUSTOMERS)
    for day, listed in ((DAY, LISTED), ("2026-11-21", LISTED), ("2026-11-22", (60,)), ("2026-11-23", (*LISTED, 61))):
        gang.lists(*listed, on=day)
        gang.night(day)
        gang.finds()
    first, last = date.fromisoformat(DAY), date(2026, 11, 23)
    assert gang.table("rings")["first_found"].to_list() == [first]
    found = gang.table("proposals").select("value", "source", "first_on", "last_on").rows()
    days = {value if source == "customers" else source: (begin, end) for value, source, begin, end in found}
    assert days["rings"] == days["customer:C001"] == days["customer:C050"] == (first, last)
    assert days["customer:C061"] == (last, last)


def test_folders_that_cant_be_read_any_more_hinder_no_search(gang: Gang) -> None:
    gang.finds()
    gang.finds()
    first, second = sorted((gang.folder / "leads").glob("2*"))
    (first / "manifest.json").write_text("{")
    gang.finds()
    second.joinpath("rings.parquet").write_bytes(b"another")
    assert gang.states() == {"device:GANG": "proposed", "card": "proposed"}
    gang.finds()


def test_an_upheld_appeal_takes_its_account_out_of_the_ring(gang: Gang) -> None:
    gang.finds()
    gang.decides("accept")
    gang.does("leads", "publish", "leads.toml")
    with mock.patch.object(Job, "today", return_value=date.fromisoformat(DAY)):
        for name in ("A001", "A002"):
            gang.does("appeal", name, "--run", "job.toml", "--upheld", "--by", "A. Li", "--reason", "sold the phone")
    gang.night("2026-11-21")
    gang.finds()
    assert set(gang.states().values()) == {"withdrawn"}


def test_a_card_that_is_allowed_as_a_token_links_nobody(gang: Gang) -> None:
    gang.write("allow.csv", f"card\n{card(5)}\n")
    feed = 'source = "desk"\nkind = "card"\nlist = "allow"\nreason = "shared"\nopen_ended = true\n'
    gang.write("allow.toml", feed + '[columns]\nvalue = "card"\n')
    told = ("--store", "lists", "--key-file", "tokens.key", "--as-of", DAY)
    gang.does("list", "import", "allow.csv", "--feed", "allow.toml", *told)
    gang.night("2026-11-21")
    gang.finds()
    assert gang.states() == {"device:GANG": "proposed"}
    assert set(gang.table("members")["account_id"]) == {f"A{at:03}" for at in range(1, 6)}
    assert ("card_no", "allowed") in gang.table("dropped").select("identifier", pl.col("why").cast(pl.String)).rows()


def test_the_same_search_finds_the_same_to_the_byte(gang: Gang) -> None:
    gang.finds()
    first = gang.newest()
    gang.finds()
    for name in ("proposals", "rings", "members", "links", "dropped", "evidence"):
        assert (first / f"{name}.parquet").read_bytes() == (gang.newest() / f"{name}.parquet").read_bytes(), name


def test_card_numbers_stand_nowhere_in_what_leads_write(gang: Gang) -> None:
    gang.finds()
    gang.decides("accept")
    gang.does("leads", "publish", "leads.toml")
    said = gang.does("leads", "show", "leads.toml", gang.table("rings")["ring_id"][0]).out
    numbers = [card(at) for at in range(1, 90)]
    for file in [*(gang.folder / "leads").rglob("*"), *(gang.folder / "lists").rglob("*"), gang.folder / "review.csv"]:
        if file.is_file():
            content = file.read_bytes().decode("latin-1") + said
            if file.suffix == ".parquet" and "leads" in file.parts:
                content += "".join(map(str, pl.read_parquet(file).rows()))
            assert not [number for number in numbers if number in content], file


def test_customers_who_are_named_by_a_secret_are_tokens_everywhere(tmp_path: Path) -> None:
    person = "11010519491231002X"
    job = JOB.replace('customer = { kind = "opaque", name = "customer" }', 'customer = { kind = "resident_id" }')
    gang = Gang(tmp_path, 'job = "job.toml"\n' + CUSTOMERS, job)
    others = [{**row, "customer": ""} for row in people()]
    gang.has([*others, *(account(100 + at, customer=person) for at in range(7))])
    gang.lists(20)
    gang.night()
    gang.finds()
    gang.decides("accept")
    gang.does("leads", "publish", "leads.toml")
    gang.night("2026-11-21")
    assert {name: action for name, action in gang.flagged().items() if name > "A099"} == {
        f"A{100 + at}": "verify" for at in range(7)
    }
    told = gang.does("explain", "A100", "--run", "job.toml").out
    assert "7 different values of mobile" in told
    (gang.folder / "accounts.csv").unlink()
    for file in gang.folder.rglob("*"):
        if file.is_file():
            content = told + file.read_bytes().decode("latin-1")
            content += str(pl.read_parquet(file).rows()) if file.suffix == ".parquet" else ""
            assert person not in content, file
            assert "19491231" not in content, file


def test_two_files_that_publish_into_one_store_are_told_to_name_two_sources(gang: Gang) -> None:
    gang.finds()
    gang.decides("accept")
    gang.does("leads", "publish", "leads.toml")
    gang.write("other.toml", LEADS.replace('"leads"', '"other"').replace("mobile = 20, ", "") + 'accept = "rule"\n')
    gang.does("leads", "find", "other.toml")
    gang.does("leads", "publish", "other.toml")  # finds the very same, and ends nothing
    gang.write("other.toml", LEADS.replace('"leads"', '"third"').replace(", device = 10", "") + 'accept = "rule"\n')
    gang.does("leads", "find", "other.toml")
    done = gang.says("leads", "publish", "other.toml")
    assert (done.code, "has 2 listings that are not from" in done.err) == (2, True), done.err
    assert gang.listed("rings") == {"device:GANG", "card"}
    gang.write("other.toml", (gang.folder / "other.toml").read_text() + 'source = "card-rings"\n')
    gang.does("leads", "find", "other.toml")
    gang.does("leads", "publish", "other.toml")
    assert gang.listed("rings") == {"device:GANG", "card"}


def test_a_search_in_a_column_that_cant_be_read_is_refused_with_what_would_mend_it(tmp_path: Path) -> None:
    gang = Gang(tmp_path, job=JOB.replace(', name = "device"', "").replace("[limits]", "[limits]\nrejected_share = 1"))
    gang.lists(*LISTED)
    gang.night()
    told = gang.does("leads", "find", "leads.toml").out
    assert "unread     89 of 89 filled cells of device can't be read, and find nobody" in told
    gang.write("job.toml", (tmp_path / "job.toml").read_text().replace("rejected_share = 1", "rejected_share = 0.2"))
    done = gang.says("leads", "find", "leads.toml")
    assert done.code == 3
    assert "89 of 89 filled cells of 'device' can't be read (100.0%, limit rejected_share = 0.2" in done.err
    assert 'say name = "…" beside the column\'s kind' in done.err


def test_a_search_in_a_column_that_the_run_has_read_in_another_way_asks_for_a_run(gang: Gang) -> None:
    gang.write("job.toml", JOB.replace(', name = "device"', ""))
    done = gang.says("leads", "find", "leads.toml")
    assert (done.code, "has read 'device' in another way than the job does now" in done.err) == (3, True), done.err


def test_a_search_without_a_published_run_is_refused(tmp_path: Path) -> None:
    gang = Gang(tmp_path)
    done = gang.says("leads", "find", "leads.toml")
    assert (done.code, "holds no published run" in done.err) == (3, True)
    assert not list((gang.folder / "leads").glob("2*"))


def test_a_run_that_was_made_too_long_ago_is_refused_however_late_its_day_is(gang: Gang) -> None:
    with mock.patch.object(Job, "today", return_value=date(2099, 3, 1)):
        done = gang.says("leads", "find", "leads.toml")
    assert (done.code, "days ago (limit max_run_age_days = 2)" in done.err) == (3, True)


@pytest.mark.parametrize(
    ("leads", "told"),
    [
        (LEADS.replace("device = 10", "devise = 10"), "'devise' is no identifier of the job (did you mean 'device'?)"),
        (LEADS.replace("device = 10", "device = 1"), "links.device is 1: give the number of accounts"),
        (LEADS + "stpes = 3\n", "unknown key 'rings.stpes'"),
        ('job = "job.toml"\n', "nothing is looked for"),
        (LEADS.replace("job.toml", "jobb.toml"), "did you mean 'job.toml'?"),
        (
            LEADS + CUSTOMERS.replace("since = 2016-12-01\n", ""),
            "add such as since = 2016-12-01, or leave out `opened`",
        ),
        (
            LEADS + CUSTOMERS.replace('opened = "opened_on"\n', ""),
            'add such as opened = "opened_on", or leave out `since`',
        ),
        (LEADS + CUSTOMERS.replace('"suspend", "close"', '"none"'), "none is no action"),
    ],
)
def test_a_file_of_leads_that_makes_no_sense_is_told_with_its_line(tmp_path: Path, leads: str, told: str) -> None:
    done = Gang(tmp_path, leads).says("leads", "find", "leads.toml")
    assert (done.code, told in done.err) == (2, True), done.err


def test_links_on_cards_without_a_key_are_refused(tmp_path: Path) -> None:
    gang = Gang(tmp_path, job=JOB.replace('[tokens]\nkey_file = "tokens.key"\n', ""))
    done = gang.says("leads", "find", "leads.toml")
    assert (done.code, "which are proposed as tokens only" in done.err) == (2, True)


def test_only_one_works_in_the_folder_at_a_time(gang: Gang) -> None:
    leads = Leads.read(gang.folder / "leads.toml")
    with desk_of(leads).locked(), pytest.raises(Busy):
        find(leads)


def test_a_decision_that_is_killed_leaves_the_folder_as_it_was_or_as_it_will_be(gang: Gang) -> None:
    gang.finds()
    before = gang.table("proposals")
    replace = Path.replace

    def killed(self: Path, target: Path) -> Path:
        if Path(target).name == "proposals.parquet":
            raise KeyboardInterrupt
        return replace(self, target)

    with mock.patch.object(Path, "replace", killed):
        assert gang.decides("accept").code == 130
    assert gang.table("proposals").equals(before)
    gang.does("leads", "publish", "leads.toml")  # what was decided is kept, and its folder is sound
    assert gang.listed("rings") == {"device:GANG", "card"}


def test_a_table_that_was_changed_is_refused(gang: Gang) -> None:
    gang.finds()
    file = gang.newest() / "proposals.parquet"
    pl.read_parquet(file).with_columns(severity=pl.lit(99, pl.UInt8)).write_parquet(file)
    done = gang.says("leads", "publish", "leads.toml")
    assert (done.code, "is not as it was written" in done.err) == (3, True)


def test_a_ring_of_another_name_is_told_with_the_near_one(gang: Gang) -> None:
    gang.finds()
    ring = gang.table("rings")["ring_id"][0]
    done = gang.says("leads", "show", "leads.toml", f"{ring[:-1]}x")
    assert (done.code, f"did you mean '{ring}'?" in done.err) == (2, True)
    shown = json.loads(gang.does("leads", "show", "leads.toml", ring, "--json").out)
    assert len(shown["members"]) == 7


def test_the_report_tells_rings_with_a_picture_and_what_waits(gang: Gang) -> None:
    gang.finds()
    gang.does("report", "job.toml", "--out", "page.html")
    page = (gang.folder / "page.html").read_text("utf-8")
    ring = gang.table("rings")["ring_id"][0]
    section = page[page.index('id="leads"') : page.index('id="accounts"')]
    assert f"Ring {ring}:" in section
    assert "2 proposals wait for a person." in section
    assert "devi****ANG" in section
    assert not [at for at in range(1, 90) if card(at) in page]
    (gang.folder / "leads.toml").unlink()
    gang.does("report", "job.toml", "--out", "page.html", "--force")
    assert "nobody had looked for rings" in (gang.folder / "page.html").read_text("utf-8")


@pytest.mark.parametrize("name", ["leads", "reports", "contacts"])
def test_editors_get_a_schema_of_the_files(gang: Gang, name: str) -> None:
    told = json.loads(gang.does("schema", name).out)
    assert told["title"] == f"cardscreen {name}"
    assert told["additionalProperties"] is False


# --- customers ------------------------------------------------------------------------------------------


def customers(folder: Path, rows: list[dict[str, str]], listed: tuple[int, ...] = (20,)) -> dict[str, dict[str, Any]]:
    gang = Gang(folder, 'job = "job.toml"\n' + CUSTOMERS)
    gang.has(rows)
    gang.lists(*listed)
    gang.night()
    gang.finds()
    return {row["customer"].removeprefix("customer:"): row for row in gang.table("customers").to_dicts()}


def many(customer: str, count: int, begin: int = 100, **others: str) -> list[dict[str, str]]:
    return [account(begin + at, customer=customer, **others) for at in range(count)]


def test_a_customer_with_a_flagged_account_is_proposed_with_all_of_them(tmp_path: Path) -> None:
    rows = [*people(), account(95, customer="C020"), account(96, customer=" C020 ")]
    found = customers(tmp_path, rows)
    assert set(found) == {"C020"}
    assert (found["C020"]["accounts"], found["C020"]["listed"], found["C020"]["reason"]) == (3, 1, "flagged_account")


@pytest.mark.parametrize(
    ("rows", "proposed"),
    [
        (many("BIG", 6), True),
        (many("BIG", 5), False),
        (many("BIG", 3) + many("BIG", 3, 110, operator="two"), False),
        (many("BIG", 4) + many("BIG", 2, 110, segment="iot"), False),
        (many("BIG", 5) + many("BIG", 1, 110, segment=" IoT "), False),
        (many("BIG", 5) + many("BIG", 1, 110, opened_on="2015-01-01"), False),
        (many("BIG", 5) + many("BIG", 1, 110, opened_on="2016-12-01"), True),
        (many("BIG", 5) + many("BIG", 1, 110, opened_on=""), False),  # a day that nobody knows
        ([*many("BIG", 5), account(105, customer="BIG", mobile="1390000 0104")], False),  # the same number again
        (many("unknown", 9), False),
    ],
)
def test_a_customer_with_more_than_a_limit_allows_is_proposed(
    tmp_path: Path, rows: list[dict[str, str]], proposed: bool
) -> None:
    found = customers(tmp_path, [*people(), *rows])
    assert ("BIG" in found) == proposed
    if proposed:
        assert (found["BIG"]["reason"], found["BIG"]["count"], found["BIG"]["severity"]) == ("too_many_cards", 6, 40)


def test_an_exempt_account_does_not_count_and_is_flagged_with_its_customer_all_the_same(tmp_path: Path) -> None:
    rule = CUSTOMERS.replace("[customers]\n", '[customers]\naccept = "rule"\n')
    gang = Gang(tmp_path, 'job = "job.toml"\n' + rule)
    gang.has([*people(), *many("BIG", 6), *many("BIG", 1, 110, segment="iot")])
    gang.lists(60)
    gang.night()
    gang.finds()
    (found,) = (row for row in gang.table("customers").to_dicts() if row["customer"] == "customer:BIG")
    assert (found["count"], found["accounts"]) == (6, 7)
    gang.does("leads", "publish", "leads.toml")
    gang.night("2026-11-21")
    assert gang.flagged()["A110"] == gang.flagged()["A100"] == "verify"


def test_a_customer_for_two_reasons_is_one_proposal_with_the_severer(tmp_path: Path) -> None:
    found = customers(tmp_path, [*people(), *many("C020", 6)])
    assert found["C020"]["reason"] == "flagged_account"
    assert "different values of mobile of one operator; 5 are allowed" in found["C020"]["why"]


def test_one_that_is_allowed_is_told_as_one(tmp_path: Path) -> None:
    gang = Gang(
        tmp_path, 'job = "job.toml"\n' + CUSTOMERS.replace("above = 5", "above = 1").replace('per = ["operator"]', "")
    )
    gang.has([*people(), *many("BIG", 2)])
    gang.lists(60)
    gang.night()
    gang.finds()
    why = gang.table("proposals").filter(pl.col("value") == "customer:BIG")["why"].to_list()
    assert why == ["The customer has 2 different values of mobile; 1 is allowed."]


def test_a_name_that_too_many_accounts_have_is_no_customer_and_is_told(tmp_path: Path) -> None:
    gang = Gang(tmp_path, 'job = "job.toml"\n' + CUSTOMERS.replace("[customers]\n", "[customers]\nmax_accounts = 6\n"))
    gang.has([*people(), *many("散客", 7), *many("BIG", 6, 110), *many("LAW", 7, 120, segment="iot")])
    gang.lists(100, 110, 120)
    gang.night()
    done = gang.does("leads", "find", "leads.toml")
    assert [row["customer"] for row in gang.table("customers").to_dicts()] == ["customer:BIG"]
    assert gang.table("proposals")["value"].to_list() == ["customer:BIG"]
    dropped = gang.table("dropped").select("identifier", "why", "more_than").rows()
    assert dropped == [("customer", "customer", 6)] * 2
    assert "dropped    2 of customer: more accounts name them than max_accounts of [customers] says" in done.out
    assert set(gang.table("evidence")["reference"]) == {"customer:BIG"}


def test_a_published_customer_who_becomes_a_crowd_ends_with_the_next_publication(tmp_path: Path) -> None:
    rule = CUSTOMERS.replace("[customers]\n", '[customers]\nmax_accounts = 6\naccept = "rule"\n')
    gang = Gang(tmp_path, 'job = "job.toml"\n' + rule)
    for count, state in ((6, "published"), (7, "withdrawn")):
        gang.has([*people(), *many("BIG", count)])
        gang.lists(100)
        gang.night("2026-11-20" if count == 6 else "2026-11-21")
        gang.finds()
        gang.does("leads", "publish", "leads.toml")
        assert gang.table("proposals").select("value", "state").rows() == [("customer:BIG", state)]


def test_a_column_of_days_that_are_none_is_told(tmp_path: Path) -> None:
    gang = Gang(tmp_path, 'job = "job.toml"\n' + CUSTOMERS)
    gang.has([*people(), *many("BIG", 6, opened_on="02/01/2020")])
    gang.lists(20)
    gang.night()
    done = gang.says("leads", "find", "leads.toml")
    assert (done.code, "column 'opened_on' has 6 cells that are no days" in done.err) == (3, True), done.err
    gang.write("leads.toml", 'job = "job.toml"\n' + CUSTOMERS.replace("segment", "sgment"))
    done = gang.says("leads", "find", "leads.toml")
    assert (done.code, "there is no column 'sgment'" in done.err) == (3, True), done.err


def test_proposals_of_a_day_that_is_not_here_yet_by_the_machines_clock_are_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Etc/GMT+12")  # 26 hours behind the islands
    islands = "Pacific/Kiritimati"
    day = datetime.now(ZoneInfo(islands)).date()
    said = {"source": "rings", "kind": "opaque", "value": "device:D", "reason": "ring", "severity": 50}
    days = {"first_on": day, "last_on": day}
    proposals = pl.DataFrame([said | days | {"state": "accepted", "why": "linked"}], schema=schema.PROPOSALS)
    source = DerivedSource("rings", Terms(), None, islands)
    done = publish(proposals, source, cs.Store(tmp_path / "lists"), day, None)
    assert done is not None
    assert done.counts["in_force"] == 1
