"""The page of a run, from its folder and its manifest: written by the night, and once more by whoever asks for it."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, Literal

import polars as pl

from cardscreen.foundation.errors import CardscreenError, InputError
from cardscreen.foundation.files import not_for_others, room_in, write_whole
from cardscreen.foundation.words.languages import Language, phrase
from cardscreen.policy.policy import Policy
from cardscreen.reporting.drawing import Drawing
from cardscreen.reporting.material import Material, ShownNight
from cardscreen.reporting.page import page
from cardscreen.runs.brakes import PAST
from cardscreen.runs.folder import newest_first
from cardscreen.runs.messages.mending import in_words
from cardscreen.runs.messages.notices import to_load
from cardscreen.runs.messages.warnings import warnings_of
from cardscreen.runs.record import HELD, Base, Finished, State, unshown

PAGE = "report.html"
_TABLES = ("flagged", "hits", "rejects", "changes", "carried")
_NIGHTS = 60  # of the trend


def material_of(
    records: Mapping[str, Any],
    folder: Path,
    output: Path,
    language: Language,
    policy: Policy | None,
    against: Finished | None = None,
    moved: pl.DataFrame | None = None,
) -> Material:
    """What a run's page is made of.

    Args:
        records: Its manifest; digests of files are not needed.
        folder: Where its tables are.
        output: The folder of runs.
        language: In which all is said.
        policy: By which it was judged, under the sources' terms, where that is known.
        against: The run that it is compared with; None: the night before, where that is still there.
        moved: What is different to that one, as `Material.moved`.
    """
    summary, run_id, state = records["summary"], records["run_id"], _state(records)
    tables = {name: pl.scan_parquet(folder / f"{name}.parquet", glob=False) for name in _TABLES if _has(folder, name)}
    compared = records["compared"]["base"]
    base = against or (_readable(output / compared) if compared else None)
    if base is not None and _has(base.folder, "hits"):
        hits = Base(base.folder, base.records).hits
        tables["before"] = hits if base.shown_as == records.get("shown", base.shown_as) else unshown(hits)
    place = output / HELD / run_id if state == "held" else output / run_id
    held_for = [
        (language.again(reason, PAST.values()), list(in_words(reason, summary, tables["rejects"], language)))
        for reason in (records["held"] if state == "held" else ())
    ]
    expects_invalid = records["limits"].get("invalid_share") == 1
    return Material(
        language=language,
        summary=summary,
        tables=tables,
        night=ShownNight(
            run_id=run_id,
            state=state,
            audit=records["audit"],
            folder=str(place),
            base=base.run_id if base else None,
            base_day=base.as_of.isoformat() if base else None,
            decided=[
                language.say("approved by {by}: {reason}", by=each["by"], reason=each["reason"])
                for each in records["approvals"]
            ],
        ),
        before=base.summary if base else None,
        nights=_nights(output, records, state),
        held=held_for,
        warnings=list(warnings_of(summary, expects_invalid=expects_invalid, language=language)),
        load=list(to_load(folder)) if state == "published" else [],
        limits=summary["changes"].get("limits"),
        provenance=list(_provenance(records, output, language)),
        policy=policy,
        moved=moved,
    )


def _has(folder: Path, name: str) -> bool:
    return (folder / f"{name}.parquet").exists()


def _state(records: Mapping[str, Any]) -> Literal["published", "held"]:
    """What has become of a run, by its manifest alone: it may not be in its place yet."""
    return "held" if records["held"] and not records["approvals"] else "published"


def _readable(folder: Path) -> Finished | None:
    """The run in a folder; None: it can't be read, which is told by those who need it."""
    try:
        return Finished.read(folder)
    except CardscreenError:
        return None


def _nights(output: Path, records: Mapping[str, Any], state: State) -> list[dict[str, Any]]:
    """Each night up to this one, by the last run for its day."""
    by_day: dict[str, dict[str, Any]] = {}
    for run in reversed(_last_nights(output, records)):
        _last(by_day, run.records, run.state)
    if not records["audit"]:
        _last(by_day, records, state)
    return [by_day[day] for day in sorted(by_day)][-_NIGHTS:]


