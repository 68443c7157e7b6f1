"""Folders of proposals: each appears whole or not at all, one program at a time, with a manifest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.files import not_for_others, room_in, sha256_of, write_whole
from cardscreen.runs import folder as runs
from cardscreen.runs.manifest import fingerprint, write_json
from cardscreen.runs.record import MANIFEST

PROPOSALS = "proposals.parquet"
#: Of a manifest's entry of the proposals: the digest that they had before what was decided last.
_BEFORE = "before"


@dataclass(frozen=True)
class Sheet:
    """One folder of proposals.

    Attributes:
        folder: Where it is.
        records: Its manifest.
    """

    folder: Path
    records: dict[str, Any]

    @property
    def day(self) -> date:
        """The day that it is of."""
        return date.fromisoformat(self.records["as_of"])

    def table(self, name: str) -> pl.DataFrame:
        """One of its tables.

        Raises:
            InputError: It is gone, or not as it was written.
        """
        file = self.folder / f"{name}.parquet"
        written = self.records["outputs"].get(file.name)
        if not file.exists() or written is None:
            raise InputError(f"{self.folder} has no {file.name} any more: look for leads again")
        if sha256_of(file) not in (written["sha256"], written.get(_BEFORE)):
            raise InputError(f"{file} is not as it was written: look for leads again")
        return pl.read_parquet(file)

    def restate(self, proposals: pl.DataFrame) -> None:
        """Write what has become of its proposals; one that is killed leaves them as they were before, or after."""
        file, manifest = self.folder / PROPOSALS, self.folder / MANIFEST
        before = sha256_of(file)

        def write(part: Path) -> None:
            proposals.write_parquet(part)
            entry = fingerprint(str(part), named=False)
            if entry["sha256"] == before:
                return
            self.records["outputs"] = {**self.records["outputs"], PROPOSALS: {**entry, _BEFORE: before}}
            write_whole(manifest, lambda place: write_json(place, self.records))

        with not_for_others(), room_in(self.folder):
            write_whole(file, write)


@dataclass(frozen=True)
class Desk:
    """Where folders of proposals lie.

    Attributes:
        directory: The folder.
        again: The command that fills it, for messages.
    """

    directory: Path
    again: str

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold it against others, and remove what one that was killed has left.

        Raises:
            Busy: Another program works there.
            InputError: It can't be written there.
        """
        with not_for_others(), room_in(self.directory), runs.locked(self.directory):
            runs.remove_staging(self.directory)
            yield

    def newest(self) -> Sheet | None:
        """The newest folder; None where there is none."""
        folder = next(runs.published(self.directory), None)
        return _read(folder) if folder else None

    def all(self) -> list[Sheet]:
        """All of them, the oldest first."""
        return [_read(folder) for folder in runs.published(self.directory)][::-1]

    def sound(self) -> Iterator[Sheet]:
        """Those that can be read, the newest first."""
        for folder in runs.published(self.directory):
            with suppress(InputError):
                yield _read(folder)

    def require(self) -> Sheet:
        """The newest folder.

        Raises:
            ConfigError: There is none yet.
        """
        sheet = self.newest()
        if sheet is None:
            raise ConfigError(f"{self.directory} holds no proposals yet: {self.again} finds them")
        return sheet

    def write(
        self,
        tables: Mapping[str, pl.DataFrame],
        records: Mapping[str, Any],
        copies: Mapping[str, Path],
        begun: datetime,
        texts: Mapping[str, str] | None = None,
    ) -> Sheet:
        """Write a folder: tables, copies of what was read, summary.json, and the manifest last.

        Args:
            tables: By name.
            records: What the manifest says: as_of, summary and inputs among it.
            copies: Files to keep a copy of, by name.
            begun: When.
            texts: Contents of further files, by their places in the folder.
        """
        name = runs.new_id(self.directory)
        with runs.staging(self.directory, name) as folder:
            for each, table in tables.items():
                table.write_parquet(folder / f"{each}.parquet")
            for place, text in (texts or {}).items():
                (folder / place).parent.mkdir(exist_ok=True)
                (folder / place).write_text(text, encoding="utf-8")
            (folder / "inputs").mkdir()
            for each, file in copies.items():
                (folder / "inputs" / f"{each}{file.suffix}").write_bytes(file.read_bytes())
            write_json(folder / "summary.json", {"id": name, **records["summary"]})
            files = sorted(file for file in folder.rglob("*") if file.is_file())
            manifest = {
                "id": name,
                **records,
                "begun": begun.isoformat(timespec="seconds"),
                "ended": datetime.now(UTC).isoformat(timespec="seconds"),
                "outputs": {str(file.relative_to(folder)): fingerprint(str(file), named=False) for file in files},
            }
            write_json(folder / MANIFEST, manifest)
            runs.settle(folder)
            folder.rename(self.directory / name)
        return Sheet(self.directory / name, manifest)


def _read(folder: Path) -> Sheet:
    try:
        records = json.loads((folder / MANIFEST).read_bytes())
        date.fromisoformat(records["as_of"])
        _ = records["outputs"], records["summary"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{folder} is no sound folder of proposals: its {MANIFEST} can't be read") from None
    return Sheet(folder, records)
