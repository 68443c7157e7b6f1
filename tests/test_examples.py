"""The examples are valid, and what they start exists and runs."""

from __future__ import annotations

import configparser
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import as_command, cardscreen

import cardscreen as cs
from cardscreen.cli.app import app

EXAMPLES = Path(__file__).parent.parent / "examples"
TEXTS = {file.name: file.read_text(encoding="utf-8") for file in sorted(EXAMPLES.iterdir()) if file.is_file()}


def known_options(words: list[str]) -> set[str]:
    """The options of the command that words begin with; fails where there is none."""
    command: Any = as_command(app)
    while words and hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    return {name for param in command.params for name in param.opts}


def test_every_file_is_in_the_readme() -> None:
    assert [name for name in TEXTS if name != "README.md" and name not in TEXTS["README.md"]] == []


def commands_in(text: str) -> list[str]:
    """What follows each `cardscreen`, up to the end of its command."""
    started = re.findall(r"(?:^|bin/|[&{;] )cardscreen ((?:list|run|runs|init)\b[^&>;\n|]*)", text, re.MULTILINE)
    return [each.strip() for each in started]


@pytest.mark.parametrize("name", ["cardscreen.service", "cardscreen.cron", "README.md"])
def test_the_commands_and_their_options_exist(name: str) -> None:
    found = commands_in(TEXTS[name])
    assert len(found) >= 2
    for each in found:
        words = shlex.split(each)
        options = [word for word in words if word.startswith("-")]
        assert set(options) <= known_options(words)


@pytest.mark.parametrize("name", ["cardscreen.service", "cardscreen.timer"])
def test_systemd_accepts_the_unit(name: str, tmp_path: Path) -> None:
    program = tmp_path / "cardscreen"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    for unit in ("cardscreen.service", "cardscreen.timer"):
        text = TEXTS[unit].replace("/opt/cardscreen/bin/cardscreen", str(program)).replace("User=cardscreen\n", "")
        (tmp_path / unit).write_text(text, encoding="utf-8")
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(tmp_path / name)
    assert {"Unit", "Install"} < set(parser.sections())
    if analyze := shutil.which("systemd-analyze"):
        done = subprocess.run([analyze, "verify", tmp_path / name], capture_output=True, text=True, check=False)
        assert [line for line in done.stderr.splitlines() if "cardscreen." in line] == []
        assert done.returncode == 0


def test_cron_lines_have_five_fields_a_user_and_a_command() -> None:
    lines = [line for line in TEXTS["cardscreen.cron"].splitlines() if re.match(r"[0-9*]", line)]
    assert len(lines) == 2
    for line in lines:
        *fields, user, command = line.split(maxsplit=6)
        assert all(re.fullmatch(r"\*|[0-9]{1,2}", field) for field in fields)
        assert (user, command.startswith("cd /srv/cardscreen && ")) == ("cardscreen", True)
        assert "%" not in command  # cron takes it for the end of a line


@pytest.mark.parametrize("refused", [True, False])
def test_a_list_that_is_refused_cancels_no_night(tmp_path: Path, refused: bool) -> None:
    program = tmp_path / "cardscreen"
    fails = "import" if refused else "nothing"
    program.write_text(f'#!/bin/sh\necho "$1" >> called\n[ "$2" != {fails} ]\n', encoding="utf-8")
    program.chmod(0o755)
    line = next(line for line in TEXTS["cardscreen.cron"].splitlines() if "list import" in line)
    command = line.split(maxsplit=6)[6].replace("/srv/cardscreen", str(tmp_path))
    done = subprocess.run(["/bin/sh", "-c", command], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False)
    assert (done.returncode, (tmp_path / "called").read_text().split()) == (0, ["list", "run"])
    gone = command.replace(str(tmp_path), str(tmp_path / "gone"))
    subprocess.run(["/bin/sh", "-c", gone], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=False, cwd=tmp_path)
    assert (tmp_path / "called").read_text().split() == ["list", "run"]  # nothing is run elsewhere
    started = [line for line in TEXTS["cardscreen.service"].splitlines() if line.startswith("ExecStart=")]
    assert [line.startswith("ExecStart=-") for line in started] == [True, False]


class _Task:
    """What a task function becomes: it runs when the flow is built, and stands before or after another."""

    def __init__(self, made: list[Any], function: Callable[[], Any]) -> None:
        made.append(function)

    def __rshift__(self, other: object) -> object:
        return other


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A stand-in for Airflow that collects the task functions, in their order."""
    made: list[Any] = []
    sdk, exceptions = types.ModuleType("airflow.sdk"), types.ModuleType("airflow.exceptions")
    sdk.dag = lambda **settings: lambda function: function  # type: ignore[attr-defined]
    sdk.task = lambda **settings: lambda function: lambda: _Task(made, function)  # type: ignore[attr-defined]
    exceptions.AirflowFailException = type("AirflowFailException", (Exception,), {})  # type: ignore[attr-defined]
    for name, module in (("airflow", types.ModuleType("airflow")), ("airflow.sdk", sdk)):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, "airflow.exceptions", exceptions)
    return made


def test_the_airflow_tasks_import_and_publish_and_fail_on_a_held_run(
    airflow: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cardscreen("init", ".", cwd=tmp_path).code == 0
    monkeypatch.setenv("CARDSCREEN_PROJECT", str(tmp_path))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:/usr/bin:/bin")
    runpy.run_path(str(EXAMPLES / "airflow_dag.py"))
    import_list, screen = airflow
    import_list()
    assert (Path(screen()) / "manifest.json").exists()
    job = (tmp_path / "job.toml").read_text(encoding="utf-8").replace("flagged_share = 0.05", "flagged_share = 0.001")
    (tmp_path / "job.toml").write_text(job, encoding="utf-8")
    with pytest.raises(Exception, match="waits for approval: flagged_share") as failed:
        screen()
    assert type(failed.value).__name__ == "AirflowFailException"


def test_accounts_in_spark_are_screened_against_a_store_and_the_store_is_read(
    spark: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cardscreen("init", ".", cwd=tmp_path).code == 0
    assert cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", cwd=tmp_path).code == 0
    phones = [f"1380013{number:04}" for number in range(8_000, 8_100)]
    accounts = pl.DataFrame({"account_id": range(100), "mobile": phones, "card_no": pl.Series([""] * 100)})
    accounts.write_parquet(tmp_path / "accounts" / "part.parquet", mkdir=True)
    example = runpy.run_path(str(EXAMPLES / "spark_accounts.py"))
    example["main"](str(tmp_path / "accounts"), str(tmp_path / "lists"), str(tmp_path / "out"))
    assert pl.read_parquet(tmp_path / "out" / "rejects" / "*.parquet").is_empty()
    assert capsys.readouterr().out.startswith("SparkResult(100 rows: ")
    listed = example["listings_in"](spark, str(tmp_path / "lists"))
    assert listed.count() == len(cs.Store(tmp_path / "lists").blocklist())
