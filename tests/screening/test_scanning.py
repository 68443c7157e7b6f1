"""The pass: plain cells read as integers say what reading in full says, and look-ups are those of sets."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from of_each_kind import COMPARED, an_iccid

import cardscreen as cs
from cardscreen.foundation.bounds import LONGEST_CELL
from cardscreen.foundation.lookup.digits import are_null, distinct, without
from cardscreen.foundation.lookup.members import Members
from cardscreen.kinds.card import samples
from cardscreen.kinds.kind import Kind
from cardscreen.screening import scan

KEYS = st.integers(0, 40) | st.integers(0, 2**64 - 1)
PHONES = ["13800138000", "+8613800138000", "138 0013-8000", "0044 20 7946 0958", "110", "+1 242 365 1234", "", "n/a"]
CARDS = [
    "4111111111111111",
    "6222 0212 3456 1234",
    "6222021234561000000",
    "622202******1234",
    "0" * 16,
    "8888 8888 8888 8888",
    "1234567890123456",
    "6222021234561234.0",
    "卡号：6222.0212.3456.1234",
    "+41111111111111",
]
DEVICES = [
    "0" * 14,
    "11111111111111",
    "460000000000000",
    "46000000000000",
    "444444444444444",
    "999991234567890",
    "8986000000000000000",
    "89860000000000000008",
    "1986001234567890123",
    "894411123456789012",
    "8944111234567890123",
    "89441112345678901234",
    "35209900176148é",
    "352099001761480",
    "1" * 18,
    "11010519491231002X",
    "11010519491231000",
    "110105194912310000",
    "110105194902310025",
    "110105000012310025",
    "81000019920329000X",
    "DE89370400440532013000",
    "DE8937040044053201300O",
    "DE89370400440532013001",
    "BE71096123456769",
    "BE71096123456768",
    "ES9121000418450200051332",
    "ES7921000418450200051331",
    "XX79210004184502000513",
]
PLAIN_CARD = "6222021234561236"
ODD = st.text(st.sampled_from("0123456789+ -.*xX()\0\u00a0\uff0d\uff11e"), max_size=22)
KINDS: dict[str, Kind] = {
    "national": cs.Phone("CN"),
    "international": cs.Phone(),
    "by-row": cs.Phone(region_column="region"),
    "many": cs.Phone("CN", many=True),
    "repaired": cs.Phone("CN", repair=True),
    "card": cs.Card(),
    "card-repaired": cs.Card(repair=True),
    "card-without-tests": cs.Card(exclude_test_cards=True),
    "wallet": cs.Wallet(),
    "imei": cs.Imei(),
    "imsi": cs.Imsi(),
    "iccid": cs.Iccid(),
    "iban": cs.Iban(),
    "resident_id": cs.ResidentId(),
}
#: Of those with a reference: kinds of which most cells are plain.
PLAIN = ("imei", "imsi", "iccid", "iban", "resident_id")


def keys_and_cells(kind: Kind, cells: pl.Series, regions: list[str | None]) -> tuple[list[int], pl.DataFrame]:
    """What both ways of reading say."""
    frame = pl.DataFrame({"x": cells, "region": pl.Series(regions, dtype=pl.String)})
    found = kind.keys_of(frame.select("x", *kind.columns())).keys
    return found.tolist(), frame.select(kind.scan(pl.col("x")).struct.unnest())


@pytest.mark.parametrize(
    "ids",
    [
        pytest.param(["1.23457E+17", "1.23457E+17"], id="text-of-a-sheet"),
        pytest.param(["1,2e17", "3"], id="with-a-comma"),
        pytest.param(["1E+17", "3"], id="of-zeros"),
        pytest.param([1.23456e17, 2.0], id="floats-that-have-lost-digits"),
        pytest.param([1.5, 2.0], id="floats-that-are-not-whole"),
    ],
)
def test_ids_that_a_spreadsheet_has_made_quantities_are_refused(ids: list[Any]) -> None:
    accounts = pl.DataFrame({"account_id": ids, "mobile": ["13800138000", "13900139000"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
    with pytest.raises(cs.InputError, match="column 'account_id' holds ids such as .* write ids as text"):
        cs.screen(accounts, listed, {"mobile": cs.Phone("CN")})


def test_ids_with_a_letter_e_among_digits_are_ids() -> None:
    accounts = pl.DataFrame({"account_id": ["1E5", "2e17"], "mobile": ["13800138000", "13900139000"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
    assert cs.screen(accounts, listed, {"mobile": cs.Phone("CN")}).hits.collect()["account_id"].to_list() == ["1E5"]


def test_masked_numbers_are_nobodys() -> None:
    cells = ["138-0013-XXXX", "138-****-8000", "212-736-XXXX", "2020-01-01"]
    listed = ["+8613800139999", "+861388000", "+12127369999", "+8620200101"]
    listings = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"] * 4, "value": listed}))
    for region in ("CN", "US"):
        accounts = pl.DataFrame({"account_id": range(4), "mobile": cells})
        found = cs.screen(accounts, listings, {"mobile": cs.Phone(region)})
        assert found.hits.collect().is_empty()
        assert found.rejects.collect()["status"].to_list() == ["damaged"] * 4


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@given(
    cells=st.lists(st.none() | st.sampled_from(PHONES + CARDS) | ODD, min_size=1, max_size=15),
    seed=st.integers(0, 2**16),
)
def test_the_key_of_a_plain_cell_is_the_one_that_reading_it_in_full_gives(
    kind: Kind, cells: list[str | None], seed: int
) -> None:
    regions = [["CN", "US", None, "XX"][(seed >> at) % 4] for at in range(len(cells))]
    found, read = keys_and_cells(kind, pl.Series(cells, dtype=pl.String), regions)
    for key, (full, note) in zip(found, read.select("key", "note").rows(), strict=True):
        if key:
            assert (full, note) == (key, None)


@pytest.mark.parametrize("name", PLAIN)
@given(seed=st.integers(0, 2**32), other=st.sampled_from([*PLAIN, "none"]))
def test_plain_devices_and_accounts_are_what_reading_them_in_full_says(name: str, seed: int, other: str) -> None:
    kind = KINDS[name]
    cells = list(COMPARED[name].strings(seed, 40, slips=0.3))
    if other in COMPARED:
        cells += COMPARED[other].strings(seed, 10, slips=0.3)
    frame = pl.DataFrame({"x": [None, *cells, *(an_iccid(Random(seed + each)) for each in range(10)), *DEVICES]})
    keys, flawed = kind.keys_of(frame)
    read = frame.select(kind.scan(pl.col("x")).struct.unnest())
    of = pl.DataFrame({"key": keys, "stub": kind.stubs_of(keys), "flawed": flawed}).filter(pl.col("key") > 0)
    full = read.filter(pl.Series(keys > 0))
    assert of["key"].to_list() == full["key"].to_list()
    assert full["note"].null_count() == len(full)
    assert of["stub"].to_list() == full["stub"].fill_null(0).to_list()
    assert of["flawed"].to_list() == (full["status"] == kind.flaw).to_list()
    assert full["status"].is_in([kind.flaw, "valid"]).all()
    # What is written as most are, and right, needs no closer look; but for regions that came back after years.
    written = pl.Series(keys > 0) | ~frame["x"].str.contains("^[0-9A-Z]+$") | (read["status"] != "valid")
    assert written.fill_null(value=True).to_numpy().mean() > 0.95


@pytest.mark.parametrize(
    ("kind", "cells", "plain"),
    [
        pytest.param(cs.Imei(), [352099001761481, -1, None], [35209900176148, 0, 0], id="imei"),
        pytest.param(cs.Imsi(), [460001234567890.0, 0.5, None], [460001234567890, 0, 0], id="imsi"),
        pytest.param(cs.Iccid(), [2**63 - 1, 8986001234567890123, None], [0, 8986001234567890123, 0], id="iccid"),
    ],
)
def test_numbers_of_devices_may_be_integers_and_floats(kind: Kind, cells: list[Any], plain: list[int]) -> None:
    assert kind.keys_of(pl.DataFrame({"x": cells})).keys.tolist() == plain


@pytest.mark.parametrize(
    ("cells", "plain"),
    [
        pytest.param(pl.Series([13800138000, -1, None]), [8613800138000, 0, 0], id="integers"),
        pytest.param(pl.Series([13800138000.0, 0.5, float("nan"), None]), [8613800138000, 0, 0, 0], id="floats"),
        pytest.param(
            pl.Series(["13800138000", None, "x"], dtype=pl.Categorical), [8613800138000, 0, 0], id="categories"
        ),
    ],
)
def test_columns_of_any_type_have_plain_cells(cells: pl.Series, plain: list[int]) -> None:
    assert cs.Phone("CN").keys_of(cells.alias("x").to_frame()).keys.tolist() == plain


def test_a_plain_card_is_read_without_a_closer_look() -> None:
    cells = pl.Series("x", ["4111111111111129", "6222-0212 3456 1234", "6222021234561234567"])
    assert (cs.Card().keys_of(cells.to_frame()).keys > 0).all()


@pytest.mark.parametrize(
    "cell", [*samples.published()["pan"].head(3), "6222021234560000", "0111111111111111", "1" * 20]
)
def test_a_card_that_may_be_something_else_is_looked_at_closely(cell: str) -> None:
    assert cs.Card().keys_of(pl.DataFrame({"x": [cell]})).keys.tolist() == [0]


@given(st.lists(KEYS, max_size=60), st.lists(KEYS, max_size=60))
def test_members_are_those_of_the_set(listed: list[int], asked: list[int]) -> None:
    rows = Members(np.array(listed, dtype=np.uint64)).among(np.array(asked, dtype=np.uint64))
    assert rows.tolist() == [row for row, key in enumerate(asked) if key in set(listed)]


def test_members_of_many_keys_are_found_in_all_blocks() -> None:
    rng = np.random.default_rng(3)
    listed, others = (
        rng.integers(0, 2**63, 50_000, dtype=np.uint64),
        rng.integers(2**63, 2**64, 50_000, dtype=np.uint64),
    )
    asked = np.concatenate([others, listed])
    assert np.array_equal(Members(listed).among(asked), np.arange(50_000, 100_000))


@given(st.lists(KEYS, max_size=30))
def test_distinct_numbers_rise(numbers: list[int]) -> None:
    assert distinct(np.array(numbers, dtype=np.uint64)).tolist() == sorted(set(numbers))


@given(st.lists(st.text(st.sampled_from("01 -\0é中"), max_size=8), min_size=1, max_size=8))
def test_characters_are_taken_out_of_every_text_alone(texts: list[str]) -> None:
    bare = [text.replace(" ", "").replace("-", "") for text in texts]
    assert without(pl.Series(texts, dtype=pl.String), b" -").to_list() == bare


@pytest.mark.parametrize(("size", "aside"), [(1, 1), (3, 1), (1000, 1), (3, 7)])
def test_the_number_of_rows_worked_on_at_once_changes_nothing(
    size: int, aside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = pl.DataFrame({"account_id": range(20), "mobile": (PHONES * 3)[:20], "card_no": (CARDS * 4)[:20]})
    listed = cs.Blocklist.from_frame(
        pl.DataFrame({"kind": ["phone", "card", "card"], "value": ["+8613800138000", CARDS[0], "622202******1234"]})
    )

    def told() -> list[Any]:
        result = cs.screen(accounts, listed, {"mobile": cs.Phone("CN"), "card_no": cs.Card()})
        frames = (result.flagged, result.hits, result.rejects)
        return [*(frame.collect().rows() for frame in frames), result.summary["rows"], result.summary["coverage"]]

    whole = told()
    monkeypatch.setattr(scan, "BATCH", size)
    monkeypatch.setattr(scan, "ASIDE", aside)
    assert told() == whole


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(pl.Series("a\0b", [1, None, 3] * 7), id="name-with-a-nul"),
        pytest.param(pl.Series([1, None, 3, None, 5]).slice(1, 3), id="part"),
        pytest.param(pl.Series(["a", "b"]), id="none"),
        pytest.param(pl.Series([None] * 3), id="all"),
        pytest.param(pl.Series([], dtype=pl.String), id="empty"),
        pytest.param(pl.Series([[1], None]), id="lists"),
    ],
)
def test_nulls_are_told_as_the_engine_tells_them(values: pl.Series) -> None:
    assert are_null(values).tolist() == values.is_null().to_list()


def mostly_plain(rows: int) -> pl.DataFrame:
    """Accounts of which a few are odd: cells that must be read in full, no id, no phone and no card."""
    at = pl.int_range(rows)
    listed, odd = at % 17 == 0, pl.Series("odd", ["n/a", "138 0013 8000 alt", "622202******1234", ""])
    return pl.select(
        account_id=pl.when(at % 97 != 7).then("a" + at.cast(pl.String)),
        mobile=pl.when(listed).then(pl.lit("13800138000")).when(at % 89 == 3).then(pl.lit(odd[1]))
        .when(at % 83 == 5).then(pl.lit(odd[0])).when(at % 5 != 1).then((13912300000 + at).cast(pl.String)),
        card_no=pl.when(at % 101 == 11).then(pl.lit(odd[2])).when(at % 103 == 2).then(pl.lit(odd[3]))
        .when(at % 7 != 2).then(pl.lit(PLAIN_CARD)),
        since=pl.when(at % 3 == 0).then(pl.lit("2026-01-0") + (at % 9 + 1).cast(pl.String)),
        segment=pl.when(at % 2 == 0).then(pl.lit("Police ")).otherwise(pl.lit("private")),
    )  # fmt: skip


def listed_of_both() -> cs.Blocklist:
    rows = {"kind": ["phone", "card", "card"], "value": ["+8613800138000", PLAIN_CARD, "622202******1234"]}
    return cs.Blocklist.from_frame(pl.DataFrame(rows).with_columns(severity=90, listed_on=pl.date(2026, 1, 5)))


@pytest.mark.parametrize(("size", "aside"), [(60, 8), (60, 200), (40, 1)])
def test_rows_that_are_set_aside_are_told_as_if_they_were_not(
    size: int, aside: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = {"when": {"account.segment": ["police"]}, "cap": "notify"}
    kinds: dict[str, Kind] = {"mobile": cs.Phone("CN", holder_since="since"), "card_no": cs.Card()}

    def told(before: Any) -> tuple[list[Any], cs.Result]:
        asked: dict[str, Any] = {"carry": ["segment"], "policy": {"rules": [rule]}, "previous": before}
        result = cs.screen(mostly_plain(400).lazy(), listed_of_both(), kinds, as_of="2026-11-24", **asked)
        frames = (result.flagged, result.hits, result.rejects)
        parts = ("rows", "coverage", "notes", "ruled", "flagged", "hits")
        return [*(frame.collect().rows() for frame in frames), *(result.summary.get(part) for part in parts)], result

    whole, before = told(None)
    again, _ = told(before)
    set_aside, in_full = list[int](), scan.Pass._seen

    def seen(self: scan.Pass, rows: pl.DataFrame) -> scan.Seen:
        set_aside.append(len(rows))
        return in_full(self, rows)

    monkeypatch.setattr(scan, "BATCH", size)
    monkeypatch.setattr(scan, "ASIDE", aside)
    monkeypatch.setattr(scan.Pass, "_seen", seen)
    assert (told(None)[0], told(before)[0]) == (whole, again)
    if aside <= size:
        assert 20 < sum(set_aside) < 2 * 400 / 8
    else:
        assert sum(set_aside) == 2 * 400


def test_a_day_that_is_none_is_found_where_all_else_is_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "BATCH", 50)
    monkeypatch.setattr(scan, "ASIDE", 10)
    since = pl.when(pl.int_range(100) == 70).then(pl.lit("01/02/2026")).otherwise("since")
    accounts = mostly_plain(100).with_columns(since=since)
    with pytest.raises(cs.InputError, match="1 values that are no dates"):
        cs.screen(accounts.lazy(), listed_of_both(), {"mobile": cs.Phone("CN", holder_since="since")})


@pytest.mark.parametrize("column", ["mobile", "card_no", "segment"])
def test_a_cell_that_is_too_large_is_refused_wherever_it_stands(column: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "BATCH", 50)
    monkeypatch.setattr(scan, "ASIDE", 10)
    long = pl.when(pl.int_range(100) == 70).then(pl.lit("1" * (LONGEST_CELL + 1))).otherwise(column)
    accounts = mostly_plain(100).with_columns(long.alias(column))
    kinds: dict[str, Kind] = {"mobile": cs.Phone("CN"), "card_no": cs.Card()}
    with pytest.raises(cs.InputError, match=f"column '{column}' has a cell of more than"):
        cs.screen(accounts.lazy(), listed_of_both(), kinds, carry=["segment"])


def test_an_error_in_one_batch_ends_the_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "BATCH", 2)
    monkeypatch.setattr(scan, "ASIDE", 2)
    cards, notes = ["x"] * 39 + ["4111111111111111"], ["a"] * 39 + ["card 4111-1111-1111-1111"]
    accounts = pl.DataFrame({"account_id": range(40), "card_no": cards, "note": notes})
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [CARDS[0]]}))
    with pytest.raises(cs.ConfigError, match="'note' is carried"):
        cs.screen(accounts, listed, {"card_no": cs.Card()}, carry=["note"])


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@given(cells=st.lists(st.none() | st.sampled_from(PHONES + CARDS) | ODD, min_size=1, max_size=15))
def test_plain_cells_have_the_flaw_that_reading_them_in_full_finds(kind: Kind, cells: list[str | None]) -> None:
    frame = pl.DataFrame({"x": pl.Series(cells, dtype=pl.String), "region": "GB"})
    plain = kind.keys_of(frame.select("x", *kind.columns()))
    scanned = frame.select(kind.scan(pl.col("x")).struct.unnest())
    flawed = kind.is_flawed(scanned["key"].fill_null(0).to_numpy(), scanned["status"])
    assert (plain.flawed == flawed)[plain.keys > 0].all()
