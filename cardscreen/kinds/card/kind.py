"""Payment cards: the scheme, issuer, check and mask of raw cells, and the kind that screening knows.

The check digit is evidence and never a gate, since some cards in circulation fail it. The PAN itself leaves
this module only where it was asked for by name.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.cards import schemes
from cardscreen.foundation.cards.in_text import tell_own
from cardscreen.foundation.cards.luhn import is_sound
from cardscreen.foundation.cards.schemes import LONGEST, SHORTEST
from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.lookup.digits import Flags, Keys, PlainKeys, Rows, taken
from cardscreen.foundation.settings.plain import PlainHelp
from cardscreen.kinds import keys
from cardscreen.kinds.card import samples, surroundings
from cardscreen.kinds.card.issuers import Issuers
from cardscreen.kinds.card.mask import FIRST_SHOWN, LAST_SHOWN, mask, mask_of_known_length
from cardscreen.kinds.card.pans import FILLER, REPAIRED, keys_of, numbers_in, parts_of, stub, stubs_of
from cardscreen.kinds.exact import check_types
from cardscreen.kinds.listed_forms import as_listed, as_written, ends_of, is_open
from cardscreen.kinds.truncated import hides_digits
from cardscreen.tables.cells import as_expr, named_like, over_fields

#: IIN digits (ISO/IEC 7812-1:2017) and those of PANs too short to have the longer form.
_IIN, _SHORT_IIN, _LONG_PAN = 8, 6, 16
_TEST_CARD, _DAMAGED = "test_card", "damaged"
_LONGEST_BIN = 11  # digits
#: A listed number, in full or truncated.
_SHOWN = pl.Struct({"exact": pl.String, "truncated": pl.String})
#: What may be more than one PAN: hidden digits, a prefix, a range.
_SPECIAL = r"[*＊•●…⋯xX#]|[.]{2}|[0-9]{6}\s*[-–]\s*[0-9]{6}"


def card(
    expr: str | pl.Expr,
    pan: bool = False,
    *,
    issuers: Issuers | str | os.PathLike[str] | Any = None,
    iin: int | None = None,
    show_first: int = FIRST_SHOWN,
    show_last: int = LAST_SHOWN,
    repair: bool = False,
) -> pl.Expr:
    """Read raw card cells: which scheme, which issuer, and is the number sound.

    Args:
        expr: Column name or expression: String, any integer type, or Float64 with whole numbers.
            Spaces, hyphens, marks without a glyph, quotes (`="4111…"`), a known label (`Card no. 4111…`) and
            dots between groups are removed, and full-width digits folded.
        pan: Give the full PAN as well, as the first field. Handle that column as a secret.
        issuers: A BIN table (`Issuers`, a path, or a frame for `Issuers.from_frame`): adds the fields
            `issuer`, `country` and `funding`.
        iin: Digits of the IIN: 6 or 8; None: 8, and 6 for PANs under 16 digits.
        show_first: Leading digits that the mask shows, 0 to 8. Eight are the whole IIN of PANs of 16 digits
            and more (shorter ones show six); beside the last four, not every scheme calls that truncated:
            ask whoever assesses you.
        show_last: Trailing digits that it shows, 0 to 4.
        repair: Read `4111111111111111.0`, which floats leave of a number, where the float was exact; else it is
            `damaged`, and so are larger ones in any case. Take zeros away that fill a PAN of a known scheme up in
            front (`0004111111111111111`).

    Returns:
        Struct{iin: String, last4: String, scheme: String, status: Enum, masked: String}, `pan: String`
        in front when asked for, and the issuer's fields behind, named like the input. All fields are filled
        whenever 12 to 19 digits remain, whatever the status; a truncated PAN (`622202******1234`) fills
        what it shows and never `pan`. `damaged`: a float or a spreadsheet has lost digits (past 2^53;
        `4.11111E+15`; zeros behind the fifteenth digit and a wrong check digit). What forms are filled with (one
        digit repeated, 1234567890123456) is `not_a_number`, and fills nothing.

    Raises:
        ConfigError: An option makes no sense.
        InputError: The issuers can't be read; when the query runs, if the column cannot hold numbers.

    Source:
        ISO/IEC 7812-1:2017, Annex B for the check digit; PCI DSS 4.0.1, 3.5.1 for the mask.

    Example:
        >>> cells = pl.DataFrame({"card": ["4111 1111 1111 1111"]})
        >>> cells.select(card("card").struct.unnest()).row(0)
        ('41111111', '1111', 'visa', 'valid', '411111******1111')
    """
    if iin not in (None, _SHORT_IIN, _IIN):
        raise ConfigError(f"iin={iin!r}: an IIN has 6 or 8 digits")
    _check_mask(show_first, show_last)
    text = pl.col("text")
    last4 = text.str.tail(LAST_SHOWN)
    fields: dict[str, pl.Expr] = {
        "iin": _iin(text, iin),
        "last4": last4,
        "scheme": pl.col("scheme"),
        "status": pl.col("status"),
        "masked": mask_of_known_length(text, show_first, show_last),
    }
    if pan:
        fields = {"pan": text, **fields}
    if issuers is not None:
        fields |= _table(issuers).of(text)
    of_truncated = {
        "pan": pl.lit(None, dtype=pl.String),
        "iin": fields["iin"].str.extract("^([0-9]+)"),
        "last4": pl.when(~hides_digits(last4)).then(last4),
        "masked": mask(text, show_first, show_last),
    }
    types = pl.Struct({name: schema.CARD_STATUSES if name == "status" else pl.String for name in fields})
    read = parts_of(as_expr(expr), repair=repair).map_batches(
        lambda parts: _described(parts, fields, of_truncated), return_dtype=types, is_elementwise=True
    )
    return named_like(read, expr)


def _described(parts: pl.Series, fields: dict[str, pl.Expr], of_truncated: dict[str, pl.Expr]) -> pl.Series:
    """The fields over `PARTS`; where digits are hidden, which is rare and dear, some of them in another way."""
    cards = parts.struct.unnest()
    described = cards.lazy().select(**fields).collect(engine="in-memory")
    hidden = (cards["status"] == "truncated").arg_true()
    if len(hidden):
        other = cards[hidden].lazy().select(**of_truncated).collect(engine="in-memory")
        described = described.with_columns(
            described[name].scatter(hidden, other[name]) for name in other.columns if name in fields
        )
    return described.to_struct(parts.name)


def _table(issuers: Any) -> Issuers:
    if isinstance(issuers, Issuers):
        return issuers
    return Issuers.read(issuers) if isinstance(issuers, str | os.PathLike) else Issuers.from_frame(issuers)


def _check_mask(first: int, last: int) -> None:
    if not 0 <= first <= _IIN or not 0 <= last <= LAST_SHOWN:
        raise ConfigError(
            f"show_first={first!r}, show_last={last!r}: a mask shows 0 to {_IIN} first digits and 0 to 4 last"
        )


def _iin(text: pl.Expr, digits: int | None) -> pl.Expr:
    short = text.str.head(_SHORT_IIN)
    if digits != _SHORT_IIN:
        long_enough = text.str.len_chars() >= (_LONG_PAN if digits is None else SHORTEST)
        return pl.when(long_enough).then(text.str.head(_IIN)).otherwise(short)
    return short


@dataclass(frozen=True)
class Card(metaclass=PlainHelp):
    """The identifier kind of payment cards.

    Canonical: the PAN.

    Args:
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder
            has the card.
        exclude_test_cards: Don't screen the numbers that schemes and payment providers publish for testing:
            they are rejects with the status `test_card`. The summary's notes count them in any case.
        repair: Mend what floats and fields of one width did to a cell, as `card` does; else it is a reject, `damaged`.
        show_first: Leading digits that results show, 0 to 8; see `cs.card`.
        show_last: Trailing digits that they show, 0 to 4.
        issuers: A BIN table, as for `card`: hits tell the card's `issuer`, its `issuer_country` and its `funding`, and
            rules may look at them.

    Raises:
        ConfigError: A mask that shows more than it may.
        InputError: The issuers can't be read.

    Example:
        >>> Card().name
        'card'
    """

    holder_since: str | None = None
    exclude_test_cards: bool = False
    show_first: int = FIRST_SHOWN
    show_last: int = LAST_SHOWN
    repair: bool = False
    issuers: Issuers | str | os.PathLike[str] | pl.DataFrame | None = None

    name: ClassVar[str] = "card"
    noun: ClassVar[tuple[str, str]] = ("card number", "card numbers")
    secret: ClassVar[bool] = True
    truncates: ClassVar[bool] = True
    any_text: ClassVar[bool] = False
    store_as: ClassVar[Literal["token", "plain"]] = "token"
    reasons: ClassVar[Mapping[str, str]] = surroundings.REASONS
    widest: ClassVar[str] = "one IIN of six digits"
    service: ClassVar[tuple[str, str]] = ("a card that serves everybody", "cards that serve everybody")
    flaw: ClassVar[str] = "bad_checksum"

    @property
    def notes(self) -> tuple[str, ...]:
        """What may be noted of a cell."""
        return (self.flaw, _TEST_CARD, _DAMAGED, FILLER, *([REPAIRED] if self.repair else []))

    def __post_init__(self) -> None:
        """Refuse a mask that shows more than it may, and read the issuers."""
        check_types(self)
        _check_mask(self.show_first, self.show_last)
        if self.issuers is not None:
            object.__setattr__(self, "issuers", _table(self.issuers))

    def columns(self) -> list[str]:
        """Account columns that reading needs beside the cell itself."""
        return []

    def tables(self) -> list[str]:
        """None: what reading needs comes with the package."""
        return []

    def split(self, cell: pl.Expr) -> pl.Expr | None:  # noqa: ARG002
        """None: a cell holds one card."""
        return None

    def keys_of(self, cells: pl.DataFrame) -> PlainKeys:
        """The keys of PANs that are plain to see, and none of them nobody's."""
        plain, sound = keys_of(cells.to_series(0))
        return PlainKeys(plain, ~sound)

    @staticmethod
    def is_flawed(keys: Keys, status: pl.Series) -> Flags:  # noqa: ARG004
        """Which PANs have a wrong check digit."""
        return ~is_sound(keys)

    def scan(self, cell: pl.Expr) -> pl.Expr:
        """`schema.SCAN`: what the pass over all accounts needs.

        A PAN has a key and a stub; a truncated PAN that shows its first six and last four a stub.
        """
        key, seen, status = pl.col("number"), pl.col("stub"), pl.col("status").cast(pl.String)
        sample = samples.is_sample(pl.col("number")).fill_null(False)
        note = pl.when(sample).then(pl.lit(_TEST_CARD)).when(status == _DAMAGED).then(status).otherwise("note")
        if self.exclude_test_cards:
            key, seen = pl.when(~sample).then(key), pl.when(~sample).then(seen)
            status = pl.when(sample).then(pl.lit(_TEST_CARD)).otherwise(status)
        shown = pl.when(pl.col("number").is_null()).then("text")
        parts = parts_of(cell, repair=self.repair, strict=True)
        return over_fields(parts, schema.SCAN, key=key, stub=seen, shown=shown, status=status, note=note)

    def read(self, cell: pl.Expr) -> pl.Expr:
        """`schema.READ`: what evidence about a few cells needs."""
        text, status = pl.col("text"), pl.col("status").cast(pl.String)
        usable: pl.Expr = status != _DAMAGED
        if self.exclude_test_cards:
            usable = usable & ~samples.is_sample(pl.col("number")).fill_null(False)
        parts = parts_of(cell, repair=self.repair, strict=True)
        return over_fields(parts, schema.READ, value=pl.when(usable).then(text), status=status)

    def show(self, value: pl.Expr) -> pl.Expr:
        """A canonical value as results hold it: masked."""
        return mask(value, self.show_first, self.show_last)

    def details(self, value: pl.Expr, wanted: Collection[str]) -> dict[str, pl.Expr]:  # noqa: ARG002
        """Who issued canonical cards, where, and how they are funded; nothing without a table."""
        if self.issuers is None:
            return {}
        told = _table(self.issuers).of(value)
        return {"issuer": told["issuer"], "issuer_country": told["country"], "funding": told["funding"]}

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell, and a file hold: Struct{iin, last4, scheme, status, masked}.

        The IIN has six digits here: eight beside the last four would be more than a file may show.
        """
        first, last = self.show_first, self.show_last
        return card(cell, iin=_SHORT_IIN, show_first=first, show_last=last, repair=self.repair)

    def service_lines(self, listed: pl.LazyFrame, cells: pl.DataFrame) -> list[int]:  # noqa: ARG002
        """None: no card serves everybody."""
        return []

    def misread(self, listed: pl.DataFrame, cells: pl.DataFrame, share: float) -> dict[str, list[int]]:  # noqa: ARG002
        """None: no card number begins with a zero."""
        return {}

    def whole_in(self, texts: pl.Series) -> tuple[int, int]:  # noqa: ARG002
        """None: `Found` looks for card numbers in text."""
        return 0, 0

    def told_in(self, texts: pl.Series, rows: Rows, cells: pl.Series) -> Flags:
        """Whether each text shows the card number in the cell beside it."""
        shows = np.zeros(len(texts), dtype=bool)
        if not len(rows):
            return shows
        own = numbers_in(taken(cells, rows))
        same = np.flatnonzero(tell_own(taken(texts, rows), own, np.arange(len(rows))))
        shows[rows[same[_are_cards(taken(own, same))]]] = True
        return shows

    def written(self, cell: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN` of a source's cells: PANs like an account's, truncated ones, prefixes and ranges."""

        def forms(texts: pl.Series) -> pl.DataFrame:
            # A range of one, or a prefix longer than any BIN, is a card number in another dress.
            low, high = ends_of(pl.col("value"))
            alone = pl.when(is_open(pl.col("value"))).then(low.str.len_bytes() > _LONGEST_BIN).otherwise(low == high)
            known = pl.when((pl.col("match") != "range") | ~alone)
            read = texts.to_frame().select(Card.listing(pl.first()).struct.unnest())
            return read.select(match=known.then("match"), value=known.then("value"))

        return as_written(
            cell, special=_SPECIAL, forms=forms, number=lambda each: self.read(each).struct.field("value")
        )

    def claims(self, cell: pl.Expr) -> pl.Expr:
        """Whether a cell is surely a card number: of a known scheme and of a length that it issues. Never null."""
        read = card(cell).struct
        whole = read.field("status").is_in(["valid", "bad_checksum"])  # some real cards fail the check
        return (whole & (read.field("scheme") != schemes.UNKNOWN)).fill_null(value=False)

    @staticmethod
    def is_doubtful(value: pl.Expr) -> pl.Expr:
        """False: what has the digits of a PAN is screened as one."""
        return value.is_null() & False

    @staticmethod
    def is_too_wide(value: pl.Expr, limit: int) -> pl.Expr:  # noqa: ARG004
        """Whether a canonical prefix or range reaches beyond one IIN of six digits, whatever the limit."""
        first, last = ends_of(value)
        size = FIRST_SHOWN
        return (first.str.len_bytes() < size) | (first.str.head(size) != last.str.head(size))

    @staticmethod
    def key(value: pl.Expr) -> pl.Expr:
        """The UInt64 key of a full PAN: its digits."""
        return keys.of_digits(value)

    @staticmethod
    def stub(value: pl.Expr) -> pl.Expr:
        """The first six and last four digits as one UInt64; null where they are not all shown."""
        return stub(value)

    @staticmethod
    def stubs_of(plain: Keys) -> Keys:
        """The stubs of such keys as `keys_of` finds."""
        return stubs_of(plain)

    @staticmethod
    def listing(value: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN` of listed values.

        A truncated PAN must show its first six and last four digits: less names too many cards.
        """
        joined = value.str.replace_all(r"\s", "")
        # What a small number in front counts is not said.
        prefix = pl.when(~value.str.contains(r"^\s*[0-9]{1,3}\s+[0-9]")).then(joined.str.extract(r"^([0-9]{1,18})\*$"))
        ends = f"[0-9]{{{SHORTEST},{LONGEST}}}"
        low, high = joined.str.extract(f"^({ends})-[0-9]+$"), joined.str.extract(f"-({ends})$")
        text, status = pl.col("text"), pl.col("status")
        hidden = pl.when((status == "truncated") & stub(text).is_not_null()).then(text)
        exact = pl.when(~status.is_in(["truncated", _DAMAGED])).then(text)
        shown = over_fields(parts_of(value, strict=True), _SHOWN, exact=exact, truncated=hidden)
        return as_listed(joined, prefix=prefix, low=low, high=high, others=shown, matches=["exact", "truncated"])


def _are_cards(numbers: pl.Series) -> Flags:
    """Whether numbers have a scheme, or the check digit: others may be account numbers that somebody put there."""
    number = numbers.cast(pl.UInt64)
    scheme, _ = schemes.of_pans(number, numbers.str.len_bytes())
    flags: Flags = (scheme != schemes.UNKNOWN).to_numpy() | is_sound(number.to_numpy())
    return flags
