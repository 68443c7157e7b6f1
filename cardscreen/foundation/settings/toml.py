"""Reads TOML files into checked models; every problem of a file is told at once, with its line."""

from __future__ import annotations

import re
import string
import tomllib
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from cardscreen.foundation.bounds import TOML_SIZE
from cardscreen.foundation.errors import ConfigError, near
from cardscreen.foundation.settings.errors import WrongSettings, complaint, named
from cardscreen.foundation.settings.lines import Place, lines_of, too_much
from cardscreen.foundation.settings.plain import Plain

if TYPE_CHECKING:
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)

#: Parts of a day, with anything between them.
_DAY_FORMAT = re.compile(r"[^%{}]*(?:%[YymdjBb][^%{}]*)+")
_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_Model = TypeVar("_Model", bound=BaseModel)


class _Sections(Plain, ModelMetaclass):
    """The type of sections."""


class Section(BaseModel, metaclass=_Sections):
    """A part of a configuration: unknown keys are errors, values don't change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def _day_of(given: Any) -> Any:
    """The day that a text is, or what was given."""
    try:
        return date.fromisoformat(given) if isinstance(given, str) and _DAY.fullmatch(given) else given
    except ValueError:  # there is none such, which the model says in its own words
        return given


#: A day of settings: TOML's own, or the same in quotes.
Day = Annotated[date, BeforeValidator(_day_of)]


@dataclass(frozen=True)
class TomlFile:
    """What a TOML file says, or one table in it, and on which lines.

    Attributes:
        name: The file's name for messages.
        settings: Its content.
        text: Its text; empty where the lines are not known.
        table: The table that is meant; empty: all of it.
    """

    name: str
    settings: dict[str, Any]
    text: str = field(repr=False)
    table: Place = ()

    @classmethod
    def of(cls, text: str, name: str) -> TomlFile:
        """What a text says.

        Raises:
            ConfigError: It is no TOML, or too much of it; says in which line.
        """
        if excess := too_much(text):
            raise ConfigError(f"{name}, line {excess[0]}: more than {excess[1]}, which is the most that is read")
        try:
            return cls(name, tomllib.loads(text), text)
        except tomllib.TOMLDecodeError as error:
            placed = re.fullmatch(r"(.*) \(at (line \d+), column \d+\)", str(error), re.DOTALL)
            what, line = placed.groups() if placed else (str(error), f"line {len(text.splitlines())}")
            raise ConfigError(f"{name}, {line}: this is not TOML: {what}") from None
        except ValueError:  # Python makes no integers of more
            raise ConfigError(f"{name}: a number has more than 4,300 digits, which is the most that is read") from None

    def part(self, key: str) -> TomlFile:
        """One of its tables."""
        return replace(self, settings=self.settings.get(key, {}), table=(*self.table, key))

    def where(self, *place: str | int) -> str:
        """The file, and the line of a setting or of the table that lacks it."""
        line = self._line((*self.table, *place))
        return self.name if line is None else f"{self.name}, line {line}"

    def complaint(self, error: WrongSettings) -> ConfigError:
        """All that is wrong, each problem in a line of its own that says where."""
        lines = []
        for each in error.problems:
            here = named((*self.table, *each.place))
            lines.append(f"{self.where(*each.place)}: {each.named(here, self._with_line(each.other))}")
        return ConfigError(*lines)

    def _with_line(self, place: Place) -> str:
        line = self._line((*self.table, *place))
        return named((*self.table, *place)) + (f" (line {line})" if line else "")

    def _line(self, place: Place) -> int | None:
        known = (place[:length] for length in range(len(place), 0, -1))
        return next((self._lines[each] for each in known if each in self._lines), None)

    @cached_property
    def _lines(self) -> dict[Place, int]:
        return lines_of(self.text)


def read_toml(path: Path, name: str | None = None) -> TomlFile:
    """A TOML file's content; messages call it by its path unless another name is given.

    Raises:
        ConfigError: There is no such file, or it is no TOML; says where.
    """
    try:
        with path.open(encoding="utf-8-sig") as stream:
            return TomlFile.of(stream.read(TOML_SIZE + 1), name or str(path))
    except FileNotFoundError:
        there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ConfigError(f"there is no file {str(path)!r}{near(path.name, there)}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not in UTF-8: save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from None


def checked(model: type[_Model], file: TomlFile) -> _Model:
    """A model from a TOML file.

    Raises:
        ConfigError: With one sentence for each thing that is wrong, and its line.
    """
    try:
        return model(**file.settings)
    except ValidationError as error:
        raise file.complaint(complaint(model, error, file.name)) from None
    except WrongSettings as error:
        raise file.complaint(error) from None


def known_format(form: str) -> str:
    """A format of days, as strftime has it.

    Raises:
        ValueError: A day that is written in it can't be read again.
    """
    day = date(2026, 1, 23)
    if not isinstance(form, str):
        raise ValueError(f"{form!r} is no format of days: write it like %d/%m/%Y")
    try:
        known = datetime.strptime(day.strftime(form), form).date() == day
    except ValueError:
        known = False
    if not known:
        raise ValueError(f"{form!r} is no format of days: write it like %d/%m/%Y")
    return form


def known_path(path: str) -> str:
    """A path in which a night's day may stand, as `{as_of}` or `{as_of:%Y%m%d}`; `{{` is a brace.

    Raises:
        ValueError: Another name, or a format that tells no part of a day.
    """
    try:
        fields = [(name, form, how) for _, name, form, how in string.Formatter().parse(path) if name is not None]
    except ValueError:
        raise ValueError(f"{path!r} has a brace too many or too few: write {{{{ for a brace in a name") from None
    for name, form, how in fields:
        if name != "as_of" or how:
            raise ValueError(f"{path!r}: there is no {{{name}}}: write {{as_of}}, which is the night's day")
        if form and not _DAY_FORMAT.fullmatch(form):
            raise ValueError(f"{path!r}: {form!r} is no format of days: write it like {{as_of:%Y%m%d}}")
    return path


def names_day(path: str) -> bool:
    """Whether a day is to be put into a path."""
    return any(name for _, name, _, _ in string.Formatter().parse(path))


def of_day(path: str, day: date) -> str:
    """A path that `known_path` knows, with the day put in."""
    return path.format(as_of=day)


def literally(path: str) -> str:
    """A path as `of_day` gives it back."""
    return path.replace("{", "{{").replace("}", "}}")


def known_zone(name: str) -> str:
    """The name of a time zone.

    Raises:
        ValueError: There is none of that name; tells the near one.
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone {name!r}{near(name, available_timezones())}") from None
    return name
