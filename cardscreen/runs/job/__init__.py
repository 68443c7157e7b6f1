"""A job: which accounts, which lists, which policy, where to, and within which limits; as its file (`file`) says."""

from __future__ import annotations

import glob
import os
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cardscreen.foundation import schema
from cardscreen.foundation.bounds import Held
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.secrets.signing import KeyPlace
from cardscreen.foundation.settings.toml import (
    TomlFile,
    checked,
    known_path,
    literally,
    names_day,
    of_day,
    read_toml,
)
from cardscreen.foundation.words.languages import Language
from cardscreen.foundation.zones import local_name
from cardscreen.kinds.kind import Kind, kind_from_options
from cardscreen.kinds.tokens import TokenKey
from cardscreen.lists.blocklist import Blocklist
from cardscreen.lists.store.table import Store
from cardscreen.policy.policy import Clearances, Policy
from cardscreen.runs.brakes import Limits
from cardscreen.runs.job.file import Accounts, Engine, JobFile, KeyFrom, Output, Tokens
from cardscreen.tables.databases import Database, Iceberg
from cardscreen.tables.paths import files_of
from cardscreen.tables.reading import Reading

_DATED = ("applied", "clearances")  # files whose paths may hold a day
#: Columns of changes, notices and releases, beside which the carried ones stand.
_TAKEN = {*schema.CHANGES, *schema.NOTICES, *schema.RELEASES}


@dataclass(frozen=True)
class Cluster:
    """Where Spark runs.

    Attributes:
        master: As for `spark.session`.
        files: As for `spark.screen`.
        settings: Settings of Spark.
    """

    master: str | None
    files: str | None
    settings: dict[str, str]


