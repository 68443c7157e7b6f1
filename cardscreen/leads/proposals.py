"""Proposals: what may become a listing, what has been decided about it, and whether it may come back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import polars as pl

from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError
from cardscreen.kinds.kind import KINDS, one_of
from cardscreen.kinds.tokens import TokenKey, token

#: What makes two proposals the same.
IDENTITY = ["source", "kind", "value"]
#: Who decides where no person must.
RULE = "rule"


def typed(types: Mapping[str, Any], but: str = "") -> list[pl.Expr]:
    """The columns with their types; one that has its own is left."""
    return [pl.col(name) if name == but else pl.col(name).cast(dtype) for name, dtype in types.items()]


def as_told(values: pl.DataFrame, key: TokenKey | None) -> pl.Expr:
    """The column `value` of canonical values (kind, value): of secret kinds their tokens.

    A mask and a token of one number never lie in one folder, so there are no masks.

    Raises:
        ConfigError: There are values of a secret kind, and no key.
    """
    value = pl.col("value")
    for name in values["kind"].unique():
        if KINDS[name].secret:
            if key is None:
                raise ConfigError(f"{one_of(name)} is proposed as a token only, and there is no key")
            value = pl.when(pl.col("kind") == name).then(token(pl.col("value"), name, key)).otherwise(value)
    return value.alias("value")


def as_proposals(found: pl.DataFrame, key: TokenKey | None) -> pl.DataFrame:
    """`schema.PROPOSALS` of what was found, all of them `proposed`; of secret kinds tokens in place of values.

    Args:
        found: The columns of proposals, with values in full; those that it lacks are null.
        key: The key of tokens.

    Raises:
        ConfigError: There are values of a secret kind, and no key.
    """
    missing = {name: pl.lit(None) for name in schema.PROPOSALS if name not in (*found.columns, "state")}
    return (
        found.with_columns(**missing, state=pl.lit("proposed"))
        .with_columns(as_told(found, key))
        .select(typed(schema.PROPOSALS))
        .sort("source", "reference", "kind", "value")
    )


def counted(proposals: pl.DataFrame) -> dict[str, dict[str, int]]:
    """How many proposals there are, by source and state."""
    counts = proposals.group_by("source", "state").len().sort("source", "state")
    return {
        str(source): {str(state): count for _, state, count in of_source.rows()}
        for (source,), of_source in counts.group_by("source", maintain_order=True)
    }


def by_rule(proposals: pl.DataFrame, sources: Collection[str]) -> pl.DataFrame:
    """The same, of some sources accepted by a stated rule."""
    ruled = pl.col("source").is_in(list(sources))
    return proposals.with_columns(
        state=pl.when(ruled).then(pl.lit("accepted", dtype=schema.STATES)).otherwise("state"),
        decided_by=pl.when(ruled).then(pl.lit(RULE)).otherwise("decided_by"),
    )
