"""What a person should look into although a night was published, by its summary."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cardscreen.foundation.words.languages import Language
from cardscreen.kinds.phone.kind import NO_REGION
from cardscreen.runs.brakes import invalid_share
from cardscreen.runs.circumstances import sources_of
from cardscreen.runs.messages.in_vain import IN_VAIN

_MANY, _MOST = 0.10, 0.5  # share of cells past which a night is warned of: not valid, with a wrong check digit
_ENOUGH = 100  # cells: of fewer, as many fail it by chance


def warnings_of(
    summary: Mapping[str, Any], *, expects_invalid: bool = False, language: Language | None = None
) -> Iterator[str]:
    """A sentence each.

    Args:
        summary: Of a night.
        expects_invalid: Whether its job says that its numbers may all be nobody's.
        language: The language; None: English.
    """
    language = language or Language()
    yield from _of_sources(summary, language)
    yield from (language.again(each, IN_VAIN.values()) for each in summary["changes"].get("in_vain", []))
    yield from _of_cells(summary, language, expects_invalid=expects_invalid)
    yield from _of_comparison(summary, language)


def _of_sources(summary: Mapping[str, Any], language: Language) -> Iterator[str]:
    for name, source in sources_of(summary).items():
        if source["state"] == "old":
            yield language.many(
                "the data of {name!r} is of {day}, {count} day old",
                "the data of {name!r} is of {day}, {count} days old",
                source["age_days"],
                name=name,
                day=source["confirmed_on"],
            )
    for name, source in sources_of(summary).items():
        if source["state"] == "stuck":
            yield language.say(
                "the data of {name!r} has not changed since {day}: is its source stuck?",
                name=name,
                day=source["changed_on"],
            )


def _of_cells(summary: Mapping[str, Any], language: Language, *, expects_invalid: bool) -> Iterator[str]:
    say = language.say
    if ragged := summary.get("ragged"):
        yield say(
            "{rows:,} of the rows read do not have the header's fields, and are not screened: rejects.parquet names "
            "the lines, with status ragged",
            rows=ragged,
        )
    for name, kind in summary.get("unlisted", {}).items():
        yield say(
            "no listing in force is of the kind {kind}: {name!r} was looked up in nothing, so that who is clear is not "
            "clear of that",
            kind=kind,
            name=name,
        )
    for name, notes in summary.get("notes", {}).items():
        cells = summary["coverage"][name]
        usable = cells["cells"] - cells["missing"] - cells["rejected"]
        if (share := invalid_share(summary, name)) > _MANY and not expects_invalid:
            yield say(
                "{share:.0%} of the usable cells of {name!r} are no valid numbers: is their region right?",
                share=share,
                name=name,
            )
        if usable >= _ENOUGH and notes.get("bad_checksum", 0) > _MOST * usable:
            yield say("most of the numbers in {name!r} fail their check digit: is it the right column?", name=name)
        if notes.get(NO_REGION, 0) * 2 > cells["cells"] - cells["missing"]:
            yield say(
                'no region is given for {name!r}, so only numbers with + are read: say region = "…", the country in '
                "which most of them are dialled",
                name=name,
            )


def _of_policy(new: Sequence[str] | None, language: Language) -> str:
    if not new:
        return language.say("the policy, or a source's terms, have changed since the base run")
    names = ", ".join(new)
    return language.say(
        "the policy, or a source's terms, have changed since the base run (new sources: {names})", names=names
    )


def _of_comparison(summary: Mapping[str, Any], language: Language) -> Iterator[str]:
    say, changes = language.say, summary["changes"]
    if changes.get("policy_changed"):
        yield _of_policy(changes.get("new_sources"), language)
    for name, (was, now) in changes.get("software", {}).items():
        yield say("{name} is {now}, and was {was} in the base run", name=name, now=now, was=was)
    for count, file, of in changes.get("other_days", []):
        night = summary["as_of"]
        if count > 1:
            yield say(
                "{file} is of {of}, and so are {more:,} more files, and the night asked about is {night}",
                file=file,
                of=of,
                more=count - 1,
                night=night,
            )
        else:
            yield say("{file} is of {of}, and the night asked about is {night}", file=file, of=of, night=night)
    for file, others, hidden in changes.get("unread_sheets", []):
        if others:
            yield say(
                "{file}: sheets with other columns than the first were not read: {sheets}", file=file, sheets=others
            )
        if hidden:
            yield say(
                "{file}: hidden sheets with the same columns were not read: {sheets}; unhide them if they are meant",
                file=file,
                sheets=hidden,
            )
    if changes.get("days_ahead"):
        yield say(
            "the day asked about is not here yet (days ahead: {days}): actions fall due that early, and nights before "
            "it tell nobody",
            days=changes["days_ahead"],
        )
    if changes.get("audit"):
        yield say("there is a run for a later day: this one looks back, and nobody is told or acted on")
