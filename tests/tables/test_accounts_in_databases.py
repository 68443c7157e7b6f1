"""Accounts where they live: in PostgreSQL, SQLite and Iceberg, streamed; passwords stay there."""

from __future__ import annotations

import glob
import importlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from commands import Done, cardscreen

import cardscreen as cs
from cardscreen.foundation.errors import InputError
from cardscreen.tables.databases import Database, Iceberg

ROWS = 3_000
LISTED = (7, 1_234, 2_999)
PASSWORD = "s3cret/Pa ss"
JOB = """
timezone = "UTC"
[accounts]
{place}
carry = ["segment"]
[identifiers]
mobile = {{ kind = "phone", region = "CN", holder_since = "since" }}
[blocklist]
paths = ["listed.parquet"]
[limits]
first_run = "publish"
"""
ACCOUNTS = pl.DataFrame(
    {
        "account_id": range(ROWS),
        "mobile": [f"1380013{at:04}" for at in range(ROWS)],
        "since": ["2024-05-01"] * ROWS,
        "segment": ["private", "business"] * (ROWS // 2),
    }
)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """A server of our own, which asks for a password; its URI."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found:
        pytest.skip("there is no PostgreSQL here")
    tools = Path(found[-1]).parent
    user = "postgres" if os.geteuid() == 0 else None  # the server does not run as root
    with tempfile.TemporaryDirectory(prefix="pg-") as place:
        folder = Path(place)
        (folder / "password").write_text(PASSWORD)
        for each in (folder, folder / "password"):
            if user:
                shutil.chown(each, user)

        def run(*command: str) -> None:
            subprocess.run(command, user=user, cwd=folder, check=True, stdout=subprocess.DEVNULL)

        port = str(20_000 + os.getpid() % 20_000)
        how = ("-U", "reader", "--auth=scram-sha-256", "--pwfile=password", "-E", "UTF8", "--locale=C")
        run(str(tools / "initdb"), "-D", "data", *how)
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run(str(tools / "pg_ctl"), "-D", "data", "-w", "-l", "log", "-o", options, "start")
        uri = f"postgresql://reader:s3cret%2FPa%20ss@127.0.0.1:{port}/postgres"
        try:
            dbapi = importlib.import_module("adbc_driver_postgresql.dbapi")
            with dbapi.connect(uri) as connection, connection.cursor() as cursor:
                cursor.adbc_ingest("accounts", _arrow(ACCOUNTS), mode="create")
                connection.commit()
            yield uri
        finally:
            run(str(tools / "pg_ctl"), "-D", "data", "-m", "immediate", "stop")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    values = [f"+861380013{at:04}" for at in LISTED]
    pl.DataFrame({"kind": "phone", "value": values, "severity": 80}).write_parquet(tmp_path / "listed.parquet")
    return tmp_path


def night(folder: Path, place: str, **environment: str) -> Done:
    (folder / "job.toml").write_text(JOB.format(place=place), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        return cardscreen("run", "job.toml", cwd=folder)


def written(folder: Path) -> str:
    return "".join(file.read_bytes().decode("latin-1") for file in (folder / "runs").rglob("*") if file.is_file())


QUERY = 'database = { uri_env = "ACCOUNTS_URI", query = "select account_id, mobile, since, segment from accounts" }'


def test_accounts_in_postgresql_are_screened_and_the_manifest_names_no_password(folder: Path, postgresql: str) -> None:
    done = night(folder, QUERY, ACCOUNTS_URI=postgresql)
    assert done.code == 0, done.err
    flagged = pl.read_parquet(folder / "runs/latest/flagged.parquet")
    assert flagged["account_id"].to_list() == list(LISTED)
    assert '"path": "database://ACCOUNTS_URI"' in written(folder)
    for secret in (PASSWORD, "s3cret", "reader", "127.0.0.1"):
        assert secret not in written(folder) + done.out + done.err


def test_the_nights_day_is_put_into_the_query(folder: Path, postgresql: str) -> None:
    query = "select * from accounts where '{as_of}' = '2026-11-20' or account_id < 100"
    place = f'database = {{ uri_env = "ACCOUNTS_URI", query = "{query}" }}'
    assert night(folder, place, ACCOUNTS_URI=postgresql).code == 0
    assert pl.read_parquet(folder / "runs/latest/flagged.parquet")["account_id"].to_list() == [7]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda uri: uri.replace("s3cret", "wr0ng"), "password authentication failed", id="password"),
        pytest.param(
            lambda uri: uri.replace(uri.rpartition(":")[2].partition("/")[0], "1"), "can't be read", id="port"
        ),
    ],
)
def test_a_database_that_cant_be_reached_is_told_without_who_asked(
    folder: Path, postgresql: str, change: Callable[[str], str], words: str
) -> None:
    done = night(folder, QUERY, ACCOUNTS_URI=change(postgresql))
    assert (done.code, "database://ACCOUNTS_URI can't be read" in done.err, words in done.err) == (3, True, True)
    for secret in ("s3cret", "wr0ng", "reader", PASSWORD):
        assert secret not in done.err


def test_a_query_that_fails_is_told(folder: Path, postgresql: str) -> None:
    done = night(folder, QUERY.replace("from accounts", "from acounts"), ACCOUNTS_URI=postgresql)
    assert (done.code, 'relation "acounts" does not exist' in done.err) == (3, True)


def test_rows_come_in_batches_and_only_the_columns_that_are_asked_for(postgresql: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("ACCOUNTS_URI", postgresql)
    table = Database("ACCOUNTS_URI", "select *, repeat('x', 100) as wide from accounts").open("2026-11-20")
    assert table.collect_schema().names() == ["account_id", "mobile", "since", "segment", "wide"]
    assert table.select("mobile").collect()["mobile"].sort().to_list() == ACCOUNTS["mobile"].to_list()
    assert table.select(pl.len()).collect().item() == ROWS  # asked again, it answers again


def test_accounts_in_sqlite_are_screened_by_a_query_that_is_asked_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dbapi, asked = importlib.import_module("adbc_driver_sqlite.dbapi"), list[str]()
    connect = dbapi.connect

    def counting(uri: str) -> Any:
        asked.append(uri)
        return connect(uri)

    monkeypatch.setattr(dbapi, "connect", counting)
    with sqlite3.connect(folder / "crm.db") as connection:
        connection.execute("create table accounts (account_id text, mobile text, since text, segment text)")
        rows = [tuple(map(str, row)) for row in ACCOUNTS.rows()]
        connection.executemany("insert into accounts values (?, ?, ?, ?)", rows)
    connection.close()
    done = night(folder, QUERY, ACCOUNTS_URI=f"sqlite:///{folder}/crm.db")
    assert done.code == 0, done.err
    assert set(pl.read_parquet(folder / "runs/latest/flagged.parquet")["account_id"]) == set(map(str, LISTED))
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("place", "words"),
    [
        pytest.param(QUERY, "the environment variable ACCOUNTS_URI, which uri_env names, is not set", id="not-set"),
        pytest.param(QUERY + '\npath = "a.csv"', "give one of path and database", id="two-places"),
        pytest.param("", "'accounts.path' is missing", id="no-place"),
        pytest.param(QUERY.replace("query", "qury"), "did you mean 'query'", id="misspelt"),
        pytest.param(QUERY.replace('" }', '", driver = "adbc_no_such" }'), "adbc-no-such is not", id="driver"),
    ],
)
def test_what_a_job_says_wrong_of_a_database_is_told(folder: Path, place: str, words: str) -> None:
    environment = {} if "not set" in words else {"ACCOUNTS_URI": "mysql://a:b@c/d"}
    done = night(folder, place, **environment)
    assert (done.code, words in done.err) == (2, True), done.err


def test_a_uri_of_no_known_database_asks_for_its_driver(folder: Path) -> None:
    done = night(folder, QUERY, ACCOUNTS_URI="mysql://reader:s3cret@host/db")
    assert (done.code, "name its package as driver" in done.err, "s3cret" in done.err) == (2, True, False)


# --- Iceberg ----------------------------------------------------------------------------------------


@pytest.fixture
def iceberg(folder: Path) -> Any:
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("default", uri=f"sqlite:///{folder}/catalogue.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace("crm")
    table = catalog.create_table("crm.accounts", schema=_arrow(ACCOUNTS).schema)
    table.append(_arrow(ACCOUNTS.head(1_500)))
    table.append(_arrow(ACCOUNTS.tail(1_500)))
    yield table
    catalog.close()


def _arrow(frame: pl.DataFrame) -> pa.Table:
    return frame.to_arrow(compat_level=pl.CompatLevel.oldest())


def test_accounts_in_an_iceberg_table_are_screened_through_an_sql_catalogue(folder: Path, iceberg: Any) -> None:
    place = f'iceberg = {{ table = "crm.accounts", uri_env = "CATALOGUE", warehouse = "file://{folder}/warehouse" }}'
    done = night(folder, place, CATALOGUE=f"sqlite:///{folder}/catalogue.db")
    assert done.code == 0, done.err
    assert pl.read_parquet(folder / "runs/latest/flagged.parquet")["account_id"].sort().to_list() == list(LISTED)
    assert '"path": "iceberg://default/crm.accounts"' in written(folder)
    gone = night(folder, place.replace("crm.accounts", "crm.acounts"), CATALOGUE=f"sqlite:///{folder}/catalogue.db")
    assert (gone.code, "iceberg://default/crm.acounts can't be read" in gone.err) == (3, True)


@pytest.mark.parametrize("table", ["crm.accounts", "crm.acounts"])
def test_the_catalogue_of_an_iceberg_table_is_left_without_a_connection(
    folder: Path, iceberg: Any, table: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Any] = []

    class Connection(sqlite3.Connection):
        closed = False

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            opened.append(self)

        def close(self) -> None:
            super().close()
            self.closed = True

    monkeypatch.setattr(sqlite3.dbapi2, "connect", partial(sqlite3.connect, factory=Connection))
    monkeypatch.setenv("CATALOGUE", f"sqlite:///{folder}/catalogue.db")
    place = Iceberg(table, uri_env="CATALOGUE", warehouse=f"file://{folder}/warehouse")
    with nullcontext() if table == "crm.accounts" else pytest.raises(InputError):
        assert place.open("2026-11-20").collect().height == ROWS
    assert opened
    assert all(connection.closed for connection in opened)


def test_a_table_of_pyiceberg_is_screened_as_it_is(folder: Path, iceberg: Any) -> None:
    blocklist = cs.Blocklist.read(folder / "listed.parquet")
    result = cs.screen(iceberg, blocklist, {"mobile": cs.Phone("CN")}, as_of="2026-11-20")
    assert result.flagged.collect()["account_id"].to_list() == list(LISTED)
    assert result.summary["rows"]["read"] == ROWS
