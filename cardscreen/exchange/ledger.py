"""The ledger of one side: what it disclosed and took in, line by line, each with the digest of the one before."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cardscreen.foundation.errors import InputError
from cardscreen.foundation.files import system_user

FILE = "ledger.jsonl"
#: What entries of a line are, where they are there.
_TYPES: dict[str, type] = {
    **dict.fromkeys(("who", "user", "agreement", "step", "why", "feed"), str),
    **dict.fromkeys(("rows", "disclosed", "asked"), int),
}
#: What an entry of each line is.
_NEEDED = ("at", "who", "agreement", "step", "rows", "sha256", "before")


@dataclass(frozen=True)
class Ledger:
    """The lines that are kept.

    Attributes:
        file: Where.
    """

    file: Path

    def lines(self, agreement: str | None = None) -> list[dict[str, Any]]:
        """All lines, the oldest first; or those of one agreement.

        Raises:
            InputError: A line can't be read, or is not as it was written; names it.
        """
        return [line for line in self._checked() if agreement in (None, line["agreement"])]

    def require_whole(self) -> None:
        """Refuse a ledger whose last line is cut off.

        Raises:
            InputError: It is.
        """
        if self._rest():
            raise InputError(
                f"{self.file}: its last line is cut off: put the file back from a backup; where a full disk or the end "
                "of a step cut it, nothing was handed over for it, and the next step takes it away"
            )

    def add(
        self, agreement: str, step: str, who: str, rows: int, sha256: str | None, disclosed: int = 0, **more: Any
    ) -> None:
        """Add a line; what it says is on the disk when this returns.

        Args:
            agreement: Its name.
            step: What was done.
            who: The party that this side is.
            rows: Rows of the file that was made or taken in.
            sha256: The file's digest.
            disclosed: Values, or matches, of which the other side learns something by it.
            more: What else is known; a text among it may be any text of ours, and none that somebody has written.
        """
        self._mend()
        line = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "who": who,
            "user": system_user(),
            "agreement": agreement,
            "step": step,
            "rows": rows,
            "disclosed": disclosed,
            "sha256": sha256,
            **more,
            "before": self._digest_of_last(),
        }
        written = json.dumps(line, ensure_ascii=False).encode() + b"\n"
        handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(handle, written)
            os.fsync(handle)
        finally:
            os.close(handle)

    def told_on(self, agreement: str, day: date) -> int:
        """How many values were answered about on a day in UTC."""
        return sum(
            line["asked"]
            for line in self.lines(agreement)
            if "asked" in line and datetime.fromisoformat(line["at"]).date() == day
        )

    def closed(self, agreement: str) -> str | None:
        """When an agreement was closed here; None where it was not."""
        return next((line["at"] for line in self.lines(agreement) if line["step"] == "close"), None)

    def _checked(self) -> Iterator[dict[str, Any]]:
        before: str | None = None
        for number, written in enumerate(self._written(), 1):
            try:
                line = json.loads(written)
                _ = [line[name] for name in _NEEDED], datetime.fromisoformat(line["at"])
                wrong = [name for name, kind in _TYPES.items() if not isinstance(line.get(name, kind()), kind)]
                if wrong:
                    raise ValueError(wrong)
            except (ValueError, KeyError, TypeError, RecursionError):
                raise InputError(
                    f"{self.file}, line {number}: this is no line of a ledger: put the file back from a backup"
                ) from None
            if line["before"] != before:
                raise InputError(
                    f"{self.file}, line {number}: it doesn't follow on the line before: lines were changed, removed "
                    "or added; put the file back from a backup"
                )
            before = _digest(written)
            yield line

    def _written(self) -> list[bytes]:
        """The lines that were written to their end."""
        return self._content().split(b"\n")[:-1]

    def _rest(self) -> bytes:
        """What stands behind them."""
        return self._content().split(b"\n")[-1]

    def _content(self) -> bytes:
        try:
            return self.file.read_bytes()
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise InputError(f"{self.file} can't be read: {error.strerror}") from None

    def _digest_of_last(self) -> str | None:
        written = self._written()
        return _digest(written[-1]) if written else None

    def _mend(self) -> None:
        """Take away what a line that a full disk cut short has left: nothing was handed over for it."""
        if rest := self._rest():
            with self.file.open("r+b") as stream:
                stream.truncate(self.file.stat().st_size - len(rest))


def _digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
