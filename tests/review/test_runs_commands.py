"""Finished runs: listed, shown, approved, discarded and pruned, and what each of these refuses."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen
from filelock import FileLock
from small_operator import (
    CARD,
    LISTED,
    held,
    job_with,
    lists,
    manifest,
    on_day,
    project,
    published,
    run,
    two_nights,
    write_manifest,
)

from cardscreen.cli.printing import print_frame
from cardscreen.review.decisions.retention import Keep
from cardscreen.review.find import all_in
from cardscreen.review.overview import table_of

WHO = ("--by", "A. Li", "--reason", "a new list, expected")
PERSONAL = ("*.parquet", "notices", "actions", "inputs/clearances.csv")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights, and a third that is held."""
    folder = two_nights(tmp_path_factory.mktemp("operator"))
    job_with(folder, "new_suspend = 1", "new_suspend = 0.01")
    lists(
        folder, [*LISTED[:1], *LISTED[2:], "13800138009,2026-11-21,C-9,", "13900139020,2026-11-22,C-20,"], "2026-11-22"
    )
    assert run(folder, "2026-11-22").code == 4
    return folder


@pytest.fixture
def operator(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "o", symlinks=True)
    return tmp_path / "o"


def listed(operator: Path) -> list[dict[str, Any]]:
    done = cardscreen("runs", "list", "job.toml", "--json", cwd=operator)
    assert done.code == 0, done.err
    told: list[dict[str, Any]] = json.loads(done.out)
    return told


@pytest.mark.parametrize("width", [60, 80, 120, 300])
def test_on_a_terminal_of_any_width_no_run_is_cut_off(
    template: Path, width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    table = table_of(all_in(template / "runs"))
    print_frame(table, as_json=False)
    told = capsys.readouterr().out
    for row in table.rows(named=True):
        assert row["run"] in told
        assert row["state"] in told
    assert "…" not in told
    words = " ".join(table["note"].drop_nulls()).split()
    assert [word for word in words if word not in told] == []


def test_the_list_tells_published_latest_and_held_with_figures_and_reasons(template: Path) -> None:
    told = listed(template)
    assert [(run["day"], run["state"]) for run in told] == [
        ("2026-11-20", "published"), ("2026-11-21", "latest"), ("2026-11-22", "held"),
    ]  # fmt: skip
    assert [(run["rows"], run["told"], run["released"]) for run in told] == [(40, 12, 0), (40, 1, 1), (40, 1, 0)]
    assert told[2]["note"].startswith("new_suspend: 2.50 % of the rows")


@pytest.mark.parametrize("place", ["runs", "job.toml"])
def test_the_list_takes_a_folder_or_a_job(template: Path, place: str) -> None:
    done = cardscreen("runs", "list", place, cwd=template)
    assert (done.code, done.out.count("2026-11-2")) == (0, 3)


def test_a_run_is_shown_with_what_would_change_and_why_it_is_held(template: Path) -> None:
    done = cardscreen("runs", "show", held(template)[0], cwd=template)
    assert done.code == 0, done.err
    for words in ("state        held", "new: 1 suspend", "new_suspend: 2.50 %", "compared with 2", "version 5 of"):
        assert words in done.out
    assert json.loads(cardscreen("runs", "show", held(template)[0], "--json", cwd=template).out)["state"] == "held"


def test_an_approved_run_is_published_with_who_why_and_past_which_limits(operator: Path) -> None:
    waiting = held(operator)[0]
    before = {name: said for name, said in manifest(waiting).items() if name != "approvals"}
    with on_day("2026-11-22T12:00:00"):
        done = cardscreen("runs", "approve", waiting, *WHO, cwd=operator)
    assert (done.code, "grace" in done.err) == (0, False), done.err
    assert (operator / "runs/latest").resolve().name == waiting.name
    assert held(operator) == []
    told = manifest(operator / "runs" / waiting.name)
    (approval,) = told.pop("approvals")
    assert (approval["by"], approval["reason"]) == ("A. Li", "a new list, expected")
    assert approval["system_user"]
    assert approval["host"]
    assert approval["at"].endswith("+00:00")
    assert approval["limits"][0].startswith("new_suspend: ")
    assert told.pop("outputs").pop("report.html") != before["outputs"].pop("report.html")
    assert told == {name: said for name, said in before.items() if name != "outputs"}
    assert listed(operator)[-1]["note"] == "approved by A. Li: a new list, expected"
    assert cardscreen("audit", "runs/latest", cwd=operator).code == 0


def test_a_run_that_was_approved_is_the_base_of_the_next(operator: Path) -> None:
    waiting = held(operator)[0]
    assert cardscreen("runs", "approve", waiting, *WHO, cwd=operator).code == 0
    assert run(operator, "2026-11-23").code == 0
    assert manifest(operator / "runs/latest")["compared"]["base"] == waiting.name


def test_a_run_whose_base_is_not_the_newest_any_more_can_not_be_approved(operator: Path) -> None:
    job_with(operator, "new_suspend = 0.01", "new_suspend = 1")
    assert run(operator, "2026-11-22").code == 0
    done = cardscreen("runs", "approve", held(operator)[0], *WHO, cwd=operator)
    assert (done.code, "published since, is not the one that it was compared with" in done.err) == (3, True)
    assert len(held(operator)) == 1


def test_a_run_that_was_tampered_with_can_not_be_approved(operator: Path) -> None:
    waiting = held(operator)[0]
    with (waiting / "actions/suspend.csv").open("a", encoding="utf-8") as file:
        file.write("one,more\n")
    done = cardscreen("runs", "approve", waiting, *WHO, cwd=operator)
    assert (done.code, "actions/suspend.csv was changed" in done.err) == (3, True)
    assert (waiting / "manifest.json").exists()


def test_of_two_approvals_at_once_one_publishes_and_the_other_is_told(operator: Path) -> None:
    from cardscreen.foundation.errors import CardscreenError
    from cardscreen.review.decisions import held as deciding
    from cardscreen.runs.record import Finished

    waiting, refused, done = Finished.read(held(operator)[0]), [], []
    together = threading.Barrier(2)

    def approve() -> None:
        together.wait()
        try:
            done.append(deciding.approve(waiting, "A. Li", "expected"))
        except CardscreenError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=approve) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(done), len(refused)) == (1, 1)
    assert any(words in refused[0] for words in ("another run works in", "is published already"))
    assert len(manifest(done[0].folder)["approvals"]) == 1


