"""Handles: the names of accounts on platforms, from names, `@names` and links to one canonical `platform:name`."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar

import polars as pl

from cardscreen.kinds.exact import Exact, check_option, status_of
from cardscreen.kinds.named.opaque import PLACEHOLDER
from cardscreen.tables.cells import as_expr, is_blank, named_like, to_text

STATUSES = pl.Enum(["missing", "placeholder", "not_a_handle", "other_platform", "valid"])
FIELDS = pl.Struct({"value": pl.String, "platform": pl.String, "status": STATUSES})
#: What copying leaves around and in a name: white space, marks without a glyph.
_UNSEEN = r"^\s+|\s+$|\p{Cf}"
_LINK = r"^(?:[a-z]+://)?(?:www\.|m\.|mobile\.)?([a-z0-9.-]+\.[a-z]{2,})/([^?#]*?)/*(\?.*|#.*)?$"
_OWN_HOST = r"^(?:[a-z]+://)?([a-z0-9_]+)\.t\.me/?$"  # name.t.me
_RESOLVE = r"^tg://resolve/?\?domain=([a-z0-9_]+)(?:&.*)?$"
_NAMED = r"^([a-z]+):@?([^/\s]+)$"
_IN_PATH = "([^/@]+)"  # what `NAME` is in the table's paths of links
#: A page, whoever looks at it; and a query that says what is linked to, whatever the path: a picture, an address.
_PAGE = r"\.php$"
_OF_ANOTHER = r"^\?(?:.*&)?(?:fbid|story_fbid|id|set|u|url|q|query)="


def handle(expr: str | pl.Expr, platform: str | None = None) -> pl.Expr:
    """Read raw cells of handles.

    Args:
        expr: Column name or expression: String: `name`, `@name`, a link to the account (`t.me/name`,
            `https://x.com/name/status/1`), or `platform:name`.
        platform: Whose names they are: `telegram`, `x`, `instagram`, `facebook`, `tiktok`, `youtube`, `snapchat` or
            `wechat`; None: only what says it itself is read.

    Returns:
        Struct{value: String, platform: String, status: Enum}, named like the input. `value` is `platform:name`, in
        small letters, since none of them tells names apart by case, and at facebook without full stops. Status:
        `missing`; `placeholder`: a word alone that stands for nothing, as for `Opaque` (`unknown`; `@unknown` is a
        name); `not_a_handle`: not of the platform's form, or a link to something else, such as an invitation, a
        picture or a page of the platform's own: a link names an account by a name alone, or in the forms in which
        posts are known to name who wrote them; `other_platform`: a link to another one's; `valid`. Only that has
        other fields.

    Raises:
        ConfigError: An unknown platform.
        InputError: When the query runs, if the column holds dates, booleans or nested values.

    Source:
        The platforms' own pages, named in `kinds/named/platforms.csv`.

    Example:
        >>> cells = pl.DataFrame({"contact": ["@Some_Name", "https://t.me/some_name?start=1", "t.me/+AbCd"]})
        >>> cells.select(handle("contact", "telegram").struct.field("value")).to_series().to_list()
        ['telegram:some_name', 'telegram:some_name', None]
    """
    _check_platform(platform)
    read = to_text(as_expr(expr)).map_batches(
        lambda cells: _readings(cells, platform), return_dtype=FIELDS, is_elementwise=True
    )
    return named_like(read, expr)


def platforms() -> list[str]:
    """The platforms whose names are known."""
    return _platforms()["platform"].to_list()


def _check_platform(platform: str | None) -> None:
    check_option("platform", platform, platforms())


@cache
def _platforms() -> pl.DataFrame:
    return pl.read_csv(Path(__file__).parent / "platforms.csv").with_columns(pl.all().fill_null(""))


def _readings(cells: pl.Series, platform: str | None) -> pl.Series:
    text, path = pl.col("text"), pl.col("path")
    hosts = {host: row["platform"] for row in _platforms().rows(named=True) for host in row["hosts"].split()}
    of_telegram = pl.coalesce(text.str.extract(_OWN_HOST), text.str.extract(_RESOLVE))
    in_text = pl.when(~text.str.contains(r"[/:\s]")).then(text.str.strip_prefix("@"))
    frame = (
        pl.DataFrame({"raw": cells})
        .with_columns(text=pl.col("raw").str.replace_all(_UNSEEN, "").str.to_lowercase())
        .with_columns(host=text.str.extract(_LINK), path=text.str.extract(_LINK, 2), query=text.str.extract(_LINK, 3))
        .with_columns(
            told=pl.coalesce(
                pl.when(of_telegram.is_not_null()).then(pl.lit("telegram")),
                pl.col("host").replace_strict(hosts, default=None, return_dtype=pl.String),
                text.str.extract(_NAMED),
                pl.when(in_text.is_not_null()).then(pl.lit(platform, dtype=pl.String)),
            )
        )
        .with_columns(
            name=pl.coalesce(
                of_telegram,
                _linked(),
                pl.when(path.is_null()).then(pl.coalesce(text.str.extract(_NAMED, 2), in_text)),
            )
        )
        .with_columns(name=_canonical())
    )
    value = pl.format("{}:{}", "told", "name")
    same = pl.lit(value=True) if platform is None else pl.col("told") == platform
    status = status_of(
        STATUSES,
        missing=is_blank(pl.col("raw")),
        placeholder=text.str.contains(PLACEHOLDER),
        not_a_handle=value.is_null(),
        other_platform=~same,
    )
    valid = status == "valid"
    told_of = pl.struct(
        pl.when(valid).then(value).alias("value"),
        pl.when(valid).then("told").alias("platform"),
        status.alias("status"),
    )
    return frame.select(told_of.alias(cells.name)).to_series()


def _linked() -> pl.Expr:
    """The names in links that are known to name an account; null of all others."""
    path, forms = pl.col("path"), []
    for row in _platforms().rows(named=True):
        names = [path.str.extract(f"^{form.replace('NAME', _IN_PATH)}$") for form in row["links"].split()]
        forms += [pl.when(pl.col("told") == row["platform"]).then(name) for name in names]
    names_nobody = path.str.contains(_PAGE) | pl.col("query").str.contains(_OF_ANOTHER).fill_null(value=False)
    return pl.when(~names_nobody).then(pl.coalesce(forms))


def _canonical() -> pl.Expr:
    """The names as their platforms compare them; null for what is none there."""
    name = pl.col("name")
    forms = []
    for row in _platforms().rows(named=True):
        own = name.str.replace_all(row["ignored"], "", literal=True) if row["ignored"] else name
        reserved = row["reserved"].split()
        fits = own.str.contains(row["name"]) & ~name.is_in(reserved) & ~own.is_in(reserved)
        forms.append(pl.when((pl.col("told") == row["platform"]) & fits).then(own))
    return pl.coalesce(forms)


@dataclass(frozen=True)
class Handle(Exact):
    """The identifier kind of accounts on platforms.

    Canonical: the platform and the name, `telegram:name`.

    Args:
        platform: Whose names they are: `telegram`, `x`, `instagram`, `facebook`, `tiktok`, `youtube`, `snapchat` or
            `wechat`; None: only links are read.
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder has the handle.

    Raises:
        ConfigError: An unknown platform.

    Example:
        >>> Handle("telegram").name
        'handle'
    """

    platform: str | None = None
    holder_since: str | None = field(default=None, kw_only=True)

    name: ClassVar[str] = "handle"
    noun: ClassVar[tuple[str, str]] = ("handle", "handles")
    any_text: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        _check_platform(self.platform)

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: Struct{value, platform, status}."""
        return handle(cell, self.platform)

    def claims(self, cell: pl.Expr) -> pl.Expr:
        """Whether a cell is surely a handle: a link to an account, since any word may be a name. Never null."""
        link = to_text(cell).str.contains("/", literal=True) & (handle(cell).struct.field("status") == "valid")
        return link.fill_null(value=False)
