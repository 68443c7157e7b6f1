"""Tables as they come: every library's frames, streams, files, partitions and object stores."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import deltalake
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from stores import serving

import cardscreen as cs
from cardscreen.kinds.kind import Kind
from cardscreen.tables.opening import open_table
from cardscreen.tables.reading import Reading

DAY = date(2026, 11, 23)
KINDS: dict[str, Kind] = {"mobile": cs.Phone("CN", holder_since="since"), "card_no": cs.Card()}
ACCOUNTS = pl.DataFrame(
    {
        "account_id": ["a", "b", "c", "d"],
        "mobile": ["138 0013 8000", "13800138001", "n/a", None],
        "card_no": ["4111 1111 1111 1111", None, "", "622202******1234"],
        "since": ["2020-01-01", "", None, "2026-11-01"],
        "segment": ["x", "y", "x", "z"],
    }
)
LISTINGS = pl.DataFrame(
    {"kind": ["phone", "card"], "value": ["+8613800138000", "6222021234561234"], "severity": [95, 80]}
)


def screened(accounts: Any, **options: Any) -> cs.Result:
    said: dict[str, Any] = {"identifiers": KINDS, "as_of": DAY, "carry": ["segment"]}
    return cs.screen(accounts, cs.Blocklist.from_frame(LISTINGS), **(said | options))


def reader(frame: pl.DataFrame = ACCOUNTS) -> pa.RecordBatchReader:
    batches = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches(max_chunksize=3)
    return pa.RecordBatchReader.from_batches(batches[0].schema, batches)


class OnlyAStream:
    """Another library's frame: all that is known of it is the Arrow protocol."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return ACCOUNTS.__arrow_c_stream__(requested_schema)


def in_duckdb(frame: pl.DataFrame = ACCOUNTS) -> duckdb.DuckDBPyRelation:
    connection = duckdb.connect()
    connection.register("given", frame.to_arrow())
    connection.execute("create table accounts as select *, interval 1 month as term from given")
    return connection.sql("select * from accounts")


def in_parts(folder: Path) -> Path:
    for at in range(4):
        ACCOUNTS[at : at + 1].drop("segment").write_parquet(
            folder / f"segment={ACCOUNTS['segment'][at]}" / f"part-{at}.parquet", mkdir=True
        )
    return folder


def written(folder: Path, name: str) -> Path:
    file = folder / name
    writers: dict[str, Callable[[Path], Any]] = {
        ".parquet": ACCOUNTS.write_parquet,
        ".csv": ACCOUNTS.write_csv,
        ".arrow": ACCOUNTS.write_ipc,
    }
    writers[file.suffix](file)
    return file


def two_files(folder: Path) -> list[str | Path]:
    for at in (0, 2):
        ACCOUNTS[at : at + 2].write_parquet(folder / f"{at}.parquet")
    return [folder / "0.parquet", str(folder / "2.parquet")]


def delta(folder: Path) -> Path:
    ACCOUNTS.write_delta(folder / "delta")
    return folder / "delta"


