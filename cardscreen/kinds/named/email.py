"""Addresses of e-mail: from raw cells to the address as mail systems compare it, and its domain."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal, get_args

import polars as pl

from cardscreen.kinds.exact import Exact, check_option, several_or_alone, status_of
from cardscreen.tables.cells import as_expr, is_blank, named_like, over_fields, to_text

Fold = Literal["none", "provider"]
STATUSES = pl.Enum(["missing", "not_an_email", "valid"])
_EITHER = pl.Struct({"either": pl.List(pl.String)})
FIELDS = pl.Struct({"value": pl.String, "domain": pl.String, "status": STATUSES})
_ATOM = r"[A-Za-z0-9_!#$%&'*+/=?^`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_LOCAL = rf"{_ATOM}(?:\.{_ATOM})*"
_PLAIN = rf"^{_LOCAL}@(?:{_LABEL}\.)+(?:[A-Za-z0-9][A-Za-z0-9-]*)?[A-Za-z]$"
_SHORT = 63  # characters of a whole address, of which no part can be too long
_LONGEST = 254  # characters of an address (RFC 5321, 4.5.3.1.3)


def email(expr: str | pl.Expr, *, fold: Fold = "none") -> pl.Expr:
    """Read raw cells of e-mail addresses.

    Args:
        expr: Column name or expression: String. White space around an address goes, and `mailto:` before it.
        fold: `provider`: what a provider ignores goes, too: `+tag` at several, dots at gmail.com, whose other name
            googlemail.com becomes (`kinds/named/providers.csv`).

    Returns:
        Struct{value: String, domain: String, status: Enum}, named like the input. `value` is the address in small
        letters, its domain in A-labels: that the local part's case doesn't matter is our rule, since mail systems don't
        let it, although RFC 5321 does. Status: `missing`, `not_an_email` or `valid`; that the address is in use is not
        said.

    Raises:
        ConfigError: `fold` is neither.
        InputError: When the query runs, if the column holds dates, booleans or nested values.

    Source:
        RFC 5321, 4.1.2; RFC 5891; `email-validator`, whose verdicts these are, by the syntax alone; what providers
        ignore: documentation of `email-normalize` 3.1.0.

    Example:
        >>> cells = pl.DataFrame({"mail": ["Name@EXAMPLE.com", "a.b+c@Gmail.com", "post@münchen.de", "n/a"]})
        >>> cells.select(email("mail", fold="provider").struct.field("value")).to_series().to_list()
        ['name@example.com', 'ab@gmail.com', 'post@xn--mnchen-3ya.de', None]
    """
    check_option("fold", fold, get_args(Fold))
    read = to_text(as_expr(expr)).map_batches(
        lambda cells: _readings(cells, fold), return_dtype=FIELDS, is_elementwise=True
    )
    return named_like(read, expr)


def _readings(cells: pl.Series, fold: Fold) -> pl.Series:
    text, value = pl.col("text"), pl.col("value")
    frame = pl.DataFrame({"raw": cells}).with_columns(text=_bare(pl.col("raw")))
    is_plain = text.str.contains(_PLAIN)
    frame = frame.with_columns(
        value=pl.when(is_plain & (text.str.len_bytes() <= _SHORT)).then(text.str.to_lowercase()),
        is_odd=text.str.contains("@", literal=True)
        & (text.str.contains("--|[^\x00-\x7f]") | (text.str.len_bytes() > _SHORT)),
    )
    frame = frame.with_columns(value=pl.when(~value.str.contains(_reserved())).then("value"))
    rows = frame["is_odd"].arg_true()
    if len(rows):
        frame = frame.with_columns(frame["value"].scatter(rows, _asked(frame["text"].gather(rows))))
    if fold == "provider":
        frame = frame.with_columns(value=_folded(value))
    status = status_of(STATUSES, missing=is_blank(pl.col("raw")), not_an_email=value.is_null())
    told_of = pl.struct(value, _domain(value).alias("domain"), status.alias("status"))
    return frame.select(told_of.alias(cells.name)).to_series()


def _bare(raw: pl.Expr) -> pl.Expr:
    return raw.str.strip_chars().str.replace("^(?i:mailto:)", "")


def _domain(value: pl.Expr) -> pl.Expr:
    return value.str.split_exact("@", 1).struct.field("field_1")


@cache
def _reserved() -> str:
    """Pattern of addresses whose domains are for other uses than mail."""
    from email_validator import SPECIAL_USE_DOMAIN_NAMES

    return rf"[@.](?:{'|'.join(name.replace('.', '[.]') for name in SPECIAL_USE_DOMAIN_NAMES)})$"


def _asked(texts: pl.Series) -> pl.Series:
    """The canonical addresses of texts that are not plain to see; where only the domain isn't, that is asked about."""
    text = pl.col("text")
    local, domain = (text.str.extract(rf"^({_LOCAL})@([^@]+)$", group) for group in (1, 2))
    short = pl.when(text.str.len_chars() < _LONGEST // 2)
    parts = texts.alias("text").to_frame().select(text, local=short.then(local), domain=short.then(domain))
    parts = parts.with_columns(asked=pl.coalesce(pl.lit("a@") + pl.col("domain"), text))
    answers = {asked: _ask(asked) for asked in parts["asked"].unique().to_list()}
    answer = pl.col("asked").replace_strict(answers, return_dtype=pl.String)
    whole = pl.col("local").str.to_lowercase() + "@" + _domain(answer)
    return parts.select(pl.when(pl.col("domain").is_null()).then(answer).otherwise(whole)).to_series()


def _ask(text: str) -> str | None:
    """The canonical address of a text as the reference reads it."""
    from email_validator import EmailNotValidError, validate_email

    if len(text) > 2 * _LONGEST:
        return None
    try:
        told = validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return None
    return f"{unicodedata.normalize('NFC', told.local_part.lower())}@{told.ascii_domain.lower()}"


@cache
def _providers() -> pl.DataFrame:
    return pl.read_csv(Path(__file__).parent / "providers.csv")


def _folded(value: pl.Expr) -> pl.Expr:
    """Addresses without what their providers ignore; an address of nothing else stays as it is."""
    domain, local = _domain(value), value.str.split_exact("@", 1).struct.field("field_0")
    same = dict(_providers().select("domain", "same_as").rows())
    with_tags, with_dots = (_providers().filter(name)["domain"].to_list() for name in ("tags", "dots"))
    local = pl.when(domain.is_in(with_tags)).then(local.str.replace(r"\+.*$", "")).otherwise(local)
    local = pl.when(domain.is_in(with_dots)).then(local.str.replace_all(".", "", literal=True)).otherwise(local)
    folded = local + "@" + domain.replace_strict(same, default=domain, return_dtype=pl.String)
    return pl.when(local != "").then(folded).otherwise(value)


@dataclass(frozen=True)
class Email(Exact):
    """The identifier kind of e-mail addresses.

    Canonical: in small letters, the domain in A-labels.

    Args:
        fold: As for `email`. With `provider`, an address is looked for as it is written and as its provider reads it
            (without `+tag`, and without dots at gmail.com), and a feed lists both; give it to both sides.
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder has the address.

    Raises:
        ConfigError: `fold` is neither.

    Example:
        >>> Email(fold="provider").name
        'email'
    """

    fold: Fold = "none"
    holder_since: str | None = field(default=None, kw_only=True)

    name: ClassVar[str] = "email"
    noun: ClassVar[tuple[str, str]] = ("e-mail address", "e-mail addresses")

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        check_option("fold", self.fold, get_args(Fold))

    def split(self, cell: pl.Expr) -> pl.Expr | None:
        """The address as it is written, and, where that is another, as its provider reads it."""
        if self.fold == "none":
            return None
        text = to_text(cell)
        told = pl.struct(
            text=text, own=email(text).struct.field("value"), folded=email(text, fold=self.fold).struct.field("value")
        )
        folded = pl.when(pl.col("own") != pl.col("folded")).then("folded")
        both = pl.concat_list("text", folded).list.drop_nulls()
        either = several_or_alone(pl.col("text"), both)
        return over_fields(told, _EITHER, either=either).struct.field("either")

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: Struct{value, domain, status}."""
        return email(cell, fold=self.fold)

    def readings(self, cell: pl.Expr) -> pl.Expr:
        """`FIELDS` of a part of a cell, as `split` leaves it."""
        return email(cell)
