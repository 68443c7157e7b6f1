"""What several test modules share."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

# Threads of several processes wait for one another: tests took a fifth longer. The first process has all of them, so
# that what they could change is seen.
if os.environ.get("PYTEST_XDIST_WORKER", "gw0") != "gw0":
    os.environ.setdefault("POLARS_MAX_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from cardscreen.cli import console
from cardscreen.reporting import drawing

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

_STARTED = drawing._started

# Of a Java that lives for a test or two, most of the time goes into compiling what it will not run again.
os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

_LONG = {"test_leaks.py", "test_ended.py", "test_docs.py"}

settings.register_profile("default", deadline=None, max_examples=12, suppress_health_check=[HealthCheck.too_slow])
# By hand, before a release: pytest --hypothesis-profile=thorough
settings.register_profile("thorough", settings.get_profile("default"), max_examples=200)
settings.load_profile("default")


def pytest_configure(config: pytest.Config) -> None:
    """Before several processes start: none of them compiles, beside the others, what all of them need."""
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        subprocess.run([sys.executable, "-m", "cardscreen.cli", "plan", "build", "CN"], capture_output=True, check=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins, so that all processes end together: tests that take Spark, and some files."""
    items.sort(key=lambda item: (not _takes_spark(item.nodeid), item.path.name not in _LONG))


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: the process that takes Spark mostly waits."""
    return (os.cpu_count() or 1) + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Spark is started in one process only, and what the tests of a file share is made once."""
    scheduler = LoadScopeScheduling(config, log)
    scheduler._split_scope = lambda nodeid: "spark" if _takes_spark(nodeid) else nodeid.partition("::")[0]
    return scheduler


def _takes_spark(nodeid: str) -> bool:
    return "spark" in nodeid.lower()


@pytest.fixture(autouse=True)
def sentences() -> Iterator[None]:
    """What a command with `--log json` has chosen holds for its own test alone."""
    yield
    console.in_sentences()


@pytest.fixture(scope="session", autouse=True)
def without_pictures() -> Iterator[None]:
    """Nights of tests draw nothing, as where what draws fails: it takes longer than they do. `pictures` lets them."""
    with mock.patch.object(drawing, "_started", return_value=None):
        yield


@pytest.fixture(scope="module")
def pictures(without_pictures: None) -> Iterator[None]:
    """Lets the nights of a module draw."""
    with mock.patch.object(drawing, "_started", _STARTED), drawing.kept():
        yield


@pytest.fixture
def real_data() -> Path:
    """The folder of published real-world columns, where the environment names one."""
    folder = os.environ.get("CARDSCREEN_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("CARDSCREEN_REAL_DATA names no folder")
    return Path(folder)


@pytest.fixture(scope="session")
def java() -> None:
    """Skips where Spark can't run."""
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("there is no Java")


@pytest.fixture(scope="session")
def spark(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One local session for all tests: starting it takes longer than most of them."""
    from cardscreen.spark import session

    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.shuffle.partitions": "3",
        "spark.log.level": "OFF",
        # What lies in Spark's own files can be searched.
        "spark.local.dir": str(tmp_path_factory.mktemp("spark-local")),
        "spark.shuffle.compress": "false",
        "spark.shuffle.spill.compress": "false",
    }
    started = session("local[2]", settings)
    yield started
    started.stop()