@dataclass(frozen=True)
class Job:
    """A checked job; every path in it is absolute or a URL.

    In those of accounts, lists, applied and clearances the day of a night is still to be put in: `on` does that.

    Attributes:
        reading: How accounts of text, or in a sheet, are to be read.
        date_format: How the accounts write days; None: as YYYY-MM-DD.
        lists: Files of listings; empty where a store has them.
        store: The store of listings, or None.
        metrics: File for Prometheus, or None.
        sign: Where the key is that signs the chain of runs, or None.
        files: The files that the job was read from, by what they are.
        described: The identifiers as the file writes them.
        place: The database or Iceberg table of the accounts; None: they lie in files. `accounts` is its name then.
        texts: What to say of reason codes, beside what is said by default.
        language: In which reports and notices are written.
        report: Whether a run has a page for people.
        shown: As what its tables hold identifiers.
        cluster: Where Spark runs, if the accounts are screened there; None: on this machine.
    """

    timezone: str
    accounts: str
    account_id: str
    carry: list[str]
    unmasked: list[str]
    reading: Reading
    date_format: str | None
    identifiers: dict[str, Kind]
    lists: list[str]
    store: str | None
    policy: Policy
    output: Path
    metrics: Path | None
    sign: KeyPlace | None
    limits: Limits
    tokens: list[TokenKey]
    files: dict[str, Path]
    described: dict[str, dict[str, Any]]
    texts: dict[str, str]
    cluster: Cluster | None
    place: Database | Iceberg | None = None
    language: Language = field(default_factory=Language)
    report: bool = True
    shown: schema.Shown = "masked"

    @classmethod
    def read(cls, path: str | Path) -> Job:
        """A job from its TOML file; relative paths are read from the file's own folder.

        Raises:
            ConfigError: No such file, or anything in it that makes no sense; tells what and where.
        """
        file = Path(path).absolute()
        return cls.from_settings(read_toml(file, str(path)), file)

    @classmethod
    def from_settings(cls, toml: TomlFile, file: Path) -> Job:
        """A job from parsed TOML; see `read`.

        Args:
            toml: What the file says.
            file: Where it lies, or lay: relative paths are read from there.
        """
        settings = checked(JobFile, toml)
        policy, files = _policy(settings.policy, toml, file)
        if settings.output.applied:
            files["applied"] = Path(_template(file.parent, settings.output.applied))
        copies = issuer_tables(settings.identifiers)
        tables = {each: Path(_resolved(file.parent, settings.identifiers[each]["issuers"])) for each in copies}
        files |= {copies[column]: table for column, table in tables.items()}
        kinds, place = _kinds(settings.identifiers, toml, tables), settings.accounts.place
        if place and settings.engine.name == "spark":
            where = toml.where("accounts")
            raise ConfigError(
                f"{where}: Spark reads accounts from its own tables: give [accounts] path, not {place.name}"
            )
        if settings.output.identifiers == "token" and settings.tokens is None:
            where = toml.where("output", "identifiers")
            raise ConfigError(f"{where}: output.identifiers: tokens need a key: say where one is, under [tokens]")
        for name in settings.accounts.carry:
            if name in _TAKEN:
                where = toml.where("accounts", "carry")
                raise ConfigError(f"{where}: the carried column {name!r} has the name of a column of runs: rename it")
        return cls(
            timezone=settings.timezone or local_name(),
            accounts=literally(place.name) if place else _template(file.parent, settings.accounts.path or ""),
            place=place,
            account_id=settings.accounts.id,
            carry=settings.accounts.carry,
            unmasked=settings.accounts.unmasked,
            reading=_reading(settings.accounts),
            date_format=settings.accounts.date_format,
            identifiers=kinds,
            lists=[_template(file.parent, each) for each in settings.blocklist.paths or []],
            store=_resolved(file.parent, settings.blocklist.store) if settings.blocklist.store else None,
            policy=policy,
            output=Path(_resolved(file.parent, settings.output.directory)),
            metrics=Path(_resolved(file.parent, settings.output.metrics)) if settings.output.metrics else None,
            sign=_key_place(settings.output.sign, file.parent),
            limits=checked(Limits, toml.part("limits")),
            tokens=_token_keys(settings.tokens, file.parent),
            files=files,
            described=settings.identifiers,
            texts=settings.notices.texts,
            cluster=_cluster(settings.engine, file.parent),
            language=Language(settings.lang),
            report=settings.output.report,
            shown=settings.output.identifiers,
        )

    def on(self, day: date, resolve: Callable[[str], str] = str) -> Job:
        """The job of one night: with its day in all paths.

        Args:
            day: The day that is asked about.
            resolve: Where something is that lay at a path.

        Raises:
            InputError: There is no file of that day; says so.
        """
        accounts, lists = _of(self.accounts, day, resolve), [_of(path, day, resolve) for path in self.lists]
        files = {
            name: Path(_of(str(file), day, resolve)) if name in _DATED else file for name, file in self.files.items()
        }
        return replace(self, accounts=accounts, lists=lists, files=files, policy=self.policy_on(day, resolve))

    def policy_on(self, day: date, resolve: Callable[[str], str] = str) -> Policy:
        """The policy, with the clearances of a day; see `on`."""
        if "clearances" not in self.files:
            return self.policy
        file = _of(str(self.files["clearances"]), day, resolve)
        return self.policy.model_copy(update={"clearances": Clearances(file=file)})

    @property
    def shown_as(self) -> str:
        """As what its tables hold identifiers, and of tokens under which key: only what is alike can be compared."""
        return f"token {self.tokens[0].id}" if self.shown == "token" else self.shown

    @property
    def token_key(self) -> TokenKey | None:
        """The key under which new tokens are made: the first; None where there is none."""
        return self.tokens[0] if self.tokens else None

    def blocklist(self, known_at: datetime | None = None) -> Blocklist:
        """The lists: the newest of the store, or what that knew at an instant; or those in plain files.

        Raises:
            ConfigError: An instant, and the lists are plain files.
        """
        if self.store is not None:
            return Store(self.store).blocklist(known_at=known_at)
        if known_at is not None:
            raise ConfigError("known_at asks a store what it knew then: this job's lists are plain files")
        return Blocklist.read(*self.lists)

    def command(self, name: str) -> str:
        """A command about this job, as a shell takes it."""
        return f"cardscreen {name} {shlex.quote(str(self.files['job']))}"

    def today(self) -> date:
        """The day it is now in the job's time zone."""
        return datetime.now(ZoneInfo(self.timezone)).date()


def _of(path: str, day: date, resolve: Callable[[str], str]) -> str:
    """A path with the day put in; one that names nothing on that day is told with it."""
    filled = resolve(of_day(path, day))
    if not names_day(path):
        return filled
    try:
        files_of(filled)
    except InputError as error:
        raise InputError(f"{error}; {day} was put in for {{as_of}}") from None
    return filled


def _reading(accounts: Accounts) -> Reading:
    options = accounts.model_dump(include={"encoding", "delimiter", "sheet", "header_row"})
    held = Held(accounts.bounds, "under [accounts.bounds] of the job file")
    return Reading(**options, saying="say {option} = {value} under [accounts] of the job file", held=held)


