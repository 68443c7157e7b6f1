"""How the command line behaves: help, near names, colours, which stream, plurals, logs, completion, the version."""

from __future__ import annotations

import ast
import contextlib
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from commands import as_command, cardscreen
from small_operator import CARD, FIRST, job_with, project, run

import cardscreen as library
from cardscreen.cli import ending
from cardscreen.cli.app import app
from cardscreen.cli.console import counted


def every_command(command: Any = None, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command and group."""
    command = command or as_command(app)
    below = [
        words for name, each in getattr(command, "commands", {}).items() for words in every_command(each, (*path, name))
    ]
    return [path, *below]


COMMANDS = every_command()
GROUPS = [(), *((name,) for name in ("list", "tokens", "runs", "plan", "policy", "leads", "reports", "exchange"))]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_is_complete_and_without_noise(words: tuple[str, ...], tmp_path: Path) -> None:
    done = cardscreen(*words, "--help", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "<bool>" not in done.out
    if words and words not in GROUPS:
        assert f"Example: cardscreen {' '.join(words)}" in re.sub(r"\s+", " ", done.out)
    command: Any = as_command(app)
    for word in words:
        command = command.commands[word]
    assert [param.name for param in command.params if not getattr(param, "help", None)] == []


@pytest.mark.parametrize("words", [words for words in GROUPS if words in COMMANDS], ids=" ".join)
def test_a_group_alone_shows_its_help_and_no_error(words: tuple[str, ...], tmp_path: Path) -> None:
    done = cardscreen(*words, cwd=tmp_path)
    assert (done.code, done.err.strip()) == (2, "")
    assert "Usage: cardscreen" in done.out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        pytest.param(
            "rnu job.toml", "no such command 'rnu' (did you mean 'run'?); see cardscreen --help", id="command"
        ),
        pytest.param("list imprt x", "(did you mean 'import'?); see cardscreen list --help", id="command-of-a-group"),
        pytest.param("runs aprove x", "(did you mean 'approve'?)", id="approve"),
        pytest.param("xyzzy", "no such command 'xyzzy'; see cardscreen --help", id="nothing-near"),
        pytest.param("run job.toml --dyr-run", "no such option: --dyr-run (did you mean '--dry-run'?)", id="option"),
        pytest.param(
            "run job.toml --zzz", "no such option: --zzz; see cardscreen run --help", id="option-nothing-near"
        ),
        pytest.param("run", "missing argument 'job'; see cardscreen run --help", id="argument-missing"),
        pytest.param("runs approve x", "missing option '--by'", id="option-missing"),
        pytest.param("run job.toml --as-of", "requires an argument", id="option-without-value"),
        pytest.param("run a b", "unexpected extra argument", id="too-many"),
        pytest.param("run job.toml --log xml", "--log 'xml': say json", id="log"),
    ],
)
def test_a_mistake_gets_one_sentence_with_the_near_name(typed: str, said: str, tmp_path: Path) -> None:
    done = cardscreen(*typed.split(), cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert said in done.err, done.err
    assert done.err.startswith("cardscreen: ")
    assert done.err.count("\n") == 1


def test_the_version_is_told(tmp_path: Path) -> None:
    done = cardscreen("--version", cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, f"cardscreen {version('cardscreen')}\n", "")


@pytest.mark.parametrize(
    ("shell", "asked", "found"),
    [
        pytest.param("bash", {"COMP_WORDS": "cardscreen ru", "COMP_CWORD": "1"}, "runs", id="bash"),
        pytest.param("bash", {"COMP_WORDS": "cardscreen runs ap", "COMP_CWORD": "2"}, "approve", id="bash-of-a-group"),
        pytest.param("zsh", {"_TYPER_COMPLETE_ARGS": "cardscreen run --dr"}, "--dry-run", id="zsh"),
        pytest.param("fish", {"_TYPER_COMPLETE_ARGS": "cardscreen exp", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
                     "explain", id="fish"),
    ],
)  # fmt: skip
def test_shells_complete_commands_and_options(shell: str, asked: dict[str, str], found: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import sys; sys.argv = ['cardscreen']; from cardscreen.cli.app import main; main()"],
        env={**os.environ, **asked, "_CARDSCREEN_COMPLETE": f"complete_{shell}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found in done.stdout, done.stderr


def on_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """All that a command writes to a terminal."""
    pty = pytest.importorskip("pty")
    here, there = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    started = subprocess.Popen(
        [sys.executable, "-m", "cardscreen.cli", *arguments],
        cwd=folder, stdout=there, stderr=there, env={**env, "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    os.close(there)
    written = b""
    while True:
        try:
            part = os.read(here, 65536)
        except OSError:  # how a terminal ends
            break
        if not part:
            break
        written += part
    started.wait()
    os.close(here)
    return written.decode()


COLOUR = re.compile(r"\x1b\[(?:\d+;)*(?:3[0-9]|4[0-9]|9[0-7])(?:;\d+)*m")


def test_colours_are_for_terminals_that_want_them(tmp_path: Path) -> None:
    assert COLOUR.search(on_terminal(tmp_path, "--help"))
    assert not COLOUR.search(on_terminal(tmp_path, "--help", NO_COLOR="1"))
    assert "\x1b" not in on_terminal(tmp_path, "--help", TERM="dumb")
    assert "\x1b" not in cardscreen("--help", cwd=tmp_path).out


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operator")
    project(folder)
    return folder


@pytest.fixture
def operator(untouched: Path, tmp_path: Path) -> Path:
    return shutil.copytree(untouched, tmp_path / "operator")


def test_a_run_on_a_terminal_names_its_stages_and_the_time(operator: Path) -> None:
    told = on_terminal(operator, "run", "job.toml", "--allow-future", "--as-of", FIRST, "--dry-run", NO_COLOR="1")
    assert "screening the accounts" in told
    assert re.search(r"0:00:0\d", told)
    assert re.search(r"took \d+\.\d s \(scan \d+\.\d s.*, rest \d+\.\d s\)", told)


def test_data_goes_to_standard_output_and_talk_to_standard_error(operator: Path) -> None:
    done = cardscreen("run", "job.toml", "--allow-future", "--as-of", FIRST, "--dry-run", "--json", cwd=operator)
    assert json.loads(done.out)["rows"]["read"] == 40
    assert done.out.count("\n") == 1
    assert done.err.startswith("cardscreen: took ")


def lines(operator: Path, code: int, *arguments: str) -> list[dict[str, Any]]:
    """The JSON lines of a command's standard error, of which every line is one."""
    done = cardscreen(*arguments, "--log", "json", cwd=operator)
    assert done.code == code, done.err
    told: list[dict[str, Any]] = [json.loads(line) for line in done.err.splitlines()]
    assert [line for line in told if not {"time", "level", "event"} <= set(line)] == []
    for private in (CARD, "13800138", "+86138"):
        assert private not in done.err
    return told


def test_a_log_has_stages_counts_and_the_runs_id_in_every_line(operator: Path) -> None:
    told = lines(operator, 0, "run", "job.toml", "--allow-future", "--as-of", FIRST, "-q")
    stages = [line["stage"] for line in told if line["event"] == "stage"]
    assert stages[:2] == ["reading the lists", "screening the accounts"]
    finished = told[-1]
    assert (finished["event"], finished["level"], finished["rows"]["read"]) == ("finished", "info", 40)
    assert finished["seconds"].keys() >= {"scan", "evidence", "policy"}
    assert {line["run"] for line in told} == {Path(finished["folder"]).name}
    assert {line["job"] for line in told} == {"job.toml"}


def test_a_log_of_a_held_run_has_each_reason(operator: Path) -> None:
    job_with(operator, "flagged_share = 1", "flagged_share = 0.01")
    told = lines(operator, 4, "run", "job.toml", "--allow-future", "--as-of", "2026-11-21")
    job_with(operator, "flagged_share = 0.01", "flagged_share = 1")
    assert "held" in [line["event"] for line in told]
    reasons = [line["text"] for line in told if line["event"] == "limit passed"]
    assert len(reasons) == 1
    assert reasons[0].startswith("flagged_share: ")
    assert {line["level"] for line in told} == {"info", "warning"}


@pytest.mark.parametrize("more", [(), ("--json",), ("--quiet",)])
def test_a_held_run_says_once_what_it_would_change(operator: Path, more: tuple[str, ...]) -> None:
    job_with(operator, "flagged_share = 1", "flagged_share = 0.01")
    done = cardscreen("run", "job.toml", "--allow-future", "--as-of", FIRST, "--dry-run", *more, cwd=operator)
    job_with(operator, "flagged_share = 0.01", "flagged_share = 1")
    assert done.code == 4
    assert len(re.findall(r"^ *(?:new|unchanged): .*\d", done.out + done.err, re.MULTILINE)) == 1


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        pytest.param('path = "accounts.parquet"', f'path = "{CARD}.csv"', 3, "….csv", id="input-refused"),
        pytest.param("[accounts]", "[acounts]", 2, "did you mean 'accounts'", id="wrong-job"),
    ],
)
def test_a_log_of_a_failure_ends_with_the_sentence_and_the_exit_code(
    operator: Path, old: str, new: str, code: int, words: str
) -> None:
    job_with(operator, old, new)
    told = lines(operator, code, "run", "job.toml", "--allow-future", "--as-of", "2026-11-21")
    job_with(operator, new, old)
    assert (told[-1]["event"], told[-1]["level"], told[-1]["exit_code"]) == ("failed", "error", code)
    assert words in told[-1]["text"]


