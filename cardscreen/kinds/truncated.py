"""Numbers of which not all is known: what they show, and which numbers they may be.

In the canonical form leading and trailing digits are shown, and between them stands a `*` for each hidden digit, or
`…` where it is not said how many there are. Where it is open whether the last digit is one of the number, or its check
digit, it stands in brackets: `894902000001234567(8)`.
"""

from __future__ import annotations

import polars as pl

from cardscreen.foundation.cards.schemes import LONGEST, SHORTEST

_BRACKETS = r"^([0-9]+)\(([0-9])\)$"
_LENGTHS = pl.DataFrame({"length": range(SHORTEST, LONGEST + 1)})


def hides_digits(text: pl.Expr) -> pl.Expr:
    """Whether a canonical text is a number of which not all is known."""
    return text.str.contains(r"[*…(]")


def either_reading(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The shorter and the longer number that a canonical text may be; of any other than an open one, itself."""
    head = text.str.extract(_BRACKETS)
    return head.fill_null(text), (head + text.str.extract(_BRACKETS, 2)).fill_null(text)


def _hides_length(text: pl.Expr) -> pl.Expr:
    return text.str.contains("…", literal=True)


def _ends(text: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The leading and the trailing digits shown: of a number that hides none, all digits twice."""
    return text.str.extract("^([0-9]*)"), text.str.extract("([0-9]*)$")


def may_be_one(this: pl.Expr, other: pl.Expr) -> pl.Expr:
    """Whether no digit that two canonical texts both show, and no length that both tell, is another one: Boolean.

    Example:
        >>> others = pl.DataFrame({"x": ["62220212****1234", "622202…1234", "622202*******1234"]})
        >>> others.select(may_be_one(pl.lit("622202******1234"), pl.col("x"))).to_series().to_list()
        [True, True, False]
        >>> others = pl.DataFrame({"x": ["894902000001234567", "8949020000012345678", "8949020000012345679"]})
        >>> others.select(may_be_one(pl.lit("894902000001234567(8)"), pl.col("x"))).to_series().to_list()
        [True, True, False]
    """
    either = [one == another for one in either_reading(this) for another in either_reading(other)]
    (head, tail), (other_head, other_tail) = _ends(this), _ends(other)
    heads = head.str.starts_with(other_head) | other_head.str.starts_with(head)
    tails = tail.str.ends_with(other_tail) | other_tail.str.ends_with(tail)
    length, other_length = this.str.len_chars(), other.str.len_chars()
    lengths = (
        pl.when(_hides_length(this) & _hides_length(other))
        .then(pl.lit(value=True))
        .when(_hides_length(this))
        .then(_shown(this) <= other_length)
        .when(_hides_length(other))
        .then(_shown(other) <= length)
        .otherwise((length == other_length) & _overlap(head, other_tail, length) & _overlap(other_head, tail, length))
    )
    is_open = this.str.contains("(", literal=True) | other.str.contains("(", literal=True)
    return pl.when(is_open).then(pl.any_horizontal(either)).otherwise(heads & tails & lengths)


def _shown(text: pl.Expr) -> pl.Expr:
    head, tail = _ends(text)
    return head.str.len_bytes() + tail.str.len_bytes()


def _overlap(head: pl.Expr, tail: pl.Expr, length: pl.Expr) -> pl.Expr:
    """Whether the head of one number of some length has the digits of another's tail, where both show them."""
    both = (head.str.len_bytes().cast(pl.Int64) + tail.str.len_bytes() - length).clip(lower_bound=0)
    return head.str.tail(both) == tail.str.head(both)


def spans(values: pl.DataFrame) -> pl.DataFrame:
    """The numbers that values may be, a row for each length that they may have.

    Args:
        values: `value` (String, canonical), and other columns, which are kept.

    Returns:
        `lowest` and `highest` (String) besides: all numbers that a value may be are among those from one to the other.
        Of a value that hides nothing both are the value itself.

    Example:
        >>> spans(pl.DataFrame({"value": ["622202******1234"]})).row(0)
        ('622202******1234', '6222020000001234', '6222029999991234')
    """
    value = pl.col("value")
    full = values.filter(~hides_digits(value)).with_columns(lowest=value, highest=value)
    exact = value.str.len_chars() == pl.col("length")
    possible = pl.when(_hides_length(value)).then(_shown(value) <= pl.col("length")).otherwise(exact)
    head, tail = _ends(value)
    begin = pl.col("length") - tail.str.len_bytes()
    shorter, longer = either_reading(value)
    is_open = value.str.contains("(", literal=True)
    opened = [values.filter(is_open).with_columns(lowest=number, highest=number) for number in (shorter, longer)]
    hidden = values.filter(hides_digits(value) & ~is_open).join(_LENGTHS, how="cross").filter(possible)
    bounds = {name: head.str.pad_end(begin, fill) + tail for name, fill in (("lowest", "0"), ("highest", "9"))}
    return pl.concat([full, *opened, hidden.with_columns(**bounds).drop("length")])
