"""Every kind of identifiers, and every status, cause, action and exit code."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from cardscreen.cli.manners import EXIT_CODES
from cardscreen.foundation import schema
from cardscreen.foundation.settings.meanings import meanings
from cardscreen.foundation.words import codes
from cardscreen.kinds.kind import KINDS, options_of

from .markdown import MADE, code, table
from .settings import default_of


def page_of_kinds() -> str:
    """Every kind of identifiers, with its options and statuses."""
    text = [
        f"# Kinds of identifiers\n\n{MADE} [How both sides meet](../explanation/kinds.md) says what is behind it.",
        "Values of secret kinds are masked in all that is written, and stores hold them as tokens. What a status means",
        "stands under [statuses](codes.md#statuses).\n",
    ]
    for name, kind in KINDS.items():
        first, _, rest = (inspect.getdoc(kind) or "").partition("\n\nCanonical: ")
        canonical = rest.partition("\n\n")[0]
        secret = " It is secret." if kind.secret else ""
        text.append(f"## {name}\n\n{' '.join(first.split())} A value is written canonically: {canonical}{secret}\n")
        text.append(f"Statuses: {', '.join(code(status) for status in statuses_of(name))}.\n")
        said, signature = meanings(kind), inspect.signature(kind)
        rows = ([code(each), default_of(signature.parameters[each].default), said[each]] for each in options_of(name))
        text.append(table(["option", "default", "meaning"], rows))
    return "\n".join(text)


def statuses_of(kind: str) -> list[str]:
    """The statuses that a cell of a kind may have."""
    read = pl.LazyFrame(schema={"cell": pl.String}).select(KINDS[kind]().fields(pl.col("cell")).alias("read"))
    told: Any = read.collect_schema()["read"]
    status = next(field.dtype for field in told.fields if field.name == "status")
    return list(status.categories)


def _worded(words: Mapping[Any, str]) -> Iterator[list[str]]:
    return ([code(each), said] for each, said in words.items())


def page() -> str:
    """Every status, cause, action and exit code."""
    of = {
        status: [name for name in KINDS if status in statuses_of(name)]
        for name in KINDS
        for status in statuses_of(name)
    }
    every = dict.fromkeys([*of, *codes.STATUSES, *codes.SCREENED])
    statuses = (
        [code(each), ", ".join(of.get(each, [])), codes.SCREENED.get(each, ""), codes.STATUSES.get(each, "")]
        for each in every
    )
    closed = {
        "Actions": (schema.ACTIONS, codes.ACTIONS, "What is recommended, in rising order."),
        "Levels": (schema.LEVELS, codes.LEVELS, "Of a score, in rising order."),
        "Changes": (schema.CHANGE_KINDS, codes.CHANGES, "What became of an account's action since the base run."),
        "Causes": (schema.CAUSES, codes.BECAUSE, "Why an account's action changed, or is carried."),
        "Matches": (schema.MATCHES, codes.MATCHES, "How a listing covers a value."),
        "Holders": (schema.HOLDERS, codes.HOLDERS, "Whose number it was when it was listed."),
    }
    text = [f"# Codes\n\n{MADE} Codes stay as they are in every language; people are told the words.\n"]
    text.append("## Exit codes\n")
    text.append(table(["code", "meaning"], _worded(EXIT_CODES)))
    text.append(
        "## Statuses\n\nHow a cell was read. A hit has the status of its cell; a reject says why there is none.\n"
    )
    text.append(table(["status", "of", "screened all the same", "of a reject"], statuses))
    for title, (categories, words, what) in closed.items():
        text.append(f"## {title}\n\n{what}\n")
        text.append(table(["code", "in words"], ([code(each), words[each]] for each in categories.categories)))
    text.append(
        "## Reasons\n\nOf listings; another code is shown as it is, unless `[notices.texts]` has words for it.\n"
    )
    text.append(table(["code", "in words"], _worded(codes.REASONS)))
    text.append("## States of a source\n\nHow fresh its data is.\n")
    text.append(table(["code", "in words"], _worded(codes.STATES)))
    return "\n".join(text)
