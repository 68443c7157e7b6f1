"""Nights in processes of their own that are killed, run out of room or lose their inputs.

Whatever happens, `latest` is a run that passes an audit, nothing is half-published, and the next run ends as if
nothing had happened.
"""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from commands import Done, cardscreen
from victim import Victim, at_stage

from cardscreen.runs import chain
from cardscreen.runs import folder as runs

FIRST, SECOND = "2026-11-01", "2026-11-02"
ACCOUNTS = 4_000
JOB = """
[accounts]
path = "accounts/*.parquet"
[identifiers]
card_no = { kind = "card" }
[blocklist]
paths = ["lists.parquet"]
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
rejected_share = 1
new_suspend = 1
released_share = 1
"""
STAGES = [
    "reading the lists",
    "screening the accounts",
    "comparing with the night before",
    "writing notices and actions",
    "writing the manifest",
    "writing the report",
    "publishing",
]
NIGHT = ("run", "job.toml", "--as-of", SECOND, "-q")


@dataclass(frozen=True)
class Undisturbed:
    """An operator after its first night, and its second night when nobody disturbs it."""

    before: Path
    tables: dict[str, bytes]
    operations: int
    seconds: float
    room: int  # bytes that the second night takes

    def copy(self, folder: Path) -> Path:
        shutil.copytree(self.before, folder, symlinks=True)
        return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    folder = tmp_path_factory.mktemp("operator")
    _write_operator(folder / "before")
    assert night(folder / "before", FIRST).code == 0
    listings(folder / "before", range(50, 250))
    shutil.copytree(folder / "before", folder / "after", symlinks=True)
    victim = Victim(folder / "after", *NIGHT).go()
    begun = time.perf_counter()
    ended = victim.ends()
    took = time.perf_counter() - begun
    assert ended.code == 0, ended.said
    assert ended.operations is not None
    latest = folder / "after/runs/latest"
    # A page takes more or less of it, as there are pictures or not.
    files = (file for file in latest.resolve().rglob("*") if file.name != "report.html")
    room = sum(-(-file.stat().st_size // 4096) * 4096 for file in files)
    return Undisturbed(folder / "before", tables(latest), ended.operations, took, room)


@pytest.fixture
def operator(undisturbed: Undisturbed, tmp_path: Path) -> Path:
    return undisturbed.copy(tmp_path / "o")


def _write_operator(folder: Path) -> None:
    """Two part files of accounts, half of whose cells can't be read, each in another way."""
    chance = random.Random(1)
    (folder / "accounts").mkdir(parents=True)
    for part in range(2):
        ids = range(part, ACCOUNTS, 2)
        cells = [f"62220{each:010}1" if each % 4 < 2 else "".join(chance.choices("a9 .-/()", k=38)) for each in ids]
        frame = pl.DataFrame({"account_id": [f"A{each:06}" for each in ids], "card_no": cells})
        frame.write_parquet(folder / f"accounts/{part}.parquet")
    (folder / "job.toml").write_text(JOB, encoding="utf-8")
    listings(folder, range(200))


def listings(folder: Path, numbers: range) -> None:
    values = [f"62220{4 * number:010}1" for number in numbers]
    ids = [f"L{number}" for number in numbers]
    frame = pl.DataFrame({"kind": "card", "value": values, "severity": 95, "listing_id": ids})
    frame.write_parquet(folder / "lists.parquet")


def night(folder: Path, day: str = SECOND) -> Done:
    return cardscreen("run", "job.toml", "--as-of", day, "-q", cwd=folder)


def tables(folder: Path) -> dict[str, bytes]:
    """What a run says, whatever its name is."""
    name = folder.resolve().name.encode()
    files = [*folder.glob("*.parquet"), *folder.glob("*/*.csv")]
    return {str(file.relative_to(folder)): file.read_bytes().replace(name, b"RUN") for file in files}


def leftovers(output: Path) -> list[str]:
    """What lies in an output folder and is neither a run, nor `latest`, nor the lock or the chain."""
    there = {entry.name for entry in output.iterdir()} - {run.name for run in runs.published(output)}
    return sorted(there - {"latest", ".lock", chain.FILE})


def check_sound(output: Path) -> None:
    """Every run that can be seen is complete and as it was written, the one that `latest` names too."""
    for folder in ("latest", *(entry.name for entry in output.glob("2*"))):
        audited = cardscreen("audit", folder, cwd=output)
        assert audited.code == 0, audited.out + audited.err


def check_unpublished(output: Path) -> None:
    """Only the first night stands, and nothing lies beside it."""
    check_sound(output)
    assert [run.name for run in runs.published(output)] == [(output / "latest").readlink().name]
    assert leftovers(output) == []


def check_next(folder: Path, undisturbed: Undisturbed, output: Path | None = None) -> None:
    """The next run ends as if nothing had been, and tidies up."""
    output = output or folder / "runs"
    done = night(folder)
    assert done.code == 0, done.err
    check_sound(output)
    assert tables(output / "latest") == undisturbed.tables
    assert leftovers(output) == []


# Killed


BATCHES, KILLS = 4, 2


@pytest.mark.parametrize("seed", range(BATCHES))
def test_after_a_kill_at_any_moment_the_latest_run_is_sound_and_the_next_ends_right(
    undisturbed: Undisturbed, tmp_path: Path, seed: int
) -> None:
    chance, killed = random.Random(seed), 0
    while killed < KILLS:
        folder = undisturbed.copy(tmp_path / f"{killed}")
        ended = Victim(folder, *NIGHT).go().ends(within=chance.uniform(0, undisturbed.seconds))
        if ended.code == 0:  # it was quicker than the kill
            shutil.rmtree(folder)
            continue
        assert ended.code == -signal.SIGKILL, ended.said
        check_sound(folder / "runs")
        check_next(folder, undisturbed)
        killed += 1


@pytest.mark.parametrize("seed", range(BATCHES))
def test_after_a_kill_before_any_operation_on_files_the_same_holds(
    undisturbed: Undisturbed, tmp_path: Path, seed: int
) -> None:
    chance, width = random.Random(seed), undisturbed.operations / (BATCHES * KILLS)
    for kill in range(KILLS):
        operation = int(width * (kill * BATCHES + seed + chance.random()))
        folder = undisturbed.copy(tmp_path / f"{kill}")
        ended = Victim(folder, *NIGHT, operation=operation).go().ends()
        assert ended.code == -signal.SIGKILL, (operation, ended.said)
        check_sound(folder / "runs")
        check_next(folder, undisturbed)


@pytest.mark.parametrize("stage", STAGES)
def test_a_run_that_is_killed_as_a_stage_begins_is_not_published(
    undisturbed: Undisturbed, operator: Path, stage: str
) -> None:
    ended = Victim(operator, *NIGHT, stage=stage, number=signal.SIGKILL).go().ends()
    assert ended.code == -signal.SIGKILL
    assert len(list(runs.published(operator / "runs"))) == 1
    assert len(leftovers(operator / "runs")) == 1
    check_sound(operator / "runs")
    check_next(operator, undisturbed)


# Interrupted


@pytest.mark.parametrize("stage", [STAGES[0], STAGES[2], STAGES[5]])
@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        pytest.param(signal.SIGTERM, 143, "terminated, nothing is half-published", id="terminated"),
        pytest.param(signal.SIGINT, 130, "interrupted, nothing is half-published", id="interrupted"),
    ],
)
def test_a_run_that_is_told_to_end_leaves_nothing(
    undisturbed: Undisturbed, operator: Path, stage: str, number: int, code: int, words: str
) -> None:
    ended = Victim(operator, *NIGHT, stage=stage, number=number).go().ends()
    assert (ended.code, ended.said) == (code, f"cardscreen: {words}\n")
    check_unpublished(operator / "runs")
    check_next(operator, undisturbed)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_told_to_end_at_any_moment_is_published_whole_or_not_at_all(
    undisturbed: Undisturbed, tmp_path: Path, number: int
) -> None:
    chance = random.Random(number)
    for kill in range(3):
        folder = undisturbed.copy(tmp_path / f"{kill}")
        ended = Victim(folder, *NIGHT).go().ends(within=chance.uniform(0, undisturbed.seconds), by=number)
        # Before and behind the command itself, the interpreter ends as any program does.
        assert ended.code in (0, 128 + number, -number), ended.said
        check_sound(folder / "runs")
        assert leftovers(folder / "runs") == []