def _last_nights(output: Path, records: Mapping[str, Any]) -> list[Finished]:
    """The runs before this one for as many days as the trend tells, the newest first; older ones are not opened."""
    nights, days = list[Finished](), set[date]()
    for folder in newest_first(output):
        run = _readable(folder) if folder.name < records["run_id"] else None
        if run is None or run.records.get("audit") or run.records["as_of"] > records["as_of"]:
            continue
        days.add(run.as_of)
        if len(days) > _NIGHTS:
            break
        nights.append(run)
    return nights


def _last(by_day: dict[str, dict[str, Any]], records: Mapping[str, Any], state: State) -> None:
    """Let a run stand for its day; one that was not published stands for none that another was published for."""
    summary, day = records["summary"], records["as_of"]
    before = by_day.get(day, {})
    is_held = state in ("held", "discarded")
    held = before.get("held", 0) + is_held
    if is_held and before.get("state") == "published":
        before["held"] = held
        return
    counts = summary.get("changes", {}).get("counts", {})
    by_day[day] = {
        "as_of": day,
        "rows": summary["rows"]["read"],
        "flagged": summary["flagged"]["accounts"],
        "told": sum(sum(counts.get(change, {}).values()) for change in ("new", "escalated")),
        "released": sum(counts.get("released", {}).values()),
        "state": state,
        "held": held,
    }


def _provenance(records: Mapping[str, Any], output: Path, language: Language) -> Iterator[tuple[str, str]]:
    """The manifest in words."""
    say, inputs = language.say, records["inputs"]
    yield say("run"), records["run_id"]
    yield say("day asked about"), f"{records['as_of']} ({records['timezone']})"
    yield say("made"), f"{records['begun']} – {records['ended']}"
    yield say("compared with"), records["compared"]["base"] or say("nothing")
    if records["compared"]["supersedes"]:
        yield say("supersedes"), records["compared"]["supersedes"]
    for each in inputs["accounts"]:
        yield say("accounts read"), _file(each, output)
    for each in inputs["lists"]:
        yield say("list read"), _file(each, output)
    if store := inputs["store"]:
        yield (
            say("store of lists"),
            say("version {version} of {path}", version=store["version"], path=_near(store["path"], output)),
        )
    for name, text in _INPUTS.items():
        if name in inputs:
            yield say(text), _file(inputs[name], output)
    yield say("policy in force"), records["policy"][:12]
    yield say("software"), ", ".join(f"{name} {version}" for name, version in records["versions"].items())
    for each in records["approvals"]:
        yield say("approved"), ", ".join(filter(None, [each.get("at"), f"{each['by']}: {each['reason']}"]))


_INPUTS = {
    "job": phrase("job file"),
    "policy": phrase("policy file"),
    "clearances": phrase("clearances"),
    "applied": phrase("what other systems did"),
}


def _file(recorded: Mapping[str, Any], output: Path) -> str:
    """Name, size and the beginning of the digest of a file that was read."""
    parts = [_near(recorded["path"], output)]
    if "bytes" in recorded:
        parts += [f"{recorded['bytes']:,} B", f"SHA-256 {recorded['sha256'][:12]}…"]
    return ", ".join(parts)


def _near(path: str, output: Path) -> str:
    """A path as seen from beside the folder of runs, where it lies there."""
    beside = os.path.relpath(path, output.parent) if "://" not in path else path
    return path if beside.startswith("..") else beside


def write_page(file: Path, material: Material, drawing: Drawing | None = None) -> None:
    """Write a page, whole or not at all, for the user alone.

    Raises:
        InputError: It can't be written there.
    """
    text = page(material, drawing)
    try:
        with not_for_others(), room_in(file):
            write_whole(file, lambda partial: partial.write_text(text, encoding="utf-8"))
    except OSError as error:
        raise InputError(f"the report {file} can't be written: {error.strerror}") from None


@contextmanager
def leaving_out_what_fails() -> Iterator[None]:
    """Within it, what goes wrong with a page is warned of: the night has all else, and is no worse without."""
    try:
        yield
    except (CardscreenError, OSError, MemoryError):
        raise
    except Exception as error:
        warnings.warn(f"the report could not be made ({type(error).__name__}): the run has none", stacklevel=3)