def test_an_import_logs_its_counts_and_its_refusal(operator: Path) -> None:
    arguments = ("list", "import", "police.csv", "--feed", "police.toml", "--store", "lists", "--as-of", FIRST)
    begun, told = lines(operator, 0, *arguments)
    assert (begun["event"], begun["stage"]) == ("stage", "importing")
    assert (told["event"], told["source"], told["read"], told["file"]) == ("imported", "police", 8, "police.csv")
    (operator / "empty.csv").write_text("number,listed,case,why\n", encoding="utf-8")
    _, told = lines(operator, 3, "list", "import", "empty.csv", *arguments[3:])
    assert (told["event"], told["exit_code"]) == ("failed", 3)


def test_one_thing_is_not_told_in_the_plural(operator: Path) -> None:
    (operator / "one.csv").write_text("number\n13800138000\n", encoding="utf-8")
    arguments = ("normalize", "phone", "one.csv", "--column", "number", "--region", "CN", "--out", "o.csv")
    assert "1 row written" in cardscreen(*arguments, cwd=operator).err
    assert (counted(0, "row"), counted(1, "row"), counted(2000, "row")) == ("0 rows", "1 row", "2,000 rows")


#: The modules that are the command line, and a program of its own that answers by printing.
_TALKING = {"app", "console", "manners", "printing"}


