"""Days as ISO 8601 writes them are read by a loop as the engine reads them."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cardscreen.foundation.lookup.iso_days import iso_days
from cardscreen.tables.dates import read_days, to_date

_PARTS = st.tuples(st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32), st.sampled_from("-/. "))


def test_each_day_of_four_centuries_is_itself() -> None:
    days = pl.date_range(date(1, 1, 1), date(400, 12, 31), eager=True)
    days = days.append(pl.date_range(date(1899, 12, 1), date(2401, 3, 2), eager=True))
    assert iso_days(days.dt.to_string("%Y-%m-%d")).equals(days)


@given(st.lists(_PARTS.map(lambda parts: "{0:04}-{1:02}{3}{2:02}".format(*parts)), min_size=1))
@example(["1900-02-29", "2000-02-29", "2026-04-31", "0000-01-01", "9999-12-31"])
def test_what_is_no_day_for_the_engine_is_none(texts: list[str]) -> None:
    cells = pl.Series(texts)
    known = cells.str.to_date("%Y-%m-%d", strict=False)
    assert iso_days(cells).equals(known.set(known.dt.year() < 1, None))


@given(st.lists(st.one_of(st.none(), st.text("0123456789-T:é ", max_size=21)), min_size=1))
@example([" 2026-01-10", "2026-01-10T08:00", "2026-01-10 ", "٢٠26-01-10", "", "2026-01-1"])
def test_only_ten_characters_are_a_day(texts: list[str | None]) -> None:
    read = iso_days(pl.Series(texts, dtype=pl.String))
    for text, day in zip(texts, read, strict=True):
        assert day is None or text == day.isoformat()


@pytest.mark.parametrize("reads", [to_date, read_days])
def test_days_among_others_keep_their_places(reads: object) -> None:
    begin = date(2026, 1, 1)
    plain = [(begin + timedelta(days=at)).isoformat() for at in range(6)]
    cells = [plain[0], " " + plain[1], None, plain[2] + " 08:00:00", "n/a", *plain[3:]]
    read = pl.DataFrame({"day": cells}).select(reads(pl.col("day"), pl.String())).to_series()  # type: ignore[operator]
    meant = [0, 1, None, 2, None, 3, 4, 5]
    assert read.to_list() == [None if at is None else begin + timedelta(days=at) for at in meant]
