"""What the columns of a user's own table hold, by what stands in them; names only help where that is not enough."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import phonenumbers
import polars as pl

from cardscreen.kinds.kind import KINDS, options_of
from cardscreen.kinds.mobile.imsi import Imsi, imsi
from cardscreen.kinds.named.handle import Handle, platforms
from cardscreen.kinds.phone.in_lists import lines_with_code_twice
from cardscreen.kinds.phone.kind import Phone
from cardscreen.kinds.phone.several import numbers_in
from cardscreen.lists.feeds.several import listings_in
from cardscreen.tables.cells import holds_numbers, repaired
from cardscreen.tables.dates import is_dateable, read_days, to_date

_TRIED = 80  # cells by which regions are told apart
_GLANCE = 20  # of them: where none of these is a number, few of the others are
_FEWEST = 3  # digits a cell, on average, without which nothing is read: words
_LEAD = 0.15  # of the cells: how much better than the next one a region must fit
_ENOUGH = 0.6  # share of the cells that make a column one of a kind
_NAMED = 0.3  # the same, of a column whose name says so
_DIGITS, _LONG = 6, 9  # of a phone number; of one that is no local number, in any country of many people
_CODED = 0.05  # share of cells with a country code that tells the region of short ones
_GAIN = 0.02  # share of cells that a region makes valid beside those that have a country code
_ABROAD = r"^\s*[+＋]\s*[0-9]"  # what begins so is nothing else
_SEVERAL = 0.005  # share of cells with several numbers
_MOSTLY = 0.95  # share of the cells that are days, or mobiles
_GROUPS = 100  # different values of what is carried
_DATES = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d", "%Y年%m月%d日")
_TIMES = ("", " %H:%M", " %H:%M:%S")
#: Signs in phone numbers as people write them; one dot may be that of a decimal.
_WRITTEN = r"^\s*(?:[+＋(]|00)|[0-9][ ()/-]+[0-9]|[0-9]\.[0-9]+\.[0-9]"
_PLUS = ("+", "＋")
_FIRST = r"^([^/;,|、]{6,})[/;,|、]"  # of several numbers in a cell
_REGION = re.compile(r"[A-Z]{2}")
_WITHOUT_CHECK = (Phone.name, Imsi.name)
_AT = r"^\s*@"  # in front of a name that is somebody's on some platform


def _any(words: str) -> re.Pattern[str]:
    return re.compile("|".join(words.split()), re.IGNORECASE)


#: What columns are called, in the languages of those who have them.
_NAMES: Mapping[str, re.Pattern[str]] = {
    "phone": _any(
        r"phone mobile (?<![a-z])cell (?<![a-z])cel(?![a-z]) msisdn (?<![a-z])tel(?!l) gsm handy "
        r"n[uú]m[eé]ro(?!.*(?:cli|client|cuenta|conto|contrat)) rufnummer mobilfunk (?<!证件)号码 手机 电话 電話"
    ),
    "card": _any("card pan$ carta karte tarjeta carte 银行卡 卡号"),
    "iban": _any("iban"),
    "imei": _any("imei 串号"),
    "imsi": _any("imsi"),
    "iccid": _any("icc_?id sim_?card sim_?no"),
    "resident_id": _any("resident_?id id_?card 身份证 证件"),
    "email": _any("e-?mail correo courriel 邮箱 邮件"),
    "handle": _any("telegram instagram tiktok handle user_?name"),
    "wallet": _any("wallet address btc eth usdt 钱包 地址"),
    "id": _any(
        r"\bid\b _id$ ^id_ account (?<![a-z])acc?t cust client codice konto contract contratt "
        "编号 账号 账户 帐号 用户 客户"
    ),
    "since": _any("since from activ attiv open start begin seit desde issued 开户 开通 入网 激活"),
    "name": _any("^name first_?name last_?name surname nome nom$ nombre customer$ vorname nachname 姓名 名字"),
    "birth": _any("birth nascit geb naiss nacim dob 出生 生日"),
    "listed_on": _any("list dat[ae] added report registr segnal fecha 日期 时间 登记"),
    "expires_on": _any("expir until valid_to scad hasta 截止 到期"),
    "reference": _any(r"case ref dossier pratica fascicol protocol ticket akten gesch.ftsz \b[ag]z\b 案(?!由|情|类)"),
    "reason": _any("reason type categ motiv tipo grund 原因 类型 案由 案情 案类"),
    "severity": _any("sever score risk level gravit risch 等级 风险"),
    "kind": _any("kind type tipo 类型"),
}


def called(column: str, what: str) -> bool:
    """Whether a column's name says that it is of this sort."""
    return what in _NAMES and _NAMES[what].search(column) is not None


