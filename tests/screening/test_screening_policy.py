"""Everything that a policy says, over one night and several, against the slow reference; and sums that add up."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import Question
from worlds import (
    CARRY,
    DAY,
    IDS,
    KEY,
    KINDS,
    NAMES,
    SINCE,
    Row,
    blocklist_of,
    frame_of,
    is_hidden,
    policy_of,
    rule,
    worlds,
)

import cardscreen as cs
from cardscreen.policy.rules import Rule, hidden

NO_NIGHT: tuple[Any, list[Row]] = (None, [])


def assert_agrees(world: Row, id_type: pl.DataType, folder: Path, day: date, before: Any) -> Any:
    """Ask both; everything that they find must be equal. Returns the flagged frame and rows."""
    previous, rows_before = before
    asked = Question(
        *(day, "CN", NAMES, SINCE, world["policy"], world["terms"], world["clearances"], rows_before),
        carry=CARRY,
        several={"second"},
    )
    expected = reference.screen(world["accounts"], world["listings"], asked)
    result = cs.screen(
        frame_of(world["accounts"], id_type),
        blocklist_of(world["listings"], world["terms"]),
        KINDS,
        carry=CARRY,
        policy=policy_of(world, folder),
        as_of=day,
        previous=previous,
        tokens=KEY,
    )
    hits, flagged = result.hits.collect(), result.flagged.collect()
    assert hits.rows() == [tuple(hit[name] for name in hits.columns) for hit in expected.hits]
    told = sorted(expected.flagged, key=lambda row: row["account_id"])
    assert flagged.rows() == [tuple(row[name] for name in flagged.columns) for row in told]
    assert result.rejects.collect().drop("shape", "file", "line").rows() == expected.rejects
    assert result.summary["coverage"] == expected.coverage
    assert {name: of.get("invalid", 0) for name, of in result.summary["notes"].items()} == expected.invalid
    assert result.summary["rows"] == expected.rows
    return flagged, expected.flagged


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("policy")


@settings(max_examples=15)
@given(data=st.data())
def test_a_night_under_any_policy_agrees_with_the_slow_reference(folder: Path, data: st.DataObject) -> None:
    id_type, values = IDS[data.draw(st.sampled_from(list(IDS)))]
    assert_agrees(data.draw(worlds(values)), id_type, folder, DAY, NO_NIGHT)


@settings(max_examples=10)
@given(data=st.data())
def test_nights_one_after_another_agree_with_the_slow_reference(folder: Path, data: st.DataObject) -> None:
    id_type, values = IDS["text"]
    day, before = DAY - timedelta(days=1), NO_NIGHT
    for world in data.draw(st.lists(worlds(values[:2]), min_size=2, max_size=4)):
        before = assert_agrees(world, id_type, folder, day, before)
        day += timedelta(days=data.draw(st.integers(1, 2)))


@settings(max_examples=200)
@given(st.lists(rule(), max_size=5))
def test_rules_are_refused_exactly_where_one_hides_another(rules: Any) -> None:
    told = {at for at, _ in hidden([Rule(**each) for each in rules])}
    assert told == {at for at, each in enumerate(rules) if any(is_hidden(each, before) for before in rules[:at])}
    if told:
        with pytest.raises(cs.ConfigError, match=f"rule {min(told) + 1} never applies"):
            cs.Policy(rules=rules)
    else:
        assert len(cs.Policy(rules=rules).rules) == len(rules)
