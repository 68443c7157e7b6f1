"""A value that must not show: logs, errors, tracebacks with variables and pickles hold its type's name only."""

from __future__ import annotations

from typing import NoReturn


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
        self._value = value

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