INPUTS: dict[str, Callable[[Path], Any]] = {
    "LazyFrame": lambda _: ACCOUNTS.lazy(),
    "Enum and Categorical columns": lambda _: ACCOUNTS.with_columns(
        pl.col("card_no").cast(pl.Categorical), pl.col("mobile").cast(pl.Enum(ACCOUNTS["mobile"].drop_nulls()))
    ),
    "pyarrow Table": lambda _: ACCOUNTS.to_arrow(),
    "pyarrow Table with large_string": lambda _: ACCOUNTS.to_arrow(compat_level=pl.CompatLevel.oldest()),
    "pyarrow Table with dictionaries": lambda _: ds.dataset(ACCOUNTS.to_arrow()).to_table(
        {"account_id": ds.field("account_id")}
        | {name: ds.field(name).cast(pa.dictionary(pa.int32(), pa.large_string())) for name in ACCOUNTS.columns[1:3]}
        | {name: ds.field(name) for name in ACCOUNTS.columns[3:]}
    ),
    "RecordBatch": lambda _: ACCOUNTS.to_arrow().combine_chunks().to_batches()[0],
    "RecordBatchReader": lambda _: reader(),
    "Dataset": lambda _: ds.dataset(ACCOUNTS.to_arrow()),
    "Dataset with partitions": lambda path: ds.dataset(in_parts(path), partitioning="hive"),
    "pandas": lambda _: ACCOUNTS.to_pandas(),
    "pandas with Arrow types": lambda _: ACCOUNTS.to_pandas(use_pyarrow_extension_array=True),
    "pandas with objects": lambda _: ACCOUNTS.to_pandas().astype(object),
    "pandas with categories and an index": lambda _: (
        ACCOUNTS.to_pandas()
        .astype({"mobile": "category", "segment": "category"})
        .set_index(pd.Index([7, 7, 8, 9], name="row"))
    ),
    "DuckDB": lambda _: in_duckdb(),
    "anything with __arrow_c_stream__": lambda _: OnlyAStream(),
    "Parquet": lambda path: written(path, "accounts.parquet"),
    "CSV": lambda path: str(written(path, "accounts.csv")),
    "Arrow IPC": lambda path: written(path, "accounts.arrow"),
    "glob": lambda path: [two_files(path), str(path / "*.parquet")][1],
    "list of paths": two_files,
    "folder": lambda path: [two_files(path), path][1],
    "partitions": in_parts,
    "glob of partitions": lambda path: str(in_parts(path) / "segment=*"),
    "glob of files in partitions": lambda path: str(in_parts(path) / "*/*.parquet"),
    "Delta": delta,
    "DeltaTable": lambda path: deltalake.DeltaTable(delta(path)),
}


@pytest.mark.parametrize("name", INPUTS)
def test_every_kind_of_input_gives_the_same_answer(name: str, tmp_path: Path) -> None:
    expected, found = screened(ACCOUNTS), screened(INPUTS[name](tmp_path))
    assert expected.flagged.collect()["account_id"].to_list() == ["a", "d"]
    text = pl.col("segment").cast(pl.String)
    assert found.flagged.with_columns(text).sort("account_id").collect().equals(expected.flagged.collect())
    assert found.hits.collect().equals(expected.hits.collect())
    assert found.rejects.sort("account_id").collect().equals(expected.rejects.collect())
    assert found.summary["coverage"] == expected.summary["coverage"]


@pytest.mark.parametrize("name", ["LazyFrame", "pyarrow Table", "pandas", "DuckDB", "RecordBatchReader"])
def test_listings_issuers_and_the_night_before_are_read_from_the_same_kinds(name: str) -> None:
    def given(frame: pl.DataFrame) -> Any:
        made: dict[str, Any] = {
            "LazyFrame": frame.lazy,
            "pyarrow Table": frame.to_arrow,
            "pandas": frame.to_pandas,
            "DuckDB": lambda: in_duckdb(frame).select("* exclude (term)"),
            "RecordBatchReader": lambda: reader(frame),
        }
        return made[name]()

    listed = cs.Blocklist.from_frame(given(LISTINGS))
    assert listed.listings.equals(cs.Blocklist.from_frame(LISTINGS).listings)
    night = cs.screen(ACCOUNTS, listed, KINDS, as_of=date(2026, 11, 20))
    flags = night.flagged.select(pl.col("account_id"), pl.col("action").cast(pl.String), "flagged_since", "act_on")
    after = cs.screen(ACCOUNTS, listed, KINDS, as_of=DAY, previous=given(flags.collect()))
    assert after.flagged.collect()["flagged_since"].to_list() == [date(2026, 11, 20)] * 2
    bins = pl.DataFrame({"bin": ["411111"], "issuer": ["Bank A"]})
    issuers = ACCOUNTS.select(cs.card("card_no", issuers=given(bins)).struct.field("issuer")).to_series()
    assert issuers.to_list() == ["Bank A", None, None, None]


def test_the_night_before_may_be_its_result() -> None:
    night = screened(ACCOUNTS, as_of=date(2026, 11, 20))
    assert screened(ACCOUNTS, previous=night).flagged.collect()["flagged_since"][0] == date(2026, 11, 20)