@dataclass(frozen=True)
class Held:
    """What a column holds.

    Attributes:
        name: The column's.
        kind: A kind of identifier; None: none.
        share: Of the filled cells, those that are of the kind.
        region: Of national phone numbers; None: none is needed, or it can't be told.
        region_column: The column that says it, instead.
        rivals: Other regions of which they could be numbers, each with its share; where `region` is None, those
            between which the numbers don't tell.
        mobile: Of the cells, those that are mobile numbers of the likeliest region.
        written: Of the cells, those in which signs stand as people write them in phone numbers.
        twice: Of the cells, those that begin with the region's country code and no plus, and are read as other numbers.
        platforms: Of handles, those of which they could be, where the cells don't say it.
        many: Whether cells hold several.
        repair: Whether a program made quantities of cells, which can be mended.
        days: The format of its days; "" where it need not be said; None: no days.
        either: Whether day and month could be the other way round.
        filled: Filled cells.
        different: Different cells.
        values: The values, where there are few.
    """

    name: str
    kind: str | None = None
    share: float = 0.0
    region: str | None = None
    region_column: str | None = None
    rivals: Mapping[str, float] = field(default_factory=dict)
    mobile: float = 0.0
    written: float = 0.0
    twice: float = 0.0
    platforms: Sequence[str] = ()
    many: bool = False
    repair: bool = False
    days: str | None = None
    either: bool = False
    filled: int = 0
    different: int = 0
    values: Sequence[str] = ()

    def reason(self) -> str:
        """Why it is taken for that, in a few words."""
        if self.kind is None:
            return ""
        noun = KINDS[self.kind].noun[1]
        where = f" as {self.region}" if self.region else f" by {self.region_column}" if self.region_column else ""
        several = ", several in a cell" if self.many else ""
        several += ", mended where a program made quantities of them" if self.repair else ""
        valid = "valid " if self.kind == Phone.name else ""
        but = f", but {self.without_plus}" if self.without_plus else ""
        return f"{self.share:.0%} are {valid}{noun}{where}{several}{but}".replace("%", " %")

    @property
    def without_plus(self) -> str:
        """What a person must do about codes without a plus, in a few words; nothing where there are none, or few."""
        if self.twice <= _CODED:
            return ""
        code = phonenumbers.country_code_for_region(next(iter(self.rivals)))
        return f"{self.twice:.0%} begin with {code} and no +, and would be read as other numbers: write them with +"


def held_in(frame: pl.DataFrame) -> list[Held]:
    """What each column of a table holds, in its order."""
    region_columns = [name for name in frame.columns if _is_of_regions(frame[name])]
    held = [_held(frame, name, region_columns) for name in frame.columns]
    # Where a column is called so, rows of digits in others are what they are called.
    named = any(each.kind == Phone.name and called(each.name, Phone.name) for each in held)
    return [replace(each, kind=None) if named and _is_bare(each) else each for each in held]


def _is_bare(held: Held) -> bool:
    """Whether nothing but their digits makes the cells phone numbers."""
    return held.kind == Phone.name and not called(held.name, Phone.name) and held.written < _NAMED


