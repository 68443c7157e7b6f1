"""Phone numbers: from raw cells to E.164, exactly as the `phonenumbers` package reads them.

An E.164 number (ITU-T E.164) is a country code and a national significant number, at most 15 digits
by the standard; libphonenumber lets a few more pass, and so does this module, since a number that is
not valid today may still be on a list.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import phonenumbers
import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, near
from cardscreen.foundation.lookup.digits import Flags, Keys, PlainKeys, Rows, nulls, taken
from cardscreen.kinds import keys
from cardscreen.kinds.exact import Whole, check_types
from cardscreen.kinds.listed_forms import as_listed, as_written
from cardscreen.kinds.phone import in_lists, list_forms, misreadings
from cardscreen.kinds.phone.numbering import lookup
from cardscreen.kinds.phone.several import COMPLETED, numbers_in
from cardscreen.tables.cells import as_expr, named_like, over_fields, repaired, text_of, to_text

#: What people write for a country whose ISO 3166 code is another.
_ALIASES = {"UK": "GB", "EN": "GB", "EL": "GR", "CHN": "CN", "USA": "US", "GBR": "GB", "DEU": "DE", "RUS": "RU"}
_NO_STUB = pl.lit(None, dtype=pl.UInt64)
_REPAIRED = "repaired"
#: Types of the numbers of services.
_SERVICES = ["toll_free", "premium_rate", "shared_cost", "uan"]
#: The note of a cell that is not international, where no region is given.
NO_REGION = "no_region"
_PART = 10_000_000  # rows of an eager column, which comes whole, that are worked on at once


def phone(expr: str | pl.Expr, region: str | pl.Expr | None = None) -> pl.Expr:
    """Parse raw phone cells as `phonenumbers` does.

    Args:
        expr: Column name or expression: String, any integer type, or Float64 with whole numbers.
        region: Where a number without country code was dialled: an ISO 3166 code such as "CN", an
            expression of such codes (one a row, null for none), or None: only international numbers
            parse.

    Returns:
        Struct{e164: String, region: String, type: Enum, status: Enum}, named like the input. Null or
        blank cells have status `missing`; cells that do not parse have the reason as status and no
        other field; a number that parses but is not valid has status `invalid` and type `unknown`.

    Raises:
        ConfigError: `region` is a code that libphonenumber does not know.
        InputError: When the query runs, if the column cannot hold numbers.

    Source:
        ITU-T E.164; `phonenumbers.parse`, `is_valid_number`, `region_code_for_number`, `number_type`.

    Example:
        >>> cells = pl.DataFrame({"mobile": ["138 0013 8000", "+44 20 7946 0958", "n/a"]})
        >>> cells.select(phone("mobile", "CN").struct.field("e164")).to_series().to_list()
        ['+8613800138000', '+442079460958', None]
    """
    if isinstance(region, str):
        check_region(region)
    return named_like(_told(as_expr(expr), region, lookup.fields, schema.PHONE), expr)


def _told(
    cells: pl.Expr,
    region: str | pl.Expr | None,
    answer: Callable[[pl.Series, str | pl.Series | None], pl.Series],
    dtype: pl.Struct,
) -> pl.Expr:
    """What a function of batches of cells and their regions makes of an expression. Streams."""
    # Before the query: within it, a thread that waits for a table takes up other batches, which wait for it, too.
    lookup.prepare(None if isinstance(region, pl.Expr) else region)

    def answered(batch: pl.Series) -> pl.Series:
        if len(batch) > _PART:
            return pl.concat([answered(batch.slice(start, _PART)) for start in range(0, len(batch), _PART)])
        if not isinstance(region, pl.Expr):
            return answer(batch, region)
        cells, regions = batch.struct.unnest().get_columns()
        return answer(cells, regions).alias(batch.name)

    if isinstance(region, pl.Expr):
        cells = pl.struct(cells, region.cast(pl.String).alias("\0region"))
    return cells.map_batches(answered, return_dtype=dtype, is_elementwise=True)


def _is_completed(text: pl.Expr) -> pl.Expr:
    return text.str.starts_with(COMPLETED).fill_null(False)


def check_region(region: str) -> None:
    """Refuse a region code that libphonenumber does not know.

    Raises:
        ConfigError: With the near code.
    """
    known = phonenumbers.SUPPORTED_REGIONS
    if region in known:
        return
    upper = region.strip().upper()
    meant = _ALIASES.get(upper, upper if upper in known else None)
    hint = f" (did you mean {meant!r}?)" if meant else near(upper, known)
    raise ConfigError(f"unknown region {region!r}{hint}: give an ISO 3166 code of two capital letters")


@dataclass(frozen=True)
class Phone(Whole):
    """The identifier kind of phone numbers, read as `phone` reads them.

    Canonical: E.164, `+8613800138000`.

    But what a spreadsheet has made a quantity of (`13800138000.0`, `1.38E+10`), or what hides digits (`138****8000`),
    is `damaged` and no number: what libphonenumber makes of it may be somebody else's.

    Args:
        region: Region of numbers without country code, as for `phone`; None: international only.
        holder_since: Account column (Date, or text as YYYY-MM-DD) that says since when this holder
            has the number.
        region_column: Account column of region codes, instead of one `region` for all.
        many: A cell may hold several numbers: each is screened, as `split_phones` tells them apart. A
            number that took its leading digits from the one before it has the status and note `completed`.
        repair: Mend what spreadsheets did to a cell, as `repaired` does, where nothing is lost.
        vanity: Of lists only: letters are digits of a keypad (`1-800-FLOWERS`). Otherwise a list's number has none,
            since a remark would make it another; accounts are read as `phone` reads them.

    Raises:
        ConfigError: An unknown region, or both `region` and `region_column`.

    Example:
        >>> Phone("CN", holder_since="sim_since").name
        'phone'
    """

    region: str | None = None
    holder_since: str | None = None
    region_column: str | None = None
    many: bool = False
    repair: bool = False
    vanity: bool = False

    name: ClassVar[str] = "phone"
    noun: ClassVar[tuple[str, str]] = ("phone number", "phone numbers")
    secret: ClassVar[bool] = False
    store_as: ClassVar[Literal["token", "plain"]] = "plain"
    reasons: ClassVar[Mapping[str, str]] = list_forms.REASONS
    service: ClassVar[tuple[str, str]] = (
        "an emergency or service number, or a sender of text messages",
        "emergency or service numbers, or senders of text messages",
    )
    flaw: ClassVar[str] = "invalid"

    @property
    def notes(self) -> tuple[str, ...]:
        """What may be noted of a cell."""
        mended = (*([_REPAIRED] if self.repair else []), *([schema.COMPLETED] if self.many else []))
        unread = (misreadings.DAMAGED_CELL, misreadings.FILLER)
        return (self.flaw, lookup.ASKED, *unread, *mended, *([] if self.region or self.region_column else [NO_REGION]))

    def __post_init__(self) -> None:
        """Check the options."""
        check_types(self)
        if self.region is not None:
            check_region(self.region)
            if self.region_column is not None:
                raise ConfigError("give a phone column either `region` or `region_column`, not both")

    def columns(self) -> list[str]:
        """Account columns that reading needs beside the cell itself."""
        return [self.region_column] if self.region_column else []

    def tables(self) -> list[str]:
        """Names of the numbering tables that reading needs: where each row has a region of its own, all."""
        regions = sorted(phonenumbers.SUPPORTED_REGIONS) if self.region_column else [self.region]
        return lookup.names_of([region for region in regions if region])

    def split(self, cell: pl.Expr) -> pl.Expr | None:
        """The numbers in a cell, where it may hold several."""
        return numbers_in(cell, self._region(), guessed=False) if self.many else None

    def keys_of(self, cells: pl.DataFrame) -> PlainKeys:
        """The keys of the numbers that the tables know; none where cells are mended first."""
        if self.repair:
            return PlainKeys.none(len(cells))
        numbers, region = cells.to_series(0), cells.to_series(1) if self.region_column else self.region
        plain, odd = lookup.keys_of(numbers, region)
        odd_regions = taken(region, odd) if isinstance(region, pl.Series) else region
        plain.keys[odd[misreadings.rows_misread(taken(text_of(numbers), odd), odd_regions)]] = 0
        flawed = np.flatnonzero(plain.flawed)
        plain.keys[flawed[misreadings.are_fillers(plain.keys[flawed])]] = 0
        if self.many:
            plain.keys[numbers.cast(pl.String).str.starts_with(COMPLETED).fill_null(value=False).to_numpy()] = 0
        plain.flawed[self._with_code_twice(plain.keys)] = True
        return plain

    def is_flawed(self, keys: Keys, status: pl.Series) -> Flags:
        """Which numbers no numbering plan has, or hardly mean what was read."""
        flawed: Flags = (status == "invalid").to_numpy().copy()
        flawed[self._with_code_twice(keys)] = True
        return flawed

    def _with_code_twice(self, keys: Keys) -> Rows:
        """The places of those that begin with their country's code twice, since it had no plus."""
        regions = in_lists.CODE_LIKE_AREA if self.region_column else in_lists.CODE_LIKE_AREA & {self.region}
        return in_lists.keys_with_code_twice(keys, Phone().claims, regions)

    def scan(self, cell: pl.Expr) -> pl.Expr:
        """`schema.SCAN`: what the pass over all accounts needs; no text of a number is made."""
        scanned = self._scanned(cell)
        if NO_REGION not in self.notes:
            return scanned
        national = pl.when(pl.col("status") == "invalid_country_code").then(pl.lit(NO_REGION))
        kept = {name: pl.col(name) for name in ("key", "stub", "shown", "status")}
        return over_fields(scanned, schema.SCAN, **kept, note=pl.coalesce("note", national))

    def _scanned(self, cell: pl.Expr) -> pl.Expr:
        raw = to_text(cell)
        looked_up = _told(self._mended(raw), self._region(), misreadings.scan, schema.SCAN)
        field = pl.col("told").struct.field
        note = pl.coalesce(
            pl.when(field("note") == field("status")).then(field("note")),
            pl.when(pl.col("raw") != self._mended(pl.col("raw"))).then(pl.lit(_REPAIRED)),
            pl.when(_is_completed(pl.col("raw"))).then(pl.lit(schema.COMPLETED)),
            field("note"),
        )
        scanned = over_fields(
            pl.struct(raw.alias("raw"), looked_up.alias("told")),
            schema.SCAN,
            key=field("key"),
            stub=_NO_STUB,
            shown=pl.lit(None, dtype=pl.String),
            status=field("status"),
            note=note,
        )
        return named_like(scanned, cell)

    def read(self, cell: pl.Expr) -> pl.Expr:
        """`schema.READ`: what evidence about a few cells needs."""
        raw = to_text(cell)
        told = _told(self._mended(raw), self._region(), misreadings.read, schema.READ)
        field = pl.col("told").struct.field
        completed = _is_completed(pl.col("raw")) & field("value").is_not_null()
        read = over_fields(
            pl.struct(raw.alias("raw"), told.alias("told")),
            schema.READ,
            value=field("value"),
            status=pl.when(completed).then(pl.lit(schema.COMPLETED)).otherwise(field("status")),
        )
        return named_like(read, cell)

    def show(self, value: pl.Expr) -> pl.Expr:
        """A canonical value as results hold it: as it is."""
        return value

    def details(self, value: pl.Expr, wanted: Collection[str]) -> dict[str, pl.Expr]:
        """The type and the region of canonical numbers, where they are wanted: that takes all countries' tables."""
        names = {"phone_type": "type", "phone_region": "region"}
        if names.keys().isdisjoint(wanted):
            return {}
        told = phone(value).struct
        return {name: told.field(part).cast(pl.String) for name, part in names.items()}

    def fields(self, cell: pl.Expr) -> pl.Expr:
        """What a person may see of a cell: Struct{e164, region, type, status}."""
        return phone(self._mended(to_text(cell)), self._region())

    def written(self, cell: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN` of a source's cells: numbers, prefixes (`170*`), ranges of equal length.

        Digits left open at the end (`1700000xxxx`) are a range, if such numbers can be so long. A number that was
        completed is none of the source's.
        """

        def number(each: pl.Expr) -> pl.Expr:
            told = self.read(each) if self.many or self.repair else phone(each, self._region())
            return pl.struct(to_text(each).alias("text"), told.alias("told")).map_batches(
                meant, return_dtype=pl.String, is_elementwise=True
            )

        def meant(both: pl.Series) -> pl.Series:
            texts, told = both.struct.unnest()
            value, *_, status = told.struct.unnest()
            value = value.zip_with(status != schema.COMPLETED, nulls("value", pl.String, len(value)))
            return list_forms.numbers_meant(texts, value, status, self.claims)

        def forms(texts: pl.Series) -> pl.DataFrame:
            mended = texts.to_frame().select(self._mended(pl.first())).to_series()
            return list_forms.forms(mended, self.region, number, self.claims, vanity=self.vanity)

        return as_written(cell, special=list_forms.SPECIAL, forms=forms, number=number)

    def claims(self, cell: pl.Expr) -> pl.Expr:
        """Whether a cell is surely a phone number: Boolean, never null."""
        return (phone(to_text(cell), self._region()).struct.field("status") == "valid").fill_null(value=False)

    def service_lines(self, listed: pl.LazyFrame, cells: pl.DataFrame) -> list[int]:
        """Lines of emergency and service numbers, and of senders of text messages."""
        return in_lists.service_lines(listed, cells, self.region, Phone().claims, self.split)

    @staticmethod
    def is_service(value: pl.Expr) -> pl.Expr:
        """Whether a canonical value is a service's: toll-free, shared-cost, premium, or short behind an area code."""
        of_service = phone(value).struct.field("type").is_in(_SERVICES).fill_null(value=False)
        return of_service | in_lists.has_codes_in_front(value)

    def misread(self, listed: pl.DataFrame, cells: pl.DataFrame, share: float) -> dict[str, list[int]]:
        """Lines of what some program took for a quantity, and of what was read with its country code twice."""
        if self.region is None:
            return {}
        return {
            "zeros": in_lists.lines_without_zero(listed, cells, self.claims, share),
            "codes": in_lists.lines_with_code_twice(listed, cells, self.claims, self.region),
        }

    @staticmethod
    def is_doubtful(value: pl.Expr) -> pl.Expr:
        """Whether a canonical value may be another kind's number: longer than the standard lets a phone's be."""
        return value.str.len_bytes() > list_forms.LONGEST + 1

    @staticmethod
    def is_too_wide(value: pl.Expr, limit: int) -> pl.Expr:
        """Whether a canonical prefix or range covers more than so many numbers; a prefix those as long as mobiles."""
        return list_forms.numbers(value) > limit

    def _region(self) -> str | pl.Expr | None:
        return pl.col(self.region_column) if self.region_column else self.region

    def _mended(self, text: pl.Expr) -> pl.Expr:
        return repaired(text) if self.repair else text

    @staticmethod
    def key(value: pl.Expr) -> pl.Expr:
        """The UInt64 key of an E.164 number: its digits."""
        return keys.of_digits(value)

    @staticmethod
    def listing(value: pl.Expr) -> pl.Expr:
        """`listed_forms.WRITTEN` of listed values: numbers, prefixes and ranges."""
        prefix = value.str.extract(r"^(\+[1-9][0-9]{0,17})\*$")
        low, high = value.str.extract(r"^(\+[1-9][0-9]{2,19})-\+[0-9]+$"), value.str.extract(r"-(\+[1-9][0-9]{2,19})$")
        # A letter or a star would be dropped, and what remains be somebody's number.
        exact = phone(pl.when(value.str.contains(r"^[+＋][^\p{L}*＊?#;,~]*$")).then(value)).struct.field("e164")
        return as_listed(value, prefix=prefix, low=low, high=high, others=pl.struct(exact=exact))
