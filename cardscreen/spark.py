"""Screening of accounts that lie in Spark: the same answer, from the same code, without copying them out.

One pass over the accounts in Python workers (`mapInArrow`), then a shuffle of the matches only: by value, to count
the accounts that carry it, and by account, to decide. `docs/spark.md` says what it costs, and how large a cluster
has to be.
"""

from __future__ import annotations

import atexit
import json
import os
import pickle
import re
import shutil
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from cardscreen import schema
from cardscreen.accounts import AccountColumns
from cardscreen.batches import (
    CLEARED,
    MATCHES,
    PART_BITS,
    WATCHED,
    Asked,
    Fields,
    decide_batches,
    decided_fields,
    scan_batches,
    scanned_fields,
    told_error,
)
from cardscreen.bundle import Bundle
from cardscreen.errors import CardscreenError, ConfigError, InputError, first_line, missing_extra
from cardscreen.findings import ORDER, summary_of
from cardscreen.identifiers import Kind
from cardscreen.listings import Blocklist
from cardscreen.policy import Policy
from cardscreen.rejects import KEPT, Rejects
from cardscreen.remote import is_delta_at
from cardscreen.scanning import check_dates
from cardscreen.screening import (
    Clock,
    Question,
    Result,
    completed,
    output_folder,
    previous_flags,
    versions,
    write_tables,
)
from cardscreen.tables import files_of, is_delta, is_url, require_columns
from cardscreen.tokens import TokenKey

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

#: Rows of an Arrow batch between Spark and Python, where `session` sets it.
BATCH_ROWS = 50_000
#: Matches that a worker decides on at once: fewer, and starting on them takes longer than deciding.
MATCHES_TOGETHER = 100_000
_SETTINGS = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.executorEnv.POLARS_MAX_THREADS": "1",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # 010 is no number
}
_TYPES: dict[str, pl.DataType] = {
    **dict.fromkeys(("string", "char", "varchar"), pl.String()),
    "byte": pl.Int8(),
    "short": pl.Int16(),
    "integer": pl.Int32(),
    "long": pl.Int64(),
    "float": pl.Float32(),
    "double": pl.Float64(),
    "boolean": pl.Boolean(),
    "binary": pl.Binary(),
    "date": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
    "timestamp_ntz": pl.Datetime("us"),
    "void": pl.Null(),
}
#: Begins the name of a table in Spark's catalog, where a path is asked for.
TABLE = "table://"
_BEFORE = {"action": "was", "flagged_since": "was_since", "act_on": "was_due"}
_MODULE_MISSING = re.compile(r"No module named '([\w.]+)'")
_PYTHON_FAILED = re.compile(r"from the Python worker:\n(?:.*\n)*?([\w.]+)(?=:|\n|$)")
_PY4J = re.compile(r"\AAn error occurred while calling .*\n: (?:[\w.$]+: )?")
_PYTHONS_DIFFER = "PYTHON_VERSION_MISMATCH"
_CONNECT = "sc://"
_SUITS_SPARK_4 = "install Java 17 or 21 (such as openjdk-17-jre-headless), or set JAVA_HOME to where it is"


