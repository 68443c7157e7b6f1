"""Nights of any accounts, listings, policy, terms and clearances: of few values, so that everything meets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import reference
from hypothesis import strategies as st
from reference import ACTIONS

import cardscreen as cs
from cardscreen.kinds.kind import Kind
from cardscreen.lists.terms import Origin, Terms

Row = dict[str, Any]
DAY = date(2026, 11, 23)
KEY = cs.TokenKey("correct horse battery staple, and some more")

KINDS: dict[str, Kind] = {
    "mobile": cs.Phone("CN", holder_since="since"),
    "second": cs.Phone("CN", many=True),
    "card_no": cs.Card(holder_since="card_since"),
}
NAMES = {column: kind.name for column, kind in KINDS.items()}
SINCE = {column: kind.holder_since for column, kind in KINDS.items() if kind.holder_since}
CARRY = ["segment", "tier"]
ACCOUNTS: Row = {
    "mobile": pl.String,
    "second": pl.List(pl.String),
    "card_no": pl.String,
    "since": pl.Date,
    "card_since": pl.Date,
    "segment": pl.String,
    "tier": pl.Int64,
}
LISTED = {
    **dict.fromkeys(["kind", "value", "list", "source", "reason", "reference"], pl.String),
    "severity": pl.Int64,
    **dict.fromkeys(["listed_on", "expires_on", "ended_on"], pl.Date),
}
#: Account ids of every type that is worth a try; `None` names nobody.
IDS: dict[str, tuple[pl.DataType, list[Any]]] = {
    "text": (pl.String(), ["a", "B", "号", "a ", None, " "]),
    "integer": (pl.Int32(), [-1, 0, 7, 10, None]),
    "large": (pl.UInt64(), [1, 2, 2**64 - 1, None]),
    "date": (pl.Date(), [DAY, DAY + timedelta(days=1), date(1999, 1, 1), None]),
}

ONE_PHONE = ["13800138000", "138 0013 8001", "+8617000001234", "13800138001.0", "1.3800138E+10", "n/a", "", None]
phone_cells = st.sampled_from(ONE_PHONE)
several_cells = st.sampled_from([*ONE_PHONE, *reference.SEVERAL])
card_cells = st.sampled_from(
    [
        *("6222021234561234", "6222 0212 3456 7894", "6222021234561234000", "1", None),
        *("6222021234567890", "6222021234561234.0", "8888888888888888", "1234567890123456"),
        *("622202******1234", "62220212****7894", "622202…1234", "622202****1234", "62220213****1234"),
    ]
)
PHONES = ["+8613800138000", "+8613800138001", "+861062345679", "+8613800138*", "+8617000001000-+8617000001999"]
CARDS = ["6222021234561234", "6222021234567894", "622202******1234", "62220212*", "622202…1234", "6222*"]
CARDS += ["6222020000000000-6222021234569999"]
TOKENS = {"phone": PHONES[:2], "card": CARDS[:2]}
near_days = st.sampled_from([-1, 0, 0, 1]).map(lambda gap: DAY + timedelta(days=gap))
days = st.none() | st.none() | near_days


@st.composite
def listing(draw: st.DrawFn) -> Row:
    kind, values = draw(st.sampled_from([("phone", PHONES), ("card", CARDS)]))
    token = draw(st.sampled_from([False, False, False, True]))
    begin, end = draw(days), draw(days)
    if begin and end and end < begin:
        begin, end = end, begin
    return {
        "kind": kind,
        "value": draw(st.sampled_from(TOKENS[kind] if token else values)),
        "token": token,
        "list": draw(st.sampled_from(["block", "block", "block", "block", "allow"])),
        "source": draw(st.sampled_from(["police", "bank-a", "pilot"])),
        "reason": draw(st.sampled_from(["gambling", "money_mule"])),
        "severity": draw(st.sampled_from([1, 39, 40, 70, 89, 90, 100])),
        "listed_on": begin,
        "expires_on": end,
        "ended_on": draw(st.none() | st.none() | near_days),
        "reference": draw(st.sampled_from([None, "A1", "A2"])),
    }


@st.composite
def accounts_of(draw: st.DrawFn, ids: list[Any], size: int = 10) -> list[Row]:
    row = st.fixed_dictionaries(
        {
            "account_id": st.sampled_from(ids),
            "mobile": phone_cells,
            "second": st.none() | st.lists(several_cells, max_size=3),
            "card_no": card_cells,
            "since": days,
            "card_since": days,
            "segment": st.sampled_from(["shop", "hospital", "HOSPITAL ", None]),
            "tier": st.sampled_from([1, 2, None]),
        }
    )
    return draw(st.lists(row, min_size=draw(st.sampled_from([0, size // 2])), max_size=size))


VALUES = {
    "kind": ["phone", "card"],
    "source": ["police", "bank-a", "pilot"],
    "reason": ["gambling", "money_mule"],
    "match": ["exact", "range", "truncated", "token"],
    "holder": ["same", "earlier", "unknown"],
    "account.segment": ["shop", "Hospital"],
    "account.tier": ["1", "2"],
}
actions = st.sampled_from(ACTIONS)


@st.composite
def rule(draw: st.DrawFn) -> Row:
    keys = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=2, unique=True))
    when = {}
    for key in keys:
        values = draw(st.lists(st.sampled_from(VALUES[key]), min_size=1, max_size=2, unique=True))
        when[key] = values[0] if len(values) == 1 and draw(st.booleans()) else values
    effects = {"score": st.sampled_from([1, 45, 75, 95]), "cap": actions, "measure_only": st.just(value=True)}
    said = draw(st.lists(st.sampled_from(list(effects)), min_size=1, max_size=2, unique=True))
    return {"when": when} | {name: draw(effects[name]) for name in said}


def is_hidden(rule: Row, before: Row) -> bool:
    """Whether a rule asks for all that a rule before it asks for."""

    def values(when: Row, key: str) -> set[str]:
        return {when[key]} if isinstance(when[key], str) else set(when[key])

    mine, other = rule["when"], before["when"]
    return all(key in mine and values(mine, key) <= values(other, key) for key in other)


def reachable(rules: list[Row]) -> list[Row]:
    kept: list[Row] = []
    for each in rules:
        if not any(is_hidden(each, before) for before in kept):
            kept.append(each)
    return kept


source_terms = st.fixed_dictionaries({}, optional={"cap": actions, "overridable": st.booleans()})
of_sources = st.dictionaries(st.sampled_from(VALUES["source"]), source_terms, max_size=2)
starts = st.lists(st.sampled_from([1, 2, 39, 40, 41, 70, 90, 100]), min_size=4, max_size=4).map(sorted)
LEVELS = ["low", "medium", "high", "critical"]
policies = st.fixed_dictionaries(
    {"rules": st.lists(rule(), max_size=5).map(reachable)},
    optional={
        "levels": starts.map(lambda steps: dict(zip(LEVELS, steps, strict=True))),
        "actions": st.lists(st.integers(0, 4), min_size=4, max_size=4).map(
            lambda codes: {level: ACTIONS[code] for level, code in zip(LEVELS, sorted(codes), strict=True)}
        ),
        "grace_days": st.dictionaries(st.sampled_from(ACTIONS[1:]), st.integers(0, 5)),
        "caps": st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(["earlier_holder", "truncated", "range", "shared", "completed"], actions),
                "shared_above": st.integers(1, 3),
            },
        ),
        "sources": of_sources,
    },
)


def clearances_of(ids: list[Any]) -> st.SearchStrategy[list[Row]]:
    decision = st.fixed_dictionaries(
        {
            "account_id": st.sampled_from([str(each) for each in ids if not reference.is_nobody(each)]),
            "listing_id": st.none() | st.sampled_from(["police:0", "bank-a:1", "pilot:0", "police:2"]),
            "decided_on": near_days,
            "until": days,
        }
    )
    return st.lists(decision.map(_in_order), max_size=3)


def _in_order(decision: Row) -> Row:
    """A decision that ends on its own day at the earliest: others are refused."""
    until = decision["until"]
    return decision | {"until": until and max(until, decision["decided_on"])}


@st.composite
def worlds(draw: st.DrawFn, ids: list[Any]) -> Row:
    """A night's accounts, listings, policy, terms and clearances."""
    return {
        "accounts": draw(accounts_of(ids)),
        "listings": draw(st.lists(listing(), min_size=3, max_size=8)),
        "policy": draw(policies),
        "terms": draw(of_sources),
        "clearances": draw(clearances_of(ids)),
    }


