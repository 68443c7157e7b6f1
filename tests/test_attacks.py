"""What is read is what was written: bits that rot, files that are swapped, records that are rewritten."""

from __future__ import annotations

import hashlib
import json
import os
import random
import warnings
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from commands import cardscreen
from small_store import live, take
from tampering import as_of_old, commits, outcomes, rewrite_commit

import cardscreen as cs
from cardscreen.foundation import cache
from cardscreen.lists.store import files as store_files
from cardscreen.lists.store.edits import rollback
from cardscreen.lists.store.table import Store

NIGHTS = 12  # imports: so many that the engine keeps a checkpoint of its log


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """A store with two sources and a past."""
    for night in range(NIGHTS):
        take(tmp_path, [night, night + 1], source=("bank", "police")[night % 2])
    return tmp_path / "lists"


def known(place: Path) -> Any:
    store = Store(place)
    return store.listings().collect().sort("listing_id").rows(), store.at().record


def test_a_bit_flipped_anywhere_in_a_store_is_refused_or_harmless(lists: Path, tmp_path: Path) -> None:
    files = [file for file in lists.rglob("*") if file.is_file() and file.name != ".lock"]
    told = outcomes(lists, files, known, tmp_path / "copy", random.Random(18), 60)
    assert told.keys() == {"refused", "same"}


def test_a_bit_flipped_in_a_file_that_is_in_force_is_always_refused(lists: Path, tmp_path: Path) -> None:
    files = [lists / name for name in store_files.by_name(Store(lists).at().record.files or {})]
    told = outcomes(lists, files, known, tmp_path / "copy", random.Random(18), 30)
    assert told.keys() == {"refused"}


def test_a_file_that_is_not_as_written_is_named_with_the_way_back(lists: Path, tmp_path: Path) -> None:
    (name,) = (Store(lists).at().record.files or {})["police"]
    file = lists / name
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(cs.BlocklistError, match=rf"{name} in the store .* version 11 .* cardscreen list rollback 10$"):
        live(tmp_path)
    done = cardscreen("list", "show", "--store", lists, "--source", "police", "--rows", cwd=tmp_path)
    assert (done.code, "Traceback" in done.err) == (3, False)
    rollback(Store(lists), 10, "A. Li", "the disk")
    assert live(tmp_path) == live(tmp_path, version=10)


def test_a_source_swapped_for_an_older_file_of_its_own_is_refused(lists: Path, tmp_path: Path) -> None:
    before, now = (Store(lists).at(version).record.files or {} for version in (9, 11))
    (older,), (newer,) = before["police"], now["police"]
    (lists / newer).write_bytes((lists / older).read_bytes())
    with pytest.raises(cs.BlocklistError, match=newer):
        live(tmp_path)


@pytest.mark.parametrize("said", ["cardscreen", "cardscreen_sha256"])
def test_a_record_that_was_reworded_is_refused(said: str, lists: Path, tmp_path: Path) -> None:
    def reword(commit: dict[str, Any]) -> None:
        commit[said] = commit[said].replace("1", "2", 1)

    rewrite_commit(commits(lists)[-1], reword)
    with pytest.raises(cs.BlocklistError, match="the record of version 11 .* put back the store's folder _delta_log"):
        live(tmp_path)


@pytest.mark.parametrize("forgotten", [["cardscreen"], ["cardscreen_sha256"]])
def test_a_record_that_lost_a_part_is_not_taken_for_another_programs(
    forgotten: list[str], lists: Path, tmp_path: Path
) -> None:
    rewrite_commit(commits(lists)[-1], lambda commit: [commit.pop(name) for name in forgotten])
    with pytest.raises(cs.BlocklistError, match="the record of version 11"):
        live(tmp_path)


def test_the_files_of_a_store_are_read_for_their_digests_once(lists: Path, tmp_path: Path) -> None:
    live(tmp_path)
    with mock.patch.object(store_files, "digests_of", side_effect=AssertionError):
        assert len(live(tmp_path)) == 4
        (name,) = (Store(lists).at().record.files or {})["bank"]
        (lists / name).touch()
        with pytest.raises(AssertionError):
            live(tmp_path)