def test_an_approval_is_finished_where_it_was_killed_in_between(operator: Path) -> None:
    waiting = held(operator)[0]
    told = manifest(waiting) | {"approvals": [{"by": "A. Li", "reason": "x"}]}
    write_manifest(waiting, told)
    assert cardscreen("runs", "approve", waiting, *WHO, cwd=operator).code == 0
    assert len(manifest(operator / "runs/latest")["approvals"]) == 2


def test_a_first_run_that_was_held_is_approved_while_nothing_was_published(tmp_path: Path) -> None:
    project(tmp_path)
    job_with(tmp_path, 'first_run = "publish"', 'first_run = "hold"')
    assert run(tmp_path, "2026-11-20").code == 4
    assert run(tmp_path, "2026-11-20").code == 4
    first, second = held(tmp_path)
    assert cardscreen("runs", "approve", first, *WHO, cwd=tmp_path).code == 0
    done = cardscreen("runs", "approve", second, *WHO, cwd=tmp_path)
    assert (done.code, "can't be approved any more" in done.err) == (3, True)


def test_an_audit_run_that_was_held_is_approved_and_is_not_latest(operator: Path) -> None:
    latest = (operator / "runs/latest").readlink()
    job_with(operator, "flagged_share = 1", "flagged_share = 0")
    assert run(operator, "2026-11-10").code == 4
    done = cardscreen("runs", "approve", held(operator)[-1], *WHO, cwd=operator)
    assert done.code == 0, done.err
    assert states(operator) == ["published", "latest", "held", "audit"]
    assert (operator / "runs/latest").readlink() == latest