# Two at once


def test_a_second_run_is_told_that_another_works_and_a_dead_one_holds_nothing(
    undisturbed: Undisturbed, operator: Path
) -> None:
    first = Victim(operator, *NIGHT, stage=STAGES[1], number=signal.SIGSTOP).go()
    first.stops()
    done = night(operator)
    assert (done.code, done.err) == (
        5,
        f"cardscreen: another run works in {operator / 'runs'}: wait until it has ended\n",
    )
    check_sound(operator / "runs")
    first.process.kill()
    assert first.ends().code == -signal.SIGKILL
    check_next(operator, undisturbed)


# A small disk


def _mount(folder: Path, size: int, *options: str) -> bool:
    said = ",".join([f"size={size}", *options])
    command = ["mount", "-t", "tmpfs", "-o", said, "tmpfs", str(folder)]
    return (
        shutil.which("mount") is not None and subprocess.run(command, capture_output=True, check=False).returncode == 0
    )


@contextmanager
def small_disk(folder: Path) -> Iterator[Callable[[int], None]]:
    """A disk of its own at a folder; gives what sets its size."""
    folder.mkdir()
    if not _mount(folder, 1 << 26):
        pytest.skip("a small file system can't be mounted here")
    try:
        yield lambda size: _resize(folder, size)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _resize(folder: Path, size: int) -> None:
    assert _mount(folder, size, "remount")


