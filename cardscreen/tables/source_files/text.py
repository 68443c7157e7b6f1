"""Files of text, and sheets, of accounts: a LazyFrame that streams, and in which each row knows its file and line.

Rows that don't fit their table are rows of the frame, too, with nothing in the table's columns, so that whoever reads
it can count each row exactly once.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import groupby
from pathlib import Path

import polars as pl

from cardscreen.foundation.bounds import Held
from cardscreen.foundation.errors import InputError
from cardscreen.tables.encodings import decoded, encoding_of
from cardscreen.tables.libraries import streamed
from cardscreen.tables.paths import DELIMITERS, endings_of, state_of
from cardscreen.tables.reading import Reading
from cardscreen.tables.source_files.delimited import Delimited
from cardscreen.tables.source_files.packed import blocks_of
from cardscreen.tables.source_files.plain import Plain, scan_plain
from cardscreen.tables.source_files.rows import Rows, Unread
from cardscreen.tables.source_files.sheets import first_cells, read_sheet, sheet_names

#: Columns beside the table's own: the file and line in which a row begins, and, of a row that does not fit the table,
#: what it looks like.
FILE, LINE, RAGGED = "\ue000file", "\ue000line", "\ue000ragged"
MARKS: Mapping[str, pl.DataType | type[pl.DataType]] = {FILE: pl.String, LINE: pl.UInt32, RAGGED: pl.String}
SHEET = ".xlsx"
LARGE = 1 << 24  # bytes of a file from which on it is worth while to look whether it is plain
_BEGINNING, _BEGINNING_SIZE = 10, 1 << 16  # lines, and bytes, of a file that are its beginning


@dataclass(frozen=True)
class TextFile:
    """A file of text, or a sheet, in the local file system.

    Attributes:
        path: Where it is.
        reading: How it is to be read.
        folders: Columns that its folders' names say.
    """

    path: str
    reading: Reading
    folders: Mapping[str, str | None]

    @property
    def encoding(self) -> str:
        """What the text is in: what was said, or what the whole of it is.

        Raises:
            InputError: It is in no encoding that is taken unasked.
        """
        return self.reading.encoding or self._seen[0]

    @property
    def is_plain(self) -> bool:
        """Whether the engine reads it as it is, which is worth while for large ones."""
        at_once = self.reading.is_of_first_line and self.reading.encoding is None
        is_large = not endings_of(self.path)[1] and Path(self.path).stat().st_size >= LARGE
        return at_once and is_large and not self._is_sheet and self._seen[1]

    @property
    def _seen(self) -> tuple[str, bool]:
        """The encoding of the whole text, and whether it is plain."""
        return _looked_at(self.path, self.delimiter, self.reading.held, state_of(self.path))

    def scanned(self) -> pl.LazyFrame:
        """Its columns and `LINE`, read by the engine; of a plain one."""
        return scan_plain(self.path, self.delimiter, self.names, LINE)

    @cached_property
    def names(self) -> list[str]:
        """The table's columns."""
        return self._sheet.frame.columns if self._is_sheet else self._delimited().names

    def rows(self, columns: Sequence[str]) -> Iterator[Rows]:
        """Its rows, piece after piece, of some columns."""
        if self._is_sheet:
            yield self._sheet._replace(frame=self._sheet.frame.select(columns))
        else:
            yield from self._delimited().rows(columns)

    @property
    def _is_sheet(self) -> bool:
        return endings_of(self.path)[0] == SHEET

    @cached_property
    def _sheet(self) -> Rows:
        return read_sheet(self._raw(), self.reading, self.path)

    def unread(self) -> Unread:
        """The sheets beside the one that is read; read anew where there are some."""
        if not self._is_sheet or self.reading.sheet or len(sheet_names(self._raw(), self.path)) == 1:
            return Unread()
        return self._sheet.unread

    def table(self) -> pl.DataFrame:
        """All its rows, with the line of each as `LINE`.

        Raises:
            InputError: A row does not fit; names its line.
        """
        if not self._is_sheet:
            deque(self.reading.held.text(self._content(), self.delimiter, self.path), maxlen=0)
        pieces = list(self.rows(self.names))
        for piece in pieces:
            if len(piece.ragged):
                raise _misfit(piece, self.path)
        return pl.concat(piece.frame.with_columns(piece.lines.alias(LINE)) for piece in pieces)

    def beginning(self) -> dict[int, list[str]]:
        """The cells of its first lines: to look there for a header that was not where it was looked for."""
        if self._is_sheet:
            return first_cells(self._raw(), self.reading, _BEGINNING)
        text = next(self._content(), b"")[:_BEGINNING_SIZE].decode(errors="ignore")
        lines = enumerate(text.splitlines()[:_BEGINNING], 1)
        return {line: next(csv.reader([row], delimiter=self.delimiter), []) for line, row in lines}

    @property
    def delimiter(self) -> str:
        """What stands between the fields of a text."""
        return self.reading.delimiter or DELIMITERS[endings_of(self.path)[0]]

    def _content(self) -> Iterator[bytes]:
        blocks = self.reading.held.lines(blocks_of(self.path), self.path)
        return decoded(blocks, self.encoding, self.path, is_told=self.reading.encoding is None)

    def _delimited(self) -> Delimited:
        return Delimited(self._content(), self.delimiter, self.path, self.reading)

    def _raw(self) -> bytes:
        with Path(self.path).open("rb") as stream:
            return self.reading.held.whole(stream, self.path)