def _held(frame: pl.DataFrame, name: str, region_columns: Sequence[str]) -> Held:
    column = frame[name]
    inner = column.dtype.inner if isinstance(column.dtype, pl.List) else column.dtype
    if column.dtype in (pl.Date,) or isinstance(column.dtype, pl.Datetime):
        return Held(name, days="", filled=len(column) - column.null_count(), different=column.n_unique())
    if not holds_numbers(inner):  # type: ignore[arg-type]
        return Held(name)
    cells = (column.explode() if isinstance(column.dtype, pl.List) else column).cast(pl.String)
    cells = cells.str.strip_chars().replace("", None).drop_nulls().alias(name)
    counts = Held(name, filled=len(cells), different=cells.n_unique())
    if not len(cells):
        return counts
    if counts.different <= _GROUPS:
        counts = replace(counts, values=cells.unique().sort().to_list())
    form, either = _days(cells)
    if form is not None:
        return replace(counts, days=form, either=either)
    mended = cells.to_frame().select(repaired(pl.first())).to_series()
    if repair := _share(mended != cells) > _SEVERAL:
        cells, frame = mended, frame.with_columns(repaired(pl.col(name).cast(pl.String)))
    written = _share(cells.str.contains(_WRITTEN))
    kinds = [replace(each, written=written) for each in _kinds(frame, cells, name, region_columns)]
    best = max(kinds, key=lambda each: _rank(each, cells))
    named = called(name, best.kind or "")
    looks = called(name, Phone.name) or _share(cells.str.contains(_ABROAD)) > 0.5
    if best.share < _NAMED and looks and _share(cells.str.count_matches("[0-9]") >= _DIGITS) > 0.5:
        # Few of them are valid, as of made-up numbers, and yet that is what they are: a person sees it.
        best = next(each for each in kinds if each.kind == Phone.name)
    elif best.share < (_NAMED if named else _ENOUGH) or not (named or _is_sure(best, cells)):
        return counts
    repair &= "repair" in options_of(best.kind or "")
    return replace(best, filled=counts.filled, different=counts.different, values=counts.values, repair=repair)


def _rank(held: Held, cells: pl.Series) -> tuple[bool, bool, bool, float]:
    """By which the kinds that cells may be of compare.

    What the column is called decides, then what is sure without; and check digits, before a plan that has room.
    """
    fits, named = held.share >= _ENOUGH, called(held.name, held.kind or "")
    is_sure = fits and _is_sure(held, cells)
    return fits and named, is_sure, is_sure and held.kind not in _WITHOUT_CHECK, held.share


def _is_sure(held: Held, cells: pl.Series) -> bool:
    """Whether a column that is not called so is of its kind all the same.

    Some region's plan has room for nearly any row of digits, such as ids: phone numbers are written as people do, or
    all are mobiles of one region, and are not called ids. IMSIs, too, have no check digit.
    """
    if held.kind not in _WITHOUT_CHECK:
        return True
    if called(held.name, "id"):
        return False
    numbers = cells.cast(pl.Int64, strict=False)
    low, high = numbers.min(), numbers.max()
    in_a_row = isinstance(low, int) and isinstance(high, int) and high - low < 20 * len(numbers)
    if held.kind == Imsi.name:
        return held.share >= _MOSTLY and not in_a_row
    return held.written >= _NAMED or (held.mobile >= _MOSTLY and not in_a_row)


def _kinds(frame: pl.DataFrame, cells: pl.Series, name: str, region_columns: Sequence[str]) -> Iterator[Held]:
    """The kinds that the cells may be of, each with its share."""
    for kind in KINDS.values():
        if kind is Phone:
            yield from _phones(frame, cells, name, region_columns)
        elif kind is Handle:
            yield _handles(cells, name)
        else:
            status = kind().read(pl.first()).struct.field("status")
            # No IMSI is surely one; but all of a column are hardly of networks that there are by chance.
            own = kind().claims(pl.first()) if kind is not Imsi else imsi(pl.first()).struct.field("mnc").is_not_null()
            claimed = pl.lit(value=True) if called(name, kind.name) else own
            sure = (claimed & (status == "valid")) | status.is_in(["truncated", "open"])
            yield Held(name, kind.name, _share(cells.to_frame().select(sure.alias("sure")).to_series()))


def _handles(cells: pl.Series, name: str) -> Held:
    """Names that say their platform; or, where most begin with @, those of a platform that only a person can name."""
    told = _as_handles(cells, None)
    shares = {platform: _as_handles(cells, platform) for platform in platforms()}
    best = max(shares.values())
    if told >= _ENOUGH or best < _ENOUGH or _share(cells.str.contains(_AT)) < _ENOUGH:
        return Held(name, Handle.name, told)
    return Held(name, Handle.name, best, platforms=[each for each, share in shares.items() if share >= best - _LEAD])


def _as_handles(cells: pl.Series, platform: str | None) -> float:
    """The share of cells that are names on a platform; None: on one that each says."""
    status = cells.alias("cell").to_frame().select(Handle(platform).read(pl.col("cell")).struct.field("status"))
    return _share(status.to_series() == "valid")


def _share(flags: pl.Series) -> float:
    return float(flags.fill_null(value=False).mean() or 0)  # type: ignore[arg-type]


