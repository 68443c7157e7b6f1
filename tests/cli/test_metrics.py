"""Figures for Prometheus: written however a night ends, read by Prometheus' own parser."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import cardscreen
from filelock import FileLock
from prometheus_client.parser import text_string_to_metric_families

from cardscreen.cli.metrics import measured

DAY = "2026-11-20"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert cardscreen("init", ".", cwd=tmp_path).code == 0
    listed = ("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", "--as-of", DAY)
    assert cardscreen(*listed, cwd=tmp_path).code == 0
    return tmp_path


def run(project: Path, day: str = DAY, *more: str) -> dict[str, float]:
    """Run a night; all figures, `name label` → value."""
    cardscreen("run", "job.toml", "--as-of", day, "--allow-future", "--metrics", "night.prom", *more, cwd=project)
    return figures(project / "night.prom")


def figures(file: Path) -> dict[str, float]:
    told = {}
    for family in text_string_to_metric_families(file.read_text(encoding="utf-8")):
        assert family.documentation
        for sample in family.samples:
            told[" ".join([sample.name.removeprefix("cardscreen_"), *sample.labels.values()])] = sample.value
    return told


def test_a_published_night_tells_rows_flags_ages_and_stages(project: Path) -> None:
    told = run(project)
    assert (told["exit_code"], told["held"]) == (0, 0)
    assert (told["rows read"], told["rows hit"], told["rows not_screenable"]) == (120, 2, 2)
    assert (told["flagged_accounts suspend"], told["flagged_accounts verify"]) == (1, 1)
    assert told["list_age_days police"] == 0
    assert told["rejected_share mobile"] == pytest.approx(1 / 119)
    assert told["stage_seconds scan"] > 0
    assert told["last_success_timestamp_seconds"] == pytest.approx(told["last_run_timestamp_seconds"], abs=5)


def test_a_held_night_is_told_and_the_last_success_stays(project: Path) -> None:
    before = run(project)
    told = run(project, "2026-11-28")
    assert (told["exit_code"], told["held"], told["list_age_days police"]) == (4, 1, 8)
    assert told["last_success_timestamp_seconds"] == before["last_success_timestamp_seconds"]
    assert told["last_run_timestamp_seconds"] > before["last_run_timestamp_seconds"]


def test_a_refused_night_is_told_without_figures_that_nobody_knows(project: Path) -> None:
    (project / "accounts.csv").unlink()
    told = run(project)
    assert told["exit_code"] == 3
    assert {"last_success_timestamp_seconds", "rows read"} & set(told) == set()


def test_a_busy_night_is_told(project: Path) -> None:
    (project / "runs").mkdir()
    with FileLock(project / "runs/.lock"):
        assert run(project)["exit_code"] == 5


def test_a_wrong_job_is_told(project: Path) -> None:
    (project / "job.toml").write_text("[accounts", encoding="utf-8")
    assert run(project)["exit_code"] == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(SystemExit(143), 143, id="terminated"),
        pytest.param(KeyboardInterrupt(), 130, id="interrupted"),
        pytest.param(OSError(28, "no space left"), 3, id="disk-full"),
        pytest.param(RuntimeError("a bug"), 1, id="bug"),
    ],
)
def test_a_night_that_ends_otherwise_is_told_with_its_exit_code(
    tmp_path: Path, error: BaseException, code: int
) -> None:
    with pytest.raises(type(error)), measured(tmp_path / "night.prom", pytest.fail):
        raise error
    assert figures(tmp_path / "night.prom")["exit_code"] == code


def test_the_job_can_name_the_file(project: Path) -> None:
    job = (project / "job.toml").read_text(encoding="utf-8").replace("# metrics =", "metrics =")
    (project / "job.toml").write_text(job, encoding="utf-8")
    assert (
        cardscreen("run", "job.toml", "--allow-future", "--as-of", DAY, "-q", cwd=project.parent / project.name).code
        == 0
    )
    assert figures(project / "cardscreen.prom")["exit_code"] == 0


def test_a_dry_run_writes_no_figures(project: Path) -> None:
    cardscreen("run", "job.toml", "--dry-run", "--metrics", "night.prom", cwd=project)
    assert not (project / "night.prom").exists()


def test_what_was_in_the_file_before_is_no_hindrance(project: Path) -> None:
    (project / "night.prom").write_bytes(b"\xff no metrics {{{")
    assert run(project)["exit_code"] == 0


def test_a_file_that_can_not_be_written_is_a_warning_and_the_run_is_published(project: Path) -> None:
    done = cardscreen(
        "run", "job.toml", "--allow-future", "--as-of", DAY, "--metrics", "nowhere/x.prom", "-q", cwd=project
    )
    assert (done.code, "the metrics file nowhere/x.prom can't be written" in done.err) == (0, True)
    assert (project / "runs/latest/manifest.json").exists()


def test_nothing_is_left_beside_the_file(project: Path) -> None:
    run(project)
    assert [file.name for file in project.glob("*night*")] + [file.name for file in project.glob(".*night*")] == [
        "night.prom"
    ]


def test_figures_are_written_over_no_run_and_into_no_run_or_store(project: Path) -> None:
    run(project)
    newest = (project / "runs/latest").resolve()
    before = {file: file.stat().st_mtime_ns for file in project.rglob("*") if "runs" in file.parts}
    for place in ("runs/latest", f"runs/{newest.name}/new.prom", "runs/latest/new.prom", "lists/x.prom"):
        done = cardscreen("run", "job.toml", "--as-of", DAY, "--metrics", place, cwd=project)
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert {file: file.stat().st_mtime_ns for file in project.rglob("*") if "runs" in file.parts} == before
    assert (project / "runs/latest").resolve() == newest
    assert not (project / "lists/x.prom").exists()
    (project / "gone").symlink_to("nowhere")
    done = cardscreen("run", "job.toml", "--as-of", DAY, "--metrics", "gone", cwd=project)
    assert (done.code, "leads nowhere" in done.err) == (2, True), done.err
    assert run(project)["exit_code"] == 0
