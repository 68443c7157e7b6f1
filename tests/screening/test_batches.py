"""The screening of parts: what workers find, put together, is what one screening of all accounts finds."""

from __future__ import annotations

import itertools
import os
import stat
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import parts
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import CARRY, DAY, IDS, KEY, KINDS, Row, blocklist_of, frame_of, policy_of, worlds

import cardscreen as cs
from cardscreen.kinds.kind import Kind
from cardscreen.kinds.phone.numbering import shelf
from cardscreen.screening.question import versions
from cardscreen.screening.spark.work import _folder_in, _sent_folder
from cardscreen.screening.workers import batches
from cardscreen.screening.workers.bundle import Bundle, Opened


@pytest.fixture(scope="module", autouse=True)
def nothing_stays_lent() -> Iterator[None]:
    """Workers are processes of their own; here, what they are lent would be taken by other tests."""
    with mock.patch.dict(shelf._lent), mock.patch.dict(batches._OPEN):
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


def cut(accounts: pl.DataFrame, places: list[int]) -> list[pl.DataFrame]:
    """The accounts in parts; some may be empty."""
    ends = [0, *sorted(place % (len(accounts) + 1) for place in places), len(accounts)]
    return [accounts.slice(start, end - start) for start, end in itertools.pairwise(ends)]


@settings(max_examples=6)
@given(data=st.data())
def test_parts_of_any_accounts_give_what_the_whole_gives(folder: Path, data: st.DataObject) -> None:
    id_type, ids = IDS[data.draw(st.sampled_from(list(IDS)))]
    day, before = DAY - timedelta(days=1), None
    for _ in range(data.draw(st.integers(1, 2))):
        world = data.draw(worlds(ids))
        accounts = frame_of(world["accounts"], id_type)
        options: Row = {"carry": CARRY, "policy": policy_of(world, folder), "as_of": day, "tokens": KEY}
        listed = blocklist_of(world["listings"], world["terms"])
        expected = cs.screen(accounts, listed, KINDS, previous=before, **options)
        pieces = cut(accounts, data.draw(st.lists(st.integers(0, 20), max_size=3)))
        parts.assert_same(parts.screen(pieces, listed, KINDS, folder, previous=before, **options), expected)
        day, before = day + timedelta(days=1), expected


LISTED = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}))
ONE = pl.DataFrame({"account_id": ["a"], "mobile": ["13800138000"]})
MOBILE = {"mobile": cs.Phone("CN")}


def test_a_worker_with_other_software_is_refused(tmp_path: Path) -> None:
    other = {**versions(), "phonenumbers": "8.0.0"}
    told = rf"has phonenumbers {versions()['phonenumbers']} instead of 8\.0\.0: install the same on all machines"
    with mock.patch("parts.versions", return_value=other), pytest.raises(cs.ConfigError, match=told):
        parts.screen([ONE], LISTED, MOBILE, tmp_path)


@pytest.mark.parametrize("what", ["phone.arrays", "card.covering", "numbering.CN", "token_keys", "found"])
def test_a_file_that_is_not_the_one_that_was_written_is_refused(tmp_path: Path, what: str) -> None:
    class Damaging(Bundle):
        @classmethod
        def write(cls, *arguments: Any) -> Bundle:
            return damaged(cls(**vars(Bundle.write(*arguments))))

        def having(self, *arguments: Any) -> Bundle:
            return damaged(super().having(*arguments))

    def damaged(bundle: Bundle) -> Bundle:
        if what in bundle.files:
            file = tmp_path / bundle.files[what].name
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(content)
        return bundle

    values = ["+8613800138000", "6222021234561000-6222021234561999"]
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone", "card"], "value": values}))
    with (
        mock.patch("parts.Bundle", Damaging),
        pytest.raises(cs.InputError, match=f"a worker's cardscreen-{what}-.* is"),
    ):
        parts.screen([ONE.with_columns(card=pl.lit("x"))], listed, {**MOBILE, "card": cs.Card()}, tmp_path)


def test_open_numbers_are_compared_with_tokens_of_both_that_they_may_be(tmp_path: Path) -> None:
    """As with plain listings, and on many machines as on one: such a hit asks a person."""
    whole = ["894902000001234567", "8949020000022222222", "894902000003333333"]
    tokens = pl.DataFrame({"value": whole}).select(cs.token("value", "iccid", KEY)).to_series()
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": "iccid", "value": tokens, "severity": 95}))
    cells = ["8949020000012345679", "8949020000022222222", "894902000003333333", "8949020000044444444"]
    accounts = pl.DataFrame({"account_id": cells, "sim": cells})
    expected = cs.screen(accounts, listed, {"sim": cs.Iccid()}, tokens=KEY)
    hits = expected.hits.collect()
    assert hits["account_id"].to_list() == [cells[0], cells[1], cells[2]]
    assert hits["match"].to_list() == ["truncated", "truncated", "token"]
    assert (hits["action"].cast(pl.String) == "verify").to_list() == [True, True, False]
    assert expected.summary["rows"]["clear"] == 1
    parts.assert_same(parts.screen([accounts], listed, {"sim": cs.Iccid()}, tmp_path, tokens=KEY), expected)


