"""README and pages do what they say: blocks run, commands exist, settings are read, and nothing is missing."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from typer.main import get_command

from cardscreen.cli.app import app
from cardscreen.exchange.agreement import Agreement, AgreementFile
from cardscreen.foundation import schema
from cardscreen.foundation.bounds import Bounds
from cardscreen.kinds.kind import KINDS, options_of
from cardscreen.leads.reports.settings import Reports, ReportsFile
from cardscreen.leads.rings.find import DROPPED
from cardscreen.leads.settings import LeadsFile
from cardscreen.leads.targets import TARGETS, ContactsFile
from cardscreen.lists.feeds.feed import Feed
from cardscreen.policy.policy import Policy
from cardscreen.review.feedback import COLUMNS as FEEDBACK
from cardscreen.runs.brakes import Limits
from cardscreen.runs.job import Job, JobFile

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def pages_with(language: str) -> list[Any]:
    return [pytest.param(page, id=page.stem) for page in PAGES if blocks(page, language)]


@pytest.mark.parametrize("page", pages_with("python"))
def test_the_python_blocks_of_a_page_run_one_after_another(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), names)
    assert any(re.search(r"^\s*assert ", block, re.MULTILINE) for block in blocks(page, "python"))


@pytest.mark.parametrize("page", pages_with("toml"))
def test_the_settings_of_a_page_are_read(page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "toml"):
        settings = tomllib.loads(block)
        (tmp_path / "file.toml").write_text(block, encoding="utf-8")
        if "asker" in settings:
            assert Agreement.read(tmp_path / "file.toml").terms().cap == "verify"
        elif "rings" in settings:
            assert LeadsFile(**settings).rings
        elif "reporter_key" in settings:
            assert Reports.read(tmp_path / "file.toml").said.steps
        elif "accounts" in settings:
            assert Job.read(tmp_path / "file.toml").identifiers
        elif "engine" in settings:
            JobFile.model_fields["engine"].annotation(**settings["engine"])  # type: ignore[misc]
        elif "columns" in settings:
            assert Feed.read(tmp_path / "file.toml").terms.legal_basis
        else:
            assert Policy.read(tmp_path / "file.toml").rules


def shown_in(page: Path) -> list[str]:
    lines = "\n".join(blocks(page, "sh")).splitlines()
    return [line.split("&&")[-1].strip() for line in lines if "cardscreen " in line]


@pytest.mark.parametrize("page", pages_with("sh"))
def test_the_commands_of_a_page_exist_with_their_options(page: Path) -> None:
    for line in shown_in(page):
        command: Any = get_command(app)
        words = line.split("#")[0].split()[1:]
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not getattr(command, "commands", {}) or not words, line
        known = {option for param in command.params for option in param.opts} | {"--help", "--version"}
        assert {word for word in words if re.fullmatch(r"--[a-z-]+", word)} <= known, line


def test_every_command_is_in_the_readme() -> None:
    named = {line.split()[1] for line in shown_in(ROOT / "README.md")}
    assert named == set(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 170


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md"])
def test_what_a_page_links_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            name, _, heading = target.partition("#")
            file = (page.parent / name).resolve() if name else page
            assert file.exists(), target
            if heading:
                titles = re.findall(r"^#+ (.*)$", file.read_text("utf-8"), re.MULTILINE)
                assert heading in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles], target


def test_every_page_is_linked_from_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in text] == []


# --- nothing is missing -----------------------------------------------------------------------------


def named_in(page: str) -> set[str]:
    """Everything in backquotes; of `terms.cap`, `cap` as well."""
    quoted = re.findall(r"`([^`\n]+)`", (ROOT / "docs" / page).read_text("utf-8"))
    words = {word for each in quoted for word in re.findall(r"[\w-]+", each)}
    return {*words, *quoted}


@pytest.mark.parametrize(
    "model",
    [JobFile, Feed, Policy, Limits, Bounds, LeadsFile, ReportsFile, ContactsFile, AgreementFile],
    ids=lambda model: model.__name__,
)
def test_the_reference_names_every_key(model: type[BaseModel]) -> None:
    named, missing = named_in("reference.md"), []

    def walk(part: Any) -> None:
        for name, field in part.model_fields.items():
            key = field.alias or name
            if key not in named:
                missing.append(f"{part.__name__}.{key}")
            for inner in _models_in(field.annotation):
                walk(inner)

    walk(model)
    assert missing == []


def _models_in(annotation: Any) -> list[Any]:
    import typing

    found = [annotation] if isinstance(annotation, type) and issubclass(annotation, BaseModel) else []
    return found + [inner for each in typing.get_args(annotation) for inner in _models_in(each)]


def test_the_reference_names_every_option_of_every_kind() -> None:
    named = named_in("reference.md")
    assert [option for kind in KINDS for option in options_of(kind) if option not in named] == []


@pytest.mark.parametrize(
    "columns",
    [
        schema.FLAGGED,
        schema.HITS,
        schema.REJECTS,
        schema.CHANGES,
        schema.CARRIED,
        schema.NOTICES,
        schema.RELEASES,
        schema.LISTING,
        schema.PROPOSALS,
        schema.RINGS,
        schema.MEMBERS,
        schema.LINKS,
        schema.CUSTOMERS,
        DROPPED,
        TARGETS,
        FEEDBACK,
    ],
)
def test_every_column_of_every_file_is_described(columns: Any) -> None:
    named = named_in("columns.md")
    assert [name for name in columns if name not in named] == []


def test_every_limit_and_every_check_of_a_list_has_a_word_of_help() -> None:
    from cardscreen.lists.feeds.checks import CHECKS

    text = (ROOT / "docs/troubleshooting.md").read_text("utf-8") + (ROOT / "docs/lists.md").read_text("utf-8")
    held = [name for name in Limits.model_fields if name.endswith(("_share", "_drop")) or name.startswith("new_")]
    assert [name for name in [*held, *CHECKS] if name not in text] == []
