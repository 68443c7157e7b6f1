"""Whose today it is: the source's, or else that of the machine, and never one that is guessed in silence."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from importlib import resources
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import Done, cardscreen

from cardscreen.foundation import zones
from cardscreen.foundation.errors import ConfigError
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.rows import read_feed
from cardscreen.lists.store.table import Store

FEED = 'source = "police"\nkind = "phone"\nregion = "CN"\n{top}\n[columns]\nvalue = "number"\nlisted_on = "day"\n'


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets the clock, by which it is some instant in UTC, and TZ."""

    def set_to(instant: str, zone: str | None = None) -> None:
        class Clock(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return datetime.fromisoformat(instant).replace(tzinfo=UTC).astimezone(tz)

        monkeypatch.setattr("cardscreen.lists.feeds.feed.datetime", Clock)
        monkeypatch.setenv("TZ", zone) if zone is not None else monkeypatch.delenv("TZ", raising=False)

    return set_to


def take(folder: Path, day: str, top: str = "", *more: object) -> Done:
    (folder / "feed.toml").write_text(FEED.format(top=top))
    (folder / "list.csv").write_text(f"number,day\n13800138000,{day}\n")
    return cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", *more, cwd=folder)


@pytest.mark.parametrize(
    ("zone", "instant", "day"),
    [
        ("Asia/Shanghai", "2026-03-01T15:59", "2026-03-01"),
        ("Asia/Shanghai", "2026-03-01T16:00", "2026-03-02"),
        (":Asia/Shanghai", "2026-03-01T16:00", "2026-03-02"),
        # Clocks go forward on 2026-03-08, and back on 2026-11-01.
        ("America/New_York", "2026-03-08T04:59", "2026-03-07"),
        ("America/New_York", "2026-03-08T05:00", "2026-03-08"),
        ("America/New_York", "2026-03-09T03:59", "2026-03-08"),
        ("America/New_York", "2026-03-09T04:00", "2026-03-09"),
        ("America/New_York", "2026-11-01T03:59", "2026-10-31"),
        ("America/New_York", "2026-11-01T04:00", "2026-11-01"),
        ("America/New_York", "2026-11-02T04:59", "2026-11-01"),
        ("America/New_York", "2026-11-02T05:00", "2026-11-02"),
    ],
)
def test_today_is_the_day_in_the_time_zone_of_the_machine(
    tmp_path: Path, at: Callable[..., None], zone: str, instant: str, day: str
) -> None:
    at(instant, zone)
    done = take(tmp_path, day)
    assert done.code == 0, done.err
    assert str(Store(tmp_path / "lists").at().record.origins["police"].confirmed_on) == day
    assert Store(tmp_path / "lists").blocklist().listings["listed_on"].to_list() == [date.fromisoformat(day)]


def test_a_feed_that_names_its_time_zone_has_the_same_today_everywhere(at: Callable[..., None]) -> None:
    feed = Feed(source="s", kind="phone", region="CN", timezone="Asia/Shanghai", columns={"value": "v"})
    for zone in ("America/New_York", "Asia/Tokyo", "Nowhere/Land"):
        at("2026-03-01T16:00", zone)
        assert feed.today() == date(2026, 3, 2)


def test_days_to_come_are_told_with_the_zone_whose_today_it_is(tmp_path: Path, at: Callable[..., None]) -> None:
    at("2026-03-01T15:59", "Asia/Shanghai")
    told = "listed after 2026-03-01, the day of the data (today in Asia/Shanghai, as TZ says): line 2"
    assert f"future: {told}\n" in take(tmp_path, "2026-03-02").err
    named = take(tmp_path, "2026-03-02", 'timezone = "Europe/London"', "--as-of", "2026-03-02").err
    assert "future: the day of the data, 2026-03-02, is not here yet: it is 2026-03-01 in Europe/London\n" in named


def test_a_tz_that_is_no_time_zone_is_told_with_the_near_one(tmp_path: Path, at: Callable[..., None]) -> None:
    at("2026-03-01T16:00", "Asia/Shangai")
    done = take(tmp_path, "2026-03-01")
    assert done.code == 2
    assert "the environment's TZ is 'Asia/Shangai', which is no time zone (did you mean 'Asia/Shanghai'?)" in done.err
    assert not (tmp_path / "lists").exists()
    assert take(tmp_path, "2026-03-01", 'timezone = "Asia/Shanghai"').code == 0


@pytest.mark.parametrize("name", ["/nowhere", "../../etc/passwd", "Asia", "8", "CST-8 or so"])
def test_other_words_are_no_time_zone_either(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    with pytest.raises(ConfigError, match="is no time zone"):
        zones.local_zone()


def test_a_rule_in_tz_is_followed_as_the_system_does(
    tmp_path: Path, at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-03-01T16:00", "CST-8")
    time.tzset()
    try:
        assert take(tmp_path, "2026-03-02").code == 0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_without_tz_the_machines_file_says_the_zone(
    tmp_path: Path, at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-03-01T16:00")
    monkeypatch.setattr(zones, "_LOCALTIME", tmp_path / "localtime")
    zone = tmp_path / "zoneinfo/Asia/Shanghai"
    zone.parent.mkdir(parents=True)
    zone.write_bytes(resources.files("tzdata.zoneinfo.Asia").joinpath("Shanghai").read_bytes())
    (tmp_path / "localtime").symlink_to(zone)
    assert zones.local_zone().words == "Asia/Shanghai, the time zone of this machine"
    assert take(tmp_path, "2026-03-02").code == 0
    (tmp_path / "localtime").unlink()
    zone.rename(tmp_path / "localtime")
    assert zones.local_zone().words == f"{tmp_path}/localtime, the time zone of this machine"
    assert "(today in" in take(tmp_path, "2026-03-03").err


def test_a_machine_without_a_time_zone_has_the_day_of_its_clock_and_that_is_told(
    tmp_path: Path, at: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    at("2026-03-01T16:00")
    monkeypatch.setattr(zones, "_LOCALTIME", tmp_path / "nothing")
    told: dict[str, Any] = json.loads(take(tmp_path, "2026-03-01", "", "--json").out)
    assert [note.partition(": ")[2] for note in told["notes"]] == ["name the feed's timezone"]
    assert "which names no time zone" in told["notes"][0]
    assert json.loads(take(tmp_path, "2026-03-01", "", "--json", "--as-of", "2026-03-01").out)["notes"] == []


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_an_instant_in_utc_is_a_day_by_the_clock_of_the_jobs_or_feeds_zone(tmp_path: Path, ending: str) -> None:
    midnight = datetime(2026, 1, 10, 16, tzinfo=UTC)  # 11 January in Shanghai
    numbers = pl.DataFrame({"account_id": [1], "number": ["13800138000"], "day": [midnight]})
    if ending == "parquet":
        numbers.write_parquet(tmp_path / "accounts.parquet")
    else:
        numbers.with_columns(day=pl.lit("2026-01-10T16:00:00Z")).write_csv(tmp_path / "accounts.csv")
    listed = pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"], "source": ["police"], "severity": [95]})
    listed.with_columns(listed_on=date(2026, 1, 10)).write_parquet(tmp_path / "lists.parquet")
    job = f"""
        timezone = "Asia/Shanghai"
        [accounts]
        path = "accounts.{ending}"
        [identifiers]
        number = {{ kind = "phone", region = "CN", holder_since = "day" }}
        [blocklist]
        paths = ["lists.parquet"]
        [limits]
        first_run = "publish"
        flagged_share = 1
        source_share = 1
        new_suspend = 1
    """
    (tmp_path / "job.toml").write_text("\n".join(line.strip() for line in job.splitlines()))
    done = cardscreen("run", "job.toml", "--as-of", "2026-01-20", cwd=tmp_path)
    assert done.code == 0, done.err
    flagged = pl.read_parquet(tmp_path / "runs/latest/flagged.parquet")
    assert flagged["action"].to_list() == ["verify"]
    feed = Feed(
        source="police",
        kind="phone",
        region="CN",
        timezone="Asia/Shanghai",
        columns={"value": "number", "listed_on": "day"},
    )
    assert read_feed(tmp_path / f"accounts.{ending}", feed).rows["listed_on"].to_list() == [date(2026, 1, 11)]
