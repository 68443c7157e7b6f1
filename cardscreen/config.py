"""Reads TOML files into checked models; every problem of a file is told at once, with the near name."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import BaseModel, ConfigDict, ValidationError

from cardscreen.errors import ConfigError, near

_Model = TypeVar("_Model", bound=BaseModel)


class Section(BaseModel):
    """A part of a configuration: unknown keys are errors, values don't change."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file's content.

    Raises:
        ConfigError: There is no such file, or it is no TOML; says where.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        there = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ConfigError(f"there is no file {str(path)!r}{near(path.name, there)}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not in UTF-8: save it as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from None


def checked(model: type[_Model], data: dict[str, Any], where: str) -> _Model:
    """A model from parsed TOML.

    Raises:
        ConfigError: With one sentence for each thing that is wrong.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise complaint(model, error, where) from None


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


def complaint(model: type[BaseModel], error: ValidationError, where: str) -> ConfigError:
    """All problems that pydantic found, in the words of the file."""
    return ConfigError("; ".join(f"{where}: {_sentence(model, problem)}" for problem in error.errors()))


def _sentence(model: type[BaseModel], problem: Any) -> str:
    location = [str(part) for part in problem["loc"]]
    key = ".".join(location)
    if problem["type"] == "extra_forbidden":
        known = _keys_at(model, location[:-1])
        return f"unknown key {key!r}{near(location[-1], known)}; the keys there are {', '.join(known)}"
    if problem["type"] == "missing":
        return f"{key!r} is missing"
    message = problem["msg"].removeprefix("Value error, ")
    return f"{key}: {message[0].lower()}{message[1:]}" if key else message


def _keys_at(model: type[BaseModel], location: list[str]) -> list[str]:
    """The field names of the model that sits at a place inside another."""
    current: type[BaseModel] = model
    for part in location:
        if part not in current.model_fields:
            continue  # an index of a list or a free name
        nested = _models_in(current.model_fields[part].annotation)
        current = nested[0] if nested else current
    return [field.alias or name for name, field in current.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]
