"""What one side keeps of an agreement, beside its file: the ledger, and sealed tables that only this side can open."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.exchange import letters
from cardscreen.exchange.agreement import Agreement, today
from cardscreen.exchange.ledger import FILE, Ledger
from cardscreen.exchange.letters import Header
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.files import not_for_others, room_in, sha256_of, write_whole
from cardscreen.foundation.secrets.boxes import PIECE, Sealed, derived, seal_file
from cardscreen.kinds.tokens import TokenKey
from cardscreen.runs.folder import locked

_SEAL, _STAGED, _PINNED = "own.key", "staged", "pinned.json"
_SLUG, _SLUG_HASH = 40, 8  # characters


@dataclass(frozen=True)
class Home:
    """One side's own folder of an agreement.

    Attributes:
        agreement: The agreement.
        party: Which of the two this side is.
    """

    agreement: Agreement
    party: str

    @property
    def exchange(self) -> Path:
        """The folder of all agreements that lie side by side."""
        return exchange_of(self.agreement)

    @property
    def folder(self) -> Path:
        """The folder of this one."""
        name = self.agreement.id
        plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:_SLUG]
        return self.exchange / f"{plain or 'agreement'}-{hashlib.sha256(name.encode()).hexdigest()[:_SLUG_HASH]}"

    @property
    def ledger(self) -> Ledger:
        """What was done."""
        return ledger_of(self.agreement)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder against other steps, and remove what has run out.

        Raises:
            Busy: Another step works there.
            InputError: It can't be written there, or the agreement was closed here.
        """
        with not_for_others(), room_in(self.exchange), locked(self.exchange, "step"):
            if at := self.ledger.closed(self.agreement.id):
                raise InputError(f"the agreement {self.agreement.id!r} was closed here on {at[:10]}: make a new one")
            (self.folder / _STAGED).mkdir(parents=True, exist_ok=True)
            self._tidy()
            self.pin(lines=len(self.lines()))
            yield

    def _tidy(self) -> None:
        lines = self.ledger.lines(self.agreement.id)
        counted = {line.get("letter") for line in lines}
        answers = {line["letter"] for line in lines if line["step"] in ("answer", "evaluate")}
        for staged in (self.folder / _STAGED).iterdir():
            if staged.stem not in answers:
                staged.unlink()
        for kept in self.folder.glob("*/*.sealed"):
            last = _header_of(kept).get("expires_on")
            if last is not None and (f"{today()}" > str(last) or kept.stem not in counted):
                kept.unlink()  # of a letter that has expired, or was never sent

    def lines(self) -> list[dict[str, Any]]:
        """What the ledger has of the agreement.

        Raises:
            InputError: It has lost lines: what it counted would be allowed once more.
        """
        known = self.pinned().get("lines", 0)  # first, since another step may add a line meanwhile
        lines = self.ledger.lines(self.agreement.id)
        if len(lines) < known:
            raise InputError(f"{self.ledger.file} has lost lines of {self.agreement.id!r}: put it back from a backup")
        return lines

    def _enter(self, step: str, rows: int, sha256: str, disclosed: int = 0, **more: Any) -> None:
        """Add a line to the ledger, and remember how many there are."""
        self.ledger.add(self.agreement.id, step, self.party, rows, sha256, disclosed, **more)
        self.pin(lines=len(self.lines()))

    # -- letters

    def deliver(self, out: Path, header: Header, parts: Any, *, disclosed: int, **more: Any) -> None:
        """Write a letter that `check_out` has let: prepared whole, then in the ledger, then where it was asked for.

        What is killed between the last two is in the ledger and not handed over: `hand_over` does that.
        """
        staged = self._staged(header.letter)
        letters.write(staged, self.agreement, header, parts)
        known = {"letter": header.letter, "to_letter": header.to_letter, "counts": header.counts}
        self._enter(header.step, header.rows, sha256_of(staged), disclosed, **known, **more)
        self._hand_over(staged, out)

    def hand_over(self, letter: str, out: Path) -> bool:
        """Hand over a letter that is in the ledger and was not handed over; whether there is one."""
        if not self.waits(letter):
            return False
        self._hand_over(self._staged(letter), out)
        return True

    def waits(self, letter: str) -> bool:
        """Whether a letter that is in the ledger was not handed over."""
        return self._staged(letter).exists()

    def _staged(self, letter: str) -> Path:
        return self.folder / _STAGED / f"{letter}.cse"

    def _hand_over(self, staged: Path, out: Path) -> None:
        try:
            write_whole(out, lambda part: shutil.copyfile(staged, part))
        except OSError as error:
            raise InputError(f"{out} can't be written: {error.strerror}") from None
        staged.unlink()

    def took(self, step: str, letter: letters.Letter, **more: Any) -> None:
        """Put into the ledger that a letter was taken in."""
        header = letter.header
        self._enter(step, header.rows, sha256_of(letter.file), letter=header.letter, **more)

    def refused(self, step: str, letter: letters.Letter, why: str) -> InputError:
        """Put into the ledger that a letter was refused."""
        error = InputError(why)
        self.took("refuse", letter, refused_step=step, why=str(error))
        return error

    # -- sealed tables

    @cached_property
    def seal(self) -> bytes:
        """The key of what only this side can open; made when it is first needed, if the agreement names none.

        Raises:
            ConfigError: It can't be had.
        """
        said = self.agreement.said.own_key
        if said is not None:
            own = said.token_key(self.agreement.file.parent)
            if own.id == self.agreement.key.id:
                raise ConfigError(
                    "own_key is the key that the other side has, too: take one of your own, or leave it out"
                )
            return own.reveal().encode()
        file = self.folder / _SEAL
        if not file.exists():
            write_whole(file, TokenKey.write_new)
        return TokenKey.from_file(file).reveal().encode()

    def token_key(self) -> TokenKey:
        """By which this side tells its own values apart without keeping them; the other side never has it."""
        return TokenKey(derived(self.seal, "cardscreen exchange own tokens").hex())

    def keep(self, name: str, table: pl.DataFrame, expires_on: date | None = None) -> None:
        """Keep a table, sealed; what is of a letter, by whose name it goes then, is removed when that has expired."""
        file = self._sealed(name)
        file.parent.mkdir(exist_ok=True)
        content = io.BytesIO()
        table.write_ipc(content)
        view = content.getbuffer()
        parts = (bytes(view[start : start + PIECE]) for start in range(0, len(view), PIECE))
        header = {"kept": name, "expires_on": expires_on.isoformat() if expires_on else None}
        write_whole(file, lambda part: seal_file(part, self.seal, header, parts))

    def kept(self, name: str) -> pl.DataFrame | None:
        """A table that was kept; None where there is none (any more).

        Raises:
            InputError: It is not as it was written.
        """
        file = self._sealed(name)
        if not file.exists():
            return None
        sealed = Sealed.open(file, "sealed table")
        fault = f"{file} is not as it was written, or its key is another by now: put it back from a backup"
        content = b"".join(sealed.parts(self.seal, lambda: fault))
        if sealed.header.get("kept") != name:
            raise InputError(fault)
        return pl.read_ipc(content)

    def names(self, kind: str) -> list[str]:
        """The tables of a kind that are kept."""
        return sorted(f"{kind}/{file.stem}" for file in (self.folder / kind).glob("*.sealed"))

    def forget(self, name: str) -> None:
        """Remove a table."""
        self._sealed(name).unlink(missing_ok=True)

    def _sealed(self, name: str) -> Path:
        return self.folder / f"{name}.sealed"

    # -- what is known of the other side

    def pinned(self) -> dict[str, Any]:
        """What was found of the other side when it was first seen, and must stay."""
        file = self.folder / _PINNED
        try:
            known: dict[str, Any] = json.loads(file.read_bytes())
        except FileNotFoundError:
            return {}
        except ValueError:
            raise InputError(f"{file} can't be read: put it back from a backup") from None
        return known

    def pin(self, **found: Any) -> None:
        """Keep what was found."""
        text = json.dumps({**self.pinned(), **found}, indent=2)
        write_whole(self.folder / _PINNED, lambda part: part.write_text(text, encoding="utf-8"))

    def clear(self) -> None:
        """Remove all that was kept of the agreement."""
        shutil.rmtree(self.folder, ignore_errors=True)


def exchange_of(agreement: Agreement) -> Path:
    """Where what is kept of agreements in one folder lies."""
    return agreement.file.parent / "exchange"


def ledger_of(agreement: Agreement) -> Ledger:
    """The ledger that all agreements in one folder share."""
    return Ledger(exchange_of(agreement) / FILE)


def _header_of(file: Path) -> dict[str, Any]:
    try:
        return Sealed.open(file, "sealed table").header
    except InputError:
        return {}
