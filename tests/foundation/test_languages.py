"""Languages: every message has its translation, with the same places, and what was recorded can be said again."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from commands import cardscreen
from nights import JOB, Operator, account, listing, phone

import cardscreen as cs
from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.words.languages import LANGUAGES, Language
from cardscreen.runs.brakes import PAST
from cardscreen.runs.messages.in_vain import IN_VAIN

ROOT = Path(cs.__file__).parents[1]
CATALOGUES = Path(cs.__file__).parent / "foundation/words/catalogues"
OTHERS = [name for name in LANGUAGES if name != "en"]


@pytest.fixture(scope="module")
def messages(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """All that is marked for translators, found as CONTRIBUTING.md says."""
    file = tmp_path_factory.mktemp("messages") / "messages.pot"
    told = ["-F", "pyproject.toml", "--no-default-keywords", "-k", "phrase", "-k", "say", "-k", "many:1,2"]
    babel = [sys.executable, "-c", "from babel.messages.frontend import main; main()"]
    subprocess.run([*babel, "-q", "extract", *told, "-o", file, "."], cwd=ROOT, check=True, capture_output=True)
    with file.open("rb") as stream:
        return pofile.read_po(stream)


def catalogue(name: str) -> Catalog:
    with (CATALOGUES / f"{name}.po").open("rb") as stream:
        return pofile.read_po(stream)


def forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


@pytest.mark.parametrize("name", OTHERS)
def test_every_message_is_translated_and_nothing_else_is(name: str, messages: Catalog) -> None:
    wanted = {message.id for message in messages if message.id}
    there = {message.id for message in catalogue(name) if message.id and all(forms(message.string))}
    assert wanted - there == set()
    assert there - wanted == set()
    assert not [message.id for message in catalogue(name) if message.fuzzy and message.id]


@pytest.mark.parametrize("name", OTHERS)
def test_a_translation_has_the_places_of_its_message(name: str) -> None:
    for message in catalogue(name):
        if message.id:
            wanted = set(re.findall(r"\{[^}]*\}", forms(message.id)[-1]))
            for text in forms(message.string):
                assert set(re.findall(r"\{[^}]*\}", text)) == wanted, message.id


@pytest.mark.parametrize("name", OTHERS)
def test_the_compiled_catalogue_is_that_of_its_text(name: str) -> None:
    with (CATALOGUES / f"{name}.mo").open("rb") as stream:
        compiled = mofile.read_mo(stream)
    read, written = (
        {forms(each.id)[0]: forms(each.string) for each in book if each.id} for book in (compiled, catalogue(name))
    )
    assert read == written


def test_chinese_is_chinese() -> None:
    plain = [message.id for message in catalogue("zh") if message.id and not re.search("[一-鿿]", str(message.string))]
    # Signs and names only.
    assert [each for each in plain if re.search("[a-z]{3}", re.sub(r"\{[^}]*\}", "", str(each)))] == []


@pytest.mark.parametrize("messages_of", [PAST, IN_VAIN])
def test_what_was_recorded_in_english_is_said_again(messages_of: dict[str, str]) -> None:
    for message in messages_of.values():
        named = {name: f"<{name}>" for name in re.findall(r"\{(\w+)\}", message)}
        recorded = message.format(**named)
        assert Language("zh").again(recorded, messages_of.values()) == Language("zh").say(message).format(**named)
        assert Language().again(recorded, messages_of.values()) == recorded


def test_what_no_message_makes_stays_as_it_is() -> None:
    assert Language("zh").again("of another release: {x}", PAST.values()) == "of another release: {x}"


def test_an_unknown_language_is_told() -> None:
    with pytest.raises(ConfigError, match="there is no language 'de': there are en, zh"):
        Language("de")


def test_a_job_in_chinese_writes_notices_in_chinese_and_is_explained_so(tmp_path: Path) -> None:
    operator = Operator(tmp_path, 'lang = "zh"\n' + JOB)
    operator.night(1, [account("a", phone(1)), account("b", phone(2))], [listing(phone(1)), listing(phone(2))])
    night = operator.night(2, [account("a", phone(1)), account("b", phone(9))], [listing(phone(1)), listing(phone(2))])
    first = operator.published()[0]
    assert "据报与电信网络诈骗有关。" in (first / "notices/suspend.csv").read_text(encoding="utf-8")
    assert "该账户不再使用该号码。" in (night.folder / "actions/release.csv").read_text(encoding="utf-8")
    told = cardscreen("explain", "a", "--run", night.folder, cwd=tmp_path).out
    assert "建议暂停该账户" in told
    assert not re.search("[A-Za-z]{3,} [a-z]{3,}", re.sub(r"mobile|police|police's", "", told)), told
    english = cardscreen("explain", "a", "--run", night.folder, "--lang", "en", cwd=tmp_path).out
    assert "It is recommended to suspend the account" in english
    assert night.manifest["lang"] == "zh"


def test_a_language_that_there_is_not_is_told_with_its_line(tmp_path: Path) -> None:
    operator = Operator(tmp_path, 'lang = "fr"\n' + JOB)
    failed = cardscreen("run", "job.toml", cwd=operator.folder)
    assert failed.code == 2
    assert "job.toml, line 1" in failed.err