def _phones(frame: pl.DataFrame, cells: pl.Series, name: str, region_columns: Sequence[str]) -> Iterator[Held]:
    parts, many = _parts(cells, None)
    alone = _valid(parts, None)
    found = Held(name, Phone.name, alone, many=many)
    regions = _regions(parts)
    if max((each.valid for each in regions.values()), default=0.0) < _NAMED:
        # Where all cells hold several national numbers, only the first of each tells of which region.
        regions = _regions(parts.str.extract(_FIRST).drop_nulls()) or regions
    best = next(iter(regions), None)
    if best is not None and regions[best].valid > alone + _GAIN:
        parts, many = _parts(cells, best)
        near = [region for region, each in regions.items() if each.score > regions[best].score - _LEAD]
        share = _valid(parts, best)
        twice = _code_twice(parts, best)
        is_sure = len(near) == 1 and share >= _ENOUGH and regions[best].is_enough(parts) and twice <= _CODED
        found = Held(name, Phone.name, share, region=best if is_sure else None, many=many)
        others = [region for region in regions if region != best] if is_sure else list(regions)[: max(len(near), 3)]
        rivals = {region: regions[region].valid for region in others[:4]}
        found = replace(found, rivals=rivals, mobile=regions[best].mobile, twice=twice)
    by_column = _by_region_column(frame, name, region_columns)
    yield by_column if by_column.share >= _ENOUGH and by_column.share > found.share - _LEAD else found


def _code_twice(cells: pl.Series, region: str) -> float:
    """The share of cells that begin with a region's country code and no plus, and are read as other numbers of it."""
    rows = cells.alias("cell").to_frame().with_row_index("line")
    read = rows.select("line", value=Phone(region).read(pl.col("cell")).struct.field("value")).drop_nulls()
    return len(lines_with_code_twice(read, rows, Phone().claims, region)) / max(len(rows), 1)


def _by_region_column(frame: pl.DataFrame, name: str, region_columns: Sequence[str]) -> Held:
    """The numbers by the column of regions with which most are valid; with a share of 0 where there is none."""
    best = Held(name)
    for column in region_columns:
        both = frame.select(cell=pl.col(name).cast(pl.String), region=pl.col(column).cast(pl.String)).drop_nulls("cell")
        if both["region"].n_unique() > 1 and column != name:
            valid = both.select(Phone(region_column="region").read(pl.col("cell")).struct.field("status") == "valid")
            share = _share(valid.to_series())
            best = Held(name, Phone.name, share, region_column=column) if share > best.share else best
    return best


def _parts(cells: pl.Series, region: str | None) -> tuple[pl.Series, bool]:
    """The numbers in the cells, ends of ranges too, and whether some hold several that are no ends of a range."""
    lists = cells.to_frame().select(numbers_in(pl.first(), region, guessed=False)).to_series()
    if _share(lists.list.len() > 1) <= _SEVERAL:
        return cells, False
    whole = _valid(cells, region)
    parts = lists.explode().drop_nulls()
    if _valid(parts, region) * len(parts) <= whole * len(cells):
        return cells, False
    listed = listings_in(cells, Phone(region, many=True))
    return parts, listed is not None and _share(listed.list.len() > 1) > _SEVERAL


def valid_in(column: pl.Series, region: str) -> float:
    """The share of a column's filled cells that are valid phone numbers of a region."""
    return _valid(column.cast(pl.String).str.strip_chars().replace("", None).drop_nulls(), region)


def _valid(cells: pl.Series, region: str | None) -> float:
    status = cells.alias("cell").to_frame().select(Phone(region).read(pl.col("cell")).struct.field("status"))
    return _share(status.to_series().is_in(["valid", "completed"]))


class _Fit(NamedTuple):
    """How well cells are numbers of a region: shares of all cells.

    Some plans have room for almost any number, but not for it as a mobile, nor in the groups in which it is written.
    """

    valid: float
    mobile: float
    grouped: float
    with_code: float

    @property
    def score(self) -> float:
        """By which regions compare."""
        return self.valid + self.mobile + self.grouped / 2 + self.with_code

    def is_enough(self, cells: pl.Series) -> bool:
        """Whether a region may be told by it: as many small countries have seven or eight digits as cities have."""
        long = cells.str.count_matches("[0-9]").median() or 0
        return self.valid >= _ENOUGH and (float(long) >= _LONG or self.with_code >= _CODED)  # type: ignore[arg-type]


