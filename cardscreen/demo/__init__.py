"""A synthetic operator and bank, four sources of listings, and planted answers.

Nobody's real number is in it: phones are made from libphonenumber's example numbers, cards from
public scheme prefixes. Cells are as dirty as published columns of phone numbers are. The same seed
gives the same people each time; dates are counted from the day of the run.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import phonenumbers
import polars as pl
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import luhn

from cardscreen.errors import ConfigError
from cardscreen.feeds import Feed
from cardscreen.importing import import_file
from cardscreen.job import Job
from cardscreen.run import Run, run_job
from cardscreen.store import Store
from cardscreen.tokens import TokenKey

_SEED = 20261123
_MARKER = ".cardscreen-demo"
_OPERATOR_SHARE = 0.6
_STRIDE = 618_033  # coprime to 10**6
_FREE_DIGITS = 6  # trailing digits of an example number that are drawn
_NOISE = 8_000  # listings that match nobody
_RANGE = "+86170*"
_ABSENT = "not flagged"

_REGIONS = {
    "CN": 30, "US": 8, "IN": 6, "GB": 5, "DE": 5, "BR": 4, "FR": 4, "JP": 4, "MX": 3, "ID": 3, "IT": 3, "ES": 3,
    "RU": 3, "TR": 2, "KR": 2, "VN": 2, "TH": 2, "PH": 2, "NG": 2, "ZA": 2, "EG": 2, "AR": 2, "CO": 2, "PL": 2,
    "UA": 1, "KZ": 1, "AU": 1, "CA": 1, "MY": 1, "SG": 1, "HK": 1, "TW": 1, "PK": 1, "BD": 1, "AE": 1, "SA": 1,
    "KE": 1, "GH": 1, "CL": 1, "PE": 1, "NL": 1, "SE": 1, "CH": 1, "PT": 1, "GR": 1,
}  # fmt: skip
#: How cells are written, and how many of a thousand are (as in published columns of phone numbers).
_SPELLINGS = {
    "national": 686, "plain": 154, "idd": 37, "international": 40, "blank": 41, "junk": 16, "two": 8,
    "around": 9, "dots": 4, "extension": 1, "full_width": 2, "nbsp": 2,
}  # fmt: skip
#: The spellings that keep the number readable: the only ones that planted accounts have.
_READABLE = {name: weight for name, weight in _SPELLINGS.items() if name not in ("blank", "junk", "two")}
_JUNK = ("NULL", "N/A", "NOT AVAILABLE", "() -", "unknown")
_SCHEMES = {
    ("622202", 19): 25, ("621700", 19): 20, ("625912", 16): 8, ("411111", 16): 12, ("453201", 16): 6, ("510510", 16): 8,
    ("222300", 16): 4, ("378282", 15): 4, ("356600", 16): 3, ("305693", 14): 2, ("601111", 16): 2, ("670300", 16): 1,
    ("220012", 16): 2, ("607000", 16): 1, ("506699", 16): 1, ("979203", 16): 1,
}  # fmt: skip

#: Case → how many of 200,000 accounts, at which of the two, and what must come out.
_CASES: dict[str, tuple[int, str, str]] = {
    "number on a police list, however it is written": (400, "operator", "suspend"),
    "number reported once, low severity": (100, "operator", "notify"),
    "number listed before this holder had it": (100, "operator", "verify"),
    "number inside a listed range": (120, "operator", "verify"),
    "number that twenty accounts share": (20, "operator", "verify"),
    "listed number that is on the allow list": (50, "operator", "none"),
    "listing ended yesterday": (80, "operator", _ABSENT),
    "listing begins tomorrow": (40, "operator", _ABSENT),
    "card on a bank's list": (150, "bank", "suspend"),
    "card listed with its middle hidden": (60, "bank", "verify"),
    "card that the bank itself keeps truncated": (40, "bank", "verify"),
}


@dataclass(frozen=True)
class Outcome:
    """What the demo found.

    Attributes:
        folder: Where everything is.
        runs: "operator" and "bank".
        listings: Listings by source.
        cases: case, expected, accounts, right.
        unplanted: Accounts that were flagged without having been planted.
        seconds: Of both runs together.
    """

    folder: Path
    runs: dict[str, Run]
    listings: dict[str, int]
    cases: pl.DataFrame
    unplanted: int
    seconds: float

    def wrong(self) -> int:
        """Accounts whose answer is not the planted one."""
        return self.unplanted + int((self.cases["accounts"] - self.cases["right"]).sum())

    def summary(self) -> dict[str, Any]:
        """For machines."""
        return {
            "folder": str(self.folder),
            "seconds": round(self.seconds, 2),
            "listings": self.listings,
            "planted": int(self.cases["accounts"].sum()),
            "wrong": self.wrong(),
            "runs": {name: str(run.folder) for name, run in self.runs.items()},
        }


def run_demo(folder: Path, accounts: int, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """Make the world, run both jobs, compare with what was planted.

    Raises:
        ConfigError: The folder holds something else than an earlier demo.
    """
    folder = folder.absolute()
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARKER).exists():
            raise ConfigError(f"{folder} is not empty and holds no earlier demo: name another folder")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARKER).touch()
    tell("making an operator and a bank")
    today = date.today()
    world = _World(today, accounts)
    world.write(folder)
    tell("importing the lists")
    lists = _import_feeds(folder)
    begun = time.perf_counter()
    runs = {}
    for name in ("operator", "bank"):
        tell(f"screening the {name}'s accounts")
        # Here it may be a day that has not begun yet in the job's time zone.
        runs[name] = run_job(Job.read(folder / name / "job.toml"), as_of=today, allow_future=True)
    seconds = time.perf_counter() - begun
    cases, unplanted = _compare(world.truth(), runs)
    return Outcome(folder, runs, lists, cases, unplanted, seconds)


def _compare(truth: pl.DataFrame, runs: dict[str, Run]) -> tuple[pl.DataFrame, int]:
    found = pl.concat(
        run.result.flagged.select("account_id", action=pl.col("action").cast(pl.String)).collect()
        for run in runs.values()
    )
    both = truth.join(found, on="account_id", how="full", coalesce=True).with_columns(
        pl.col("action").fill_null(_ABSENT)
    )
    planted = both.filter(pl.col("case").is_not_null())
    cases = planted.group_by("case", "expected").agg(
        accounts=pl.len(), right=(pl.col("action") == pl.col("expected")).sum()
    )
    order = pl.DataFrame({"case": list(_CASES)})
    return order.join(cases, on="case", maintain_order="left"), both.height - planted.height


class _World:
    """The accounts, the listings, and which account is which case."""

    def __init__(self, today: date, accounts: int) -> None:
        self.today = today
        self.random = np.random.default_rng(_SEED)
        self.listings: list[dict[str, Any]] = []
        self.cases: list[dict[str, str]] = []
        self.numbers = self._numbers()
        self.ranged = self._in_region("CN", "1700000000")
        at_operator = round(accounts * _OPERATOR_SHARE)
        scale = accounts / 200_000
        self.subscribers = self._operator(at_operator, scale)
        self.customers = self._bank(accounts - at_operator, scale)
        self._noise(round(_NOISE * max(scale, 0.01)))

    def truth(self) -> pl.DataFrame:
        """account_id, case, expected."""
        return pl.DataFrame(self.cases)

    # --- numbers

    def _numbers(self) -> Iterator[phonenumbers.PhoneNumber]:
        """Distinct mobile numbers of many countries, without end."""
        names, weights = list(_REGIONS), np.array(list(_REGIONS.values()), dtype=float)
        examples = {name: _example(name) for name in names}
        drawn = {name: self._draws() for name in names}
        while True:
            for name in self.random.choice(names, 10_000, p=weights / weights.sum()):
                example = examples[name]
                yield _with_tail(example, next(drawn[name]))

    def _in_region(self, region: str, start: str) -> Iterator[phonenumbers.PhoneNumber]:
        """Distinct numbers that begin like one number."""
        base = phonenumbers.parse(start + "0", region)
        for tail in self._draws():
            yield _with_tail(base, tail)

    def _draws(self) -> Iterator[int]:
        """All tails once each, in an order that looks drawn: steps around a circle, coprime to its length."""
        everything = 10**_FREE_DIGITS
        start = int(self.random.integers(everything))
        yield from ((start + at * _STRIDE) % everything for at in range(everything))

    def _spelled(self, numbers: list[phonenumbers.PhoneNumber], spellings: dict[str, int]) -> list[str]:
        weights = np.array(list(spellings.values()), dtype=float)
        drawn = self.random.choice(list(spellings), len(numbers), p=weights / weights.sum())
        return [_spell(number, str(how)) for number, how in zip(numbers, drawn, strict=True)]

    def _list(self, source: str, kind: str, value: str, **more: Any) -> None:
        listed = {"listed_on": self.today - timedelta(days=30), "expires_on": None, "severity": 95, "list": "block"}
        self.listings.append({"source": source, "kind": kind, "value": value, **listed, **more})

    # --- the operator

    def _operator(self, rows: int, scale: float) -> pl.DataFrame:
        numbers = list(islice(self.numbers, rows))
        since = [self.today - timedelta(days=int(days)) for days in self.random.integers(60, 3000, rows)]
        readable = set()
        for case, at in self._plant("operator", rows, scale):
            readable.update(at)
            self._list_numbers(case, at, numbers, since)
        names = [f"S{row:07}" for row in range(rows)]
        cells = self._spelled(numbers, _SPELLINGS)
        planted = sorted(readable)
        for row, cell in zip(planted, self._spelled([numbers[row] for row in planted], _READABLE), strict=True):
            cells[row] = cell
        return pl.DataFrame(
            {
                "account_id": names,
                "mobile": cells,
                "country": [phonenumbers.region_code_for_number(each) or "" for each in numbers],
                "sim_since": since,
                "segment": self.random.choice(["consumer", "business", "iot"], rows, p=[0.85, 0.12, 0.03]),
            }
        )

    def _plant(self, where: str, rows: int, scale: float) -> Iterator[tuple[str, list[int]]]:
        """Distinct rows for each case, noted with the action that must come out."""
        free = iter(self.random.permutation(rows).tolist())
        prefix, width = ("S", 7) if where == "operator" else ("C", 7)
        for case, (count, place, expected) in _CASES.items():
            if place != where:
                continue
            shared = case.startswith("number that twenty")
            at = list(islice(free, count if shared else max(1, round(count * scale))))
            self.cases += [{"account_id": f"{prefix}{row:0{width}}", "case": case, "expected": expected} for row in at]
            yield case, at

    def _list_numbers(
        self, case: str, at: list[int], numbers: list[phonenumbers.PhoneNumber], since: list[date]
    ) -> None:
        if "range" in case:
            for row in at:
                numbers[row] = next(self.ranged)
            self._list("regulator", "phone", _RANGE, severity=80, reason="sim_farm")
            return
        if "twenty" in case:
            for row in at[1:]:
                numbers[row] = numbers[at[0]]
            at = at[:1]
        for row in at:
            value = _e164(numbers[row])
            ways: dict[str, dict[str, Any]] = {
                "reported once": {"source": "regulator", "severity": 30, "reason": "reported"},
                "before this holder": {"source": "police", "listed_on": since[row] - timedelta(days=100)},
                "ended yesterday": {"source": "regulator", "expires_on": self.today - timedelta(days=1)},
                "begins tomorrow": {"source": "regulator", "listed_on": self.today + timedelta(days=1)},
            }
            way = next(
                (way for words, way in ways.items() if words in case), {"source": "police", "reference": f"A{row:08}"}
            )
            self._list(kind="phone", value=value, **way)
            if "allow list" in case:
                self._list("regulator", "phone", value, list="allow", reason="hotline")

    # --- the bank

    def _bank(self, rows: int, scale: float) -> pl.DataFrame:
        cards = self._cards(rows)
        how = self.random.choice(
            ["plain", "spaces", "hyphens", "full_width", "truncated", "blank", "junk"],
            rows,
            p=[0.5, 0.33, 0.08, 0.01, 0.02, 0.05, 0.01],
        )
        for case, at in self._plant("bank", rows, scale):
            for row in at:
                hidden = _truncated(cards[row])
                listed = hidden if "middle hidden" in case else cards[row]
                source = "fraud-desk" if "keeps truncated" in case else "bank-association"
                self._list(source, "card", listed, severity=85, reason="money_mule")
                how[row] = "truncated" if "keeps truncated" in case else "spaces"
        return pl.DataFrame(
            {
                "account_id": [f"C{row:07}" for row in range(rows)],
                "card_no": [_write_card(pan, str(style)) for pan, style in zip(cards, how, strict=True)],
                "phone": self._spelled(list(islice(self.numbers, rows)), _SPELLINGS),
                "country": "CN",
                "opened_on": [self.today - timedelta(days=int(days)) for days in self.random.integers(40, 4000, rows)],
            }
        )

    def _cards(self, rows: int) -> list[str]:
        """Distinct PANs with a right check digit; distinct in first six and last four as well."""
        weights = np.array(list(_SCHEMES.values()), dtype=float)
        schemes = list(_SCHEMES)
        cards: dict[tuple[str, str], str] = {}
        while len(cards) < rows:
            wanted = rows - len(cards)
            for at in self.random.choice(len(schemes), wanted, p=weights / weights.sum()):
                prefix, length = schemes[at]
                # Two more digits of the issuer's number vary, or six and four would soon be used up.
                issuer = f"{prefix[:3]}{self.random.integers(1000):03}" if prefix[0] == "6" else prefix
                body = issuer + "".join(map(str, self.random.integers(0, 10, length - 7)))
                pan = body + luhn.calc_check_digit(body)
                cards.setdefault((pan[:6], pan[-4:]), pan)
        return list(islice(cards.values(), rows))

    # --- the lists

    def _noise(self, listings: int) -> None:
        for number in islice(self.numbers, listings):
            source = "police" if number.country_code == 86 else "regulator"
            self._list(source, "phone", _e164(number), severity=int(self.random.integers(20, 100)))

    def write(self, folder: Path) -> None:
        """Accounts, feeds, jobs and the planted truth."""
        with resources.as_file(resources.files(__name__) / "files") as texts:
            shutil.copytree(texts, folder, dirs_exist_ok=True)
        for name in ("operator", "bank"):
            (folder / name / "accounts").mkdir()
        self.subscribers.write_csv(folder / "operator/accounts/subscribers.csv")
        self.customers.write_parquet(folder / "bank/accounts/customers.parquet")
        self.truth().write_csv(folder / "truth.csv")
        (folder / "token.key").touch(mode=0o600)
        (folder / "token.key").write_text(secrets.token_hex(32))
        listings = pl.DataFrame(self.listings, infer_schema_length=None)
        for source, written in _WRITTEN.items():
            written(listings.filter(pl.col("source") == source), folder / "feeds")


def _write_police(rows: pl.DataFrame, folder: Path) -> None:
    """As the police send it: Chinese headings, GB18030, numbers as people write them."""
    national = pl.col("value").str.replace(r"^\+86(\d{3})(\d{4})(\d{4})$", "$1 $2 $3")
    text = rows.select(
        national.alias("号码"), pl.col("listed_on").alias("登记日期"), pl.col("reference").alias("案件编号")
    )
    (folder / "police.csv").write_bytes(text.write_csv().encode("gb18030"))


def _write_regulator(rows: pl.DataFrame, folder: Path) -> None:
    rows.select("value", "list", "reason", "severity", "listed_on", "expires_on").write_ndjson(
        folder / "regulator.jsonl"
    )


def _write_cards(rows: pl.DataFrame, folder: Path) -> None:
    rows.select(card="value", since="listed_on").write_csv(folder / f"{rows['source'][0]}.csv")


_WRITTEN: dict[str, Callable[[pl.DataFrame, Path], None]] = {
    "police": _write_police,
    "regulator": _write_regulator,
    "bank-association": _write_cards,
    "fraud-desk": _write_cards,
}


def _import_feeds(folder: Path) -> dict[str, int]:
    """Every feed into the store; listings by source."""
    store, key = Store(folder / "lists"), TokenKey.from_file(folder / "token.key")
    counts = {}
    for source in sorted(_WRITTEN):
        feed = Feed.read(folder / f"feeds/{source}.toml")
        (file,) = (each for each in folder.glob(f"feeds/{source}.*") if each.suffix != ".toml")
        done = import_file(file, feed, store, key=key)
        counts[source] = done.counts["in_force"]
    return counts


def _example(region: str) -> phonenumbers.PhoneNumber:
    """A country's example mobile number, which nobody has."""
    number = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
    if number is None:
        raise LookupError(f"libphonenumber has no example number for {region}")
    return number


