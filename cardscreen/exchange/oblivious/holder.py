"""The holder of a list: offers what the function makes of it, and evaluates what it can't see."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.exchange import letters
from cardscreen.exchange.admission import admitted, require_new
from cardscreen.exchange.agreement import Agreement, days
from cardscreen.exchange.home import Home
from cardscreen.exchange.letters import ROW, rows_of
from cardscreen.exchange.matching import read_by
from cardscreen.exchange.oblivious.rfc9497 import WrongProof, public_key, require_libraries
from cardscreen.exchange.oblivious.workers import BATCH, Workers, inputs_of
from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.process.progress import Tell
from cardscreen.foundation.secrets.boxes import PIECE
from cardscreen.lists.blocklist import stands
from cardscreen.lists.store.table import Store

_PAIR, _SEED = "pair", 32  # bytes
#: Listings of which the values are not known, or too many.
_LEFT_OUT = {"range": "ranges", "truncated": "with hidden digits", "token": "known as tokens only"}


def offer(
    agreement: Agreement, store: str | Path, out: Path, sources: Sequence[str], *, force: bool, tell: Tell
) -> dict[str, Any]:
    """Write the outputs of all values that a store lists, in the order of the outputs, which says nothing."""
    agreement.require("oprf", "offer")
    letters.check_out(out, read_by(agreement), force=force)
    require_libraries()
    home, other = Home(agreement, agreement.holder), agreement.other(agreement.holder)
    with home.locked():
        seed = _seed(home)
        tell("choosing listings")
        values, left_out = _listed(agreement, Store(store), sources, other)
        if values.is_empty():
            raise InputError(
                f"{store} lists no value of {', '.join(agreement.said.kinds)} that can be offered"
                f"{_why(left_out)}: nothing is written"
            )
        counts = {kind: int((values["kind"] == kind).sum()) for kind in agreement.said.kinds}
        with Workers(tell, len(values)) as workers:
            batches = ((seed, inputs_of(part)) for part in values.iter_slices(BATCH))
            results = workers.done("outputs", batches, "computing outputs")
            ends = pl.Series("row", [each[:ROW] for part in results for each in part], dtype=pl.Binary)
        header = letters.begun(agreement, "offer", home.party, counts, len(values), public_key=public_key(seed).hex())
        tell("writing the offer")
        parts = (b"".join(part.to_series()) for part in ends.sort().to_frame().iter_slices(PIECE // ROW))
        home.deliver(out, header, parts, disclosed=len(values))
    return {
        "step": "offer",
        "file": str(out),
        "letter": header.letter,
        "identifiers": counts,
        "left_out": left_out,
        "expires_on": header.expires_on.isoformat(),
    }


def evaluate(agreement: Agreement, file: Path, out: Path, *, again: bool, force: bool, tell: Tell) -> dict[str, Any]:
    """Write what the function makes of blinded values; this counts against the limits, and so ends enumeration."""
    agreement.require("oprf", "evaluate")
    letters.check_out(out, [file, *read_by(agreement)], force=True)
    require_libraries()
    home = Home(agreement, agreement.holder)
    with home.locked():
        letter = letters.opened(file, agreement, "blind", agreement.other(agreement.holder))
        pair = home.kept(_PAIR)
        if pair is None:
            raise InputError(f"nothing was offered under {agreement.id!r} yet: cardscreen exchange offer comes first")
        seed, asked = pair["seed"][0], letters.rising(rows_of(letter.rows()), letter).to_frame()
        told = {"step": "evaluate", "file": str(out), "to_letter": letter.header.letter, "asked": len(asked)}
        require_new(home, letter, "evaluate", [out], again=again, force=force)
        if (before := admitted(home, letter, "evaluate", out)) is not None:
            return {**told, "letter": before}
        with Workers(tell, len(asked)) as workers:
            batches = ((seed, list(part.to_series())) for part in asked.iter_slices(BATCH))
            try:
                done = list(workers.done("evaluated", batches, "evaluating"))
            except WrongProof:
                raise home.refused(
                    "evaluate", letter, f"{file} holds what no blinding makes: nothing of it is answered"
                ) from None
        proofs = b"".join(proof for _, proof in done)
        header = letters.begun(
            agreement,
            "evaluate",
            home.party,
            {letters.VALUES: len(asked)},
            len(asked),
            to_letter=letter.header.letter,
            proofs=len(proofs),
            public_key=public_key(seed).hex(),
        )
        tell("writing the answer")
        parts = (*(elements for elements, _ in done), proofs)
        home.deliver(out, header, parts, disclosed=len(asked), asked=letter.header.rows, again=again)
    return {**told, "letter": header.letter}


def _seed(home: Home) -> bytes:
    """The holder's secret, from which its key pair is made; made once, of chance alone."""
    kept = home.kept(_PAIR)
    if kept is None:
        kept = pl.DataFrame({"seed": [secrets.token_bytes(_SEED)]})
        home.keep(_PAIR, kept)
    seed: bytes = kept["seed"][0]
    return seed


def _listed(
    agreement: Agreement, store: Store, sources: Sequence[str], other: str
) -> tuple[pl.DataFrame, dict[str, int]]:
    """kind, value of what can be offered, and how many listings can't, by why.

    What another institution has named is not this side's to offer; what was found here from what others list only where
    it is named; and what an allow listing holds is no risk.
    """
    lists = store.blocklist()
    if unknown := [name for name in sources if name not in lists.origins]:
        raise ConfigError(f"--source: the store has no source {unknown[0]!r}: it has {', '.join(lists.origins)}")
    (first, last), kinds = days(), agreement.said.kinds
    derived = [name for name, origin in lists.origins.items() if origin.terms.derived and name not in sources]
    begun = pl.col("listed_on").is_null() | (pl.col("listed_on") <= last)
    in_force = lists.lazy.filter(begun & stands(first, last) & pl.col("kind").is_in(kinds))
    ours = ~pl.col("source").is_in([*derived, other]) & (pl.col("reason") != schema.NAMED)
    wanted = ours & pl.col("source").is_in(list(sources)) if sources else ours
    allowed = in_force.filter((pl.col("list") == "allow") & (pl.col("match") == "exact"))
    block = in_force.filter((pl.col("list") == "block") & wanted).collect()
    exact = block.filter(pl.col("match") == "exact").select("kind", "value").unique()
    values = exact.lazy().join(allowed, on=["kind", "value"], how="anti").sort("kind", "value").collect()
    counts = dict(block["match"].cast(pl.String).value_counts().rows())
    others = {told: counts.get(match, 0) for match, told in _LEFT_OUT.items()}
    others["on an allow list"] = len(exact) - len(values)
    return values, {why: count for why, count in others.items() if count}


def _why(left_out: dict[str, int]) -> str:
    told = ", ".join(f"{count:,} {why}" for why, count in left_out.items())
    return f" ({told} can't)" if told else ""
