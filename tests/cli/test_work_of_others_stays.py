"""Nothing that a user has made is removed or shadowed by a command that was meant for something else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from commands import cardscreen

from cardscreen.cli.demo.folder import cleared


@pytest.fixture(scope="module")
def once_played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo, which took the place of one in which somebody worked, since it was told to."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo").mkdir()
    (folder / "demo/.cardscreen-demo").write_text("{}")
    (folder / "demo/mine.csv").write_text("my work")
    assert cardscreen("demo", "demo", "--accounts", "1000", "--force", cwd=folder).code == 0
    return folder


@pytest.fixture
def played(once_played: Path, tmp_path: Path) -> Path:
    return shutil.copytree(once_played, tmp_path / "played", symlinks=True)


def test_a_demo_that_nobody_touched_is_replaced(played: Path) -> None:
    folder = cleared(played / "demo")
    assert [file.name for file in folder.iterdir()] == [".cardscreen-demo"]


def test_a_demo_in_which_somebody_worked_stays_unless_told_otherwise(played: Path) -> None:
    mine = played / "demo/operator/mine.csv"
    mine.write_text("my work")
    done = cardscreen("demo", "demo", "--accounts", "1000", cwd=played)
    assert (done.code, "operator/mine.csv was added" in done.err, "--force" in done.err) == (2, True, True)
    assert mine.read_text() == "my work"
    assert not (played / "demo/mine.csv").exists()  # there it was told otherwise
    mine.unlink()
    job = played / "demo/operator/job.toml"
    job.write_text(job.read_text() + "# mine\n")
    done = cardscreen("demo", "demo", "--accounts", "1000", cwd=played)
    assert (done.code, "operator/job.toml was changed" in done.err) == (2, True)


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_folder_that_is_no_demo_is_never_removed(tmp_path: Path, force: tuple[str, ...]) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/work.csv").write_text("my work")
    done = cardscreen("demo", "mine", "--accounts", "1000", *force, cwd=tmp_path)
    assert (done.code, "holds no earlier demo" in done.err) == (2, True)
    assert (tmp_path / "mine/work.csv").read_text() == "my work"


def test_a_demo_that_did_not_come_to_its_end_says_so(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/.cardscreen-demo").touch()
    done = cardscreen("demo", "demo", "--accounts", "1000", cwd=tmp_path)
    assert (done.code, "it did not come to its end" in done.err) == (2, True)


# --- stores -----------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert cardscreen("init", ".", cwd=tmp_path).code == 0
    return tmp_path


def take(folder: Path, store: str, *more: str) -> tuple[int, str, str]:
    done = cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", store, *more, cwd=folder)
    return done.code, done.out, done.err


def test_a_new_store_is_told_with_its_full_path_and_an_old_one_is_not(project: Path) -> None:
    code, out, _ = take(project, "lists")
    assert (code, f"a new store at {project}/lists" in out) == (0, True)
    assert "a new store" not in take(project, "lists")[1]


def test_a_store_beside_the_one_that_the_job_reads_must_be_meant(project: Path) -> None:
    code, _, err = take(project, "list")
    assert (code, f"job.toml reads {project}/lists" in err, "--new-store" in err) == (2, True, True)
    assert not (project / "list").exists()
    assert take(project, "list", "--new-store")[0] == 0


def test_a_dry_run_makes_no_store_and_says_where_it_would_be(project: Path) -> None:
    code, out, _ = take(project, "other", "--dry-run")
    assert (code, f"this would be a new store at {project}/other" in out) == (0, True)
    assert not (project / "other").exists()


def test_files_that_are_no_jobs_ask_for_nothing(project: Path) -> None:
    (project / "job.toml").rename(project / "job.txt")
    (project / "broken.toml").write_text("[", encoding="utf-8")
    assert take(project, "list")[0] == 0


# --- what templates leave open ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["…", "...", "name the law or the agreement here", "TODO: ask legal", "<law>", "[the agreement]", "tbd", "n/a"],
)
@pytest.mark.parametrize("key", ["legal_basis", "allowed_use", "appeal"])
def test_a_placeholder_in_a_sources_terms_is_refused_with_its_line(project: Path, key: str, text: str) -> None:
    feed = project / "feed.toml"
    feed.write_text(feed.read_text("utf-8").replace("[terms]", f'[terms]\n{key} = "{text}" #'), encoding="utf-8")
    code, _, err = take(project, "lists")
    assert (code, f"terms.{key} is still a placeholder" in err, "feed.toml, line " in err) == (2, True, True)


@pytest.mark.parametrize("text", ["Act 7, § 3", "desk 12", "Fraud Act 2006, s. 2 …", "《反电信网络诈骗法》第三十一条"])
def test_what_somebody_has_said_is_no_placeholder(project: Path, text: str) -> None:
    feed = project / "feed.toml"
    terms = f'[terms]\nlegal_basis = "{text}" #'
    feed.write_text(feed.read_text("utf-8").replace("[terms]", terms), encoding="utf-8")
    assert take(project, "lists")[0] == 0


def test_a_placeholder_in_the_texts_of_a_job_stops_the_night(project: Path) -> None:
    assert take(project, "lists")[0] == 0
    job = project / "job.toml"
    job.write_text(job.read_text("utf-8") + '\n[notices.texts]\ntelecom_fraud = "…"\n', encoding="utf-8")
    done = cardscreen("run", "job.toml", cwd=project)
    assert (done.code, "'telecom_fraud' is still a placeholder" in done.err) == (2, True)
    assert not list((project / "runs").glob("*/manifest.json"))
    dry = cardscreen("run", "job.toml", "--dry-run", cwd=project)
    assert (dry.code, dry.err) == (2, done.err)


def test_national_numbers_of_the_template_wait_for_their_region(project: Path) -> None:
    (project / "list.csv").write_text("number,listed,case\n333 1234567,2026-01-10,C-1\n", encoding="utf-8")
    code, _, err = take(project, "lists")
    assert (code, "region" in err) == (3, True)
