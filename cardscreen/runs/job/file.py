"""What a job file says, section by section; relative paths are as they stand there."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from cardscreen.foundation import schema
from cardscreen.foundation.bounds import Bounds
from cardscreen.foundation.settings.errors import HERE, Fault, wrong
from cardscreen.foundation.settings.toml import Section, known_format, known_path, known_zone
from cardscreen.kinds.tokens import TokenKey
from cardscreen.tables.databases import Database, Iceberg


class _Database(Section):
    """Accounts in a database.

    Attributes:
        uri_env: The environment variable that holds the URI, with its password, which stands nowhere else.
        query: The SELECT that gives the accounts; `{as_of}` in it is the night's day.
        driver: The ADBC driver, where the URI does not tell it. `cardscreen[database]` brings those of PostgreSQL and
            SQLite.
    """

    uri_env: str = Field(min_length=1)
    query: str = Field(min_length=1)
    driver: str | None = None


class _Iceberg(Section):
    """Accounts in an Iceberg table (`cardscreen[iceberg]`).

    Attributes:
        table: The table's name, such as `crm.accounts`.
        catalog: The catalogue's name in pyiceberg's own configuration.
        uri_env: Instead: the environment variable that holds the URI of an SQL catalogue.
        warehouse: Where that catalogue's tables lie.
    """

    table: str = Field(min_length=1)
    catalog: str = "default"
    uri_env: str | None = None
    warehouse: str | None = None


class Accounts(Section):
    """Which accounts are screened.

    Attributes:
        path: A file, a pattern, a folder, a list of a Delta table, or a URL; `{as_of}`, or `{as_of:%Y%m%d}`, is the
            night's day.
        database: Instead: where they are in a database.
        iceberg: Instead: the Iceberg table that they are.
        id: The column that names the account.
        carry: Columns that rules look at and results keep.
        unmasked: Of these, the id, and identifiers of kind opaque or handle: those that may hold secret numbers all the
            same.
        encoding: Of text, where it is not as usual: UTF-8, UTF-16 and GB18030 are told by the file.
        delimiter: Between the fields of text, where the file does not tell it.
        sheet: Of a spreadsheet; the first, when left out.
        header_row: The line that names the columns, from 1, where a title stands above it.
        date_format: How days are written, such as `%d/%m/%Y`; as YYYY-MM-DD, when left out.
        bounds: How much a row, or a sheet, may hold.
    """

    path: str | None = None
    database: _Database | None = None
    iceberg: _Iceberg | None = None
    id: str = "account_id"
    carry: list[str] = []
    unmasked: list[str] = []
    encoding: str | None = None
    delimiter: str | None = Field(None, min_length=1, max_length=1)
    sheet: str | None = None
    header_row: int | None = Field(None, ge=1)
    date_format: str | None = None
    bounds: Bounds = Bounds()

    @field_validator("path")
    @classmethod
    def _path(cls, path: str | None) -> str | None:
        return path and known_path(path)

    @model_validator(mode="after")
    def _one(self) -> Accounts:
        places = [name for name in ("path", "database", "iceberg") if getattr(self, name) is not None]
        if not places:
            raise wrong([Fault(("path",), f"'{HERE}' is missing")])
        if len(places) > 1:
            raise ValueError(f"give one of {' and '.join(places)}: accounts live in one place")
        return self

    @property
    def place(self) -> Database | Iceberg | None:
        """Where they live, if not in files."""
        if self.database is not None:
            return Database(**self.database.model_dump())
        return Iceberg(**self.iceberg.model_dump()) if self.iceberg is not None else None

    @field_validator("date_format")
    @classmethod
    def _format(cls, form: str | None) -> str | None:
        return form and known_format(form)


class _Blocklist(Section):
    """Which lists they are screened against.

    Attributes:
        store: The folder or URL that `cardscreen list import` fills.
        paths: Instead: Parquet files of listings; `{as_of}` in them is the night's day.
    """

    store: str | None = None
    paths: list[str] | None = Field(None, min_length=1)

    @field_validator("paths")
    @classmethod
    def _paths(cls, paths: list[str] | None) -> list[str] | None:
        return paths and [known_path(path) for path in paths]

    @model_validator(mode="after")
    def _one(self) -> _Blocklist:
        if (self.store is None) == (self.paths is None):
            raise ValueError("give either `store`, the folder that cardscreen list import fills, or `paths`")
        return self


class Tokens(Section):
    """The key of tokens, where lists or results hold some.

    Attributes:
        key_file: The file of the key, which only its owner can read; two of them, as a list, while keys are changed.
        key_env: Instead: the environment variable that holds it; or two.
        key_command: Instead: the program that prints it, with its arguments, as a list; or two such lists.
    """

    key_file: str | list[str] | None = None
    key_env: str | list[str] | None = None
    key_command: list[str] | list[list[str]] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> Tokens:
        if sum(each is not None for each in (self.key_file, self.key_env, self.key_command)) != 1:
            raise ValueError("give one of key_file, key_env and key_command")
        return self

    def commands(self) -> list[list[str]]:
        """The programs that print keys, each with its arguments."""
        several = [each for each in self.key_command or [] if isinstance(each, list)]
        alone = [each for each in self.key_command or [] if isinstance(each, str)]
        return several or ([alone] if alone else [])


class KeyFrom(Section):
    """Where a secret key is: a file of mode 0600, an environment variable, or a program that prints it.

    Attributes:
        file: The file, of mode 0600.
        env: Instead: the environment variable.
        command: Instead: the program that prints it, with its arguments, as a list.
    """

    file: str | None = None
    env: str | None = None
    command: list[str] | None = Field(None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> KeyFrom:
        if sum(each is not None for each in (self.file, self.env, self.command)) != 1:
            raise ValueError("give one of file, env and command")
        return self

    def token_key(self, folder: Path) -> TokenKey:
        """The key of tokens there; a relative path is read from a folder.

        Raises:
            ConfigError: It can't be had, or is none.
        """
        if self.file is not None:
            return TokenKey.from_file(folder / self.file)
        return TokenKey.from_env(self.env) if self.env is not None else TokenKey.from_command(self.command or [])


class Output(Section):
    """What is written, and where.

    Attributes:
        directory: Where runs lie.
        identifiers: What a run's tables hold of identifiers: `masked` (secret kinds; others as they are), `token` or
            `none`.
        applied: A CSV of account, action, applied_on: what your own system has applied. Releases lift only that.
        metrics: A `.prom` file for Prometheus.
        report: Whether each run has a page for people, report.html.
        sign: The key that signs the chain of runs.
    """

    directory: str = "runs"
    identifiers: schema.Shown = "masked"
    applied: str | None = None
    metrics: str | None = None
    report: bool = True
    sign: KeyFrom | None = None

    @field_validator("applied")
    @classmethod
    def _applied(cls, path: str | None) -> str | None:
        return path and known_path(path)

    @field_validator("directory")
    @classmethod
    def _of_all_nights(cls, path: str) -> str:
        if "{as_of" in path:
            raise ValueError("runs of all nights lie in one folder, since each is compared with the one before")
        return path


class Engine(Section):
    """What does the screening.

    Attributes:
        name: Where the accounts are screened: on this machine, or in Spark.
        master: Of Spark: its master, such as `spark://host:7077`.
        files: Of Spark: a folder that all machines share, or a URL, for what workers need; Spark sends it, when left
            out.
        settings: Of Spark: settings of its own.
    """

    name: Literal["polars", "spark"] = "polars"
    master: str | None = None
    files: str | None = None
    settings: dict[str, str | int | bool] = {}

    @model_validator(mode="after")
    def _of_spark(self) -> Engine:
        if self.name != "spark" and self.model_fields_set - {"name"}:
            raise ValueError('master, files and settings are those of Spark: say name = "spark"')
        return self


class _Notices(Section):
    """What is told.

    Attributes:
        texts: Reason code → the words in which it is told.
    """

    texts: dict[str, str] = {}


class JobFile(Section):
    """What a job file says.

    Attributes:
        timezone: Decides what "today" is; the machine's, when left out.
        lang: The language of reports, notices and `explain`.
        accounts: Which accounts are screened.
        identifiers: Column → what it holds: `{ kind = "phone", region = "CN" }`, a kind with its options.
        blocklist: Which lists they are screened against.
        tokens: The key of tokens.
        engine: What does the screening.
        policy: `file`: the policy's own file; or the policy's tables in place of it. Everything in it has a default.
        output: What is written, and where.
        notices: What is told.
        limits: Past which a run is held until a person approves it.
    """

    timezone: str | None = None
    lang: Literal["en", "zh"] = "en"
    accounts: Accounts
    identifiers: dict[str, dict[str, Any]] = Field(min_length=1)
    blocklist: _Blocklist
    tokens: Tokens | None = None
    engine: Engine = Engine()
    policy: dict[str, Any] = {}
    output: Output = Output()
    notices: _Notices = _Notices()
    limits: dict[str, Any] = {}

    @field_validator("timezone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        return name and known_zone(name)
