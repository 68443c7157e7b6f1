"""What a person sees: tables that fit, help by what one does, near commands."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from datetime import date
from pathlib import Path

import pytest
from commands import cardscreen

_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("terminal")
    assert cardscreen("init", ".", cwd=folder).code == 0
    assert cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", cwd=folder).code == 0
    assert cardscreen("run", "job.toml", cwd=folder).code == 0
    return folder


def seen(folder: Path, columns: int, *arguments: str) -> list[str]:
    """The lines of a command on a terminal of so many columns."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    environment["TERM"] = "xterm"
    command = [sys.executable, "-m", "cardscreen.cli", *arguments]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, cwd=folder, env=environment) as process:
        os.close(its)
        text = b""
        try:
            while block := os.read(ours, 65536):
                text += block
        except OSError:  # the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    return [_COLOURS.sub("", line).rstrip() for line in text.decode().replace("\r\n", "\n").split("\n")]


@pytest.mark.parametrize("columns", [60, 80, 200])
@pytest.mark.parametrize(
    ("command", "values"),
    [
        pytest.param(("runs", "list", "runs"), [f"{date.today()}", "latest", "120"], id="runs"),
        pytest.param(("list", "show", "--store", "lists"), ["police", f"{date.today()}", "snapshot"], id="sources"),
        pytest.param(
            ("list", "show", "--store", "lists", "--rows"), ["+447700900017", "2026-01-10", "C-1001"], id="listings"
        ),
        pytest.param(("list", "history", "--store", "lists"), ["import", "police"], id="history"),
    ],
)
def test_tables_fit_their_terminal_and_leave_nothing_out(
    project: Path, columns: int, command: tuple[str, ...], values: list[str]
) -> None:
    lines = seen(project, columns, *command)
    assert max(map(len, lines)) <= columns
    assert "…" not in "".join(lines)
    unfolded = re.sub(r"\s+", "", "".join(lines))
    for value in values:
        assert value in "".join(lines) or all(part in unfolded for part in re.findall(r"[^-+]{1,2}", value))


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_a_run_is_told_without_a_cut_on_a_terminal_and_in_a_pipe(project: Path, columns: int) -> None:
    # As the environment has it, so wide is a pipe, too, where nobody says another width.
    environment = os.environ | {"COLUMNS": f"{columns}"}
    command = [sys.executable, "-m", "cardscreen.cli", "run", "job.toml", "--dry-run"]
    piped = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=True).stdout
    on_terminal = "\n".join(seen(project, columns, "run", "job.toml", "--dry-run"))
    for text in (piped, on_terminal.partition("rows read: ")[2]):  # behind what tells how far it is
        assert "…" not in text
        assert all(word in text for word in ("missing", "rejected", "exempt", "valid)"))
    assert "(not valid)" in piped
    assert " (120) " in piped


def test_numbers_are_never_cut_in_two(project: Path) -> None:
    for columns in (60, 80):
        assert any(re.search(r"\b120\b", line) for line in seen(project, columns, "runs", "list", "runs"))


def test_the_help_is_grouped_by_what_one_does(tmp_path: Path) -> None:
    text = cardscreen("--help", cwd=tmp_path).out
    parts = re.findall(r"─ (\w+) ─", text)
    assert parts == ["Options", "Start", "Lists", "Nights", "Leads", "Questions", "Upkeep"]
    assert cardscreen("help", cwd=tmp_path).out.strip() == text.strip()


def test_help_of_a_command_is_its_own(tmp_path: Path) -> None:
    for path in (("run",), ("list", "import")):
        told = cardscreen("help", *path, cwd=tmp_path)
        assert (told.code, told.out.strip()) == (0, cardscreen(*path, "--help", cwd=tmp_path).out.strip())
    done = cardscreen("help", "nope", cwd=tmp_path)
    assert (done.code, "no such command 'nope'" in done.err) == (2, True)


def test_the_version_is_told_by_one_letter(tmp_path: Path) -> None:
    assert cardscreen("-V", cwd=tmp_path).out == cardscreen("--version", cwd=tmp_path).out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("import", "cardscreen list import"),
        ("approve", "cardscreen runs approve"),
        ("aprove", "cardscreen runs approve"),
        ("prune", "cardscreen runs prune"),
        ("explian", "explain"),
        ("retire", "cardscreen list retire"),
    ],
)
def test_a_command_of_a_group_is_found_from_outside(tmp_path: Path, typed: str, meant: str) -> None:
    done = cardscreen(typed, cwd=tmp_path)
    assert (done.code, "did you mean" in done.err, meant in done.err) == (2, True, True)


def test_one_run_as_json_is_made_of_numbers(project: Path) -> None:
    told = json.loads(cardscreen("runs", "show", "runs/latest", "--json", cwd=project).out)
    assert (told["state"], told["audit"], told["base"], told["held"], told["pruned"]) == (
        *("published", False, None),
        *([], None),
    )
    assert (told["rows"]["read"], told["rows"]["hit"], told["actions"]) == (120, 2, {"verify": 1, "suspend": 1})
    assert told["changes"] == {"new": {"suspend": 1, "verify": 1}}
    assert told["store"]["version"] == 0


@pytest.mark.parametrize("name", ["job", "policy", "feed"])
def test_the_schemas_of_what_people_write_hold_for_the_templates(project: Path, name: str) -> None:
    schema = json.loads(cardscreen("schema", name, cwd=project).out)
    assert schema == json.loads((project / f".schemas/{name}.json").read_text("utf-8"))
    assert schema["$schema"].endswith("2020-12/schema")
    first = (project / f"{name}.toml").read_text("utf-8").splitlines()[0]
    assert first == f"#:schema .schemas/{name}.json"


def test_an_unknown_schema_is_told(tmp_path: Path) -> None:
    done = cardscreen("schema", "jobs", cwd=tmp_path)
    assert (done.code, "did you mean 'job'" in done.err) == (2, True)
