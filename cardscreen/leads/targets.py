"""Accounts that listed numbers have called: people who are to be warned, and kept apart from suspects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import Field, field_validator

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.process.progress import in_log
from cardscreen.foundation.settings.toml import Section, TomlFile, checked, known_path, of_day, read_toml
from cardscreen.foundation.words.languages import Language
from cardscreen.kinds.kind import Kind, kind_from_options
from cardscreen.kinds.masking import masked
from cardscreen.leads.base.unread import Unread
from cardscreen.leads.base.wanted import values_in
from cardscreen.leads.desk.folder import Desk, Sheet
from cardscreen.leads.proposals import typed
from cardscreen.lists import keyed
from cardscreen.lists.blocklist import holds
from cardscreen.policy.policy import Policy
from cardscreen.runs import folder as runs
from cardscreen.runs.job import Job
from cardscreen.runs.manifest import fingerprint
from cardscreen.runs.record import Base
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.hits.evidence import evidence, near_in
from cardscreen.screening.question import versions
from cardscreen.screening.scan import MAY_MATCH, NO_ACCOUNT, Pass
from cardscreen.screening.tally import Tally
from cardscreen.screening.targets import Targets
from cardscreen.tables.cells import shape, without_formulas
from cardscreen.tables.dates import read_days
from cardscreen.tables.opening import explaining, open_table, require_columns, schema_of, whole_number
from cardscreen.tables.paths import files_of, steady
from cardscreen.tables.reading import Reading

#: A listed number that called an account often enough.
TARGETS = schema.Columns(
    {
        "account_id": (pl.String, "the account that is to be warned"),
        "value": (pl.String, "the listed number"),
        "source": (pl.String, "who lists it"),
        "reason": (pl.String, "why, as a code"),
        "severity": (pl.UInt8, "how grave it is, 1 to 100"),
        "first_day": (pl.Date, "the first day on which it called"),
        "last_day": (pl.Date, "the last one"),
        "days": (pl.UInt32, "on how many days it called"),
        "contacts": (pl.UInt32, "how often it called"),
        "called_back": (pl.UInt32, "how often the account called back"),
    }
)
WARN = "notices/warn.csv"
#: Status of a contact of a day that is not here yet, and of one whose count is none.
LATER, BAD_COUNT = "later", "bad_count"
_IN = ("in", "incoming", "mt", "received", "呼入")
_OUT = ("out", "outgoing", "mo", "sent", "呼出")


class ContactColumns(Section):
    """The table's own names of the columns of a contact.

    Attributes:
        account: Our account.
        counterpart: The number at the other end.
        day: The day.
        direction: Who called whom; without it every contact came in.
        count: How many contacts the row stands for; without it, one.
    """

    account: str = "account"
    counterpart: str = "counterpart"
    day: str = "day"
    direction: str | None = "direction"
    count: str | None = "count"


class ContactsFile(Section):
    """What a file of contacts says.

    Attributes:
        job: The job file whose lists and flags count.
        path: The table of contacts; `{as_of}` in it is the day.
        directory: Where what is found lies.
        counterpart: The kind of the counterparts, with its options; that of the job's first column of phones, when left
            out.
        columns: The table's own names.
        incoming: What the direction is called where the other end has called.
        outgoing: What it is called where the account has.
        date_format: How days are written; as YYYY-MM-DD, when left out.
        encoding: Of text, where it is not as usual.
        delimiter: Between the fields of text, where the file does not tell it.
        sheet: Of a spreadsheet; the first, when left out.
        min_days: From how many days with contacts on somebody is warned.
        min_contacts: From how many contacts on.
        within_days: How many days are looked back.
        min_severity: How gravely a number must be listed.
    """

    job: str
    path: str
    directory: str = "targets"
    counterpart: dict[str, Any] | None = None
    columns: ContactColumns = ContactColumns()
    incoming: list[str] = list(_IN)
    outgoing: list[str] = list(_OUT)
    date_format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    min_days: int = Field(1, ge=1)
    min_contacts: int = Field(1, ge=1)
    within_days: int = Field(7, ge=1)
    min_severity: int = Field(1, ge=1, le=100)

    @field_validator("path")
    @classmethod
    def _path(cls, path: str) -> str:
        return known_path(path)


@dataclass(frozen=True)
class Contacts:
    """A checked file of contacts.

    Attributes:
        file: Where it lies.
        said: What it says.
        job: The job whose lists and flags count.
        kind: Of the counterparts.
        path: Where the contacts are; `{as_of}` in it is the day.
        directory: Where what is found lies.
    """

    file: Path
    said: ContactsFile
    job: Job
    kind: Kind
    path: str
    directory: Path

    @classmethod
    def read(cls, path: str | Path) -> Contacts:
        """Contacts from their TOML file; relative paths are read from the file's own folder.

        Raises:
            ConfigError: No such file, or anything in it, or in its job, that makes no sense.
        """
        file = Path(path).absolute()
        toml = read_toml(file, str(path))
        said = checked(ContactsFile, toml)
        job = Job.read(file.parent / said.job)
        kind = _kind(said.counterpart, job, toml)
        place = said.path if "://" in said.path else str(file.parent / said.path)
        return cls(file, said, job, kind, place, file.parent / said.directory)


def _kind(said: dict[str, Any] | None, job: Job, toml: TomlFile) -> Kind:
    if said is not None:
        return kind_from_options("counterpart", said)
    phones = [options for options in job.described.values() if options["kind"] == "phone"]
    if not phones:
        raise ConfigError(
            f"{toml.name}: say of which kind the counterparts are, such as "
            'counterpart = { kind = "phone", region = "CN" }'
        )
    # Since when somebody has the number at the other end, no table of contacts says.
    return kind_from_options(
        "counterpart", {name: value for name, value in phones[0].items() if name != "holder_since"}
    )


def find_targets(contacts: Contacts, as_of: date | None = None, tell: Callable[[str], None] = lambda _: None) -> Sheet:
    """Find accounts that listed numbers have called, and write whom to warn.

    Args:
        contacts: The table, and from when on somebody is warned.
        as_of: The day; None: today in the job's time zone.
        tell: Called with each stage's name as it begins.

    Returns:
        The folder: targets.parquet (`TARGETS`), rejects.parquet (`schema.REJECTS`: contacts that don't count),
        notices/warn.csv, summary.json and a manifest.

    Raises:
        Busy: Another search works there.
        InputError: The contacts can't be read, or too few of them; or there is no run that says who is flagged.
    """
    tell, begun, job = in_log(tell), datetime.now(UTC), contacts.job
    day = as_of or job.today()
    desk = Desk(contacts.directory, f"cardscreen targets {contacts.file.name}")
    with desk.locked():
        folder = runs.newest(job.output)
        if folder is None:
            raise InputError(
                f"{job.output} holds no published run that says who is flagged: first {job.command('run')}"
            )
        flagged = Base.read(folder).flags.select(pl.col("account_id").cast(pl.String)).collect()["account_id"]
        path = of_day(contacts.path, day)
        with steady(lambda: files_of(path)):
            tell("reading the contacts")
            search = _Search(contacts, day, path)
            found = search.found()
        left = found.filter(pl.col("account_id").is_in(flagged.implode()))
        targets = found.filter(~pl.col("account_id").is_in(flagged.implode()))
        summary = {
            "as_of": day.isoformat(),
            "run_id": folder.name,
            "contacts": search.read,
            "accounts": targets["account_id"].n_unique(),
            "called_back": targets.filter(pl.col("called_back") > 0)["account_id"].n_unique(),
            "flagged_themselves": left["account_id"].n_unique(),
            "unreadable": search.unreadable,
            **{status: int((search.rejects["status"] == status).sum()) for status in (LATER, BAD_COUNT)},
        }
        records = {
            "as_of": day.isoformat(),
            "inputs": {"contacts": [fingerprint(file) for file in files_of(path)], "run": folder.name},
            "versions": dict(versions()),
            "summary": summary,
        }
        texts = {WARN: _warnings(targets, job.language, day)}
        tables = {"targets": targets, "rejects": search.rejects}
        return desk.write(tables, records, {"contacts": contacts.file}, begun, texts)


@dataclass
class _Search:
    """One search.

    Attributes:
        read: Rows of contacts.
        unreadable: Those without a counterpart that can be read.
        rejects: `schema.REJECTS`: cells that can't be read, and contacts with listed numbers that don't count.
    """

    contacts: Contacts
    day: date
    path: str
    read: int = 0
    unreadable: int = 0
    rejects: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=dict(schema.REJECTS)))

    def found(self) -> pl.DataFrame:
        """`TARGETS`, of flagged accounts too."""
        said, columns, kind = self.contacts.said, self.contacts.said.columns, self.contacts.kind
        reading = Reading(
            said.encoding, said.delimiter, said.sheet, saying="say {option} = {value} in the file of contacts"
        )
        with explaining(self.path, reading):
            table = open_table(self.path, reading, marked=True)
            names = schema_of(table, "the contacts")
            extra = [columns.day, *filter(None, [columns.direction, columns.count])]
            require_columns(names.names(), [columns.account, columns.counterpart, *extra], "the contacts")
            plan = AccountColumns.of(
                names, {columns.counterpart: kind}, columns.account, [], Policy(), [columns.account]
            )
            plan = replace(plan, carry=extra)
            blocklist = self.contacts.job.blocklist()
            severe = pl.col("severity") >= said.min_severity
            near = near_in(blocklist.lazy.filter(holds(self.day) & severe))
            of_day = keyed.of_day(blocklist.compiled, self.day)
            targets = Targets.of(kind.name, of_day, near, self.contacts.job.tokens)
            counts, rows, rejects = Pass(plan, {kind.name: targets}).over(table, None)
        self._take(counts, rejects)
        rows = rows.filter(MAY_MATCH)
        values = values_in(rows, plan).select("row", "kind", "value")
        listed = evidence(values.select("kind", "value").unique(), near, self.contacts.job.tokens)
        return self._counted(rows, values, listed, names)

    def _take(self, counts: Tally, rejects: pl.DataFrame) -> None:
        """What the pass over the contacts came to.

        Raises:
            InputError: Too many name no account, or have no counterpart that can be read.
        """
        counterpart, account = self.contacts.said.columns.counterpart, self.contacts.said.columns.account
        self.read, refused, empty = counts["read"], counts["rejected", counterpart], counts["missing", counterpart]
        self.unreadable = refused + empty
        self.rejects = rejects.with_columns(pl.col("account_id").cast(pl.String))
        limit = self.contacts.job.limits.rejected_share
        for unread in (
            Unread(account, self.read, counts[NO_ACCOUNT]),
            Unread(counterpart, counts["cells", counterpart] - empty, refused),
        ):
            unread.refuse_past(limit, "the contacts", rejects.lazy())
        if self.read and self.unreadable == self.read:
            empty_all = f"all {self.read:,} cells of {counterpart!r} are empty"
            raise InputError(f"the contacts: {empty_all}: is it the right column?")

    def _without_rejects(self, contacts: pl.DataFrame) -> pl.DataFrame:
        """The contacts that count: of a day that is here, and not less than none; the others are rejects."""
        columns = self.contacts.said.columns
        status = pl.when(pl.col("day") > self.day).then(pl.lit(LATER)).when("bad_count").then(pl.lit(BAD_COUNT))
        is_later = pl.col("status") == LATER
        judged = contacts.with_columns(status=status)
        refused = judged.filter(pl.col("status").is_not_null()).select(
            "account_id",
            identifier=pl.when(is_later).then(pl.lit(columns.day)).otherwise(pl.lit(columns.count)),
            kind=pl.lit(None),
            status="status",
            shape=pl.when(is_later).then(shape(pl.col("day").cast(pl.String))).otherwise("count_shape"),
            file=pl.lit(None),
            line=pl.lit(None),
        )
        self.rejects = pl.concat([self.rejects, refused.select(typed(schema.REJECTS))])
        return judged.filter(pl.col("status").is_null())

    def _counted(
        self, rows: pl.DataFrame, values: pl.DataFrame, listed: pl.DataFrame, types: pl.Schema
    ) -> pl.DataFrame:
        said, columns = self.contacts.said, self.contacts.said.columns
        allowed = listed.filter(pl.col("list") == "allow").select("kind", "value")
        block = listed.filter(pl.col("list") == "block").join(allowed, on=["kind", "value"], how="anti")
        worst = block.sort("severity", "source", "listing_id", descending=[True, False, False]).unique(
            ["kind", "value"], keep="first", maintain_order=True
        )
        contacts = rows.with_row_index("row").select(
            "row",
            account_id=pl.col(columns.account).cast(pl.String),
            day=read_days(pl.col(columns.day), types[columns.day], said.date_format, self.contacts.job.timezone),
            incoming=_is(columns.direction, said.incoming, default=True),
            outgoing=_is(columns.direction, said.outgoing, default=False),
            **_count(columns.count),
        )
        strange = contacts.filter(~pl.col("incoming") & ~pl.col("outgoing"))
        if len(strange):
            raise InputError(
                f"the contacts: {len(strange):,} rows with listed numbers have a {columns.direction} that is neither: "
                "say in the file of contacts what `incoming` and `outgoing` are called"
            )
        if undated := contacts["day"].null_count():
            raise InputError(
                f"the contacts: {undated:,} rows with listed numbers have no day that can be read: write YYYY-MM-DD, "
                "or say date_format in the file of contacts"
            )
        contacts = self._without_rejects(contacts)
        first = self.day - timedelta(days=said.within_days - 1)
        recent = contacts.filter(pl.col("day").is_between(first, self.day))
        met = recent.join(values, on="row").join(worst, on=["kind", "value"])
        called = pl.col("incoming")
        counted = met.group_by("account_id", "kind", "value").agg(
            pl.col("source", "reason", "severity").first(),
            first_day=pl.col("day").filter(called).min(),
            last_day=pl.col("day").filter(called).max(),
            days=pl.col("day").filter(called).n_unique(),
            contacts=pl.col("count").filter(called).sum(),
            called_back=pl.col("count").filter("outgoing").sum(),
        )
        enough = (pl.col("days") >= said.min_days) & (pl.col("contacts") >= said.min_contacts)
        shown = counted.filter(enough).with_columns(self.contacts.kind.show(pl.col("value")))
        return shown.select(typed(TARGETS)).sort("account_id", "value", "source")


def _count(column: str | None) -> dict[str, pl.Expr]:
    """How many contacts a row stands for, one where nothing is said; whether that is no count; and how it looks."""
    if column is None:
        none = {"bad_count": pl.lit(value=False), "count_shape": pl.lit(None, dtype=pl.String)}
        return {"count": pl.lit(1, dtype=pl.Int64), **none}
    number, text = whole_number(column), pl.col(column).cast(pl.String).str.strip_chars()
    empty = text.fill_null("") == ""
    bad = (number.is_null() & ~empty) | (number < 0).fill_null(value=False)
    return {"count": number.fill_null(1), "bad_count": bad, "count_shape": shape(text)}


def _is(column: str | None, words: list[str], *, default: bool) -> pl.Expr:
    """Whether the direction of a contact is one of some words; where there is no such column, the default."""
    if column is None:
        return pl.lit(default)
    said = pl.col(column).cast(pl.String).str.strip_chars().str.to_lowercase()
    return said.is_in([word.lower() for word in words]).fill_null(value=False)


def _warnings(targets: pl.DataFrame, language: Language, day: date) -> str:
    """A CSV of whom to warn, a row an account: account_id, numbers, days, contacts, called_back, last_day, text."""
    of_account = (
        targets.sort("account_id", "value")
        .group_by("account_id", maintain_order=True)
        .agg(
            numbers=masked(pl.col("value")).unique(maintain_order=True).str.join("; "),
            reasons=pl.col("reason").unique().sort().str.join("; "),
            days=pl.col("days").max(),
            contacts=pl.col("contacts").sum(),
            called_back=pl.col("called_back").sum(),
            last_day=pl.col("last_day").max(),
        )
    )
    say = language.say
    called = say(
        "A number that called you lately is on a list of numbers used for fraud. Don't send money or codes, and call "
        "the police or your bank on a number that you know."
    )
    back = say(
        "You have called such a number, too. If you sent money or told codes, call your bank at once on a number that "
        "you know, and then the police."
    )
    text = pl.when(pl.col("called_back") > 0).then(pl.lit(language.joined(called, back))).otherwise(pl.lit(called))
    rows = of_account.with_columns(as_of=pl.lit(day), text=text).with_columns(pl.all().cast(pl.String))
    return without_formulas(rows, ("account_id",)).write_csv(line_terminator="\n")
