"""Card numbers in text that is shown as it is: ids, references, notes.

Ordinary numbers of as many digits are about as frequent in such text as card numbers should not be. A text that holds
the row's own card number is told for sure. Of others, one in ten passes the check digit by chance, so single
numbers prove little, and a column is judged by how many more pass than chance lets.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import exp, log

import numpy as np
import polars as pl

from cardscreen.foundation.cards import schemes
from cardscreen.foundation.cards.luhn import luhn_ok
from cardscreen.foundation.cards.schemes import LONGEST, SHORTEST
from cardscreen.foundation.lookup.digits import Flags, Rows, digits_in, may_hold_digits, taken

#: Fewest digits of others' numbers that are looked at; twelve are not rare among other numbers.
_SHORTEST_SOUGHT = 13
#: Schemes with cards that fail the check: UnionPay's debit cards, and Naranja, which has one of its own.
_FAILING = ["unionpay", "naranja"]
_CARD_NUMBER = rf"^[0-9]{{{SHORTEST},}}$"
#: As many digits as a card number has, of any script.
_MANY_DIGITS = rf"\d(?:[^A-Za-z\d]{{0,3}}\d){{{SHORTEST - 1}}}"
_NOT_ASCII = r"[\p{Nd}&&[^0-9]]"
#: Digits with at most three signs between each two that are neither letters nor digits.
_RUN = r"[0-9](?:[^\p{L}0-9*•]{0,3}[0-9])*"
#: Card numbers in the groups in which they are printed; two phone numbers are not so long.
_SIZES = ("4 4 4 4", "4 4 4 4 3", "4 6 5", "8 8", "6 10", "6 13", "8 11", "15", "16", "19")
_SIGNS = r"[^\p{L}0-9*•]{1,3}"
_SHAPES = [f"(?:^|[^0-9]){_SIGNS.join(f'[0-9]{{{size}}}' for size in sizes.split())}(?:[^0-9]|$)" for sizes in _SIZES]
_LONG_RUN = r"[0-9](?:[^\p{L}0-9*•]{0,3}[0-9]){12,}"
#: A word with a number in one piece: an id, which by itself may be an ordinary one.
_ID = r"^\S*[0-9]{13}\S*$"
_GROUP, _GROUPS = 3, 6  # digits of a card number's groups, but the last one, at least; groups at most
#: Of other numbers of known schemes and lengths, those that pass the check; of all, those like the failing ones.
_SOUND_BY_CHANCE, _FAILING_BY_CHANCE = 0.1, 0.03
#: So seldom would so many pass by chance that a column is one of card numbers; and where it is to be doubted.
_SURE, _DOUBTFUL = 1e-6, 1e-2
_MANY = 20  # numbers, of which can be told what is chance
_LONG = 16  # digits of what may be a card that fails the check
_USUAL, _BEGUN = (15, 16, 19), (16, 19)  # digits of most card numbers; of those that more digits may stand around


def tell_own(texts: pl.Series, own: pl.Series, rows: Rows) -> Flags:
    """Whether each text holds the secret number beside it, whatever signs stand between its digits and letters.

    Args:
        texts: String.
        own: String, as many: canonical values; null where there is none.
        rows: `rows_with_digits` of the texts.

    Example:
        >>> texts = pl.Series(["CARD-4111.1111.1111/1111", "a 1", "de02-1203 0000 0000 2020 51"])
        >>> own = pl.Series(["4111111111111111", "4111111111111111", "DE02120300000000202051"])
        >>> tell_own(texts, own, rows_with_digits(texts)).tolist()
        [True, False, True]
    """
    shows = np.zeros(len(texts), dtype=bool)
    if len(rows):
        shows[rows] = _tell_digits(taken(texts, rows), taken(own, rows))
    long = (texts.str.len_bytes() >= own.str.len_bytes()).fill_null(value=False).arg_true()
    other = long.gather((~own.gather(long).str.contains(_CARD_NUMBER)).arg_true()).to_numpy()
    if len(other):
        # Letters are compared, too; and so few digits may stand in text that `rows` leaves out.
        text, value = (_without_signs(taken(each, other)) for each in (texts, own))
        pairs = pl.DataFrame({"text": text, "own": value})
        shows[other] = pairs.select(pl.col("text").str.contains(pl.col("own"), literal=True)).to_series().to_numpy()
    return shows


def _without_signs(texts: pl.Series) -> pl.Series:
    return _folded(texts).str.to_lowercase().str.replace_all(r"[^\p{L}0-9]+", "")


def _tell_digits(texts: pl.Series, own: pl.Series) -> Flags:
    """Whether each text holds the digits beside it."""
    digits = _digits_in(texts)
    shows = (digits == own).fill_null(value=False).to_numpy().copy()
    # Most ids are as long as a card number or shorter, and to look within a text takes twenty times as long.
    longer = (digits.str.len_bytes() > own.str.len_bytes()).arg_true().to_numpy()
    held = pl.DataFrame({"digits": taken(digits, longer), "own": taken(own, longer)})
    shows[longer] = held.select(pl.col("digits").str.contains(pl.col("own"), literal=True)).to_series().to_numpy()
    return shows


def rows_with_digits(texts: pl.Series) -> Rows:
    """The rows, rising, of the texts that hold as many digits as a card number without a letter between them."""
    held = (texts.str.len_bytes() >= SHORTEST).fill_null(value=False).to_numpy().copy()
    long: Rows = np.flatnonzero(held)
    some = taken(texts, long)
    # Digits and nothing else, as most ids are, read as a number ten times as fast as a pattern finds them.
    other = some.cast(pl.UInt64, strict=False).is_null().arg_true().to_numpy()
    held[long[other]] = False
    other = other[may_hold_digits(taken(some, other), SHORTEST)]
    held[long[other]] = taken(some, other).str.contains(_MANY_DIGITS).to_numpy()
    return np.flatnonzero(held)


def _digits_in(texts: pl.Series) -> pl.Series:
    """The digits of each text as ASCII, and nothing else."""
    odd = texts.cast(pl.UInt64, strict=False).is_null().arg_true()
    if not len(odd):
        return texts
    # `scatter` writes into the series itself.
    return texts.clone().scatter(odd, digits_in(_folded(taken(texts, odd.to_numpy()))))


def _folded(texts: pl.Series) -> pl.Series:
    """The texts with the digits of all scripts as ASCII."""
    return texts.str.replace_many(_other_digits()) if texts.str.contains(_NOT_ASCII).any() else texts


@cache
def _other_digits() -> dict[str, str]:
    """Decimal digits of all scripts but ASCII's own (Unicode's category Nd)."""
    values = ((chr(code), unicodedata.decimal(chr(code), None)) for code in range(0x80, sys.maxunicode + 1))
    return {digit: str(value) for digit, value in values if value is not None}


def without_cards_in(texts: pl.Series) -> pl.Series:
    """Texts for people, with `…` in place of digits that are a card's beyond reasonable doubt.

    What is judged is each text by itself: a number of a known scheme and length that passes the check, written in
    groups or among words. A word that is one number may be an ordinary id, of which only a whole column tells.

    Example:
        >>> without_cards_in(pl.Series(["paid by 4111 1111 1111 1111", "4111111111111111"])).to_list()
        ['paid by …', '4111111111111111']
    """
    rows = rows_with_digits(texts)
    if not len(rows):
        return texts
    some = _folded(taken(texts, rows))
    drawn = [pl.DataFrame({"text": np.arange(len(some)), "digits": some.str.extract_all(shape)}) for shape in _SHAPES]
    written = pl.concat(drawn).explode("digits", empty_as_null=False)
    numbers = Found.judged(written.with_columns(digits_in(written["digits"])), len(some)).numbers
    held = np.zeros(len(some), dtype=bool)
    held[numbers.filter(pl.col("known") & pl.col("sound"))["text"].to_numpy()] = True
    held &= ~some.str.contains(_ID).to_numpy()
    if not held.any():
        return texts
    return texts.clone().scatter(pl.Series(rows[held]), some.filter(pl.Series(held)).str.replace_all(_LONG_RUN, "…"))


@dataclass(frozen=True)
class Found:
    """The numbers in texts that are as long as a card's.

    Attributes:
        numbers: text (UInt32, its row), and of each number whether it is `known`, of a scheme and of a length that it
            issues, is `sound`, passes the check, and `counts` as a card number: is both, or of a scheme with cards
            that fail.
        texts: How many texts there are.
    """

    numbers: pl.DataFrame
    texts: int

    @classmethod
    def of(cls, texts: pl.Series) -> Found:
        """Those in texts."""
        runs = _runs(texts)
        # Most texts that are looked at hold none.
        return cls(_NONE, len(texts)) if runs.is_empty() else cls.judged(_windows(runs), len(texts))

    @classmethod
    def all_in(cls, texts: pl.Series, *, others: int) -> Iterator[Found]:
        """What `of` finds in texts; then what has more digits directly before or behind it: each once, if it is sound.

        Args:
            texts: The texts.
            others: How many there are beside them, with fewer digits.
        """
        runs, size = _runs(texts), len(texts) + others
        yield cls.judged(_windows(runs), size)
        groups = runs.select("text", digits=pl.col("run").str.extract_all("[0-9]+"))
        groups = groups.explode("digits", empty_as_null=False)
        for length in _BEGUN:
            longer = groups.filter(pl.col("digits").str.len_bytes() > length)
            for side in (pl.col("digits").str.head(length), pl.col("digits").str.tail(length)) if len(longer) else ():
                longest = cls.judged(longer.with_columns(side).unique("digits"), size)
                counts = pl.col("known") & pl.col("sound")
                yield cls(longest.numbers.with_columns(counts=counts, failing=False, long=False), size)

    @classmethod
    def judged(cls, written: pl.DataFrame, texts: int) -> Found:
        """Of numbers (text, digits) what they are."""
        number, length = written.select(pl.col("digits").cast(pl.UInt64), length=pl.col("digits").str.len_bytes())
        scheme, issued = schemes.of_pans(number, length)
        known = (scheme != schemes.UNKNOWN) & issued
        failing = scheme.is_in(_FAILING) & (length >= _LONG)
        sound = number.to_frame().select(luhn_ok(pl.first())).to_series()
        columns = {"known": known, "sound": sound, "counts": known & (sound | failing), "failing": failing}
        columns |= {"long": length >= _LONG, "usual": length.is_in(_USUAL)}
        return cls(written.select("text").with_columns(**columns), texts)

    @property
    def _by_chance(self) -> float:
        """How many of the numbers would count if none were a card's."""
        others = int((self.numbers["known"] & ~self.numbers["failing"]).sum())
        return _SOUND_BY_CHANCE * others + _FAILING_BY_CHANCE * len(self.numbers)

    def _beyond_chance(self, odds: float) -> bool:
        """Whether so many numbers count as would by chance at most so often."""
        return is_beyond_chance(int(self.numbers["counts"].sum()), len(self.numbers), self._by_chance, odds)

    @property
    def cards(self) -> int:
        """How many of the texts hold card numbers, where that is sure of some; else none.

        More numbers pass the check than chance lets, or most texts hold a number that could be a card's but for it.
        """
        if sure := self.sure_cards:
            return sure
        alike = self.numbers.filter(pl.col("known") & pl.col("long"))["text"].n_unique()
        return alike if alike >= _MANY and 2 * alike > self.texts else 0

    @property
    def sure_cards(self) -> int:
        """How many hold card numbers, where more pass the check than chance lets; else none."""
        return self.numbers.filter("counts")["text"].n_unique() if self._beyond_chance(_SURE) else 0

    @property
    def doubtful(self) -> Flags:
        """Which of the texts may hold a card number: not to be shown, unless so many pass the check by chance.

        Of few numbers, those count that are as long as most cards': ids of persons have eighteen digits.
        """
        flags = np.zeros(self.texts, dtype=bool)
        few = len(self.numbers) < _MANY
        if few or self._beyond_chance(_DOUBTFUL):
            flags[self.numbers.filter(pl.col("counts") & (pl.col("usual") | (not few)))["text"].to_numpy()] = True
        return flags


