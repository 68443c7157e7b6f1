"""The result of a screening: its frames, in memory or in a folder."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import polars as pl
from polars import selectors as cs

if TYPE_CHECKING:
    import pandas
    import pyarrow as pa

from cardscreen.foundation.errors import ConfigError, InputError, first_line
from cardscreen.foundation.files import not_for_others, room_in, write_whole
from cardscreen.foundation.words import json_text
from cardscreen.screening.rejects import ROW_GROUP
from cardscreen.tables.writing import joined, write

_TABLES: tuple[Literal["flagged"], Literal["hits"], Literal["rejects"]] = ("flagged", "hits", "rejects")

_SUMMARY = "summary.json"


@dataclass(frozen=True)
class Result:
    """What a screening found.

    Attributes:
        flagged: `schema.FLAGGED` and the carried columns: accounts with a live or exempt hit.
        hits: `schema.HITS`: the evidence.
        rejects: `schema.REJECTS`: cells that gave no usable key.
        summary: rows, coverage, notes (cells that were repaired, …), counts, versions, seconds.
        watched: `schema.WATCHED`: all cells of the accounts in `previous`; None without it.
    """

    flagged: pl.LazyFrame
    hits: pl.LazyFrame
    rejects: pl.LazyFrame
    summary: dict[str, Any]
    watched: pl.LazyFrame | None = None

    def __repr__(self) -> str:
        """Rows by class, and the day."""
        rows = dict(self.summary["rows"])
        read = rows.pop("read")
        parts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in rows.items() if count)
        return f"Result({read:,} row{'s' if read != 1 else ''}{parts and ': '}{parts}; as of {self.summary['as_of']})"

    def _repr_html_(self) -> str:
        """A small table for notebooks: rows by class, and accounts by recommended action."""
        rows, flagged = self.summary["rows"], self.summary["flagged"]["actions"]
        lines = [(name.replace("_", " "), count) for name, count in rows.items() if count]
        lines += [(f"recommended: {action}", flagged[action]) for action in reversed(list(flagged))]
        cells = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{count:,}</td></tr>' for name, count in lines)
        return f"<table><caption>as of {escape(self.summary['as_of'])}</caption><tbody>{cells}</tbody></table>"

    @classmethod
    def read(cls, folder: str | Path) -> Result:
        """The result in a folder: of a screening with `out`, or of a run.

        Raises:
            InputError: There is none, or it is not complete.
        """
        try:
            return read_result(Path(folder), json.loads((Path(folder) / _SUMMARY).read_text(encoding="utf-8")))
        except (OSError, ValueError):
            raise InputError(f"{folder} holds no complete screening: its {_SUMMARY} can't be read") from None

    def to_arrow(self) -> ArrowTables:
        """The three tables as Arrow that every library reads.

        Returns:
            `{"flagged": …, "hits": …, "rejects": …}`, pyarrow Tables of the same columns: text as `large_string`,
            levels, actions and the other closed sets as `dictionary`.

        Example:
            >>> from cardscreen import Blocklist, Phone, screen
            >>> accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["138 0013 8000"]})
            >>> listed = Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
            >>> screen(accounts, listed, {"mobile": Phone("CN")}).to_arrow()["flagged"].num_rows
            1
        """
        oldest = pl.CompatLevel.oldest()  # the newest has text that not every reader knows
        tables = {name: getattr(self, name).collect().to_arrow(compat_level=oldest) for name in _TABLES}
        signed = {name: table.cast(_signed(table.schema)) for name, table in tables.items()}
        return ArrowTables(flagged=signed["flagged"], hits=signed["hits"], rejects=signed["rejects"])

    def to_pandas(self) -> PandasTables:
        """The three tables as pandas DataFrames; levels, actions and the other closed sets are categories.

        Returns:
            `{"flagged": …, "hits": …, "rejects": …}`.

        Raises:
            ConfigError: pandas is not installed.

        Example:
            >>> from cardscreen import Blocklist, Phone, screen
            >>> accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["138 0013 8000"]})
            >>> listed = Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
            >>> screen(accounts, listed, {"mobile": Phone("CN")}).to_pandas()["flagged"].shape[0]
            1
        """
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise ConfigError("to_pandas needs pandas, which is not installed: pip install pandas") from None
        tables = self.to_arrow()
        flagged, hits, rejects = (tables[name].to_pandas() for name in _TABLES)
        return PandasTables(flagged=flagged, hits=hits, rejects=rejects)

    def sink_csv(self, folder: str | Path, separator: str = "; ") -> None:
        """Write flagged.csv, hits.csv and rejects.csv; what has several values in a cell, such as `reasons`, is joined.

        What a spreadsheet would take for a formula gets an apostrophe in front, but for account ids and values.

        Args:
            folder: A folder, made if it is not there; tables of these names in it are replaced.
            separator: Stands between several values in a cell.

        Raises:
            InputError: It can't be written there.
        """
        place = _folder(folder)
        for name in _TABLES:
            write(joined(getattr(self, name), separator), place / f"{name}.csv", force=True)

    def write_delta(self, uri: str | Path, mode: Literal["error", "append", "overwrite"] = "error") -> None:
        """Write the three tables as Delta tables, `flagged`, `hits` and `rejects` in a folder or under a URL.

        Delta knows neither closed sets nor unsigned numbers: the ones are text there, the others the next larger
        signed numbers. Each table is written whole or not at all, `flagged` last.

        Args:
            uri: A folder or URL.
            mode: What to do where a table is there: refuse, add the rows, or replace it.

        Raises:
            InputError: A table is there, and is not to be changed; or it can't be written.
        """
        import deltalake
        import pyarrow as pa

        with not_for_others():
            for name in reversed(_TABLES):
                table = getattr(self, name).with_columns(_FOR_DELTA)
                empty = pl.DataFrame(schema=table.collect_schema()).to_arrow(compat_level=pl.CompatLevel.oldest())
                oldest = pl.CompatLevel.oldest()
                batches = (
                    batch
                    for part in table.collect_batches(maintain_order=True)
                    for batch in part.to_arrow(compat_level=oldest).to_batches()
                )
                reader = pa.RecordBatchReader.from_batches(empty.schema, batches)
                try:
                    deltalake.write_deltalake(f"{str(uri).rstrip('/')}/{name}", reader, mode=mode)
                except (deltalake.exceptions.DeltaError, OSError) as error:
                    raise InputError(f"{uri}/{name} can't be written: {first_line(error)}") from None


#: As Delta has types.
_FOR_DELTA = [
    cs.enum().cast(pl.String),
    cs.by_dtype(pl.UInt8, pl.UInt16).cast(pl.Int32),
    cs.by_dtype(pl.UInt32).cast(pl.Int64),
]


class ArrowTables(TypedDict):
    """The tables of a result, of pyarrow."""

    flagged: pa.Table
    hits: pa.Table
    rejects: pa.Table


class PandasTables(TypedDict):
    """The tables of a result, of pandas."""

    flagged: pandas.DataFrame
    hits: pandas.DataFrame
    rejects: pandas.DataFrame


def _folder(folder: str | Path) -> Path:
    """A folder, made if it is not there."""
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"out: the folder {place} can't be made: {error.strerror}") from None
    return place


def _signed(columns: pa.Schema) -> pa.Schema:
    """The same columns, dictionaries with signed indices: older readers know no others."""
    import pyarrow as pa

    for at, column in enumerate(columns):
        if pa.types.is_dictionary(column.type):
            columns = columns.set(at, column.with_type(pa.dictionary(pa.int32(), column.type.value_type)))
    return columns


def write_tables(folder: Path, flagged: pl.DataFrame, hits: pl.DataFrame) -> None:
    """Write flagged.parquet and hits.parquet."""
    flagged.write_parquet(folder / "flagged.parquet", row_group_size=ROW_GROUP)
    hits.write_parquet(folder / "hits.parquet", row_group_size=ROW_GROUP)


def completed(folder: Path, summary: dict[str, Any], watched: pl.LazyFrame | None) -> Result:
    """The result in a folder that has its tables: the summary, written last, says that it is complete."""
    text = json_text(summary, indent=2)
    with not_for_others():
        write_whole(folder / _SUMMARY, lambda file: file.write_text(text, encoding="utf-8"))
    return replace(read_result(folder, summary), watched=watched)


def read_result(folder: Path, summary: dict[str, Any]) -> Result:
    """A result from the tables in a folder."""
    flagged, hits, rejects = (pl.scan_parquet(folder / f"{name}.parquet", glob=False) for name in _TABLES)
    return Result(flagged, hits, rejects, summary)


@contextmanager
def output_folder(out: str | Path | None) -> Iterator[Path | None]:
    """A folder beside the results, whose files take their place only when all are written."""
    if out is None:
        yield None
        return
    with not_for_others():
        target = _folder(out)
        with room_in(target), tempfile.TemporaryDirectory(prefix=".screening-", dir=target) as name:
            yield Path(name)
            (target / _SUMMARY).unlink(missing_ok=True)  # it is written last: without it, a folder is not complete
            for table in _TABLES:
                shutil.move(Path(name) / f"{table}.parquet", target / f"{table}.parquet")
