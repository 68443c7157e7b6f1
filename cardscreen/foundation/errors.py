"""Every error that cardscreen raises on purpose, in one tree.

    CardscreenError
    ├── ConfigError          a setting, an option, a job or policy file is wrong          (exit 2)
    ├── InputError           a frame or a file does not have the promised shape           (exit 3)
    │   ├── MissingColumn    a named column is not there
    │   ├── BadDate          cells of an account column of days are none
    │   ├── UnclearEncoding  text that is in no encoding that is read unasked
    │   ├── BadHeader        columns without a name, or two of one name
    │   ├── BlocklistError   listings that cannot be read or trusted
    │   └── FeedRefused      a source's file failed its checks; the store is as it was
    ├── HeldForApproval      the run is complete, but past a limit: a person must decide  (exit 4)
    └── Busy                 another run works in the same folder                         (exit 5)

A message says what was found, where, and what to do next. It names columns, files, rows and counts,
and never holds a phone or card number: whatever has the digits of a card is taken out where an error is made,
since people write numbers where names belong. What is said is a line, or several; a line break within one is not ours,
and is written out like all that would steer a terminal (`words.shown`).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from cardscreen.foundation.words import shown


class CardscreenError(Exception):
    """The parent of all errors that cardscreen raises on purpose; `exit_code` is the command line's."""

    exit_code = 1

    def __init__(self, *lines: object) -> None:
        """Keep the lines of the message, without card numbers."""
        super().__init__(*(shown(without_cards(each)) if isinstance(each, str) else each for each in lines))

    def __str__(self) -> str:
        """All lines."""
        return "\n".join(map(str, self.args))


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
        hint: What may be the matter, and how to mend it.
    """

    def __init__(self, column: str, available: Sequence[str], where: str = "the accounts", hint: str = "") -> None:
        """Keep the fields; the message is made from them."""
        self.column = without_cards(column)
        self.available = [without_numbers(name) for name in available]
        self.where = without_cards(where)
        self.hint = hint
        self._mark = next((mark for mark in _MARKS if len(available) == 1 and mark in available[0]), None)
        # Made anew, as by `hinting`, it has "…" in place of numbers.
        looks_like_data = self._mark is None and any(_NUMBER.search(name) or "…" in name for name in available)
        self._suspicion = " These look like data: has the file no header?" * looks_like_data
        super().__init__(column, self.available, where, hint)

    def __str__(self) -> str:
        """Name the column, the near one, and what there is."""
        names = [name[:_NAME_LENGTH] for name in self.available[:_NAMES]]
        more = f" and {len(self.available) - _NAMES} more" if len(self.available) > _NAMES else ""
        question = f" Are they separated by {self._mark!r}?" if self._mark else self._suspicion
        return shown(
            f"{self.where}: there is no column {self.column!r}{near(self.column, names)}. "
            f"The columns are: {', '.join(names)}{more}.{question}{self.hint}"
        )

    def hinting(self, rows: Mapping[int, Sequence[str]], say: Callable[[str, object], str]) -> MissingColumn:
        """The same with a hint.

        Args:
            rows: The first lines of the file, and the cells of each.
            say: How whoever is told says an option; empty where he can't.
        """
        line = next((line for line, cells in rows.items() if self.column in cells), None)
        hint = self.hint
        if line is not None and (way := say("header_row", line)):
            hint = f" Line {line} has it: {way}."
        elif self._mark and rows and (way := say("delimiter", self._mark)):
            hint = f" Then {way}."
        return MissingColumn(self.column, self.available, self.where, hint)


class BadDate(InputError):
    """Cells of an account column of days that are none.

    Attributes:
        column: The column.
        count: How many there are.
        like: What the first one looks like, and where it stands.
        form: The format that was asked for; None: YYYY-MM-DD.
        hint: How to say another format.
    """

    def __init__(self, column: str, count: int, like: str, form: str | None, hint: str = "") -> None:
        """Keep the fields; the message is made from them."""
        self.column, self.count, self.like, self.form, self.hint = without_cards(column), count, like, form, hint
        super().__init__(column, count, like, form, hint)

    def __str__(self) -> str:
        """Name the column, how many cells, the first of them, and what to do."""
        like = f" (the first: {self.like})" if self.like else ""
        wanted = f"in the format {self.form}" if self.form else "as YYYY-MM-DD"
        way = f", {self.hint} if they are written so," if self.hint else ""
        return shown(
            f"column {self.column!r} holds {self.count:,} values that are no dates{like}: write them {wanted}{way} "
            "or leave the cell empty where the day is not known (1900-01-01 and days before it stand for none)"
        )

    def hinting(self, rows: Mapping[int, Sequence[str]], say: Callable[[str, object], str]) -> BadDate:  # noqa: ARG002
        """The same with a hint, as for `MissingColumn`."""
        way = "" if self.form else say("date_format", "%d/%m/%Y")
        return BadDate(self.column, self.count, self.like, self.form, way)


class BadHeader(InputError):
    """A header that does not name each column once.

    Attributes:
        problem: What is wrong with it.
        hint: What may be the matter, and how to mend it; None: nobody has said so.
    """

    def __init__(self, problem: str, hint: str | None = None) -> None:
        """Keep the fields; the message is made from them."""
        self.problem, self.hint = without_cards(problem), hint
        super().__init__(problem, hint)

    def __str__(self) -> str:
        """The problem, and what may be the matter."""
        return shown(self.problem + (self.hint or ""))

    def hinting(self, rows: Mapping[int, Sequence[str]], say: Callable[[str, object], str]) -> BadHeader:
        """The same with a hint, as for `MissingColumn`: a title above the header has cells without names.

        What was told once is told by who opened the file.
        """
        if self.hint is not None:
            return self
        named = (line for line, cells in rows.items() if len(cells) > 1 and all(cells) and len({*cells}) == len(cells))
        line = next(named, None) if "has no name" in self.problem else None
        way = say("header_row", line) if line else ""
        return BadHeader(self.problem, f". If line {line} names the columns, {way}" if way else "")


class UnclearEncoding(InputError):
    """Text that is not in the encoding that was named, or in none that is read unasked.

    Attributes:
        problem: What is wrong with it.
        likely: The encoding that it may be in; empty where none is likely.
        hint: How to mend it; None: nobody has said so.
    """

    def __init__(self, problem: str, likely: str = "", hint: str | None = None) -> None:
        """Keep the fields; the message is made from them."""
        self.problem, self.likely, self.hint = without_cards(problem), likely, hint
        super().__init__(problem, likely, hint)

    def __str__(self) -> str:
        """The problem, and how to mend it."""
        return shown(f"{self.problem}{';' if 'bad byte' in self.problem else ':'} {self.hint or 'name its encoding'}")

    def hinting(self, rows: Mapping[int, Sequence[str]], say: Callable[[str, object], str]) -> UnclearEncoding:  # noqa: ARG002
        """The same with a hint, as for `BadHeader`."""
        if self.hint is not None:
            return self
        way = say("encoding", self.likely or "…")
        return UnclearEncoding(self.problem, self.likely, f"name its encoding: {way}" if way else "save it as UTF-8")


#: What may stand between fields.
_MARKS = ";|\t"  # that stand between fields
_NAMES = 30  # column names that a message shows
_NAME_LENGTH = 40
#: Digits of any script, with a few signs between them.
_NUMBER = re.compile(r"\d(?:[\W_]{0,3}\d){5,}")
#: As many digits as the shortest card number has, with blanks, hyphens or dots between them: no date is so long.
_CARD = re.compile(r"\d(?:[\s.\-\u200b-\u2015\u2060\u2212\ufeff\uff0d]{0,3}\d){11,}")
#: The same with any signs between them: dates, times and counts are written so, too.
_DIGITS = re.compile(r"\d(?:[\W_]{0,3}\d){12,}")
#: A day or an instant as ISO 8601 writes them, with no other digits beside it: no card or phone number is written so.
_ISO = re.compile(
    r"(?<!\d)(?<!\d[\W_])(?<!\d[\W_]{2})(?<!\d[\W_]{3})"
    r"(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
    r"(?:[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,6})?)?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?)?"
    r"(?![\W_]{0,3}\d)"
)
_FEWEST, _MOST, _GROUP, _GROUPS = 13, 19, 3, 6  # digits of a card number, of its groups but the last, and groups


class BlocklistError(InputError):
    """Listings that cannot be read or trusted."""


class FeedRefused(InputError):
    """A source's file failed one or more checks; nothing of it was taken.

    Attributes:
        path: The file.
        problems: Name and message of each failed check.
        rejects: Where the rows are that can't be used; None where there are none.
        allowed: Checks that were waived already.
    """

    def __init__(
        self, path: str, problems: Sequence[tuple[str, str]], rejects: str | None = None, allowed: Iterable[str] = ()
    ) -> None:
        """Keep every problem."""
        self.path = without_cards(path)
        self.allowed = sorted(allowed)
        self.problems = [(check, without_cards(message)) for check, message in problems]
        self.rejects = without_cards(rejects) if rejects else None
        super().__init__(path, self.problems, rejects, self.allowed)

    def __str__(self) -> str:
        """Every problem in a line of its own, and how to go on."""
        lines = [f"{self.path} is refused, and the store is as it was:"]
        lines += [f"  {check}: {message}" for check, message in self.problems]
        if self.rejects:
            lines.append(f"The rows that can't be used are in {self.rejects}.")
        waivable = sorted({check for check, _ in self.problems if check not in _NEVER_WAIVED})
        if waivable:
            flags = " ".join(f"--allow {check}" for check in sorted({*waivable, *self.allowed}))
            lines.append(f"Get a better file; or, where this one is right all the same, say {flags}")
        return "\n".join(map(shown, lines))


#: The check that a delivery fails whose rejects can't be written.
UNWRITTEN = "rejects"
_NEVER_WAIVED = ("allow", UNWRITTEN)


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
        return shown("held for approval: " + "; ".join(self.reasons))


class Busy(CardscreenError):
    """Another process works in the same output folder."""

    exit_code = 5


def without_numbers(text: str) -> str:
    """Text for a message: whatever may be a phone or card number is left out; days and instants stay."""
    return _beside_instants(_NUMBER, lambda _: "…", text)


def without_cards(text: str) -> str:
    """Text for a message: whatever has the digits of a card number is left out; dates, counts and short codes stay.

    In a message a number too few does no harm, so this judges more coarsely than `cards.in_text` does.
    """
    text = _beside_instants(_DIGITS, lambda run: "…" if _may_be_card(run) else run, text)
    return _beside_instants(_CARD, lambda _: "…", text)


def _beside_instants(numbers: re.Pattern[str], shown_as: Callable[[str], str], text: str) -> str:
    """Text in which what looks like a number, and is no day or instant, is shown as is said."""
    parts, at = list[str](), 0
    for instant in _ISO.finditer(text):
        parts += [numbers.sub(lambda run: shown_as(run[0]), text[at : instant.start()]), instant[0]]
        at = instant.end()
    return "".join([*parts, numbers.sub(lambda run: shown_as(run[0]), text[at:])])


def _may_be_card(digits: str) -> bool:
    """Whether groups of digits that follow each other pass the check of cards (ISO/IEC 7812-1, Annex B)."""
    groups = ["".join(str(int(digit)) for digit in group) for group in re.findall(r"\d+", digits)]
    spans = (groups[start : start + size] for start in range(len(groups)) for size in range(1, _GROUPS + 1))
    numbers = ["".join(groups), *("".join(span) for span in spans if all(len(group) >= _GROUP for group in span[:-1]))]
    return any(_FEWEST <= len(number) <= _MOST and number[0] in "23456" and _is_sound(number) for number in numbers)


def _is_sound(number: str) -> bool:
    doubled = (divmod(2 * int(digit), 10) for digit in number[-2::-2])
    unionpay = number.startswith("62") and len(number) > _FEWEST
    return unionpay or (sum(map(int, number[::-2])) + sum(map(sum, doubled))) % 10 == 0


def first_line(error: BaseException) -> str:
    """An engine's error in one line, without the values that it quotes."""
    message = getattr(error, "strerror", None) or str(error)  # the system's own, which names no file
    line = (message.splitlines() or [type(error).__name__])[0]
    return without_numbers(line)


def missing_extra(package: str, extra: str) -> str:
    """What to say where a package of an extra is not installed."""
    return f"{package} is not installed: pip install 'cardscreen[{extra}]'"


def near(name: str, known: Iterable[str]) -> str:
    """A hint for a message: `` (did you mean 'mobile'?)``, or nothing where no known name is near."""
    folded = {each.casefold(): each for each in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    return f" (did you mean {folded[close[0]]!r}?)" if close else ""
