"""Cells in which a number is read that was hardly meant: remarks dialled, numbers dropped, digits that fill."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

import cardscreen as cs
from cardscreen.kinds.phone import in_lists, misreadings


def statuses(cells: list[str | None], region: str, *, many: bool = False) -> list[tuple[str | None, str]]:
    """What is read of each cell; by all three ways alike."""
    kind, frame = cs.Phone(region, many=many), pl.DataFrame({"x": cells}, schema={"x": pl.String})
    read = frame.select(kind.read(pl.col("x")).alias("read")).unnest("read")
    scanned = frame.select(kind.scan(pl.col("x")).alias("scan")).unnest("scan")
    assert scanned["status"].to_list() == read["status"].to_list()
    keys = [int(value[1:]) if value else None for value in read["value"]]
    assert scanned["key"].to_list() == keys
    assert all(plain in (0, key) for plain, key in zip(kind.keys_of(frame).keys.tolist(), keys, strict=True))
    return list(read.rows())


@pytest.mark.parametrize(
    ("cell", "region"),
    [
        ("0911 58068 alt", "DE"),  # +49 911 58068 258, somebody else's
        ("0911 58068 (old)", "DE"),
        ("13700137000 (old)", "CN"),
        ("0911 58068 neu", "DE"),
    ],
)
def test_a_remark_that_would_be_dialled_makes_no_number(cell: str, region: str) -> None:
    assert statuses([cell], region) == [(None, "damaged")]


@pytest.mark.parametrize(
    "cell",
    [
        "13800138000;13900139000",
        "13800138000；13900139000",
        "13800138000,,13900139000",
        "13800138000 / x13900139000",
        "13800138000 ext 13900139000",
        "13800138000转13900139000",
        "13800138000#62345678",
    ],
)
def test_a_second_number_is_not_dropped_as_an_extension(cell: str) -> None:
    assert statuses([cell], "CN") == [(None, "damaged")]


@pytest.mark.parametrize("mark", [";", ",,", " ext ", "转", "分机 "])
def test_where_cells_may_hold_several_the_second_number_is_one(mark: str) -> None:
    cells = pl.DataFrame({"x": [f"13800138000{mark}13900139000", f"010 62345678{mark}8001"]})
    parts = cells.select(cs.split_phones("x", "CN")).to_series().to_list()
    assert [part.strip() for part in parts[0]] == ["13800138000", "13900139000"]
    assert len(parts[1]) == 1


@pytest.mark.parametrize(
    ("cell", "region", "value"),
    [
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("212-736-5000 x1234", "US", "+12127365000"),
        ("0911 58068 ext. 12", "DE", "+4991158068"),
        ("010-62345678,,8001", "CN", "+861062345678"),
        ("+65 8888 8888", "SG", "+6588888888"),  # a mobile number
        ("13900000000", "CN", "+8613900000000"),
        ("tel. 0911 58068", "DE", "+4991158068"),
    ],
)
def test_extensions_vanity_numbers_and_round_ones_stay_numbers(cell: str, region: str, value: str) -> None:
    assert statuses([cell], region) == [(value, "valid")]


@pytest.mark.parametrize(
    ("value", "is_told"),
    [
        ("+860755101999", True),
        ("+860999961234", True),
        ("+8686112999", True),
        ("+8601010199", True),
        ("+8607551019999", False),
        ("+8613800138000", False),
        ("+861062345678", False),
    ],
)
def test_service_numbers_behind_codes_are_told_up_to_the_longest(value: str, is_told: bool) -> None:
    assert pl.DataFrame({"x": [value]}).select(in_lists.has_codes_in_front(pl.col("x"))).item() is is_told


@pytest.mark.parametrize("cell", ["1380013 Axel", "1380013axel", "138 O013 8000", "138l0138000", "13800138000 z 12"])
def test_letters_that_would_make_a_strangers_mobile_or_are_left_out_between_digits_are_damage(cell: str) -> None:
    assert statuses([cell], "CN") == [(None, "damaged")]


@pytest.mark.parametrize(
    "cell", ["00000000000", "11111111111", "+86 11111111111", "0000000", "88888888", "12345678901", "1234567890"]
)
def test_digits_that_fill_a_field_are_no_number(cell: str) -> None:
    assert statuses([cell], "CN") == [(None, "placeholder")]


def test_each_row_is_read_where_it_is_dialled() -> None:
    frame = pl.DataFrame({"x": ["0911 58068 alt", "11111111111", "13800138000"], "r": ["DE", "CN", "CN"]})
    kind = cs.Phone(region_column="r")
    read = frame.select(kind.read(pl.col("x")).alias("read")).unnest("read")
    assert read.rows() == [(None, "damaged"), (None, "placeholder"), ("+8613800138000", "valid")]
    assert kind.keys_of(frame.select("x", "r")).keys.tolist() == [0, 0, 8613800138000]


def test_fillers_are_told_by_their_last_digits_alone_as_by_all() -> None:
    numbers = np.array([8611111111111, 8613800138000, 860000000, 4912345678901, 861700000001, 8622222222], np.uint64)
    assert misreadings.are_fillers(numbers).tolist() == [True, False, True, True, False, True]


def test_nobody_is_flagged_by_digits_that_fill_fields_and_nobody_is_clear_unread() -> None:
    cells = ["00000000000", "11111111111", "0911 58069 alt", "0911 58068;0911 58069"]
    accounts = pl.DataFrame({"account_id": range(4), "phone": cells})
    listed = ["+490000000000", "+4911111111111", "+4991158069258", "+4991158069"]
    blocklist = cs.Blocklist.from_frame(pl.DataFrame({"kind": "phone", "value": listed}))
    result = cs.screen(accounts, blocklist, {"phone": cs.Phone("DE")}, as_of=date(2026, 11, 23))
    assert result.flagged.collect().is_empty()
    rejects = result.rejects.collect()
    assert rejects["status"].to_list() == ["placeholder", "placeholder", "damaged", "damaged"]
    assert result.summary["rows"]["clear"] == 0
