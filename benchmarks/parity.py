"""A million awkward strings of each kind that has a reference: is every verdict the reference's?

Of phone numbers every field is compared with what `phonenumbers` says; of the others whether they are valid, as
`python-stdnum` and, of e-mail addresses, `email-validator` have it.

Run: python benchmarks/parity.py [how many] [kinds]. Prints every difference (there should be none), and how many
strings were left to `phonenumbers` anyway.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/helpers"))

import phonenumbers
import polars as pl
from of_each_kind import COMPARED

import cardscreen as cs
from cardscreen.kinds.phone.numbering import lookup, reference

_CHARACTERS = "0123456789" * 4 + "+＋ -.()/~*#;,x" + "０５９٣۷\u00a0\u200b\u00ad\u2060\u3000\t\n\u202f–—[]"
_SPECIAL = [*_CHARACTERS, "ext", "tel:", "00", "86"]
_CHUNK = 20_000

Asked = tuple[str, str | None]


def examples() -> list[tuple[phonenumbers.PhoneNumber, str]]:
    """The example numbers of all regions and types."""
    found = []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in phonenumbers.PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                found.append((number, region))
    return found


def awkward(seed: int) -> Iterator[Asked]:
    """Strings without end: real numbers cut, stretched and prefixed, random digits, and messy text."""
    chance = random.Random(seed)  # nosec B311 # repeatable
    numbers = examples()
    regions: list[str | None] = [*sorted(phonenumbers.SUPPORTED_REGIONS), None]
    while True:
        number, home = chance.choice(numbers)
        region = chance.choice([home, home, home, chance.choice(regions)])
        national = phonenumbers.national_significant_number(number)
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(home)
        trunk = (metadata.national_prefix if metadata else None) or ""
        tail = chance.randint(0, 6)
        varied = national[: len(national) - tail] + "".join(chance.choices("0123456789", k=tail))
        code = str(number.country_code)
        front = chance.choice(["", "", trunk, code, "+" + code, "00" + code, "011" + code, code + code, trunk + code])
        text = chance.choice([front, front + chance.choice(["", trunk, code, "0", "1", "179", "12593"])]) + varied
        way = chance.randrange(8)
        if way == 0:
            text = text[: chance.randint(0, len(text))]
        elif way == 1:
            text += "".join(chance.choices("0123456789", k=chance.randint(1, 6)))
        elif way == 2:
            text = "".join(chance.choices("0123456789", k=chance.randint(1, 22)))
        elif way == 3:
            at = chance.randint(0, len(text))
            text = text[:at] + "".join(chance.choices(_SPECIAL, k=chance.randint(1, 3))) + text[at:]
        elif way == 4:
            text = "".join(chance.choices(_SPECIAL, k=chance.randint(1, 20)))
        elif way == 5:
            text = phonenumbers.format_number(number, chance.choice([0, 1, 2, 3]))
        yield text, region


def differences(seed: int) -> tuple[int, int, list[str]]:
    """How many strings were compared, how many asked, and each difference."""
    source = awkward(seed)
    asked = [next(source) for _ in range(_CHUNK)]
    frame = pl.DataFrame(asked, schema={"text": pl.String, "region": pl.String}, orient="row")
    rows = frame.select(cs.phone("text", pl.col("region")).struct.unnest()).rows()
    left = len(lookup.tell(frame["text"], frame["region"]).rows)
    found = []
    for (text, region), row in zip(asked, rows, strict=True):
        expected = (None, None, None, "missing") if not text.strip() else reference.answer(text, region)
        if row != expected:
            found.append(f"{text!r} in {region}: {row} instead of {expected}")
    return len(asked), left, found


def differing(kind: str, seed: int) -> list[str]:
    """Strings of another kind on which the verdicts differ."""
    compared = COMPARED[kind]
    return compared.differences(list(compared.strings(seed, _CHUNK)))


def main() -> None:
    """Compare, print, and fail on a difference."""
    strings = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    kinds = sys.argv[2:] or ["phone", *COMPARED]
    chunks, wrong = range(-(-strings // _CHUNK)), 0
    with ProcessPoolExecutor() as pool:
        for kind in kinds:
            begun = time.perf_counter()
            if kind == "phone":
                answers = list(pool.map(differences, chunks))
                compared, left = sum(many for many, _, _ in answers), sum(asked for _, asked, _ in answers)
                found = [line for *_, lines in answers for line in lines]
                more = f"{left / compared:.1%} asked, "
            else:
                found = [repr(text) for texts in pool.map(partial(differing, kind), chunks) for text in texts]
                compared, more = len(chunks) * _CHUNK, ""
            for line in found:
                print(line)
            wrong += len(found)
            seconds = time.perf_counter() - begun
            print(f"{kind}: {compared:,} strings, {len(found)} differences, {more}{seconds:.0f} s")
    sys.exit(min(wrong, 1))


if __name__ == "__main__":
    main()
