"""The line of each setting: told by files in which every value is the line on which it stands."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardscreen.foundation.settings.lines import Place, lines_of

LINE = "@"  # stands for the number of its own line


def values_of(settings: Any, place: Place = ()) -> Iterator[tuple[Place, Any]]:
    """All single values of parsed TOML, with their places."""
    if isinstance(settings, dict):
        for key, value in settings.items():
            yield from values_of(value, (*place, key))
    elif isinstance(settings, list):
        for at, value in enumerate(settings):
            yield from values_of(value, (*place, at))
    else:
        yield place, settings


def numbered(written: str) -> str:
    """The text with each `@` replaced by the line it is in."""
    return "\n".join(line.replace(LINE, str(number)) for number, line in enumerate(written.split("\n"), 1))


# Names are made unique by a number, so that no table is defined twice.
key = st.tuples(
    st.sampled_from(["a", '"b.c"', "'d # e'", '"f\\"g"', '"[h]"', "i-j_1", '"号码"', '""']), st.integers(0, 99)
)
gap = st.sampled_from(["", " ", "\t"])
comment = st.sampled_from(["", " # x = 1", " #[y]", ' # "z'])
newline = st.sampled_from(["\n", "\n\n", " # in [between] {\n", "\n  # k = '''\n  "])
decoy = st.sampled_from(
    [
        *('"text"', "'C:\\'", '"a \\" # b = [c"', "1979-05-27 07:32:00", "true", "-1.5e3", '""', "''"),
        '"""one\n[rules]\nx = 1 \\"""\n"""',
        "'''\n[[rules]]\n'a' = \"\"\"\n'''",
        '"""ends in quotes"""""',
        "'''ends in quotes''''",
        '"""\n\\\n  folded # no comment\n"""',
    ]
)


def named(part: tuple[str, int]) -> str:
    text, number = part
    return f"{text[:-1]}{number}{text[-1]}" if text[-1] in "'\"" else f"{text}{number}"


keys = st.lists(key, min_size=1, max_size=3).flatmap(
    lambda parts: gap.map(lambda blank: f"{blank}.{blank}".join(map(named, parts)))
)


def array_of(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    each = st.tuples(newline, values, newline).map("".join)
    ends = st.sampled_from(["]", ",]", ", # end ]\n]"])
    return st.lists(each, min_size=1, max_size=3).flatmap(lambda some: ends.map(lambda end: f"[{','.join(some)}{end}"))


def table_of(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    entry = st.tuples(keys, gap, values).map(lambda said: f"{said[0]}{said[1]}={said[1]}{said[2]}")
    return st.lists(entry, max_size=3).map(lambda some: "{ " + ", ".join(some) + " }")


value = st.recursive(st.just(LINE) | decoy, lambda inner: array_of(inner) | table_of(inner), max_leaves=6)
entry = st.tuples(keys, gap, value, comment).map(lambda said: f"{said[0]}{said[1]}={said[1]}{said[2]}{said[3]}")
header = st.tuples(
    st.sampled_from(["[{}]", "[ {} ]", "[[{}]]", "[[ {} ]]"]), keys | st.sampled_from(["r", "r.s", "r.s.t"])
)
section = st.tuples(header.map(lambda said: said[0].format(said[1])), comment, st.lists(entry, max_size=3)).map(
    lambda said: "\n".join([said[0] + said[1], *said[2]])
)


@given(st.lists(entry, max_size=3), st.lists(section, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_each_value_is_found_on_its_line(first: list[str], sections: list[str], ends: str, last: bool) -> None:
    written: list[str] = []
    for part in [*first, *sections]:
        # What can't stand beside the parts before it (a key set twice) is left out.
        try:
            tomllib.loads(numbered("\n".join([*written, part])))
        except tomllib.TOMLDecodeError:
            continue
        written.append(part)
    text = numbered("\n".join(written)).replace("\n", ends) + ends * last
    lines = lines_of(text)
    for place, told in values_of(tomllib.loads(text)):
        assert place in lines
        if type(told) is int:
            assert lines[place] == told


@pytest.mark.parametrize(
    ("text", "place", "line"),
    [
        pytest.param("\n[levels]\nhigh = 1", ("levels",), 2, id="table"),
        pytest.param("\n[a.b]\nx = 1\n[a]", ("a",), 4, id="table-behind-its-child"),
        pytest.param("\n[a.b]\nx = 1", ("a",), 2, id="table-named-by-its-child-only"),
        pytest.param("a.b = 1\na.c = 2", ("a",), 1, id="table-made-by-dotted-keys"),
        pytest.param("a.b = 1\na.c = 2", ("a", "c"), 2, id="dotted-key"),
        pytest.param("[[r]]\n\n[[r]]\nx = 1", ("r",), 1, id="all-tables-of-an-array"),
        pytest.param("[[r]]\n\n[[r]]\nx = 1", ("r", 1), 3, id="second-table-of-an-array"),
        pytest.param("[[r]]\n[r.when]\nk = 1\n[[r]]\n[r.when]\nk = 2", ("r", 1, "when", "k"), 6, id="table-in-second"),
        pytest.param("[[r]]\n[[r.s]]\n[[r]]\n[[r.s]]\n[[r.s]]", ("r", 1, "s", 1), 5, id="array-in-an-array"),
        pytest.param('when = {\t"account.x" = ["a"] }', ("when", "account.x", 0), 1, id="quoted-key-in-a-line"),
        pytest.param("x = [\n  1, # one\n  [2,\n 3]\n]", ("x", 1, 1), 4, id="element-of-an-element"),
        pytest.param("x = [{a = 1},\n{a = 2}]", ("x", 1, "a"), 2, id="table-in-a-list"),
        pytest.param("# a = 1\nb = '# a = 2'\na = 3", ("a",), 3, id="neither-comment-nor-text"),
        pytest.param('b = """\na = 1\n"""\na = 2', ("a",), 4, id="behind-text-of-several-lines"),
    ],
)
def test_a_setting_stands_on_the_line_that_names_it(text: str, place: Place, line: int) -> None:
    tomllib.loads(text)
    assert lines_of(text)[place] == line
