"""What holds of every screening: sums that add up, and results that depend on nothing but what is asked."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import DAY, KEY, accounts_of, blocklist_of, frame_of, listing, policies

import cardscreen as cs
from cardscreen.kinds.kind import Kind
from cardscreen.screening import scan

Row = dict[str, Any]
IDS = ["a", "b", "c", None, " "]
#: Cells with several numbers, taken apart; lists; damaged and hidden digits; numbers that are left out.
KINDS: dict[str, Kind] = {
    "mobile": cs.Phone("CN", many=True, repair=True, holder_since="since"),
    "second": cs.Phone("CN", many=True),
    "card_no": cs.Card(exclude_test_cards=True),
}
odd_phones = st.sampled_from(
    [
        "13800138000, 13800138001",
        "13800138000/1",
        "T: 13800138000 F: 12",
        "13800138000.0",
        "1.38E+10",
        ",",
        "x; ",
        "",
        None,
    ]
)
odd_cards = st.sampled_from(
    ["622202******1234", "6222021234567890", "4242424242424242", "6222021234561234", "…1", "", None]
)


@st.composite
def odd_accounts(draw: st.DrawFn) -> list[Row]:
    rows = draw(accounts_of(IDS, size=8))
    for row in rows:
        row["mobile"] = draw(odd_phones)
        row["second"] = draw(st.none() | st.lists(odd_phones, max_size=3))
        row["card_no"] = draw(odd_cards)
    return rows


def screened(accounts: Any, listings: list[Row], policy: Any, **options: Any) -> cs.Result:
    return cs.screen(
        accounts,
        blocklist_of(listings),
        KINDS,
        carry=["segment", "tier"],
        policy=policy,
        as_of=DAY,
        tokens=KEY,
        **options,
    )


@settings(max_examples=12)
@given(odd_accounts(), st.lists(listing(), min_size=1, max_size=6), policies)
def test_every_cell_and_every_row_is_in_exactly_one_class(
    accounts: list[Row], listings: list[Row], policy: Row
) -> None:
    result = screened(frame_of(accounts, pl.String()), listings, policy)
    rejects, hits = result.rejects.collect(), result.hits.collect()
    named = [row for row in accounts if row["account_id"] and row["account_id"].strip()]
    for column, cells in result.summary["coverage"].items():
        assert all(count >= 0 for count in cells.values())
        assert cells["cells"] == sum(count for name, count in cells.items() if name != "cells")
        assert result.summary["notes"][column].get("invalid", 0) <= cells["clear"] + cells["exempt"] + cells["hit"]
        assert cells["rejected"] == rejects.filter(pl.col("identifier") == column).height
        assert (cells["hit"] + cells["exempt"] > 0) == (hits.filter(pl.col("identifier") == column).height > 0)
    assert result.summary["coverage"]["card_no"]["cells"] == len(named)
    rows = result.summary["rows"]
    assert all(count >= 0 for count in rows.values())
    assert rows["read"] == len(accounts) == sum(count for name, count in rows.items() if name != "read")
    assert rows["no_account"] == len(accounts) - len(named)
    assert result.summary["flagged"]["accounts"] == result.flagged.collect().height
    assert result.summary["hits"]["rows"] == hits.height


def digests(folder: Path) -> dict[str, str]:
    names = ("flagged", "hits", "rejects")
    return {name: hashlib.sha256((folder / f"{name}.parquet").read_bytes()).hexdigest() for name in names}


@settings(max_examples=8)
@given(
    odd_accounts(),
    st.lists(listing(), min_size=1, max_size=6),
    policies,
    st.randoms(use_true_random=False),
    st.integers(1, 4),
    st.integers(1, 5),
)
def test_order_chunks_and_parts_of_the_accounts_change_no_byte(
    tmp_path_factory: pytest.TempPathFactory,
    accounts: list[Row],
    listings: list[Row],
    policy: Row,
    random: Any,
    chunks: int,
    part: int,
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    size = max(1, -(-len(accounts) // chunks))
    starts = range(0, max(len(accounts), 1), size)
    pieces = [frame_of(accounts[start : start + size], pl.String()) for start in starts]
    shuffled = random.sample(accounts, len(accounts))
    screened(frame_of(accounts, pl.String()), listings, policy, out=folder / "whole")
    with mock.patch.object(scan, "BATCH", part), mock.patch.object(scan, "ASIDE", part):
        screened(pl.concat(pieces, rechunk=False).lazy(), listings, policy, out=folder / "pieces")
    screened(frame_of(shuffled, pl.String()), listings, policy, out=folder / "shuffled")
    whole, others = digests(folder / "whole"), digests(folder / "shuffled")
    assert digests(folder / "pieces") == whole
    assert (others["flagged"], others["hits"]) == (whole["flagged"], whole["hits"])


MANY = 40_000  # rows: the engine shares them out among its threads


def write_tables(folder: str) -> None:
    """Screen many accounts; run in a process of its own for each number of threads."""
    scan.BATCH, scan.ASIDE = MANY // 8, MANY // 40
    rows = pl.DataFrame({"at": range(MANY)})
    at = pl.col("at")
    accounts = rows.select(
        account_id=(at * 7919 % 9973).cast(pl.String),
        mobile=pl.when(at % 11 == 0).then(pl.lit("n/a")).otherwise(13_800_138_000 + at * 31 % 5003).cast(pl.String),
        since=pl.lit(date(2026, 1, 1)),
        segment=pl.when(at % 5 == 0).then(pl.lit("hospital")).otherwise(pl.lit("shop")),
    )
    listed = pl.DataFrame({"at": range(600)}).select(
        kind=pl.lit("phone"),
        value=pl.when(at % 50 == 0)
        .then(pl.format("+861380013{}*", 8000 + at))
        .otherwise(pl.format("+86{}", 13_800_138_000 + at * 3)),
        source=pl.when(at % 3 == 0).then(pl.lit("police")).otherwise(pl.lit("bank-a")),
        severity=at % 100 + 1,
        listed_on=pl.lit(date(2025, 12, 1)) + pl.duration(days=at % 90),
    )
    rule = {"when": {"account.segment": "hospital", "source": "bank-a"}, "cap": "none"}
    kinds = {"mobile": cs.Phone("CN", holder_since="since")}
    options: dict[str, Any] = {"carry": ["segment"], "policy": {"rules": [rule]}, "as_of": DAY, "out": folder}
    cs.screen(accounts, cs.Blocklist.from_frame(listed), kinds, **options)


def test_the_number_of_threads_changes_no_byte(tmp_path: Path) -> None:
    code = f"import sys; sys.path[:] = {[str(Path(__file__).parent), *sys.path]!r}; import test_screening_sums as t; "
    for threads in ("1", "4"):
        subprocess.run(
            [sys.executable, "-c", f"{code}t.write_tables({str(tmp_path / threads)!r})"],
            env=os.environ | {"POLARS_MAX_THREADS": threads},
            check=True,
        )
    assert digests(tmp_path / "1") == digests(tmp_path / "4")
    for name, least in (("flagged", 500), ("hits", 1000), ("rejects", MANY // 11)):
        assert len(pl.read_parquet(tmp_path / "4" / f"{name}.parquet")) >= least
