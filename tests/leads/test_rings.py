"""Rings: who hangs together with listed accounts, against networkx on random graphs; their names over nights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import networkx as nx
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

import cardscreen as cs
from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, MissingColumn
from cardscreen.leads.rings.components import named

DAY = date(2026, 11, 28)
KEY = cs.TokenKey("k" * 64)
Account = tuple[str, str | None, str | None]


def accounts_of(rows: Iterable[Account]) -> pl.DataFrame:
    types = dict.fromkeys(("account_id", "device", "box"), pl.String)
    return pl.DataFrame([*rows], schema=types, orient="row")


def find(rows: Iterable[Account], listed: Iterable[str], **options: Any) -> cs.Rings:
    links = options.pop("links", {"device": 3, "box": 4})
    return cs.find_rings(accounts_of(rows), [*listed], links, as_of=DAY, **options)


def rings_in(found: cs.Rings) -> set[frozenset[str]]:
    members = found.members.collect()
    return {frozenset(ids) for ids in members.group_by("ring_id").agg("account_id")["account_id"].to_list()}


def by_networkx(
    rows: list[Account], listed: set[str], steps: int, limits: Mapping[str, int]
) -> tuple[set[frozenset[str]], dict[str, int]]:
    """The same by another library: rings of two listed accounts or more, and the steps of all that are reached."""
    graph: Any = nx.Graph()
    graph.add_nodes_from(account for account, *_ in rows)
    for at, (column, most) in enumerate(limits.items(), 1):
        for value in {row[at] for row in rows} - {None}:
            carriers = {row[0] for row in rows if row[at] == value}
            if 2 <= len(carriers) <= most:
                graph.add_edges_from(((column, value), account) for account in carriers)
    there = [account for account in listed if account in graph]
    hops = nx.multi_source_dijkstra_path_length(graph, there, cutoff=2 * steps) if there else {}
    kept = graph.subgraph(node for node in hops if isinstance(node, str) or hops[node] < 2 * steps)
    parts = [{node for node in part if isinstance(node, str)} for part in nx.connected_components(kept)]
    rings = {frozenset(part) for part in parts if len(part & listed) >= 2}
    return rings, {node: int(hops[node]) // 2 for node in kept if isinstance(node, str)}


few = st.integers(0, 14).map("a{}".format)
device, box = (st.none() | st.sampled_from([f"{letter}{at}" for at in range(7)]) for letter in "vw")
graphs = st.lists(st.tuples(few, device, box), max_size=24)


@given(graphs, st.sets(few, max_size=6), st.integers(1, 3))
def test_rings_and_steps_are_those_of_another_library(rows: list[Account], listed: set[str], steps: int) -> None:
    limits = {"device": 3, "box": 4}
    found = find(rows, listed, steps=steps, min_share=0)
    rings, hops = by_networkx(rows, listed, steps, limits)
    assert rings_in(found) == rings
    members = found.members.collect()
    assert {row["account_id"]: row["steps"] for row in members.to_dicts()} == {
        name: hops[name] for ring in rings for name in ring
    }
    assert set(members.filter("listed")["account_id"]) == listed & {name for ring in rings for name in ring}


@given(graphs, st.sets(few, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_accounts_changes_nothing(rows: list[Account], listed: set[str], dice: Any) -> None:
    other = rows.copy()
    dice.shuffle(other)
    first, second = find(rows, listed), find(other, listed)
    for name in ("rings", "members", "proposals", "links", "dropped"):
        assert getattr(first, name).collect().equals(getattr(second, name).collect())


def test_frames_have_the_columns_of_the_contract() -> None:
    found = find([("a", "1", None), ("b", "1", None)], "ab")
    assert found.rings.collect_schema() == pl.Schema(schema.RINGS)
    assert found.members.collect_schema() == pl.Schema(schema.MEMBERS)
    assert found.proposals.collect_schema() == pl.Schema(schema.PROPOSALS)


def test_a_value_of_as_many_accounts_as_its_column_allows_links_and_of_one_more_does_not() -> None:
    at_most, more = [(f"a{at}", "1", None) for at in range(3)], [(f"a{at}", "1", None) for at in range(4)]
    assert rings_in(find(at_most, ["a0", "a1"])) == {frozenset({"a0", "a1", "a2"})}
    found = find(more, ["a0", "a1"])
    assert rings_in(found) == set()
    assert found.dropped.collect().to_dicts() == [
        {"identifier": "device", "kind": "opaque", "value": "device:1", "why": "crowded", "more_than": 3}
    ]


def test_a_switchboard_behind_a_ring_is_told_and_draws_nobody_in() -> None:
    rows = [("a", "1", "9"), ("b", "1", "9"), *((f"c{at}", None, "9") for at in range(9))]
    found = find(rows, ["a", "b"])
    assert rings_in(found) == {frozenset({"a", "b"})}
    assert found.rings.collect().select("links", "dropped_links").rows() == [(1, 1)]


def test_one_account_with_many_rows_is_one_carrier() -> None:
    rows = [("a", "1", None)] * 9 + [("b", "1", None), ("b", "2", None), ("c", "2", None)]
    assert rings_in(find(rows, ["a", "b"], min_share=0)) == {frozenset({"a", "b", "c"})}


def test_values_that_are_nobodys_link_nobody() -> None:
    accounts = pl.DataFrame(
        {
            "account_id": ["a", "b", "c", "d"],
            "mobile": [
                "12345678901",
                "12345678901",
                "138 0013 8001",
                "+8613800138001",
            ],  # the first has no such network
            "card_no": ["4111111111111111", "4111111111111111", "n/a", "n/a"],  # published for testing
            "device": ["unknown", "unknown", "0", "0"],
        }
    )
    kinds: dict[str, Any] = {"mobile": cs.Phone("CN"), "card_no": cs.Card(), "device": cs.Opaque("device")}
    links = {"mobile": 20, "card_no": 5, "device": 10}
    found = cs.find_rings(accounts, ["a", "b", "c", "d"], links, identifiers=kinds, tokens=KEY, as_of=DAY)
    assert rings_in(found) == {frozenset({"c", "d"})}
    assert found.proposals.collect()["value"].to_list() == ["+8613800138001"]


def test_a_number_in_two_columns_is_one_number() -> None:
    accounts = pl.DataFrame({"account_id": ["a", "b"], "own": ["13800138001", None], "other": [None, "13800138001"]})
    kinds = {"own": cs.Phone("CN"), "other": cs.Phone("CN")}
    found = cs.find_rings(accounts, ["a", "b"], {"own": 5, "other": 2}, identifiers=kinds, as_of=DAY)
    assert rings_in(found) == {frozenset({"a", "b"})}


def test_several_numbers_in_a_cell_are_several_links() -> None:
    mobile = [["13800138001", "13800138002"], ["13800138001"], ["13800138002"]]
    accounts = pl.DataFrame({"account_id": ["a", "b", "c"], "mobile": mobile})
    found = cs.find_rings(accounts, ["b", "c"], {"mobile": 5}, identifiers={"mobile": cs.Phone("CN")}, as_of=DAY)
    assert rings_in(found) == {frozenset({"a", "b", "c"})}


def test_what_an_allow_listing_holds_links_nobody_and_is_told() -> None:
    accounts = pl.DataFrame({"account_id": ["a", "b"], "mobile": ["13800138001"] * 2})
    shelter = pl.DataFrame({"kind": ["phone"], "value": ["+861380013800*"], "list": ["allow"], "reason": ["shelter"]})
    options: Any = {"identifiers": {"mobile": cs.Phone("CN")}, "as_of": DAY}
    found = cs.find_rings(accounts, ["a", "b"], {"mobile": 5}, blocklist=cs.Blocklist.from_frame(shelter), **options)
    assert rings_in(found) == set()
    assert found.dropped.collect().select("value", "why").rows() == [("+8613800138001", "allowed")]
    assert rings_in(cs.find_rings(accounts, ["a", "b"], {"mobile": 5}, **options)) == {frozenset({"a", "b"})}


def test_a_family_with_one_listed_account_is_no_ring() -> None:
    family = [("a", "1", "1"), ("b", "1", None), ("c", None, "1")]
    assert rings_in(find(family, ["a"])) == set()
    assert rings_in(find(family, ["a"], min_listed=1)) == {frozenset({"a", "b", "c"})}


def test_too_small_a_share_of_listed_accounts_is_no_ring() -> None:
    core = [(f"a{at}", "1", f"box-{at}") for at in range(3)]
    rows = [*core, *((f"b{at}{box}", None, f"box-{box}") for box in range(3) for at in range(3))]
    assert rings_in(find(rows, ["a0", "a1"], min_share=0.17)) == set()
    assert [len(ring) for ring in rings_in(find(rows, ["a0", "a1"], min_share=0.16))] == [12]


def test_a_ring_that_is_too_large_is_told_and_proposes_nothing() -> None:
    rows = [("a", "1", None), ("b", "1", "2"), ("c", None, "2")]
    found = find(rows, ["a", "b"], max_accounts=2)
    assert found.rings.collect()["accounts"].to_list() == [3]
    assert "larger than 2 accounts" in found.rings.collect()["why"][0]
    assert found.proposals.collect().is_empty()


def test_what_is_proposed_is_each_value_of_at_least_two_members() -> None:
    rows = [("a", "1", "7"), ("b", "1", "8"), ("c", "2", "8")]
    proposals = find(rows, ["a", "b"]).proposals.collect()
    seen = proposals.select("kind", "value", "accounts", "listed", "weight", "reason", "source", "severity").rows()
    assert seen == [
        ("opaque", "box:8", 2, 1, 2.0, "ring", "rings", 50),
        ("opaque", "device:1", 2, 2, 2.0, "ring", "rings", 50),
    ]
    assert proposals["state"].to_list() == ["proposed"] * 2
    assert "of the ring's 3 accounts 2 are listed" in proposals["why"][0]


def test_card_numbers_are_proposed_as_tokens_and_stand_nowhere() -> None:
    card = "6222020000000000018"
    accounts = pl.DataFrame({"account_id": ["a", "b"], "card_no": [card, f"{card[:4]} {card[4:8]} {card[8:]}"]})
    found = cs.find_rings(
        accounts, ["a", "b"], {"card_no": 5}, identifiers={"card_no": cs.Card()}, tokens=KEY, as_of=DAY
    )
    token = pl.DataFrame({"x": [card]}).select(cs.token("x", "card", KEY)).item()
    assert found.proposals.collect()["value"].to_list() == [token]
    assert found.links.collect()["value"].unique().to_list() == [token]
    for name in ("rings", "members", "proposals", "links", "dropped"):
        assert card not in getattr(found, name).collect().write_csv()


def test_links_on_card_numbers_without_a_key_are_refused_in_a_sentence() -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "card_no": ["6222020000000000018"]})
    with pytest.raises(ConfigError, match="'card_no' holds card numbers, which are proposed as tokens only"):
        cs.find_rings(accounts, ["a"], {"card_no": 5}, identifiers={"card_no": cs.Card()})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"links": {}}, "names no column"),
        ({"links": {"device": 1}}, r"links.device is 1: give the number of accounts"),
        ({"steps": 0}, "steps is 0: give 1 or more"),
        ({"min_share": 2}, "min_share is 2: give 0 to 1"),
        ({"severity": 0}, "severity is 0: give 1 to 100"),
    ],
)
def test_options_that_make_no_sense_are_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        find([("a", "1", None)], ["a"], **options)


def test_a_column_that_is_not_there_is_told_with_the_near_name() -> None:
    with pytest.raises(MissingColumn, match="did you mean 'device'"):
        find([("a", "1", None)], ["a"], links={"devices": 3})


def test_flagged_accounts_may_be_a_result_and_other_types_of_ids_meet() -> None:
    accounts = pl.DataFrame({"account_id": [1, 2, 3], "device": ["8F", "8F", "8F"]})
    flagged = pl.DataFrame({"account_id": ["1", "2", "77"], "action": ["verify"] * 3})
    found = cs.find_rings(accounts, flagged, {"device": 3}, as_of=DAY)
    assert found.members.collect()["account_id"].to_list() == [1, 2, 3]


# --- names from night to night ------------------------------------------------------------------------


def night(groups: dict[str, str], before: pl.DataFrame | None = None, day: date = DAY) -> dict[str, str]:
    """Ring of each account, of groups such as {"one": "abc"}."""
    members = [(at, account) for at, accounts in enumerate(groups.values()) for account in accounts]
    types: Any = {"component": pl.Int32, "account": pl.String}
    table = pl.DataFrame(members, schema=types, orient="row")
    known = before if before is not None else EARLIER.clear()
    names = named(table, known, day)
    return dict(table.join(names, on="component").select("account", "ring_id").rows())


EARLIER = pl.DataFrame(
    [(f"R{ring}", DAY, account) for ring, accounts in (("1", "abcd"), ("2", "efg")) for account in accounts],
    schema=["ring_id", "first_found", "account"],
    orient="row",
)


def test_a_ring_that_grows_keeps_its_name() -> None:
    assert night({"one": "abcdxyz"}, EARLIER)["x"] == "R1"


def test_a_ring_that_splits_leaves_its_name_to_the_part_that_has_most_of_it() -> None:
    names = night({"one": "a", "two": "bcd"}, EARLIER)
    assert names["b"] == "R1"
    assert names["a"] not in ("R1", "R2")


def test_rings_that_merge_go_by_the_name_of_the_larger_part_and_of_equals_by_the_older() -> None:
    assert night({"all": "abcdefg"}, EARLIER)["e"] == "R1"
    equal = EARLIER.filter(~pl.col("account").is_in(["d"])).with_columns(
        first_found=pl.when(pl.col("ring_id") == "R2").then(date(2026, 1, 1)).otherwise("first_found")
    )
    assert night({"all": "abcefg"}, equal)["a"] == "R2"


@given(st.lists(st.sets(st.sampled_from("abcdefghij"), min_size=1), min_size=1, max_size=4), st.data())
def test_each_name_goes_to_one_ring_and_the_same_night_finds_the_same_names(groups: list[set[str]], data: Any) -> None:
    apart: list[set[str]] = []
    for group in groups:
        apart.append(group - set().union(*apart) if apart else group)
    rings = {str(at): "".join(sorted(group)) for at, group in enumerate(apart) if group}
    names = night(rings, EARLIER)
    assert len(set(names.values())) == len(rings)
    order = data.draw(st.permutations(list(rings)))
    assert night({name: rings[name] for name in order}, EARLIER) == names
    kept = pl.DataFrame([(name, DAY, account) for account, name in names.items()], schema=EARLIER.columns, orient="row")
    assert night(rings, kept) == names


def test_cards_in_a_column_that_nobody_called_one_are_refused_unless_they_are_meant() -> None:
    cards = [f"{body}{luhn.calc_check_digit(str(body))}" for body in range(622202123456000, 622202123456050)]
    accounts = pl.DataFrame({"account_id": [f"a{at}" for at in range(100)], "card_no": cards * 2})
    with pytest.raises(ConfigError, match=r"column 'card_no' holds identifiers.*Card\(\)") as refused:
        cs.find_rings(accounts, accounts["account_id"], {"card_no": 10}, as_of=DAY)
    assert not any(card in str(refused.value) for card in cards)
    meant = cs.find_rings(accounts, accounts["account_id"], {"card_no": 10}, unmasked="card_no", as_of=DAY)
    assert meant.rings.collect().height == len(cards)
    tokens = cs.find_rings(
        accounts, accounts["account_id"], {"card_no": 10}, identifiers={"card_no": cs.Card()}, tokens=KEY, as_of=DAY
    )
    assert not any(card in str(tokens.proposals.collect().to_dicts()) for card in cards)


def test_names_are_kept_through_the_earlier_rings_of_the_search() -> None:
    first = find([("a", "1", None), ("b", "1", None)], ["a", "b"])
    name = first.rings.collect()["ring_id"][0]
    later = cs.find_rings(
        accounts_of([("a", "1", None), ("b", "1", None), ("c", "1", None)]),
        ["a", "b"],
        {"device": 3},
        earlier=first,
        as_of="2026-11-30",
    )
    assert later.rings.collect().select("ring_id", "first_found", "accounts").rows() == [(name, DAY, 3)]
    assert later.proposals.collect().select("first_on", "last_on").rows() == [(DAY, date(2026, 11, 30))]
