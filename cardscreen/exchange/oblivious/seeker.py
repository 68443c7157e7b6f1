"""The side that screens: blinds its own values, and finds which of them the holder lists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cardscreen.exchange import letters
from cardscreen.exchange.admission import done_before, require_new
from cardscreen.exchange.agreement import Agreement
from cardscreen.exchange.choosing import kinds_of
from cardscreen.exchange.home import Home
from cardscreen.exchange.letters import ROW, Letter, rows_of
from cardscreen.exchange.matching import (
    check_feed,
    files_with,
    matched,
    of_feed,
    read_by,
    readable,
    write_feed,
    write_matches,
)
from cardscreen.exchange.oblivious.rfc9497 import PROOF, WrongProof, require_libraries
from cardscreen.exchange.oblivious.workers import BATCH, Workers, inputs_of
from cardscreen.foundation.errors import InputError
from cardscreen.foundation.lookup.digits import Keys
from cardscreen.foundation.lookup.members import Members
from cardscreen.foundation.process.progress import Tell
from cardscreen.kinds.kind import whole_numbers
from cardscreen.kinds.tokens import TokenKey, digest_of, token_by_kind, token_of
from cardscreen.leads.base.opening import open_base
from cardscreen.runs.job import Job
from cardscreen.tables.opening import detached, explaining
from cardscreen.tables.writing import check

_PENDING, _OUTPUTS = "pending", "outputs"
#: What was answered: this side's own token of a value, and what the function makes of that.
_KNOWN = {"kind": pl.String, "digest": pl.Binary, "output": pl.Binary}


def blind(agreement: Agreement, job: Job, out: Path, *, again: bool, force: bool, tell: Tell) -> dict[str, Any]:
    """Write the values of a job's accounts that were not asked about before, blinded."""
    agreement.require("oprf", "blind")
    letters.check_out(out, read_by(agreement, job), force=force)
    require_libraries()
    said = agreement.said
    home = Home(agreement, agreement.other(agreement.holder))
    kinds_of(agreement, job)
    with home.locked():
        key = home.token_key()
        tell("reading the accounts")
        reading = readable(agreement, job, key)
        fresh, more, hidden = _fresh(agreement, job, key, _asked_before(home, unanswered=not again))
        if len(fresh) < said.min_identifiers:
            waiting = home.names(_PENDING)
            hint = (
                " A request is not answered yet: --again asks about its values anew"
                if waiting and not again
                else " What was answered before is compared with a new offer by cardscreen exchange finish alone"
            )
            raise InputError(
                f"the accounts carry {len(fresh):,} values that were not asked about before, and the agreement's "
                f"min_identifiers is {said.min_identifiers:,}: smaller requests are fishing, and nothing is written."
                + hint
            )
        with Workers(tell, len(fresh)) as workers:
            batches = ((inputs_of(part),) for part in fresh.iter_slices(BATCH))
            done = workers.done("blinded", batches, "blinding")
            pairs = [pair for part in done for pair in part]
        blinds, elements = zip(*pairs, strict=True)
        pending = fresh.with_columns(
            blind=pl.Series(blinds, dtype=pl.Binary), element=pl.Series(elements, dtype=pl.Binary)
        ).sort("element")
        header = letters.begun(agreement, "blind", home.party, {letters.VALUES: len(pending)}, len(pending))
        home.keep(f"{_PENDING}/{header.letter}", pending, header.expires_on)
        home.pin(job=str(job.files["job"]))
        tell("writing the request")
        rows = b"".join(pending["element"])
        home.deliver(out, header, letters.in_pieces(rows), disclosed=0)
    return {
        "step": "blind",
        "file": str(out),
        "letter": header.letter,
        "identifiers": len(pending),
        "more": more,
        "hidden": hidden,
        "not_compared": reading.not_compared(agreement),
        "read": reading.told(),
        "expires_on": header.expires_on.isoformat(),
    }


