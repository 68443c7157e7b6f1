"""What only many phone numbers as a whole tell: service numbers, zeros that are gone, country codes without a plus.

In lists all look at the cells as the source has them, since reading has made a whole number of what was dialled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

import numpy as np
import numpy.typing as npt
import phonenumbers
import polars as pl

from cardscreen.foundation.lookup.digits import FULL_WIDTH, Keys
from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.kinds.phone import service_numbers
from cardscreen.tables.cells import to_text

_SHORT = service_numbers.LONGEST + 1 + 3  # characters of a service number behind plus and country code
_SHORTER = max(_SHORT, service_numbers.LONGEST_BEHIND_CODES)
#: What is dialled at home. A sign behind 10 makes it the area code of Beijing.
_NATIONAL = r"^\s*((?:10[0-9]|[1-9][1-9]|[2-9]0|0[1-9]|000)[0-9\s().-]*)"
#: What stands behind quotes, brackets and words.
_BEHIND_LABEL = r"^[^0-9+＋]*(.*)$"
_SAMPLE = 20_000  # rows
#: Regions in which a number that begins with the country code, without a plus, is another one with an area code.
CODE_LIKE_AREA = frozenset({"DE", "ID", "SE", "XK"})

Test = Callable[[pl.Expr], pl.Expr]
Split = Callable[[pl.Expr], pl.Expr | None]


def service_lines(
    listed: pl.LazyFrame,
    cells: pl.DataFrame,
    region: str | None,
    claims: Test,
    split: Split,
) -> list[int]:
    """Lines that block emergency and service numbers, or senders of text messages.

    Args:
        listed: line, value: canonical numbers, ranges and prefixes.
        cells: line, cell: as the source has them.
        region: Where they are dialled.
        claims: Whether text is surely a number.
        split: The numbers in a cell, where it may hold several.
    """
    heads = "|".join(re.escape(head) for head in (service_numbers.heads(region) if region else []))
    is_headed = pl.col("value").str.contains(f"^(?:{heads})") if heads else pl.lit(value=False)
    size = pl.col("value").str.len_bytes() - pl.col("value").str.ends_with("*")
    shorter = listed.filter(size <= _SHORTER).collect()  # tells most, and costs little
    # A prefix covers the number that it begins with, too.
    shorter = shorter.with_columns(stem=pl.col("value").str.strip_suffix("*"))
    short = shorter.filter(size <= _SHORT)
    few = pl.concat([short.drop("stem"), listed.filter(is_headed).collect()])
    short = short.filter(~claims(pl.col("stem")))  # of a million numbers in the USA, a few
    served = [value for value in short["stem"].unique().to_list() if service_numbers.is_service_abroad(value)]
    abroad = short.filter(pl.col("stem").is_in(served))["line"].to_list()
    behind = shorter.filter(has_codes_in_front(pl.col("stem")))["line"].to_list()
    return sorted({*abroad, *behind, *(_dialled(few, cells, region, split) if region else [])})


def has_codes_in_front(value: pl.Expr) -> pl.Expr:
    """Whether a canonical value is a service number behind an area code, or behind the country code twice."""
    is_short = value.str.len_bytes() <= service_numbers.LONGEST_BEHIND_CODES  # tells most, and costs little
    return is_short & value.str.contains(service_numbers.BEHIND_CODES)


def _dialled(few: pl.DataFrame, cells: pl.DataFrame, region: str, split: Split) -> list[int]:
    """Lines of service numbers as they are dialled in a region: what is read of them may be a landline."""
    cells = cells.join(few, on="line", how="semi")
    if (parts := split(pl.col("cell"))) is not None:
        cells = cells.with_columns(cell=parts).explode("cell")
    bare = to_text(pl.col("cell")).str.replace_many(FULL_WIDTH).str.strip_prefix("=").str.extract(_BEHIND_LABEL)
    digits = bare.str.extract(_NATIONAL).str.replace_all("[^0-9]", "")
    dialled = cells.select("line", digits=digits, begins=bare.str.contains(r"[*＊][\s\"']*$")).drop_nulls()
    service = {
        (digits, begins): service_numbers.is_service(digits, region, begins=begins)
        for digits, begins in dialled.select("digits", "begins").unique().rows()
    }
    return [line for line, digits, begins in dialled.rows() if service[digits, begins]]


def lines_without_zero(listed: pl.DataFrame, cells: pl.DataFrame, claims: Test, share: float) -> list[int]:
    """Lines of what is a number only with a zero in front: a program took it for a quantity.

    Args:
        listed: line, value: numbers.
        cells: line, cell: as the source has them.
        claims: Whether text is surely a number.
        share: Of how many rows it would matter; every so many rows say whether to look at all of them.
    """
    some = listed.gather_every(max(len(listed) // _SAMPLE, 1))
    if some.select((~claims(pl.col("value"))).sum()).item() <= share * len(some) / 2:
        return []
    invalid = listed.filter(~claims(pl.col("value")))
    whole = cells.with_columns(pl.col("cell").cast(pl.String)).join(invalid, on="line", how="semi")
    whole = whole.filter(pl.col("cell").str.contains("^[1-9][0-9]*$"))
    lines: list[int] = whole.filter(claims(pl.lit("0") + pl.col("cell")))["line"].to_list()
    return lines


def lines_with_code_twice(listed: pl.DataFrame, cells: pl.DataFrame, claims: Test, region: str) -> list[int]:
    """Lines of cells such as `491752775883`, of which libphonenumber makes a landline of Leer, `+49 491 752775883`.

    Where a plan has room for longer numbers, a country code without a plus is read as an area code. The same digits
    behind a plus must be a number, too.

    Args:
        listed: line, value: numbers.
        cells: line, cell: as the source has them.
        claims: Whether text is surely a number.
        region: Where they are dialled.
    """
    code = str(phonenumbers.country_code_for_region(region))
    twice = listed.filter(pl.col("value").str.starts_with(f"+{code}{code}"))
    twice = twice.filter(claims("+" + pl.col("value").str.strip_prefix(f"+{code}")))
    bare = cells.join(twice, on="line", how="semi").filter(
        to_text(pl.col("cell")).str.replace_many(FULL_WIDTH).str.contains(rf"^[^0-9+]*{code}")
    )
    lines: list[int] = bare["line"].to_list()
    return lines


def keys_with_code_twice(keys: Keys, claims: Test, regions: Iterable[str]) -> npt.NDArray[np.intp]:
    """The places of keys that are numbers with the country code once, too; of accounts no cell is looked at."""
    found = [np.empty(0, dtype=np.intp)]
    for region in sorted(regions):
        code = str(phonenumbers.country_code_for_region(region))
        places = _with_code_twice(code).among(keys)
        if len(places):
            once = "+" + pl.col("key").cast(pl.String).str.slice(len(code))
            found.append(places[pl.DataFrame({"key": keys[places]}).select(claims(once)).to_series().to_numpy()])
    return np.concatenate(found)


@cache
def _with_code_twice(code: str) -> Intervals:
    """The numbers of six to twelve digits behind a code that stands there twice."""
    first = pl.Series([int(code + code) * 10**further for further in range(6, 13)], dtype=pl.UInt64)
    return Intervals.union(first, first + first // int(code + code) - 1)
