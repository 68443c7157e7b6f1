"""Made-up card numbers: public scheme prefixes, drawn digits, a right check digit."""

from __future__ import annotations

from itertools import islice

import numpy as np
from stdnum import luhn

_SCHEMES = {
    ("622202", 19): 25, ("621700", 19): 20, ("625912", 16): 8, ("411111", 16): 12, ("453201", 16): 6, ("510510", 16): 8,
    ("222300", 16): 4, ("378282", 15): 4, ("356600", 16): 3, ("305693", 14): 2, ("601111", 16): 2, ("670300", 16): 1,
    ("220012", 16): 2, ("607000", 16): 1, ("506699", 16): 1, ("979203", 16): 1,
}  # fmt: skip
_FULL_WIDTH = {ord(str(digit)): 0xFF10 + digit for digit in range(10)}
_WRITTEN = {
    "plain": 0.5,
    "spaces": 0.33,
    "hyphens": 0.08,
    "full_width": 0.01,
    "hidden": 0.02,
    "blank": 0.05,
    "junk": 0.01,
}


def drawn(random: np.random.Generator, rows: int) -> list[str]:
    """Distinct PANs with a right check digit; distinct in first six and last four as well."""
    weights = np.array(list(_SCHEMES.values()), dtype=float)
    schemes = list(_SCHEMES)
    cards: dict[tuple[str, str], str] = {}
    while len(cards) < rows:
        for at in random.choice(len(schemes), rows - len(cards), p=weights / weights.sum()):  # nosec B311 # made up
            prefix, length = schemes[at]
            # Two more digits of the issuer's number vary, or six and four would soon be used up.
            issuer = f"{prefix[:3]}{random.integers(1000):03}" if prefix[0] == "6" else prefix
            body = issuer + "".join(map(str, random.integers(0, 10, length - 7)))
            pan = body + luhn.calc_check_digit(body)
            cards.setdefault((pan[:6], pan[-4:]), pan)
    return list(islice(cards.values(), rows))


def styles(random: np.random.Generator, rows: int) -> list[str]:
    """How each of many cells is written."""
    drawn = random.choice(list(_WRITTEN), rows, p=list(_WRITTEN.values()))  # nosec B311 # made up
    return [str(each) for each in drawn]


def hidden(pan: str) -> str:
    """A number with its middle hidden."""
    return pan[:6] + "*" * (len(pan) - 10) + pan[-4:]


def written(pan: str, style: str) -> str:
    """One number as a cell holds it."""
    grouped = [pan[at : at + 4] for at in range(0, len(pan), 4)]
    return {
        "blank": "",
        "plain": pan,
        "spaces": " ".join(grouped),
        "hyphens": "-".join(grouped),
        "full_width": pan.translate(_FULL_WIDTH),
        "hidden": hidden(pan),
        "junk": "see file",
    }[style]