def _with_tail(example: phonenumbers.PhoneNumber, tail: int) -> phonenumbers.PhoneNumber:
    number = phonenumbers.PhoneNumber()
    number.merge_from(example)
    unit = 10**_FREE_DIGITS
    number.national_number = (example.national_number or 0) // unit * unit + tail
    return number


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return f"+{number.country_code}{phonenumbers.national_significant_number(number)}"


def _idd(number: phonenumbers.PhoneNumber) -> str:
    """What is dialled for "abroad" in the number's own country, or a plus where that depends on the carrier."""
    home = phonenumbers.region_code_for_country_code(number.country_code or 0)
    metadata = phonenumbers.PhoneMetadata.metadata_for_region(home)
    prefix = metadata.international_prefix if metadata else None
    return prefix if prefix and prefix.isdigit() else "+"


def _spell(number: phonenumbers.PhoneNumber, how: str) -> str:
    """One number as somebody wrote it down."""
    if how == "blank":
        return ""
    if how == "junk":
        return _JUNK[(number.national_number or 0) % len(_JUNK)]
    if how == "idd":
        return _idd(number) + _e164(number)[1:]
    if how == "international":
        return _formatted(number, PhoneNumberFormat.INTERNATIONAL)
    national = _formatted(number, PhoneNumberFormat.NATIONAL)
    plain = "".join(filter(str.isdigit, national))
    return {
        "national": national,
        "plain": plain,
        "two": f"{national}, {national[:-1]}9",
        "around": f"  {national} ",
        "dots": national.replace(" ", ".").replace("-", "."),
        "extension": f"{national} ext. 12",
        "full_width": plain.translate({ord(str(digit)): 0xFF10 + digit for digit in range(10)}),
        "nbsp": national.replace(" ", "\N{NO-BREAK SPACE}"),
    }[how]


