"""The files for other systems: who stands in them, when, under which key, and how they are written."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from nights import JOB, Operator, account, day, listing, phone

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.words.codes import CAUSES
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.lists.store.table import Store
from cardscreen.runs.messages.applied import read_applied

ONE, FREE = phone(1), phone(99)
MINE = [account("a", ONE)]
CLOSING = JOB.replace("levels = { low = 5 }", "levels = { low = 5 }\nactions = { critical = 'close' }")


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def suspended(operator: Operator, *nights: int) -> None:
    for night in nights:
        operator.night(night, MINE, [listing(ONE)])


# Who stands where, and when


@pytest.mark.parametrize(
    ("action", "due"),
    [
        pytest.param("notify", [True, False, False, False], id="at-once"),
        pytest.param("verify", [False, True, False, False], id="next-day"),
        pytest.param("suspend", [False, False, False, True], id="after-three-days"),
    ],
)
def test_a_notice_is_given_once_and_the_action_once_when_it_is_due(
    operator: Operator, action: str, due: list[bool]
) -> None:
    nights = [operator.night(night, MINE, [listing(ONE, action)]) for night in range(1, 5)]
    assert [night.names("notices") for night in nights] == [[(action, "a")], [], [], []]
    assert [night.names("actions") == [(action, "a")] for night in nights] == due


def test_an_action_that_fell_due_on_a_night_without_a_run_is_handed_out_on_the_next(operator: Operator) -> None:
    suspended(operator, 1)
    assert operator.night(9, MINE, [listing(ONE)]).names("actions") == [("suspend", "a")]
    assert operator.night(10, MINE, [listing(ONE)]).names("actions") == []


def test_a_stronger_action_is_told_and_handed_out_anew(operator: Operator) -> None:
    operator.night(1, MINE, [listing(ONE, "notify")])
    nights = [operator.night(night, MINE, [listing(ONE)]) for night in (2, 3, 5)]
    assert [night.names("notices") for night in nights] == [[("suspend", "a")], [], []]
    assert [night.names("actions") for night in nights] == [[], [], [("suspend", "a")]]


def test_an_action_that_is_no_longer_true_is_not_handed_out(operator: Operator) -> None:
    suspended(operator, 1, 3)
    assert operator.night(4, MINE, []).names("actions") == []


@pytest.mark.parametrize(
    ("nights", "undo"),
    [
        pytest.param((1, 2), "cancel", id="before-it-was-due"),
        pytest.param((1, 4), "lift", id="after-it-was-handed-out"),
    ],
)
def test_a_release_cancels_what_was_told_and_lifts_what_was_handed_out(
    operator: Operator, nights: tuple[int, ...], undo: str
) -> None:
    suspended(operator, *nights)
    night = operator.night(6, MINE, [])
    assert night.releases() == [("a", undo, "suspend", "", "listing_ended")]
    assert operator.night(7, MINE, []).releases() == []


def test_the_milder_action_is_handed_out_at_once_and_the_stronger_one_lifted(operator: Operator) -> None:
    suspended(operator, 1, 4)
    night = operator.night(5, MINE, [listing(ONE, "verify")])
    assert night.names("actions") == [("verify", "a")]
    assert night.names("notices") == []
    assert night.releases() == [("a", "lift", "suspend", "verify", "listing_changed")]
    assert operator.night(6, MINE, []).releases() == [("a", "lift", "verify", "", "listing_ended")]


def test_what_was_handed_out_before_a_stronger_action_was_only_told_is_lifted(operator: Operator) -> None:
    operator.say(CLOSING.replace("critical = 'close'", ""))
    suspended(operator, 1, 4)
    operator.say(CLOSING)
    assert operator.night(5, MINE, [listing(ONE)]).change("a") == ("escalated", "policy_changed", "suspend", "close")
    assert operator.night(6, MINE, []).releases() == [("a", "lift", "suspend", "", "listing_ended")]


def test_going_back_to_what_stands_hands_nothing_out_again(operator: Operator) -> None:
    operator.night(1, MINE, [listing(ONE, "notify")])
    operator.night(2, MINE, [listing(ONE)])
    night = operator.night(3, MINE, [listing(ONE, "notify")])
    assert (night.names("actions"), night.releases()) == ([], [("a", "cancel", "suspend", "notify", "listing_changed")])


# What other systems have done


APPLIED = 'directory = "runs"\napplied = "applied.csv"\n'


def with_applied(operator: Operator, *rows: str) -> None:
    operator.say(JOB + f"[output]\n{APPLIED}")
    (operator.folder / "applied.csv").write_text("\n".join(["account,action,applied_on", *rows, ""]), encoding="utf-8")


@pytest.mark.parametrize(
    ("rows", "undo", "action"),
    [
        pytest.param([f"a,suspend,{day(4)}"], "lift", "suspend", id="applied"),
        pytest.param([], "cancel", "suspend", id="not-applied"),
        pytest.param([f"b,suspend,{day(4)}"], "cancel", "suspend", id="applied-to-another"),
        pytest.param([f"a,suspend,{day(-40)}"], "cancel", "suspend", id="applied-in-an-earlier-story"),
        pytest.param([f"a,notify,{day(4)}", f"a,verify,{day(5)}"], "lift", "verify", id="the-strongest"),
    ],
)
def test_a_release_lifts_only_what_was_applied(operator: Operator, rows: list[str], undo: str, action: str) -> None:
    suspended(operator, 1, 4)
    with_applied(operator, *rows)
    night = operator.night(6, MINE, [])
    assert night.releases() == [("a", undo, action, "", "listing_ended")]
    assert "inputs/applied.csv" in night.manifest["outputs"]


def test_blanks_of_an_account_id_are_part_of_it_also_in_what_was_applied(operator: Operator) -> None:
    mine = [account(" a ", ONE)]
    operator.night(1, mine, [listing(ONE)])
    operator.night(4, mine, [listing(ONE)])
    with_applied(operator, f" a ,suspend,{day(4)}")
    assert operator.night(5, mine, []).releases() == [(" a ", "lift", "suspend", "", "listing_ended")]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        pytest.param("a,suspnd,2026-11-04", "line 3: each row needs", id="no-action"),
        pytest.param("a,suspend,4.11.2026", "line 3: each row needs", id="no-day"),
        pytest.param(",suspend,2026-11-04", "line 3: each row needs", id="no-account"),
    ],
)
def test_a_row_of_what_was_applied_that_can_not_be_read_is_named(tmp_path: Path, row: str, words: str) -> None:
    file = tmp_path / "applied.csv"
    file.write_text(f"account,action,applied_on\nb,suspend,2026-11-04\n{row}\n", encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_applied(str(file), "UTC")


def test_an_instant_of_what_was_applied_is_of_the_day_in_the_jobs_zone(tmp_path: Path) -> None:
    file = tmp_path / "applied.csv"
    file.write_text("account,action,applied_on\nb,suspend,2026-11-04T20:00:00Z\n", encoding="utf-8")
    assert read_applied(str(file), "Asia/Shanghai")["applied_on"].to_list() == [date(2026, 11, 5)]
    assert read_applied(str(file), "UTC")["applied_on"].to_list() == [date(2026, 11, 4)]


def test_many_rows_that_can_not_be_read_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "applied.csv"
    file.write_text("account,action,applied_on\n" + "a,,\n" * 9, encoding="utf-8")
    with pytest.raises(InputError, match="line 2, 3, 4, 5, 6 and 4 more"):
        read_applied(str(file), "UTC")


def test_a_file_of_what_was_applied_that_is_not_there_is_refused(operator: Operator) -> None:
    operator.say(JOB + f"[output]\n{APPLIED}")
    with pytest.raises(InputError, match="there is no file"):
        operator.night(1, MINE, [])


# How it is written


GOLDEN = {
    "notices/suspend.csv": (
        "run_id,key,account_id,action,act_on,reason,reason_text,source,legal_basis,appeal,identifier,value,"
        "segment\n"
        "20261201T000002Z,KEY,00123,suspend,2026-11-06,telecom_fraud,Reported in connection with telephone or online"
        ' fraud.,police,,,mobile,+86138****8001,"x, ""y"""\n'
    ),
    "actions/verify.csv": (
        "run_id,key,account_id,action,act_on,reason,reason_text,source,legal_basis,appeal,identifier,value,"
        "segment\n"
        "20261201T000002Z,KEY,=1+2,verify,2026-11-03,listed,On a blocklist.,bank,,,mobile,+86138****8002,'=cmd()\n"
    ),
    "actions/release.csv": (
        "run_id,key,account_id,undo,action,instead,act_on,cause,cause_text,reason,reason_text,source,legal_basis,"
        "appeal,identifier,value,segment\n"
        "20261201T000002Z,KEY,r,lift,notify,,2026-11-02,identifier_changed,The account no longer has the number.,"
        "street-trade,street-trade,police,,,mobile,+86138****8003,客户\n"
    ),
}


