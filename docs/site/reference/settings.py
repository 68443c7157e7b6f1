"""Every key of every file that people write."""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from cardscreen.cli.starter.schemas import FILES
from cardscreen.foundation.bounds import Bounds
from cardscreen.foundation.settings.meanings import meanings, summary
from cardscreen.lists.terms import Terms
from cardscreen.runs.brakes import Limits

from .markdown import MADE, code, table

_TITLES = {
    "job": "Job",
    "policy": "Policy",
    "feed": "Feed",
    "leads": "Leads",
    "reports": "Reports of the public",
    "contacts": "Contacts",
    "agreement": "Agreements",
}
_GUIDES = {
    "job": "[nights](../how-to/nights.md)",
    "policy": "[the policy](../how-to/policy.md)",
    "feed": "[lists](../how-to/lists.md)",
    "leads": "[leads](../how-to/leads.md)",
    "reports": "[leads](../how-to/leads.md#reports-of-the-public)",
    "contacts": "[leads](../how-to/leads.md#who-was-called)",
    "agreement": "[exchanges](../how-to/exchange.md)",
}
#: Parts that several files have, or that have a place of their own.
_PARTS: dict[type[BaseModel], str] = {Bounds: "bounds", Limits: "limits", Terms: "terms"}


def page() -> str:
    """Every key of every file that people write."""
    text = [
        f"# Settings\n\n{MADE} All are TOML. `cardscreen schema job`, `policy`, `feed` and so on print their",
        "JSON Schemas; `cardscreen init` writes them beside the files, whose first line (`#:schema …`) names them to",
        "editors. Unknown keys are errors, with the near name.\n",
    ]
    for name, model in FILES.items():
        text.append(f"## {_TITLES[name]}\n\n{summary(model)} How it is used: {_GUIDES[name]}.\n")
        text.append(table(["key", "what it is", "default", "meaning"], _keys(model)))
    for part, what in ((Limits, "Limits"), (Terms, "Terms"), (Bounds, "Bounds")):
        text.append(f"## {what}\n\n{summary(part)}\n")
        text.append(table(["key", "what it is", "default", "meaning"], _keys(part)))
    return "\n".join(text)


def _keys(model: type[BaseModel], before: str = "") -> Iterator[list[str]]:
    said = meanings(model)
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner = [part for part in models_in(field.annotation) if part is not model]
        what = _what(field.annotation)
        if model is FILES["job"] and key == "limits":
            inner, what = [Limits], ""
        linked = next((f"[{_PARTS[part]}](#{_PARTS[part]})" for part in inner if part in _PARTS), None)
        default = "needed" if field.is_required() else default_of(field.get_default(call_default_factory=True))
        meaning = re.sub(r" \([\d.,]+\)\.$", ".", said[key])
        yield [code(f"{before}{key}"), linked or what, "" if inner else default, meaning]
        several = ".NAME" if _is_mapping(field.annotation) else "[]" if _is_list(field.annotation) else ""
        for part in inner if linked is None else []:
            yield from _keys(part, f"{before}{key}{several}.")


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The parts of settings that a value may be, or hold."""
    found = [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []
    return found + [inner for each in typing.get_args(annotation) for inner in models_in(each)]


def _is_mapping(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (dict, Mapping)


def _is_list(annotation: Any) -> bool:
    return typing.get_origin(annotation) is list


_NAMES = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    date: "day",
    type(None): "",
    Any: "any",
}


def _what(annotation: Any) -> str:
    """What a value may be, in words."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _NAMES:
        return _NAMES[annotation]
    if origin is typing.Literal:
        return ", ".join(code(each) for each in args)
    if origin is typing.Annotated:
        return _what(args[0])
    if origin in (typing.Union, types.UnionType):
        return ", or ".join(dict.fromkeys(filter(None, (_what(each) for each in args))))
    if models_in(annotation):
        return "list of tables" if origin is list else "tables by name" if _is_mapping(annotation) else "table"
    if _is_mapping(annotation):
        return f"table: name → {_what(args[1])}"
    return f"list: {_what(args[0])}" if args else str(annotation)


def default_of(value: Any) -> str:
    """A default as TOML has it; nothing, where there is none."""
    if value is None or value is PydanticUndefined or value in ({}, (), []) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(f"{value:,}" if isinstance(value, int) else ", ".join(value) if isinstance(value, list) else value)