@pytest.mark.parametrize("share", [0.01, 0.2, 0.5, 0.7, 0.9])
def test_a_disk_that_fills_up_is_told_in_one_sentence_and_the_next_run_with_room_ends_right(
    undisturbed: Undisturbed, operator: Path, share: float
) -> None:
    (operator / "runs").rename(operator / "kept")
    with small_disk(operator / "runs") as resize:
        shutil.copytree(operator / "kept", operator / "runs", symlinks=True, dirs_exist_ok=True)
        used = shutil.disk_usage(operator / "runs").used
        resize(used + int(share * undisturbed.room))
        done = night(operator)
        assert (done.code, done.err) == (3, f"cardscreen: {_no_space(operator)}\n")
        check_unpublished(operator / "runs")
        resize(1 << 26)
        check_next(operator, undisturbed)


@pytest.mark.parametrize("size", [100, 4_000, 50_000])
def test_a_limit_on_the_size_of_files_is_told_like_a_full_disk(
    undisturbed: Undisturbed, operator: Path, size: int
) -> None:
    ended = Victim(operator, *NIGHT, file_size=size).go().ends()
    assert (ended.code, ended.said) == (3, f"cardscreen: {_no_space(operator)}\n")
    check_unpublished(operator / "runs")
    check_next(operator, undisturbed)


def _no_space(operator: Path) -> str:
    return (
        f"there is no space left in {operator / 'runs'}, or not for a file so large: nothing was published, and what "
        "was written is removed. Make room and run again"
    )


# Inputs that are cut while they are read


def _cut(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])


def _replace(file: Path) -> None:
    frame = pl.read_parquet(file)
    frame.head(len(frame) - 1).write_parquet(file.with_name("fresh"))
    file.with_name("fresh").replace(file)


