"""Sentences in the reader's language: gettext catalogues beside this module, English where nothing else is asked for.

English sentences are the messages themselves. Another language has a catalogue, `catalogues/LANG.po`, and its compiled
form. A sentence is one message with named places, never put together from parts: word order differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib import resources
from typing import Any

from cardscreen.foundation.errors import ConfigError, near

#: The languages, each with its own name and its tag (BCP 47).
LANGUAGES = {"en": ("English", "en"), "zh": ("中文", "zh-Hans")}
_PLACE = re.compile(r"\{(\w+)[^}]*\}")


def phrase(message: str) -> str:
    """Mark a message that is said elsewhere, so that translators see it."""
    return message


@dataclass(frozen=True)
class Language:
    """A language to say things in.

    Attributes:
        name: `en` or `zh`.
    """

    name: str = "en"

    def __post_init__(self) -> None:
        if self.name not in LANGUAGES:
            raise ConfigError(
                f"there is no language {self.name!r}{near(self.name, LANGUAGES)}: there are {', '.join(LANGUAGES)}"
            )

    @property
    def tag(self) -> str:
        """As HTML names it."""
        return LANGUAGES[self.name][1]

    def say(self, message: str, /, **values: Any) -> str:
        """A message with its places filled.

        Example:
            >>> Language("zh").say("{count:,} accounts have this number.", count=1200)
            '1,200 个账户使用该号码。'
        """
        said = _catalogue(self.name).gettext(message) if message else ""
        return said.format(**values) if values else said

    def many(self, one: str, more: str, count: int, /, **values: Any) -> str:
        """A message about a number of things; `count` is a place in it."""
        return _catalogue(self.name).ngettext(one, more, count).format(count=count, **values)

    def joined(self, *sentences: str) -> str:
        """Sentences one after the other: with a blank between them where the script has blanks."""
        return ("" if self.name == "zh" else " ").join(sentences)

    def again(self, sentence: str, messages: Iterable[str]) -> str:
        """A sentence that was recorded in English, said in this language; as it is where no message makes it."""
        if self.name == "en":
            return sentence
        for message in sorted(messages, key=len, reverse=True):  # the one that says most, where several fit
            if found := _pattern(message).fullmatch(sentence):
                return _PLACE.sub(lambda place: found[place[1]], _catalogue(self.name).gettext(message))
        return sentence


@cache
def _catalogue(name: str) -> NullTranslations:
    if name == "en":
        return NullTranslations()
    with resources.files(__package__).joinpath(f"catalogues/{name}.mo").open("rb") as compiled:
        return GNUTranslations(compiled)


@cache
def _pattern(message: str) -> re.Pattern[str]:
    """What sentences look like that a message makes."""
    fixed, named = re.split(r"\{\w+[^}]*\}", message), _PLACE.findall(message)
    places = [f"(?P<{name}>.*?)" for name in named] + [""]
    return re.compile("".join(re.escape(text) + place for text, place in zip(fixed, places, strict=True)), re.DOTALL)