@pytest.mark.parametrize("command", ["approve", "discard"])
@pytest.mark.parametrize(
    ("place", "words"),
    [
        pytest.param("runs/latest", "is published already", id="latest"),
        pytest.param("job.toml", "is no run: name the folder of one. Held are: 2", id="job"),
        pytest.param("runs", "is no run: name the folder of one. Held are: 2", id="output-folder"),
        pytest.param("runs/.held/20990101T000000Z", "there is no run", id="not-there"),
    ],
)
def test_only_a_held_run_named_by_its_folder_is_decided_about(
    template: Path, command: str, place: str, words: str
) -> None:
    done = cardscreen("runs", command, place, *WHO, cwd=template)
    assert (done.code, words in done.err) == (2, True), done.err


@pytest.mark.parametrize("command", ["approve", "discard"])
@pytest.mark.parametrize("who", [("--by", " ", "--reason", "x"), ("--by", "x", "--reason", "")])
def test_nobody_decides_without_name_and_reason(template: Path, command: str, who: tuple[str, ...]) -> None:
    done = cardscreen("runs", command, held(template)[0], *who, cwd=template)
    assert (done.code, "say who decides" in done.err) == (2, True)


def test_a_second_approval_says_that_it_is_published(operator: Path) -> None:
    waiting = held(operator)[0]
    assert cardscreen("runs", "approve", waiting, *WHO, cwd=operator).code == 0
    done = cardscreen("runs", "approve", waiting, *WHO, cwd=operator)
    assert (done.code, "is published already" in done.err) == (2, True)


def test_nothing_is_decided_while_a_run_works(template: Path) -> None:
    with FileLock(template / "runs/.lock"):
        for command in ("approve", "discard"):
            assert cardscreen("runs", command, held(template)[0], *WHO, cwd=template).code == 5
        assert cardscreen("runs", "prune", "runs", "--keep", "1runs", cwd=template).code == 5


def personal(folder: Path) -> list[str]:
    return [str(found) for pattern in PERSONAL for found in folder.glob(pattern)]


def test_a_discarded_run_keeps_its_manifest_and_nothing_of_persons(operator: Path) -> None:
    waiting = held(operator)[0]
    assert personal(waiting) != []
    assert cardscreen("runs", "discard", waiting, "--by", "A. Li", "--reason", "wrong list", cwd=operator).code == 0
    assert personal(waiting) == []
    said = manifest(waiting)["discarded"]
    assert (said["by"], said["reason"], "flagged.parquet" in said["removed"]) == ("A. Li", "wrong list", True)
    assert (listed(operator)[-1]["state"], listed(operator)[-1]["note"]) == (
        "discarded",
        "discarded by A. Li: wrong list",
    )
    assert cardscreen("audit", waiting, cwd=operator).code == 0
    for command in ("approve", "discard"):
        done = cardscreen("runs", command, waiting, *WHO, cwd=operator)
        assert (done.code, "was discarded already" in done.err) == (2, True)
    done = cardscreen("explain", 1, "--run", waiting, cwd=operator)
    assert (done.code, "it was discarded" in done.err) == (3, True)


def test_latest_stays_when_a_run_is_discarded(operator: Path) -> None:
    latest = (operator / "runs/latest").resolve()
    assert cardscreen("runs", "discard", held(operator)[0], *WHO, cwd=operator).code == 0
    assert (operator / "runs/latest").resolve() == latest


@pytest.fixture
def many(operator: Path) -> Path:
    """Five published nights and a held one."""
    job_with(operator, "new_suspend = 0.01", "new_suspend = 1")
    for day in ("2026-11-22", "2026-11-23", "2026-11-24"):
        assert run(operator, day).code == 0
    return operator


def states(operator: Path) -> list[str]:
    return [run["state"] for run in listed(operator)]


def test_pruning_removes_persons_and_keeps_manifests(many: Path) -> None:
    oldest = published(many)[0]
    before = manifest(oldest)
    done = cardscreen("runs", "prune", "job.toml", "--keep", "3runs", cwd=many)
    assert (done.code, "1 run pruned" in done.err) == (0, True)
    assert personal(oldest) == []
    told = manifest(oldest)
    said = told.pop("pruned")
    assert told == before
    assert (said["keep"], "hits.parquet" in said["removed"], "inputs/clearances.csv" in said["removed"]) == (
        "3 runs", True, True,
    )  # fmt: skip
    assert sorted(str(file.relative_to(oldest)) for file in oldest.rglob("*") if file.is_file()) == [
        "inputs/job.toml", "inputs/policy.toml", "manifest.json", "summary.json",
    ]  # fmt: skip
    # The second is the base of the run that waits for approval.
    assert states(many) == ["pruned", "published", "held", "published", "published", "latest"]


