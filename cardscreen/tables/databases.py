"""Accounts that live in a database or in an Iceberg table, streamed from there and never held.

Where a database is, and with which password, stands in an environment variable: no file and no error tells it.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError, first_line
from cardscreen.tables.libraries import frames_of, from_iceberg, streamed
from cardscreen.tables.paths import without_secret

#: Scheme of a URI → the ADBC driver's package, and what installs it.
_DRIVERS = {
    "postgresql": "adbc_driver_postgresql",
    "postgres": "adbc_driver_postgresql",
    "sqlite": "adbc_driver_sqlite",
}
_DAY = "{as_of}"


@dataclass(frozen=True)
class Database:
    """A query whose rows are accounts.

    Attributes:
        uri_env: The environment variable with the database's URI.
        query: SQL; `{as_of}` in it is the night's day, as 2026-11-23.
        driver: Package of the ADBC driver; None: by the URI's scheme.
    """

    uri_env: str
    query: str
    driver: str | None = None

    @property
    def name(self) -> str:
        """What messages and manifests call it."""
        return f"database://{self.uri_env}"

    def open(self, day: str) -> pl.LazyFrame:
        """The rows, as they come.

        Raises:
            ConfigError: The variable is not set, or the driver is not installed.
            InputError: The database can't be reached, or refuses the query; or the rows break off.
        """
        uri = _from_environment(self.uri_env, "uri_env")
        driver = self.driver or _DRIVERS.get(urlsplit(uri).scheme)
        if driver is None:
            raise ConfigError(f"which driver reads {self.name} can't be told by its URI: name its package as driver")
        connect = _module(f"{driver}.dbapi", driver).connect
        query = self.query.replace(_DAY, day)

        def answer() -> Iterator[pl.DataFrame]:
            try:
                with closing(connect(_uri_for(driver, uri))) as connection, closing(connection.cursor()) as cursor:
                    cursor.execute(query)
                    yield from frames_of(cursor.fetch_record_batch())
            except Exception as error:  # each driver has a family of its own
                raise InputError(f"{self.name} can't be read: {_without(first_line(error), uri)}") from None

        # What has told the columns is read on: a query may take long, and is asked again only by a second pass.
        begun = [answer()]
        empty = next(begun[0])

        def batches(columns: list[str]) -> Iterator[pl.DataFrame]:
            yield empty.select(columns)
            yield from (frame.select(columns) for frame in (begun.pop() if begun else answer()))

        return streamed(empty.schema, batches)


@dataclass(frozen=True)
class Iceberg:
    """An Iceberg table, found through a catalogue.

    Attributes:
        table: Its name, with its namespace: crm.accounts.
        catalog: The catalogue's name, as pyiceberg's configuration has it.
        uri_env: The environment variable with the URI of an SQL catalogue, instead of that configuration.
        warehouse: Where an SQL catalogue's tables lie.
    """

    table: str
    catalog: str = "default"
    uri_env: str | None = None
    warehouse: str | None = None

    @property
    def name(self) -> str:
        """What messages and manifests call it."""
        return f"iceberg://{self.catalog}/{self.table}"

    def open(self, day: str) -> pl.LazyFrame:  # noqa: ARG002
        """The rows of the newest snapshot, as they come.

        Raises:
            ConfigError: The variable is not set, or pyiceberg is not installed.
            InputError: There is no such table, or it can't be read.
        """
        load = _module("pyiceberg.catalog", "pyiceberg").load_catalog
        uri = _from_environment(self.uri_env, "uri_env") if self.uri_env else ""
        settings = {"type": "sql", "uri": uri} if uri else {}
        settings |= {"warehouse": self.warehouse} if self.warehouse else {}
        try:
            with closing(load(self.catalog, **settings)) as catalog:  # the table's files are read without it
                table = catalog.load_table(self.table)
        except Exception as error:  # of pyiceberg, or of the catalogue's database
            raise InputError(f"{self.name} can't be read: {_without(first_line(error), uri)}") from None
        return from_iceberg(table, self.name)


def _from_environment(name: str, option: str) -> str:
    if value := os.environ.get(name):
        return value
    raise ConfigError(f"the environment variable {name}, which {option} names, is not set: it is to hold the URI")


def _module(name: str, package: str) -> Any:
    """A module of a package that not everybody needs."""
    try:
        return importlib.import_module(name)
    except ImportError:
        wheel = package.replace("_", "-")
        raise ConfigError(f"the package {wheel} is not installed: pip install {wheel}") from None


def _uri_for(driver: str, uri: str) -> str:
    """SQLite's driver takes a path."""
    return uri.removeprefix("sqlite://").removeprefix("/") if driver.endswith("sqlite") and "://" in uri else uri


def _without(message: str, uri: str) -> str:
    """A message without anything that a URI tells of who asks, and how."""
    parts = urlsplit(uri)
    password = parts.password or ""
    secrets = [uri, parts.netloc, password, unquote(password), parts.username or "", parts.query]
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        message = message.replace(secret, "…")
    return without_secret(message)