def _cluster(engine: Engine, folder: Path) -> Cluster | None:
    if engine.name != "spark":
        return None
    # As Spark writes them.
    settings = {
        name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in engine.settings.items()
    }
    return Cluster(engine.master, _resolved(folder, engine.files) if engine.files else None, settings)


def _policy(settings: dict[str, Any], toml: TomlFile, file: Path) -> tuple[Policy, dict[str, Path]]:
    """The policy that a job names or holds, and the files that were read, the job's own among them."""
    files, own = {"job": file}, dict(settings)
    if "file" in own:
        files["policy"] = file.parent / str(own.pop("file"))
        if own:
            where = toml.where("policy", "file")
            raise ConfigError(f"{where}: policy: give either `file` or the policy's own keys, not both")
        policy = Policy.read(files["policy"])
    else:
        policy = Policy.from_settings(toml.part("policy"), file.parent)
    if policy.clearances:
        place, clearances = (files.get("policy") or file).parent, policy.clearances.file
        own_path = clearances.removeprefix(f"{place}/")
        try:
            files["clearances"] = Path(literally(str(place)) if own_path != clearances else "", known_path(own_path))
        except ValueError as error:
            raise ConfigError(f"{toml.where('policy')}: policy.clearances.file: {error}") from None
    return policy, files


def output_of(path: str | Path) -> Path:
    """The output folder of a job file; nothing else of it need be right.

    Raises:
        ConfigError: No such file, or no TOML.
    """
    return Path(_resolved(Path(path).absolute().parent, _output_said(path).directory))


def key_place_of(path: str | Path) -> KeyPlace | None:
    """Where a job file says that the key for signing is; None: nothing is signed.

    Raises:
        ConfigError: No such file, or no TOML.
    """
    return _key_place(_output_said(path).sign, Path(path).absolute().parent)


def stores_in(folder: Path) -> dict[str, str]:
    """The stores that jobs in a folder read, by the names of their files; what is no job is passed over."""
    stores = {}
    for file in sorted(folder.glob("*.toml")):
        with suppress(ConfigError):
            settings = read_toml(file).settings
            lists = settings.get("blocklist")
            if "accounts" in settings and isinstance(lists, dict) and isinstance(lists.get("store"), str):
                stores[file.name] = _resolved(folder, lists["store"])
    return stores


def _output_said(path: str | Path) -> Output:
    return checked(Output, read_toml(Path(path).absolute(), str(path)).part("output"))


def _key_place(sign: KeyFrom | None, folder: Path) -> KeyPlace | None:
    if sign is None:
        return None
    return KeyPlace(Path(_resolved(folder, sign.file)) if sign.file else None, sign.env, tuple(sign.command or ()))


#: How a run's copy of a table of issuers is called; of the table of a second column, with a number behind it.
ISSUERS = "issuers"


def issuer_tables(identifiers: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Columns of cards with a table of issuers → how a run's copy of it is called."""
    columns = (column for column, options in identifiers.items() if isinstance(options.get("issuers"), str))
    return {column: f"{ISSUERS}{at or ''}" for at, column in enumerate(columns)}


def _kinds(identifiers: dict[str, dict[str, Any]], toml: TomlFile, tables: Mapping[str, Path]) -> dict[str, Kind]:
    kinds, problems = {}, []
    for column, options in identifiers.items():
        place = {"issuers": str(tables[column])} if column in tables else {}
        try:
            kinds[column] = kind_from_options(column, {**options, **place})
        except ConfigError as error:
            problems.append(f"{toml.where('identifiers', column)}: {error}")
    if problems:
        raise ConfigError(*problems)
    return kinds


def _token_keys(tokens: Tokens | None, folder: Path) -> list[TokenKey]:
    """The key, or several: while keys are changed, lists under the old one and the new one are both read."""
    if tokens is None:
        return []
    if tokens.key_file is not None:
        return [TokenKey.from_file(_resolved(folder, name)) for name in _several(tokens.key_file)]
    if tokens.key_command is not None:
        return [TokenKey.from_command(each) for each in tokens.commands()]
    return [TokenKey.from_env(name) for name in _several(tokens.key_env or [])]


def _several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _resolved(folder: Path, path: str) -> str:
    if "://" in path:
        return path
    # Brackets in the folder's own name are no pattern.
    own = glob.escape(str(folder)) if glob.has_magic(path) else str(folder)
    return os.path.normpath(path if Path(path).is_absolute() else f"{own}/{path}")


def _template(folder: Path, path: str) -> str:
    """The same for a path in which a day may stand: braces in the folder's own name are none of its."""
    return _resolved(Path(literally(str(folder))), path)
