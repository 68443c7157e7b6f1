"""Keyed tokens: ask, answer, read, between parties that trust each other's key keeping.

Whoever has the key can make the token of every phone number of a country, and look which were asked about.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from cardscreen.exchange import letters
from cardscreen.exchange.admission import admitted, require_new
from cardscreen.exchange.agreement import Agreement
from cardscreen.exchange.choosing import chosen, kinds_of
from cardscreen.exchange.home import Home
from cardscreen.exchange.letters import ROW, Letter, rows_of
from cardscreen.exchange.matching import check_feed, files_with, matched, of_feed, read_by, write_feed, write_matches
from cardscreen.foundation.errors import InputError, without_numbers
from cardscreen.foundation.process.progress import Tell
from cardscreen.kinds.kind import masked_by_kind
from cardscreen.kinds.tokens import TokenKey, digest_of, token_by_kind, token_of
from cardscreen.runs.job import Job
from cardscreen.tables.writing import check, write

_ASKED = "asked"


def ask(agreement: Agreement, job: Job, out: Path, where: str, *, force: bool, tell: Tell) -> dict[str, Any]:
    """Write what is asked: tokens of the identifiers of accounts that the job's newest run flagged."""
    agreement.require("token", "ask")
    letters.check_out(out, read_by(agreement, job), force=force)
    home, said = Home(agreement, agreement.said.asker), agreement.said
    with home.locked():
        tell("choosing accounts")
        what = chosen(agreement, job, where, said.answerer)
        key = agreement.key.of_tokens()
        asked = what.values.with_columns(token=token_by_kind(pl.col("kind"), pl.col("number"), key)).drop("number")
        named = asked.select("kind", "token").unique()
        counts = _counts(named, said.kinds)
        whys = ((what.theirs, "by the word of partners"), (what.others, "by listings from before their present holder"))
        more = " and ".join(f"{count:,} more are known {why} only" for count, why in whys if count)
        left_out = f" ({more})" if more else ""
        letters.require_size(agreement, len(named), f"the {what.accounts:,} accounts chosen{left_out} carry")
        header = letters.begun(agreement, "ask", said.asker, counts, len(named))
        shown = asked.with_columns(value=masked_by_kind(pl.col("kind"), pl.col("value")))
        home.keep(f"{_ASKED}/{header.letter}", shown, header.expires_on)
        tell("writing the request")
        rows = _packed(named, said.kinds)
        home.deliver(out, header, letters.in_pieces(rows), disclosed=len(named), where=without_numbers(where))
    return {
        "step": "ask",
        "file": str(out),
        "letter": header.letter,
        "accounts": what.accounts,
        "identifiers": counts,
        "left_out": what.theirs,
        "earlier_holder": what.others,
        "not_asked": what.without,
        "hidden": what.hidden,
        "expires_on": header.expires_on.isoformat(),
    }


def answer(
    agreement: Agreement, file: Path, job: Job, out: Path, feed: Path | None, *, again: bool, force: bool, tell: Tell
) -> dict[str, Any]:
    """Write who of a request is known here: of this side's accounts, which carry what was asked about."""
    agreement.require("token", "answer")
    said = agreement.said
    home = Home(agreement, said.answerer)
    inputs = [file, *read_by(agreement, job)]
    letters.check_out(out, inputs, force=True)
    check_feed(agreement, job, said.asker, feed, inputs)
    kinds_of(agreement, job)
    with home.locked():
        letter = letters.opened(file, agreement, "ask", said.asker)
        key = agreement.key.of_tokens()
        asked = _unpacked(letter, said.kinds, key)
        require_new(home, letter, "answer", files_with(out, feed), again=again, force=force)
        handed_over = admitted(home, letter, "answer", out)
        tell("screening the accounts")
        found_here = matched(agreement, job, asked, key)
        table, reading = found_here.table, found_here.reading
        found = table.select("kind", "token").unique()
        counts = _counts(found, said.kinds)
        told: dict[str, int | str] = dict(counts)
        rows = b""
        if said.answer == "count":
            small = said.small_counts_below
            told = {kind: f"<{small}" if count < small else count for kind, count in counts.items()}
        else:
            rows = _packed(found, said.kinds)
        header = letters.begun(
            agreement,
            "answer",
            said.answerer,
            told,
            len(rows) // ROW,
            to_letter=letter.header.letter,
            not_compared=reading.not_compared(agreement),
            unread=reading.unread,
        )
        tell("writing the answer")
        if handed_over is None:
            more = {"asked": letter.header.rows, "again": again, **of_feed(feed, job)}
            home.deliver(out, header, letters.in_pieces(rows), disclosed=len(found), **more)
        if feed is not None:
            tell("writing the feed")
            write_feed(agreement, job, table, key, said.asker, feed)
    return {
        "step": "answer",
        "file": str(out),
        "letter": handed_over or header.letter,
        "to_letter": letter.header.letter,
        "asked": letter.header.rows,
        "matches": told,
        "not_compared": reading.not_compared(agreement),
        "unread": reading.unread,
        "read": reading.told(),
        "accounts": table["account_id"].n_unique(),
        "feed": None if feed is None else str(feed),
    }


