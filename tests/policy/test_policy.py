"""From hits to decisions: the policy's defaults, its mistakes, and what it does with tiny worlds."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cardscreen as cs
from cardscreen.foundation import schema
from cardscreen.policy.clearances import read_clearances

DAY = date(2026, 11, 23)
NUMBER = "+8613800138000"
ACTIONS = ["none", "notify", "verify", "suspend", "close"]
Row = dict[str, Any]


def day(gap: int) -> date:
    return DAY + timedelta(days=gap)


def listing(severity: int = 95, value: str = NUMBER, **others: Any) -> Row:
    return {"kind": "phone" if value.startswith("+") else "card", "value": value, "severity": severity, **others}


def blocklist(*listings: Row) -> cs.Blocklist:
    columns = list(dict.fromkeys(name for row in listings for name in row))
    dates = {name: pl.Date for name in columns if name.endswith("_on")}
    rows = [{name: row.get(name) for name in columns} for row in listings]
    return cs.Blocklist.from_frame(pl.DataFrame(rows, infer_schema_length=None, schema_overrides=dates))


def screened(
    *listings: Row, policy: Any = None, accounts: pl.DataFrame | None = None, as_of: date = DAY, **options: Any
) -> cs.Result:
    """One account `a` with the listed number, unless there are others."""
    default = pl.DataFrame({"account_id": ["a"], "mobile": [NUMBER]})
    rules = cs.Policy(**policy) if isinstance(policy, dict) else policy
    return cs.screen(
        default if accounts is None else accounts,
        blocklist(*listings),
        options.pop("identifiers", {"mobile": cs.Phone("CN")}),
        policy=rules,
        as_of=as_of,
        **options,
    )


def flag(result: cs.Result) -> Row:
    (row,) = result.flagged.collect().to_dicts()
    return row


def hit(result: cs.Result) -> Row:
    (row,) = result.hits.collect().to_dicts()
    return row


def file(folder: Path, text: str, name: str = "policy.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# Defaults


def test_the_default_policy_is_the_documented_one() -> None:
    told = cs.Policy().model_dump()
    assert told == {
        "levels": {"low": 1, "medium": 40, "high": 70, "critical": 90},
        "actions": {"low": "notify", "medium": "verify", "high": "suspend", "critical": "suspend"},
        "grace_days": {"notify": 0, "verify": 1, "suspend": 3, "close": 7},
        "caps": {
            "earlier_holder": "verify",
            "truncated": "verify",
            "range": "verify",
            "shared": "verify",
            "completed": "verify",
            "shared_above": 5,
        },
        "sources": {},
        "rules": [],
        "clearances": None,
    }


def test_an_empty_policy_file_is_the_default_policy(tmp_path: Path) -> None:
    assert cs.Policy.read(file(tmp_path, "")) == cs.Policy()


@pytest.mark.parametrize(
    ("severity", "level", "action", "due"),
    [
        pytest.param(1, "low", "notify", 0, id="lowest"),
        pytest.param(39, "low", "notify", 0, id="last-of-low"),
        pytest.param(40, "medium", "verify", 1, id="first-of-medium"),
        pytest.param(69, "medium", "verify", 1, id="last-of-medium"),
        pytest.param(70, "high", "suspend", 3, id="first-of-high"),
        pytest.param(89, "high", "suspend", 3, id="last-of-high"),
        pytest.param(90, "critical", "suspend", 3, id="first-of-critical"),
        pytest.param(100, "critical", "suspend", 3, id="highest"),
    ],
)
def test_a_severity_leads_to_level_action_and_day(severity: int, level: str, action: str, due: int) -> None:
    told = flag(screened(listing(severity)))
    assert (told["score"], told["level"], told["action"]) == (severity, level, action)
    assert (told["flagged_since"], told["act_on"]) == (DAY, day(due))


def test_below_the_lowest_level_nothing_is_done() -> None:
    told = flag(screened(listing(4), policy={"levels": {"low": 5}}))
    assert (told["level"], told["action"], told["flagged_since"], told["act_on"]) == ("none", "none", None, None)


@pytest.mark.parametrize("policy", [{"levels": {"low": 5}}, {"rules": [{"when": {"kind": "phone"}, "cap": "none"}]}])
def test_who_is_told_nothing_is_not_counted_as_exempt(policy: Any) -> None:
    result = screened(listing(4), policy=policy)
    assert (flag(result)["action"], flag(result)["exempted_by"]) == ("none", None)
    assert result.summary["flagged"]["exempt"] == 0
    with pytest.raises(cs.HeldForApproval, match=r"flagged_share: 100\.00 % of the rows are flagged"):
        cs.check(result, {"first_run": "publish", "source_share": 1})
    allowed = screened(listing(4), listing(1, list="allow"), policy=policy)
    assert allowed.summary["flagged"]["exempt"] == 1


def test_closing_is_recommended_only_if_the_policy_says_so() -> None:
    assert flag(screened(listing(100)))["action"] == "suspend"
    told = flag(screened(listing(100), policy={"actions": {"critical": "close"}}))
    assert (told["action"], told["act_on"]) == ("close", day(7))


def test_levels_may_be_equal() -> None:
    assert flag(screened(listing(40), policy={"levels": {"low": 40, "medium": 40}}))["level"] == "medium"


# Rules


def test_the_first_rule_that_matches_applies_and_no_other() -> None:
    rules = [
        {"when": {"source": "bank-a"}, "score": 10},
        {"when": {"kind": "phone"}, "score": 75},
        {"when": {"source": "police"}, "score": 20, "cap": "none"},
    ]
    told = hit(screened(listing(95, source="police"), policy={"rules": rules}))
    assert (told["score"], told["cap"], told["action"], told["severity"]) == (75, "close", "suspend", 95)


def test_a_rule_without_a_score_leaves_the_severity() -> None:
    rules = [{"when": {"kind": "phone"}, "cap": "notify"}, {"when": {"match": "exact"}, "score": 1}]
    told = hit(screened(listing(95), policy={"rules": rules}))
    assert (told["score"], told["cap"], told["action"]) == (95, "notify", "notify")


@pytest.mark.parametrize(
    ("when", "applies"),
    [
        pytest.param({"kind": "phone"}, True, id="kind"),
        pytest.param({"kind": ["card", "phone"]}, True, id="one-of-several"),
        pytest.param({"kind": ["card"]}, False, id="none-of-several"),
        pytest.param({"source": "police", "reason": "telecom_fraud"}, True, id="all-conditions"),
        pytest.param({"source": "police", "reason": "gambling"}, False, id="one-condition-fails"),
        pytest.param({"match": "exact"}, True, id="match"),
        pytest.param({"match": "range"}, False, id="another-match"),
        pytest.param({"holder": "same"}, True, id="holder"),
        pytest.param({"holder": ["earlier", "unknown"]}, False, id="another-holder"),
        pytest.param({"account.segment": "hospital"}, True, id="account-column"),
        pytest.param({"account.segment": "Hospital"}, True, id="account-column-in-another-case"),
        pytest.param({"account.segment": ["ＨＯＳＰＩＴＡＬ "]}, True, id="account-column-of-another-width"),
        pytest.param({"account.segment": ["shop"]}, False, id="another-account"),
        pytest.param({"account.tier": "3"}, True, id="account-column-of-integers"),
        pytest.param({"account.nothing": "x"}, False, id="account-column-of-nulls"),
        pytest.param({"account.vip": "true"}, True, id="account-column-of-booleans"),
        pytest.param({"account.segment": "hospital", "kind": "card"}, False, id="account-and-kind"),
    ],
)
def test_a_rule_applies_when_all_its_conditions_hold(when: Row, applies: bool) -> None:
    accounts = pl.DataFrame(
        {
            "account_id": ["a"],
            "mobile": [NUMBER],
            "since": [day(-9)],
            "segment": ["hospital"],
            "tier": [3],
            "nothing": [None],
            "vip": [True],
        }
    )
    result = screened(
        listing(95, source="police", reason="telecom_fraud", listed_on=DAY),
        policy={"rules": [{"when": when, "score": 7}]},
        accounts=accounts,
        identifiers={"mobile": cs.Phone("CN", holder_since="since")},
        carry=["segment", "tier", "nothing", "vip"],
    )
    assert hit(result)["score"] == (7 if applies else 95)


def test_a_rule_protects_accounts_however_their_column_is_spelt() -> None:
    spelt = ["hospital", "Hospital", "hospital ", "\u3000HOSPITAL", "ｈｏｓｐｉｔａｌ", "hospitals", None]
    ids = [str(at) for at in range(len(spelt))]
    accounts = pl.DataFrame({"account_id": ids, "mobile": [NUMBER] * len(ids), "segment": spelt})
    policy: Row = {
        "caps": {"shared": "suspend"},
        "rules": [{"when": {"account.segment": "hospital"}, "cap": "verify"}],
    }
    result = screened(listing(95), policy=policy, accounts=accounts, carry=["segment"])
    assert result.flagged.collect()["action"].to_list() == ["verify"] * 5 + ["suspend"] * 2
    assert result.flagged.collect()["segment"].to_list() == spelt
    assert result.summary["ruled"] == {"segment": {"hospital": 5}}


@pytest.mark.parametrize(
    "name", ["live", "hit", "row", "shown", "list", "holder_since", "allowed_by", "_rule", "_value"]
)
def test_a_carried_column_of_any_name_keeps_its_own_values(name: str) -> None:
    accounts = pl.DataFrame({"account_id": ["a", "b"], "mobile": [NUMBER, "+8613800138001"], name: ["x", "y"]})
    rules = [{"when": {f"account.{name}": "x"}, "score": 7}]
    result = screened(listing(95), policy={"rules": rules}, accounts=accounts, carry=[name])
    told = flag(result)
    assert (told[name], told["score"]) == ("x", 7)
    assert result.summary["rows"]["hit"] == 1


@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(True, id="boolean"),
        pytest.param(DAY, id="date"),
        pytest.param(0.5, id="float"),
    ],
)
def test_a_carried_column_of_any_type_keeps_its_own_values(cell: Any) -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": [NUMBER], "extra": [cell]})
    assert flag(screened(listing(95), accounts=accounts, carry=["extra"]))["extra"] == cell


def test_a_rule_on_a_column_that_is_not_carried_is_refused() -> None:
    with pytest.raises(cs.ConfigError, match="account.segment, which is not carried"):
        screened(listing(), policy={"rules": [{"when": {"account.segment": "x"}, "score": 7}]})


def test_a_measured_source_is_recorded_and_flags_nobody() -> None:
    rules = [{"when": {"source": "pilot"}, "measure_only": True}]
    result = screened(listing(95, source="pilot"), policy={"rules": rules})
    assert hit(result)["exempted_by"] is None
    assert result.flagged.collect().height == 0


@pytest.mark.parametrize("accounts", [1, 2])
def test_nothing_but_measured_hits_flags_nobody(accounts: int) -> None:
    frame = pl.DataFrame({"account_id": range(accounts), "mobile": [NUMBER] * accounts})
    rules = [{"when": {"kind": "phone"}, "measure_only": True}]
    rows = (listing(95, reference="1"), listing(95, reference="2"))
    result = screened(*rows, policy={"rules": rules}, accounts=frame)
    assert (result.hits.collect().height, result.flagged.collect().height) == (2 * accounts, 0)
    assert result.flagged.collect_schema().names() == list(schema.FLAGGED)


def test_a_measured_hit_beside_a_live_one_does_not_count() -> None:
    rules = [{"when": {"source": "pilot"}, "measure_only": True}]
    result = screened(listing(95, source="pilot"), listing(45, source="police"), policy={"rules": rules})
    told = flag(result)
    assert (told["score"], told["action"], told["hits"], told["sources"]) == (45, "verify", 1, ["police"])
    assert result.hits.collect().height == 2


# Caps


@pytest.mark.parametrize("cap", ACTIONS)
@pytest.mark.parametrize("of", ["rule", "source", "range"])
def test_an_action_is_the_weaker_of_cap_and_level(cap: str, of: str) -> None:
    settings: dict[str, Row] = {
        "rule": {"rules": [{"when": {"kind": "phone"}, "cap": cap}], "caps": {"range": "close"}},
        "source": {"sources": {"police": {"cap": cap}}, "caps": {"range": "close"}},
        "range": {"caps": {"range": cap}},
    }
    told = flag(screened(listing(95, value="+86138*", source="police"), policy=settings[of]))
    assert told["action"] == min(cap, "suspend", key=ACTIONS.index)
    assert (told["score"], told["level"]) == (95, "critical")


def test_the_lowest_of_all_caps_holds() -> None:
    settings: Row = {
        "rules": [{"when": {"kind": "phone"}, "cap": "suspend"}],
        "sources": {"police": {"cap": "notify"}, "bank-a": {"cap": "none"}},
    }
    assert hit(screened(listing(95, value="+86138*", source="police"), policy=settings))["cap"] == "notify"


def test_strong_evidence_has_no_cap() -> None:
    assert hit(screened(listing(95)))["cap"] == "close"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param("622202******1234", "6222021234561234", id="listing-truncated"),
        pytest.param("6222021234561234", "622202******1234", id="account-truncated"),
    ],
)
def test_a_truncated_match_is_capped(value: str, cell: str) -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "card": [cell]})
    told = hit(screened(listing(95, value=value), accounts=accounts, identifiers={"card": cs.Card()}))
    assert (told["match"], told["cap"], told["action"], told["score"]) == ("truncated", "verify", "verify", 95)


@pytest.mark.parametrize(
    ("since", "holder", "cap"),
    [
        pytest.param(day(1), "earlier", "verify", id="listed-before"),
        pytest.param(DAY, "same", "close", id="listed-on-the-day"),
        pytest.param(day(-1), "same", "close", id="listed-after"),
        pytest.param(None, "unknown", "close", id="not-known"),
    ],
)
def test_a_listing_of_an_earlier_holder_is_capped(since: date | None, holder: str, cap: str) -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": [NUMBER], "since": pl.Series([since], dtype=pl.Date)})
    kinds = {"mobile": cs.Phone("CN", holder_since="since")}
    told = hit(screened(listing(95, listed_on=DAY), accounts=accounts, identifiers=kinds, as_of=day(1)))
    assert (told["holder"], told["cap"]) == (holder, cap)


@pytest.mark.parametrize(("carriers", "cap"), [(5, "close"), (6, "verify")])
def test_a_value_that_more_than_five_accounts_carry_is_capped(carriers: int, cap: str) -> None:
    names = [f"a{number}" for number in range(carriers)]
    accounts = pl.DataFrame({"account_id": [*names, "a0", None], "mobile": [NUMBER] * (carriers + 2)})
    told = screened(listing(95), accounts=accounts).hits.collect()
    assert told["carried_by"].unique().to_list() == [carriers]
    assert told["cap"].unique().to_list() == [cap]


# An account's decision


def test_the_strongest_live_action_decides_and_the_highest_score_tells_the_level() -> None:
    told = flag(
        screened(
            listing(99, value="+86138*", listing_id="range", reason="sim_farm", source="z"),
            listing(75, listing_id="exact", reason="gambling", source="y"),
            listing(3, value="+8613*", listing_id="weak", reason="sim_farm", source="y"),
        )
    )
    assert (told["action"], told["decided_by"]) == ("suspend", "exact")
    assert (told["score"], told["level"], told["hits"]) == (99, "critical", 3)
    assert (told["reasons"], told["sources"]) == (["gambling", "sim_farm"], ["y", "z"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"severity": 96}, {"severity": 95}, id="higher-score"),
        pytest.param({"listed_on": day(-2)}, {"listed_on": day(-1)}, id="earlier-day"),
        pytest.param({"listed_on": None}, {"listed_on": day(-1)}, id="listed-since-always"),
        pytest.param({"severity": 96, "listed_on": day(-1)}, {"listed_on": day(-2)}, id="score-before-day"),
        pytest.param({}, {}, id="then-by-name"),
    ],
)
@pytest.mark.parametrize("swapped", [False, True])
def test_ties_are_decided_by_score_then_day_then_name(one: Row, other: Row, swapped: bool) -> None:
    rows = [
        listing(**{"listing_id": "a", "reference": "1", "listed_on": DAY, **one}),
        listing(**{"listing_id": "b", "reference": "2", "listed_on": DAY, **other}),
    ]
    assert flag(screened(*(rows[::-1] if swapped else rows)))["decided_by"] == "a"


@settings(max_examples=10)
@given(st.lists(st.integers(1, 100), min_size=1, max_size=6), st.lists(st.integers(1, 100), min_size=4, max_size=4))
def test_more_listings_never_weaken_a_decision(severities: list[int], steps: list[int]) -> None:
    names = ["low", "medium", "high", "critical"]
    levels: Any = dict(zip(names, sorted(steps), strict=True))
    policy = cs.Policy(levels=levels)
    rows = [listing(severity, reference=str(at)) for at, severity in enumerate(severities)]
    fewer, all_of_them = flag(screened(*rows[:1], policy=policy)), flag(screened(*rows, policy=policy))
    assert ACTIONS.index(all_of_them["action"]) >= ACTIONS.index(fewer["action"])
    assert all_of_them["score"] == max(severities)


# Exemptions


def allow(**others: Any) -> Row:
    return listing(50, list="allow", source="desk", **others)


@pytest.mark.parametrize(
    "value", [NUMBER, "+86138*", "+8613800138000-+8613800138009"], ids=["exact", "prefix", "range"]
)
def test_an_allow_listing_that_covers_the_identifier_exempts_its_hits(value: str) -> None:
    result = screened(listing(95, source="police", reason="gambling"), allow(value=value))
    told = flag(result)
    assert (told["score"], told["level"], told["action"], told["hits"]) == (0, "none", "none", 0)
    assert (told["exempted_by"], told["decided_by"], told["act_on"]) == ("desk", None, None)
    assert (told["reasons"], told["sources"]) == (["gambling"], ["police"])
    assert hit(result)["exempted_by"] == "desk"


def test_an_allow_listing_counts_only_while_it_is_in_force() -> None:
    for dates in ({"listed_on": day(1)}, {"expires_on": day(-1)}, {"ended_on": DAY}):
        assert flag(screened(listing(95), allow(**dates)))["action"] == "suspend"
    assert flag(screened(listing(95), allow(listed_on=DAY, expires_on=DAY)))["action"] == "none"


def test_an_allow_listing_of_another_number_exempts_nobody() -> None:
    assert flag(screened(listing(95), allow(value="+8613800138001")))["action"] == "suspend"


def test_an_allow_listing_frees_one_identifier_and_not_the_account() -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": [NUMBER], "second": ["+8613800138001"]})
    result = screened(
        *(listing(95, listing_id="1"), listing(75, value="+8613800138001", listing_id="2"), allow()),
        accounts=accounts,
        identifiers={"mobile": cs.Phone("CN"), "second": cs.Phone("CN")},
    )
    told = flag(result)
    assert (told["score"], told["decided_by"], told["hits"], told["exempted_by"]) == (75, "2", 1, None)
    assert result.hits.collect()["exempted_by"].to_list() == ["desk", None]


def test_a_source_that_is_not_overridable_stays_live() -> None:
    policy: Row = {"sources": {"police": {"overridable": False}}}
    told = flag(screened(listing(95, source="police"), listing(99, source="bank-a"), allow(), policy=policy))
    assert (told["score"], told["action"], told["sources"], told["hits"]) == (95, "suspend", ["police"], 1)


# Clearances


def cleared(folder: Path, *lines: str, **options: Any) -> cs.Result:
    header = "account_id,listing_id,decided_on,until,by,reason"
    file(folder, "".join(f"{each}\n" for each in [header, *lines]), "clearances.csv")
    text = "[clearances]\nfile = 'clearances.csv'\n" + options.pop("settings", "")
    default = (listing(95, listing_id="L1", listed_on=day(-5), source="police"),)
    return screened(*options.pop("listings", default), policy=file(folder, text), **options)


def line(account: str = "a", listing_id: str = "", decided: int = -1, until: int | None = None) -> str:
    return f"{account},{listing_id},{day(decided)},{'' if until is None else day(until)},anna,checked"


@pytest.mark.parametrize(
    ("clearance", "frees"),
    [
        pytest.param(line(), True, id="all-known-then"),
        pytest.param(line(listing_id="L1"), True, id="this-listing"),
        pytest.param(line(listing_id="L2"), False, id="another-listing"),
        pytest.param(line(listing_id='""'), True, id="quoted-nothing"),
        pytest.param(line(account="b"), False, id="another-account"),
        pytest.param(line(decided=0), True, id="decided-today"),
        pytest.param(line(decided=1), False, id="decided-tomorrow"),
        pytest.param(line(decided=-5), True, id="decided-on-the-day-of-listing"),
        pytest.param(line(decided=-6), False, id="listed-after-the-decision"),
        pytest.param(line(listing_id="L1", decided=-6), False, id="this-listing-before-it-was-known"),
        pytest.param(line(until=0), True, id="last-day"),
        pytest.param(line(until=-1), False, id="over"),
    ],
)
def test_a_clearance_frees_an_account_of_what_was_known_while_it_holds(
    tmp_path: Path, clearance: str, frees: bool
) -> None:
    result = cleared(tmp_path, clearance)
    told = flag(result)
    assert (told["action"], told["exempted_by"]) == (("none", "clearance") if frees else ("suspend", None))
    assert hit(result)["exempted_by"] == ("clearance" if frees else None)


def test_a_listing_without_a_day_was_always_known(tmp_path: Path) -> None:
    assert flag(cleared(tmp_path, line(decided=-999), listings=[listing(95)]))["exempted_by"] == "clearance"


def test_a_new_listing_flags_a_cleared_account_again(tmp_path: Path) -> None:
    old, new = (
        listing(95, listing_id=name, reference=name, listed_on=when) for name, when in (("o", day(-5)), ("n", DAY))
    )
    told = flag(cleared(tmp_path, line(), listings=[old, new]))
    assert (told["decided_by"], told["hits"], told["exempted_by"]) == ("n", 1, None)


def test_several_clearances_of_one_account_make_no_hit_twice(tmp_path: Path) -> None:
    result = cleared(tmp_path, line(), line(listing_id="L1"), line())
    assert result.hits.collect().height == 1


def test_a_clearance_does_not_override_a_source_that_is_not_overridable(tmp_path: Path) -> None:
    settings = "[sources.police]\noverridable = false\n"
    assert flag(cleared(tmp_path, line(), settings=settings))["action"] == "suspend"


def test_accounts_of_numbers_are_cleared_by_their_digits(tmp_path: Path) -> None:
    accounts = pl.DataFrame({"account_id": [7, 8], "mobile": [NUMBER] * 2})
    told = cleared(tmp_path, line(account="7"), accounts=accounts).flagged.collect()
    assert told["action"].to_list() == ["none", "suspend"]


def test_no_clearances_free_nobody(tmp_path: Path) -> None:
    assert flag(cleared(tmp_path))["action"] == "suspend"


@pytest.mark.parametrize("bad", ["a,,1.11.2026,,x,y", "a,,2026-11-01,soon,x,y", "a,,,,x,y", "a,,2026-02-30,,x,y"])
def test_a_clearance_with_a_day_that_is_none_is_named_with_its_line(tmp_path: Path, bad: str) -> None:
    with pytest.raises(cs.CardscreenError, match=r"clearances\.csv: line 3: decided_on or until"):
        cleared(tmp_path, line(), bad)


def test_a_clearance_that_ends_before_it_was_decided_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(cs.CardscreenError, match=r"clearances\.csv: line 3: until is before decided_on"):
        cleared(tmp_path, line(), "a,,2026-11-01,2026-10-31,x,y")
    assert flag(cleared(tmp_path, "a,,2026-11-20,2026-11-20,x,y")) is not None


def test_a_clearance_file_without_a_column_is_refused(tmp_path: Path) -> None:
    path = file(tmp_path, "account_id,listing_id,decided\na,,2026-11-01\n", "clearances.csv")
    with pytest.raises(cs.MissingColumn, match="there is no column 'decided_on' .did you mean 'decided'"):
        read_clearances(str(path))


def test_a_clearance_file_that_is_not_there_stops_the_screening(tmp_path: Path) -> None:
    with pytest.raises(cs.InputError, match="there is no file"):
        screened(listing(), policy=file(tmp_path, "[clearances]\nfile = 'none.csv'"))


# Nights


def nights(*told: tuple[int, int], **options: Any) -> list[tuple[str, date | None, date | None]]:
    """Screenings on days after DAY with a listing of some severity (0: none), each told of the one before."""
    previous: Any = None
    seen = []
    for gap, severity in told:
        rows = [listing(severity)] if severity else [listing(95, value="+8613800138009")]
        result = screened(*rows, as_of=day(gap), previous=previous, **options)
        previous = result.flagged
        frame = previous.collect()
        seen.append(frame.select("action", "flagged_since", "act_on").row(0) if frame.height else ("gone", None, None))
    return seen


def test_the_day_of_action_never_moves_while_nothing_changes() -> None:
    assert nights((0, 95), (1, 95), (2, 95), (9, 95)) == [("suspend", DAY, day(3))] * 4


def test_a_stronger_action_is_a_new_notice_with_its_own_grace() -> None:
    assert nights((0, 45), (2, 95), (3, 95)) == [
        ("verify", DAY, day(1)),
        ("suspend", DAY, day(5)),
        ("suspend", DAY, day(5)),
    ]


def test_a_notice_alone_is_a_flag_whose_first_day_is_kept() -> None:
    assert nights((0, 5), (2, 5), (3, 45)) == [("notify", DAY, DAY), ("notify", DAY, DAY), ("verify", DAY, day(4))]


def test_a_weaker_action_is_due_at_once_and_stays_so() -> None:
    assert nights((0, 95), (1, 45), (2, 45)) == [
        ("suspend", DAY, day(3)),
        ("verify", DAY, day(1)),
        ("verify", DAY, day(1)),
    ]


def test_a_higher_score_with_the_same_action_moves_nothing() -> None:
    assert nights((0, 75), (2, 95)) == [("suspend", DAY, day(3))] * 2


def test_an_account_that_was_gone_for_a_night_starts_anew() -> None:
    assert nights((0, 95), (1, 0), (2, 95)) == [
        ("suspend", DAY, day(3)),
        ("gone", None, None),
        ("suspend", day(2), day(5)),
    ]


def test_a_night_without_action_breaks_the_time_in_which_it_was_flagged() -> None:
    exempt = screened(listing(95), allow()).flagged
    told = flag(screened(listing(95), as_of=day(1), previous=exempt))
    assert (told["flagged_since"], told["act_on"]) == (day(1), day(4))


def test_grace_days_are_the_policys() -> None:
    policy = {"grace_days": {"suspend": 10, "verify": 0}}
    assert flag(screened(listing(95), policy=policy))["act_on"] == day(10)
    assert flag(screened(listing(45), policy=policy))["act_on"] == DAY


def test_the_night_before_may_be_a_frame_a_file_or_a_folder(tmp_path: Path) -> None:
    first = screened(listing(95), out=tmp_path / "run")
    sources = [first.flagged, first.flagged.collect(), tmp_path / "run", str(tmp_path / "run" / "flagged.parquet")]
    for previous in sources:
        told = flag(screened(listing(95), as_of=day(1), previous=previous))
        assert (told["flagged_since"], told["act_on"]) == (DAY, day(3))


def test_the_night_before_must_have_its_columns() -> None:
    with pytest.raises(cs.MissingColumn, match="the previous flags: there is no column 'act_on'"):
        screened(listing(95), previous=screened(listing(95)).flagged.drop("act_on"))


def test_the_night_before_of_other_accounts_changes_nothing() -> None:
    before = screened(listing(95)).flagged.with_columns(account_id=pl.lit("b"))
    assert flag(screened(listing(95), as_of=day(1), previous=before))["flagged_since"] == day(1)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(pl.lit("blocked").alias("action"), id="unknown-action"),
        pytest.param(pl.lit("soon").alias("act_on"), id="day-that-is-none"),
        pytest.param(pl.lit(7).alias("act_on"), id="no-date"),
    ],
)
def test_a_night_before_that_makes_no_sense_is_refused(change: pl.Expr) -> None:
    before = screened(listing(95)).flagged.with_columns(change)
    with pytest.raises(cs.InputError):
        screened(listing(95), as_of=day(1), previous=before)


def test_a_night_before_kept_as_text_gives_the_same_dates() -> None:
    before = screened(listing(95)).flagged.select(
        "account_id", pl.col("action", "flagged_since", "act_on").cast(pl.String)
    )
    told = flag(screened(listing(95), as_of=day(1), previous=before))
    assert (told["flagged_since"], told["act_on"]) == (DAY, day(3))


def test_an_account_told_twice_the_night_before_is_flagged_once() -> None:
    before = screened(listing(95)).flagged
    assert screened(listing(95), as_of=day(1), previous=pl.concat([before, before])).flagged.collect().height == 1


def test_an_instant_of_a_decision_is_of_the_day_in_the_zone_at_hand(tmp_path: Path) -> None:
    path = tmp_path / "clearances.csv"
    path.write_text("account_id,listing_id,decided_on,until\na,,2026-11-04T20:00:00Z,2026-11-30\n")
    for zone, day in ("Asia/Shanghai", 5), ("UTC", 4), (None, 4):
        assert read_clearances(str(path), zone)["decided_on"].to_list() == [date(2026, 11, day)]
