"""Figures of a run for Prometheus: a file that node_exporter's textfile collector reads.

Written after every run, also one that was held or failed, so that silence is never taken for health.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from cardscreen.foundation.errors import CardscreenError, ConfigError, HeldForApproval, without_cards
from cardscreen.foundation.files import claim, write_whole
from cardscreen.runs.brakes import invalid_share
from cardscreen.runs.night import Run

_BEGINS, _ENDING = b"# HELP cardscreen_", ".prom"  # collectors read no other files
_LAST_SUCCESS = "cardscreen_last_success_timestamp_seconds"


@dataclass
class Watched:
    """What is known of a run so far.

    Attributes:
        file: Where its figures go; None: nowhere.
        run: The run, once it is complete.
    """

    file: Path | None = None
    run: Run | None = None


@contextmanager
def measured(file: Path | None, complain: Callable[[str], None]) -> Iterator[Watched]:
    """Within it a night runs; its figures are written when it ends, however it ends.

    Args:
        file: Where to; None: nowhere.
        complain: Told where the file can't be written: that changes nothing about the run.

    Raises:
        ConfigError: The file holds something else than figures of an earlier run.
    """
    if file is not None:
        check_own(file)
    night, begun = Watched(file), time.time()
    code = 1
    try:
        yield night
        code = HeldForApproval.exit_code if night.run and night.run.held else 0
    except BaseException as error:
        code = _exit_code(error)
        raise
    finally:
        if night.file is not None:
            try:
                _write(night.file, night.run, code, time.time() - begun)
            except OSError as error:
                complain(f"the metrics file {night.file} can't be written: {error.strerror}")


def check_own(file: Path) -> None:
    """Refuse to write figures over anything but figures, however damaged, and into a run or a store.

    Raises:
        ConfigError: Something else is there.
    """
    claim(file, force=True)
    if file.is_symlink() and not file.exists():
        raise ConfigError(f"{file} is a link that leads nowhere, as that to a run may: name another file for metrics")
    try:
        with file.open("rb") as stream:
            begins = stream.read(len(_BEGINS))
    except OSError:  # nothing is there; or it can't be written either, which changes nothing about the run
        return
    if begins not in (_BEGINS, b"") and file.suffix != _ENDING:
        raise ConfigError(f"{file} holds something else than the figures of a run: name another file for metrics")


def _exit_code(error: BaseException) -> int:
    if isinstance(error, CardscreenError):
        return error.exit_code
    if isinstance(error, SystemExit) and isinstance(error.code, int):
        return error.code
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 3 if isinstance(error, OSError) else 1


def _write(file: Path, run: Run | None, code: int, seconds: float) -> None:
    success = time.time() if code == 0 else _last_success(file)
    text = generate_latest(figures(run, code, seconds, success))

    def write(partial: Path) -> None:
        partial.write_bytes(text)
        partial.chmod(0o644)  # counts alone, which a collector reads that is another user

    write_whole(file, write)


def _last_success(file: Path) -> float | None:
    """The time that an earlier run left in the file."""
    try:
        families = list(text_string_to_metric_families(file.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
    times = [sample.value for family in families for sample in family.samples if sample.name == _LAST_SUCCESS]
    return times[0] if times else None


def figures(run: Run | None, code: int, seconds: float, last_success: float | None) -> CollectorRegistry:
    """All figures of a night.

    Args:
        run: The run, None where it failed before it was complete.
        code: The exit code.
        seconds: How long it took.
        last_success: The instant of the last published run, in seconds since 1970; None: there was none.
    """
    registry = CollectorRegistry()
    _gauge(registry, "cardscreen_last_run_timestamp_seconds", "When the last run ended.", time.time())
    if last_success is not None:
        _gauge(registry, _LAST_SUCCESS, "When the last published run ended.", last_success)
    _gauge(registry, "cardscreen_exit_code", "0 done, 2 config, 3 input refused, 4 held, 5 busy.", code)
    _gauge(registry, "cardscreen_run_seconds", "How long the last run took.", seconds)
    _gauge(registry, "cardscreen_held", "1 where the last run waits for approval.", int(bool(run and run.held)))
    if run is not None:
        _of_summary(registry, run.result.summary)
    return registry


def _of_summary(registry: CollectorRegistry, summary: Mapping[str, Any]) -> None:
    coverage: Mapping[str, Mapping[str, int]] = summary["coverage"]
    rejected = {name: cells["rejected"] / max(cells["cells"] - cells["missing"], 1) for name, cells in coverage.items()}
    invalid = {name: invalid_share(summary, name) for name in coverage}
    sources = ((summary.get("store") or {}).get("sources") or {}).items()
    ages = {name: freshness["age_days"] for name, freshness in sources}
    for name, label, what, values in (
        ("cardscreen_rows", "class", "Rows of the accounts.", summary["rows"]),
        ("cardscreen_flagged_accounts", "action", "Flagged accounts.", summary["flagged"]["actions"]),
        ("cardscreen_rejected_share", "identifier", "Share of the filled cells that gave no usable value.", rejected),
        ("cardscreen_invalid_share", "identifier", "Share of the usable cells that are no valid numbers.", invalid),
        ("cardscreen_list_age_days", "source", "Age of a source's data.", ages),
        ("cardscreen_stage_seconds", "stage", "How long a stage took.", summary["seconds"]),
    ):
        gauge = Gauge(name, what, [label], registry=registry)
        for value, figure in values.items():
            gauge.labels(without_cards(str(value))).set(figure)


def _gauge(registry: CollectorRegistry, name: str, what: str, value: float) -> None:
    Gauge(name, what, registry=registry).set(value)