def test_the_newest_run_its_base_and_bases_of_held_runs_are_never_pruned(operator: Path) -> None:
    assert cardscreen("runs", "prune", "job.toml", "--keep", "0runs", cwd=operator).code == 0
    assert states(operator) == ["published", "latest", "held"]
    job_with(operator, "new_suspend = 0.01", "new_suspend = 1")
    for day in ("2026-11-22", "2026-11-23"):
        assert run(operator, day).code == 0
    assert cardscreen("runs", "prune", "job.toml", "--keep", "0 runs", cwd=operator).code == 0
    assert states(operator) == ["pruned", "published", "held", "published", "latest"]
    assert run(operator, "2026-11-23").code == 0  # superseding needs the base of the newest
    assert run(operator, "2026-11-24").code == 0


def test_a_pruning_that_was_killed_is_told_by_an_audit_and_finished_by_the_next(many: Path) -> None:
    oldest = published(many)[0]
    kept = (oldest / "hits.parquet").read_bytes()
    assert cardscreen("runs", "prune", "job.toml", "--keep", "3runs", cwd=many).code == 0
    (oldest / "hits.parquet").write_bytes(kept)
    done = cardscreen("audit", oldest, cwd=many)
    assert (done.code, "hits.parquet was to be removed and is still there" in done.out) == (3, True)
    assert cardscreen("runs", "prune", "job.toml", "--keep", "3runs", cwd=many).code == 0
    assert personal(oldest) == []
    assert cardscreen("audit", oldest, cwd=many).code == 0


def test_links_in_a_pruned_run_go_and_what_they_lead_to_stays(many: Path) -> None:
    oldest = published(many)[0]
    (many / "elsewhere/empty").mkdir(parents=True)
    (many / "elsewhere/kept.txt").write_text("kept")
    for name, target in (
        ("folder", "elsewhere"),
        ("empty", "elsewhere/empty"),
        ("file", "elsewhere/kept.txt"),
        ("none", "none"),
    ):
        (oldest / name).symlink_to(many / target)
    done = cardscreen("runs", "prune", "job.toml", "--keep", "3runs", cwd=many)
    assert (done.code, "1 run pruned" in done.err) == (0, True), done.err
    assert {"folder", "empty", "file", "none"} <= set(manifest(oldest)["pruned"]["removed"])
    assert not [file for file in oldest.rglob("*") if file.is_symlink()]
    assert (many / "elsewhere/kept.txt").read_text() == "kept"
    assert (many / "elsewhere/empty").is_dir()


def test_held_runs_are_pruned_only_when_asked(many: Path) -> None:
    assert cardscreen("runs", "prune", "job.toml", "--keep", "0runs", "--held", cwd=many).code == 0
    assert states(many) == ["pruned", "pruned", "pruned", "pruned", "published", "latest"]
    done = cardscreen("runs", "approve", held(many)[0], *WHO, cwd=many)
    assert (done.code, "was pruned already" in done.err) == (2, True)


def test_days_count_from_the_day_of_the_run(operator: Path) -> None:
    old = run(operator, "2026-01-10")
    assert old.code == 0, old.err
    before = states(operator)
    assert before[-1] == "audit"
    assert cardscreen("runs", "prune", "job.toml", "--keep", "90d", cwd=operator).code == 0
    assert states(operator) == before  # an audit run about January was made today


@pytest.mark.parametrize(
    ("zone", "hour", "kept"),
    [
        ("UTC", 12, False),
        ("America/Los_Angeles", 6, True),  # there it is the evening before
        ("America/Los_Angeles", 9, False),
        ("Asia/Shanghai", 12, False),
    ],
)
def test_days_are_those_of_the_runs_time_zone(template: Path, zone: str, hour: int, *, kept: bool) -> None:
    newest = all_in(template / "runs")[-1]
    there = replace(newest, records={**newest.records, "timezone": zone})
    day = there.as_of + timedelta(days=30)
    now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    assert bool(Keep(days=30).of([there], now)) == kept