@dataclass(frozen=True)
class SparkResult:
    """What a screening in Spark found.

    Attributes:
        flagged: `schema.FLAGGED` and the carried columns: accounts with a live or exempt hit.
        hits: `schema.HITS`: the evidence.
        rejects: `schema.REJECTS`: cells that gave no usable key.
        summary: As `Result.summary`; `engine` besides.
        watched: `schema.WATCHED`: all cells of the accounts in `previous`; None without it.

    Closed sets are strings here, and unsigned integers signed: Spark has neither. Rows are in no order. The frames are
    kept by Spark until `close`, also called at the end of a `with` block.
    """

    flagged: DataFrame
    hits: DataFrame
    rejects: DataFrame
    summary: dict[str, Any]
    watched: DataFrame | None = None
    _kept: Sequence[DataFrame] = field(default=(), repr=False)

    def __repr__(self) -> str:
        """Rows by class, and the day."""
        return f"Spark{Result(pl.LazyFrame(), pl.LazyFrame(), pl.LazyFrame(), self.summary)!r}"

    def __enter__(self) -> SparkResult:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Let Spark forget the frames."""
        for frame in self._kept:
            frame.unpersist()

    def collect(self, out: str | Path | None = None) -> Result:
        """The same on this machine, as `cardscreen.screen` gives it: hits and flags in memory, rejects as they come.

        Args:
            out: As for `screen`: a folder for the tables.

        Raises:
            ConfigError: The folder can't be made.
        """
        flagged = _collected(self.flagged, schema.FLAGGED).sort("account_id")
        hits = _collected(self.hits, schema.HITS)
        hits = hits.sort(ORDER)
        watched = None
        if self.watched is not None:
            cells = _collected(self.watched, schema.WATCHED)
            watched = cells.unique().sort(list(schema.WATCHED)).lazy()
        with output_folder(out) as folder:
            none = pl.DataFrame(schema={**schema.REJECTS, "account_id": flagged.schema["account_id"]})
            rejects = Rejects(none, folder)
            for part in self._rejects():
                rejects.add(part)
            kept = rejects.finish()
            if folder is not None:
                write_tables(folder, flagged, hits)
        if out is not None:
            return completed(Path(out), self.summary, watched)
        return Result(flagged.lazy(), hits.lazy(), kept.lazy(), self.summary, watched)

    def _rejects(self) -> Iterator[pl.DataFrame]:
        """The rejects in the order of the input, of some parts of the accounts at a time."""
        from pyspark.sql import functions as sql

        numbered = self._kept[0].where("reject is not null").select("reject.*")
        part = sql.shiftright("row", PART_BITS)
        sizes = {row["part"]: row["count"] for row in numbered.groupBy(part.alias("part")).count().collect()}
        for first, last in _spans(sizes):
            few = _collected(numbered.where(part.between(first, last)), schema.REJECTS)
            yield few.sort("row").drop("row")


def _spans(sizes: Mapping[int, int]) -> Iterator[tuple[int, int]]:
    """Numbers from one to another, of which the sizes add up to `KEPT` or one item more."""
    first, held = None, 0
    for at, size in sorted(sizes.items()):
        first, held = at if first is None else first, held + size
        if held >= KEPT or at == max(sizes):
            yield first, at
            first, held = None, 0


def screen(
    accounts: DataFrame,
    blocklist: Blocklist,
    identifiers: Mapping[str, Kind],
    *,
    account_id: str = "account_id",
    carry: Sequence[str] = (),
    unmasked: Sequence[str] = (),
    policy: Policy | Mapping[str, Any] | str | Path | None = None,
    as_of: date | str | None = None,
    previous: Any = None,
    tokens: TokenKey | Sequence[TokenKey] | None = None,
    files: str | None = None,
) -> SparkResult:
    """Screen accounts that lie in Spark: row for row what `cardscreen.screen` finds.

    Args:
        accounts: A Spark DataFrame, of which only the columns named here are read.
        blocklist: The listings, read where this runs.
        identifiers: As for `cardscreen.screen`, and so `account_id`, `carry`, `unmasked`, `policy`, `as_of`, `tokens`.
        account_id: Column that names the account.
        carry: Account columns that rules may look at and `flagged` keeps.
        unmasked: Those of these columns that may hold card numbers or tokens.
        policy: A `Policy` or its settings, the path of a TOML file, or None.
        as_of: The day that is asked about.
        previous: The night before: a Spark DataFrame with account_id, action, flagged_since and act_on, such as
            `flagged` of another night; or what `cardscreen.screen` takes.
        tokens: The key under which the blocklist's tokens were made.
        files: A folder that this machine and all workers share, or a URL of an object store, for what workers need to
            read: listings as keys, and numbering tables. None: Spark sends these files to the machines by itself.

    Returns:
        `SparkResult`. The pass over the accounts has run; the frames lie in Spark's own cache.

    Raises:
        MissingColumn: A named column is not in the accounts.
        InputError: The accounts can't be read, a holder's date is no date, or Spark could not finish.
        ConfigError: As for `cardscreen.screen`; or the workers' Python lacks a package, or has other versions.

    Example:
        >>> screen(spark.table("subscribers"), cs.Store("lists").blocklist(),
        ...        {"msisdn": cs.Phone("CN")}).flagged.show()  # doctest: +SKIP
    """
    clock = Clock()
    asked = Question.of(
        schema_of(accounts),
        blocklist,
        identifiers,
        account_id=account_id,
        carry=carry,
        unmasked=unmasked,
        policy=policy,
        as_of=as_of,
        tokens=tokens,
    )
    plan, session = asked.plan, accounts.sparkSession
    _check_zone(session, plan)
    before, watched = _before(previous, accounts, plan)
    with clock.stage("lists"):
        work = _Work.prepared(session, asked, blocklist, watched, files)
    of_account, *carried = (_plain(accounts.schema[name].dataType) for name in (account_id, *plan.carry))
    with ExitStack() as failed:
        with clock.stage("scan"), _in_one_sentence():
            needed = _numbered(accounts, plan.needed())
            scanned = needed.mapInArrow(work.step("scan"), _struct(scanned_fields, of_account, carried)).persist()
            failed.callback(scanned.unpersist)
            counts = _figures(scanned)
        check_dates(counts, plan)
        with clock.stage("policy"), _in_one_sentence():
            found = _with_all_accounts(scanned, before, counts[MATCHES])
            decided = found.mapInArrow(work.step("decide"), _struct(decided_fields, of_account, carried)).persist()
            failed.callback(decided.unpersist)
            came_out = _figures(decided)
        failed.pop_all()
    summary = summary_of(plan, counts, came_out, asked.listings, asked.day)
    engine = {"name": "spark", "version": session.version, "files": files}
    told = {"seconds": clock.seconds, "peak_memory_mib": clock.peak_mib, "engine": engine}
    flags = decided.where("flag is not null").select("flag.*")
    cells = scanned.where("watched is not null").select("watched.*").distinct()
    return SparkResult(
        flagged=flags.toDF(*schema.FLAGGED, *plan.carry),
        hits=decided.where("hit is not null").select("hit.*"),
        rejects=scanned.where("reject is not null").select("reject.*").drop("row"),
        summary=summary | {"versions": versions(), "store": blocklist.told(asked.day), **told},
        watched=None if watched is None else cells,
        _kept=(scanned, decided),
    )


def _with_all_accounts(scanned: DataFrame, before: DataFrame | None, rows: int) -> DataFrame:
    """The matches, with what only all accounts tell, those of an account in one place."""
    from pyspark.sql import functions as sql

    found = scanned.where("match is not null").select("match.*")
    carriers = found.groupBy("kind", "value").agg(sql.countDistinct("account_id").alias("carried_by"))
    found = found.join(carriers, ["kind", "value"])
    if before is not None:
        found = found.join(before, "account_id", "left")
    # By the column itself, Spark would take what that join has placed by account, and may split where it is large: an
    # account would be decided in pieces.
    return found.repartition(1 + rows // MATCHES_TOGETHER, sql.struct("account_id"))


# --- what goes in -------------------------------------------------------------------------------------------


def _numbered(frame: DataFrame, names: Sequence[str]) -> DataFrame:
    """Some columns, named by numbers: to Spark, names that differ only in case are one, and dots lead into structs."""
    places = frame.columns
    return frame.toDF(*map(str, range(len(places)))).select([str(places.index(name)) for name in names])


def _plain(of: Any) -> Any:
    """Spark's type of what workers hand back: text is compared by its bytes, whatever collation it came with."""
    from pyspark.sql.types import StringType

    return StringType() if of.typeName() in ("string", "char", "varchar") else of