def test_what_is_given_stays_as_it_was() -> None:
    polars, pandas, arrow, relation = ACCOUNTS.clone(), odd_pandas(), ACCOUNTS.to_arrow(), in_duckdb()
    before, rows = pandas.copy(deep=True), relation.fetchall()
    for source in (polars, pandas, arrow, relation):
        screened(source)
    assert polars.equals(ACCOUNTS)
    pd.testing.assert_frame_equal(pandas, before)
    assert arrow.equals(ACCOUNTS.to_arrow())
    assert relation.fetchall() == rows


# --- pandas -----------------------------------------------------------------------------------------


def odd_pandas() -> pd.DataFrame:
    """Cells of every sort in one column, as spreadsheets and joins leave them."""
    cells = ["138 0013 8000", 13800138000, 13800138000.0, 13800138000.5, None, float("nan"), pd.NA, True, [1], 10**20]
    frame = pd.DataFrame({"account_id": range(len(cells)), "mobile": pd.Series(cells, dtype=object)})
    return frame.assign(card_no=None, since=None, segment="x", junk=pd.Series([object] * len(cells)))


def test_pandas_cells_of_several_types_are_read_each_as_what_it_is() -> None:
    result = screened(odd_pandas())
    assert result.flagged.collect()["account_id"].to_list() == [0, 1, 2]
    assert result.summary["coverage"]["mobile"] == {
        "cells": 10,
        "missing": 3,
        "rejected": 4,
        "clear": 0,
        "exempt": 0,
        "hit": 3,
    }


def test_a_card_in_a_pandas_cell_that_went_through_a_float_is_damaged_and_not_another_card() -> None:
    cells = pd.Series(["x", 6222021234561234567.0, 9500000000000001.0, 4111111111111111.0], dtype=object)
    frame = pd.DataFrame({"account_id": range(4), "card_no": cells})
    rejects = screened(frame, identifiers={"card_no": cs.Card()}, carry=()).rejects.collect()
    assert rejects.select("account_id", "status").rows() == [(0, "not_a_number"), (1, "damaged"), (2, "damaged")]


def test_an_index_is_no_column() -> None:
    with pytest.raises(cs.MissingColumn, match="there is no column 'account_id'"):
        screened(ACCOUNTS.to_pandas().set_index("account_id"))


# --- streams ----------------------------------------------------------------------------------------


def test_a_stream_is_read_as_it_is_asked_for_and_never_held_as_a_whole() -> None:
    made = []

    def batches() -> Iterator[pa.RecordBatch]:
        for at in range(2000):
            made.append(at)
            yield pa.record_batch({"account_id": [f"{at}-{row}" for row in range(100)]})

    schema = pa.schema({"account_id": pa.string()})
    table = open_table(pa.RecordBatchReader.from_batches(schema, batches()))
    assert made == []
    parts = table.collect_batches(chunk_size=1000, maintain_order=True)
    assert next(iter(parts)).height == 1000
    assert len(made) < 1000


def test_what_a_callers_own_function_in_a_query_raises_is_told_without_the_values_that_it_quotes() -> None:
    def failing(cell: str) -> str:
        raise ValueError(f"cannot process {cell}")

    table = pl.LazyFrame({"account_id": ["a", "b"], "mobile": "4111111111111111"})
    table = table.with_columns(pl.col("mobile").map_elements(failing, return_dtype=pl.String))
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
    reading: list[Callable[[pl.LazyFrame], object]] = [
        lambda accounts: cs.screen(accounts, listed, {"mobile": cs.Phone("CN")}),
        lambda accounts: cs.find_rings(accounts, ["a"], {"mobile": 3}),
    ]
    for read in reading:
        with pytest.raises(cs.InputError, match="the accounts can't be read: cannot process …") as told:
            read(table)
        assert "4111" not in "".join(traceback.format_exception(told.value))


def test_a_stream_that_was_read_before_is_told_from_an_empty_one() -> None:
    stream = reader()
    screened(stream)
    with pytest.raises(cs.InputError, match="RecordBatchReader gives no rows: it is empty, or was read before"):
        screened(stream)


