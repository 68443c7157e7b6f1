"""One pass over the accounts: who is on a list, on what evidence, and what follows.

Everything that leaves the pass leaves it from one read: counts, cells that gave no key, and the few
rows that may match. Evidence, masks and policy are worked out for those few only.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Any

import polars as pl

if sys.platform != "win32":
    import resource

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.process.allowance import require_memory
from cardscreen.foundation.process.progress import Progress, reporting
from cardscreen.kinds.kind import Kind
from cardscreen.kinds.tokens import TokenKey
from cardscreen.lists import keyed
from cardscreen.lists.blocklist import Blocklist
from cardscreen.policy.parts import PolicyParts
from cardscreen.policy.policy import Policy
from cardscreen.screening.columns import AccountColumns
from cardscreen.screening.hits.evidence import Near, evidence, near_all, near_in
from cardscreen.screening.hits.matches import HITS_PER_ACCOUNT, Decisions, cells_of, decide, watched_in
from cardscreen.screening.hits.parts import MATCHES, judged
from cardscreen.screening.question import Options, Question, check_share, previous_flags, versions
from cardscreen.screening.result import Result, completed, output_folder, write_tables
from cardscreen.screening.scan import MAY_MATCH, Pass, Watch
from cardscreen.screening.summary import summary_of
from cardscreen.screening.targets import Targets
from cardscreen.tables.opening import explaining, local_files, open_table, schema_of
from cardscreen.tables.paths import steady
from cardscreen.tables.reading import IN_PYTHON, Reading


def screen(
    accounts: Any,
    blocklist: Blocklist,
    identifiers: Mapping[str, Kind],
    *,
    account_id: str = "account_id",
    carry: Sequence[str] = (),
    unmasked: Sequence[str] = (),
    policy: Policy | PolicyParts | str | Path | None = None,
    as_of: date | str | None = None,
    previous: Any = None,
    tokens: TokenKey | Sequence[TokenKey] | None = None,
    out: str | Path | None = None,
    date_format: str | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    sheet: str | None = None,
    header_row: int | None = None,
    flagged_share: float = 1.0,
    hits_per_account: int = HITS_PER_ACCOUNT,
    progress: Progress | None = None,
) -> Result:
    """Screen accounts against a blocklist.

    Args:
        accounts: LazyFrame, DataFrame; pandas DataFrame; pyarrow Table, RecordBatch, RecordBatchReader or
            Dataset; DuckDB relation; DeltaTable; anything with `__arrow_c_stream__`; a path, glob or URL, or a
            list of them. Nothing of it is changed, and what streams is read once, without holding it.
            An account may have many rows; an identifier column may be a List.
        blocklist: The listings.
        identifiers: Account column → its kind: `{"mobile": Phone("CN"), "card_no": Card()}`.
        account_id: Column that names the account, of any type that sorts. Rows without are rejects.
        carry: Account columns that rules may look at and `flagged` keeps.
        unmasked: Those of these columns (`account_id` too, and identifiers of kind `Opaque` or `Handle`) that may hold
            secret numbers or tokens, which results then show as they are; without it such a column is refused.
        policy: A `Policy` or its settings, the path of a TOML file, or None for the default policy.
        as_of: The day that is asked about, a date or YYYY-MM-DD; None: today in the machine's time zone.
        previous: The result, flagged frame (of any library) or run folder of the night before.
        tokens: The key under which the blocklist's tokens were made; two while keys are changed.
        out: Folder for flagged.parquet, hits.parquet, rejects.parquet and, last, summary.json, instead of memory;
            `Result.read` reads it again.
        date_format: How text says a holder's day, as strftime has it, such as %d/%m/%Y; None: YYYY-MM-DD.
        encoding: Of files of text; None tries UTF-8, GB18030 and UTF-16, strictly.
        delimiter: Between the fields of text; None: by the files' ending.
        sheet: Of a spreadsheet, by name; None: the first.
        header_row: The line of a text, or row of a sheet, that names the columns; None: the first that is not empty.
        flagged_share: Share of the rows past which no more evidence is collected: the rows that may be listed and are
            left are `not_judged` in the summary, and nobody among them is flagged.
        hits_per_account: How many hits of an account are kept: the strongest; the others are counted in the summary.
        progress: Called with the stage's name and the rows read so far, as each begins and as rows are read; the log
            `cardscreen` (INFO) is told each stage in any case.

    Returns:
        `Result`; its frames are read from `out` where that is given. Sorted by account, identifier,
        listing; rejects in the input's order.

    Raises:
        MissingColumn: A named column is not in the accounts.
        InputError: The accounts can't be read, or a holder's date is no date.
        ConfigError: Options that make no sense, tokens under a key that is not given, or an account id,
            carried column or identifier that results show as it is and that looks like card numbers, IBANs or resident
            ids.

    Example:
        >>> accounts = pl.DataFrame({"account_id": ["a", "b"], "mobile": ["138 0013 8000", "13800138001"]})
        >>> listed = Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
        >>> from cardscreen import Phone
        >>> screen(accounts, listed, {"mobile": Phone("CN")}).flagged.collect()["account_id"].to_list()
        ['a']
    """
    asked = Options(
        identifiers, account_id, carry, unmasked, policy, as_of, tokens, date_format, hits_per_account=hits_per_account
    )
    check_share(flagged_share)
    if progress is not None and not callable(progress):
        raise ConfigError(f"progress must be a function that is called with a stage and a count, not {progress!r}")
    if out is not None and not isinstance(out, (str, PathLike)):
        raise ConfigError(f"out must be the path of a folder, not {out!r}")
    reading = Reading(encoding, delimiter, sheet, header_row, IN_PYTHON)
    files = local_files(accounts)
    with steady(lambda: files):
        with explaining(accounts, reading):
            table = open_table(accounts, reading, marked=True)
            question = Question.of(schema_of(table, "the accounts"), blocklist, asked)
        with steady(lambda: local_files(previous)):
            before = previous_flags(previous, question.plan.schema[account_id])
        with explaining(accounts, reading):
            return answer(question, table, blocklist, before, out, flagged_share, progress)


def answer(
    asked: Question,
    table: pl.LazyFrame,
    blocklist: Blocklist,
    before: pl.DataFrame | None,
    out: str | Path | None,
    flagged_share: float,
    progress: Progress | None = None,
) -> Result:
    """What accounts answer to a question; `before` is that of `previous_flags`."""
    require_memory()
    tell = reporting(progress)
    tell("compiling the lists", 0)
    clock, plan, day, keys = Clock(), asked.plan, asked.day, asked.token_keys
    of_day = keyed.of_day(blocklist.compiled, day)
    near = near_in(asked.listings, of_day)
    watch = None if before is None else Watch(before["account_id"])
    cleared = asked.rules.cleared(day, plan.zone)

    def cells(rows: pl.DataFrame) -> pl.DataFrame:
        return cells_of(rows, plan, keys)

    def pairs_of(values: pl.DataFrame) -> Callable[[pl.DataFrame], pl.DataFrame]:
        with clock.stage("evidence"):
            few = near if keys else near_all(values, near, MATCHES)

        def find(some: pl.DataFrame) -> pl.DataFrame:
            with clock.stage("evidence"):
                return evidence(some, few, keys)

        return find

    def decided(matched: pl.DataFrame) -> Decisions:
        with clock.stage("policy"):
            return decide(matched, asked.rules, day, plan.carry, before, cleared, asked.most_hits)

    with output_folder(out) as folder:
        with clock.stage("scan"):
            targets = _targets(plan, of_day, near, keys)
            counts, rows, rejects = Pass(plan, targets, watch).over(table, folder, tell)
        tell("collecting evidence", counts["read"])
        most = flagged_share * counts["read"]
        flagged, hits, came_out = judged(
            rows.filter(MAY_MATCH), plan.account_id, cells, pairs_of, decided, most, asked.most_hits
        )
        summary = summary_of(plan, counts, came_out, asked.listings, day)
        tell("writing the results", counts["read"])
        if folder is not None:
            write_tables(folder, flagged, hits)
    resources = {"seconds": clock.seconds, "peak_memory_mib": clock.peak_mib}
    summary |= {"versions": dict(versions()), "store": blocklist.described(day), **resources}
    watched = None if watch is None else watched_in(watch.rows_of(rows, plan.account_id), plan, keys).lazy()
    if out is not None:
        return completed(Path(out), summary, watched)
    return Result(flagged.lazy(), hits.lazy(), rejects.lazy(), summary, watched)


@dataclass
class Clock:
    """Seconds of each stage, and the process's peak memory at its end."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_mib: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what happens within; of a stage that comes again, too."""
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0) + time.perf_counter() - begun, 3)
        if sys.platform != "win32":
            self.peak_mib[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _targets(plan: AccountColumns, of_day: pl.DataFrame, near: Near, keys: Sequence[TokenKey]) -> dict[str, Targets]:
    kinds = {kind.name for kind in plan.identifiers.values()}
    return {name: Targets.of(name, of_day, near, keys) for name in kinds}
