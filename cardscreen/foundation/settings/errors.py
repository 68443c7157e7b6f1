"""What is wrong with settings, in the words of the person who wrote them.

pydantic finds the problems and says where they are; its models say, as JSON Schema, what belongs there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from cardscreen.foundation import words
from cardscreen.foundation.errors import ConfigError, near, without_cards, without_numbers
from cardscreen.foundation.settings.lines import Place

#: Stand in a problem's sentence for the names of its place, and of another one.
HERE, THERE = "{here}", "{there}"
_OWN = "own_words"
_MISSING = f"'{HERE}' is missing"
_LENGTH = 40  # characters of a value that are shown
_Schema = Mapping[str, Any]


class Fault(NamedTuple):
    """One thing that is wrong.

    Attributes:
        place: Where; the longest part of it that is there has the line.
        sentence: What, with `HERE` and `THERE` for the names of the places.
        other: Another place that it speaks of.
    """

    place: Place
    sentence: str
    other: Place = ()

    def named(self, here: str, there: str) -> str:
        """The sentence, with the names of the places."""
        return self.sentence.replace(HERE, here).replace(THERE, there)


class WrongSettings(ConfigError):
    """Settings that break their model; where they come from a file, `TomlFile.complaint` adds the lines.

    Attributes:
        problems: Everything that is wrong.
        where: What the settings are of.
    """

    def __init__(self, problems: Sequence[Fault], where: str) -> None:
        """Keep every problem."""
        self.problems = list(problems)
        self.where = where
        super().__init__(self.problems, where)

    def __str__(self) -> str:
        """One line for each problem."""
        sentences = (f"{self.where}: {each.named(named(each.place), named(each.other))}" for each in self.problems)
        return "\n".join(map(words.shown, sentences))


def wrong(problems: Iterable[Fault]) -> ValidationError:
    """What a validator of a model raises when it finds several things wrong; places are within what it validates.

    The other place is named from the top of the settings.
    """
    return ValidationError.from_exception_data(
        "settings",
        [
            InitErrorDetails(
                type=PydanticCustomError(_OWN, each.sentence, {"other": each.other}),
                loc=each.place,
                input=None,
            )
            for each in problems
        ],
    )


def complaint(model: type[BaseModel], error: ValidationError, where: str) -> WrongSettings:
    """All problems that pydantic found, each once and at its deepest place."""
    schema = model.model_json_schema()
    faults: dict[Fault, bool] = {}  # whether pydantic tried alternatives there
    for each in error.errors(include_url=False):
        place, has_tags = _place(schema, each["loc"])
        problem = _problem(schema, place, each)
        clean = tuple(without_cards(part) if isinstance(part, str) else part for part in place)
        faults[problem._replace(place=clean, sentence=without_cards(problem.sentence))] = has_tags
    return WrongSettings(
        [each for each, has_tags in faults.items() if not _is_told(each, faults, has_tags=has_tags)], where
    )


def _is_told(problem: Fault, others: Iterable[Fault], *, has_tags: bool) -> bool:
    """Whether another problem says the same, and more: a deeper place, or the key that was misspelt."""
    deeper = (other.place[: len(problem.place)] == problem.place != other.place for other in others)
    if has_tags and any(deeper):
        return True
    hint = f"did you mean {problem.place[-1]!r}?" if problem.sentence == _MISSING else ""
    return bool(hint) and any(hint in other.sentence and other.place[:-1] == problem.place[:-1] for other in others)


def named(place: Place) -> str:
    """A place as people write it: `rule 2: when."account.segment"`; places in lists count from 1.

    Example:
        >>> named(("rules", 1, "when", "account.segment"))
        'rule 2: when."account.segment"'
    """
    name, link = "", ""
    for part in place:
        if isinstance(part, int):
            name, link = f"{name.removesuffix('s')} {part + 1}", ": "
        else:
            key = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else json.dumps(part, ensure_ascii=False)
            name, link = f"{name}{link}{key}", "."
    return name


def _place(schema: _Schema, location: Iterable[str | int]) -> tuple[Place, bool]:
    """A place without pydantic's names of the alternatives that it tried, and whether there were any."""
    place: Place = ()
    has_tags = False
    for part in location:
        ways = _ways(schema, _schema_at(schema, place))
        if any("anyOf" in way for way in ways) and not any(_leads_on(way, part) for way in ways):
            has_tags = True
        else:
            place = (*place, part)
    return place, has_tags


