"""A run's tables for a spreadsheet: all rows, nothing calculated, card numbers masked."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import fastexcel
import polars as pl
import pytest
from commands import cardscreen
from small_operator import CARD, MASKED, two_nights

from cardscreen.runs.messages import export

TABLES = ["flagged", "hits", "changes", "rejects"]


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_nights(tmp_path_factory.mktemp("operator"))


def kept(operator: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(operator / f"runs/latest/{name}.parquet")


def test_a_workbook_has_a_sheet_for_each_table_with_all_rows(operator: Path, tmp_path: Path) -> None:
    out = tmp_path / "tonight.xlsx"
    done = cardscreen("runs", "export", "job.toml", "--out", out, cwd=operator)
    assert done.code == 0, done.err
    book = fastexcel.read_excel(out)
    assert book.sheet_names == TABLES
    for name in TABLES:
        sheet, table = pl.DataFrame(book.load_sheet(name)), kept(operator, name)
        assert (sheet.columns, len(sheet)) == (table.columns, len(table))
    hits = pl.DataFrame(book.load_sheet("hits", dtypes="string"))
    assert MASKED in hits["value"].to_list()
    assert CARD.encode() not in out.read_bytes()
    assert out.stat().st_mode & 0o007 == 0


def test_a_folder_gets_csv_files_that_say_the_same(operator: Path, tmp_path: Path) -> None:
    assert cardscreen("runs", "export", "runs/latest", "--out", tmp_path / "out", cwd=operator).code == 0
    for name in TABLES:
        assert pl.read_csv(tmp_path / f"out/{name}.csv", infer_schema=False).height == len(kept(operator, name))


def test_what_a_spreadsheet_would_calculate_is_text(operator: Path, tmp_path: Path) -> None:
    table = pl.LazyFrame({"account_id": ["=1+1"], "reason": ["@SUM(A1)"], "reasons": [["=x", "y"]]})
    with mock.patch("cardscreen.runs.record.Finished.table", return_value=table):
        for out in ("a.xlsx", "folder"):
            assert cardscreen("runs", "export", "runs/latest", "--out", tmp_path / out, cwd=operator).code == 0
    row = pl.DataFrame(fastexcel.read_excel(tmp_path / "a.xlsx").load_sheet(0)).row(0)
    assert row == ("=1+1", "@SUM(A1)", "=x; y")
    assert pl.read_csv(tmp_path / "folder/hits.csv").row(0) == ("'=1+1", "'@SUM(A1)", "'=x; y")


@pytest.mark.parametrize(
    ("out", "words"), [("tonight.ods", "ending in .xlsx, or a folder"), ("there.xlsx", "there.xlsx is there already")]
)
def test_where_it_cant_be_written_is_told(operator: Path, tmp_path: Path, out: str, words: str) -> None:
    (tmp_path / "there.xlsx").write_text("mine")
    done = cardscreen("runs", "export", "runs/latest", "--out", tmp_path / out, cwd=operator)
    assert (done.code, words in done.err) == (2, True), done.err
    assert (tmp_path / "there.xlsx").read_text() == "mine"


def test_more_rows_than_a_sheet_holds_ask_for_a_folder(operator: Path, tmp_path: Path) -> None:
    with mock.patch.object(export, "_SHEET_ROWS", 2):
        done = cardscreen("runs", "export", "runs/latest", "--out", tmp_path / "a.xlsx", cwd=operator)
    assert (done.code, "name a folder, for CSV files" in done.err) == (2, True)
    assert not (tmp_path / "a.xlsx").exists()


def test_a_pruned_run_has_nothing_to_export(tmp_path: Path) -> None:
    operator = two_nights(tmp_path)
    oldest = sorted(each for each in (operator / "runs").glob("2*") if each.is_dir())[0]
    for name in TABLES:
        (oldest / f"{name}.parquet").unlink()
    done = cardscreen("runs", "export", oldest, "--out", tmp_path / "a.xlsx", cwd=operator)
    assert (done.code, "has no tables any more" in done.err) == (3, True)