@lru_cache(maxsize=4_096)
def _looked_at(path: str, delimiter: str, held: Held, state: tuple[int, ...]) -> tuple[str, bool]:  # noqa: ARG001
    """The encoding of a text, and whether it is plain; looked at once for as long as the file stays as it is."""
    plain = Plain(delimiter)
    encoding = encoding_of(plain.over(held.lines(blocks_of(path), path)), path)
    return encoding, plain.holds and encoding == "utf-8"


#: Of each file its name, what its folders say, and its rows, piece after piece.
Parts = Iterable[tuple[str, Mapping[str, str | None], Iterable[Rows]]]


def scan_text(
    names: Sequence[str], folders: Sequence[str], parts: Callable[[list[str]], Parts], *, marked: bool
) -> pl.LazyFrame:
    """Tables of text as one LazyFrame that reads them when a query runs; all columns but the line are String.

    Args:
        names: The tables' columns.
        folders: Columns that folders' names say.
        parts: Makes the tables' rows, of some of their columns.
        marked: Add `MARKS`, and rows that don't fit, of which only these say something; otherwise the first such row
            is an error.

    Raises:
        InputError: When the query runs, if a row does not fit and that is not to be marked; names its line.
    """
    schema = {**dict.fromkeys([*names, *folders], pl.String), **(MARKS if marked else {})}

    def frames(asked: list[str]) -> Iterator[pl.DataFrame]:
        # Of a table that is only counted, one column says how many rows there are.
        wanted = [name for name in names if name in asked] or list(names[:1])
        for file, partition, pieces in parts(wanted):
            partitions = [pl.lit(partition.get(name), pl.String).alias(name) for name in folders]
            for piece in pieces:
                if len(piece.ragged) and not marked:
                    raise _misfit(piece, file)
                yield _marked(piece, file).with_columns(partitions).select(asked)

    return streamed(pl.Schema(schema), frames)


def scan_files(files: Sequence[TextFile], *, marked: bool) -> pl.LazyFrame:
    """Files as one LazyFrame; see `scan_text`. All have the columns of the first one."""
    names, folders = files[0].names, list(files[0].folders)

    def in_pieces(group: Sequence[TextFile]) -> pl.LazyFrame:
        def parts(columns: list[str]) -> Parts:
            return ((file.path, file.folders, file.rows(columns)) for file in group)

        return scan_text(names, folders, parts, marked=marked)

    def at_once(file: TextFile) -> pl.LazyFrame:
        marks = {FILE: pl.lit(file.path), LINE: pl.col(LINE), RAGGED: pl.lit(None, pl.String)} if marked else {}
        columns = {name: pl.lit(file.folders.get(name), pl.String) for name in folders}
        return file.scanned().select(*names, **columns, **marks)

    frames = list[pl.LazyFrame]()
    for is_plain, files_alike in groupby(files, lambda file: file.is_plain):
        group = list(files_alike)
        frames += map(at_once, group) if is_plain else [in_pieces(group)]
    return frames[0] if len(frames) == 1 else pl.concat(frames)


def _marked(rows: Rows, file: str) -> pl.DataFrame:
    """The rows that fit and those that don't, in the order in which they stand."""
    frame = rows.frame.with_columns(rows.lines.alias(LINE), pl.lit(None, dtype=pl.String).alias(RAGGED))
    if len(rows.ragged):
        misfits = rows.ragged.select(pl.col("line").alias(LINE), pl.col("shape").alias(RAGGED))
        frame = pl.concat([frame, misfits], how="diagonal").sort(LINE, maintain_order=True)
    return frame.with_columns(pl.lit(file).alias(FILE))


def _misfit(rows: Rows, file: str) -> InputError:
    line, reason = rows.ragged.select("line", "reason").row(0)
    return InputError(f"{file}: line {line:,}: {reason}")