def _ways(root: _Schema, schema: _Schema) -> list[_Schema]:
    """A schema and its alternatives."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return [schema, *(way for each in schema.get("anyOf", ()) for way in _ways(root, each))]


def _leads_on(schema: _Schema, part: str | int) -> bool:
    if isinstance(part, int):
        return schema.get("type") == "array"
    return schema.get("type") == "object"


def _schema_at(root: _Schema, place: Place) -> _Schema:
    """What belongs at a place; of anything where nothing is said."""
    schema = root
    for part in place:
        ways = _ways(root, schema)
        if isinstance(part, int):
            schema = next((way["items"] for way in ways if "items" in way), {})
        else:
            inner = [way.get("properties", {}).get(part) or way.get("additionalProperties") for way in ways]
            schema = next((each for each in inner if isinstance(each, Mapping)), {})
    return schema


def _problem(schema: _Schema, place: Place, error: Any) -> Fault:
    if error["type"] == _OWN:
        return Fault(place, error["msg"], error["ctx"]["other"])
    if error["type"] == "extra_forbidden":
        keys = [key for way in _ways(schema, _schema_at(schema, place[:-1])) for key in way.get("properties", ())]
        hint = near(str(place[-1]), keys)
        return Fault(place, f"unknown key '{HERE}'{hint}; the keys there are {', '.join(keys)}")
    if error["type"] == "missing":
        return Fault(place, _MISSING)
    if error["type"] == "value_error":
        message = error["msg"].removeprefix("Value error, ")
        return Fault(place, f"{HERE}: {message}" if place else message)
    wanted = _schema_at(schema, place)
    choices = [choice for way in _ways(schema, wanted) for choice in way.get("enum", ())]
    hint = near(error["input"], choices) if isinstance(error["input"], str) else ""
    return Fault(place, f"{HERE} must be {_wanted(schema, wanted)}, not {shown(error['input'])}{hint}")


def shown(value: Any) -> str:
    """A value as TOML has it, cut short, and without phone or card numbers.

    Example:
        >>> shown("high"), shown(True), shown({}), shown([1])
        ('"high"', 'true', 'an empty table', 'a list')
    """
    if isinstance(value, Mapping):
        return "a table" if value else "an empty table"
    if isinstance(value, (list, tuple)):
        return "a list" if value else "an empty list"
    if isinstance(value, (str, bool)):
        text = json.dumps(value, ensure_ascii=False)
        return without_numbers(text if len(text) <= _LENGTH else f'{text[:_LENGTH]}…"')
    return without_numbers(str(value)) if isinstance(value, int) else str(value)


def listed(values: Iterable[str], last: str = "or") -> str:
    """Words one after another: `a, b or c`."""
    *first, end = values
    return f"{', '.join(first)} {last} {end}" if first else end


_NAMES = {"boolean": "true or false", "object": "a table", "string": "text", "array": "a list", "null": ""}


def _wanted(root: _Schema, schema: _Schema) -> str:
    """What a schema asks for."""
    schema = _ways(root, schema)[0]
    if "anyOf" in schema:
        return listed(dict.fromkeys(words for each in schema["anyOf"] if (words := _wanted(root, each))))
    if "enum" in schema or "const" in schema:
        choices = [json.dumps(each) for each in schema.get("enum", [schema.get("const")])]
        return f"one of {listed(choices)}" if len(choices) > 1 else choices[0]
    match schema:
        case {"type": "integer"}:
            return f"a whole number{_bounds(schema)}"
        case {"type": "number"}:
            return f"a number{_bounds(schema)}"
        case {"type": "string", "format": "date"}:
            return "a day such as 2026-01-31"
        case {"type": "string", "maxLength": 1}:
            return "one character"
        case {"type": "string", "minLength": 1}:
            return "text, and not empty"
        case {"type": "array", "items": items}:
            some = "at least one " if "minItems" in schema else ""
            inner = _wanted(root, items)
            return f"a list of {some}{inner if inner != 'a table' else f'tables, each headed by [[{HERE}]]'}"
        case {"type": "object", "minProperties": 1}:
            return "a table with at least one key"
    return _NAMES.get(schema.get("type", ""), "another value")


def _bounds(schema: _Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None:
        return ""
    return f" from {least:g} to {most:g}" if most is not None else f" of {least:g} or more"
