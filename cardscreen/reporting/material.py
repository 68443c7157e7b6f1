"""What a page is made of, and what it consists of. It knows no folder: whoever has a run hands it over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from cardscreen.foundation.words.languages import Language
from cardscreen.policy.policy import Policy

Cell = str | int | float | None


@dataclass(frozen=True)
class ShownNight:
    """The run that a page is about.

    Attributes:
        run_id: Its name.
        state: Whether it waits for a person.
        audit: Whether it looks back, and nobody is told or acted on.
        folder: Where it lies, for commands.
        base: The run that it is compared with, or None.
        base_day: The day of that run.
        decided: Who approved it, and why.
    """

    run_id: str
    state: Literal["published", "held"]
    audit: bool
    folder: str
    base: str | None = None
    base_day: str | None = None
    decided: Sequence[str] = ()

    @property
    def is_first(self) -> bool:
        """Whether there is no night before to compare it with."""
        return not (self.base and self.base_day)


@dataclass(frozen=True)
class Ring:
    """A ring.

    Attributes:
        row: Its row of `schema.RINGS`.
        listed: Its listed accounts, where it is drawn.
        links: Who carries what: account, identifier, value.
        drawn: Whether it is drawn.
    """

    row: Mapping[str, Any]
    listed: Sequence[str] = ()
    links: Sequence[tuple[str, str, str]] = ()
    drawn: bool = False


@dataclass(frozen=True)
class Lead:
    """What is known of rings and proposals.

    Attributes:
        found_on: The day on which they were found.
        rings: Those with most listed accounts first.
        pictured: How many of them are drawn.
        waiting: What waits for a person: source, kind, value, reason, severity, why.
        waiting_in_all: How much that is in all.
    """

    found_on: str
    rings: Sequence[Ring]
    pictured: int
    waiting: Sequence[Mapping[str, Any]]
    waiting_in_all: int


@dataclass(frozen=True)
class Material:
    """What a page is made of; what there is none of is left out.

    Attributes:
        language: In which all is said.
        summary: Of the screening; of a night with `changes`.
        tables: `flagged`, `hits` and `rejects` as a screening has them; of a night `changes` and `carried`,
            and `before`, the hits of the night that it is compared with.
        night: The run; None: a screening of a program's own.
        before: The summary of the night that it is compared with.
        nights: The runs in the folder, the oldest first: as_of, rows, flagged, told, released, state, and how many of
            the day were held.
        held: The limits that were passed, each with what it means and what would mend it.
        warnings: What a person should look into.
        load: The files for other systems that have rows, in the order in which they are to be loaded.
        limits: How near each limit came: limit, share, most, of.
        provenance: What the run was made of and by what, a name and a text each.
        policy: By which hits were judged, under the sources' terms.
        moved: Where another run than the base is asked about: move, action_before, action, accounts.
        leads: Rings and proposals; None: nobody looked for any.
    """

    language: Language
    summary: Mapping[str, Any]
    tables: Mapping[str, pl.LazyFrame]
    night: ShownNight | None = None
    before: Mapping[str, Any] | None = None
    nights: Sequence[Mapping[str, Any]] = ()
    held: Sequence[tuple[str, Sequence[str]]] = ()
    warnings: Sequence[str] = ()
    load: Sequence[tuple[str, int]] = ()
    limits: Sequence[Mapping[str, Any]] | None = None
    provenance: Sequence[tuple[str, str]] = ()
    policy: Policy | None = None
    moved: pl.DataFrame | None = None
    leads: Lead | None = None


@dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes:
        header: Names of the columns, in the reader's language.
        rows: Texts, numbers, and None for what there is none of; shares end in a percent sign already.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Chart:
    """What is drawn.

    Attributes:
        form: `bars`: how many there are of each of `order`, by part; `bullets`: shares of a limit, which is 1; `lines`:
            how many there were on each day, by part; `graph`: things, by part, and what hangs together.
        marks: of (of lines a day), part and count; of bullets of and count; of graphs of and part.
        order: What bars and bullets stand for, from above.
        parts: Name of each part → its colour, in the order in which they stand beside one another.
        axis: What is counted.
        links: Of a graph, the places of two marks that hang together.
    """

    form: Literal["bars", "bullets", "lines", "graph"]
    marks: Sequence[Mapping[str, Any]]
    order: Sequence[str] = ()
    parts: Mapping[str, str] = field(default_factory=dict)
    axis: str = ""
    links: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True)
class Figure:
    """A picture with the sentence that says what to see in it, and its table.

    Attributes:
        name: As the page names it.
        sentence: What to see.
        table: The figures.
        chart: The picture; None: the table says it all.
    """

    name: str
    sentence: str
    table: Table
    chart: Chart | None = None


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        name: `id` in the page.
        title: Its heading.
        sentences: What it is about, and what to see where there is no figure.
        figures: Its pictures and tables.
    """

    name: str
    title: str
    sentences: Sequence[str] = ()
    figures: Sequence[Figure] = ()
