"""Columns that stand in the names of folders: `accounts/dt=2026-11-23/part-0.parquet` (Hive's layout)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

from cardscreen.foundation.errors import InputError, without_numbers

_FOLDER = re.compile(r"([^=]+)=(.*)")
_SHOWN = 3  # parts that an error names
_NULL = "__HIVE_DEFAULT_PARTITION__"
_DAY = re.compile(
    r"(?<![0-9])(?P<year>(?:19|20)[0-9]{2})(?P<mark>-?)(?P<month>[0-9]{2})(?P=mark)(?P<day>[0-9]{2})(?![0-9])"
)
#: Digits that a number would not keep.
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]")


def days_in(path: str) -> list[date]:
    """The days that stand in the names of a file and its folders, as 2026-11-23 or 20261123."""
    days = []
    for day in _DAY.finditer(path):
        with suppress(ValueError):
            days.append(date(int(day["year"]), int(day["month"]), int(day["day"])))
    return days


def partitions_of(files: list[str]) -> list[dict[str, str | None]]:
    """What the folders of each file say: column → value.

    Raises:
        InputError: Some files have a column in their path that others have not.
    """
    folders = [_told_by(file) for file in files]
    for file, columns in zip(files, folders, strict=True):
        if odd := sorted(folders[0].keys() ^ columns.keys()):
            raise InputError(
                f"{files[0]} and {file}: one lies in a folder {odd[0]}=…, the other does not, so the {odd[0]} of its "
                "rows is not known: name only files of the same layout"
            )
    return folders


def refuse_drift(parts: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse parts of one table that don't have the columns of the first one, in its order and of its types.

    Args:
        parts: File → column → type.

    Raises:
        InputError: Names the parts that differ, and in what.
    """
    (first, model), *others = parts.items()
    odd = [f"{file} {what}" for file, columns in others if (what := _difference(columns, model))]
    if odd:
        more = f"; and {len(odd) - _SHOWN} more" if len(odd) > _SHOWN else ""
        raise InputError(
            f"the parts of one table differ from {first}: {'; '.join(odd[:_SHOWN])}{more}. Name only files of one "
            "layout, or write them anew alike"
        )


def _difference(columns: Mapping[str, str], model: Mapping[str, str]) -> str:
    """What sets the columns of a part apart from those of another; empty: nothing."""
    lacks, more = (without_numbers(", ".join(each)) for each in (model.keys() - columns, columns.keys() - model))
    differences = [f"lacks {lacks}"] if lacks else []
    differences += [f"has {more} too"] if more else []
    differences += [
        f"has {without_numbers(name)} as {dtype}, not {model[name]}"
        for name, dtype in columns.items()
        if model.get(name, dtype) != dtype
    ]
    if not differences and list(columns) != list(model):
        differences = [f"has its columns in another order: {without_numbers(', '.join(columns))}"]
    return ", ".join(differences)


def _told_by(file: str) -> dict[str, str | None]:
    pairs = [folder.groups() for part in Path(file).parts[:-1] if (folder := _FOLDER.fullmatch(part))]
    return {unquote(name): None if value == _NULL else unquote(value) for name, value in pairs}


def scan_partitioned(
    scan: Callable[..., pl.LazyFrame], files: list[str], folders: list[dict[str, str | None]], **options: Any
) -> pl.LazyFrame:
    """Files as one LazyFrame, with the columns of their folders: dates and numbers as such, `010` as text."""
    frame = scan(files, glob=False, hive_partitioning=bool(folders[0]), **options)
    columns = frame.collect_schema()
    zeros = {name for each in folders for name, value in each.items() if value and _LEADING_ZERO.match(value)}
    if not zeros:
        return frame
    types = {name: pl.String() if name in zeros else columns[name] for name in folders[0]}
    return scan(files, glob=False, hive_partitioning=True, hive_schema=types, **options)