def test_a_dry_run_of_pruning_tells_the_same_and_removes_nothing(many: Path) -> None:
    dry = cardscreen("runs", "prune", "job.toml", "--keep", "3runs", "--dry-run", "--json", cwd=many)
    assert "pruned" not in states(many)
    wet = cardscreen("runs", "prune", "job.toml", "--keep", "3runs", "--json", cwd=many)
    assert json.loads(dry.out) == json.loads(wet.out)
    assert len(json.loads(wet.out)) == 1


def test_a_pruned_run_says_so_wherever_it_is_asked(many: Path) -> None:
    oldest = published(many)[0]
    assert cardscreen("runs", "prune", "job.toml", "--keep", "3runs", cwd=many).code == 0
    assert cardscreen("audit", oldest, cwd=many).code == 0
    for command in (("explain", 1, "--run", oldest), ("diff", oldest, "runs/latest"), ("audit", oldest, "--replay")):
        done = cardscreen(*command, cwd=many)
        assert (done.code, "pruned" in done.err + done.out) == (3, True)
    told = cardscreen("explain", 1, cwd=many).out
    assert "What the run for 2026-11-20 and those before it said has been removed." in told
    done = run(many, "2026-11-21")
    assert (done.code, "was pruned, so nothing can be compared with it" in done.err) == (3, True)


@pytest.mark.parametrize("keep", ["", "many", "-1", "90 weeks", "1.5d", "2"])
def test_how_much_to_keep_must_be_said_in_days_or_runs(template: Path, keep: str) -> None:
    done = cardscreen("runs", "prune", "job.toml", f"--keep={keep}", cwd=template)
    assert (done.code, "d, or" in done.err, "runs" in done.err) == (2, True, True)


def test_a_broken_manifest_is_named(operator: Path) -> None:
    (held(operator)[0] / "manifest.json").write_text("{", encoding="utf-8")
    done = cardscreen("runs", "list", "job.toml", cwd=operator)
    assert (done.code, "manifest.json can't be read" in done.err) == (3, True)


def test_no_command_about_runs_prints_or_writes_a_card_number(operator: Path) -> None:
    assert CARD in pl.read_parquet(operator / "accounts.parquet")["card_no"].to_list()
    commands: list[tuple[Any, ...]] = [
        ("runs", "list", "job.toml"), ("runs", "show", "job.toml"), ("runs", "show", held(operator)[0], "--json"),
        ("explain", 4), ("explain", 4, "--json"), ("audit", "runs", "--replay", "--json"),
        ("diff", published(operator)[0], held(operator)[0], "--rows", 50, "--out", "runs/moved.csv"),
        ("runs", "discard", held(operator)[0], "--by", CARD, "--reason", f"card {CARD[:4]} {CARD[4:]}"),
        ("runs", "prune", "job.toml", "--keep", "1runs"),
    ]  # fmt: skip
    for command in commands:
        done = cardscreen(*command, cwd=operator)
        assert done.code == 0, done.err
        assert CARD not in (done.out + done.err).replace(" ", "")
    for file in (operator / "runs").rglob("*"):
        if file.is_file():
            assert CARD.encode() not in file.read_bytes().replace(b" ", b"")


@pytest.mark.parametrize("command", [("runs", "show"), ("explain", "1", "--run")])
def test_a_later_night_that_is_held_is_named_beside_the_newest_published_one(
    template: Path, command: tuple[str, ...]
) -> None:
    for place in ("job.toml", "runs", "runs/latest"):
        done = cardscreen(*command, place, cwd=template)
        assert (done.code, done.err) == (0, f"cardscreen: a later night, 2026-11-22, is held: {held(template)[0]}\n")
    for folder in (*published(template), *held(template)):
        assert cardscreen(*command, folder, cwd=template).err == ""


def test_a_store_has_no_runs_to_list(template: Path) -> None:
    done = cardscreen("runs", "list", "lists", cwd=template)
    assert (done.code, "lists is a store of listings, no output folder" in done.err) == (2, True)
