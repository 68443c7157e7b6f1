r"""Digit patterns as intervals: which n-digit strings does a regular expression accept, exactly?

The metadata of libphonenumber describes numbers by regular expressions over digits. Strings of one
fixed length are just the integers from 0 to 10ⁿ - 1, and there each of these expressions accepts a
few intervals: `1[3-5]\d` accepts 130 to 159. So the expression is parsed with Python's own parser,
compiled to a small automaton, and the automaton is walked digit by digit; two ways that lead to the
same states with the same number of digits left have the same continuation, which is computed once.

`matching` answers `re.fullmatch`, `beginning` answers whether `re.match` finds anything, and
`prefixes` also tells what `re.match` consumes and captures. All of them hold for ASCII digits only.
"""

from __future__ import annotations

import re
import re._constants as sre  # type: ignore[import-not-found]
import re._parser as sre_parser  # type: ignore[import-not-found]
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cardscreen.foundation.errors import CardscreenError

#: What a match covers: start and end of the whole match, then of each group, (-1, -1) where unused.
Spans = tuple[tuple[int, int], ...]
#: A closed interval of equally long digit strings, read as integers, and what is true of them all.
Piece = tuple[int, int, Any]

_Interval = tuple[int, int]
#: A state, and where the match and its groups begin and end so far.
_Thread = tuple[int, tuple[int, ...]]

_DIGITS = "0123456789"


class UnknownSyntax(CardscreenError):
    """A pattern uses a construct that cannot be compiled here; whoever needs it must ask instead."""