def finish(
    agreement: Agreement,
    files: Sequence[Path],
    out: Path,
    job: Job | None,
    feed: Path | None,
    *,
    again: bool,
    force: bool,
    tell: Tell,
) -> dict[str, Any]:
    """Write which accounts are listed: what was evaluated, now and before, against an offer."""
    agreement.require("oprf", "finish")
    require_libraries()
    home = Home(agreement, agreement.other(agreement.holder))
    with home.locked():
        job = job or _job_of(home)
        inputs = [*files, *read_by(agreement, job)]
        check(out, inputs, force=True)
        check_feed(agreement, job, agreement.holder, feed, inputs)
        offered, answered = _letters(agreement, files)
        require_new(home, answered, "finish", files_with(out, feed), again=again, force=force)
        _check_pins(home, offered, answered)
        if answered is not None:
            tell("checking proofs")
            _take_in(home, answered, tell)
        tell("comparing with the offer")
        known = _known(home)
        listed = known.filter(pl.col("output").is_in(_in_both(known["output"], offered).implode()))
        key = home.token_key()
        tokens = listed.select("kind", token=token_of(pl.col("digest"), key.id)).unique()
        tell("screening the accounts")
        found = matched(agreement, job, tokens, key)
        if feed is not None:
            write_feed(agreement, job, found.table, key, agreement.holder, feed)
        write_matches(found.table, out, force=force)
        home.pin(offer_made_at=offered.header.told)
        if answered is not None:
            home.took("finish", answered, to_letter=answered.header.to_letter)
            home.forget(f"{_PENDING}/{answered.header.to_letter}")
        home.took("compare", offered, matches=len(tokens), **of_feed(feed, job))
    return {
        "step": "finish",
        "file": str(out),
        "compared": len(known),
        "matches": len(tokens),
        "not_compared": found.reading.not_compared(agreement),
        "read": found.reading.told(),
        "accounts": found.table["account_id"].n_unique(),
        "feed": None if feed is None else str(feed),
    }


def _asked_before(home: Home, *, unanswered: bool) -> Keys:
    """The first eight bytes of the own tokens of what was asked about and answered, or `unanswered` as well."""
    parts = [_known(home)["digest"]]
    for name in home.names(_PENDING) if unanswered else ():
        pending = home.kept(name)
        if pending is not None:
            parts.append(pending["digest"])
    return _keys(pl.concat(parts))


def _known(home: Home) -> pl.DataFrame:
    parts = [table for name in home.names(_OUTPUTS) if (table := home.kept(name)) is not None]
    return pl.concat([pl.DataFrame(schema=_KNOWN), *parts])


def _keys(digests: pl.Series) -> Keys:
    first = digests.bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64, endianness="big")
    return first.to_numpy()


def _fresh(agreement: Agreement, job: Job, key: TokenKey, before: Keys) -> tuple[pl.DataFrame, bool, int]:
    """kind, value, digest of what was not asked about; whether one request may not hold all; and how many hide digits.

    Which of many come first depends on their tokens alone.
    """
    most, day = agreement.said.max_identifiers, job.today()
    asked = Members(before)
    fresh = pl.DataFrame(schema={"kind": pl.String, "value": pl.String, "digest": pl.Binary})
    hidden = fresh.select("kind", "value")
    more = False
    job = job.on(day)
    with explaining(job.accounts, job.reading):
        for part in open_base(job, day, kinds_of(agreement, job)).values():
            whole = whole_numbers(part)
            hidden = pl.concat([hidden, part.join(whole, on=["kind", "value"], how="anti")]).unique()
            value = pl.col("number")
            named = whole.select("kind", value=value, digest=digest_of(token_by_kind(pl.col("kind"), value, key)))
            new = np.setdiff1d(np.arange(len(named)), asked.among(_keys(named["digest"])), assume_unique=True)
            fresh = pl.concat([fresh, named[new].select(fresh.columns)]).unique("digest")
            more = more or len(fresh) > most
            fresh = detached(fresh.bottom_k(most, by="digest") if len(fresh) > most else fresh)
    return fresh.sort("digest"), more, len(hidden)


def _job_of(home: Home) -> Job:
    """The job whose values were blinded."""
    job = home.pinned().get("job")
    if job is None:
        raise InputError("nothing was blinded here yet: cardscreen exchange blind comes first, or say --job")
    return Job.read(job)