def test_the_files_are_written_like_this(operator: Operator) -> None:
    listings = [
        listing(phone(1)),
        listing(phone(2), "verify", source="bank", reason="listed"),
        listing(phone(3), "notify", reason="street-trade"),
    ]
    before = [account("=1+2", phone(2), segment="=cmd()"), account("r", phone(3), segment="客户")]
    operator.night(1, before, listings)
    before[1] = account("r", FREE, segment="客户")
    night = operator.night(2, [account("00123", phone(1), segment='x, "y"'), *before], listings)
    for name, text in GOLDEN.items():
        written = (night.folder / name).read_bytes().decode("utf-8")
        keys = [line.split(",")[1] for line in written.splitlines()[1:]]
        assert all(len(key) == 32 and int(key, 16) >= 0 for key in keys)
        for key in keys:
            written = written.replace(key, "KEY")
        assert written == text


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        pytest.param("=1+2", "'=1+2", id="formula"),
        pytest.param("@SUM(A1)", "'@SUM(A1)", id="at"),
        pytest.param("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0", id="plus"),
        pytest.param("-2+3", "'-2+3", id="minus"),
        pytest.param("\t=1", "\\t=1", id="tab"),
        pytest.param("＝1", "'＝1", id="full-width"),
        pytest.param("+86 138 0013 8000", "+86 138 0013 8000", id="phone-number"),
        pytest.param("-5.25", "-5.25", id="negative-number"),
        pytest.param("a=b", "a=b", id="inside"),
        pytest.param("-", "-", id="dash"),
    ],
)
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(operator: Operator, cell: str, written: str) -> None:
    night = operator.night(1, [account("a", ONE, segment=cell)], [listing(ONE)])
    assert night.rows("notices", "suspend")[0]["segment"] == written


