"""What of each identifier could be read, and what not and why."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from cardscreen.foundation.words.codes import STATUSES, worded
from cardscreen.reporting.material import Figure, Material, Section
from cardscreen.reporting.sections.counting import NONE, bars, percent, table
from cardscreen.screening.summary import invalid_in

_SHAPES = 3  # of each status


def quality(material: Material) -> Section:
    """The section."""
    say = material.language.say
    figures = [_coverage(material), *_rejects(material)]
    return Section(
        "quality",
        say("Quality of the accounts"),
        [say("What can't be read is not looked up, and an account with nothing to look up is not clear.")],
        figures,
    )


def _coverage(material: Material) -> Figure:
    say = material.language.say
    usable, empty, unread = say("usable"), say("empty"), say("can't be read")
    pairs: dict[tuple[str, str], int] = {}
    rows = []
    for column, cells in material.summary["coverage"].items():
        read = cells["cells"] - cells["missing"] - cells["rejected"]
        pairs |= {(column, usable): read, (column, empty): cells["missing"], (column, unread): cells["rejected"]}
        share = percent(read / cells["cells"]) if cells["cells"] else NONE
        invalid = invalid_in(material.summary, column)
        rows.append([column, cells["cells"], read, cells["missing"], cells["rejected"], invalid, share])
    rejected = sum(count for (_, part), count in pairs.items() if part == unread)
    return Figure(
        "coverage",
        say(
            "Filled cells that can't be read: {rejected:,}. Accounts with nothing to look up: {rows:,}.",
            rejected=rejected,
            rows=material.summary["rows"]["not_screenable"],
        ),
        table(
            [say("identifier"), say("cells"), usable, empty, unread, say("no valid number"), say("usable share")], rows
        ),
        bars(
            pairs, {usable: "calm", empty: "quiet", unread: "suspend"}, say("cells"), list(material.summary["coverage"])
        ),
    )


def _rejects(material: Material) -> Iterator[Figure]:
    """Why cells could not be read, the commonest reason first, with the commonest shapes of each."""
    say = material.language.say
    grouped = material.tables["rejects"].group_by("identifier", "status", "shape").len().collect()
    if grouped.is_empty():
        return
    by = ["identifier", "status"]
    ranked = grouped.sort("len", "shape", descending=[True, False])
    found = (
        ranked.group_by(by, maintain_order=True)
        .agg(count=pl.col("len").sum(), shapes=pl.col("shape").drop_nulls().head(_SHAPES))
        .sort("count", *by, descending=[True, False, False])
    )
    rows = [
        [identifier or NONE, worded(material.language, STATUSES, status), count, " · ".join(shapes) or NONE]
        for identifier, status, count, shapes in found.rows()
    ]
    yield Figure(
        "rejects",
        say("Why cells can't be read, and what they look like: 9 stands for a digit, A for a letter."),
        table([say("identifier"), say("why"), say("cells"), say("commonest shapes")], rows),
    )
