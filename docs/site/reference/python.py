"""Every public name, by the room that it is from."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

import cardscreen
from cardscreen import spark

from .markdown import MADE

_ROOMS: dict[str, str] = {
    "screening": "Screening",
    "lists": "Lists",
    "policy": "Policy",
    "kinds": "Kinds",
    "runs": "Runs",
    "review": "Reports",
    "leads": "Leads",
    "exchange": "Exchanges",
    "foundation": "Errors",
}


def page() -> str:
    """Every public name, with its docstring."""
    names = {name: getattr(cardscreen, name) for name in cardscreen.__all__ if not name.startswith("_")}
    text = [f"# Python API\n\n{MADE} `import cardscreen as cs`; [in Python](../how-to/python.md) shows it at work.\n"]
    for room, title in _ROOMS.items():
        text.append(f"## {title}\n")
        for name, thing in names.items():
            if thing.__module__.split(".")[1] == room:
                text.append(_documented(f"cs.{name}", thing))
    text.append("## Spark\n\n`from cardscreen import spark`; [Spark](../how-to/spark.md) says what it costs.\n")
    text += [_documented(f"spark.{name}", thing) for name in spark.__all__ if callable(thing := getattr(spark, name))]
    return "\n".join(text)


def _documented(heading: str, thing: Callable[..., Any]) -> str:
    offered = [name for name in dir(thing) if not name.startswith("_")] if isinstance(thing, type) else []
    own = [name for name in offered if any(name in vars(base) for base in _ours(thing)) and _says(thing, name)]
    members = json.dumps(own or False)
    where = f"{thing.__module__}.{thing.__qualname__}"
    return (
        f"::: {where}\n    options:\n      heading: {heading}\n      toc_label: {heading}\n      members: {members}\n"
    )


def _ours(thing: Any) -> list[type]:
    return [base for base in thing.__mro__ if base.__module__.startswith("cardscreen.")]


def _says(thing: Any, name: str) -> bool:
    member = inspect.getattr_static(thing, name)
    return isinstance(member, (classmethod, staticmethod, property)) or inspect.isfunction(member)