@pytest.mark.parametrize("name", ["DuckDB", "Dataset"])
def test_what_can_be_asked_again_may_be_read_twice_in_any_columns(name: str, tmp_path: Path) -> None:
    table = open_table(INPUTS[name](tmp_path))
    assert table.select("segment", "account_id").collect().equals(ACCOUNTS.select("segment", "account_id"))
    assert table.select(pl.len()).collect().item() == 4
    assert table.filter(pl.col("segment") == "x").head(1).collect()["account_id"].to_list() == ["a"]


def test_a_duckdb_connection_is_free_again_even_after_an_error() -> None:
    connection = duckdb.connect()
    relation = connection.sql("select 'a' as account_id, '138' as mobile from range(500000)")
    with pytest.raises(cs.MissingColumn):
        screened(relation)
    with pytest.raises(cs.ConfigError):
        cs.screen(
            connection.sql("select 4111111111111111 + range as account_id, '138' as mobile from range(500000)"),
            cs.Blocklist.from_frame(LISTINGS),
            {"mobile": cs.Phone("CN")},
        )
    assert connection.sql("select 1").fetchall() == [(1,)]


def test_an_error_in_a_stream_is_told_without_the_value() -> None:
    accounts = duckdb.sql("select cast(x as bigint) as account_id, x as mobile from (values ('13800138000x')) t(x)")
    with pytest.raises(cs.InputError, match="the DuckDBPyRelation can't be read as a table: Conversion Error") as told:
        cs.screen(accounts, cs.Blocklist.from_frame(LISTINGS), {"mobile": cs.Phone("CN")})
    assert "13800138000" not in str(told.value)


# --- what is wrong with a table ---------------------------------------------------------------------

TYPES: dict[str, tuple[pl.Series, str]] = {
    "struct": (pl.Series([{"a": "138"}]), "struct.field"),
    "array": (pl.Series([["138"]], dtype=pl.Array(pl.String, 1)), "arr.to_list"),
    "list of structs": (pl.Series([[{"a": "138"}]]), "give text"),
    "decimals": (pl.Series([138], dtype=pl.Decimal(12, 2)), "Decimal\\(38, 0\\)"),
    "binary": (pl.Series([b"138"]), "cast it to text"),
    "boolean": (pl.Series([True]), "give text"),
    "short float": (pl.Series([138], dtype=pl.Float32), "lost digits"),
    "date": (pl.Series([DAY]), "give text"),
}


@pytest.mark.parametrize("name", TYPES)
def test_a_type_that_holds_no_identifiers_is_named_with_what_to_do(name: str) -> None:
    cells, advice = TYPES[name]
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": cells})
    for source in (accounts, accounts.to_arrow(), reader(accounts)):
        with pytest.raises(cs.InputError, match=f"column 'mobile' has type .* cannot hold identifiers: .*{advice}"):
            cs.screen(source, cs.Blocklist.from_frame(LISTINGS), {"mobile": cs.Phone("CN")})


@pytest.mark.parametrize(
    ("column", "cells", "words"),
    [
        pytest.param("account_id", pl.Series([{"a": 1}]), "is no account id", id="nested-id"),
        pytest.param("account_id", pl.Series([True]), "is no account id", id="boolean-id"),
        pytest.param("account_id", pl.Series([1], dtype=pl.Int128), "cast it to text", id="id-too-wide"),
        pytest.param("account_id", pl.Series([object()], dtype=pl.Object), "cast it to text", id="objects"),
        pytest.param("since", pl.Series([20200101]), "holds no days", id="days-as-numbers"),
        pytest.param("region", pl.Series([86]), "holds no codes of regions", id="regions-as-numbers"),
        pytest.param("segment", pl.Series([b"x"]), "carry plain values", id="carried-binary"),
    ],
)
def test_another_column_of_a_wrong_type_is_named(column: str, cells: pl.Series, words: str) -> None:
    accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["138"], "since": [DAY], "region": ["CN"], "segment": "x"})
    kinds = {"mobile": cs.Phone(region_column="region", holder_since="since")}
    with pytest.raises(cs.CardscreenError, match=f"column '{column}' has type .*{words}"):
        screened(accounts.with_columns(cells.alias(column)), identifiers=kinds)


