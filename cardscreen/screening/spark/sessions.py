"""Spark's sessions, and what its errors mean."""

from __future__ import annotations

import os
import re
import shutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cardscreen.foundation.errors import CardscreenError, ConfigError, InputError, first_line, missing_extra

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Rows of an Arrow batch between Spark and Python, where `session` sets it.
BATCH_ROWS = 50_000

_SETTINGS = {
    "spark.sql.execution.arrow.maxRecordsPerBatch": str(BATCH_ROWS),
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.executorEnv.POLARS_MAX_THREADS": "1",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # 010 is no number
}

_MODULE_MISSING = re.compile(r"No module named '([\w.]+)'")

_PYTHON_FAILED = re.compile(r"from the Python worker:\n(?:.*\n)*?([\w.]+)(?=:|\n|$)")

_PY4J = re.compile(r"\AAn error occurred while calling .*\n: (?:[\w.$]+: )?")

_WAITED, _CAUSE = "Exception thrown in awaitResult", re.compile(r"Caused by: (?:[\w.$]+: )?(.+)")

_PYTHONS_DIFFER = "PYTHON_VERSION_MISMATCH"

_CONNECT = "sc://"

_SUITS_SPARK_4 = "install Java 17 or 21 (such as openjdk-17-jre-headless), or set JAVA_HOME to where it is"


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
    with in_one_sentence():
        return builder.getOrCreate()


def _java() -> str | None:
    """Where Spark would find Java."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home, "bin", "java"))) if home else shutil.which("java")


@contextmanager
def in_one_sentence() -> Iterator[None]:
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
    causes = _CAUSE.findall(text)[-1:] if _WAITED in text else []
    return InputError(f"Spark could not finish: {first_line(Exception(*causes or [_PY4J.sub('', text)]))}")
