"""What an identifier kind is, and the kinds there are.

Screening, listings and the command line know the kinds only through this module: a new kind
is one module with a class of this shape, and one entry in `KINDS`.
"""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal, Protocol

import polars as pl

from cardscreen.foundation.errors import ConfigError, near
from cardscreen.foundation.lookup.digits import Flags, Keys, PlainKeys, Rows
from cardscreen.kinds.card.kind import Card
from cardscreen.kinds.checked.iban import Iban
from cardscreen.kinds.checked.resident_id import ResidentId
from cardscreen.kinds.masking import masked
from cardscreen.kinds.mobile.iccid import Iccid
from cardscreen.kinds.mobile.imei import Imei
from cardscreen.kinds.mobile.imsi import Imsi
from cardscreen.kinds.named.email import Email
from cardscreen.kinds.named.handle import Handle
from cardscreen.kinds.named.opaque import Opaque
from cardscreen.kinds.phone.kind import Phone
from cardscreen.kinds.tokens import TOKEN
from cardscreen.kinds.truncated import either_reading, hides_digits
from cardscreen.kinds.wallet.kind import Wallet


class Kind(Protocol):
    """One kind of identifier, with the options of one account column that holds it."""

    #: As in the `kind` column of listings.
    name: ClassVar[str]
    #: What messages call one value, and many.
    noun: ClassVar[tuple[str, str]]
    #: Whether values are masked wherever results show them, sealed in workers' files, and kept out of caches.
    secret: ClassVar[bool]
    #: Whether any text may be a value, another kind's number too, which results then show as it is.
    any_text: ClassVar[bool]
    #: Whether values may come with hidden digits.
    truncates: ClassVar[bool]
    #: What a store holds of values where the feed doesn't say.
    store_as: ClassVar[Literal["token", "plain"]]
    #: Pattern of a cell that lists nothing of this kind → why it doesn't.
    reasons: ClassVar[Mapping[str, str]]
    #: What a range may cover at most, in words; `{:,}` stands for the limit.
    widest: ClassVar[str]
    #: What `service_lines` names: one such value, and many.
    service: ClassVar[tuple[str, str]]
    #: The note of values that are screened although something is wrong with them.
    flaw: ClassVar[str]

    @property
    def notes(self) -> tuple[str, ...]:
        """What is counted beside: what a `schema.SCAN` cell's note may say, and perhaps the flaw."""
        ...

    @property
    def holder_since(self) -> str | None:
        """Account column that says since when this holder has the identifier."""
        ...

    def columns(self) -> list[str]:
        """Account columns that reading needs beside the cell itself."""
        ...

    def tables(self) -> list[str]:
        """Names of the `numbering.lookup.tables` that reading needs."""
        ...

    def split(self, cell: pl.Expr) -> pl.Expr | None:
        """A List of the identifiers in a cell, or in all of a List of cells; None where a cell holds one."""
        ...

    def keys_of(self, cells: pl.DataFrame) -> PlainKeys:
        """The keys of cells that need no closer look, 0 for all others: `scan` says of these what they are.

        Args:
            cells: The identifier column, then those of `columns`.
        """
        ...

    def is_flawed(self, keys: Keys, status: pl.Series) -> Flags:
        """Of cells with these keys and statuses, as `scan` gives them, which have the `flaw`."""
        ...

    def scan(self, cell: pl.Expr) -> pl.Expr:
        """`schema.SCAN`: the key to look up, that of `key`. Keys of numbers in a range lie in its range."""
        ...

    def read(self, cell: pl.Expr) -> pl.Expr:
        """`schema.READ`: the canonical value."""
        ...

    def show(self, value: pl.Expr) -> pl.Expr:
        """What of canonical values results hold."""
        ...

    def details(self, value: pl.Expr, wanted: Collection[str]) -> dict[str, pl.Expr]:
        """What is known of canonical values, by column of `schema.DETAILS`: String; what is dear, only if wanted."""
        ...

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: the Struct of the kind's public function."""
        ...

    def told_in(self, texts: pl.Series, rows: Rows, cells: pl.Series) -> Flags:
        """Whether each text shows the value in the cell beside it; asked of secret kinds only.

        Args:
            texts: String.
            rows: Those of them that hold as many digits as a card number.
            cells: As many cells of the identifier.
        """
        ...

    def whole_in(self, texts: pl.Series) -> tuple[int, int]:
        """How many texts hold a value, and how many what may be one by its form; asked of secret kinds, but not cards.

        At most one in eleven of the latter is a value by chance.
        """
        ...

    def written(self, cell: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN`: what a source's cell lists, in the canonical form."""
        ...

    def claims(self, cell: pl.Expr) -> pl.Expr:
        """Whether a cell is surely of this kind: Boolean, never null."""
        ...

    @staticmethod
    def is_doubtful(value: pl.Expr) -> pl.Expr:
        """Whether a canonical value may be another kind's number: Boolean."""
        ...

    @staticmethod
    def is_too_wide(value: pl.Expr, limit: int) -> pl.Expr:
        """Whether a canonical range covers more than so many numbers: Boolean."""
        ...

    def service_lines(self, listed: pl.LazyFrame, cells: pl.DataFrame) -> list[int]:
        """Lines that block what serves everybody, as emergency numbers do.

        Args:
            listed: line, value: canonical, ranges too.
            cells: line, cell: as the source has them.
        """
        ...

    def misread(self, listed: pl.DataFrame, cells: pl.DataFrame, share: float) -> dict[str, list[int]]:
        """Lines that were read, and hardly as what was meant, where these may be a share of all that matters.

        Args:
            listed: line, value: canonical.
            cells: line, cell: as the source has them.
            share: Of all lines.

        Returns:
            `zeros`: values only with a zero in front; `codes`: those that begin with their own country's code.
        """
        ...

    @staticmethod
    def key(value: pl.Expr) -> pl.Expr:
        """The UInt64 key of a canonical value; several values may share one."""
        ...

    @staticmethod
    def stub(value: pl.Expr) -> pl.Expr:
        """The visible digits that a truncated value shares with the full one, as UInt64; null if none."""
        ...

    @staticmethod
    def stubs_of(plain: Keys) -> Keys:
        """The stubs of such keys as `keys_of` finds; 0 where the kind has none."""
        ...

    @staticmethod
    def listing(value: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN`: how a listed value is read."""
        ...


#: The registry: by name, what an account column, a feed or a listing may be of.
KINDS: dict[str, type[Kind]] = {
    kind.name: kind for kind in (Phone, Card, Iban, Wallet, Imei, Imsi, Iccid, ResidentId, Email, Handle, Opaque)
}
_TYPES = {str: "text", bool: "true or false", int: "a whole number"}


def may_hide_digits(kind: pl.Expr, value: pl.Expr) -> pl.Expr:
    """Whether a canonical value of a kind, of those that may, hides digits."""
    return kind.is_in([name for name, each in KINDS.items() if each.truncates]) & hides_digits(value)


def whole_numbers(values: pl.DataFrame) -> pl.DataFrame:
    """Values in full, and as what a token may be made of them.

    Args:
        values: `kind`, `value` (canonical), and other columns, which are kept.

    Returns:
        `number` (String) besides: the value itself; of one whose last digit may be its check digit, a row for each of
        its two readings. Values with hidden digits, of which no token can be compared, are left out.

    Example:
        >>> values = pl.DataFrame({"kind": "iccid", "value": ["894902000001234567(8)"]})
        >>> whole_numbers(values)["number"].to_list()
        ['894902000001234567', '8949020000012345678']
    """
    value = pl.col("value")
    hides = may_hide_digits(pl.col("kind"), value)
    opened = values.filter(hides & value.str.contains("(", literal=True))
    return pl.concat(
        [
            values.filter(~hides).with_columns(number=value),
            *(opened.with_columns(number=reading) for reading in either_reading(value)),
        ]
    )


def masked_by_kind(kind: pl.Expr, value: pl.Expr) -> pl.Expr:
    """`masked` of values of several kinds, where a column says which: of secret ones what their kind shows.

    Example:
        >>> values = pl.DataFrame({"kind": ["resident_id", "phone"], "value": ["11010519491231002X", "+8613800138000"]})
        >>> values.select(masked_by_kind(pl.col("kind"), pl.col("value"))).to_series().to_list()
        ['110105***********X', '+86138****8000']
    """
    whole, told = ~value.str.contains(f"[*…]|{TOKEN}"), value
    for name in secret_kinds():
        told = pl.when(whole & (kind == name)).then(KINDS[name]().show(value)).otherwise(told)
    return masked(told)


def mask_found(value: pl.Expr) -> pl.Expr:
    """Values of which the kind is not known as the secret kind shows them that surely claims them; null for others.

    Example:
        >>> values = pl.DataFrame({"value": ["11010519491231002X", "+8613800138000"]})
        >>> values.select(mask_found(pl.col("value"))).to_series().to_list()
        ['110105***********X', None]
    """
    kinds = [KINDS[name]() for name in secret_kinds()]
    shown = (kind.show(kind.read(value).struct.field("value")) for kind in kinds)
    return pl.coalesce(pl.when(kind.claims(value)).then(mask) for kind, mask in zip(kinds, shown, strict=True))


def one_of(name: str) -> str:
    """One value of a kind, with its article.

    Example:
        >>> one_of("card"), one_of("imei")
        ('a card number', 'an IMEI')
    """
    noun = KINDS[name].noun[0]
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def secret_kinds() -> list[str]:
    """The kinds whose values no result shows in full."""
    return [name for name, kind in KINDS.items() if kind.secret]


def options_of(name: str) -> list[str]:
    """The options that a kind has."""
    return list(inspect.signature(KINDS[name]).parameters)


def kind_from_options(column: str, options: Mapping[str, Any]) -> Kind:
    """The kind that a job file describes: `{kind = "phone", region = "CN"}`.

    Raises:
        ConfigError: No kind, an unknown one, or an option that it does not have.
    """
    rest = dict(options)
    name = rest.pop("kind", None)
    if name not in KINDS:
        problem = "no kind is given" if name is None else f"unknown kind {name!r}{near(str(name), KINDS)}"
        raise ConfigError(f"identifiers.{column}: {problem}: the kinds are {', '.join(KINDS)}")
    kind = KINDS[name]
    known = options_of(name)
    for option, value in rest.items():
        if option not in known:
            raise ConfigError(
                f"identifiers.{column}: a {name} has no option {option!r}{near(option, known)}: "
                f"the options are {', '.join(known)}"
            )
        default = inspect.signature(kind).parameters[option].default
        wanted = str if default is None else type(default)
        if type(value) is not wanted:
            raise ConfigError(f"identifiers.{column}: {option} must be {_TYPES[wanted]}, not {value!r}")
    try:
        return kind(**rest)
    except ConfigError as error:
        raise ConfigError(f"identifiers.{column}: {error}") from None