#: What a process of its own says, and what programs may listen to.
_ALONE = ("answering.py", "pictures.py", "progress.py")


def test_only_the_command_line_prints_logs_and_exits() -> None:
    package = Path(library.__file__).parent
    wrong = []
    for file in package.rglob("*.py"):
        talks = file.parent.name == "commands" or (file.parent.name == "cli" and file.stem in _TALKING)
        if talks or file.name in _ALONE:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            imported = ast.unparse(node) if isinstance(node, (ast.Import, ast.ImportFrom)) else ""
            if called in ("print", "sys.exit", "exit", "os._exit") or re.search(
                r"\b(logging|structlog|typer)\b", imported
            ):
                wrong.append(f"{file.name}: {called or imported}")
    assert wrong == []


def test_a_night_is_quiet_when_told_so(operator: Path) -> None:
    done = run(operator, "2026-11-22")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_wrong_region_of_one_value_is_told_without_a_jobs_words(tmp_path: Path) -> None:
    done = cardscreen("check", "phone", "13800138000", "--region", "cn", cwd=tmp_path)
    assert (done.code, done.err[:38]) == (2, "cardscreen: unknown region 'cn' (did y")


@pytest.mark.parametrize(
    ("cell", "region", "is_told"),
    [("491752775883", "DE", True), ("+491752775883", "DE", False), ("0491 752775", "DE", False), ("491", "DE", False)],
)
def test_one_value_whose_country_code_is_read_as_an_area_code_is_told(
    cell: str, region: str, is_told: bool, tmp_path: Path
) -> None:
    for options in (["--region", region], ["--set", f"region={region}"]):
        done = cardscreen("check", "phone", cell, *options, cwd=tmp_path)
        assert (done.code, "put + in front" in done.err) == (0, is_told)


