"""A page of the documentation, done as its reader would: block by block, in one folder of its own.

What a page needs and does not show stands in comments of HTML: `<!-- sh`, `<!-- python`, `<!-- toml title="job.toml"`,
and `-->` on a line of its own. A block with a title is that file. `<!-- not run: … -->` is said of the block below it.
A comment `exit code 4` behind a command says how it ends. A block `text` after commands has lines that they say; `…`
ends one that goes on.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from commands import cardscreen

_BLOCK = re.compile(
    r'^(?:(?P<hidden><!-- )|```)(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^(?(hidden)-->|```)$',
    re.MULTILINE | re.DOTALL,
)
_NOT_RUN = re.compile(r"<!-- not run: [^\n]+ -->\s*$")
_INSTANT = re.compile(r"\d{8}T\d{6}Z")
_HELD = re.compile(r"runs/\.held/\d{8}T\d{6}Z")
_RING = re.compile(r"\bR[0-9a-f]{10}\b")
_SHELL = re.compile(r"[|<>$`;(*]")


@dataclass(frozen=True)
class Block:
    """A block of a page.

    Attributes:
        language: As it says.
        text: What is in it.
        title: The file that it is; None: none.
        is_run: Whether it can be done here.
        is_shown: Whether readers see it.
    """

    language: str
    text: str
    title: str | None = None
    is_run: bool = True
    is_shown: bool = True


def blocks_of(page: Path) -> list[Block]:
    """All blocks of a page, in their order; also those that readers don't see."""
    text = page.read_text("utf-8")
    return [
        Block(
            language=found["language"],
            text=found["text"],
            title=found["title"],
            is_run=not _NOT_RUN.search(text[: found.start()]),
            is_shown=not found["hidden"],
        )
        for found in _BLOCK.finditer(text)
    ]


@dataclass
class Reader:
    """Who does what a page says.

    Attributes:
        home: The folder in which he begins.
        here: Where he is.
        names: What his Python knows.
        said: What the commands of the last block have said.
    """

    home: Path
    here: Path = field(init=False)
    names: dict[str, object] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """He begins at home."""
        self.here = self.home

    def does(self, block: Block) -> None:
        """Do what a block says."""
        if block.title is not None:
            (self.here / block.title).parent.mkdir(parents=True, exist_ok=True)
            (self.here / block.title).write_text(block.text, encoding="utf-8")
        elif block.language == "python" and block.is_run:
            before = Path.cwd()
            os.chdir(self.here)
            try:
                exec(compile(block.text, "page", "exec"), self.names)
            finally:
                os.chdir(before)
        elif block.language == "sh" and block.is_run:
            self.said = []
            for command, code in commands_in(block.text):
                self._runs(command, code)
        elif block.language == "text" and self.said:
            self._has_heard(block.text)

    def _runs(self, command: str, code: int) -> None:
        command = self._with_names(command)
        if command.startswith("cd "):
            self.here = (self.here / command[3:].strip()).resolve()
            return
        if command.startswith("cardscreen ") and not _SHELL.search(re.sub(r'"[^"]*"', "", command)):
            with mock.patch("typer.launch"):
                done = cardscreen(*shlex.split(command)[1:], cwd=self.here)
            ended, out, err = done.code, done.out, done.err
        else:
            path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
            ran = subprocess.run(
                ["bash", "-e", "-c", command],
                cwd=self.here,
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            ended, out, err = ran.returncode, ran.stdout, ran.stderr
        self.said += [*out.splitlines(), *err.splitlines()]
        assert ended == code, f"{command}\nended with {ended}:\n{out}\n{err}"

    def _with_names(self, command: str) -> str:
        """The same with the names that are other ones each time: of a held run, and of a ring."""
        if _HELD.search(command):
            held = max((self.here / "runs/.held").iterdir())
            command = _HELD.sub(f"runs/.held/{held.name}", command)
        if _RING.search(command):
            import polars as pl

            rings = max(self.here.glob("leads/*/rings.parquet"))
            command = _RING.sub(pl.read_parquet(rings)["ring_id"][0], command)
        return command

    def _has_heard(self, text: str) -> None:
        """Fails unless the commands before have said each of these lines."""
        heard = {_alike(line) for line in self.said}
        for line in filter(None, map(_alike, text.splitlines())):
            begins = line.removesuffix("…")
            said = line in heard or (begins != line and any(each.startswith(begins) for each in heard))
            assert said, f"nothing has said {line!r}:\n" + "\n".join(self.said)


def _alike(line: str) -> str:
    """A line of which only the words count."""
    return " ".join(_INSTANT.sub("INSTANT", line).split())


def commands_in(text: str) -> Iterator[tuple[str, int]]:
    """The commands of a block, one after another, each with the exit code that it is said to have."""
    if "<<" in text:
        yield text, 0
        return
    for line in text.replace("\\\n", " ").splitlines():
        command, _, remark = _without_remark(line)
        code = re.search(r"exit code (\d+)", remark)
        parts = [part.strip() for part in command.split(" && ")]
        for at, part in enumerate(parts, start=1):
            if part:
                yield part, int(code[1]) if code and at == len(parts) else 0


def _without_remark(line: str) -> tuple[str, str, str]:
    found = re.match(r"((?:\"[^\"]*\"|'[^']*'|[^\"'#]|(?<=\S)#)*)(#?)(.*)", line)
    assert found is not None
    return found[1].strip(), found[2], found[3]
