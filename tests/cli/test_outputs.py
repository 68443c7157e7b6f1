"""What is written: never over what is not to be lost, and for nobody else's eyes."""

from __future__ import annotations

import csv
import shutil
import stat
from pathlib import Path

import polars as pl
import pytest
from commands import cardscreen
from small_operator import published, run, two_nights


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_nights(tmp_path_factory.mktemp("operator"))


@pytest.fixture
def operator(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "o", symlinks=True)
    return tmp_path / "o"


def commands(operator: Path, out: str) -> dict[str, tuple[object, ...]]:
    first, second = published(operator)
    return {
        "normalize": ("normalize", "phone", "police.csv", "--column", "number", "--region", "CN", "--out", out),
        "diff": ("diff", first, second, "--out", out),
        "list-export": ("list", "export", "--store", "lists", "--out", out),
        "list-diff": ("list", "diff", 0, "--store", "lists", "--out", out),
    }


COMMANDS = ["normalize", "diff", "list-export", "list-diff"]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_that_is_there_is_written_over_by_force_only(operator: Path, name: str) -> None:
    (operator / "out.csv").write_text("mine\n", encoding="utf-8")
    done = cardscreen(*commands(operator, "out.csv")[name], cwd=operator)
    assert (done.code, "out.csv is there already" in done.err, "--force" in done.err) == (2, True, True)
    assert (operator / "out.csv").read_text(encoding="utf-8") == "mine\n"
    assert cardscreen(*commands(operator, "out.csv")[name], "--force", cwd=operator).code == 0
    assert "mine" not in (operator / "out.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    ("out", "words"),
    [
        ("lists/out.csv", "lies in a store of listings"),
        ("runs/latest/out.csv", "lies in a run"),
        ("runs/latest/notices/out.csv", "lies in a run"),
        ("folder.csv", "is a folder"),
    ],
)
def test_nothing_is_written_into_a_run_or_a_store_or_over_a_folder(
    operator: Path, name: str, out: str, words: str
) -> None:
    (operator / "folder.csv").mkdir()
    done = cardscreen(*commands(operator, out)[name], "--force", cwd=operator)
    assert (done.code, words in done.err) == (2, True), done.err
    assert cardscreen("audit", "job.toml", cwd=operator).code == 0


@pytest.mark.parametrize("source", ["police.csv", "link.csv", "p*.csv"])
def test_a_column_is_not_normalised_onto_its_own_file(operator: Path, source: str) -> None:
    (operator / "link.csv").symlink_to("police.csv")
    (operator / "pilot.csv").unlink()
    before = (operator / "police.csv").read_bytes()
    command = ("normalize", "phone", source, "--column", "number", "--region", "CN", "--out", "police.csv", "--force")
    done = cardscreen(*command, cwd=operator)
    assert (done.code, "is what is read" in done.err) == (2, True), done.err
    assert (operator / "police.csv").read_bytes() == before


@pytest.mark.parametrize("way", ["option", "job"])
def test_figures_are_written_over_figures_only(operator: Path, way: str) -> None:
    more: tuple[str, ...] = ("--metrics", "accounts.parquet")
    if way == "job":
        with (operator / "job.toml").open("a", encoding="utf-8") as job:
            job.write('[output]\nmetrics = "accounts.parquet"\n')
        more = ()
    before = (operator / "accounts.parquet").read_bytes()
    done = run(operator, "2026-11-22", *more)
    assert (done.code, "holds something else than the figures of a run" in done.err) == (2, True)
    assert (operator / "accounts.parquet").read_bytes() == before
    for _ in range(2):
        assert cardscreen("run", "job.toml", "-q", "--metrics", "x.prom", cwd=operator).code in (0, 2, 3)


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_written_is_not_for_others(operator: Path, name: str) -> None:
    assert cardscreen(*commands(operator, "out.csv")[name], cwd=operator).code == 0
    assert stat.S_IMODE((operator / "out.csv").stat().st_mode) == 0o640


FORMULAS = {"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "+cmd|' /C calc'!A0": "'+cmd|' /C calc'!A0", "-5": "-5"}


def test_no_csv_that_people_open_holds_a_formula(operator: Path) -> None:
    lines = [f'139001390{30 + at},2026-11-22,"{text}",' for at, text in enumerate(FORMULAS)]
    rows = ["number,listed,case,why", "+86170000*,2026-11-22,C-1,", *lines, '=1+1,2026-11-22,"=2+2",', ""]
    (operator / "police.csv").write_text("\n".join(rows), encoding="utf-8")
    command = ("list", "import", "police.csv", "--feed", "police.toml", "--store", "lists", "--as-of", "2026-11-22")
    done = cardscreen(*command, "--allow", "shrink", "--allow", "unusable", cwd=operator)
    assert done.code == 0, done.err
    assert run(operator, "2026-11-22").code == 0
    first, latest = published(operator)[0], published(operator)[-1]
    assert cardscreen("list", "export", "--store", "lists", "--out", "a.csv", cwd=operator).code == 0
    exported = pl.read_csv(operator / "a.csv", infer_schema=False).filter(source="police")
    assert set(FORMULAS.values()) < set(exported["reference"])
    assert "+86170000*" in exported["value"].to_list()  # as it is: it can be read again
    assert cardscreen("list", "diff", 3, "--store", "lists", "--out", "b.csv", cwd=operator).code == 0
    assert cardscreen("diff", first, latest, "--out", "c.csv", cwd=operator).code == 0
    written = [*operator.glob("[abc].csv"), *latest.rglob("*.csv"), *(operator / "rejects").iterdir()]
    cells = [cell for file in written for row in csv.reader(file.read_text("utf-8").splitlines()) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "@"))] == []
