"""What Spark's workers do, and the files that they need for it."""

from __future__ import annotations

import atexit
import pickle
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from cardscreen.foundation.errors import ConfigError
from cardscreen.lists.blocklist import Blocklist
from cardscreen.screening.question import Question, versions
from cardscreen.screening.spark.sessions import in_one_sentence
from cardscreen.screening.workers.batches import Asked, Find, decide_batches, match_batches, scan_batches
from cardscreen.screening.workers.bundle import Bundle
from cardscreen.tables.paths import is_url
from cardscreen.tables.remote import remove_below

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Work:
    """What workers are asked, and where its files are: `place`, or, where that is None, where Spark has put them."""

    asked: Asked
    place: str | None

    @classmethod
    @contextmanager
    def prepared(
        cls,
        session: SparkSession,
        question: Question,
        blocklist: Blocklist,
        tables: Mapping[str, pl.DataFrame | None],
        files: str | None,
    ) -> Iterator[Work]:
        """Write the files, and let Spark send them where nobody shares a folder; a shared one is left as it was.

        Tables that workers need besides travel sealed.
        """
        there = {name: table for name, table in tables.items() if table is not None}
        with _folder_in(files) if files else nullcontext(_sent_folder()) as folder:
            kinds = list(question.plan.identifiers.values())
            bundle = Bundle.write(folder, blocklist, question.day, kinds, question.token_keys, there)
            if files is None:
                for file in bundle.files.values():
                    _send(session, str(Path(folder, file.name)))
            rules = question.rules.model_copy(update={"clearances": None})
            # Spark writes a function past some size to a file, and in this one travels the key of the sealed files.
            needed = {name: question.plan.schema[name] for name in question.plan.needed()}
            plan = replace(question.plan, schema=pl.Schema(needed))
            asked = Asked(bundle, plan, rules, question.day, versions(), question.most_hits)
            yield cls(asked, None if files is None else folder)

    def having(self, session: SparkSession, what: str, table: pl.DataFrame) -> Work:
        """The work with one more table for its steps, sealed."""
        folder = self.place or _sent_folder()
        bundle = self.asked.bundle.having(folder, what, table)
        if self.place is None:
            _send(session, str(Path(folder, bundle.files[what].name)))
        return replace(self, asked=replace(self.asked, bundle=bundle))

    def step(
        self, name: str, module: str = "cardscreen.screening.spark.work"
    ) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
        """A function for `mapInArrow`. It travels as a whole, so that a worker without this package can say so.

        Args:
            name: The step that is asked for.
            module: Whose `work_on` does it.
        """
        work = pickle.dumps(self)

        def step(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            import os

            # One worker a core is what Spark starts. Polars reads this when it is first imported.
            os.environ.setdefault("POLARS_MAX_THREADS", "1")
            from importlib import import_module

            done: Iterator[pa.RecordBatch] = import_module(module).work_on(batches, work, name)
            return done

        return step


def received(work: bytes) -> tuple[Work, Find]:
    """What a worker was asked, and the place of a file by its name."""
    from pyspark import SparkFiles

    given: Work = pickle.loads(work)  # nosec B301 # of the driver, by Spark's own way
    place = given.place
    return given, lambda name: SparkFiles.get(name) if place is None else f"{place}/{name}"


_LATER = {"match": match_batches, "decide": decide_batches}


def work_on(batches: Iterator[pa.RecordBatch], work: bytes, step: str) -> Iterator[pa.RecordBatch]:
    """What a worker does with a part of the accounts, or of the matches."""
    from pyspark import TaskContext

    given, find = received(work)
    if step in _LATER:
        return _LATER[step](batches, given.asked, find)
    task, names = TaskContext.get(), given.asked.plan.needed()
    named = (batch.rename_columns(names) for batch in batches)
    return scan_batches(named, given.asked, find, task.partitionId() if task else 0)


@contextmanager
def _folder_in(files: str) -> Iterator[str]:
    """A folder for one screening in a folder, or at a URL, that all machines share."""
    name = f"cardscreen-{secrets.token_hex(8)}"
    if is_url(files):
        url = f"{files.rstrip('/')}/{name}"
        try:
            yield url
        finally:
            remove_below(url)
    elif Path(files).is_dir():
        folder = Path(files).absolute() / name
        folder.mkdir(0o700)
        try:
            yield str(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    else:
        raise ConfigError(f"files: there is no folder {files!r}: name one that this machine and all workers share")


@cache
def _sent_folder() -> str:
    """A folder for files that Spark sends, until this process ends: machines that join later ask for them too.

    One for all screenings: Spark knows a file by its name, and takes none of that name from another folder.
    """
    folder = tempfile.mkdtemp(prefix="cardscreen-spark-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _send(session: SparkSession, path: str) -> None:
    """Have a file sent to all machines."""
    with in_one_sentence():
        if type(session).__module__.startswith("pyspark.sql.connect"):
            session.addArtifacts(path, file=True)
        else:
            session.sparkContext.addFile(path)
