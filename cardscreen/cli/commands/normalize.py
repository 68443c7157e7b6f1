"""Normalises a column of a file, or one value, for the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError, first_line
from cardscreen.foundation.files import claim, not_for_others, write_whole
from cardscreen.kinds.kind import Kind, kind_from_options
from cardscreen.kinds.phone.kind import Phone
from cardscreen.screening.exposure import check_no_tokens
from cardscreen.tables.libraries import ENGINE_ERRORS
from cardscreen.tables.opening import explaining, open_table, require_columns
from cardscreen.tables.paths import files_of, is_url
from cardscreen.tables.reading import Reading

_AS_IT_IS = Reading()


def options_given(region: str | None, others: Sequence[str]) -> dict[str, Any]:
    """Options of a kind as a command line has them.

    Raises:
        ConfigError: One of the others is not `name=value`.
    """
    options: dict[str, Any] = {"region": region} if region else {}
    for each in others:
        name, sign, value = each.partition("=")
        if not (sign and name and value):
            raise ConfigError(f"--set {each}: give name=value, such as --set platform=telegram")
        options[name] = {"true": True, "false": False}.get(value, value)
    return options


def kind_given(kind: str, column: str, options: Mapping[str, Any]) -> Kind:
    """A kind with the options that a command line gives."""
    try:
        return kind_from_options(column, {"kind": kind, **options})
    except ConfigError as error:
        # There is no job whose table this could be.
        raise ConfigError(str(error).removeprefix(f"identifiers.{column}: ")) from None


def normalize_file(
    kind: str,
    source: str,
    column: str,
    out: Path,
    options: Mapping[str, Any] = MappingProxyType({}),
    reading: Reading = _AS_IT_IS,
    *,
    force: bool = False,
) -> dict[str, int]:
    """Replace a raw column by the fields that its kind reads, `<column>_<field>`, and write the table.

    Args:
        kind: A kind of `kind.KINDS`.
        source: A path, glob or URL of any table file. A row of text that does not fit its table is an error.
        column: The raw column; card numbers are not written again.
        out: A .parquet or .csv file.
        options: Of the kind, such as the region of national phone numbers.
        reading: How text files and sheets are to be read.
        force: Write over a file that is there.

    Returns:
        How many rows were written of each status, the most first.

    Raises:
        MissingColumn: The column is not there.
        InputError: The file can't be read, or `out` can't be written.
        ConfigError: `out` has another ending, or is there already, or is what is read; options make no sense, or
            masks would stand beside tokens.
    """
    if out.suffix not in (".parquet", ".csv"):
        raise ConfigError(f"{out}: give a file ending in .parquet or .csv")
    with explaining(source, reading):
        table = open_table(source, reading)
        names = table.collect_schema().names()
        require_columns(names, [column], source)
    claim(out, () if is_url(source) else files_of(source), force=force)
    reader = kind_given(kind, column, options)
    if reader.secret:
        check_no_tokens(table, source)
    fields = table.select(reader.fields(pl.col(column)).struct.unnest()).collect_schema().names()
    made = [f"{column}_{field}" for field in fields]
    if taken := [name for name in made if name in names]:
        raise ConfigError(f"{source} has a column {taken[0]!r} already, which would be made of {column!r}: rename it")
    if odd := [name for name, dtype in table.collect_schema().items() if dtype == pl.Object]:
        raise InputError(f"{source}: column {odd[0]!r} is of a type that can't be read: leave it out of the file")
    read = table.with_columns(reader.fields(pl.col(column)).alias(column)).unnest(column, separator="_")

    def fill(file: Path) -> None:
        if out.suffix == ".csv":
            read.sink_csv(file)
        else:
            read.sink_parquet(file)

    try:
        with not_for_others():
            write_whole(out, fill)
        written = pl.scan_parquet(out) if out.suffix == ".parquet" else pl.scan_csv(out, infer_schema=False)
        of = (
            written.group_by(status=pl.col(f"{column}_status").cast(pl.String))
            .len()
            .sort("len", "status", descending=[True, False])
        )
        return dict(of.collect().rows())
    except ENGINE_ERRORS as error:
        raise InputError(f"{source} can't be normalised into {out}: {first_line(error)}") from None


def describe(kind: str, value: str, options: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """What one value is, for a person: the fields of its kind."""
    read = pl.DataFrame({"value": [value]}).select(kind_given(kind, "value", options).fields(pl.col("value")))
    fields: dict[str, Any] = read.item()
    return fields


def doubted(kind: str, value: str, options: Mapping[str, Any] = MappingProxyType({})) -> str | None:
    """Why what is read of a value is hardly what is meant, where screening knows; else None."""
    reads = kind_given(kind, "value", options)
    scanned = pl.DataFrame({"value": [value]}).select(told=reads.scan(pl.col("value"))).unnest("told")
    status = scanned.item(0, "status")
    if kind == Phone.name and status == "valid":
        flawed = reads.is_flawed(scanned["key"].fill_null(0).to_numpy(), scanned["status"])
        return _NO_PLUS if flawed[0] else None
    return _DOUBTS.get(status) if status != describe(kind, value, options)["status"] else None


_NO_PLUS = "the country code is read as an area code: if it is none, put + in front"
_DOUBTS = {
    "damaged": "in screening it is damaged, and not looked up: another number is read than the one that stands there",
    "placeholder": "in screening it is a placeholder, and not looked up: it only fills a field",
}