@dataclass
class _Program:
    """Instructions of a backtracking matcher: `take` a digit, `fork`, `save`, `end` of text, `match`."""

    groups: int
    code: list[tuple[Any, ...]] = field(default_factory=list)
    steps: dict[tuple[int, bool], list[frozenset[int]]] = field(default_factory=dict)
    moves: dict[tuple[frozenset[int], bool], list[tuple[range, frozenset[int]]]] = field(default_factory=dict)
    accepted: dict[tuple[frozenset[int], int, bool], list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, *instruction: Any) -> int:
        self.code.append(instruction)
        return len(self.code) - 1


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces in rising order with touching neighbours of equal value made one.

    Example:
        >>> joined([(0, 4, "a"), (5, 9, "a"), (10, 10, "b")])
        [(0, 9, 'a'), (10, 10, 'b')]
    """
    out: list[Piece] = []
    for low, high, value in pieces:
        if out and out[-1][2] == value and out[-1][1] + 1 == low:
            out[-1] = (out[-1][0], high, value)
        else:
            out.append((low, high, value))
    return out


@lru_cache(maxsize=4096)
def matching(pattern: str, length: int) -> list[tuple[int, int]]:
    """The digit strings of one length that `re.fullmatch` accepts, as sorted disjoint intervals.

    Raises:
        UnknownSyntax: The pattern is not made of digits, classes, groups, repeats and `$` alone.

    Example:
        >>> matching("1[3-5]|2", 2)
        [(13, 15)]
    """
    return _accepted(pattern, length, whole=True)


@lru_cache(maxsize=1024)
def beginning(pattern: str, length: int) -> list[tuple[int, int]]:
    """The digit strings of one length with a beginning that `re.match` accepts, as intervals.

    Raises:
        UnknownSyntax: As for `matching`.

    Example:
        >>> beginning("1[3-5]|2", 2)
        [(13, 15), (20, 29)]
    """
    return _accepted(pattern, length, whole=False)


@lru_cache(maxsize=1024)
def prefixes(pattern: str, length: int) -> list[Piece]:
    """All digit strings of one length, cut by what `re.match` finds in them.

    Returns:
        Pieces that cover 0 to 10ⁿ - 1; the value is the match's spans, or None where none is found.

    Raises:
        UnknownSyntax: As for `matching`.

    Example:
        >>> prefixes("0(1)?", 2)
        [(0, 0, ((0, 1), (-1, -1))), (1, 1, ((0, 2), (1, 2))), (2, 9, ((0, 1), (-1, -1))), (10, 99, None)]
    """
    program = _compiled(pattern)
    start: list[_Thread] = []
    _follow(program, 0, (0, *(-1,) * (2 * program.groups + 1)), 0, length, start)
    return _consumed(program, tuple(start), length, length, {})


def longest(pattern: str) -> int:
    """How many characters `re.match` takes at most of what follows a pattern.

    Example:
        >>> longest("0(1[2-4])?|9")
        3
    """
    return int(sre_parser.parse(pattern).getwidth()[1])


def _consumed(
    program: _Program,
    threads: tuple[_Thread, ...],
    left: int,
    length: int,
    seen: dict[tuple[tuple[_Thread, ...], int], list[Piece]],
) -> list[Piece]:
    """`prefixes` for the digits left, from threads in order of preference.

    A finished thread is last, since it beats all behind it.
    """
    if not left:
        threads = tuple(each for each in threads if program.code[each[0]][0] == "match")
    if not threads or program.code[threads[0][0]][0] == "match":
        slots = threads[0][1] if threads else None
        spans = None if slots is None else tuple(zip(slots[::2], slots[1::2], strict=True))
        return [(0, 10**left - 1, spans)]
    if (threads, left) not in seen:
        after = [_stepped(program, threads, digit, length - left + 1, length) for digit in _DIGITS]
        seen[threads, left] = _spread([_consumed(program, each, left - 1, length, seen) for each in after], left)
    return seen[threads, left]


def _stepped(program: _Program, threads: tuple[_Thread, ...], digit: str, at: int, length: int) -> tuple[_Thread, ...]:
    """The threads behind a digit that ends at `at`."""
    reached: list[_Thread] = []
    for state, slots in threads:
        kind, *rest = program.code[state]
        if kind == "match":
            reached.append((state, slots))
            break
        if digit in rest[0]:
            _follow(program, state + 1, slots, at, length, reached)
            if reached and program.code[reached[-1][0]][0] == "match":
                break
    return tuple(reached)


def forget() -> None:
    """Free what has been computed; it is only needed while tables are built."""
    for each in (matching, beginning, prefixes, _compiled):
        each.cache_clear()


def _accepted(pattern: str, length: int, *, whole: bool) -> list[_Interval]:
    """`matching` and `beginning`: here the order of alternatives does not matter."""
    program = _compiled(pattern)
    return _ways(program, _closure(program, 0, at_end=length == 0), length, whole)


def _ways(program: _Program, states: frozenset[int], left: int, whole: bool) -> list[_Interval]:
    """What is accepted of the digits left, from some states."""
    if len(program.code) - 1 in states and not (whole and left):
        return [(0, 10**left - 1)]
    # What follows depends on the digits left alone, so one memo serves all lengths.
    ways = program.accepted.get((states, left, whole))
    if ways is None:
        ways = program.accepted[states, left, whole] = []
        weight = 10 ** (left - 1)
        for digits, after in _moves(program, states, left == 1) if left else []:
            behind = _ways(program, after, left - 1, whole)
            for digit in digits:
                for low, high in behind:
                    low, high = low + digit * weight, high + digit * weight
                    if ways and ways[-1][1] + 1 == low:
                        low, _ = ways.pop()
                    ways.append((low, high))
    return ways


def _moves(program: _Program, states: frozenset[int], last: bool) -> list[tuple[range, frozenset[int]]]:
    """The digits that can follow, and the states behind them; `last`: it is the last digit of the string."""
    moves = program.moves.get((states, last))
    if moves is None:
        steps = [_steps(program, state, last) for state in states]
        behind = [frozenset().union(*each) for each in zip(*steps, strict=True)]
        runs = [(digit, states) for digit, states in enumerate(behind) if not digit or states != behind[digit - 1]]
        ends = [digit for digit, _ in runs[1:]] + [len(behind)]
        moves = [(range(digit, end), states) for (digit, states), end in zip(runs, ends, strict=True) if states]
        program.moves[states, last] = moves
    return moves


def _steps(program: _Program, state: int, last: bool) -> list[frozenset[int]]:
    """The states behind each of the ten digits from one state."""
    steps = program.steps.get((state, last))
    if steps is None:
        kind, *rest = program.code[state]
        behind = _closure(program, state + 1, at_end=last) if kind == "take" else frozenset()
        steps = [behind if kind == "take" and digit in rest[0] else frozenset() for digit in _DIGITS]
        program.steps[state, last] = steps
    return steps


def _closure(program: _Program, state: int, *, at_end: bool) -> frozenset[int]:
    """Every state that takes a digit or matches and is reached from one without a digit."""
    reached: list[tuple[int, Any]] = []
    _follow(program, state, None, int(at_end), 1, reached)
    return frozenset(each for each, _ in reached)


def _spread(by_digit: Sequence[Sequence[Piece]], left: int) -> list[Piece]:
    """The pieces behind each next digit, as pieces of the strings that begin with that digit."""
    weight = 10 ** (left - 1)
    return joined(
        (digit * weight + low, digit * weight + high, value)
        for digit, pieces in enumerate(by_digit)
        for low, high, value in pieces
    )


def _follow(
    program: _Program,
    state: int,
    slots: tuple[int, ...] | None,
    at: int,
    length: int,
    reached: list[tuple[int, Any]],
) -> None:
    """Append every state that takes a digit or matches and is reached from `state` without a digit.

    `slots` None: captures are not wanted. Stops behind a match, since nothing after it can win;
    without captures all ways are wanted, and the search goes on.
    """
    pending: list[tuple[int, tuple[int, ...] | None]] = [(state, slots)]
    known = {each for each, _ in reached}
    while pending:
        state, slots = pending.pop()
        kind, *rest = program.code[state]
        if kind == "fork":
            pending.extend((each, slots) for each in reversed(rest[0]))
        elif kind == "save":
            if slots is not None:
                slots = (*slots[: rest[0]], at, *slots[rest[0] + 1 :])
            pending.append((state + 1, slots))
        elif kind == "end":
            if at == length:
                pending.append((state + 1, slots))
        elif state not in known:
            known.add(state)
            if kind == "match" and slots is not None:
                reached.append((state, (slots[0], at, *slots[2:])))
                return
            reached.append((state, slots))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> _Program:
    tree = sre_parser.parse(pattern)
    if tree.state.flags & ~re.UNICODE:
        raise UnknownSyntax(f"the pattern {pattern!r} has flags, which are not read here")
    program = _Program(groups=tree.state.groups - 1)
    _emit(program, tree)
    program.add("match")
    return program


def _emit(program: _Program, tree: Iterable[tuple[Any, Any]]) -> None:
    """Append the instructions for a parsed pattern."""
    for kind, argument in tree:
        if kind is sre.LITERAL:
            program.add("take", chr(argument) if chr(argument) in _DIGITS else "")
        elif kind is sre.NOT_LITERAL:
            program.add("take", _DIGITS.replace(chr(argument), ""))
        elif kind is sre.IN:
            program.add("take", _class_digits(argument))
        elif kind is sre.AT and argument is sre.AT_END:
            program.add("end")
        elif kind is sre.SUBPATTERN and not argument[1] and not argument[2]:
            _emit_group(program, argument[0], argument[3])
        elif kind is sre.BRANCH:
            _emit_branches(program, argument[1])
        elif kind is sre.MAX_REPEAT and argument[1] is not sre.MAXREPEAT:
            _emit_repeated(program, *argument)
        else:
            raise UnknownSyntax(f"no rule for {kind} in a digit pattern")


def _emit_group(program: _Program, group: int | None, body: Any) -> None:
    if group is None:
        _emit(program, body)
        return
    program.add("save", 2 * group)
    _emit(program, body)
    program.add("save", 2 * group + 1)


def _emit_branches(program: _Program, branches: Sequence[Any]) -> None:
    fork = program.add("fork", ())
    starts, exits = [], []
    for branch in branches:
        starts.append(len(program.code))
        _emit(program, branch)
        exits.append(program.add("fork", ()))
    program.code[fork] = ("fork", tuple(starts))
    for each in exits:
        program.code[each] = ("fork", (len(program.code),))


def _emit_repeated(program: _Program, least: int, most: int, body: Any) -> None:
    """A body that follows some times; greedy, so going on is tried first."""
    for _ in range(least):
        _emit(program, body)
    forks = []
    for _ in range(most - least):
        forks.append(program.add("fork", ()))
        _emit(program, body)
    for each in forks:
        program.code[each] = ("fork", (each + 1, len(program.code)))


def _class_digits(members: Iterable[tuple[Any, Any]]) -> str:
    """The digits that a character class holds."""
    members = list(members)
    negated = bool(members) and members[0][0] is sre.NEGATE
    held: set[str] = set()
    for kind, argument in members[negated:]:
        if kind is sre.LITERAL:
            held.add(chr(argument))
        elif kind is sre.RANGE:
            held.update(digit for digit in _DIGITS if argument[0] <= ord(digit) <= argument[1])
        elif kind is sre.CATEGORY and argument is sre.CATEGORY_DIGIT:
            held.update(_DIGITS)
        else:
            raise UnknownSyntax(f"no rule for {kind} in a class of digits")
    return "".join(digit for digit in _DIGITS if (digit in held) != negated)
