"""The cache of the phone tables: kept, checked, and done without where it must be."""

from __future__ import annotations

import gc
import warnings
from pathlib import Path
from typing import Any

import phonenumbers
import polars as pl
import pytest

from cardscreen.foundation import cache as kept
from cardscreen.foundation.lookup.intervals import Intervals
from cardscreen.kinds.phone.numbering import lookup, plan, routes, shelf, upkeep

SCHEMA = {"name": pl.String}
ENDS = {"low": pl.UInt64, "high": pl.UInt64}
FRAME = pl.DataFrame({"low": [1, 2], "high": [1, 9], "name": ["a", "b"]}, schema_overrides=ENDS)
TABLE = Intervals.from_frame(FRAME)


def is_table(got: Intervals) -> bool:
    return got.payload.select(got.low, got.high, "name").equals(FRAME)


class Builder:
    """Counts how often it builds."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Intervals:
        self.calls += 1
        return TABLE


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARDSCREEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(kept, "_warned", False)
    return tmp_path


def test_a_table_is_built_once_and_read_back(cache: Path) -> None:
    builder = Builder()
    assert is_table(shelf.fetch("plan", SCHEMA, builder))
    assert is_table(shelf.fetch("plan", SCHEMA, builder))
    assert builder.calls == 1
    assert [path.suffix for path in shelf.folder().glob("plan.*.parquet")] == [".parquet"]
    assert shelf.folder().is_relative_to(cache)
    assert phonenumbers.__version__ in shelf.folder().name


@pytest.mark.parametrize("damage", [b"", b"PAR1 is not enough", None], ids=["empty", "garbage", "one-bit"])
def test_a_damaged_table_is_built_again(cache: Path, damage: bytes | None) -> None:
    builder = Builder()
    shelf.fetch("CN", SCHEMA, builder)
    (path,) = shelf.folder().glob("CN.*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content) if damage is None else damage)
    assert is_table(shelf.fetch("CN", SCHEMA, builder))
    assert builder.calls == 2
    assert is_table(shelf.fetch("CN", SCHEMA, builder))
    assert builder.calls == 2


def test_a_table_of_another_shape_is_built_again(cache: Path) -> None:
    shelf.fetch("CN", {"other": pl.Int64}, lambda: Intervals(FRAME["low"], FRAME["high"], FRAME.select(other="low")))
    assert is_table(shelf.fetch("CN", SCHEMA, Builder()))


def test_a_cache_that_cannot_be_written_is_told_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (cache / "file").write_text("in the way")
    monkeypatch.setenv("CARDSCREEN_CACHE_DIR", str(cache / "file"))
    with pytest.warns(RuntimeWarning, match="CARDSCREEN_CACHE_DIR"):
        assert is_table(shelf.fetch("CN", SCHEMA, Builder()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert is_table(shelf.fetch("US", SCHEMA, Builder()))
    assert shelf.state()["writable"] is False


def test_a_full_disk_costs_only_the_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    builder = Builder()
    with pytest.warns(RuntimeWarning, match="built in memory"):
        assert is_table(shelf.fetch("CN", SCHEMA, builder))
    assert builder.calls == 1
    assert not list(shelf.folder().glob("*.part"))


def test_report_tells_what_warm_has_built(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def table(payload: Any, cells: int) -> Intervals:
        return Intervals.from_frame(pl.DataFrame(schema=ENDS | payload).clear(cells))

    monkeypatch.setattr(plan, "build", lambda: table(plan.PLAN, 0))
    monkeypatch.setattr(routes, "build", lambda region: table(routes.ROUTES, 3 if region else 1))
    built = upkeep.warm(["CN", "US"])
    assert built == {"plan": 0, "plus": 1, "CN": 3, "US": 3}
    told = upkeep.report()
    assert told["cells"] == built
    assert told["phonenumbers"] == phonenumbers.__version__
    assert told["writable"] is True


def test_routes_are_sorted_and_disjoint() -> None:
    table = routes.build("GB")
    assert (table.low <= table.high).all()
    assert (table.low.shift(-1) > table.high).drop_nulls().all()


def test_small_letters_are_no_region_of_a_table() -> None:
    told = lookup.tell(pl.Series(["13800138000"]), "cn")
    assert len(told.rows) == 1


@pytest.mark.parametrize("collects", [True, False])
def test_building_leaves_the_garbage_collector_as_it_was(cache: Path, collects: bool) -> None:
    def fail() -> Intervals:
        assert not gc.isenabled()
        raise ZeroDivisionError

    (gc.enable if collects else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError):
            shelf.fetch("CN", SCHEMA, fail)
        assert gc.isenabled() == collects
    finally:
        gc.enable()
