"""The time zone of this machine, which holds where nobody names another."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from cardscreen.foundation.errors import ConfigError, near

_LOCALTIME = Path("/etc/localtime")
_FOLDER = re.compile(r"/zoneinfo/(?:posix/|right/)?(.+)$")
#: A rule instead of a name, such as CST-8 (POSIX.1-2017, 8.3), which the system's own clock follows.
_RULE = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)[+-]?[0-9]{1,2}(?::[0-9]{2}){0,2}(?:[A-Za-z<].*)?")


@dataclass(frozen=True)
class Zone:
    """A time zone.

    Attributes:
        info: By which times are told; None: by the system's own clock.
        words: Its name, and who says that it is meant.
        is_named: Whether anybody does.
    """

    info: tzinfo | None
    words: str
    is_named: bool = True

    @classmethod
    def named(cls, name: str) -> Zone:
        """One that somebody names; see `settings.toml.known_zone`."""
        return cls(ZoneInfo(name), name)


def local_zone() -> Zone:
    """That of this machine: what the environment's TZ says, else `/etc/localtime`, else its clock.

    Raises:
        ConfigError: TZ is no time zone; tells the near one. The system would take it for UTC.

    Example:
        >>> from unittest import mock
        >>> with mock.patch.dict(os.environ, TZ="Asia/Shanghai"):
        ...     local_zone().words
        'Asia/Shanghai, as TZ says'
    """
    variable = os.environ.get("TZ")
    if variable:
        return _of_environment(variable.removeprefix(":"))
    if variable is None and _LOCALTIME.exists():
        name = _FOLDER.search(_LOCALTIME.resolve().as_posix())
        for which in filter(None, [name and name[1], _LOCALTIME]):
            if info := _info(which):
                return Zone(info, f"{name[1] if name else _LOCALTIME}, the time zone of this machine")
    clock = datetime.now(UTC).astimezone().tzname()
    return Zone(None, f"{clock}, as this machine's clock says, which names no time zone", is_named=False)


def local_name() -> str:
    """The name of that time zone; UTC where it has none.

    Raises:
        ConfigError: TZ is no time zone.
    """
    return getattr(local_zone().info, "key", None) or "UTC"


def _of_environment(text: str) -> Zone:
    info = _info(Path(text) if Path(text).is_absolute() else text)
    if info is None and not _RULE.fullmatch(text):
        raise ConfigError(
            f"the environment's TZ is {text!r}, which is no time zone{near(text, available_timezones())}: mend it, or "
            "name the timezone that is meant in the settings"
        )
    return Zone(info, f"{text}, as TZ says")


def _info(which: str | Path) -> tzinfo | None:
    """A time zone by its name or file; None where there is none."""
    with suppress(ValueError, LookupError, OSError):
        if isinstance(which, str):
            return ZoneInfo(which)
        with which.open("rb") as file:
            return ZoneInfo.from_file(file)
    return None
