"""A run's tables for people who have a spreadsheet: sheets of one workbook, or CSV files in a folder."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.files import claim, not_for_others, room_in, write_whole
from cardscreen.runs.record import Finished
from cardscreen.tables.cells import without_formulas, written_out
from cardscreen.tables.writing import joined, write

#: The tables, in the order in which people look at them.
TABLES = ("flagged", "hits", "changes", "rejects")
_SHEET_ROWS = 1_048_575  # below the header (ECMA-376, 18.3.1.73)
_EXACT = ("account_id", "value", "listing_id")
#: Nothing that stands in a cell is calculated, or made a link.
_AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def export(run: Finished, out: Path, *, force: bool = False) -> dict[str, int]:
    """Write a run's tables to a workbook, or to a folder.

    Card numbers are masked, as they are in the run. Several values in a cell are joined by `; `.

    Args:
        run: The run.
        out: A file ending in .xlsx, or a folder for CSV files.
        force: Write over what is there.

    Returns:
        Table → rows.

    Raises:
        InputError: The run's tables are gone, or can't be read; or it can't be written there.
        ConfigError: Something is there already; or a table has more rows than a sheet holds.
    """
    names = [name for name in TABLES if (run.folder / f"{name}.parquet").exists()]
    if not names:
        raise InputError(f"run {run.run_id} has no tables any more: it was {run.state}")
    tables = {name: written_out(joined(run.table(name)), _EXACT) for name in names}
    rows = {name: table.select(pl.len()).collect().item() for name, table in tables.items()}
    if out.suffix == ".xlsx":
        _write_workbook(tables, rows, out, force=force)
    elif out.suffix:
        raise ConfigError(f"{out}: give a file ending in .xlsx, or a folder for CSV files")
    else:
        with not_for_others():
            out.mkdir(parents=True, exist_ok=True)
        for name, table in tables.items():
            write(without_formulas(table, ["value"]), out / f"{name}.csv", force=force)
    return rows


def _write_workbook(tables: dict[str, pl.LazyFrame], rows: dict[str, int], out: Path, *, force: bool) -> None:
    import xlsxwriter

    for name, count in rows.items():
        if count > _SHEET_ROWS:
            raise ConfigError(
                f"{name} has {count:,} rows, and a sheet holds {_SHEET_ROWS:,}: name a folder, for CSV files"
            )
    claim(out, force=force)

    def fill(file: Path) -> None:
        with xlsxwriter.Workbook(file, _AS_TEXT) as book:
            for name, table in tables.items():
                table.with_columns(pl.col(pl.Enum).cast(pl.String)).collect().write_excel(
                    book, name, autofit=True, freeze_panes=(1, 0), table_style="Table Style Light 1"
                )

    with not_for_others(), room_in(out):
        write_whole(out, fill)
