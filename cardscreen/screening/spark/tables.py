"""Spark's tables and types, as Polars and Arrow know them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.spark.sessions import in_one_sentence
from cardscreen.screening.workers.batches import Fields, carried_names
from cardscreen.tables.paths import files_of, is_delta, is_url
from cardscreen.tables.remote import is_delta_at

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

#: Begins the name of a table in Spark's catalog, where a path is asked for.
TABLE = "table://"

_ZONE = "spark.sql.session.timeZone"

_TYPES: dict[str, pl.DataType] = {
    **dict.fromkeys(("string", "char", "varchar"), pl.String()),
    "byte": pl.Int8(),
    "short": pl.Int16(),
    "integer": pl.Int32(),
    "long": pl.Int64(),
    "float": pl.Float32(),
    "double": pl.Float64(),
    "boolean": pl.Boolean(),
    "binary": pl.Binary(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
    "timestamp_ntz": pl.Datetime("us"),
    "void": pl.Null(),
}


def open_accounts(session: SparkSession, path: str) -> DataFrame:
    """Accounts as Spark reads them.

    Args:
        session: Spark.
        path: `table://` and the name of a table in Spark's catalog; a Parquet file, a pattern or a folder, here or at
            a URL that Spark knows; the folder of a Delta table.

    Raises:
        InputError: There is none, or it can't be read.
        ConfigError: Files of a format that is not read in Spark.
    """
    if path == TABLE:
        raise ConfigError(f"{path} names no table: give the name too, such as {TABLE}lake.subscribers")
    if path.startswith(TABLE):
        with in_one_sentence():
            return session.table(path.removeprefix(TABLE))
    if is_delta(path) or (is_url(path) and is_delta_at(path)):
        with in_one_sentence():
            return session.read.format("delta").load(path)
    files = [path] if is_url(path) or Path(path).is_dir() else files_of(path)
    if other := sorted({ending for file in files if (ending := Path(file).suffix) not in ("", ".parquet")}):
        raise ConfigError(
            f"{path}: files ending in {other[0]!r} are not read in Spark: give Parquet, a Delta table, or a table of "
            f"Spark's catalog as {TABLE}name"
        )
    with in_one_sentence():
        reader = session.read.option("basePath", _base(files[0])) if "=" in files[0] else session.read
        return reader.parquet(*files)


def _base(file: str) -> str:
    """The folder below which folders' names are columns."""
    before = file.split("=", maxsplit=1)[0]
    return before.rsplit("/", maxsplit=1)[0] or "/"


def schema_of(accounts: DataFrame) -> pl.Schema:
    """The accounts' columns as Polars sees them; of a type that it has not, as objects."""
    if not hasattr(accounts, "mapInArrow"):
        raise ConfigError(f"the accounts are a {type(accounts).__name__}, not a Spark DataFrame")
    names = accounts.columns
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"the accounts have several columns of the name {', '.join(map(repr, repeated))}")
    return pl.Schema({column.name: _polars_type(column.dataType) for column in accounts.schema})


def _polars_type(of: Any) -> pl.DataType:
    name = of.typeName()
    if name == "array":
        return pl.List(_polars_type(of.elementType))
    return pl.Decimal(of.precision, of.scale) if name == "decimal" else _TYPES.get(name, pl.Object())


def check_zone(session: SparkSession, plan: AccountColumns) -> None:
    """Refuse a time zone that is known to Spark only, where the accounts have instants, which come in it.

    Raises:
        ConfigError: It is one.
    """
    instants = [name for name in plan.needed() if plan.schema[name] == pl.Datetime("us", "UTC")]
    if instants and _zone_of(session) is None:
        zone = session.conf.get(_ZONE)
        raise ConfigError(
            f"column {instants[-1]!r} holds instants, and {_ZONE}, {zone!r}, is no zone of the IANA's: "
            "set it to one, such as Asia/Shanghai"
        )


def in_zone_of(session: SparkSession, plan: AccountColumns) -> AccountColumns:
    """The plan, with the session's time zone for instants where it names none itself."""
    return replace(plan, zone=plan.zone or _zone_of(session))


def _zone_of(session: SparkSession) -> str | None:
    """The session's time zone; None where only Spark knows it."""
    zone = session.conf.get(_ZONE)
    try:
        pl.Series([None], dtype=pl.Datetime("us")).dt.replace_time_zone(zone)
    except pl.exceptions.ComputeError:
        return None
    return zone


def numbered(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """Some columns, named by numbers: to Spark, names that differ only in case are one, and dots lead into structs."""
    places = frame.columns
    return frame.toDF(*map(str, range(len(places)))).select([str(places.index(name)) for name in names])


def plain(of: Any) -> Any:
    """Spark's type of what workers hand back: text is compared by its bytes, whatever collation it came with."""
    from pyspark.sql.types import StringType

    return StringType() if of.typeName() in ("string", "char", "varchar") else of


def struct_of(fields: Callable[[Any, Any], Mapping[str, Fields]], account: Any, carry: Sequence[Any]) -> Any:
    """Arrow fields as Spark's types; those of the account and of the carried columns are the accounts' own."""
    import pyarrow as pa
    from pyspark.sql import types

    known = {
        "string": types.StringType(),
        "date32[day]": types.DateType(),
        "int16": types.ShortType(),
        "int64": types.LongType(),
        "binary": types.BinaryType(),
    }
    own = {"account_id": account, **dict(zip(carried_names(len(carry)), carry, strict=True))}

    def of(name: str, dtype: pa.DataType) -> Any:
        if name in own:
            return own[name]
        return types.ArrayType(types.StringType()) if pa.types.is_list(dtype) else known[str(dtype)]

    tables = fields(pa.null(), [pa.null() for _ in carry])
    structs = {
        table: types.StructType([types.StructField(name, of(name, dtype)) for name, dtype in columns.items()])
        for table, columns in tables.items()
    }
    return types.StructType([types.StructField(table, struct) for table, struct in structs.items()])


def collected(frame: DataFrame, types: Mapping[str, Any]) -> pl.DataFrame:
    """A frame on this machine, with the types of `schema`; the account and carried columns have their own."""
    with in_one_sentence():
        table = pl.DataFrame(frame.toArrow())
    return table.with_columns(pl.col(name).cast(dtype) for name, dtype in types.items() if name != "account_id")
