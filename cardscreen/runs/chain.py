"""The chain of an output folder: what was written there, in order, so that what was changed since is noticed.

`.chain.jsonl` has a line for each manifest, written before anybody sees that: the SHA-256 of the manifest, which names
those of all other files of its run, and that of the line before. Lines are only ever added, and signed where the job
names a key. Without one, whoever can rewrite both a run and all lines from its own on is not stopped.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from cardscreen.foundation.errors import InputError
from cardscreen.foundation.secrets.signing import Signer

FILE = ".chain.jsonl"
#: Where a manifest names the one before it; those of earlier releases have no such entry.
PREVIOUS = "previous"
Event = Literal["published", "held", "approved", "discarded", "pruned", "upgraded", "abandoned", "gone"]
#: Killed in between, they leave the manifest as it was, which tells of more than they would have left.
_REMOVING = ("discarded", "pruned")
_NAMED = 3  # of what is not signed


@dataclass(frozen=True)
class Link:
    """One line.

    Attributes:
        number: Counted from 1.
        at: When.
        event: What became of the run; `abandoned` takes back the line before of the same run, which a kill cut short,
            and `gone` puts down that it was not there any more.
        run_id: Which run.
        manifest: SHA-256 of its manifest.
        previous: SHA-256 of the line before; empty for the first one.
        key: Which key has signed the line; None: none has.
        signature: Of the line without it.
    """

    number: int
    at: str
    event: str
    run_id: str
    manifest: str
    previous: str
    key: str | None = None
    signature: str | None = None

    def is_signed(self, signer: Signer) -> bool:
        """Whether a key has signed the line."""
        unsigned, signature = replace(self, signature=None), self.signature
        return self.key == signer.id and signature is not None and signer.has_signed(signature, _line(unsigned))


def read(output: Path) -> tuple[Link, ...]:
    """All lines, each of which follows on the one before; none where there is no chain.

    Raises:
        InputError: A line is not as it was written.
    """
    return _read(output / FILE, *_state(output))


def known(output: Path) -> Mapping[str, Sequence[str]]:
    """Each run's manifests that are as written: the last one, and the one before it where that was to be cut.

    Raises:
        InputError: A line is not as it was written.
    """
    return _known(output / FILE, *_state(output))


def _state(output: Path) -> tuple[int, ...]:
    """What tells that the file is still the one that was read; nothing where there is none."""
    try:
        state = (output / FILE).lstat()
    except FileNotFoundError:
        return ()
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns


@lru_cache(maxsize=8)
def _read(file: Path, *state: int) -> tuple[Link, ...]:
    if not state:
        return ()
    try:
        # A line without an end was being written when its program was killed.
        *lines, _ = file.read_bytes().split(b"\n")
    except OSError as error:
        raise InputError(f"{file} can't be read: {error.strerror}") from None
    links, previous = list[Link](), ""
    for number, line in enumerate(lines, 1):
        try:
            link = Link(**json.loads(line))
            sound = (link.number, link.previous) == (number, previous) and _line(link) == line
        except (ValueError, TypeError):
            sound = False
        if not sound:
            raise InputError(
                f"{file}, line {number}, is not as it was written: put the file back from a backup; or, where a person "
                f"has looked at the runs, begin a new chain: cardscreen upgrade {file.parent}"
            )
        links.append(link)
        previous = digest(line)
    return tuple(links)


def append(output: Path, event: Event, run_id: str, manifest: str, signer: Signer | None) -> None:
    """Add a line, and let the disk have it; whoever calls holds the folder.

    Raises:
        InputError: The chain is not as it was written, or it is signed and there is no key now.
        OSError: It can't be written.
    """
    links = read(output)
    if signer is None and (keys := {link.key for link in links if link.key}):
        raise InputError(
            f"{output / FILE} is signed by the key {', '.join(sorted(keys))}, and none is named now: say [output] sign "
            "in the job, and name the job"
        )
    previous = digest(_line(links[-1])) if links else ""
    at = datetime.now(UTC).isoformat(timespec="seconds")
    link = Link(len(links) + 1, at, event, run_id, manifest, previous)
    if signer is not None:
        link = replace(link, key=signer.id)
        link = replace(link, signature=signer.sign(_line(link)))
    line = _line(link)
    handle = os.open(output / FILE, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o640)
    with os.fdopen(handle, "r+b") as stream:
        whole = stream.read().rfind(b"\n") + 1
        stream.truncate(whole)
        stream.seek(whole)
        stream.write(line + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def _line(link: Link) -> bytes:
    fields = {name: value for name, value in vars(link).items() if value is not None}
    return json.dumps(fields, sort_keys=True).encode()


def digest(content: bytes) -> str:
    """The SHA-256 of a manifest or a line."""
    return hashlib.sha256(content).hexdigest()


def set_aside(output: Path) -> Path:
    """Keep a broken chain under another name, so that another can be begun. Returns where it is."""
    file = output / FILE
    return file.rename(output / f"{FILE}.broken-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")


def newest(output: Path) -> dict[str, str] | None:
    """The manifest that was written last, as the next one names it."""
    links = read(output)
    return {"run_id": links[-1].run_id, "manifest": links[-1].manifest} if links else None


def standing(links: tuple[Link, ...]) -> dict[str, list[Link]]:
    """Each run's lines that hold, the last one last: those that were taken back do not."""
    of_each: dict[str, list[Link]] = {}
    for link in links:
        of_run = of_each.setdefault(link.run_id, [])
        if link.event == "gone":
            of_run.clear()
        elif link.event != "abandoned":
            of_run.append(link)
        elif of_run:
            of_run.pop()
    return {run_id: of_run for run_id, of_run in of_each.items() if of_run}


