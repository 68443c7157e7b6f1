"""The page of any run, of a run against another, or of a screening by itself; for whoever asks for it later."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import polars as pl

from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.files import claim
from cardscreen.foundation.words.languages import Language
from cardscreen.reporting.material import Material
from cardscreen.review import compare
from cardscreen.review.find import looking_into, meant, sound
from cardscreen.review.inputs import policy_of
from cardscreen.review.telling import leads
from cardscreen.runs.messages.showing import material_of, write_page
from cardscreen.runs.night import Run
from cardscreen.runs.record import Finished
from cardscreen.screening.result import Result

Lang = Literal["en", "zh"]


def report(
    run_or_result: Run | Result | str | Path,
    out: str | Path,
    lang: Lang | None = None,
    *,
    against: str | Path | None = None,
    force: bool = False,
) -> Path:
    """Write a page for people: one file of HTML that needs no network, with pictures, tables and masked accounts.

    Args:
        run_or_result: A run (its folder; a job or an output folder for its newest published run; what `run_job`
            returns), or what `screen` returns.
        out: The file to write, ending in .html.
        lang: `en` or `zh`; None: the language of the run, or English.
        against: A run to compare with, in place of the night before; of runs only.
        force: Write over what is there.

    Returns:
        The file. It has at most 3 MB, and at most 20,000 accounts, those that matter most.

    Raises:
        ConfigError: There is no such run or language, or something is there already.
        InputError: The run's tables are gone or not as they were written, or it can't be written there.

    Example:
        >>> import tempfile
        >>> from cardscreen import Blocklist, Phone, screen
        >>> accounts = pl.DataFrame({"account_id": ["a"], "mobile": ["138 0013 8000"]})
        >>> listed = Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     page = report(screen(accounts, listed, {"mobile": Phone("CN")}), f"{folder}/tonight.html")
        ...     print(page.name, "+86138****8000" in page.read_text("utf-8"))
        tonight.html True
    """
    file = Path(out)
    if file.suffix not in (".html", ".htm"):
        raise ConfigError(f"out: {out}: a report is a page: name a file ending in .html")
    claim(file, force=force)
    if isinstance(run_or_result, Result):
        if against is not None:
            raise ConfigError("against: a screening by itself is compared with no run")
        write_page(file, _of_result(run_or_result, Language(lang or "en")))
        return file
    if not isinstance(run_or_result, (Run, str, Path)):
        raise ConfigError(f"a {type(run_or_result).__name__} is no run and no result of cs.screen: give one of these")
    place = run_or_result.folder if isinstance(run_or_result, Run) else Path(run_or_result)
    if place is None:
        raise ConfigError("a dry run has no folder: report its result instead")
    run = sound(meant(place))
    other = sound(meant(Path(against))) if against is not None else None
    with looking_into(run, *([other] if other else [])):
        write_page(file, _of_run(run, Language(lang) if lang else run.language, other))
    return file


def _of_run(run: Finished, language: Language, other: Finished | None) -> Material:
    for name in ("flagged", "hits", "rejects"):
        run.table(name)  # says it where it is gone, or not as it was written
    moved = None if other is None else compare.moves(compare.runs(other, run))
    material = material_of(run.records, run.folder, run.output, language, policy_of(run), other, moved)
    return replace(material, leads=leads.material_of(run, language))


def _of_result(result: Result, language: Language) -> Material:
    tables: dict[str, pl.LazyFrame] = {"flagged": result.flagged, "hits": result.hits, "rejects": result.rejects}
    return Material(language=language, summary=result.summary, tables=tables)
