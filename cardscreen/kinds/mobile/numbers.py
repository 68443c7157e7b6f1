"""What numbers of devices, SIM cards and subscriptions have in common: digits, of which lists may name ranges."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from cardscreen.kinds import keys
from cardscreen.kinds.exact import Exact, several_or_alone
from cardscreen.kinds.listed_forms import as_listed, ends_of, is_open
from cardscreen.tables.cells import are_digits, as_expr, compacted, is_blank, named_like, to_text

SEPARATORS = " -"  # as the reference has them
_BETWEEN = r"[,;|/\r\n，；、]"
_PREFIX = r"^([0-9][0-9 -]*?)\s*[*＊]$"


def read_column(expr: str | pl.Expr, told: pl.Struct, *steps: Mapping[str, pl.Expr]) -> pl.Expr:
    """A column of numbers read: a Struct of what is told of each.

    Args:
        expr: Column name or expression, of any type that can hold numbers.
        told: The Struct.
        steps: Columns, made one step after another: first over `text`, the cell in capitals and without separators,
            `size`, its length in bytes, `digits`, whether it has no other sign, and `blank`, whether there is nothing
            at all. The last ones are the fields.
    """
    fields = [field.name for field in told.fields]

    def read(cells: pl.Series) -> pl.Series:
        text = compacted(cells, SEPARATORS)
        empty = (text.str.len_bytes().fill_null(0) == 0).arg_true()
        is_empty = cells.gather(empty).alias("cell").to_frame().select(is_blank(pl.col("cell"))).to_series()
        blank = pl.Series([False]).new_from_index(0, len(cells)).scatter(empty, is_empty)
        frame = pl.DataFrame({"text": text, "digits": are_digits(text), "blank": blank})
        for step in ({"size": pl.col("text").str.len_bytes().cast(pl.Int64)}, *steps):
            frame = frame.with_columns(**step)
        return frame.select(pl.struct(fields).alias(cells.name)).to_series()

    return named_like(
        to_text(as_expr(expr), exact=True).map_batches(read, return_dtype=told, is_elementwise=True), expr
    )


def of_few(few: pl.Expr, text: pl.Expr, made: pl.Expr, others: pl.Expr) -> pl.Expr:
    """Of some rows a String that is made for them alone, since that is dear; of all others another one. Streams.

    Args:
        few: Which rows.
        text: What it is made of.
        made: An expression over the column `text`.
        others: Of all other rows.
    """

    def make(parts: pl.Series) -> pl.Series:
        frame = parts.struct.unnest()
        rows = frame["few"].arg_true()
        texts = frame.select("text").select(pl.col("text").gather(rows))
        return frame["others"].clone().scatter(rows, texts.select(made).to_series())

    parts = pl.struct(few=few, text=text, others=others)
    return parts.map_batches(make, return_dtype=pl.String, is_elementwise=True)


@dataclass(frozen=True)
class Numbers(Exact):
    """A kind of whole numbers; a class that derives from it gives what is not set here.

    Attributes:
        digits: Of a canonical value, at most.
        ends: Pattern of an end of a range, as it is written.
        stem: So many leading digits a range has in common; 0: that depends on the limit alone.
    """

    many: bool = False

    digits: ClassVar[int]
    ends: ClassVar[str]
    stem: ClassVar[int] = 0
    flaw: ClassVar[str] = "bad_checksum"

    def split(self, cell: pl.Expr) -> pl.Expr | None:
        """The numbers in a cell, where it may hold several, with commas, semicolons, strokes or lines between."""
        if not self.many:
            return None
        text, part = to_text(cell, exact=True), pl.element()
        parts = text.str.replace_all(_BETWEEN, "\n").str.split("\n").list.eval(part.filter(~is_blank(part)))
        return several_or_alone(text, parts)

    @abstractmethod
    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell, and it is all that is read."""

    @staticmethod
    def key(value: pl.Expr) -> pl.Expr:
        """The UInt64 key of a number: its digits."""
        return keys.of_digits(value)

    def written(self, cell: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN` of a source's cells: numbers, prefixes and ranges."""
        return self._without_fillers(self.listing(to_text(cell, exact=True)))

    @classmethod
    def listing(cls, value: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN` of listed values: numbers, prefixes (`35209900*`) and ranges of equal length."""
        text = value.str.strip_chars()
        stem = text.str.extract(_PREFIX).str.replace_all("[ -]", "")
        prefix = pl.when(stem.str.len_bytes() < cls.digits).then(stem)
        range_of = rf"^({cls.ends})\s*[-–]\s*({cls.ends})$"
        low, high = (cls._end(text.str.extract(range_of, group)) for group in (1, 2))
        both = pl.format("{}-{}", low, high)
        exact = cls._exact(text)
        named = pl.coalesce(pl.format("{}*", prefix), both, text)
        forms = as_listed(
            named, prefix=prefix, low=pl.when(both.is_not_null()).then(low), high=high, others=exact, matches=cls._forms
        )
        return named_like(forms, value)

    _forms: ClassVar[tuple[str, ...]] = ("exact",)

    @classmethod
    def _exact(cls, text: pl.Expr) -> pl.Expr:
        """A Struct with a field for each of `_forms`: the canonical value of what has it."""
        return pl.struct(exact=cls().read(text).struct.field("value"))

    @classmethod
    def _end(cls, text: pl.Expr) -> pl.Expr:
        """The canonical number at the end of a range."""
        return cls().read(text).struct.field("value")

    @classmethod
    def is_too_wide(cls, value: pl.Expr, limit: int) -> pl.Expr:
        """Whether a canonical prefix or range covers more numbers, of full length, or reaches beyond its stem."""
        first, last = ends_of(value)
        missing = pl.when(is_open(value)).then(cls.digits - first.str.len_bytes().cast(pl.Int64)).otherwise(0)
        size = last.cast(pl.Decimal(38, 0)).cast(pl.Float64) - first.cast(pl.Decimal(38, 0)).cast(pl.Float64) + 1
        count = size * pl.lit(10.0).pow(missing)
        beyond = (first.str.len_bytes() < cls.stem) | (first.str.head(cls.stem) != last.str.head(cls.stem))
        return (count > limit) | beyond