@lru_cache(maxsize=8)
def _known(file: Path, *state: int) -> dict[str, list[str]]:
    return {
        run_id: [each.manifest for each in (of_run[-2:] if of_run[-1].event in _REMOVING else of_run[-1:])]
        for run_id, of_run in standing(_read(file, *state)).items()
    }


def unsigned(output: Path, signer: Signer, run_id: str | None = None) -> list[str]:
    """What a key has not signed: of all runs, or of one; and of the lines since the first one that it has.

    Raises:
        InputError: The chain is not as it was written.
    """
    links = read(output)
    last = {name: of_run[-1] for name, of_run in standing(links).items() if run_id in (None, name)}
    signed = [link.is_signed(signer) for link in links]
    unsigned_runs = (name for name, link in last.items() if not signed[link.number - 1])
    wrong = [f"run {name} is not signed by the key {signer.id}" for name in unsigned_runs]
    since = signed.index(True) if True in signed else len(links)
    wrong += [
        f"line {link.number} of {FILE} is not signed by the key {signer.id}"
        for link, is_signed in zip(links[since:], signed[since:], strict=True)
        if not is_signed
    ]
    return wrong


def require_signed(output: Path, signer: Signer | None, run_id: str | None = None) -> None:
    """Refuse what the key has not signed; without a key, nothing is asked.

    Raises:
        InputError: Names what is not signed, and the way out.
    """
    if signer is not None and (wrong := unsigned(output, signer, run_id)):
        raise InputError(
            f"{'; '.join(wrong[:_NAMED])}: once a person has looked at it, cardscreen upgrade signs it (name the job)"
        )


def fault(output: Path, folder: Path, content: bytes, records: Mapping[str, Any]) -> str | None:
    """What is wrong with a run's manifest; None where it is as it was written, or nobody can tell.

    Args:
        output: The output folder.
        folder: The run's.
        content: The manifest.
        records: The same, read.
    """
    try:
        links = known(output).get(folder.name)
    except InputError as error:
        return str(error)
    if links is None and PREVIOUS in records:
        return f"run {folder.name} is not in {output / FILE}"
    if links is not None and digest(content) not in links:
        return f"the manifest of run {folder.name} was changed"
    return None


def is_known(output: Path, run_id: str) -> bool:
    """Whether a run is in the chain; those of earlier releases are not before they are upgraded."""
    return run_id in known(output)


def require(output: Path, folder: Path, content: bytes, records: Mapping[str, Any]) -> None:
    """Refuse a manifest that is not as it was written.

    Raises:
        InputError: Says what is wrong, and the way out.
    """
    if wrong := fault(output, folder, content, records):
        raise InputError(
            f"{folder} is not a sound run: {wrong}. Put it back from a backup, or move the run away (cardscreen audit "
            f"{folder} says more)"
        )
    if not is_known(output, folder.name):
        warnings.warn(
            f"runs in {output} were written by an earlier release, or before there was a chain: whether they were "
            f"changed since is not known. cardscreen upgrade {output} writes down what they are now",
            stacklevel=2,
        )
