"""Any hits under any policy: judged, decided and weighed again as the slow reference does it, without a screening."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import polars as pl
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import ACTIONS, HOLDERS, MATCHES, Found, Question
from worlds import CARRY, DAY, NAMES, SINCE, Row, actions, clearances_of, near_days, of_sources, policies

import cardscreen as cs
from cardscreen.foundation import schema
from cardscreen.lists.terms import Terms
from cardscreen.policy.clearances import clears
from cardscreen.policy.judging import decide, judge, recommended
from cardscreen.policy.policy import Policy
from cardscreen.policy.rules import ACCOUNT
from cardscreen.policy.weighing import Judgement, judged

IDS = ["a", "B "]
_SEEN = ["account_id", "kind", "status", "source", "reason", "match", "severity", "listed_on", "listing_id", "holder"]
HIT: dict[str, Any] = {
    **{name: schema.HITS[name] for name in [*_SEEN, "carried_by"]},
    "allowed_by": pl.String,
    **{f"{ACCOUNT}{name}": pl.List(pl.String) for name in CARRY},
}
CLEARED = {"account_id": pl.String, "listing_id": pl.String, "decided_on": pl.Date, "until": pl.Date}
BEFORE = {name: schema.FLAGGED[name] for name in ("account_id", "action", "flagged_since", "act_on")}

_SEVERITIES = [1, 39, 40, 69, 70, 89, 90, 100]


def _listing(severities: list[int]) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(
        {
            "source": st.sampled_from(["police", "bank-a", "pilot"]),
            "reason": st.sampled_from(["gambling", "money_mule"]),
            "severity": st.sampled_from(severities),
            "listed_on": st.sampled_from([None, *(DAY + timedelta(days=gap) for gap in (-2, -1, 0, 1))]),
        }
    )


_evidence = st.fixed_dictionaries(
    {
        "account_id": st.sampled_from(IDS),
        "kind": st.sampled_from(["phone", "card"]),
        "status": st.sampled_from(["ok", "completed"]),
        "match": st.sampled_from(MATCHES),
        "holder": st.sampled_from(HOLDERS),
        "carried_by": st.sampled_from([1, 2, 3, 5, 6]),
        "allowed": st.none() | st.none() | st.sampled_from(["desk", "regulator"]),
    }
)
_row = st.fixed_dictionaries(
    {"segment": st.sampled_from(["shop", "hospital ", None]), "tier": st.sampled_from(["1", "2", None])}
)
_before = st.fixed_dictionaries({"action": actions, "flagged_since": near_days, "act_on": near_days})


@st.composite
def nights(draw: st.DrawFn) -> tuple[list[Row], dict[str, list[Row]], Question]:
    """Hits, what the rows of each account say, and what is asked."""
    # Where all weigh the same, the day decides, and then the name.
    listing = _listing(draw(st.sampled_from([_SEVERITIES, [90]])))
    listings = [
        each | {"listing_id": f"{each['source']}:{at}"}
        for at, each in enumerate(draw(st.lists(listing, min_size=1, max_size=4)))
    ]
    many = draw(st.sampled_from([0, 6]))
    hits = [draw(st.sampled_from(listings)) | each for each in draw(st.lists(_evidence, min_size=many, max_size=8))]
    said = {account: draw(st.lists(_row, min_size=1, max_size=2)) for account in IDS}
    before = draw(st.dictionaries(st.sampled_from([*IDS, "gone"]), _before))
    asked = Question(
        *(DAY, "CN", NAMES, SINCE, draw(policies), draw(of_sources), draw(clearances_of(IDS))),
        [{"account_id": account, **flag} for account, flag in before.items()],
        carry=CARRY,
    )
    return hits, said, asked


def policy_of(asked: Question) -> Policy:
    return cs.Policy(**asked.policy).under({name: Terms(**said) for name, said in asked.terms.items()})


def judged_by_columns(hits: list[Row], said: dict[str, list[Row]], asked: Question) -> pl.LazyFrame:
    def told(account: str, column: str) -> list[str]:
        return sorted(row[column] for row in said[account] if row[column] is not None)

    rows = [
        {**hit, "allowed_by": hit["allowed"], **{f"{ACCOUNT}{name}": told(hit["account_id"], name) for name in CARRY}}
        for hit in hits
    ]
    frame = pl.DataFrame([{name: row[name] for name in HIT} for row in rows], schema=HIT).lazy()
    # A file of clearances is read without the blanks around an account.
    decisions = [{**each, "account_id": each["account_id"].strip()} for each in asked.clearances]
    cleared = pl.DataFrame(decisions, schema=CLEARED).filter(clears(asked.day)) if decisions else None
    return judge(policy_of(asked), frame, cleared)


def judged_one_by_one(hits: list[Row], said: dict[str, list[Row]], asked: Question) -> list[Row]:
    told = [dict(hit) for hit in hits]
    for hit in told:
        reference.judge(hit, said[hit["account_id"]], asked)
    return told


@settings(max_examples=100)
@given(nights())
def test_any_hits_are_judged_as_the_slow_reference_judges_them(
    night: tuple[list[Row], dict[str, list[Row]], Question],
) -> None:
    names = ["listing_id", "score", "cap", "action", "exempted_by", "live"]
    fast = judged_by_columns(*night).select(names).collect()
    assert fast.rows() == [tuple(hit[name] for name in names) for hit in judged_one_by_one(*night)]


@settings(max_examples=100)
@given(nights())
def test_any_judged_hits_are_decided_as_the_slow_reference_decides_them(
    night: tuple[list[Row], dict[str, list[Row]], Question],
) -> None:
    asked = night[2]
    before = pl.LazyFrame(asked.previous, schema=BEFORE) if asked.previous else None
    told = decide(policy_of(asked), judged_by_columns(*night), asked.day, CARRY, before).collect()
    found = Found(hits=judged_one_by_one(*night))
    reference.decide(found, night[1], asked)
    expected = sorted(found.flagged, key=lambda row: row["account_id"])
    assert told.columns == [*schema.FLAGGED, *CARRY]
    assert told.rows() == [tuple(row[name] for name in told.columns) for row in expected]
    assert {name: told.schema[name] for name in schema.FLAGGED} == dict(schema.FLAGGED)


@settings(max_examples=50)
@given(nights())
def test_a_hit_weighed_again_tells_the_rule_the_level_and_the_caps_that_led_to_its_action(
    night: tuple[list[Row], dict[str, list[Row]], Question],
) -> None:
    hits, said, asked = night
    policy, first = policy_of(asked), {account: rows[:1] for account, rows in said.items()}

    def weigh(hit: Row) -> Judgement:
        return judged(policy, hit, first[hit["account_id"]][0])

    for hit in judged_one_by_one(hits[:2], first, asked):
        told, rules = weigh(hit), asked.policy["rules"]
        at = next((at for at, rule in enumerate(rules) if reference.applies(rule, hit, first[hit["account_id"]])), None)
        rule = {} if at is None else rules[at]
        assert told.sure
        assert told.rule == (None if at is None else at + 1)
        assert told.scored_by == ("listing" if rule.get("score") is None else "rule")
        assert told.measured == rule.get("measure_only", False)
        assert (told.level, told.recommended) == (asked.level_of(hit["score"]), asked.action_of(hit["score"]))
        assert hit["action"] == min([told.recommended, *told.caps.values()], key=ACTIONS.index)
        binding = ACTIONS.index(hit["cap"]) < ACTIONS.index(told.recommended)
        assert told.bound_by == ([name for name, cap in told.caps.items() if cap == hit["cap"]] if binding else [])
        for other in ({"score": hit["score"] - 1}, {"cap": "none" if hit["cap"] != "none" else "close"}):
            assert not weigh(hit | other).sure
        score = pl.DataFrame({"score": [hit["score"]]}).select(recommended(policy, pl.col("score"))).item()
        assert score == told.recommended
