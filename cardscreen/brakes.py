"""The brakes: limits past which a screening must not act before a person has looked at it.

A wrong list, a half-delivered extract or a wrong allow list looks like an ordinary night to a join.
It does not look like one in these figures.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import Field, ValidationError

from cardscreen import schema
from cardscreen.complaints import complaint
from cardscreen.config import Section
from cardscreen.errors import HeldForApproval, InputError
from cardscreen.screening import Result

Share = Annotated[float, Field(ge=0, le=1)]


class Limits(Section):
    """Shares past which a run is held; each is a share of the rows unless it says otherwise.

    Raises:
        ConfigError: A share that is none, or an unknown name.

    Example:
        >>> Limits(flagged_share=0.01).flagged_share
        0.01
    """

    first_run: Literal["hold", "publish"] = "hold"
    flagged_share: Share = 0.05
    source_share: Share = 0.02
    rejected_share: Share = 0.20  # of an identifier's cells that are not missing
    exempted_share: Share = 0.001
    new_suspend: Share = 0.002  # newly told since the base
    new_close: Share = 0.0005
    released_share: Share = 0.10  # of those flagged in the base
    accounts_shrink: Share = 0.02
    accounts_grow: float = Field(0.10, ge=0)
    coverage_drop: Share = 0.01  # fall in the share of usable cells of an identifier
    carry_days: int = Field(7, ge=0)  # days for which an unreadable account keeps its flag

    def __init__(self, **parts: Any) -> None:
        try:
            super().__init__(**parts)
        except ValidationError as error:
            raise complaint(type(self), error, "limits") from None


@dataclass(frozen=True)
class Base:
    """The night that tonight is compared with.

    Attributes:
        flagged: Its `schema.FLAGGED`.
        summary: Its summary.
    """

    flagged: pl.LazyFrame
    summary: dict[str, Any]

    @classmethod
    def read(cls, folder: str | Path) -> Base:
        """The base in a run's folder.

        Raises:
            InputError: The folder is not a run.
        """
        summary = summary_of(folder)
        if not (Path(folder) / "flagged.parquet").exists():
            raise InputError(f"{folder} is not a sound run: flagged.parquet is gone. Move it away")
        return cls(pl.scan_parquet(Path(folder) / "flagged.parquet"), summary)


def summary_of(folder: str | Path) -> dict[str, Any]:
    """The summary in a run's manifest.

    Raises:
        InputError: The folder is not a run.
    """
    try:
        summary: dict[str, Any] = json.loads((Path(folder) / "manifest.json").read_text(encoding="utf-8"))["summary"]
    except (OSError, ValueError, KeyError):
        raise InputError(f"{folder} is not a sound run: its manifest.json can't be read. Move it away") from None
    return summary


def check(
    result: Result, limits: Limits | Mapping[str, Any], previous: Result | Base | str | Path | None = None
) -> None:
    """Hold a screening that passed a limit.

    Args:
        result: Tonight's screening.
        limits: The limits, or what differs from the defaults: `{"flagged_share": 0.01}`.
        previous: The screening before, or its run folder; None: there is nothing to compare with.

    Raises:
        HeldForApproval: With one sentence for every limit passed.

    Example:
        >>> from cardscreen import Blocklist, Phone, screen
        >>> accounts = pl.DataFrame({"account_id": [1], "mobile": ["+8613800138000"]})
        >>> listed = Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
        >>> try:
        ...     check(screen(accounts, listed, {"mobile": Phone()}), {"first_run": "publish", "source_share": 1})
        ... except HeldForApproval as held:
        ...     print(*held.reasons)
        flagged_share: 100.00 % of the rows are flagged (limit 5.00 %)
    """
    limits = limits if isinstance(limits, Limits) else Limits(**limits)
    if isinstance(previous, (str, Path)):
        previous = Base.read(previous)
    reasons = list(_alone(result.summary, limits))
    if previous is not None:
        reasons += _against(result, limits, previous)
    elif limits.first_run == "hold":
        reasons.append('first_run: there is no earlier run to compare with; say first_run = "publish" to go ahead')
    if reasons:
        raise HeldForApproval(reasons)


def _alone(summary: dict[str, Any], limits: Limits) -> Iterator[str]:
    """The limits that need no other night."""
    rows = max(summary["rows"]["read"], 1)
    live = summary["flagged"]["accounts"] - summary["flagged"]["levels"].get("none", 0)
    yield from _past("flagged_share", live / rows, limits.flagged_share, "of the rows are flagged")
    for source, accounts in summary["hits"]["sources"].items():
        yield from _past("source_share", accounts / rows, limits.source_share, f"of the rows are hit by {source!r}")
    for column, cells in summary["coverage"].items():
        written = max(cells["cells"] - cells["missing"], 1)
        what = f"of the filled cells of {column!r} gave no usable value"
        yield from _past("rejected_share", cells["rejected"] / written, limits.rejected_share, what)
    for source, told in ((summary.get("store") or {}).get("sources") or {}).items():
        if told["state"] == "stale":
            yield (
                f"error_after_days: the data of {source!r} is of {told['data_date']}, {told['age_days']} days old "
                f"(limit {told['error_after_days']})"
            )
    exempt = summary["rows"]["exempt"] / rows
    yield from _past("exempted_share", exempt, limits.exempted_share, "of the rows are exempted")


def _against(result: Result, limits: Limits, previous: Result | Base) -> Iterator[str]:
    """The limits on what changed."""
    now, then = result.summary, previous.summary
    rows, rows_then = max(now["rows"]["read"], 1), max(then["rows"]["read"], 1)
    both = _both(result.flagged, previous.flagged)
    for action, limit in (("suspend", limits.new_suspend), ("close", limits.new_close)):
        new = both.filter((pl.col("now") == action) & (pl.col("then") < action)).height
        yield from _past(f"new_{action}", new / rows, limit, f"of the rows would newly be told {action!r}")
    flagged_then = both.filter(pl.col("then") > "none")
    released = flagged_then.filter(pl.col("now") == "none").height / max(flagged_then.height, 1)
    yield from _past("released_share", released, limits.released_share, "of those flagged before would be released")
    change = rows / rows_then - 1
    yield from _past("accounts_shrink", -change, limits.accounts_shrink, "fewer rows than in the base run")
    yield from _past("accounts_grow", change, limits.accounts_grow, "more rows than in the base run")
    for column, cells in now["coverage"].items():
        if column in then["coverage"]:
            drop = _usable(then["coverage"][column]) - _usable(cells)
            what = f"points fewer cells of {column!r} are usable than in the base run"
            yield from _past("coverage_drop", drop, limits.coverage_drop, what)


def _both(now: pl.LazyFrame, then: pl.LazyFrame) -> pl.DataFrame:
    """The actions of both nights side by side, `none` where an account is not flagged."""
    actions = [
        frame.select(pl.col("account_id").cast(pl.String), pl.col("action").cast(pl.String).alias(name))
        for name, frame in (("now", now), ("then", then))
    ]
    joined = actions[0].join(actions[1], on="account_id", how="full", coalesce=True)
    return joined.select(pl.col("now", "then").fill_null("none").cast(schema.ACTIONS)).collect()


def _usable(cells: dict[str, int]) -> float:
    return 1 - (cells["missing"] + cells["rejected"]) / max(cells["cells"], 1)


def _past(name: str, share: float, limit: float, what: str) -> Iterator[str]:
    if share > limit:
        yield f"{name}: {share:.2%} {what} (limit {limit:.2%})".replace("%", " %")