@pytest.mark.parametrize("stage", [STAGES[0], STAGES[1], STAGES[4]])
@pytest.mark.parametrize("change", [_cut, _replace, Path.unlink])
@pytest.mark.parametrize("name", ["accounts/1.parquet", "lists.parquet"])
def test_an_input_that_changes_while_the_night_runs_is_named_and_nothing_is_published(
    operator: Path, stage: str, change: Callable[[Path], object], name: str
) -> None:
    with at_stage(stage, lambda: change(operator / name)):
        done = night(operator)
    assert (done.code, str(operator / name) in done.err, done.err.count("\n")) == (3, True, 1), done.err
    check_unpublished(operator / "runs")


def test_a_job_that_is_written_anew_while_the_night_runs_is_named(operator: Path) -> None:
    with at_stage(STAGES[4], lambda: _cut(operator / "job.toml")):
        done = night(operator)
    assert (done.code, str(operator / "job.toml") in done.err) == (3, True), done.err
    check_unpublished(operator / "runs")


def test_a_part_that_appears_meanwhile_is_named(operator: Path) -> None:
    part, late = operator / "accounts/0.parquet", operator / "accounts/2.parquet"
    with at_stage(STAGES[1], lambda: shutil.copyfile(part, late)):
        done = night(operator)
    assert (done.code, str(late) in done.err) == (3, True), done.err
    check_unpublished(operator / "runs")


def test_accounts_that_are_cut_at_any_moment_are_refused_or_were_read_before(
    undisturbed: Undisturbed, tmp_path: Path
) -> None:
    chance = random.Random(0)
    for cut in range(3):
        folder = undisturbed.copy(tmp_path / f"{cut}")
        victim = Victim(folder, *NIGHT).go()
        try:
            victim.process.wait(chance.uniform(0, undisturbed.seconds))
        except subprocess.TimeoutExpired:
            _cut(folder / "accounts/1.parquet")
        ended = victim.ends()
        check_sound(folder / "runs")
        assert leftovers(folder / "runs") == []
        if ended.code == 0:
            assert tables(folder / "runs/latest") == undisturbed.tables
        else:
            assert (ended.code, "accounts/1.parquet" in ended.said) == (3, True), ended.said


# The clock


class _Clock(datetime):
    """A clock that can be set, and that goes on while somebody sleeps."""

    ahead = timedelta(0)

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + cls.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Clock]]:
    def sleep(seconds: float) -> None:
        _Clock.ahead += timedelta(seconds=seconds)

    monkeypatch.setattr("cardscreen.runs.folder.datetime", _Clock)
    # For that module alone: threads of other libraries sleep as well, and each would set the clock on.
    monkeypatch.setattr("cardscreen.runs.folder.time", SimpleNamespace(sleep=sleep))
    yield _Clock
    _Clock.ahead = timedelta(0)


def test_a_clock_that_jumped_back_by_an_hour_stops_the_night_until_it_is_right(
    undisturbed: Undisturbed, operator: Path, clock: type[_Clock]
) -> None:
    clock.ahead = timedelta(hours=-1)
    done = night(operator)
    assert (done.code, "set the clock right" in done.err) == (3, True), done.err
    check_unpublished(operator / "runs")
    clock.ahead = timedelta(0)
    check_next(operator, undisturbed)


def test_a_clock_that_was_set_back_by_seconds_is_waited_for(
    undisturbed: Undisturbed, operator: Path, clock: type[_Clock]
) -> None:
    newest = datetime.strptime(next(runs.published(operator / "runs")).name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    clock.ahead = newest - datetime.now(UTC) - timedelta(seconds=3)
    check_next(operator, undisturbed)


def test_a_clock_that_jumps_back_while_the_night_runs_changes_nothing(
    undisturbed: Undisturbed, operator: Path, clock: type[_Clock]
) -> None:
    def jump() -> None:
        clock.ahead = timedelta(days=-1)

    with at_stage(STAGES[2], jump):
        check_next(operator, undisturbed)
