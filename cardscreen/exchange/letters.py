"""Letters: the `.cse` files that go from one institution to the other, each a step of an agreement."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
import pyarrow as pa
from pydantic import AwareDatetime, Field, ValidationError

from cardscreen.exchange.agreement import ALIKE, Agreement, today
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.files import claim
from cardscreen.foundation.release import __version__
from cardscreen.foundation.secrets.boxes import PIECE, Sealed, seal_file
from cardscreen.foundation.settings.toml import Section

Step = Literal["ask", "answer", "offer", "blind", "evaluate"]
#: Bytes of a row: a token, an output or a group element.
ROW = 32
#: What is counted where kinds are not told.
VALUES = "values"
_ID_BYTES = 16
_WHAT = "file of an exchange"


#: How many, and that there are fewer than so many.
Count = Annotated[int, Field(ge=0, le=10**12)]
Percent = Annotated[int, Field(ge=1, le=100)]
Few = Annotated[str, Field(pattern=r"^<[0-9]{1,12}$")]


class Header(Section):
    """What anybody may read of a letter; it holds no number, and no account.

    Attributes:
        letter: A name that no other letter has.
        to_letter: The letter that it answers.
        said: What both copies of the agreement must say alike.
        rows: How many rows it holds.
        counts: How many values of each kind; in an answer of counts, as text where they are few.
        not_compared: Of an answer, the kinds of which that side has no column, or nothing in it that can be read.
        unread: Of an answer, at most how many of a hundred cells of a kind that side could not read.
        proofs: Bytes of proofs behind the rows.
        public_key: Of an offer and what was evaluated, in hexadecimal digits.
    """

    agreement: str
    step: Step
    by: str
    made_at: AwareDatetime
    expires_on: date
    key_id: str
    letter: str = Field(pattern=f"^[0-9a-f]{{{2 * _ID_BYTES}}}$")
    to_letter: str | None = Field(None, pattern=f"^[0-9a-f]{{{2 * _ID_BYTES}}}$")
    said: dict[str, Any]
    rows: int = Field(ge=0)
    counts: dict[str, Count | Few]
    not_compared: list[str] = []
    unread: dict[str, Percent] = {}
    proofs: int = Field(0, ge=0)
    public_key: str | None = Field(None, pattern="^[0-9a-f]{64}$")
    release: str

    @property
    def told(self) -> str:
        """When it was made, for messages."""
        return f"{self.made_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True)
class Letter:
    """A letter that was found to be what it should be, as far as its header goes; its pieces are checked as they come.

    Attributes:
        header: Its header, authenticated.
    """

    header: Header
    _sealed: Sealed
    _agreement: Agreement

    @property
    def file(self) -> Path:
        """Where it lies."""
        return self._sealed.file

    def parts(self) -> Iterator[bytes]:
        """What it holds, in whole rows but for proofs.

        Raises:
            InputError: It was altered.
        """
        yield from self._sealed.parts(self._agreement.key.of_files(), self._fault)

    def rows(self) -> bytes:
        """All that it holds; for letters whose number of rows a limit bounds."""
        return b"".join(self.parts())

    def _fault(self) -> str:
        return _fault(self.file)


def begun(agreement: Agreement, step: Step, by: str, counts: Mapping[str, int | str], rows: int, **more: Any) -> Header:
    """The header of a new letter."""
    now = datetime.now(UTC).replace(microsecond=0)
    return Header(
        agreement=agreement.id,
        step=step,
        by=by,
        made_at=now,
        expires_on=last_day(agreement, today()),
        key_id=agreement.key.id,
        letter=secrets.token_hex(_ID_BYTES),
        said=agreement.alike(),
        rows=rows,
        counts=dict(counts),
        release=__version__,
        **more,
    )


def last_day(agreement: Agreement, made_on: date) -> date:
    """The last day on which a letter of a day is of use."""
    return min(agreement.said.valid_until, made_on + timedelta(days=agreement.said.expires_after_days))


def write(file: Path, agreement: Agreement, header: Header, parts: Iterable[bytes]) -> None:
    """Write a letter; `parts` are its rows, sorted, since the order of anything else would tell something."""
    seal_file(file, agreement.key.of_files(), header.model_dump(mode="json"), parts)


def opened(file: Path, agreement: Agreement, step: Step, by: str) -> Letter:
    """A letter, checked before anything of it is used.

    Args:
        file: Where it lies.
        agreement: This side's copy of the agreement.
        step: What it should be.
        by: From whom it should be.

    Raises:
        InputError: It is not that: says in one sentence why.
    """
    sealed = Sealed.open(file, _WHAT)
    key_id = sealed.header.get("key_id")
    if sealed.header.get("agreement") not in (None, agreement.id):
        raise InputError(
            f"{file} is of the agreement {str(sealed.header['agreement'])!r}, and this one is {agreement.id!r}"
        )
    if key_id is not None and key_id != agreement.key.id:
        raise InputError(
            f"{file} was made under the key {str(key_id)!r}, and this agreement's is {agreement.key.id!r}: both "
            "sides need the same"
        )
    try:
        header = Header.model_validate_json(json.dumps(sealed.header))
    except ValidationError:
        raise InputError(_fault(file)) from None
    expected = header.rows * ROW + header.proofs
    if sealed.size < expected:
        raise InputError(f"{file} is cut off: it should hold {header.rows:,} rows; get it again")
    letter = Letter(header, sealed, agreement)
    next(letter.parts())  # from here on the header is known to be the other side's
    if sealed.size != expected:
        raise InputError(_fault(file))
    _require(letter, step, by)
    return letter


def step_of(file: Path) -> str:
    """What a letter says that it is; nothing of it is checked.

    Raises:
        InputError: It is no letter.
    """
    return str(Sealed.open(file, _WHAT).header.get("step"))


def _fault(file: Path) -> str:
    return f"{file} was altered on its way, or is not under this agreement's key: nothing of it is used; get it again"


def _require(letter: Letter, step: Step, by: str) -> None:
    header, file, agreement = letter.header, letter.file, letter._agreement
    if header.step != step:
        raise InputError(f"{file} is of the step {header.step!r}, and here one of the step {step!r} is needed")
    if header.by != by:
        raise InputError(f"{file} was made by {header.by!r}, and here one by {by!r} is needed")
    mine = agreement.alike()
    for name in ALIKE:
        if header.said.get(name) != mine[name]:
            raise InputError(
                f"{file} was made under a copy of the agreement that says another {name} than this one: both copies "
                "must say the same"
            )
    kinds = {*agreement.said.kinds, VALUES}
    if not kinds >= {*header.counts, *header.not_compared, *header.unread}:
        raise InputError(f"{file} tells of kinds that the agreement is not about: nothing of it is used")
    if header.made_at > datetime.now(UTC) + timedelta(days=1):
        raise InputError(f"{file} was made on {header.told}, which is still to come: one of the two clocks is wrong")
    last = min(header.expires_on, last_day(agreement, header.made_at.astimezone(UTC).date()))
    if today() > last:
        raise InputError(f"{file} expired on {last}: a new one is needed")


def require_size(agreement: Agreement, count: int, what: str) -> None:
    """Refuse a request of fewer or more values than the agreement allows.

    Args:
        agreement: The agreement.
        count: How many values.
        what: What asks about them, with its verb.

    Raises:
        InputError: It is.
    """
    said = agreement.said
    values = f"{what} {count:,} values of {', '.join(said.kinds)}, and the agreement's"
    if count < said.min_identifiers:
        raise InputError(
            f"{values} min_identifiers is {said.min_identifiers:,}: smaller requests are fishing; nothing is written"
        )
    if count > said.max_identifiers:
        raise InputError(f"{values} max_identifiers is {said.max_identifiers:,}: nothing is written")


def in_pieces(rows: bytes) -> Iterator[bytes]:
    """Rows as parts of a letter."""
    for start in range(0, len(rows), PIECE):
        yield rows[start : start + PIECE]


def rows_of(content: bytes) -> pl.Series:
    """Rows as Binary of 32 bytes each."""
    count = len(content) // ROW
    rows = pa.FixedSizeBinaryArray.from_buffers(pa.binary(ROW), count, [None, pa.py_buffer(content)])
    return pl.Series("row", rows.cast(pa.binary()))


def rising(rows: pl.Series, letter: Letter) -> pl.Series:
    """Rows, each of which is there once, in their order.

    Raises:
        InputError: Some are not: what is there twice would count as two.
    """
    if len(rows) > 1 and not (rows.head(-1) < rows.tail(-1)).all():
        raise InputError(f"{letter.file} holds rows twice, or out of order: nothing of it is used")
    return rows


def check_out(out: Path, inputs: Iterable[str | Path], *, force: bool) -> None:
    """Refuse, before anything is done, a letter that could not be written.

    Args:
        out: Where it is to be; programs that pass files on go by the ending.
        inputs: What is read, and never written over.
        force: Write over what else is there.

    Raises:
        ConfigError: It has another ending, or something is there.
        InputError: There is no such folder.
    """
    if out.suffix != ".cse":
        raise ConfigError(f"{out}: name a file ending in .cse")
    claim(out, inputs, force=force)
    if not out.absolute().parent.is_dir():
        raise InputError(f"{out} can't be written: there is no folder {out.parent}")
    if not os.access(out.absolute().parent, os.W_OK):
        raise InputError(f"{out} can't be written: its folder is not to be written to")
