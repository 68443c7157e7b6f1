"""From one key of tokens to another: a store's tokens are made anew of a source's file, and its listings stay the same.

A token can't be turned into another one without its number, so the numbers come from a file of the source.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import polars as pl

from cardscreen.foundation.errors import ConfigError
from cardscreen.kinds.tokens import TokenKey, token
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.rows import read_feed
from cardscreen.lists.store import edits
from cardscreen.lists.store.table import Store


@dataclass(frozen=True)
class Rekeyed:
    """What became of a source's tokens.

    Attributes:
        renewed: Listings that are under the new key now.
        left: Listings that are still under the old one: their numbers are not in the file.
        ended: How many of these have ended. Listed again, they come in as new.
    """

    renewed: int
    left: int
    ended: int


def rekey(
    store: Store, file: str | os.PathLike[str], feed: Feed, old: TokenKey, new: TokenKey, by: str, reason: str
) -> Rekeyed:
    """Put tokens under a new key in place of those under the old one, of all numbers in a file of their source.

    Listings keep their names, first days and what has ended them. Both keys are needed while
    some in force are left.

    Raises:
        ConfigError: The keys are the same; the store has no such source, or no tokens of it under the old key.
        InputError: The file can't be read.
    """
    if old.id == new.id:
        raise ConfigError(f"both keys are the same one, {new.id}: name the old one and the new one")
    rows = read_feed(file, feed).rows.filter(pl.col("match") == "exact").select("kind", "value").unique()
    pairs = [_pairs(of_kind, str(kind), old, new) for (kind,), of_kind in rows.group_by("kind")]
    renewed = pl.concat([pl.DataFrame(schema={"kind": pl.String, "token": pl.String, "renewed": pl.String}), *pairs])
    return Rekeyed(*edits.replace_tokens(store, feed.source, renewed, (old.id, new.id), feed.today(), by, reason))


def _pairs(rows: pl.DataFrame, kind: str, old: TokenKey, new: TokenKey) -> pl.DataFrame:
    """Of each number its token under both keys: kind, token, renewed."""
    return rows.select("kind", token=token("value", kind, old), renewed=token("value", kind, new))
