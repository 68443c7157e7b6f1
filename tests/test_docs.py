"""README and pages do what they say: blocks run, commands exist, settings are read, and nothing is missing."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import runpy
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
from commands import as_command, cardscreen
from pages import Block, Reader, blocks_of
from pydantic import BaseModel

from cardscreen.cli.app import app
from cardscreen.cli.manners import EXIT_CODES
from cardscreen.cli.starter.schemas import FILES
from cardscreen.foundation import schema
from cardscreen.foundation.bounds import Bounds
from cardscreen.foundation.errors import CardscreenError
from cardscreen.foundation.settings.meanings import meanings
from cardscreen.foundation.words import codes
from cardscreen.kinds.kind import KINDS, options_of
from cardscreen.leads.settings import LeadsFile
from cardscreen.leads.targets import ContactsFile
from cardscreen.lists.feeds.feed import Feed
from cardscreen.policy.policy import Policy
from cardscreen.runs.brakes import Limits
from cardscreen.runs.job import Job
from cardscreen.runs.job.file import JobFile
from cardscreen.runs.manifest import MANIFEST_SAYS, SUMMARY_SAYS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SVG = "{http://www.w3.org/2000/svg}"
PAGES = [ROOT / "README.md", *sorted(page for page in DOCS.rglob("*.md") if "decisions" not in page.parts)]


def _reference() -> ModuleType:
    """What makes the reference pages."""
    package = DOCS / "site/reference"
    spec = importlib.util.spec_from_file_location(
        "reference_pages", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["reference_pages"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


REFERENCE = _reference()
MADE: dict[str, str] = REFERENCE.pages()


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT).with_suffix(""))


def shown(page: Path, language: str) -> list[Block]:
    return [block for block in blocks_of(page) if block.language == language and block.is_shown]


def pages_with(*languages: str) -> list[Any]:
    return [pytest.param(page, id=name_of(page)) for page in PAGES if any(shown(page, each) for each in languages)]


@pytest.mark.parametrize("page", pages_with("python", "sh"))
def test_a_page_can_be_done_as_it_says(page: Path, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    for block in blocks_of(page):
        if block.language == "python" or page.parent != ROOT:  # what the README's commands do is done on other pages
            reader.does(block)


@pytest.mark.parametrize("page", pages_with("python"))
def test_the_python_of_a_page_says_what_comes_out(page: Path) -> None:
    assert any(re.search(r"^\s*assert ", block.text, re.MULTILINE) for block in shown(page, "python"))


@pytest.mark.parametrize("page", pages_with("toml"))
def test_settings_that_are_no_file_of_a_page_are_read(page: Path, tmp_path: Path) -> None:
    for block in shown(page, "toml"):
        settings = tomllib.loads(block.text)
        if block.title is None and "accounts" in settings:
            (tmp_path / "job.toml").write_text(block.text, encoding="utf-8")
            assert Job.read(tmp_path / "job.toml").identifiers
        elif block.title is None:
            JobFile.model_fields["engine"].annotation(**settings["engine"])  # type: ignore[misc]


def not_done(page: Path) -> list[str]:
    """The commands of a page that are not run."""
    left = [block.text for block in shown(page, "sh") if page.parent == ROOT or not block.is_run]
    return [line.split("&&")[-1].strip() for line in "\n".join(left).splitlines() if "cardscreen " in line]


@pytest.mark.parametrize("page", [pytest.param(page, id=name_of(page)) for page in PAGES if not_done(page)])
def test_commands_that_are_not_run_exist_with_their_options(page: Path) -> None:
    for line in not_done(page):
        command: Any = as_command(app)
        words = line.split("#")[0].split()[1:]
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert not getattr(command, "commands", {}) or not words, line
        known = {option for param in command.params for option in param.opts} | {"--help", "--version"}
        assert {word for word in words if re.fullmatch(r"--[a-z-]+", word)} <= known, line


def test_every_command_is_in_the_readme() -> None:
    named = {line.split()[1] for line in not_done(ROOT / "README.md")}
    assert named == set(as_command(app).commands)  # type: ignore[attr-defined]


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 170


@pytest.mark.parametrize(
    "page",
    [*PAGES, *(ROOT / f"{name}.md" for name in ("README.zh-CN", "CONTRIBUTING", "SECURITY", "CHANGELOG"))],
    ids=name_of,
)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            name, _, heading = target.partition("#")
            file = (page.parent / name).resolve() if name else page
            made = MADE.get(str(file.relative_to(DOCS))) if file.is_relative_to(DOCS) else None
            assert made is not None or file.exists(), target
            if heading:
                titles = re.findall(r"^#+ (.*)$", made or file.read_text("utf-8"), re.MULTILINE)
                assert heading in [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles], target


def seen(picture: str) -> list[str]:
    """What a picture says, and how long its bars are; whichever release of the library has drawn it."""
    root = ElementTree.fromstring(picture)
    texts = ["".join(each.itertext()) for name in ("title", "desc", "text") for each in root.iter(f"{SVG}{name}")]
    paths = [each.get("d", "") for each in root.iter(f"{SVG}path") if each.get("fill", "").startswith("#")]
    return [*texts, *(f"{float(length):.0f}" for path in paths for length in re.findall(r"^M0,[^h]+h([\d.]+)", path))]


def test_the_picture_of_speed_shows_the_committed_ratios_and_all_of_them() -> None:
    drawing = runpy.run_path(str(DOCS / "pictures/speed.py"))
    ratios = tomllib.loads(drawing["RATIOS"].read_text("utf-8"))
    assert {(group, name) for group, named in ratios.items() for name in named} == {
        *drawing["FASTER"],
        *drawing["LONGER"],
    }
    shown, bars = seen(drawing["PICTURE"].read_text("utf-8")), sum(map(len, ratios.values()))
    assert shown == seen(drawing["drawn"](ratios))
    assert all(each.isdigit() for each in shown[-bars:])
    ratios["rings"]["rings, x the screening"] += 1
    assert shown != seen(drawing["drawn"](ratios))


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    pages = [*(str(page.relative_to(DOCS)) for page in PAGES[1:]), *MADE]
    assert [page for page in pages if page not in text] == []


def test_a_citation_names_the_version_that_is_built() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    cited = dict(re.findall(r"(?m)^([\w-]+): (.+)$", (ROOT / "CITATION.cff").read_text("utf-8")))
    assert {name: cited[name] for name in ("title", "version", "license")} == {
        "title": project["name"],
        "version": project["version"],
        "license": project["license"],
    }


@pytest.mark.parametrize("form", ["wrong-verdict", "crash", "feature"])
def test_a_form_says_not_to_paste_numbers_before_it_asks_anything(form: str) -> None:
    text = (ROOT / f".github/ISSUE_TEMPLATE/{form}.yml").read_text("utf-8")
    first, *asked = text.split("  - type: ")[1:]
    assert first.startswith("markdown")
    assert "**Never paste" in first
    assert asked


def test_every_threat_names_tests_that_are_there() -> None:
    _, *threats = re.split(r"(?m)^- \*\*", (DOCS / "explanation/threat-model.md").read_text("utf-8"))
    for threat in threats:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", threat)
        assert named, threat
        for file, name in named:
            tests = ast.parse((ROOT / file).read_text("utf-8")).body
            assert name in [each.name for each in tests if isinstance(each, ast.FunctionDef)], f"{file}::{name}"


# --- nothing is missing -----------------------------------------------------------------------------


def models_in(annotation: Any) -> set[type[BaseModel]]:
    """The settings that a file may hold, and those in them."""
    found = set(REFERENCE.settings.models_in(annotation))
    for model in [*found]:
        for field in model.model_fields.values():
            found |= models_in(field.annotation)
    return found


MODELS: set[type[BaseModel]] = {part for model in FILES.values() for part in models_in(model)} | {Limits, Bounds}


@pytest.mark.parametrize("model", sorted(MODELS, key=str), ids=lambda model: str(model.__name__))
def test_every_key_that_people_write_says_what_it_means(model: type[BaseModel]) -> None:
    assert meanings(model).keys() == {field.alias or name for name, field in model.model_fields.items()}


def test_every_file_and_every_option_of_every_kind_is_in_the_reference() -> None:
    assert {JobFile, Feed, Policy, LeadsFile, ContactsFile} <= MODELS
    for name, kind in KINDS.items():
        assert meanings(kind).keys() >= {*options_of(name)}, name


def test_every_status_and_every_cause_has_words() -> None:
    known = {*codes.STATUSES, *codes.SCREENED}
    assert [each for name in KINDS for each in REFERENCE.codes.statuses_of(name) if each not in known] == []
    assert [*codes.BECAUSE] == schema.CAUSES.categories.to_list()


def test_every_exit_code_of_an_error_is_told() -> None:
    errors = [CardscreenError]
    for error in errors:
        errors += error.__subclasses__()
    assert {error.exit_code for error in errors} <= EXIT_CODES.keys()


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[str]:
    """All commands that do something."""
    for name, each in getattr(command, "commands", {}).items():
        yield from leaves(each, (*path, name))
    if not hasattr(command, "commands"):
        yield " ".join(path)


def test_every_command_is_shown_on_some_page() -> None:
    done = "\n".join(block.text for page in PAGES[1:] for block in shown(page, "sh"))
    assert [name for name in leaves(as_command(app)) if f"cardscreen {name}" not in done] == []


def test_every_command_is_in_the_reference() -> None:
    commands: Any = as_command(app)
    named = [f"### cardscreen {name}\n" for name, each in commands.commands.items() if not each.hidden]
    assert [name for name in named if name not in MADE["reference/commands.md"]] == []


def test_manifest_and_summary_say_what_the_reference_says(tmp_path: Path) -> None:
    assert cardscreen("init", ".", cwd=tmp_path).code == 0
    assert cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", cwd=tmp_path).code == 0
    assert cardscreen("run", "job.toml", cwd=tmp_path).code == 0
    manifest, summary = (
        json.loads((tmp_path / f"runs/latest/{name}.json").read_text("utf-8")) for name in ("manifest", "summary")
    )
    assert manifest.keys() == MANIFEST_SAYS.keys() - {"discarded", "pruned"}
    assert summary.keys() == SUMMARY_SAYS.keys() - {"unmasked", "unlisted"}
    written = {file.stem for file in (tmp_path / "runs/latest").glob("*.parquet")}
    assert {f"{name}.parquet" for name in written} <= REFERENCE.columns.WRITTEN.keys()
    for name, (_, columns) in REFERENCE.columns.WRITTEN.items():
        if (file := tmp_path / "runs/latest" / name).exists() and file.suffix == ".parquet":
            assert set(columns) <= set(pl.read_parquet_schema(file)), name


def test_every_limit_and_every_check_of_a_list_has_a_word_of_help() -> None:
    from cardscreen.lists.feeds.checks import CHECKS

    text = "".join((DOCS / page).read_text("utf-8") for page in ("troubleshooting.md", "how-to/lists.md"))
    held = [name for name in Limits.model_fields if name.endswith(("_share", "_drop")) or name.startswith("new_")]
    assert [name for name in [*held, *CHECKS] if name not in text] == []
