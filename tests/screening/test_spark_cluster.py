"""Screening on a standalone cluster of two worker processes: files sent, shared or in a store; bare Pythons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from clusters import standalone
from stores import serving

DRIVER = Path(__file__).parents[1] / "helpers/on_cluster.py"


@pytest.fixture(scope="module")
def cluster(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    folder = tmp_path_factory.mktemp("cluster")
    with standalone(folder) as master:
        yield master, folder


ROWS = 6_000
PHONES = [f"{13_000_000_000 + row}" for row in range(ROWS)]
CARDS = [f"{6_222_021_234_000_001 + 10 * row}" for row in range(ROWS)]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Accounts in files of several partitions, and listings of several sorts."""
    folder = tmp_path_factory.mktemp("tables")
    accounts = pl.DataFrame(
        {
            "account_id": [row % 5_000 for row in range(ROWS)],
            "mobile": [f"+86 {phone}" if row % 3 else "?" for row, phone in enumerate(PHONES)],
            "card_no": [card if row % 4 else f"{card[:6]}******{card[-4:]}" for row, card in enumerate(CARDS)],
        }
    )
    for part, rows in enumerate(accounts.iter_slices(ROWS // 4)):
        rows.write_parquet(folder / "accounts" / f"{part}.parquet", mkdir=True)
    listed = [
        *(("phone", f"+86{phone}") for phone in PHONES[::17]),
        *(("card", card) for card in CARDS[::13]),
        ("phone", "+8613000001000-+8613000001099"),
        ("phone", "+861300000203*"),
    ]
    pl.DataFrame(listed, schema=["kind", "value"], orient="row").write_parquet(folder / "listings.parquet")
    return folder / "accounts", folder / "listings.parquet"


def driven(
    master: str, tables: tuple[Path, Path], places: list[str | None], settings: dict[str, str], **environment: str
) -> dict[str, Any]:
    """What the driver tells, in a process of its own: another session runs in this one, or will."""
    accounts, listings = map(str, tables)
    near = {"spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "4"}
    quick = {"spark.executor.extraJavaOptions": os.environ.get("SPARK_SUBMIT_OPTS", "")}
    # Files as small as these would share a partition.
    apart = {"spark.sql.files.openCostInBytes": "200000000"}
    options = [json.dumps(places), json.dumps({**near, **quick, **apart, **settings})]
    done = subprocess.run(
        [sys.executable, str(DRIVER), master, accounts, listings, *options],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_two_workers_find_what_one_machine_finds_and_need_not_write(
    cluster: tuple[str, Path], tables: tuple[Path, Path], tmp_path: Path
) -> None:
    master, folder = cluster
    before = {*folder.glob("worker-*/app-*")}
    shared = tmp_path / "a folder for all"
    for place in (shared, tmp_path / "bucket" / "lists"):
        place.mkdir(parents=True)
    with serving(tmp_path) as endpoint:
        store = {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "id",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_REGION": "nowhere",
        }
        nowhere = {"CARDSCREEN_CACHE_DIR": "/proc/nothing", "HOME": "/proc/nothing", "XDG_CACHE_HOME": "/proc/nothing"}
        settings = {f"spark.executorEnv.{name}": value for name, value in {**store, **nowhere}.items()}
        places = [None, str(shared), "s3://bucket/lists"]
        told = driven(master, tables, places, settings, **store)
    assert told == {"partitions": 4, "flagged": told["flagged"], **{str(place): [] for place in places}}
    assert told["flagged"] > ROWS // 20
    told_by = [file for app in {*folder.glob("worker-*/app-*")} - before for file in app.glob("*/stderr")]
    assert len(told_by) == 2
    said = "".join(file.read_text() for file in told_by)
    assert "phone tables cannot be kept" not in said
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []  # all that was written for workers is gone


def test_a_worker_whose_python_lacks_the_package_is_told_in_one_sentence(
    cluster: tuple[str, Path], tables: tuple[Path, Path], tmp_path: Path
) -> None:
    venv.create(tmp_path / "bare", with_pip=False, symlinks=True)
    python = tmp_path / "bare" / "bin" / "python"
    packages = next((tmp_path / "bare" / "lib").glob("python*")) / "site-packages"
    # All that this Python has, but for what is installed as a link to its source.
    (packages / "all.pth").write_text(str(Path(pl.__file__).parents[1]), encoding="utf-8")
    settings = {"spark.pyspark.python": str(python), "spark.task.maxFailures": "1"}  # what fails here fails again
    told = driven(cluster[0], tables, [None], settings, PYSPARK_PYTHON=str(python))
    assert told["error"] == [
        "ConfigError",
        "the workers' Python has no cardscreen: install cardscreen[spark] on every machine, and let PYSPARK_PYTHON, or "
        "spark.pyspark.python, name the Python that has it",
    ]


CONNECTED = """
import polars as pl, pyspark.sql as ps, cardscreen as cs
from cardscreen import spark
session = ps.SparkSession.builder.remote("local[2]").getOrCreate()
session.conf.set("spark.sql.shuffle.partitions", "2")
there = session.createDataFrame([("a", "138 0013 8000"), ("b", "n/a"), ("a", None)], "account_id string, mobile string")
listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
first = spark.screen(there, listed, {"mobile": cs.Phone("CN")})
found = spark.screen(there, listed, {"mobile": cs.Phone("CN")}, previous=first.flagged).collect()
print(found.flagged.collect()["account_id"].to_list(), len(found.rejects.collect()), len(found.watched.collect()))
"""


def test_spark_connect_gives_the_same(java: None) -> None:
    pytest.importorskip("grpc")
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    command = [sys.executable, "-W", "ignore", "-c", CONNECTED]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.stdout.splitlines()[-1:] == ["['a'] 1 2"], done.stderr
