"""How fast IBANs, IMEIs, IMSIs, ICCIDs, resident ids and e-mail addresses are read: against a loop over a reference.

The same strings on one thread each: nine in ten as they should be, one edited. `python-stdnum` is the reference, and of
e-mail addresses `email-validator`, by the syntax alone; of ICCIDs the loop does no more than the Luhn check.
Of kinds whose plain cells have their keys by compiled loops, these are timed, too: they are what screening
reads. `benchmarks/parity.py` compares the verdicts.

Run: POLARS_MAX_THREADS=1 python benchmarks/identifiers.py [how many strings]
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("POLARS_MAX_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1] / "tests/helpers"))

import polars as pl
from of_each_kind import COMPARED, an_iccid
from timing import per_second

import cardscreen as cs
from cardscreen.kinds.kind import Kind

COUNT = 500_000
ASKED = 20_000  # strings that the peer, much slower, is timed with
SLIPS = 0.1
SCREENED: dict[str, Kind] = {
    "iban": cs.Iban(),
    "imei": cs.Imei(),
    "imsi": cs.Imsi(),
    "iccid": cs.Iccid(),
    "resident_id": cs.ResidentId(),
}


def main() -> None:
    """Print the speeds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    for name, kind in COMPARED.items():
        if name == "iccid":  # of all lengths and issuers
            kind = replace(kind, made=an_iccid)
        frame = pl.DataFrame({"x": list(kind.strings(11, count, SLIPS))})
        ours = per_second(lambda: frame.select(kind.fields("x")), count)  # noqa: B023
        asked = frame["x"].head(ASKED).to_list()
        theirs = per_second(lambda: [kind.reference(text) for text in asked], len(asked))  # noqa: B023
        line = f"{name}: {ours:,.0f} a second, the loop {theirs:,.0f}: {ours / theirs:.0f} times"
        if name in SCREENED:
            keys = per_second(lambda: SCREENED[name].keys_of(frame), count)  # noqa: B023
            line += f", and {keys / theirs:.0f} times as keys"
        print(line)


if __name__ == "__main__":
    main()
