"""A value that must not show: logs, errors, tracebacks with variables and pickles hold its type's name only."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from cardscreen.foundation.errors import ConfigError

_LONGEST_NAME = 32  # characters; a name as long as a secret may be the secret itself, written in the wrong place


def no_core_dump() -> None:
    """Have this process, and those that it starts from now on, leave no memory behind in a file when they crash."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


class Secret:
    """A text that prints as `Secret(…)`, and can be neither pickled nor copied.

    Example:
        >>> password = Secret("correct horse battery staple")
        >>> f"{password} {[password]}"
        'Secret(…) [Secret(…)]'
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Keep the value."""
        no_core_dump()
        self._value = value

    @classmethod
    def from_file(cls, path: str | Path, is_secret: Callable[[str], bool] = lambda _: True) -> Secret:
        """The text of a file that only its owner can read (mode 0600).

        Args:
            path: The file.
            is_secret: Whether a text is one at all: of others the mode is not asked.

        Raises:
            ConfigError: No such file, or others can read it.
        """
        file = Path(path)
        try:
            with file.open(encoding="utf-8") as stream:
                # Of the open file, so that no other takes its place in between.
                mode, secret = os.fstat(stream.fileno()).st_mode, cls(stream.read().strip())
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise ConfigError(f"the key file {file} can't be read: {why}") from None
        if sys.platform != "win32" and mode & (stat.S_IRWXG | stat.S_IRWXO) and is_secret(secret.reveal()):
            raise ConfigError(f"the key file {file} can be read by others: chmod 600 {file}")
        return secret

    @classmethod
    def from_env(cls, name: str, what: str) -> Secret:
        """The text in an environment variable.

        Raises:
            ConfigError: It is not set, or empty; says what should be in it.
        """
        secret = cls(os.environ.get(name, "").strip())
        if not secret.reveal():
            raise ConfigError(f"the environment variable{shown_name(name)} holds no {what}: give the variable's name")
        return secret

    @classmethod
    def from_command(cls, command: Sequence[str], timeout: float, what: str) -> Secret:
        """The text that a program prints, such as one that asks a key management service.

        Args:
            command: The program and its arguments; no shell reads them.
            timeout: Seconds that it may take.
            what: What it should print.

        Raises:
            ConfigError: It can't be run, fails, or takes too long. What it prints is never told.
        """
        if isinstance(command, str) or not command:
            raise ConfigError(f"a command is a program and its arguments, as a list: it prints a {what}")
        no_core_dump()  # the command holds the secret before this process does
        try:
            done = subprocess.run(command, capture_output=True, timeout=timeout, check=True)
            return cls(done.stdout.decode("utf-8").strip())
        except subprocess.CalledProcessError as error:
            why = f"ended with exit code {error.returncode}"
        except subprocess.TimeoutExpired:
            why = f"took more than {timeout:g} s"
        except (OSError, UnicodeDecodeError) as error:
            why = f"can't be run ({getattr(error, 'strerror', None) or 'its output is no text'})"
        # Outside of the handlers: those errors hold what was printed.
        raise ConfigError(f"the command for the {what}, {command[0]}, {why}")

    def reveal(self) -> str:
        """The value itself, for the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        """Nothing of the value, not even its length."""
        return "Secret(…)"

    def __reduce__(self) -> NoReturn:
        """Secrets stay in the process that read them."""
        raise TypeError("a secret can't be pickled or copied: read it where it is needed")

    def __getstate__(self) -> NoReturn:
        """What pickling libraries ask for where they don't ask `__reduce__`."""
        self.__reduce__()


def shown_name(name: str) -> str:
    """The name of an environment variable behind a word, unless it may be the secret itself."""
    return f" {name}" if len(name) < _LONGEST_NAME else ""