def test_a_store_of_an_earlier_release_is_read_with_a_warning_and_upgraded(lists: Path, tmp_path: Path) -> None:
    wanted = live(tmp_path)
    as_of_old(lists)
    with pytest.warns(UserWarning, match="written by an earlier release .* cardscreen upgrade"):
        assert live(tmp_path) == wanted
    done = cardscreen("upgrade", lists, cwd=tmp_path)
    assert (done.code, "version 12" in done.err) == (0, True)
    assert live(tmp_path) == wanted
    assert Store(lists).changed_files(12) == []
    assert "nothing to upgrade" in cardscreen("upgrade", lists, cwd=tmp_path).err
    assert json.loads(cardscreen("list", "history", "--store", lists, "--json", cwd=tmp_path).out.splitlines()[0])


def test_an_import_into_a_store_of_an_earlier_release_writes_the_digests(lists: Path, tmp_path: Path) -> None:
    as_of_old(lists)
    with pytest.warns(UserWarning, match="earlier release"):
        take(tmp_path, [1, 2, 3])
    assert {source: len(files) for source, files in (Store(lists).at().record.files or {}).items()} == {
        "bank": 1,
        "police": 1,
    }
    assert live(tmp_path, version=12) == ["01", "02", "03", "10", "11"]


# The cache


def _plant(place: Path, content: bytes) -> Path:
    """A content in the cache under its own digest, as whoever can write there could put it."""
    for file in place.rglob("*.parquet"):
        file.unlink()
    place.mkdir(parents=True, exist_ok=True)
    file = place / f"x.{hashlib.sha256(content).hexdigest()}.parquet"
    file.write_bytes(content)
    file.chmod(0o600)
    return file


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CARDSCREEN_CACHE_DIR", str(tmp_path / "cache"))
    cache.save(cache.folder("lists"), "x", b"its own")
    return cache.folder("lists")


def test_the_cache_is_the_users_alone(place: Path) -> None:
    assert [content for content, _ in cache.load(place, "x")] == [b"its own"]
    modes = {path.stat().st_mode & 0o777 for path in (place, place.parent)}
    assert (modes, {file.stat().st_mode & 0o777 for file in place.iterdir()}) == ({0o700}, {0o600})


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
@pytest.mark.parametrize("which", ["root", "folder"])
def test_a_cache_that_others_can_write_to_is_passed_over_with_a_warning(place: Path, which: str, mode: int) -> None:
    (place.parent if which == "root" else place).chmod(mode)
    with pytest.warns(UserWarning, match="is passed over, since others can write to"):
        assert list(cache.load(place, "x")) == []
    with pytest.warns(UserWarning, match="is passed over"):
        cache.save(place, "y", b"more")
    assert len(list(place.iterdir())) == 1


def test_a_file_in_the_cache_that_others_can_write_to_is_passed_over(place: Path) -> None:
    _plant(place, b"another").chmod(0o666)
    assert list(cache.load(place, "x")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_strangers_file_and_folder_in_the_cache_are_passed_over(place: Path) -> None:
    os.chown(_plant(place, b"another"), 12345, 12345)
    assert list(cache.load(place, "x")) == []
    os.chown(place, 12345, 12345)
    with pytest.warns(UserWarning, match="somebody else's"):
        assert list(cache.load(place, "x")) == []


def test_what_is_no_file_in_the_cache_is_passed_over(place: Path, tmp_path: Path) -> None:
    file = _plant(place, b"another")
    file.unlink()
    file.mkdir()
    assert list(cache.load(place, "x")) == []


def test_listings_are_compiled_where_the_cache_is_a_strangers(lists: Path, tmp_path: Path, place: Path) -> None:
    wanted = live(tmp_path)
    place.parent.chmod(0o777)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert live(tmp_path) == wanted
        accounts = pl.DataFrame({"account_id": [1], "mobile": ["138 0013 8011"]})
        found = cs.screen(accounts, Store(lists).blocklist(), {"mobile": cs.Phone("CN")}, as_of=date(2026, 3, 1))
    assert sorted(found.hits.collect()["source"]) == ["bank", "police"]
