"""Small files that stand for large ones are refused in a sentence, soon, and in little memory.

All of them are given to one process that may have little, since starting one takes longer than most refusals.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import xlsxwriter
from commands import cardscreen
from pyarrow import feather, parquet

_MOST = 1 << 30  # bytes of memory
_SOON = 60  # seconds, beside whatever else the machine does
_SPACE = 6 << 30  # bytes of addresses, of which the engine takes many more than it uses
_RUN = """
import json, resource, sys, time
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
from commands import cardscreen
from pyarrow import feather, parquet
for name, arguments in json.load(sys.stdin).items():
    begun = time.monotonic()
    done = cardscreen(*arguments, cwd=Path.cwd())
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    print(json.dumps([name, done.code, done.err, time.monotonic() - begun, peak]), flush=True)
"""
_FEED = 'source = "police"\nkind = "phone"\nregion = "CN"\ncolumns.value = "number"\n'
_JOB = """
accounts.path = "{}"
accounts.id = "id"
identifiers.number = {{ kind = "phone", region = "CN" }}
blocklist.paths = ["blocklist.parquet"]
"""
#: Of each file its name, what is in it, the exit code, and what is said.
_Bomb = tuple[str, Callable[[Path], object], int, str]


def _text(content: Callable[[], str]) -> Callable[[Path], object]:
    return lambda file: file.write_text(content())


_OF_FEEDS: list[_Bomb] = [
    (
        "lists.toml",
        _text(lambda: "a = " + "[" * 50_000),
        2,
        "lists.toml, line 1: more than 32 tables, lists and parts of a key",
    ),
    (
        "tables.toml",
        _text(lambda: "a = " + "{a=" * 30_000),
        2,
        "more than 32 tables, lists and parts of a key in each other",
    ),
    (
        "dots.toml",
        _text(lambda: f"\n{'.'.join('a' * 50_000)} = 1"),
        2,
        "dots.toml, line 2: more than 32 tables, lists and",
    ),
    ("header.toml", _text(lambda: f"[{'.'.join('a' * 50_000)}]"), 2, "more than 32 tables, lists and parts of a key"),
    ("keys.toml", _text(lambda: "\n".join(f"k{n} = 1" for n in range(60_000))), 2, "line 50001: more than 50,000 keys"),
    (
        "digits.toml",
        _text(lambda: f"severity = {'9' * 5_000}"),
        2,
        "digits.toml: a number has more than 4,300 digits, which",
    ),
    ("large.toml", _text(lambda: "# a comment\n" * 200_000), 2, "more than 1,048,576 characters"),
]
_TEXTS = "xl/sharedStrings.xml"
_SHEETS = ("xl/worksheets/sheet1.xml", "xl/worksheets/sheet2.xml")
_HEAD = b"number,note\n"


def _packed(content: bytes, times: int, begin: bytes = _HEAD) -> Callable[[Path], object]:
    """Text that repeats; it is packed once."""
    return lambda file: file.write_bytes(gzip.compress(begin) + gzip.compress(content) * times)


def _sheet(
    rows: str, times: int = 1, said: int = 0, text: str = "number", beside: bool = False
) -> Callable[[Path], object]:
    """A workbook with one sheet, or one beside it, in which something repeats; its directory may say another size."""

    page = _SHEETS[beside]

    def write(file: Path) -> None:
        with xlsxwriter.Workbook(file) as book:
            book.add_worksheet().write_column(0, 0, ["number", "13800138000"])
            book.add_worksheet().write(0, 0, "number") if beside else None
        with zipfile.ZipFile(file) as book:
            parts = {name: book.read(name) for name in book.namelist()}
        parts[_TEXTS] = parts[_TEXTS].replace(b"<t>13800138000</t>", f"<t>{text}</t>".encode())
        begin, end = re.split(b"<sheetData>.*</sheetData>", parts.pop(page))
        head = b"<sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>number</t></is></c></row>"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
            for name, content in parts.items():
                book.writestr(name, content)
            with book.open(page, "w") as stream:
                for part in (begin + head, *[rows.encode()] * times, b"</sheetData>" + end):
                    stream.write(part)
            book.getinfo(page).file_size = said or book.getinfo(page).file_size

    return write


def _table(rows: int, digits: int, columns: int = 1) -> Callable[[Path], object]:
    """Parquet or Arrow with a text of so many digits in each row."""

    def write(file: Path) -> None:
        indexes = pa.array(np.zeros(rows, np.int32))
        texts = pa.DictionaryArray.from_arrays(indexes, pa.array(["1" * digits], pa.large_string()))
        table = pa.table(
            {"number": texts, "id": indexes} | {f"c{at}": pa.nulls(rows, pa.int8()) for at in range(1, columns)}
        )
        if file.suffix == ".parquet":
            parquet.write_table(table, file, compression="zstd", write_statistics=False, store_schema=False)
        else:
            feather.write_feather(table, file, compression="zstd")

    return write


_OF_LISTS: list[_Bomb] = [
    ("cell.parquet", _table(1, 50 << 20), 3, "cell.parquet: column 'number' has cells of more than 1,024 KiB"),
    ("often.parquet", _table(1_000, 50 << 20), 3, "raise cell_kib under [bounds] of the feed"),
    ("rows.parquet", _table(30_000_000, 1), 3, "has more than 20,000,000 rows"),
    ("cells.parquet", _table(1_000_000, 1, 300), 3, "has more than 200,000,000 cells"),
    ("size.arrow", _table(1, 520 << 20), 3, "size.arrow holds more than 512 MiB, unpacked"),
    ("cell.arrow", _table(2, 50 << 20), 3, "cell.arrow: column 'number' has cells of more than"),
    (
        "row.xlsx",
        _sheet('<row r="4000000000"><c r="A4000000000"><v>1</v></c></row>'),
        3,
        "row.xlsx names a cell beyond row 1,048,576",
    ),
    ("column.xlsx", _sheet('<row><c r = "ZZZZZ2"><v>1</v></c></row>'), 3, "beyond row 1,048,576 and column 16,384"),
    (
        "area.xlsx",
        _sheet('<row r="1048576"><c r="ALL1048576" s="1"><v>1</v></c></row>'),
        3,
        "raise sheet_cells under [bounds]",
    ),
    (
        "texts.xlsx",
        _sheet('<row><c t="s"><v>1</v></c></row>', 500_000, text="1" * 32_000),
        3,
        "raise unpacked_mib under",
    ),
    (
        "beside.xlsx",
        _sheet('<row><c t="s"><v>1</v></c></row>', 500_000, text="1" * 32_000, beside=True),
        3,
        "raise unpacked_mib under",
    ),
    (
        "far-beside.xlsx",
        _sheet('<row r="1048576"><c r="ALL1048576"><v>1</v></c></row>', beside=True),
        3,
        "has a sheet of more than 25,000,000 cells",
    ),
    ("rows.xlsx", _sheet("<row/>" * 100_000, 100), 3, "beyond row 1,048,576"),
    ("unplaced.xlsx", _sheet("<row>" + "<c/>" * 5_000 + "<c><v>1</v></c></row>"), 3, "has more than 1,000 columns"),
    ("size.xlsx", _sheet('<row r="1"/>' * 50_000, 1_000), 3, "size.xlsx holds more than 512 MiB, unpacked"),
    (
        "lie.xlsx",
        _sheet(" " * (1 << 20), 600, said=1_000),
        3,
        "lie.xlsx holds more than 512 MiB, unpacked",
    ),
    (
        "size.csv.gz",
        _packed(b"13800138000,a note, which is long enough\n" * 50_000, 10_000),
        3,
        "size.csv.gz holds more than 512 MiB, unpacked",
    ),
    (
        "rows.csv.gz",
        _packed(b"1,\n" * 1_000_000, 100),
        3,
        "has more than 20,000,000 rows: if that is right, raise rows",
    ),
    ("cells.csv.gz", _packed(b",\n" + b"," * 1_000_000, 1_000), 3, "has more than 200,000,000 cells"),
    ("row.csv.gz", _packed(b"1" * 1_000_000, 10_000), 3, "has a row of more than 8 MiB"),
    ("quote.csv.gz", _packed(b"1" * 1_000_000, 10_000, _HEAD + b'1,"'), 3, "raise row_mib under [bounds] of the feed"),
    (
        "keys.jsonl",
        _text(lambda: "".join(f'{{"number": "1", "k{n}": {n}}}\n' for n in range(20_000))),
        3,
        "has more than 1,000 columns",
    ),
    (
        "wide.jsonl",
        _text(lambda: "{" + ",".join(f'"{n}": 1' for n in range(500_000)) + "}"),
        3,
        "more than 1,000 columns",
    ),
    (
        "long.jsonl",
        _text(lambda: "{" + ",".join(f'"{n}": []' for n in range(400_000)) + "}"),
        3,
        "no line is a JSON object",
    ),
    (
        "deep.jsonl",
        _text(lambda: '{"number": ' + "[" * 1_000_000),
        3,
        "deep.jsonl: no line is a JSON object with values",
    ),
    ("columns.csv", _text(lambda: ",".join(f"c{n}" for n in range(1_000_000))), 3, "has more than 1,000 columns"),
]
_OF_ACCOUNTS: list[_Bomb] = [
    ("repeated.parquet", _table(1_000, 50 << 20), 3, "has a cell of more than 1,048,576 bytes"),
    ("accounts.parquet", _table(1, 50 << 20), 3, "raise cell_kib under [accounts.bounds] of the job file"),
    (
        "accounts.xlsx",
        _sheet('<row r="1048576"><c r="ALL1048576"><v>1</v></c></row>'),
        3,
        "raise sheet_cells under [accounts.",
    ),
    ("accounts.csv.gz", _packed(b"1" * 1_000_000, 10_000), 3, "has a row of more than 8 MiB"),
    (
        "accounts.csv",
        _text(lambda: ",".join(f"c{n}" for n in range(1_000_000))),
        3,
        "raise columns under [accounts.bounds] of",
    ),
]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """Of each file what came of it: exit code, what was said, seconds, and the most memory so far."""
    folder, commands = tmp_path_factory.mktemp("bombs"), {}
    (folder / "feed.toml").write_text(_FEED)
    (folder / "list.csv").write_text("number\n13800138000\n")
    blocklist = pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]})
    blocklist.write_parquet(folder / "blocklist.parquet")
    for name, make, *_ in [*_OF_FEEDS, *_OF_LISTS, *_OF_ACCOUNTS]:
        make(folder / name)
    for name, *_ in _OF_FEEDS:
        commands[name] = ["list", "import", "list.csv", "--feed", name, "--store", "store"]
    for name, *_ in _OF_LISTS:
        commands[name] = ["list", "import", name, "--feed", "feed.toml", "--store", "store"]
    for name, *_ in _OF_ACCOUNTS:
        (folder / f"{name}.toml").write_text(_JOB.format(name))
        commands[name] = ["run", f"{name}.toml"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", _RUN, str(_SPACE)],
        cwd=folder,
        env=environment,
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = {name: rest for name, *rest in map(json.loads, ran.stdout.splitlines())}
    assert found.keys() == commands.keys(), ran.stderr  # one of them has ended the process
    return found


@pytest.mark.parametrize("bomb", [*_OF_FEEDS, *_OF_LISTS, *_OF_ACCOUNTS], ids=lambda bomb: bomb[0])
def test_a_small_file_that_stands_for_a_large_one_is_refused_in_a_sentence(
    bomb: _Bomb, done: dict[str, list[Any]]
) -> None:
    name, _, code, said = bomb
    was, told, seconds, peak = done[name]
    assert (was, said in told) == (code, True), told
    assert len(told.strip().splitlines()) == 1
    assert (seconds < _SOON, peak < _MOST) == (True, True), (seconds, peak)


def test_of_rows_that_cannot_be_used_so_many_are_written_and_the_rest_is_counted(tmp_path: Path) -> None:
    (tmp_path / "feed.toml").write_text(f"{_FEED}[bounds]\nrejects = 2\n")
    (tmp_path / "list.csv").write_text("number\n" + "nobody\n" * 10)
    done = cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "store", cwd=tmp_path)
    assert done.code == 3
    *_, second, last = (tmp_path / "rejects" / "list.csv.rejects").read_text().splitlines()
    assert second.startswith("3,")
    assert last == ",and 8 more: raise rejects under [bounds] of the feed to see them,"


def test_a_bound_that_is_raised_lets_the_file_pass(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("number\n13800138000\n13800138001\n")
    for rows, code in ((1, 3), (2, 0)):
        (tmp_path / "feed.toml").write_text(f"{_FEED}[bounds]\nrows = {rows}\n")
        done = cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "store", cwd=tmp_path)
        assert done.code == code, done.err


def test_a_job_has_bounds_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("id,number,note\nA1,13800138000,\n")
    pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}).write_parquet(tmp_path / "blocklist.parquet")
    for columns, code in ((2, 3), (3, 4)):
        (tmp_path / "job.toml").write_text(f"{_JOB.format('accounts.csv')}accounts.bounds.columns = {columns}\n")
        assert cardscreen("run", "job.toml", cwd=tmp_path).code == code