def test_every_file_is_there_with_its_columns_though_it_is_empty(operator: Operator) -> None:
    night = operator.night(1, [account("a", FREE)], [])
    for kind in ("notices", "actions"):
        for action in ("notify", "verify", "suspend", "close"):
            header = (night.folder / kind / f"{action}.csv").read_text(encoding="utf-8")
            assert header == ",".join([*schema.NOTICES, "segment"]) + "\n"
    release = (night.folder / "actions/release.csv").read_text(encoding="utf-8")
    assert release == ",".join([*schema.RELEASES, "segment"]) + "\n"


def test_notice_and_action_of_one_account_have_keys_of_their_own(operator: Operator) -> None:
    night = operator.night(1, MINE, [listing(ONE, "notify")])
    release = operator.night(2, MINE, [])
    rows = [night.rows("notices", "notify"), night.rows("actions", "notify"), release.rows("actions", "release")]
    assert len({row[0]["key"] for row in rows}) == 3


def test_a_job_may_say_reasons_in_its_own_words(operator: Operator) -> None:
    operator.say(JOB + '[notices.texts]\ntelecom_fraud = "电信诈骗"\nother = "Another."\n')
    night = operator.night(1, [*MINE, account("b", phone(2))], [listing(ONE), listing(phone(2), reason="other")])
    assert [row["reason_text"] for row in night.rows("notices", "suspend")] == ["电信诈骗", "Another."]


def test_every_cause_of_a_release_has_a_text() -> None:
    gains = {"first_run", "listing_added", "allow_listing_ended", "clearance_ended", "source_stale"}
    assert set(schema.CAUSES.categories) - gains == set(CAUSES)


# Sources with terms


FEED: dict[str, Any] = {
    "source": "police",
    "kind": "phone",
    "severity": 95,
    "columns": {"value": "number", "expires_on": "until"},
    "limits": {"shrink_share": 1.0, "grow_share": 1000.0},
    "terms": {"legal_basis": "Act 7, § 3", "appeal": "appeal@police.example", "error_after_days": 5},
}


def take(operator: Operator, night: int, *rows: str) -> None:
    file = operator.folder / f"police-{night}.csv"
    file.write_text("\n".join(["number,until", *rows, ""]), encoding="utf-8")
    import_file(file, Feed(**FEED), Store(operator.folder / "store"), as_of=day(night), allow=["short"])


@pytest.fixture
def subscriber(operator: Operator) -> Operator:
    """An operator whose lists are in a store."""
    operator.say(JOB.replace('paths = ["lists.parquet"]', 'store = "store"'))
    operator.write(MINE, [])
    return operator


def test_the_terms_of_the_source_stand_in_every_row(subscriber: Operator) -> None:
    take(subscriber, 1, f"{ONE},")
    first = subscriber.night(1, MINE, [])
    (told,) = first.rows("notices", "suspend")
    assert (told["legal_basis"], told["appeal"]) == ("Act 7, § 3", "appeal@police.example")
    take(subscriber, 2, f"{FREE},")
    (freed,) = subscriber.night(2, MINE, []).rows("actions", "release")
    assert (freed["cause"], freed["appeal"]) == ("listing_ended", "appeal@police.example")