@pytest.mark.parametrize("name", INPUTS)
def test_a_missing_column_is_named_with_the_near_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(cs.MissingColumn, match=r"no column 'moblie' \(did you mean 'mobile'\?\)"):
        screened(INPUTS[name](tmp_path), identifiers={"moblie": cs.Phone("CN")})


TWICE = pa.table([["a"], ["b"]], names=["mobile", "mobile"])


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(TWICE, id="pyarrow"),
        pytest.param(TWICE.to_reader(), id="reader"),
        pytest.param(pd.DataFrame([["a", "b"]], columns=["mobile", "mobile"]), id="pandas"),
        pytest.param(duckdb.sql("select 'a' as mobile, 'b' as mobile"), id="duckdb"),
    ],
)
def test_a_name_that_several_columns_have_is_told(source: Any) -> None:
    with pytest.raises(cs.InputError, match="has several columns of the name 'mobile': rename or drop"):
        open_table(source)


@pytest.mark.parametrize(
    ("source", "advice"),
    [
        ([{"account_id": "a"}], "pl.DataFrame(rows"),
        ({"account_id": ["a"]}, "pl.DataFrame(columns)"),
        ([ACCOUNTS, ACCOUNTS], "pl.concat(frames)"),
        (pl.Series(["a"]), "it is one column"),
        (pd.Series(["a"]), "it is one column"),
        (duckdb.connect().execute("select 1"), "connection.sql(query)"),
        ([], "give a Polars or pandas frame"),
        (None, "give a Polars or pandas frame"),
    ],
)
def test_what_is_no_table_is_told_how_to_become_one(source: Any, advice: str) -> None:
    with pytest.raises(cs.ConfigError, match=f"cannot read a table from .*: .*{re.escape(advice)}"):
        open_table(source)


@pytest.mark.parametrize("given", [LISTINGS, ["a.parquet"]])
def test_a_list_of_lists_is_read_from_paths_one_after_another(given: Any) -> None:
    with pytest.raises(cs.ConfigError, match="give paths one after another, and frames to from_frame"):
        cs.Blocklist.read(given)


# --- files ------------------------------------------------------------------------------------------


def test_partitions_keep_leading_zeros_and_know_dates_and_nulls(tmp_path: Path) -> None:
    for folder in ("dt=2026-11-23/branch=010", "dt=2026-11-23/branch=__HIVE_DEFAULT_PARTITION__"):
        ACCOUNTS.write_parquet(tmp_path / folder / "part.parquet", mkdir=True)
    for source in (tmp_path, tmp_path / "dt=2026-11-23", f"{tmp_path}/*/*/*.parquet"):
        found = open_table(source).select("dt", "branch").unique().sort("branch", nulls_last=True).collect()
        assert found.rows() == [(DAY, "010"), (DAY, None)]


def test_text_files_in_partitions_have_them_as_text(tmp_path: Path) -> None:
    (tmp_path / "dt=2026-11-23").mkdir()
    written(tmp_path / "dt=2026-11-23", "accounts.csv")
    assert open_table(f"{tmp_path}/*/*.csv").collect()["dt"].to_list() == ["2026-11-23"] * 4


def test_a_partition_can_be_carried_and_looked_at_by_a_rule(tmp_path: Path) -> None:
    policy = cs.Policy(rules=[{"when": {"account.segment": ["x"]}, "cap": "none"}])
    flagged = screened(in_parts(tmp_path), policy=policy).flagged.collect()
    assert flagged.select("segment", "action").rows() == [("x", "none"), ("z", "verify")]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["segment=x", "other.parquet"], "one lies in a folder segment=…, the other does not"),
        (["segment=x", "accounts.csv"], "are of different formats"),
        (["delta/*.parquet"], "names files of the Delta table"),
        (["delta", "segment=x"], "is a Delta table: name it alone"),
        (["broken"], "can't be read as a Delta table"),
        (["segment=x", "s3://bank/accounts/"], "names URLs and local files"),
        (["hollow"], "holds neither Parquet files nor a Delta table"),
        (["segments=x"], "there is no file .*did you mean 'segment=x'"),
    ],
)
def test_paths_that_do_not_go_together_are_told(given: list[str], words: str, tmp_path: Path) -> None:
    in_parts(tmp_path)
    written(tmp_path, "accounts.csv")
    written(tmp_path, "other.parquet")
    delta(tmp_path)
    (tmp_path / "broken/_delta_log").mkdir(parents=True)
    (tmp_path / "hollow").mkdir()
    with pytest.raises(cs.CardscreenError, match=words):
        open_table([path if "://" in path else tmp_path / path for path in given])


