"""What a person changes in a store by hand: ending listings and sources, renaming, going back, adopting.

Each change is a commit that says who decided and why.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import polars as pl

from cardscreen.foundation.errors import ConfigError, InputError, without_cards
from cardscreen.foundation.files import not_for_others, system_user
from cardscreen.lists.store.merging import IDENTITY, STORED, end, lasts
from cardscreen.lists.store.records import Record, Version
from cardscreen.lists.store.table import Store
from cardscreen.lists.store.views import Filter, check_source


@contextmanager
def _held(store: Store, source: str) -> Iterator[Version]:
    """The newest version of a store that has a source, held against imports."""
    check_source(store.at(), source)  # before the lock, which would make the folder of a store
    with not_for_others(), store.lock():
        at = store.at()
        check_source(at, source)
        yield at


def end_listings(store: Store, which: Filter, day: date, by: str, reason: str, *, dry_run: bool = False) -> int:
    """End listings of one source because a person says so; its next file does not bring them back.

    Returns:
        How many were in force.

    Raises:
        ConfigError: No source is named, or nothing but the source.
        InputError: There are no such listings in force.
    """
    if which.source is None or not (which.ids or which.reference):
        raise ConfigError("say which listings to end: by their ids (--listing) or a case number (--reference)")
    with _held(store, which.source) as at:
        listings = store.of_source(which.source, at.number)
        meant = which.applies(day)
        count = int(listings.select((meant & pl.col("ended_on").is_null()).sum()).item())
        if not count:
            raise InputError(
                f"no listings in force of {which.source!r} have this id or reference: see cardscreen list show --rows"
            )
        if not dry_run:
            details = {"ended": count, "ids": list(which.ids), "reference": which.reference}
            record = _personal(store, at, "end", by, reason, details, source=which.source)
            store.replace(which.source, end(listings, meant, day, by).lazy(), at.number, record)
    return count


def retire(store: Store, source: str, day: date, by: str, reason: str) -> int:
    """End a source: all its listings from a day on, and it takes no file any more.

    Returns:
        How many listings were in force.

    Raises:
        ConfigError: There is no such source, or it has ended before.
    """
    with _held(store, source) as at:
        origin = at.record.origins[source]
        if origin.retired_on is not None:
            raise ConfigError(f"the source {source!r} has ended on {origin.retired_on} already")
        listings = store.of_source(source, at.number)
        count = int(listings.select(lasts(day).sum()).item())
        details = {"ended": count, "retired_on": day.isoformat()}
        record = _personal(store, at, "retire", by, reason, details, source=source)
        record.origins[source] = origin.model_copy(update={"retired_on": day, "listings": 0})
        store.replace(source, end(listings, pl.lit(value=True), day, by).lazy(), at.number, record)
    return count


def rename_source(store: Store, old: str, new: str, by: str, reason: str) -> int:
    """Give a source another name: its listings keep their names, their first days and what has ended them.

    Returns:
        How many listings it has, ended ones too.

    Raises:
        ConfigError: There is no such source, or one of the new name.
    """
    if not new.strip():
        raise ConfigError("a source needs a name")
    with _held(store, old) as at:
        origins = at.record.origins
        if new in origins:
            raise ConfigError(
                f"there is a source {new!r} already: where its files were imported under the new name before, make "
                "the version before that current again (cardscreen list rollback), rename, and import them once more"
            )
        record = _personal(store, at, "rename", by, reason, {"from": old, "to": new}, source=new)
        origin = record.origins.pop(old)
        formerly = [name for name in (*origin.formerly, old) if name != new]
        record.origins[new] = origin.model_copy(update={"formerly": tuple(formerly)})
        listings = store.of_source(old, at.number)
        named = listings.lazy().with_columns(source=pl.lit(new))
        store.replace(new, named, at.number, record, instead_of=old)
    return len(listings)


def replace_tokens(
    store: Store, source: str, renewed: pl.DataFrame, keys: tuple[str, str], day: date, by: str, reason: str
) -> tuple[int, int, int]:
    """Put other tokens in place of a source's; its listings stay the same ones.

    Args:
        store: The store.
        source: Whose listings.
        renewed: kind, token, and `renewed`, which takes its place (String).
        keys: The id of the key of those that are there, and that of the others.
        day: Today.
        by: Who decides.
        reason: Why.

    Returns:
        How many listings have another token now, how many are still under the old key, and how many of these have
        ended.

    Raises:
        ConfigError: There is no such source, or it has no tokens under the old key.
    """
    old, new = keys
    with _held(store, source) as at:
        listings = store.of_source(source, at.number)
        is_old = (pl.col("match") == "token") & pl.col("value").str.starts_with(f"{old}:")
        before = int(listings.select(is_old.sum()).item())
        if not before:
            raise ConfigError(f"the store has no tokens of {source!r} under the key {old}")
        table = renewed.rename({"token": "value"}).unique(["kind", "value"])
        joined = listings.join(table, on=["kind", "value"], how="left", maintain_order="left")
        # What came in under the new key since is a listing of its own: no two are the same one.
        there = listings.select(*IDENTITY, there=pl.lit(value=True)).unique()
        same = [pl.col("renewed") if name == "value" else pl.col(name) for name in IDENTITY]
        found = joined.join(there, left_on=same, right_on=IDENTITY, how="left", nulls_equal=True, maintain_order="left")
        value = pl.when(pl.col("there").is_null()).then(pl.coalesce("renewed", "value")).otherwise("value")
        now = found.with_columns(value=value).select(list(STORED))
        left, ended = now.select(is_old.sum(), ended=(is_old & ~lasts(day)).sum()).row(0)
        if left < before:
            details = {"renewed": before - left, "left": left, "from": old, "to": new}
            record = _personal(store, at, "rekey", by, reason, details, source=source)
            store.replace(source, now.lazy(), at.number, record)
    return before - left, left, ended


def rollback(store: Store, version: int, by: str, reason: str) -> Version:
    """Make an earlier version current again; the ones after it stay in the history.

    Raises:
        ConfigError: No such version, or it is the newest.
    """
    wanted = store.at(version)  # before the lock, which would make the folder of a store that is not there
    with not_for_others(), store.lock():
        at = next(store.history())  # another program may have written the newest: this mends it
        if version == store.newest():
            raise ConfigError(f"there is nothing to go back from: version {version} is the newest")
        record = _personal(store, at, "rollback", by, reason, {"to": version})
        return store.restore(version, record.model_copy(update={"origins": wanted.record.origins}))


def adopt(store: Store, by: str, reason: str) -> Version:
    """Read on behind another program's commit that has changed no row: one that put files together, or removed some.

    Raises:
        ConfigError: The newest version is the store's own.
        InputError: Rows were changed, or the files of the last version of its own are gone, so that nobody can tell.
    """
    with not_for_others(), store.lock():
        ours, newest = next(store.history()), store.newest()
        if newest == ours.number:
            raise ConfigError(f"there is nothing to adopt: version {newest} is the store's own")
        if differing := _differing(store.listings(ours.number), store.foreign(newest)):
            raise InputError(
                f"{differing:,} rows of version {newest} are not as in version {ours.number}, the last of the store's "
                f"own: it can't be adopted. To go back: cardscreen list rollback {ours.number}"
            )
        record = _personal(store, ours, "adopt", by, reason, {"version": newest, "equal_to": ours.number})
        return store.restore(ours.number, record)


def upgrade(store: Store) -> Version | None:
    """Write down the digests of a store's files, which earlier releases did not; None where they are told already."""
    with not_for_others(), store.lock():
        at = store.at()
        if at.record.files is not None:
            return None
        record = _personal(store, at, "upgrade", system_user(), "digests of the files as they are", {})
        return store.note(at.number, record)


def _differing(ours: pl.LazyFrame, theirs: pl.LazyFrame) -> int:
    """How many rows are in one table only, however they are ordered."""
    gaps = pl.col("gaps").cast(pl.List(pl.String)).list.join(" ")
    rows = [each.with_columns(gaps).collect() for each in (ours, theirs)]
    there, here = (frame.select(list(STORED)).group_by(pl.all()).len() for frame in rows)
    both = [*STORED, "len"]
    only = [one.join(other, on=both, how="anti", nulls_equal=True) for one, other in ((there, here), (here, there))]
    return sum(int(frame["len"].sum()) for frame in only)


def _personal(
    store: Store, at: Version, action: str, by: str, reason: str, details: dict[str, Any], source: str | None = None
) -> Record:
    if not by.strip() or not reason.strip():
        raise ConfigError("say who decides (--by) and why (--reason): both are kept")
    return Record(
        instant=store.stamp(at.record),
        action=action,
        source=source,
        by=without_cards(by),
        reason=without_cards(reason),
        details={**details, "system_user": system_user()},
        origins=dict(at.record.origins),
    )