def test_nobody_is_released_because_a_stale_sources_listing_ran_out(subscriber: Operator) -> None:
    take(subscriber, 1, f"{ONE},{day(8)}", f"{FREE},")
    subscriber.night(1, MINE, [])
    held = [subscriber.night(night, MINE, []) for night in (9,)]
    assert held[0].change("a") == ("carried", "source_stale", "suspend", "suspend")
    assert "error_after_days" in held[0].run.held[0]
    assert subscriber.published() == [subscriber.published()[0]]


def test_with_the_stores_versions_a_new_number_is_told_from_a_new_listing(subscriber: Operator) -> None:
    take(subscriber, 1, f"{ONE},", f"{phone(2)},")
    subscriber.night(1, [account("a", FREE), account("b", FREE)], [])
    take(subscriber, 2, f"{ONE},", f"{phone(2)},", f"{phone(3)},")
    second = subscriber.night(2, [account("a", ONE), account("b", phone(3))], [])
    assert [second.change(name)[:2] for name in "ab"] == [("new", "identifier_changed"), ("new", "listing_added")]


def test_account_ids_of_numbers_and_carried_days_are_written_as_they_are(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.say(JOB.replace("accounts.csv", "accounts.parquet").replace('["segment"]', '["segment", "born"]'))
    operator.write([], [listing(ONE)])
    frame = pl.DataFrame({**account("a", ONE), "account_id": 123, "born": date(2000, 1, 2)})
    for night in (1, 2):
        frame.write_parquet(tmp_path / "accounts.parquet")
        operator.run(night)
    operator.run(4)
    row = pl.read_csv(operator.published()[-1] / "actions/suspend.csv", infer_schema=False).row(0, named=True)
    assert (row["account_id"], row["born"]) == ("123", "2000-01-02")


NAMES = [
    "was",
    "now",
    "due",
    "strength",
    "said",
    "settled",
    "held",
    "is_due",
    "in_base",
    "account.x",
    "_state",
    "segment_s",
    "segment_was",
    "was.segment",
    "then.segment",
    "segment_right",
]


def test_carried_columns_may_have_any_name(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.say(JOB.replace('["segment"]', f'["segment", {", ".join(map(repr, NAMES))}]'))
    for night, listings in ((1, [listing(ONE)]), (2, [listing(ONE)]), (3, [])):
        operator.write([], listings)
        cells = {name: f"{name} of a" for name in NAMES}
        pl.DataFrame({**account("a", ONE), **cells}).write_csv(tmp_path / "accounts.csv")
        operator.run(night)
    (row,) = pl.read_csv(operator.published()[-1] / "actions/release.csv", infer_schema=False).to_dicts()
    assert {name: row[name] for name in NAMES} == {name: f"{name} of a" for name in NAMES}


KINDS_OF_CELLS = [
    pytest.param(["p"], [date(2000, 1, 2)], [None], id="text-to-day"),
    pytest.param([date(2000, 1, 2)], ["p"], ["2000-01-02"], id="day-to-text"),
    pytest.param(["p"], [True], [None], id="text-to-flag"),
    pytest.param([7], [date(2000, 1, 2)], [None], id="number-to-day"),
    pytest.param(["7"], [8], ["7"], id="text-to-number"),
    pytest.param(["p"], [None], [None], id="text-to-nothing"),
]


@pytest.mark.parametrize(("before", "after", "told"), KINDS_OF_CELLS)
def test_a_carried_column_may_change_its_type_between_nights(
    tmp_path: Path, before: list[object], after: list[object], told: list[str | None]
) -> None:
    operator = Operator(tmp_path)
    operator.say(JOB.replace("accounts.csv", "accounts.parquet").replace('["segment"]', '["segment", "more"]'))
    for night, name, cells, listings in ((1, "a", before, [listing(ONE)]), (5, "b", after, [])):
        operator.write([], listings)
        pl.DataFrame({**account(name, ONE), "more": cells}).write_parquet(tmp_path / "accounts.parquet")
        operator.run(night)
    operator.run(9)
    release = pl.read_csv(operator.published()[-1] / "actions/release.csv", infer_schema=False)
    assert (release["account_id"].to_list(), release["more"].to_list()) == (["a"], told)


@pytest.mark.parametrize("name", ["cause", "key", "appeal", "handed_out", "instead"])
def test_a_carried_column_with_the_name_of_a_runs_own_is_refused(operator: Operator, name: str) -> None:
    operator.say(JOB.replace('["segment"]', f'["segment", "{name}"]'))
    with pytest.raises(ConfigError, match=f"the carried column '{name}' has the name"):
        operator.night(1, MINE, [])
