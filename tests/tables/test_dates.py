"""The day of an instant is that by the clock of the zone at hand, however the instant is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardscreen.tables.dates import is_bad_date, read_days, read_instants, to_date

ZONES = ("Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "UTC")
INSTANTS = st.datetimes(datetime(1971, 1, 1), datetime(2099, 1, 1)).map(lambda each: each.replace(tzinfo=UTC))
#: How far from UTC the one who wrote was, in minutes.
AHEAD = st.sampled_from([0, 60, -300, 345, 480, -210, 840])
#: Ways in which an instant is written: with seconds, or not.
FORMS = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M:%S %z", "%Y-%m-%dT%H:%M:%S.%f%z", "%Y-%m-%d %H:%M%z")
UTCS = ("Z", "z", " UTC", "+00", "+00:00", "-0000", "Z[UTC]")


def day_of(text: str, reads: Any = to_date, zone: str | None = "Asia/Shanghai", form: str | None = None) -> Any:
    return pl.DataFrame({"day": [text]}).select(reads(pl.col("day"), pl.String(), form, zone)).item()


@given(st.lists(st.tuples(INSTANTS, AHEAD, st.sampled_from(FORMS)), min_size=1), st.sampled_from(ZONES))
@pytest.mark.parametrize("reads", [to_date, read_days])
def test_text_has_the_day_that_datetimes_and_the_calendar_have(
    reads: Any, cells: list[tuple[datetime, int, str]], zone: str
) -> None:
    written = [instant.astimezone(timezone(timedelta(minutes=ahead))).strftime(form) for instant, ahead, form in cells]
    instants = pl.Series([instant for instant, _, _ in cells], dtype=pl.Datetime("us", "UTC"))
    frame = pl.DataFrame({"text": written, "typed": instants})
    text, typed = (
        frame.select(reads(pl.col(name), frame.schema[name], zone=zone)).to_series().to_list() for name in frame.columns
    )
    assert text == typed == [instant.astimezone(ZoneInfo(zone)).date() for instant, _, _ in cells]


@pytest.mark.parametrize("utc", UTCS)
@pytest.mark.parametrize("time", ["T20:00", " 20:00:00", "T20:00:00.123456", " 20:00:00,5"])
def test_each_way_to_say_utc_is_understood(time: str, utc: str) -> None:
    assert day_of(f"2025-06-01{time}{utc}") == day_of(f" 2025-06-01{time}{utc} ") == date(2025, 6, 2)


@pytest.mark.parametrize("text", ["2025-06-01", "2025-06-01T20:00:00", "2025-06-01 20:00", " 2025-06-01 23:59:59.9 "])
@pytest.mark.parametrize("reads", [to_date, read_days])
def test_text_that_says_no_zone_is_of_the_day_that_it_names(text: str, reads: Any) -> None:
    assert day_of(text, reads) == day_of(text, reads, None) == date(2025, 6, 1)


def test_where_no_zone_is_at_hand_the_day_is_the_one_that_is_written() -> None:
    assert day_of("2025-06-01T20:00:00Z", zone=None) == date(2025, 6, 1)
    assert day_of("2025-06-02T04:00:00+08:00", zone=None) == date(2025, 6, 2)


def test_instants_in_other_ways_of_writing_days_are_of_the_zone_too() -> None:
    assert day_of("2025/6/1 20:00 Z", read_days) == date(2025, 6, 2)
    assert day_of("2025年6月1日 20:00:00 +0100", read_days) == date(2025, 6, 2)
    form = "%d/%m/%Y %H:%M:%S %z"
    assert day_of("01/06/2025 20:00:00 +0000", form=form) == date(2025, 6, 2)
    assert day_of("2025-06-01T20:00:00Z", form=form) == date(2025, 6, 2)
    assert day_of("01/06/2025 20:00:00 +0000", zone=None, form=form) == date(2025, 6, 1)


def test_what_is_no_day_does_not_become_one_by_its_offset() -> None:
    cells = pl.DataFrame({"day": ["2025-02-30T20:00:00Z", "20:00:00Z", "1900-01-01T00:00:00Z", "n/a:00Z"]})
    for reads in (to_date, read_days):
        assert cells.select(reads(pl.col("day"), pl.String(), zone="Asia/Shanghai")).to_series().null_count() == 4
    assert cells.select(is_bad_date(pl.col("day"), pl.String(), zone="Asia/Shanghai")).to_series().all()


def test_instants_in_a_query_that_streams_keep_their_places() -> None:
    cells = ["2025-06-01", "2025-06-01T20:00:00Z", None, "2025-06-01T15:59:59Z", "2025-06-01 20:00+00", "x"] * 1_000
    read = pl.LazyFrame({"day": cells}).select(to_date(pl.col("day"), pl.String(), zone="Asia/Shanghai"))
    days = [1, 2, None, 1, 2, None] * 1_000
    expected = [day and date(2025, 6, day) for day in days]
    assert read.collect(engine="streaming")["day"].to_list() == expected


def test_the_time_of_a_day_is_by_the_clock_of_the_zone() -> None:
    instant = datetime(2025, 6, 1, 20, 0, 1, tzinfo=UTC)
    cells = ["2025-06-01T20:00:01Z", "2025/6/1 21:00:01 +0100", "2025-06-02 04:00:01", "x 04:00Z", "2025-06-02"]
    frame = pl.DataFrame({"text": cells, "typed": [instant] * 5, "day": [date(2025, 6, 2)] * 5})
    text, typed, day = (
        frame.select(read_instants(pl.col(name), frame.schema[name], None, "Asia/Shanghai")).to_series().to_list()
        for name in frame.columns
    )
    local = datetime(2025, 6, 2, 4, 0, 1)
    assert text == [local, local, local, None, datetime(2025, 6, 2)]
    assert typed == [local] * 5
    assert day == [datetime(2025, 6, 2)] * 5