def _regions(cells: pl.Series) -> dict[str, _Fit]:
    """Region → how well the cells are its numbers, the best first; of those that share a plan, one."""
    tried = cells.unique(maintain_order=True).sample(min(_TRIED, cells.n_unique()), seed=0).to_list()
    if sum(map(str.isdigit, "".join(tried))) < _FEWEST * len(tried):
        return {}
    # These are the same everywhere; others are read in each of 200 regions, but for those where the first few are none.
    abroad = [(cell, number) for cell in tried if cell.startswith(_PLUS) and (number := _valid_in(cell, None))]
    national = [cell for cell in tried if not cell.startswith(_PLUS)]
    fits = dict[str, _Fit]()
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        if regions[0] == "001":
            continue
        read = _read_in(regions[0], national[:_GLANCE])
        if read:
            read += _read_in(regions[0], national[_GLANCE:])
        read += abroad
        own = Counter(str(phonenumbers.region_code_for_number(each)) for _, each in read if each.country_code == code)
        if own:
            mobile = sum(_MOBILE.get(phonenumbers.number_type(each), 0) for _, each in read)
            grouped = sum(_is_grouped(cell, number) for cell, number in read)
            coded = sum(cell.lstrip("'( ").startswith((f"+{code}", f"00{code}")) for cell in tried)
            shares = (each / len(tried) for each in (len(read), mobile, grouped, coded))
            fits[max(own, key=lambda region: own[region])] = _Fit(*shares)
    return dict(sorted(fits.items(), key=lambda each: -each[1].score))


_MOBILE = {phonenumbers.PhoneNumberType.MOBILE: 1.0, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE: 0.8}


def _is_grouped(cell: str, number: phonenumbers.PhoneNumber) -> bool:
    """Whether a national number is written in groups, and in those of its region."""
    groups = re.findall(r"\d+", cell)
    if len(groups) == 1 or cell.startswith(("+", "00")):
        return False
    usual = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return groups == re.findall(r"\d+", usual)


def _read_in(region: str, cells: Sequence[str]) -> list[tuple[str, phonenumbers.PhoneNumber]]:
    """Those cells that are valid numbers when dialled in a region, and the numbers."""
    return [(cell, number) for cell in cells if (number := _valid_in(cell, region))]


def _valid_in(cell: str, region: str | None) -> phonenumbers.PhoneNumber | None:
    """The number, if it is valid when dialled in a region; None: in any."""
    try:
        number = phonenumbers.parse(cell, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _is_of_regions(column: pl.Series) -> bool:
    """Whether a column holds codes of regions."""
    if column.dtype not in (pl.String, pl.Categorical, pl.Enum):
        return False
    codes = column.cast(pl.String).drop_nulls().unique()
    known = [code for code in codes if _REGION.fullmatch(code) and code in phonenumbers.SUPPORTED_REGIONS]
    return 0 < len(codes) <= len(phonenumbers.SUPPORTED_REGIONS) and len(known) >= 0.95 * len(codes)


def _days(cells: pl.Series) -> tuple[str | None, bool]:
    """The format of days, "" where it need not be said, None where there are none; and whether it is a guess."""
    if cells.cast(pl.Int64, strict=False).null_count() == 0 and cells.str.len_chars().max() != 8:
        return None, False
    frame = cells.alias("cell").to_frame()
    if _share(frame.select(to_date(pl.col("cell"), pl.String()).is_not_null()).to_series()) > _MOSTLY:
        return "", False
    fits = [
        form + time
        for form in _DATES
        for time in _TIMES
        if _share(frame.select(to_date(pl.col("cell"), pl.String(), form + time).is_not_null()).to_series()) > _MOSTLY
    ]
    return (fits[0], len({form.replace("%", "")[:2] for form in fits}) > 1) if fits else (None, False)


def is_read_by_feeds(frame: pl.DataFrame, column: str) -> bool:
    """Whether a list's days need no format."""
    dtype = frame.schema[column]
    if not is_dateable(dtype):
        return False
    filled = frame.filter(pl.col(column).is_not_null() & (pl.col(column).cast(pl.String).str.strip_chars() != ""))
    return _share(filled.select(read_days(pl.col(column), dtype).is_not_null()).to_series()) > _MOSTLY