def is_beyond_chance(counting: int, of: int, by_chance: float, odds: float = _SURE) -> bool:
    """Whether so many of some count as would by chance at most so often (Chernoff's bound).

    Args:
        counting: How many count.
        of: How many there are.
        by_chance: How many would count by chance.
        odds: How seldom that is sure.
    """
    if not counting or counting <= by_chance:
        return False
    share, chance = counting / of, by_chance / of
    others = (1 - share) * log((1 - share) / (1 - chance)) if share < 1 else 0.0
    return exp(-of * (share * log(share / chance) + others)) < odds


_FLAGS = ("known", "sound", "counts", "failing", "long", "usual")
_NONE = pl.DataFrame(schema={"text": pl.UInt32, **dict.fromkeys(_FLAGS, pl.Boolean)})


def _runs(texts: pl.Series) -> pl.DataFrame:
    """The digits in texts, with what stands between them: text, run and `at`, its number."""
    rows = rows_with_digits(texts)
    digits = _folded(taken(texts, rows)).str.extract_all(_RUN)
    runs = pl.DataFrame({"text": rows.astype(np.uint32), "run": digits})
    return runs.explode("run", empty_as_null=False).with_row_index("at")


def _windows(runs: pl.DataFrame) -> pl.DataFrame:
    """What in runs of digits is as long as a card number: a group of digits, or several that follow.

    Args:
        runs: Of `_runs`.

    Returns:
        text and `digits`.
    """
    groups = runs.select("text", "at", group=pl.col("run").str.extract_all("[0-9]+"))
    whole = groups.select("text", digits=pl.col("group").list.join(""))
    single = groups.explode("group", empty_as_null=False)
    parts = [whole]
    digits, within = pl.col("group"), pl.lit(value=True)
    for further in range(_GROUPS):
        parts.append(single.select("text", digits=pl.when(within).then(digits)))
        following = pl.col("group").shift(-further - 1)
        within = within & (pl.col("group").shift(-further).str.len_bytes() >= _GROUP)
        within = within & (pl.col("at").shift(-further - 1) == pl.col("at"))
        digits = digits + following
    length = pl.col("digits").str.len_bytes()
    return pl.concat(parts).filter(length.is_between(_SHORTEST_SOUGHT, LONGEST)).unique(maintain_order=True)