def test_truncated_cards_are_told_apart_from_what_is_listed_as_on_one_machine(tmp_path: Path) -> None:
    token = pl.select(cs.token(pl.lit("6222021234567894"), "card", KEY)).item()
    values = [token, "6222021234561234", "625555*", "6226660000000000-6226660000009999", "628888******1234"]
    listed = cs.Blocklist.from_frame(pl.DataFrame({"kind": "card", "value": values}))
    cells = [f"{head}******{tail}" for head in ("622202", "625555", "622666", "628888") for tail in ("1234", "9999")]
    accounts = pl.DataFrame({"account_id": cells, "card": cells})
    expected = cs.screen(accounts, listed, {"card": cs.Card()}, tokens=KEY)
    assert expected.flagged.collect().height == 4
    assert expected.rejects.collect()["status"].to_list() == ["incomparable"] * 4
    parts.assert_same(parts.screen([accounts], listed, {"card": cs.Card()}, tmp_path, tokens=KEY), expected)


def test_what_listings_say_stays_behind_but_for_those_of_accounts(tmp_path: Path) -> None:
    numbers = [f"+86138001380{number:02}" for number in range(50)]
    listed = pl.DataFrame({"kind": "phone", "value": numbers, "reason": [f"a reason, {each}" for each in numbers]})
    asked: list[pl.DataFrame] = []

    class Noted(Bundle):
        @classmethod
        def write(cls, *arguments: Any) -> Bundle:
            return cls(**vars(Bundle.write(*arguments)))

        def having(self, folder: str, what: str, table: pl.DataFrame) -> Bundle:
            asked.append(table)
            return super().having(folder, what, table)

    with mock.patch("parts.Bundle", Noted):
        found = parts.screen([ONE], cs.Blocklist.from_frame(listed), MOBILE, tmp_path)
    assert found.hits.collect()["reason"].to_list() == ["a reason, +8613800138000"]
    assert [table["value"].to_list() for table in asked] == [["+8613800138000"]]
    files = list(tmp_path.iterdir())
    assert len(files) > 4
    assert [file.name for file in files if b"a reason" in file.read_bytes()] == []


def test_what_a_worker_says_of_an_error_of_the_engine_holds_no_values(tmp_path: Path) -> None:
    pan = "6222021234561234"
    broken = mock.patch(
        "cardscreen.screening.workers.batches.cells_of", side_effect=pl.exceptions.ComputeError(f"bad value {pan}")
    )
    with broken, pytest.raises(cs.InputError, match="a worker failed with ComputeError in _found") as raised:
        parts.screen([ONE], LISTED, MOBILE, tmp_path)
    assert pan not in str(raised.value)


def test_workers_open_files_once_for_the_pass_and_once_for_what_it_found(tmp_path: Path) -> None:
    opened: list[Any] = []

    class Counted(Opened):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            opened.append(self)

    with mock.patch("cardscreen.screening.workers.batches.Opened", Counted):
        parts.screen([ONE, ONE, ONE.clear(), ONE], LISTED, MOBILE, tmp_path)
        assert len(opened) == 2
        parts.screen([ONE], LISTED, MOBILE, tmp_path)
        assert len(opened) == 4


CARDS = ["6222021234561234-6222021234561234", "622202123456123*", "6222021234561234"]


@pytest.mark.parametrize("listed", CARDS)
def test_no_file_for_workers_holds_a_card_number_that_can_be_read(tmp_path: Path, listed: str) -> None:
    blocklist = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["card"], "value": [listed]}))
    Bundle.write(str(tmp_path), blocklist, DAY, [cs.Card()], [], {})
    number = 6222021234561234
    for file in tmp_path.iterdir():
        content = file.read_bytes()
        assert str(number)[:15].encode() not in content, file.name
        assert number.to_bytes(8, "little") not in content, file.name


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such modes")
@pytest.mark.parametrize("files", ["shared", None])
def test_files_for_workers_are_closed_to_others_whatever_the_umask(tmp_path: Path, files: str | None) -> None:
    (tmp_path / "shared").mkdir(0o777)
    listed = pl.DataFrame({"kind": ["phone", "card"], "value": ["+8613800138000", "6222021234561234"]})
    kinds: list[Kind] = [cs.Phone("CN"), cs.Card()]
    before = os.umask(0)
    try:
        with _folder_in(str(tmp_path / files)) if files else nullcontext(_sent_folder()) as folder:
            bundle = Bundle.write(folder, cs.Blocklist.from_frame(listed), DAY, kinds, [], {})
            modes = {stat.S_IMODE(Path(folder, file.name).stat().st_mode) for file in bundle.files.values()}
            assert {each.sealed for each in bundle.files.values()} == {True, False}
            assert (stat.S_IMODE(Path(folder).stat().st_mode), modes) == (0o700, {0o600})
    finally:
        os.umask(before)
    assert not list((tmp_path / "shared").iterdir())


def test_screenings_may_write_to_one_folder_at_once(tmp_path: Path) -> None:
    def written(number: int) -> Opened:
        listed = pl.DataFrame({"kind": ["phone"] * 2, "value": ["+8613800138000", f"+86138001390{number % 4:02}"]})
        bundle = Bundle.write(str(tmp_path), cs.Blocklist.from_frame(listed), DAY, [cs.Phone("CN")], [], {})
        return Opened(bundle, lambda name: str(tmp_path / name))

    with ThreadPoolExecutor(8) as threads:
        assert [len(each.targets["phone"].keys) for each in threads.map(written, range(24))] == [2] * 24
    assert {file.suffix for file in tmp_path.iterdir()} == {".arrow", ".sealed"}