def frame_of(accounts: list[Row], id_type: pl.DataType) -> pl.DataFrame:
    return pl.DataFrame(accounts, schema={"account_id": id_type, **ACCOUNTS})


def blocklist_of(listings: list[Row], terms: dict[str, Row] | None = None) -> cs.Blocklist:
    frame = pl.DataFrame([{name: row[name] for name in LISTED} for row in listings], schema=LISTED)
    tokens = pl.coalesce(
        pl.when(pl.col("kind") == kind).then(cs.token("value", kind, KEY)) for kind in ("phone", "card")
    )
    hidden = pl.Series([row["token"] for row in listings], dtype=pl.Boolean)
    listed = cs.Blocklist.from_frame(frame.with_columns(value=pl.when(hidden).then(tokens).otherwise("value")))
    about: Row = {
        "confirmed_on": DAY,
        "changed_on": DAY,
        "imported_at": datetime(2026, 11, 23, tzinfo=UTC),
        "file": "",
        "sha256": "",
        "listings": 0,
    }
    origins = {name: Origin(terms=Terms(**said), **about) for name, said in (terms or {}).items()}
    return cs.Blocklist(listed.lazy, origins=origins)


def policy_of(world: Row, folder: Path) -> cs.Policy:
    if not world["clearances"]:
        return cs.Policy(**world["policy"])
    file = folder / "clearances.csv"
    pl.DataFrame(
        world["clearances"],
        schema={"account_id": pl.String, "listing_id": pl.String, "decided_on": pl.Date, "until": pl.Date},
    ).write_csv(file)
    return cs.Policy(**world["policy"], clearances={"file": str(file)})
