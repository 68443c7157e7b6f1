"""Years of runs in a folder: a night, and whoever asks about one, opens the few manifests that it needs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from commands import cardscreen
from nights import JOB, Operator, account, listing, phone

from cardscreen.foundation.errors import InputError
from cardscreen.policy.policy import Policy
from cardscreen.review.find import all_in
from cardscreen.review.telling import story
from cardscreen.runs import record
from cardscreen.runs.job import Job
from cardscreen.runs.messages import showing
from cardscreen.runs.messages.showing import material_of

MINE = [account("a", phone(1)), account("b", phone(2))]
SHOWN = 3  # nights of the trend, and of an account's story
FEW, MANY = 6, 10


@pytest.fixture(autouse=True)
def short_trend() -> Any:
    with mock.patch.object(showing, "_NIGHTS", SHOWN), mock.patch.object(story, "_NIGHTS", SHOWN):
        yield


def nights(operator: Operator, first: int, last: int) -> None:
    """Whoever carries the first phone is listed on every other night, so that there is something to tell."""
    for night in range(first, last + 1):
        operator.night(night, MINE, [listing(phone(1 + night % 2)), listing(phone(9))])


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    nights(Operator(folder), 1, FEW)
    return folder


@pytest.fixture(scope="module")
def many(few: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many") / "o"
    shutil.copytree(few, folder, symlinks=True)
    nights(again(folder, FEW), FEW + 1, MANY)
    return folder


def again(folder: Path, after: int) -> Operator:
    """An operator that goes on after so many runs."""
    operator = Operator(folder)
    operator._seconds = after
    return operator


def opened(work: Callable[[], object]) -> list[str]:
    """The runs whose manifests are opened, as often as they are."""
    names = list[str]()
    read = record.manifest_of

    def noted(folder: Path) -> bytes:
        names.append(folder.name)
        return read(folder)

    with mock.patch.object(record, "manifest_of", noted):
        work()
    return names


def copied(folder: Path, place: Path) -> Path:
    shutil.copytree(folder, place, symlinks=True)
    return place


def test_a_night_opens_as_many_manifests_among_many_runs_as_among_few(few: Path, many: Path, tmp_path: Path) -> None:
    counts = []
    for folder, runs in ((few, FEW), (many, MANY)):
        operator = again(copied(folder, tmp_path / str(runs)), runs)
        names = opened(lambda operator=operator, night=runs + 1: nights(operator, night, night))  # type: ignore[misc]
        assert len(set(names)) == SHOWN + 2  # the trend's, that which ends it, and the new one
        counts.append(len(names))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("command", ["explain a --run runs", "runs show runs", "status job.toml"])
def test_who_asks_about_last_night_has_as_many_manifests_opened_among_many_runs_as_among_few(
    few: Path, many: Path, command: str
) -> None:
    def ask(folder: Path) -> None:
        assert cardscreen(*command.split(), cwd=folder).code == 0

    assert len(opened(lambda: ask(few))) == len(opened(lambda: ask(many))) > 0


def trend(folder: Path, run: int) -> list[tuple[str, int, str]]:
    """Day, rows and state of the nights on the page of one of the runs."""
    meant = all_in(folder / "runs")[run]
    job = Job.read(folder / "job.toml")
    material = material_of(meant.records, meant.folder, meant.output, job.language, Policy())
    return [(each["as_of"], each["rows"], each["state"]) for each in material.nights]


def test_the_trend_ends_with_the_night_itself_and_has_the_nights_before(many: Path) -> None:
    assert trend(many, -1) == [(f"2026-11-{1 + night:02}", 2, "published") for night in (8, 9, 10)]
    assert trend(many, 4) == [(f"2026-11-{1 + night:02}", 2, "published") for night in (3, 4, 5)]
    assert trend(many, 1) == [(f"2026-11-{1 + night:02}", 2, "published") for night in (1, 2)]


def test_the_trend_has_a_held_night_only_where_none_was_published_for_its_day(few: Path, tmp_path: Path) -> None:
    operator = again(copied(few, tmp_path / "o"), FEW)
    careful = JOB.replace("released_share = 1", "released_share = 0")
    operator.say(careful)
    nights(operator, FEW + 1, FEW + 1)
    operator.say(JOB)
    for day in (2, FEW + 2):  # the first looks back
        operator.night(day, MINE[:1], [])
    operator.say(careful)
    operator.night(FEW + 2, MINE, [])
    assert trend(operator.folder, -1) == [
        ("2026-11-07", 2, "published"),
        ("2026-11-08", 2, "held"),
        ("2026-11-09", 1, "published"),
    ]


def test_a_night_does_not_ask_what_became_of_one_long_before_but_an_audit_of_all_does(
    many: Path, tmp_path: Path
) -> None:
    operator = again(copied(many, tmp_path / "o"), MANY)
    oldest, *_, newest = (run.folder for run in all_in(operator.folder / "runs"))
    oldest.joinpath("manifest.json").write_text(oldest.joinpath("manifest.json").read_text() + " ")
    nights(operator, MANY + 1, MANY + 1)
    told = cardscreen("audit", "job.toml", "--json", cwd=operator.folder)
    assert f"the manifest of run {oldest.name} was changed" in json.dumps(json.loads(told.out))
    newest = max(operator.published())
    newest.joinpath("manifest.json").write_text(newest.joinpath("manifest.json").read_text() + " ")
    with pytest.raises(InputError, match=f"the manifest of run {newest.name} was changed"):
        nights(operator, MANY + 2, MANY + 2)