def _formatted(number: phonenumbers.PhoneNumber, style: int) -> str:
    """A number as its country writes it; the shape is asked for once, since only the drawn digits differ."""
    head, tail = divmod(number.national_number or 0, 10**_FREE_DIGITS)
    zero = bool(number.italian_leading_zero)
    return _template(number.country_code or 0, head, zero, style).format(*f"{tail:0{_FREE_DIGITS}}")


@cache
def _template(country_code: int, head: int, zero: bool, style: int) -> str:
    """A written number with places for its last digits."""
    number = phonenumbers.PhoneNumber(country_code, head * 10**_FREE_DIGITS, italian_leading_zero=zero or None)
    shape = list(phonenumbers.format_number(number, style))
    places = [at for at, sign in enumerate(shape) if sign.isdigit()][-_FREE_DIGITS:]
    return "".join("{}" if at in places else sign for at, sign in enumerate(shape))


def _truncated(pan: str) -> str:
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]


def _write_card(pan: str, how: str) -> str:
    if how == "blank":
        return ""
    grouped = [pan[at : at + 4] for at in range(0, len(pan), 4)]
    return {
        "plain": pan,
        "spaces": " ".join(grouped),
        "hyphens": "-".join(grouped),
        "full_width": pan.translate({ord(str(digit)): 0xFF10 + digit for digit in range(10)}),
        "truncated": _truncated(pan),
        "junk": "see file",
    }[how]
