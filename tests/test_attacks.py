"""What is read is what was written: bits that rot, files that are swapped, records that are rewritten."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from attacks import as_of_old, commits, outcomes, rewrite_commit
from commands import cardscreen
from test_store import live, take

import cardscreen as cs
from cardscreen import store_files
from cardscreen.edits import rollback
from cardscreen.store import Store

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