def test_a_delta_table_is_read_as_its_log_says_and_not_as_its_files_lie(tmp_path: Path) -> None:
    LISTINGS.write_delta(tmp_path)
    LISTINGS.head(1).write_delta(tmp_path, mode="overwrite")
    assert len(cs.Blocklist.read(tmp_path)) == 1


# --- object stores ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("s3://bank/accounts/*.parquet", ["s3://bank/accounts/*.parquet"]),
        ("s3://bank/accounts/dt=2026-11-23", ["s3://bank/accounts/dt=2026-11-23/**/*.parquet"]),
        (["s3://bank/a.parquet", "s3://bank/b.parquet"], ["s3://bank/a.parquet", "s3://bank/b.parquet"]),
    ],
)
def test_urls_are_handed_to_polars_with_the_environments_own_settings(given: Any, asked: list[str]) -> None:
    with (
        mock.patch("polars.scan_parquet", return_value=ACCOUNTS.lazy()) as scan,
        mock.patch("deltalake.DeltaTable.is_deltatable", return_value=False),
    ):
        assert open_table(given).collect().equals(ACCOUNTS)
    assert scan.call_args.args == (asked,)
    assert scan.call_args.kwargs["storage_options"] is None


def test_a_url_of_a_delta_table_is_read_as_one() -> None:
    with (
        mock.patch("polars.scan_delta", return_value=ACCOUNTS.lazy()) as scan,
        mock.patch("deltalake.DeltaTable.is_deltatable", return_value=True),
    ):
        assert open_table("s3://bank/accounts").collect().equals(ACCOUNTS)
    scan.assert_called_once_with("s3://bank/accounts")


