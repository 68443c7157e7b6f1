"""The first screen: is tonight normal, who is told what, what must be done; to be read in ten seconds."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from cardscreen.foundation import schema
from cardscreen.foundation.words import shown
from cardscreen.foundation.words.codes import ACTING, ACTIONS, worded
from cardscreen.reporting.material import Material
from cardscreen.reporting.sections.counting import signed
from cardscreen.reporting.sections.nights import nearest

_NEAR = 0.8  # of a limit: from there on, a night is no ordinary one
_SHOWN = 6  # warnings on the first screen


@dataclass(frozen=True)
class Value:
    """A headline figure, and how it differs from the night that it is compared with."""

    name: str
    count: int
    difference: str = ""


@dataclass(frozen=True)
class Answer:
    """A question that the first screen answers: the answer, what it rests on, and commands to copy."""

    question: str
    answer: str
    lines: Sequence[str] = ()
    commands: Sequence[str] = ()


@dataclass(frozen=True)
class Tonight:
    """The first screen.

    Attributes:
        mood: Whether all is well (`good`), something is to be looked at (`look`), or a person must decide (`stop`).
        verdict: In a word.
        sentence: In a sentence.
        values: The headline figures.
        answers: The three questions.
        reasons: Why a run is held, each with what it means and what would mend it.
    """

    mood: Literal["good", "look", "stop"]
    verdict: str
    sentence: str
    values: Sequence[Value]
    answers: Sequence[Answer]
    reasons: Sequence[tuple[str, Sequence[str]]] = field(default_factory=tuple)


def tonight(material: Material) -> Tonight:
    """The first screen of a page."""
    mood, verdict, sentence = _verdict(material)
    return Tonight(
        mood,
        verdict,
        sentence,
        list(_values(material)),
        [_is_normal(material, mood), _told(material), _to_do(material)],
        [(shown(reason), [shown(each) for each in lines]) for reason, lines in material.held],
    )


def _verdict(material: Material) -> tuple[Literal["good", "look", "stop"], str, str]:
    say, night = material.language.say, material.night
    if night is None:
        return "good", say("Screened"), say("A screening by itself: nobody is told, and there is no night before.")
    if night.state == "held":
        return "stop", say("Held"), say("Nothing was published and nobody was told anything. A person must decide.")
    if night.audit:
        sentence = say("There is a run for a later day: this one looks back, and nobody is told or acted on.")
        return "look", say("Looks back"), sentence
    if material.warnings:
        sentence = material.language.many(
            "Published, and {count} thing is out of the ordinary.",
            "Published, and {count} things are out of the ordinary.",
            len(material.warnings),
        )
        return "look", say("Look at it"), sentence
    close = nearest(material)
    if close and close[1] >= _NEAR:
        return "look", say("Look at it"), say("Published, and near a limit.")
    if night.is_first:
        sentence = say(
            "Published, with no night before to compare it with: look at some of the accounts before you act."
        )
        return "look", say("The first night"), sentence
    return "good", say("An ordinary night"), say("Published, with nothing out of the ordinary.")


def _moved(material: Material, *changes: str) -> dict[str, int]:
    counts = material.summary.get("changes", {}).get("counts", {})
    total: Counter[str] = Counter()
    for change in changes:
        total.update(counts.get(change, {}))
    return {action: total[action] for action in reversed(schema.ACTIONS.categories.to_list()) if total[action]}


def _values(material: Material) -> Iterator[Value]:
    say, now, before = material.language.say, material.summary, material.before
    changes = now.get("changes")
    yield _against(say("rows read"), now, before, "rows", "read")
    yield _against(say("flagged"), now, before, "flagged", "accounts")
    if changes is not None:
        yield Value(say("newly told"), sum(_moved(material, "new", "escalated").values()))
        if "due" in changes:
            yield Value(say("due tonight"), changes["due"])
        yield Value(say("released or eased"), sum(_moved(material, "released", "eased").values()))
    yield _against(say("with nothing to look up"), now, before, "rows", "not_screenable")


def _against(name: str, now: Mapping[str, Any], before: Mapping[str, Any] | None, *place: str) -> Value:
    """A figure of two summaries."""
    (part, figure), count = place, now[place[0]][place[1]]
    return Value(name, count, "" if before is None else signed(count - before[part][figure]))


def _is_normal(material: Material, mood: str) -> Answer:
    say, night = material.language.say, material.night
    question = say("Is tonight normal?")
    lines = [_sentence(shown(each)) for each in material.warnings[:_SHOWN]]
    if len(material.warnings) > _SHOWN:
        lines.append(say("and {count:,} more", count=len(material.warnings) - _SHOWN))
    close = nearest(material)
    if close is not None and close[1] <= 1:
        lines.append(say("The nearest to its limit is: {name}, {part} of it.", name=close[0], part=f"{close[1]:.0%}"))
    if night is None:
        return Answer(question, say("There is nothing to compare it with."), lines)
    if not night.is_first:
        lines.append(say("Compared with the night of {day}.", day=night.base_day))
    lines += [shown(each) for each in night.decided]
    if night.state == "held":
        answer = material.language.many(
            "No: {count} limit was passed.", "No: {count} limits were passed.", len(material.held)
        )
    elif night.is_first:
        answer = say("It is the first night: there is none to compare it with.")
    elif mood == "good":
        answer = say("Yes.")
    else:
        answer = say("Not quite.")
    return Answer(question, answer, lines)


def _sentence(line: str) -> str:
    """A line of a log as a sentence, unless it begins with a name."""
    return line[:1].upper() + line[1:] if re.match("[a-z]+ ", line) else line


def _told(material: Material) -> Answer:
    say, language, night = material.language.say, material.language, material.night
    question = say("Who is told what?")
    told = _moved(material, "new", "escalated")
    if night is None:
        recommended = material.summary["flagged"]["actions"]
        lines = [_line(material, action, recommended[action]) for action in reversed(ACTING) if action in recommended]
        return Answer(question, say("Nobody: this is what is recommended."), lines)
    lines = [_line(material, action, count) for action, count in told.items()]
    undone = material.summary.get("changes", {}).get("undone", sum(_moved(material, "released", "eased").values()))
    if undone:
        lines.append(language.many("release: {count:,} account", "release: {count:,} accounts", undone))
    if night.state == "held":
        return Answer(question, say("Nobody yet. This is what would be told:") if lines else say("Nobody."), lines)
    if night.audit:
        return Answer(question, say("Nobody."))
    count = sum(told.values())
    if not count:
        return Answer(question, say("Nobody is told anything new."), lines)
    answer = language.many("{count:,} account is told anew.", "{count:,} accounts are told anew.", count)
    return Answer(question, answer, lines)


def _line(material: Material, action: str, count: int) -> str:
    return material.language.many(
        "{action}: {count:,} account",
        "{action}: {count:,} accounts",
        count,
        action=worded(material.language, ACTIONS, action),
    )


def _to_do(material: Material) -> Answer:
    say, night = material.language.say, material.night
    question = say("What must I do?")
    if night is None:
        return Answer(question, say("Look at the accounts below."))
    if night.state == "held":
        folder = shlex.quote(night.folder)
        commands = [
            f"cardscreen runs show {folder}",
            f'cardscreen runs approve {folder} --by NAME --reason "…"',
            f'cardscreen runs discard {folder} --by NAME --reason "…"',
        ]
        answer = say("Decide: look at what it would change, then approve it or discard it.")
        return Answer(question, answer, [say("Or get newer data, or change the limit, and run again.")], commands)
    if night.audit:
        return Answer(question, say("Nothing."))
    lines = [
        material.language.many("{file}: {count:,} row", "{file}: {count:,} rows", rows, file=file)
        for file, rows in material.load
    ]
    if material.warnings:
        lines.append(say("Look into what is out of the ordinary."))
    if material.load:
        return Answer(question, say("Load these files, in this order:"), lines)
    return Answer(question, say("Nothing is to be loaded."), lines)