def schema_of(accounts: DataFrame) -> pl.Schema:
    """The accounts' columns as Polars sees them; of a type that it has not, as objects."""
    if not hasattr(accounts, "mapInArrow"):
        raise ConfigError(f"the accounts are a {type(accounts).__name__}, not a Spark DataFrame")
    names = accounts.columns
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"the accounts have several columns of the name {', '.join(map(repr, repeated))}")
    return pl.Schema({column.name: _polars_type(column.dataType) for column in accounts.schema})


def open_accounts(session: SparkSession, path: str) -> DataFrame:
    """Accounts as Spark reads them.

    Args:
        session: Spark.
        path: `table://` and the name of a table in Spark's catalog; a Parquet file, a pattern or a folder, here or at
            a URL that Spark knows; the folder of a Delta table.

    Raises:
        InputError: There is none, or it can't be read.
        ConfigError: Files of a format that is not read in Spark.
    """
    if path.startswith(TABLE):
        with _in_one_sentence():
            return session.table(path.removeprefix(TABLE))
    if is_delta(path) or (is_url(path) and is_delta_at(path)):
        with _in_one_sentence():
            return session.read.format("delta").load(path)
    files = [path] if is_url(path) or Path(path).is_dir() else files_of(path)
    if other := sorted({ending for file in files if (ending := Path(file).suffix) not in ("", ".parquet")}):
        raise ConfigError(
            f"{path}: files ending in {other[0]!r} are not read in Spark: give Parquet, a Delta table, or a table of "
            f"Spark's catalog as {TABLE}name"
        )
    with _in_one_sentence():
        reader = session.read.option("basePath", _base(files[0])) if "=" in files[0] else session.read
        return reader.parquet(*files)


def _base(file: str) -> str:
    """The folder below which folders' names are columns."""
    before = file.split("=", maxsplit=1)[0]
    return before.rsplit("/", maxsplit=1)[0] or "/"