def _letters(agreement: Agreement, files: Sequence[Path]) -> tuple[Letter, Letter | None]:
    """The offer, and what was evaluated where that is given, in whichever order."""
    by_step: dict[str, Path] = {}
    for file in files:
        step = letters.step_of(file)
        if step in by_step:
            raise InputError(f"{by_step[step]} and {file} are both of the step {step!r}: give one of them")
        by_step[step] = file
    other = [file for step, file in by_step.items() if step not in ("offer", "evaluate")]
    for file in other:
        letters.opened(file, agreement, "evaluate", agreement.holder)
    if "offer" not in by_step:
        raise InputError("give the other side's offer, too: what was evaluated is compared with it")
    answered = by_step.get("evaluate")
    return (
        letters.opened(by_step["offer"], agreement, "offer", agreement.holder),
        letters.opened(answered, agreement, "evaluate", agreement.holder) if answered else None,
    )


def _check_pins(home: Home, offered: Letter, answered: Letter | None) -> None:
    """Refuse another key than that which was seen first, and an offer older than one that was used.

    Raises:
        InputError: It is.
    """
    pinned = home.pinned()
    key = pinned.get("public_key")
    for letter in (offered, *([answered] if answered else [])):
        own = letter.header.public_key
        if own is None or (key is not None and own != key):
            raise home.refused(
                "finish",
                letter,
                f"{letter.file} is under another key of {home.agreement.holder!r} than the one first seen: nothing "
                "of it is used. One pair of keys holds for the whole agreement; ask them, and make a new agreement "
                "where theirs was lost",
            )
        key = own
    newest = pinned.get("offer_made_at")
    if newest is not None and offered.header.told < newest:
        raise home.refused(
            "finish", offered, f"{offered.file} is older than the offer used before, of {newest[:10]}: use the newest"
        )
    home.pin(public_key=key)


def _take_in(home: Home, letter: Letter, tell: Tell) -> None:
    """Check what was evaluated, and keep the outputs."""
    header = letter.header
    name = f"{_PENDING}/{header.to_letter}"
    pending = home.kept(name)
    if done_before(home, "finish", letter):
        return
    if f"{_OUTPUTS}/{header.to_letter}" in home.names(_OUTPUTS):
        return  # a step that was killed had come so far
    if pending is None:
        raise InputError(f"{letter.file} answers a request that was not made here, or that has expired: blind again")
    content = letter.rows()
    rows, proofs = content[: header.rows * ROW], content[header.rows * ROW :]
    if header.rows != len(pending) or len(proofs) != -(-header.rows // BATCH) * PROOF:
        raise InputError(f"{letter.file} doesn't answer all that was asked: nothing of it is used")
    done = pending.with_columns(done=rows_of(rows))
    key = bytes.fromhex(header.public_key or "")

    def batches() -> Iterator[tuple[Any, ...]]:
        for number, part in enumerate(done.iter_slices(BATCH)):
            columns = (list(part[name]) for name in ("blind", "element", "done"))
            yield key, inputs_of(part), *columns, proofs[number * PROOF : (number + 1) * PROOF]

    with Workers(tell, len(done)) as workers:
        try:
            told = workers.done("finished", batches(), "finishing")
            outputs = [each[:ROW] for part in told for each in part]
        except WrongProof:
            raise home.refused(
                "finish",
                letter,
                f"{letter.file}: its proofs do not hold under the key of {home.agreement.holder!r}: nothing of it is "
                "used",
            ) from None
    answers = pending.select("kind", "digest", output=pl.Series(outputs, dtype=pl.Binary))
    home.keep(f"{_OUTPUTS}/{header.to_letter}", answers)


def _in_both(outputs: pl.Series, offered: Letter) -> pl.Series:
    """The rows of an offer that are among some outputs; the offer is read piece by piece."""
    found = [pl.Series("row", [], dtype=pl.Binary)]
    members = Members(_keys(outputs))
    for piece in offered.parts():
        rows = rows_of(piece)
        found.append(rows.gather(members.among(_keys(rows))))
    return pl.concat(found)
