"""A night with everything on: the run with its report, the leads behind it, and the export, by size of the base.

    python benchmarks/night.py                       # 1, 10 and 50 million accounts: six minutes
    python benchmarks/night.py --sizes 1000000       # one size
    python benchmarks/night.py --runs 0 60 365 1000  # what a folder of so many runs costs a night

Accounts hang together as those of `rings.py` do: gangs, families, switchboards; one in two hundred is listed. On the
second night one account in a hundred has another number, and one listing in a hundred ends or is new. Each command is a
process of its own, and each peak of memory that of a stage of it. What a base of ten thousand takes is taken for what a
night costs whatever its size, and is taken off before seconds per million are compared.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import polars as pl
from rings import LINKS, MILLION, make

import cardscreen as cs
from cardscreen.foundation.files import sha256_of
from cardscreen.runs import chain
from cardscreen.runs.manifest import write_json
from cardscreen.runs.record import MANIFEST

SIZES, LEAST = (MILLION, 10 * MILLION, 50 * MILLION), 10_000
FIRST = date.today() - timedelta(days=2)
JOB = """
timezone = "UTC"
[accounts]
path = "accounts/*.parquet"
[identifiers]
mobile = { kind = "phone", region = "CN" }
card_no = { kind = "card" }
device = { kind = "opaque", name = "device" }
[blocklist]
store = "lists"
[tokens]
key_file = "key"
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
released_share = 1
new_suspend = 1
new_close = 1
"""
LEADS = f"""
job = "job.toml"
[rings]
links = {{ {", ".join(f"{column} = {most}" for column, most in LINKS.items())} }}
accept = "rule"
"""
FEED = """
source = "police"
kind = "phone"
severity = 90
[columns]
value = "value"
[limits]
shrink_share = 1
grow_share = 1e9
"""


# --- the world --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """A project in a folder: accounts, lists, and what is said of them."""

    folder: Path
    rows: int

    @classmethod
    def made(cls, folder: Path, rows: int) -> World:
        """The project, without a night."""
        for name in ("all", "accounts"):
            (folder / name).mkdir()
        for name, text in (("job.toml", JOB), ("leads.toml", LEADS), ("feed.toml", FEED)):
            (folder / name).write_text(text)
        cs.TokenKey.write_new(folder / "key")
        files, listed = make(folder / "all", rows)
        ids = pl.read_ipc(listed)["account_id"]
        of_listed = pl.scan_parquet(files).filter(pl.col("account_id").is_in(ids.implode())).select("mobile")
        of_listed.collect().unique(maintain_order=True).write_ipc(folder / "listed.ipc")
        return cls(folder, rows)

    def at(self, night: int) -> None:
        """The accounts and the lists of a night."""
        ids = pl.col("account_id")
        mobile = (
            pl.when(ids % 100 == night).then((18_000_000_000 + ids).cast(pl.String))
            .when(ids % 100 == 50).then(None)
            .when(ids % 200 == 51).then(pl.lit("n/a"))
            .otherwise("mobile")
        )  # fmt: skip
        for file in sorted((self.folder / "all").glob("*.parquet")):
            pl.scan_parquet(file).with_columns(mobile=mobile).sink_parquet(self.folder / "accounts" / file.name)
        at = pl.int_range(pl.len())
        listed = pl.read_ipc(self.folder / "listed.ipc").filter(at % 100 != 90 + night)
        others = pl.select(mobile=(15_000_000_000 + pl.int_range(max(len(listed), 1)) * 7).cast(pl.String))
        values = pl.concat([listed, others]).select(value="+86" + pl.col("mobile"))
        values.write_parquet(self.folder / "police.parquet")


# --- a command, in a process of its own -------------------------------------------------------------


@dataclass
class Stages:
    """Seconds and peaks of memory (MiB) of the stages of a command."""

    seconds: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, int] = field(default_factory=dict)
    _now: str = ""
    _since: float = 0.0

    def begin(self, stage: str) -> None:
        """A stage begins, and so the one before ends."""
        if self._now:
            self.seconds[self._now] = self.seconds.get(self._now, 0) + time.perf_counter() - self._since
            self.peaks[self._now] = max(self.peaks.get(self._now, 0), _peak())
        self._now, self._since = stage, time.perf_counter()
        Path("/proc/self/clear_refs").write_text("5")  # the peak from here on


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def import_lists(_folder: Path, _day: date, begin: Callable[[str], None]) -> None:
    from cardscreen.lists.feeds.feed import Feed
    from cardscreen.lists.feeds.importing import import_file

    begin("importing the list")
    import_file(_folder / "police.parquet", Feed.read(_folder / "feed.toml"), cs.Store(_folder / "lists"), as_of=_day)


def run(folder: Path, day: date, begin: Callable[[str], None]) -> None:
    begin("reading the job")
    cs.run_job(cs.Job.read(folder / "job.toml"), as_of=day, tell=begin)


def leads(folder: Path, _day: date, begin: Callable[[str], None]) -> None:
    from cardscreen.leads.finding import find, office_of
    from cardscreen.leads.settings import Leads

    begin("reading the leads' file")
    said = Leads.read(folder / "leads.toml")
    find(said, begin)
    begin("publishing the leads")
    office_of(said).publish(allow=["shrink", "grow"])


def export(folder: Path, _day: date, begin: Callable[[str], None]) -> None:
    from cardscreen.runs.messages.export import export as write_tables
    from cardscreen.runs.record import Finished

    begin("exporting the tables")
    write_tables(Finished.read(folder / "runs/latest"), folder / "exported", force=True)


COMMANDS = {each.__name__: each for each in (import_lists, run, leads, export)}
NIGHT = ("run", "leads", "export")


def once(name: str, folder: Path, day: date) -> None:
    """One command, told as JSON."""
    stages = Stages()
    COMMANDS[name](folder, day, stages.begin)
    stages.begin("")
    print(json.dumps([stages.seconds, stages.peaks]))


def done(name: str, folder: Path, day: date) -> Stages:
    """One command in a process of its own, its start and end in the seconds of `starting`."""
    begun = time.perf_counter()
    told = subprocess.run(
        [sys.executable, __file__, "--once", name, str(folder), str(day)], stdout=subprocess.PIPE, check=True
    )
    taken = time.perf_counter() - begun
    seconds, peaks = json.loads(told.stdout)
    return Stages({f"{name}: starting": taken - sum(seconds.values())} | seconds, peaks)


# --- what is measured -------------------------------------------------------------------------------


@contextmanager
def world(rows: int) -> Iterator[World]:
    """A project in a folder that goes."""
    with tempfile.TemporaryDirectory() as folder:
        yield World.made(Path(folder), rows)


def nights(rows: int) -> list[Stages]:
    """Two nights."""
    told = []
    with world(rows) as project:
        for night in range(2):
            project.at(night)
            day = FIRST + timedelta(days=night)
            done("import_lists", project.folder, day)
            stages = Stages()
            for name in NIGHT:
                of_command = done(name, project.folder, day)
                stages.seconds |= of_command.seconds
                stages.peaks |= of_command.peaks
            told.append(stages)
    return told


def by_size(sizes: list[int]) -> None:
    """The table, and the ratios."""
    found = {rows: nights(rows) for rows in (LEAST, *sizes)}
    for night, name in enumerate(("the first night", "the night after")):
        print(f"{name}: seconds (peak memory in MiB)")
        print(f"{'':32}" + "".join(f"{rows:>20,}" for rows in found))
        for stage in found[sizes[-1]][night].seconds:
            cells = []
            for told in found.values():
                peak = told[night].peaks.get(stage)
                cells.append(f"{told[night].seconds.get(stage, 0):.2f}" + (f" ({peak:,})" if peak else ""))
            print(f"  {stage:30}" + "".join(f"{cell:>20}" for cell in cells))
        totals = {rows: sum(told[night].seconds.values()) for rows, told in found.items()}
        print(f"  {'all':30}" + "".join(f"{total:>20.2f}" for total in totals.values()))
        each = {rows: (totals[rows] - totals[LEAST]) / (rows - LEAST) * MILLION for rows in sizes}
        print(
            f"  {'a million, fixed costs aside':30}{'':20}" + "".join(f"{seconds:>20.2f}" for seconds in each.values())
        )
        for fewer, more in pairwise(sizes):
            print(f"  seconds per account at {more:,} = {each[more] / each[fewer]:.2f} x those at {fewer:,}")


def with_runs_before(project: World, runs: int) -> float:
    """Seconds of a night, the best of three, in a folder that has so many runs of earlier days: copies of one."""
    template, output = project.folder / "template", project.folder / "runs"
    if not template.exists():
        cs.run_job(cs.Job.read(project.folder / "job.toml"), as_of=FIRST)
        (output / "latest").unlink()
        next(each for each in output.iterdir() if (each / MANIFEST).exists()).rename(template)
    shutil.rmtree(output)
    output.mkdir()
    records = json.loads((template / MANIFEST).read_text())
    for ago in range(runs, 0, -1):
        day = FIRST - timedelta(days=ago)
        copy = output / f"{day:%Y%m%d}T020000Z"
        shutil.copytree(template, copy)
        own = {"run_id": copy.name, "as_of": str(day), "summary": records["summary"] | {"as_of": str(day)}}
        write_json(copy / MANIFEST, records | own)
        chain.append(output, "published", copy.name, sha256_of(copy / MANIFEST), None)
    told = (sum(done("run", project.folder, FIRST + timedelta(days=each)).seconds.values()) for each in range(3))
    return min(told)


def by_runs(numbers: list[int]) -> None:
    """What a night takes by how many runs lie in its folder."""
    with world(LEAST) as project:
        project.at(0)
        done("import_lists", project.folder, FIRST)
        for runs in numbers:
            print(
                f"{runs:6,} runs in the folder: a night of {LEAST:,} accounts {with_runs_before(project, runs):.2f} s"
            )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="numbers of accounts")
    options.add_argument("--runs", type=int, nargs="+", help="numbers of runs in the folder")
    options.add_argument("--once", nargs=3, help=argparse.SUPPRESS)
    said = options.parse_args()
    if said.once:
        name, folder, day = said.once
        return once(name, Path(folder), date.fromisoformat(day))
    if said.runs:
        return by_runs(said.runs)
    return by_size(said.sizes)


if __name__ == "__main__":
    main()
