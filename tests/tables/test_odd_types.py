"""Columns of types that Polars doesn't know: not looked at where they are not wanted, converted where they can be."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest import mock

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cardscreen as cs
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.rows import read_feed

NUMBER = 13900139000
BLOCKLIST = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": [f"+86{NUMBER}"], "severity": [95]}))
#: Columns of two rows that hold the listed number and another.
READABLE: dict[str, pa.Array] = {
    "decimal256": pa.array([Decimal(NUMBER), None], pa.decimal256(50, 0)),
    "run-end-encoded": pa.RunEndEncodedArray.from_arrays(pa.array([1, 2], pa.int32()), pa.array([str(NUMBER), "x"])),
    "list-view": pa.array([[str(NUMBER), "1"], None], pa.list_view(pa.string())),
    "large-list-view": pa.array([["2", str(NUMBER)], []], pa.large_list_view(pa.string())),
    "list-of-decimal256": pa.array([[Decimal(NUMBER)], None], pa.list_(pa.decimal256(50, 0))),
    "dictionary-of-decimal256": pa.array([Decimal(NUMBER), None], pa.decimal256(50, 0)).dictionary_encode(),
}
#: Columns that nothing can be made of.
OTHERS: dict[str, pa.Array] = {
    "interval": pa.array([None, None], pa.month_day_nano_interval()),
    "union": pa.UnionArray.from_sparse(pa.array([0, 0], pa.int8()), [pa.array([1, 2])]),
}


def as_ipc(table: pa.Table, folder: Path) -> Path:
    with pa.ipc.new_file(folder / "t.arrow", table.schema) as writer:
        writer.write_table(table)
    return folder / "t.arrow"


def as_parquet(table: pa.Table, folder: Path) -> Path:
    try:
        pq.write_table(table, folder / "t.parquet")
    except pa.ArrowNotImplementedError:
        pytest.skip("Parquet has no such type")
    return folder / "t.parquet"


WAYS: dict[str, Callable[[pa.Table, Path], Any]] = {
    "table": lambda table, _: table,
    "reader": lambda table, _: table.to_reader(),
    "arrow": as_ipc,
    "parquet": as_parquet,
}


def screened(table: pa.Table, way: str, folder: Path, **options: Any) -> cs.Result:
    return cs.screen(WAYS[way](table, folder), BLOCKLIST, {"mobile": cs.Phone("CN")}, **options)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("odd", [*READABLE, *OTHERS])
def test_a_column_that_is_not_wanted_is_not_looked_at(odd: str, way: str, tmp_path: Path) -> None:
    table = pa.table({"account_id": ["a", "b"], "other": {**READABLE, **OTHERS}[odd], "mobile": [str(NUMBER), "1"]})
    assert screened(table, way, tmp_path).flagged.collect()["account_id"].to_list() == ["a"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("odd", READABLE)
def test_a_column_of_numbers_is_converted(odd: str, way: str, tmp_path: Path) -> None:
    table = pa.table({"mobile": READABLE[odd], "account_id": ["a", "b"]})
    assert screened(table, way, tmp_path).hits.collect().select("account_id", "value").rows() == [("a", f"+86{NUMBER}")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("odd", OTHERS)
def test_a_column_of_which_nothing_can_be_made_is_refused_in_a_sentence(odd: str, way: str, tmp_path: Path) -> None:
    table = pa.table({"mobile": OTHERS[odd], "account_id": ["a", "b"]})
    with pytest.raises(cs.InputError, match="column 'mobile' has type .*(text|read)"):
        screened(table, way, tmp_path)


@pytest.mark.parametrize("way", ["arrow", "parquet"])
@pytest.mark.parametrize("odd", ["decimal256", "run-end-encoded"])
def test_lists_are_read_as_accounts_are(odd: str, way: str, tmp_path: Path) -> None:
    table = pa.table({"number": READABLE[odd], "views": READABLE["list-view"]})
    feed = Feed(source="s", kind="phone", region="CN", columns={"value": "number"})
    assert read_feed(WAYS[way](table, tmp_path), feed).rows["value"].to_list() == [f"+86{NUMBER}"]
    table = pa.table({"kind": ["phone"], "value": [f"+86{NUMBER}"], "note": READABLE["list-view"].slice(0, 1)})
    assert len(cs.Blocklist.read(WAYS[way](table, tmp_path))) == 1


def test_parts_of_an_extract_with_such_columns_keep_their_folders_columns(tmp_path: Path) -> None:
    for day in ("2026-11-22", "2026-11-23"):
        (tmp_path / f"dt={day}").mkdir()
        as_ipc(pa.table({"account_id": [day], "mobile": READABLE["decimal256"].slice(0, 1)}), tmp_path / f"dt={day}")
    result = cs.screen(tmp_path / "*/*.arrow", BLOCKLIST, {"mobile": cs.Phone("CN")}, carry=["dt"])
    assert result.flagged.select("account_id", "dt").collect().rows() == [
        (day, day) for day in ("2026-11-22", "2026-11-23")
    ]


def test_each_part_of_an_extract_is_looked_at(tmp_path: Path) -> None:
    plain = pa.table({"account_id": ["a"], "mobile": [str(NUMBER)], "since": ["2020-01-01"]})
    odd = plain.append_column("o", READABLE["run-end-encoded"].slice(0, 1))
    for at in range(2):
        as_ipc(odd, tmp_path).rename(tmp_path / f"{at}.arrow")
    result = cs.screen(tmp_path / "*.arrow", BLOCKLIST, {"mobile": cs.Phone("CN")})
    assert (result.summary["rows"]["read"], result.summary["rows"]["hit"]) == (2, 2)
    for other, words in (
        (odd.drop_columns(["since"]), r"2\.arrow lacks since"),
        (odd.set_column(1, "mobile", [[float(NUMBER)]]), r"2\.arrow has mobile as Float64, not String"),
        (plain, r"2\.arrow lacks o"),
    ):
        as_ipc(other, tmp_path).rename(tmp_path / "2.arrow")
        with pytest.raises(cs.InputError, match=words):
            cs.screen(tmp_path / "*.arrow", BLOCKLIST, {"mobile": cs.Phone("CN")})


def test_a_decimal_with_a_fraction_is_no_number(tmp_path: Path) -> None:
    table = pa.table({"account_id": ["a"], "mobile": pa.array([Decimal("151234567.89")], pa.decimal256(40, 2))})
    with pytest.raises(cs.InputError, match="column 'mobile' has type"):
        screened(table, "table", tmp_path)


def test_columns_of_pandas_that_arrow_holds_are_converted_too() -> None:
    kind = pd.ArrowDtype(pa.decimal256(40, 0))
    accounts = pd.DataFrame({"account_id": ["a"], "mobile": pd.Series([Decimal(NUMBER)], dtype=kind)})
    accounts["x"] = accounts["mobile"]
    assert len(cs.screen(accounts, BLOCKLIST, {"mobile": cs.Phone("CN")}).flagged.collect()) == 1


def test_a_panic_of_the_engine_is_told_in_a_sentence() -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["1"]}).lazy()
    panic = pl.exceptions.PanicException("not yet implemented")
    with (
        mock.patch("polars.LazyFrame.collect_batches", side_effect=panic),
        pytest.raises(cs.InputError, match="the accounts can't be read: not yet implemented"),
    ):
        cs.screen(accounts, BLOCKLIST, {"mobile": cs.Phone("CN")})


def test_content_that_is_no_table_is_told(tmp_path: Path) -> None:
    (tmp_path / "t.arrow").write_bytes(io.BytesIO(b"ARROW1 and no more").getvalue())
    with pytest.raises(cs.InputError, match="can't be read"):
        cs.screen(tmp_path / "t.arrow", BLOCKLIST, {"mobile": cs.Phone("CN")})