@pytest.mark.parametrize(
    ("path", "columns"),
    [
        ("accounts/dt=2026-11-23/a.parquet", ["dt"]),
        ("accounts/*/*.parquet", ["dt"]),
        ("accounts", ["dt"]),
        ("accounts/dt=2026-11-23/", ["dt"]),
        ("delta", []),
        ("accounts.csv", []),
        ("accounts.arrow", []),
    ],
)
def test_an_object_store_is_read_like_a_folder(
    path: str, columns: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = tmp_path / tmp_path.name.replace("_", "-")  # each test its own: stores are remembered by their bucket
    ACCOUNTS.write_parquet(bucket / "accounts/dt=2026-11-23/a.parquet", mkdir=True)
    delta(bucket)
    written(bucket, "accounts.csv")
    written(bucket, "accounts.arrow")
    with serving(tmp_path) as endpoint:
        in_environment(endpoint, monkeypatch)
        found = open_table(f"s3://{bucket.name}/{path}").collect()
        assert found.columns == [*ACCOUNTS.columns, *columns]
        assert found.drop(columns).equals(open_table(bucket / path).drop(columns).collect())
        with pytest.raises(cs.InputError, match="there is nothing at s3://.*/x"):
            open_table(f"s3://{bucket.name}/x{path}")


def in_environment(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "REGION": "r", "ALLOW_HTTP": "true"}
    for name, value in {**settings, "ENDPOINT_URL": endpoint}.items():
        monkeypatch.setenv(f"AWS_{name}", value)


@pytest.mark.parametrize("path", ["1/a.parquet", "2/*.parquet", "3/accounts/", "4/a.csv", "5/a.arrow"])
def test_a_store_that_does_not_answer_is_told_in_one_sentence(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    in_environment("http://127.0.0.1:9", monkeypatch)
    with pytest.raises(cs.InputError, match=r"^s3://bank.* can't be reached: .*Is the network there\?$"):
        open_table(f"s3://bank-{path}")


@pytest.mark.parametrize(
    ("url", "error", "words"),
    [
        ("s3://b/a.parquet", FileNotFoundError("404"), "there is nothing at s3://b/a.parquet"),
        ("s3://b/a.parquet", OSError("PUT http://169.254.169.254/latest/api/token"), "set AWS_ACCESS_KEY_ID"),
        ("gs://b/a.parquet", OSError("403 Forbidden"), "set GOOGLE_APPLICATION_CREDENTIALS"),
        ("https://b/a.parquet?X-Signature=abc", OSError("x\n0: dns error"), "b/a.parquet can't be reached: dns error"),
        ("s3://b/a.parquet", pl.exceptions.ComputeError("not a Parquet file"), "can't be read: not a Parquet file"),
    ],
)
def test_what_a_store_says_is_told_in_our_words(url: str, error: Exception, words: str) -> None:
    with (
        mock.patch("polars.scan_parquet", side_effect=error),
        pytest.raises(cs.InputError, match=words) as told,
    ):
        open_table(url)
    assert "abc" not in str(told.value)


@pytest.mark.parametrize(
    ("url", "options", "words"),
    [
        ("hdfs://host/a.parquet", {}, "hdfs:// can't be read"),
        ("https://host/accounts", {}, "name a file, ending in"),
        ("s3://bank/a.csv", {"encoding": "gb18030"}, "read as UTF-8 only"),
    ],
)
def test_a_url_that_cannot_be_read_is_refused_before_anything_is_asked(
    url: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(cs.ConfigError, match=words):
        open_table(url, Reading(**options))


def test_text_in_another_encoding_at_a_url_is_not_read_as_something_else() -> None:
    error = pl.exceptions.ComputeError("invalid utf8")
    with mock.patch("polars.scan_lines", side_effect=error), pytest.raises(cs.InputError, match="is not UTF-8 text"):
        open_table("s3://bank/a.csv")


# --- results ----------------------------------------------------------------------------------------


def test_results_as_arrow_are_read_by_other_libraries_as_they_are(tmp_path: Path) -> None:
    result = screened(ACCOUNTS.with_columns(segment=pl.col("segment").cast(pl.Categorical)))
    tables: Any = result.to_arrow()
    assert list(tables) == ["flagged", "hits", "rejects"]
    for name, table in tables.items():
        expected = getattr(result, name).collect()
        assert not any(pa.types.is_string_view(column.type) for column in table.schema)
        pq.write_table(table, tmp_path / f"{name}.parquet")
        plain = expected.with_columns(pl.col(pl.Enum, pl.Categorical).cast(pl.String))
        for read in (table, pq.read_table(tmp_path / f"{name}.parquet"), table.to_pandas()):
            assert pl.DataFrame(read).cast(dict(plain.schema)).equals(plain)
        columns = [column for column, dtype in plain.schema.items() if dtype in (pl.String, pl.UInt8, pl.Date)]
        assert asked(f"select {', '.join(columns)} from told", told=table) == plain.select(columns).rows()


def test_a_result_is_read_again_from_its_folder_and_only_when_it_is_complete(tmp_path: Path) -> None:
    night = screened(ACCOUNTS, out=tmp_path)
    again = cs.Result.read(tmp_path)
    assert again.flagged.collect().equals(night.flagged.collect())
    assert again.summary == night.summary
    cs.check(screened(ACCOUNTS, previous=again), {"flagged_share": 1, "source_share": 1, "rejected_share": 1}, again)
    (tmp_path / "summary.json").unlink()
    with pytest.raises(cs.InputError, match="holds no complete screening"):
        cs.Result.read(tmp_path)


def test_collected_results_are_arrow_for_whoever_asks() -> None:
    flagged = screened(ACCOUNTS).flagged.collect()
    assert flagged.to_arrow().num_rows == 2
    assert asked("select account_id from flagged where action = 'suspend'", flagged=flagged) == [("a",)]


def asked(query: str, **tables: Any) -> list[Any]:
    """What DuckDB answers."""
    connection = duckdb.connect()
    for name, table in tables.items():
        connection.register(name, table)
    return connection.execute(query).fetchall()