def _polars_type(of: Any) -> pl.DataType:
    name = of.typeName()
    if name == "array":
        return pl.List(_polars_type(of.elementType))
    return pl.Decimal(of.precision, of.scale) if name == "decimal" else _TYPES.get(name, pl.Object())


def _check_zone(session: SparkSession, plan: AccountColumns) -> None:
    """Refuse a time zone that is known to Spark only, where the accounts have instants, whose days depend on it.

    Raises:
        ConfigError: It is one.
    """
    zone = session.conf.get("spark.sql.session.timeZone")
    try:
        for name in plan.needed():
            if plan.schema[name] == pl.Datetime("us", "UTC"):
                pl.Series([None], dtype=pl.Datetime("us")).dt.replace_time_zone(zone)
    except pl.exceptions.ComputeError:
        raise ConfigError(
            f"column {name!r} holds instants, and spark.sql.session.timeZone, {zone!r}, is no zone of the IANA's: "
            "set it to one, such as Asia/Shanghai"
        ) from None


def _before(previous: Any, accounts: DataFrame, plan: AccountColumns) -> tuple[DataFrame | None, pl.DataFrame | None]:
    """The night before as Spark has it, with the columns of `_BEFORE`; and the ids of its accounts."""
    if previous is None:
        return None, None
    if hasattr(previous, "mapInArrow"):
        names = ["account_id", *_BEFORE]
        require_columns(previous.columns, names, "the previous flags")
        with _in_one_sentence():
            previous = pl.DataFrame(_numbered(previous, names).toDF(*names).toArrow())
    known = previous_flags(previous, plan.schema[plan.account_id])
    assert known is not None
    plain = known.with_columns(pl.col("action").cast(pl.String)).rename(_BEFORE)
    before = accounts.sparkSession.createDataFrame(plain.to_arrow(compat_level=pl.CompatLevel.oldest()))
    return before, known.select("account_id")