_ENDINGS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
_MADE_OF_IT = [
    pl.exceptions.PanicException("called `Result::unwrap()` on an `Err` value"),
    RuntimeError("Error calling __set_name__"),
    pl.exceptions.ComputeError("a callback failed"),
    OSError(errno.EINTR, "interrupted"),
]


@pytest.fixture
def heard() -> Iterator[None]:
    """Both signals are heard in this process."""
    before = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
    ending.listen()
    yield
    for number, handler in before:
        signal.signal(number, handler)
    ending._came.clear()


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(("number", "code", "said"), _ENDINGS)
@pytest.mark.parametrize("error", _MADE_OF_IT, ids=lambda error: type(error).__name__)
def test_an_end_of_which_a_library_makes_an_error_of_its_own_is_that_end(
    number: int, code: int, said: str, error: BaseException, tmp_path: Path
) -> None:
    def strikes() -> None:
        with contextlib.suppress(BaseException):
            signal.raise_signal(number)
        raise error

    with mock.patch("cardscreen.cli.commands.doctor.report", side_effect=strikes):
        done = cardscreen("doctor", cwd=tmp_path)
    assert (done.code, done.err) == (code, f"cardscreen: {said}, nothing is half-published\n")


@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(("number", "code", "said"), _ENDINGS)
def test_an_end_that_was_forgotten_comes_before_the_next_stage(
    number: int, code: int, said: str, tmp_path: Path
) -> None:
    def forgets(_folder: Path, _accounts: int, tell: Callable[[str], None], **_: object) -> None:
        with contextlib.suppress(BaseException):
            signal.raise_signal(number)
        tell("publishing")
        raise AssertionError("it goes on")

    with mock.patch("cardscreen.cli.demo.run_demo", forgets):
        done = cardscreen("demo", "demo", cwd=tmp_path)
    assert (done.code, done.err) == (code, f"cardscreen: {said}, nothing is half-published\n")


@pytest.mark.usefixtures("heard")
def test_a_signal_that_was_to_be_ignored_stays_so() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    ending.listen()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_folder_without_a_store_is_told_as_such_and_the_store_within_is_named(tmp_path: Path) -> None:
    (tmp_path / "my").mkdir()
    done = cardscreen("list", "history", "--store", "my", cwd=tmp_path)
    assert (done.code, "the folder 'my' holds no store: name the one that does" in done.err) == (3, True), done.err
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine.csv").touch()
    assert "(did you mean 'mine'?)" in cardscreen("list", "history", "--store", "mines", cwd=tmp_path).err
    project(tmp_path / "my")
    within = str(Path("my", "lists"))
    assert f"holds no store (did you mean {within!r}?)" in cardscreen("list", "show", "--store", "my", cwd=tmp_path).err


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (errno.EROFS, "nothing can be written there, name another folder"),
        (errno.EACCES, "name another place, or have its permissions changed"),
    ],
)
@pytest.mark.parametrize(
    ("command", "what"),
    [
        (("init", "abc"), "the folder abc can't be made: "),
        (("demo", "abc"), "abc: "),
        (
            ("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists"),
            "the store lists can't be made or written: ",
        ),
        (("run", "job.toml"), "the output folder "),
    ],
    ids=lambda each: each[0] if isinstance(each, tuple) else "",
)
def test_where_nothing_may_be_written_it_is_told_what_and_how_to_mend_it(
    tmp_path: Path, command: tuple[str, ...], what: str, code: int, how: str
) -> None:
    assert cardscreen("init", ".", cwd=tmp_path).code == 0

    def refuse(folder: Path, *_: Any, **__: Any) -> None:
        raise OSError(code, os.strerror(code), str(folder))

    with mock.patch.object(Path, "mkdir", refuse):
        done = cardscreen(*command, cwd=tmp_path)
    assert (done.code, what in done.err, f"{os.strerror(code)}: {how}" in done.err) == (3, True, True), done.err
