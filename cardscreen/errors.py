"""Every error that cardscreen raises on purpose, in one tree.

    CardscreenError
    ├── ConfigError          a setting, an option, a job or policy file is wrong          (exit 2)
    ├── InputError           a frame or a file does not have the promised shape           (exit 3)
    │   ├── MissingColumn    a named column is not there
    │   ├── BlocklistError   listings that cannot be read or trusted
    │   └── FeedRefused      a source's file failed its checks; the store is as it was
    ├── HeldForApproval      the run is complete, but past a limit: a person must decide  (exit 4)
    └── Busy                 another run works in the same folder                         (exit 5)

A message says what was found, where, and what to do next. It names columns, files, rows and counts,
and never holds a phone or card number: whatever has the digits of a card is taken out where an error is made,
since people write numbers where names belong.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence


class CardscreenError(Exception):
    """The parent of all errors that cardscreen raises on purpose; `exit_code` is the command line's."""

    exit_code = 1

    def __init__(self, *said: object) -> None:
        """Keep what is said, without card numbers."""
        super().__init__(*(without_cards(each) if isinstance(each, str) else each for each in said))


class ConfigError(CardscreenError):
    """A setting, an option, a job file or a policy file is wrong."""

    exit_code = 2


class InputError(CardscreenError):
    """A frame or a file does not have the shape that was promised."""

    exit_code = 3


class MissingColumn(InputError):
    """A column that was asked for by name is not in the input.

    Attributes:
        column: The name that was asked for.
        available: The names that are there.
        where: What was read: a file or "the accounts".
    """

    def __init__(self, column: str, available: Sequence[str], where: str = "the accounts") -> None:
        """Keep the fields; the message is made from them."""
        self.column = without_cards(column)
        self.available = [without_numbers(name) for name in available]
        self.where = without_cards(where)
        self._suspicion = _suspicion(available)
        super().__init__(column, self.available, where)

    def __str__(self) -> str:
        """Name the column, the near one, and what there is."""
        names = [name[:_NAME_LENGTH] for name in self.available[:_NAMES]]
        more = f" and {len(self.available) - _NAMES} more" if len(self.available) > _NAMES else ""
        return (
            f"{self.where}: there is no column {self.column!r}{near(self.column, names)}. "
            f"The columns are: {', '.join(names)}{more}.{self._suspicion}"
        )


_NAMES = 30  # column names that a message shows
_NAME_LENGTH = 40
#: Digits of any script, with a few signs between them.
_NUMBER = re.compile(r"\d(?:[\W_]{0,3}\d){5,}")
#: As many digits as the shortest card number has, with blanks, hyphens or dots between them: no date is so long.
_CARD = re.compile(r"\d(?:[\s.\-\u2010-\u2015\u2212\uff0d]{0,3}\d){11,}")


def _suspicion(names: Sequence[str]) -> str:
    if len(names) == 1 and (found := [mark for mark in ";|\t" if mark in names[0]]):
        return f" Are they separated by {found[0]!r}? Then say so: delimiter = {found[0]!r}."
    if any(_NUMBER.search(name) for name in names):
        return " These look like data: has the file no header?"
    return ""


class BlocklistError(InputError):
    """Listings that cannot be read or trusted."""


class FeedRefused(InputError):
    """A source's file failed one or more checks; nothing of it was taken.

    Attributes:
        path: The file.
        problems: Name and message of each failed check.
        rejects: Where the rows are that can't be used; None where there are none.
    """

    def __init__(self, path: str, problems: Sequence[tuple[str, str]], rejects: str | None = None) -> None:
        """Keep every problem."""
        self.path = path
        self.problems = list(problems)
        self.rejects = rejects
        super().__init__(path, self.problems, rejects)

    def __str__(self) -> str:
        """Every problem in a line of its own, and how to go on."""
        lines = [f"{self.path} is refused, and the store is as it was:"]
        lines += [f"  {check}: {message}" for check, message in self.problems]
        if self.rejects:
            lines.append(f"The rows that can't be used are in {self.rejects}.")
        waivable = sorted({check for check, _ in self.problems if check != _NEVER_WAIVED})
        if waivable:
            flags = " ".join(f"--allow {check}" for check in waivable)
            lines.append(f"Get a better file; or, where this one is right all the same, say {flags}")
        return "\n".join(lines)


_NEVER_WAIVED = "allow"


class HeldForApproval(CardscreenError):
    """The screening is complete, but one or more limits were passed: a person must decide.

    Attributes:
        reasons: One sentence with figures for each limit that was passed.
    """

    exit_code = 4

    def __init__(self, reasons: Sequence[str]) -> None:
        """Keep every reason."""
        self.reasons = [without_cards(reason) for reason in reasons]
        super().__init__(self.reasons)

    def __str__(self) -> str:
        """All reasons, one after another."""
        return "held for approval: " + "; ".join(self.reasons)


class Busy(CardscreenError):
    """Another process works in the same output folder."""

    exit_code = 5


def without_numbers(text: str) -> str:
    """Text for a message: whatever may be a phone or card number is left out."""
    return _NUMBER.sub("…", text)


def without_cards(text: str) -> str:
    """Text for a message: whatever has the digits of a card number is left out; dates, counts and short codes stay."""
    return _CARD.sub("…", text)


def first_line(error: BaseException) -> str:
    """An engine's error in one line, without the values that it quotes."""
    line = (str(error).splitlines() or [type(error).__name__])[0]
    return without_numbers(line)


def missing_extra(package: str, extra: str) -> str:
    """What to say where a package of an extra is not installed."""
    return f"{package} is not installed: pip install 'cardscreen[{extra}]'"


def near(name: str, known: Iterable[str]) -> str:
    """A hint for a message: `` (did you mean 'mobile'?)``, or nothing where no known name is near."""
    folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""