def read(agreement: Agreement, file: Path, out: Path, *, again: bool, force: bool) -> dict[str, Any]:
    """Read an answer: which of the accounts that were asked about are known to the other side, or how many values."""
    agreement.require("token", "read")
    check(out, [file, *read_by(agreement)], force=True)
    said = agreement.said
    home = Home(agreement, said.asker)
    with home.locked():
        letter = letters.opened(file, agreement, "answer", said.answerer)
        header = letter.header
        require_new(home, letter, "read", [out], again=again, force=force)
        asked = home.kept(f"{_ASKED}/{header.to_letter}")
        if asked is None:
            raise InputError(f"{file} answers a request that was not made here, or whose map has expired: ask again")
        if said.answer == "matches":
            found = _unpacked(letter, said.kinds, agreement.key.of_tokens())
            table = asked.join(found, on=["kind", "token"], how="semi")
            if len(found.join(asked, on=["kind", "token"], how="anti")):
                raise InputError(f"{file} names what was not asked about: nothing of it is used")
            write_matches(table, out, force=force)
        else:
            table = asked.clear()
            told = {"kind": said.kinds, "matches": [str(count) for count in _told_counts(letter, said.kinds, asked)]}
            write(pl.DataFrame(told), out, force=force)
        home.took("read", letter, to_letter=header.to_letter, counts=header.counts)
    return {
        "step": "read",
        "file": str(out),
        "letter": header.letter,
        "to_letter": header.to_letter,
        "matches": header.counts,
        "not_compared": header.not_compared,
        "unread": header.unread,
        "accounts": table["account_id"].n_unique() if said.answer == "matches" else None,
    }


def _told_counts(letter: Letter, kinds: Sequence[str], asked: pl.DataFrame) -> list[int | str]:
    """How many of each kind match, as an answer in counts says.

    Raises:
        InputError: It leaves a kind out, or tells of more than were asked about.
    """
    most, counts = _counts(asked.select("kind", "token").unique(), kinds), letter.header.counts
    for kind in kinds:
        count = counts.get(kind)
        if count is None or (isinstance(count, int) and count > most[kind]):
            raise InputError(f"{letter.file} tells of other values than were asked about: nothing of it is used")
    return [counts[kind] for kind in kinds]


def _counts(named: pl.DataFrame, kinds: Sequence[str]) -> dict[str, int]:
    counted = dict(named.group_by("kind").len().rows())
    return {kind: counted.get(kind, 0) for kind in kinds}


def _packed(named: pl.DataFrame, kinds: Sequence[str]) -> bytes:
    """The digests of tokens, by kind in the agreement's order, and sorted: of a keyed hash, that is any order."""
    parts = (named.filter(pl.col("kind") == kind).select(digest_of(pl.col("token"))).to_series() for kind in kinds)
    return b"".join(b"".join(part.sort()) for part in parts)


def _unpacked(letter: Letter, kinds: Sequence[str], key: TokenKey) -> pl.DataFrame:
    """kind, token."""
    header, content = letter.header, letter.rows()
    counts = [header.counts.get(kind) for kind in kinds]
    if not all(isinstance(count, int) for count in counts) or sum(counts) != header.rows:  # type: ignore[arg-type]
        raise InputError(f"{letter.file} doesn't say how many values of each kind it holds: nothing of it is used")
    named = np.repeat(np.arange(len(kinds)), [int(count or 0) for count in counts])
    table = pl.DataFrame({"kind": pl.Series(kinds, dtype=pl.String).gather(named), "digest": rows_of(content)})
    for of_kind in table.partition_by("kind"):
        letters.rising(of_kind["digest"], letter)
    return table.select("kind", token=token_of(pl.col("digest"), key.id))