# --- what workers do ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Work:
    """What workers are asked, and where its files are: `place`, or, where that is None, where Spark has put them."""

    asked: Asked
    place: str | None

    @classmethod
    def prepared(
        cls,
        session: SparkSession,
        question: Question,
        blocklist: Blocklist,
        watched: pl.DataFrame | None,
        files: str | None,
    ) -> _Work:
        """Write the files, and let Spark send them where nobody shares a folder."""
        tables = {CLEARED: question.rules.cleared(question.day), WATCHED: watched}
        there = {name: table for name, table in tables.items() if table is not None}
        folder = files or _sent_folder()
        if not is_url(folder) and not Path(folder).is_dir():
            raise ConfigError(f"files: there is no folder {folder!r}: name one that this machine and all workers share")
        bundle = Bundle.write(
            folder, blocklist, question.day, list(question.plan.identifiers.values()), question.token_keys, there
        )
        if files is None:
            for file in bundle.files.values():
                _send(session, str(Path(folder, file.name)))
        rules = question.rules.model_copy(update={"clearances": None})
        # Spark writes a function past some size to a file, and in this one travels the key of the sealed files.
        needed = {name: question.plan.schema[name] for name in question.plan.needed()}
        plan = replace(question.plan, schema=pl.Schema(needed))
        shared = files if files is None or is_url(files) else str(Path(files).absolute())
        return cls(Asked(bundle, plan, rules, question.day, versions()), shared)

    def step(self, name: str) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
        """A function for `mapInArrow`. It travels as a whole, so that a worker without this package can say so."""
        work = pickle.dumps(self)

        def step(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            import os

            # One worker a core is what Spark starts. Polars reads this when it is first imported.
            os.environ.setdefault("POLARS_MAX_THREADS", "1")
            from cardscreen.spark import work_on

            return work_on(batches, work, name)

        return step


def work_on(batches: Iterator[pa.RecordBatch], work: bytes, step: str) -> Iterator[pa.RecordBatch]:
    """What a worker does with a part of the accounts, or of the matches."""
    from pyspark import SparkFiles, TaskContext

    said: _Work = pickle.loads(work)
    place = said.place

    def find(name: str) -> str:
        return SparkFiles.get(name) if place is None else f"{place.rstrip('/')}/{name}"

    if step == "decide":
        return decide_batches(batches, said.asked, find)
    task, names = TaskContext.get(), said.asked.plan.needed()
    named = (batch.rename_columns(names) for batch in batches)
    return scan_batches(named, said.asked, find, task.partitionId() if task else 0)


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
    with _in_one_sentence():
        if type(session).__module__.startswith("pyspark.sql.connect"):
            session.addArtifacts(path, file=True)
        else:
            session.sparkContext.addFile(path)


# --- what comes out -----------------------------------------------------------------------------------------


def _struct(fields: Callable[[Any, Any], Mapping[str, Fields]], account: Any, carry: Sequence[Any]) -> Any:
    """Arrow fields as Spark's types; those of the account and of the carried columns are the accounts' own."""
    import pyarrow as pa
    from pyspark.sql import types

    known = {
        "string": types.StringType(),
        "date32[day]": types.DateType(),
        "int16": types.ShortType(),
        "int64": types.LongType(),
    }
    own = {"account_id": account, **{f"carried_{at}": dtype for at, dtype in enumerate(carry)}}

    def of(name: str, dtype: pa.DataType) -> Any:
        if name in own:
            return own[name]
        return types.ArrayType(types.StringType()) if pa.types.is_list(dtype) else known[str(dtype)]

    tables = fields(pa.null(), [pa.null() for _ in carry])
    structs = {
        table: types.StructType([types.StructField(name, of(name, dtype)) for name, dtype in columns.items()])
        for table, columns in tables.items()
    }
    return types.StructType([types.StructField(table, struct) for table, struct in structs.items()])


def _figures(frame: DataFrame) -> Counter[str]:
    """Run a step, and add up what its workers counted.

    Raises:
        CardscreenError: What a worker told.
    """
    told = frame.where("told is not null").select("told.*").collect()
    if errors := sorted(row["error"] for row in told if row["error"]):
        raise told_error(errors[0])
    counts: Counter[str] = Counter()
    for row in told:
        counts.update(json.loads(row["counts"]))
    return counts


def _collected(frame: DataFrame, types: Mapping[str, Any]) -> pl.DataFrame:
    """A frame on this machine, with the types of `schema`; the account and carried columns have their own."""
    with _in_one_sentence():
        table = pl.DataFrame(frame.toArrow())
    return table.with_columns(pl.col(name).cast(dtype) for name, dtype in types.items() if name != "account_id")


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    """Say what Spark's errors mean; what they quote of workers' tracebacks is in Spark's own log."""
    try:
        yield
    except CardscreenError:
        raise
    except Exception as error:  # Py4J's, Spark Connect's, PySpark's own
        raise _meant(error) from None


def _meant(error: Exception) -> CardscreenError:
    text = str(error)
    advice = (
        "install cardscreen[spark] on every machine, and let PYSPARK_PYTHON, or spark.pyspark.python, name the Python "
        "that has it"
    )
    if missing := _MODULE_MISSING.search(text):
        return ConfigError(f"the workers' Python has no {missing[1].split('.')[0]}: {advice}")
    if _PYTHONS_DIFFER in text:
        return ConfigError(f"the workers' Python is another version than this one, {sys.version.split()[0]}: {advice}")
    if "DATA_SOURCE_NOT_FOUND" in text and "delta" in text:
        return ConfigError("Spark can't read Delta tables here: add Delta Lake's package for Spark to its session")
    if "maxResultSize" in text:
        return InputError("what was found is more than Spark gives this machine: raise spark.driver.maxResultSize")
    if failed := _PYTHON_FAILED.search(text):
        return InputError(f"Spark could not finish: a Python function of the accounts' query failed with {failed[1]}")
    return InputError(f"Spark could not finish: {first_line(Exception(_PY4J.sub('', text)))}")


def session(master: str | None = None, settings: Mapping[str, str] | None = None) -> SparkSession:
    """A Spark session whose workers run this very Python; one that is there already, told what it lets be told.

    Args:
        master: Such as `local[*]`, `spark://host:7077`, or `sc://host` (Spark Connect); None: what Spark's own
            configuration says.
        settings: Further settings of Spark.

    Raises:
        ConfigError: PySpark or Java is not installed, or the session can't be started.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of pandas 3, of which nothing is used here
            from pyspark.sql import SparkSession
    except ImportError:
        raise ConfigError(missing_extra("PySpark", "spark")) from None
    far = str(master or "").startswith(_CONNECT)
    if not (far or _java()):
        raise ConfigError(f"Spark needs Java, and there is none: {_SUITS_SPARK_4}")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("cardscreen")
    if master:
        builder = builder.remote(master) if far else builder.master(master)
    for name, value in {**({} if far else _SETTINGS), **(settings or {})}.items():
        builder = builder.config(name, value)
    with _in_one_sentence():
        return builder.getOrCreate()


def _java() -> str | None:
    """Where Spark would find Java."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home, "bin", "java"))) if home else shutil.which("java")
