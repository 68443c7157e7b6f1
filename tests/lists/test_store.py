"""The store: versions, what was known when, undoing, concurrent and killed imports."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen
from held import held_on
from small_store import DAY, feed, live, take

import cardscreen as cs
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.lists.feeds.importing import import_file
from cardscreen.lists.store import views
from cardscreen.lists.store.records import Record
from cardscreen.lists.store.table import Store
from cardscreen.review.decisions.vacuum import remove_unneeded


def test_versions_are_numbered_and_each_can_be_read_again(tmp_path: Path) -> None:
    assert take(tmp_path, [1, 2]) == 0
    assert take(tmp_path, [2, 3]) == 1
    assert (live(tmp_path, version=0), live(tmp_path, version=1), live(tmp_path)) == (
        ["01", "02"],
        ["02", "03"],
        ["02", "03"],
    )


def test_what_was_known_at_an_instant_is_what_had_been_imported_by_then(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    take(tmp_path, [1])
    between = datetime.now(UTC)
    take(tmp_path, [2])
    assert live(tmp_path, known_at=between) == ["01"]
    assert live(tmp_path, known_at=datetime.now(UTC)) == ["02"]
    assert live(tmp_path, known_at=between.replace(tzinfo=None)) == ["01"]  # without a zone: UTC
    with pytest.raises(InputError, match="did not exist yet"):
        live(tmp_path, known_at=before - timedelta(seconds=1))


def test_the_day_asked_about_and_what_was_known_are_two_questions(tmp_path: Path) -> None:
    take(tmp_path, [1])
    take(tmp_path, [2], day=DAY + timedelta(days=10))
    blocklist = Store(tmp_path / "lists").blocklist()
    values = [held_on(blocklist, DAY + timedelta(days=later))["value"].to_list() for later in (9, 10)]
    assert values == [["+8613800138001"], ["+8613800138002"]]


def test_an_unknown_version_is_refused_with_the_newest(tmp_path: Path) -> None:
    take(tmp_path, [1])
    with pytest.raises(ConfigError, match="no version 7: the newest is 0"):
        Store(tmp_path / "lists").blocklist(version=7)
    with pytest.raises(ConfigError, match="not both"):
        Store(tmp_path / "lists").blocklist(version=0, known_at=datetime.now(UTC))


def test_a_store_that_is_not_there_is_named_with_the_near_one(tmp_path: Path) -> None:
    take(tmp_path, [1])
    with pytest.raises(InputError, match="did you mean 'lists'"):
        Store(tmp_path / "list").blocklist()


def test_a_clock_that_was_set_back_does_not_undo_the_order_of_versions(tmp_path: Path) -> None:
    take(tmp_path, [1])
    store = Store(tmp_path / "lists")
    ahead = Record(instant=datetime.now(UTC) + timedelta(days=3), action="import", origins=store.at().record.origins)
    store.note(0, ahead)
    take(tmp_path, [2])
    instants = [each.record.instant for each in store.history()]
    assert instants == sorted(instants, reverse=True)
    assert live(tmp_path, known_at=instants[0]) == ["02"]


def test_a_rollback_makes_an_earlier_version_current_and_keeps_all(tmp_path: Path) -> None:
    take(tmp_path, [1, 2])
    take(tmp_path, [9])
    done = cardscreen(
        "list", "rollback", 0, "--store", "lists", "--by", "A. Li", "--reason", "wrong file", cwd=tmp_path
    )
    assert done.code == 0, done.err
    assert live(tmp_path) == ["01", "02"]
    assert live(tmp_path, version=1) == ["09"]
    record = Store(tmp_path / "lists").at().record
    assert (record.action, record.by, record.reason, record.details["to"]) == ("rollback", "A. Li", "wrong file", 0)
    assert take(tmp_path, [1, 2, 3]) == 3


def test_two_versions_are_compared_by_count_and_row(tmp_path: Path) -> None:
    take(tmp_path, [1, 2])
    take(tmp_path, [2, 3], severity=90)
    store = Store(tmp_path / "lists")
    found = views.difference(store, 0, 1, DAY)
    told = {value[-2:]: (change, what) for change, what, value in found.select("change", "what", "value").rows()}
    assert told == {"01": ("ended", None), "02": ("changed", "severity: 50 → 90"), "03": ("added", None)}
    done = cardscreen(
        "list", "diff", 0, 1, "--store", "lists", "--as-of", DAY, "--out", "d.csv", "--json", cwd=tmp_path
    )
    assert [row["listings"] for row in json.loads(done.out)] == [1, 1, 1]
    assert pl.read_csv(tmp_path / "d.csv").height == 3


def test_listings_ended_by_hand_stay_ended_when_the_next_file_names_them(tmp_path: Path) -> None:
    take(tmp_path, [1, 2])
    done = cardscreen(
        *("list", "expire", "--store", "lists", "--source", "police", "--reference", "C1", "--as-of", DAY),
        *("--by", "A. Li", "--reason", "case closed"),
        cwd=tmp_path,
    )
    assert (done.code, done.err) == (0, "listings ended: 1\n")
    take(tmp_path, [1, 2, 3])
    assert live(tmp_path) == ["02", "03"]


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        (["--source", "police", "--by", "A", "--reason", "r"], 2, "say which listings to end"),
        (["--source", "polce", "--reference", "C1", "--by", "A", "--reason", "r"], 2, "did you mean 'police'"),
        (["--source", "police", "--reference", "C9", "--by", "A", "--reason", "r"], 3, "no listings in force"),
        (["--source", "police", "--reference", "C1", "--by", " ", "--reason", "r"], 2, "say who decides"),
    ],
    ids=["nothing-named", "unknown-source", "no-such-case", "nobody-decides"],
)
def test_ending_by_hand_asks_for_what_it_needs(tmp_path: Path, more: list[str], code: int, words: str) -> None:
    take(tmp_path, [1])
    done = cardscreen("list", "expire", "--store", "lists", "--as-of", DAY, *more, cwd=tmp_path)
    assert done.code == code
    assert words in done.err
    assert live(tmp_path) == ["01"]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_export_is_a_blocklist_again(tmp_path: Path, form: str) -> None:
    take(tmp_path, [1, 2])
    take(tmp_path, [7], "bank")
    out = tmp_path / f"out.{form}"
    done = cardscreen(
        "list",
        "export",
        "--store",
        "lists",
        "--source",
        "police",
        "--out",
        out,
        "--force",
        "--as-of",
        DAY,
        cwd=tmp_path,
    )
    assert done.code == 0, done.err
    frame = pl.read_csv(out, infer_schema=False) if form == "csv" else pl.read_parquet(out)
    again = cs.Blocklist.from_frame(frame)
    assert sorted(again.listings["value"]) == ["+8613800138001", "+8613800138002"]


def test_listings_are_written_without_categories(tmp_path: Path) -> None:
    take(tmp_path, [1])
    take(tmp_path, [1, 2])
    for command in (("export",), ("diff", "0", "1")):
        out = tmp_path / f"{command[0]}.parquet"
        done = cardscreen("list", *command, "--store", "lists", "--out", out, "--as-of", DAY, cwd=tmp_path)
        assert done.code == 0, done.err
        dtypes = pl.read_parquet_schema(out)
        assert {dtypes[name] for name in ("match", "list")} == {pl.String}


def test_card_numbers_are_exported_masked_as_tokens_or_plain_as_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cards.csv").write_text("number,case\n6222021234561234,C1\n")
    import_file(
        tmp_path / "cards.csv", feed("bank", kind="card", region=None, store_as="plain"), Store(tmp_path / "lists")
    )
    monkeypatch.setenv("K", "k" * 40)

    def exported(*how: str) -> str:
        done = cardscreen("list", "export", "--store", "lists", "--out", "x.csv", "--force", *how, cwd=tmp_path)
        assert done.code == 0, done.err
        return str(pl.read_csv(tmp_path / "x.csv", infer_schema=False)["value"].item())

    assert exported() == "622202******1234"
    assert exported("--as", "plain") == "6222021234561234"
    assert exported("--as", "token", "--key-env", "K").startswith(cs.TokenKey("k" * 40).id)
    assert cardscreen("list", "export", "--store", "lists", "--out", "x.csv", "--as", "token", cwd=tmp_path).code == 2
    done = cardscreen("list", "export", "--store", "lists", "--out", "nowhere/x.csv", cwd=tmp_path)
    assert (done.code, done.err) == (3, "cardscreen: nowhere/x.csv can't be written: there is no folder nowhere\n")


def test_the_overview_tells_how_old_each_source_is(tmp_path: Path) -> None:
    take(tmp_path, [1, 2], terms={"warn_after_days": 2, "error_after_days": 5})
    take(tmp_path, [3], "bank", day=DAY + timedelta(days=4))
    told = views.overview(Store(tmp_path / "lists"), DAY + timedelta(days=4))
    assert told.select("source", "live", "confirmed_on", "age", "state").rows() == [
        ("bank", 1, DAY + timedelta(days=4), 0, "fresh"),
        ("police", 2, DAY, 4, "old"),
    ]
    assert views.overview(Store(tmp_path / "lists"), DAY + timedelta(days=6))["state"].to_list() == [
        "fresh",
        "stale",
    ]


def test_data_of_a_day_that_is_tomorrow_elsewhere_is_not_younger_than_nothing(tmp_path: Path) -> None:
    take(tmp_path, [1, 2])
    told = views.overview(Store(tmp_path / "lists"), DAY - timedelta(days=1))
    assert told.select("confirmed_on", "age").rows() == [(DAY, 0)]


def test_cleaning_up_keeps_the_versions_that_runs_refer_to(tmp_path: Path) -> None:
    for number in range(4):
        take(tmp_path, [number])
    store = Store(tmp_path / "lists")
    run = tmp_path / "runs/20260301T000000Z"
    run.mkdir(parents=True)
    (run / "manifest.json").write_text(json.dumps({"inputs": {"store": {**store.identity(1), "version": 1}}}))
    assert remove_unneeded(store, [tmp_path / "runs"], keep_days=0, dry_run=True) == 2
    assert remove_unneeded(store, [tmp_path / "runs"], keep_days=0) == 2
    assert remove_unneeded(store, [tmp_path / "runs"], keep_days=0) == 0  # what is gone does not count again
    assert (live(tmp_path, version=1), live(tmp_path)) == (["01"], ["03"])
    with pytest.raises(InputError):
        live(tmp_path, version=0)
    assert live(tmp_path, known_at=datetime.now(UTC)) == ["03"]
    take(tmp_path, [5])
    assert live(tmp_path) == ["05"]


def test_recent_versions_are_not_cleaned_up(tmp_path: Path) -> None:
    for number in range(3):
        take(tmp_path, [number])
    assert remove_unneeded(Store(tmp_path / "lists"), [], keep_days=1) == 0
    assert live(tmp_path, version=0) == ["00"]


CHILD = """
import sys
from pathlib import Path
from datetime import date
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.kinds.phone.kind import Phone
from cardscreen.lists.store.table import Store
import polars as pl
file, source, store = sys.argv[1:]
limits = {"shrink_share": 1.0, "grow_share": 1000.0}
feed = Feed(source=source, kind="phone", region="CN", columns={"value": "number"}, limits=limits)
pl.DataFrame({"x": ["13800138000"]}).select(Phone("CN").written(pl.col("x")))  # the tables, before the clock runs
print("ready", flush=True)
sys.stdin.readline()
import_file(file, feed, Store(store), as_of=date(2026, 3, 1))
"""


def child(folder: Path, file: Path, source: str) -> subprocess.Popen[str]:
    """A process that is ready to import, and begins when it is told to."""
    started = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(file), source, str(folder / "lists")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "ready\n"
    return started


def begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def numbers(folder: Path, name: str, first: int, count: int) -> Path:
    file = folder / name
    file.write_text("number\n" + "".join(f"{13800000000 + number}\n" for number in range(first, first + count)))
    return file


@pytest.mark.parametrize("sources", [("police", "bank"), ("police", "police")], ids=["two-sources", "one-source"])
def test_imports_at_the_same_time_both_land(tmp_path: Path, sources: tuple[str, str]) -> None:
    files = [numbers(tmp_path, f"{at}.csv", at * 30_000, 30_000) for at in range(2)]
    processes = [child(tmp_path, file, source) for file, source in zip(files, sources, strict=True)]
    for process in processes:
        begin(process)
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    history = list(Store(tmp_path / "lists").history())
    assert [each.number for each in history] == [1, 0]
    assert set(history[0].record.origins) == set(sources)
    values = held_on(Store(tmp_path / "lists").blocklist(), DAY)["value"]
    assert values.n_unique() == (60_000 if sources[0] != sources[1] else 30_000)


@pytest.mark.parametrize("seed", range(3))
def test_an_import_killed_at_any_moment_leaves_the_last_version_whole(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    count = 2_000
    take(tmp_path, [1])
    landed = 0
    for _ in range(6):
        count += 1_000
        process = child(tmp_path, numbers(tmp_path, "many.csv", 0, count), "killed")
        begin(process)
        time.sleep(chance.uniform(0, 0.25))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        store = Store(tmp_path / "lists")
        at = store.at()
        found = held_on(store.blocklist(), DAY)
        told = at.record.origins
        for source in told:
            assert found.filter(pl.col("source") == source).height == told[source].listings
        landed = max(landed, at.number)
    version = take(tmp_path, [4, 5], "police")
    assert version == landed + 1
    assert remove_unneeded(Store(tmp_path / "lists"), [], keep_days=0) >= 0
    assert held_on(Store(tmp_path / "lists").blocklist(), DAY).filter(pl.col("source") == "police").height == 2


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache directory of this test's own."""
    monkeypatch.setenv("CARDSCREEN_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache/lists"


def hits(folder: Path, day: date = DAY, **which: Any) -> list[str]:
    accounts = pl.DataFrame({"account_id": ["a", "b"], "mobile": ["138 0013 8001", "13800138002"]})
    blocklist = Store(folder / "lists").blocklist(**which)
    return cs.screen(accounts, blocklist, {"mobile": cs.Phone("CN")}, as_of=day).hits.collect()["account_id"].to_list()


def test_keys_are_made_once_for_each_version_and_found_again(tmp_path: Path, cache: Path) -> None:
    take(tmp_path, [1])
    assert hits(tmp_path) == ["a"]
    (file,) = cache.rglob("*.parquet")
    before = file.stat().st_mtime_ns
    assert hits(tmp_path) == ["a"]
    assert file.stat().st_mtime_ns == before
    take(tmp_path, [2])
    assert (hits(tmp_path), hits(tmp_path, version=0)) == (["b"], ["a"])
    assert len(list(cache.rglob("*.parquet"))) == 2


def test_damaged_keys_are_made_again(tmp_path: Path, cache: Path) -> None:
    take(tmp_path, [1])
    hits(tmp_path)
    (file,) = cache.rglob("*.parquet")
    content = file.read_bytes()
    file.write_bytes(content.replace(content[40:44], b"\0\0\0\0"))
    assert hits(tmp_path) == ["a"]
    assert file.read_bytes() == content


def test_keys_of_readable_card_numbers_are_not_kept(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "cards.csv").write_text("number,case\n6222021234561234,C1\n")
    how = feed("bank", kind="card", region=None, store_as="plain")
    import_file(tmp_path / "cards.csv", how, Store(tmp_path / "lists"), as_of=DAY)
    assert len(Store(tmp_path / "lists").blocklist().compiled) == 1
    assert not list(cache.rglob("*.parquet"))


def test_a_listing_that_ended_is_found_for_the_days_before(tmp_path: Path, cache: Path) -> None:
    take(tmp_path, [1])
    take(tmp_path, [2], day=DAY + timedelta(days=5))
    days = [hits(tmp_path, DAY + timedelta(days=later)) for later in (0, 4, 5)]
    assert days == [["a"], ["a"], ["b"]]


def test_a_store_may_be_a_url(tmp_path: Path) -> None:
    take(tmp_path, [1])
    url = f"file://{tmp_path}/lists"
    assert sorted(Store(url).blocklist().listings["value"]) == ["+8613800138001"]
    (tmp_path / "more.csv").write_text("number,case\n13800138002,C2\n")
    assert import_file(tmp_path / "more.csv", feed("bank"), Store(url), as_of=DAY).version == 1
    assert live(tmp_path) == ["01", "02"]


def test_a_store_at_a_url_is_made_by_the_first_import(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("number,case\n13800138002,C2\n")
    url = f"file://{tmp_path}/new/lists"
    assert import_file(tmp_path / "one.csv", feed(), Store(url), as_of=DAY).version == 0
    assert len(Store(url).blocklist()) == 1


@pytest.mark.parametrize("name", ["my lists", "名单", "a[1]"])
def test_a_store_may_lie_in_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "one.csv").write_text("number,case\n13800138001,C1\n")
    (tmp_path / "two.csv").write_text("number,case\n13800138001,C1\n13800138002,C2\n")
    store = Store(tmp_path / name)
    for file in ("one.csv", "two.csv"):
        import_file(tmp_path / file, feed(), store, as_of=DAY)
    assert len(store.blocklist()) == 2


def test_a_path_that_the_engine_would_misread_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be without"):
        Store(tmp_path / "a#b")


def test_cleaning_up_leaves_what_is_not_the_stores(tmp_path: Path) -> None:
    take(tmp_path, [1])
    take(tmp_path, [2])
    (tmp_path / "lists/notes.txt").write_text("mine")
    (tmp_path / f"lists/{'0' * 32}.parquet").write_text("left by a killed import")
    assert remove_unneeded(Store(tmp_path / "lists"), [], keep_days=0) == 2
    assert (tmp_path / "lists/notes.txt").exists()
    actions = views.past(Store(tmp_path / "lists"), 9)["action"].to_list()
    assert actions == ["vacuum", "import", "import"]


def test_cleaning_up_asks_where_the_runs_are(tmp_path: Path) -> None:
    take(tmp_path, [1])
    assert cardscreen("list", "vacuum", "--store", "lists", cwd=tmp_path).code == 2
    assert cardscreen("list", "vacuum", "--store", "lists", "--no-runs", cwd=tmp_path).code == 0


def test_known_at_takes_text_and_refuses_a_day(tmp_path: Path) -> None:
    take(tmp_path, [1])
    assert live(tmp_path, known_at="2999-01-01T00:00:00Z") == ["01"]
    with pytest.raises(ConfigError, match="give an instant"):
        live(tmp_path, known_at=DAY)
