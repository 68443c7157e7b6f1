"""Feeds of public lists whose layout their publishers describe: TOML files beside this module."""

from __future__ import annotations

from importlib import resources

from cardscreen.foundation.errors import ConfigError, near
from cardscreen.foundation.settings.toml import TomlFile
from cardscreen.lists.feeds.feed import Feed


def _texts() -> dict[str, str]:
    files = (file for file in resources.files(__name__).iterdir() if file.name.endswith(".toml"))
    return {
        file.name.removesuffix(".toml"): file.read_text(encoding="utf-8")
        for file in sorted(files, key=lambda file: file.name)
    }


def described() -> dict[str, str]:
    """Name of each preset → its first line: what it is and where it is described."""
    return {name: text.splitlines()[0].lstrip("# ") for name, text in _texts().items()}


def feed(name: str) -> Feed:
    """The feed of a preset.

    Raises:
        ConfigError: There is none of that name.

    Example:
        >>> feed("ftc-dnc").columns.value
        'Company_Phone_Number'
    """
    texts = _texts()
    if name not in texts:
        raise ConfigError(f"there is no preset {name!r}{near(name, texts)}: there are {', '.join(texts)}")
    return Feed.from_settings(TomlFile.of(texts[name], f"the preset {name}"))
