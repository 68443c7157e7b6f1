"""How often card numbers in text are missed, and how often ordinary numbers are taken for them.

Run: python benchmarks/pans_in_text.py. Columns of a thousand values each, as a batch of accounts is looked at, of
other ids of 16 to 19 digits with more and more card numbers among them; then single texts, as in small lists.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from cardscreen.foundation.cards.in_text import Found
from cardscreen.foundation.cards.luhn import is_sound

VALUES, COLUMNS = 1_000, 100
_RNG = np.random.default_rng(1)
Texts = Callable[[int], pl.Series]


def uniform(digits: int) -> Texts:
    """Numbers of so many digits, all as likely."""
    return lambda count: pl.Series(_RNG.integers(10 ** (digits - 1), 10**digits, count, dtype=np.uint64)).cast(
        pl.String
    )


def of_all_lengths(count: int) -> pl.Series:
    """Random ids of 16 to 19 digits."""
    return pl.concat([uniform(digits)(count // 4) for digits in range(16, 20)])


def running(begin: str, step: int) -> Texts:
    """Numbers of 16 digits that rise from somewhere behind a beginning."""

    def texts(count: int) -> pl.Series:
        first = int(begin.ljust(16, "0")) + int(_RNG.integers(0, 10**8))
        return pl.Series(np.arange(first, first + count * step, step)).cast(pl.String)

    return texts


def dated(count: int) -> pl.Series:
    """Case numbers: the day, an office, and a running number."""
    days, offices = _RNG.integers(1, 29, count), _RNG.integers(100, 1000, count)
    return pl.Series(
        [f"202611{day:02}-{office}-{at:06}" for at, (day, office) in enumerate(zip(days, offices, strict=True))]
    )


def cards(bins: list[int], digits: int, *, sound: bool) -> Texts:
    """Card numbers of issuers; in some schemes one in ten has the check digit only by chance."""

    def texts(count: int) -> pl.Series:
        many = 20 * count
        rest = digits - 6
        numbers = _RNG.choice(bins, many).astype(np.uint64) * np.uint64(10**rest)
        numbers += _RNG.integers(0, 10**rest, many, dtype=np.uint64)
        return pl.Series(numbers[is_sound(numbers) if sound else slice(None)][:count]).cast(pl.String)

    return texts


BANK = cards([411122, 454321, 522222, 553333], 16, sound=True)
UNION_PAY = cards([622202, 622848, 621700], 19, sound=False)


def mixed(ids: Texts, others: Texts, share: float) -> Texts:
    """Ids, with another sort of them in a share of the rows."""

    def texts(count: int) -> pl.Series:
        some = round(share * count)
        return pl.concat([ids(count)[: count - some], others(some)])

    return texts


def refused(texts: Texts, count: int = VALUES, columns: int = COLUMNS) -> float:
    """Share of columns that are taken to hold card numbers."""
    return sum(Found.of(texts(count)).cards > 0 for _ in range(columns)) / columns


def alone(texts: Texts, count: int = 2_000) -> float:
    """Share of texts that are taken to hold one, where there are too few of them to compare."""
    drawn = texts(count)
    parts = (drawn[start : start + 10] for start in range(0, count, 10))
    return sum(int(Found.of(part).doubtful.sum()) for part in parts) / count


def main() -> None:
    """Print both rates."""
    print(f"columns of {VALUES:,} values, {COLUMNS} each: share refused")
    ordinary: dict[str, Texts] = {f"random ids of {digits} digits": uniform(digits) for digits in range(13, 20)}
    ordinary |= {"random ids of 16 to 19 digits": of_all_lengths, "day-office-number": dated}
    ordinary |= {f"running numbers 1…, by {step}": running("1", step) for step in (1, 7, 10)}
    ordinary["day-office-number, 45 % running numbers 4…"] = mixed(dated, running("4", 1), 0.45)
    for name, texts in ordinary.items():
        print(f"  {name:52} {refused(texts):8.4f}   should be 0")
    for what, numbers in (("Visa and Mastercard", BANK), ("UnionPay, one in ten sound", UNION_PAY)):
        for share in (0.005, 0.01, 0.02, 0.05, 0.1, 0.3, 1.0):
            among_ids = refused(mixed(of_all_lengths, numbers, share))
            among_names = refused(mixed(lambda count: pl.Series([f"A{at}" for at in range(count)]), numbers, share))
            said = f"{what}, in {share:.1%} of the rows"
            print(f"  {said:52} {among_ids:8.4f}   among ids of 16 to 19 digits; {among_names:.4f} among short ids")
    print("single texts, fewer than twenty: share taken for a card number")
    for name, texts in {**ordinary, "Visa and Mastercard": BANK, "UnionPay": UNION_PAY}.items():
        print(f"  {name:52} {alone(texts):8.4f}")


if __name__ == "__main__":
    main()
