"""One rule of a policy: at which hits it looks, and what it changes.

The first rule that matches a hit applies. So a rule is hidden, and never applies, if one before it matches every
hit that it matches; and a rule whose values no hit can have never applies either. Both are mistakes that nobody
would see in the results.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import polars as pl
from phonenumbers import SUPPORTED_REGIONS
from pydantic import Field, field_validator, model_validator

from cardscreen.foundation import schema
from cardscreen.foundation.errors import near
from cardscreen.foundation.schema import Action
from cardscreen.foundation.settings.errors import HERE, THERE, Fault, listed, shown, wrong
from cardscreen.foundation.settings.toml import Section
from cardscreen.kinds.kind import KINDS
from cardscreen.tables.cells import in_plain, words_in_plain

Score = Annotated[int, Field(ge=1, le=100)]
#: How rules, and frames inside a screening, name a carried account column.
ACCOUNT = "account."

_RULE_KEYS = ["kind", "source", "reason", "match", "holder", *schema.DETAILS]
_CLOSED: Mapping[str, Sequence[str]] = {
    "kind": list(KINDS),
    "match": schema.MATCHES.categories.to_list(),
    "holder": schema.HOLDERS.categories.to_list(),
    "phone_type": schema.PHONE_TYPES.categories.to_list(),
    "phone_region": sorted(SUPPORTED_REGIONS),
}
#: What counts as it is spelt: all that is ours to name. Else, files of others say it.
_EXACT = (*_CLOSED, "source")


class Rule(Section):
    """The first rule that matches a hit applies to it.

    Attributes:
        when: What a hit must have: kind, source, reason, match, holder, a column of `schema.DETAILS` (issuer, …,
            phone_type, …) or `account.<carried column>`, each with one value or several, of which one is enough. What
            files say (accounts, BIN tables, a list's reasons) counts without case, width and blanks around it: nobody
            is to lose protection by a spelling.
        score: Instead of the listing's severity.
        cap: The strongest action that the hit can lead to.
        measure_only: Keep the hit, and flag nobody for it.
    """

    when: dict[str, str | list[str]] = Field(min_length=1)
    score: Score | None = None
    cap: Action | None = None
    measure_only: bool = False

    @field_validator("when", mode="before")
    @classmethod
    def _known(cls, when: Any) -> Any:
        if isinstance(when, dict) and (problems := list(_wrong_keys(when))):
            raise wrong(problems)
        return when

    @field_validator("when")
    @classmethod
    def _possible(cls, when: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        if problems := list(_impossible(when)):
            raise wrong(problems)
        return when

    @model_validator(mode="after")
    def _does_something(self) -> Rule:
        if self.score is None and self.cap is None and not self.measure_only:
            raise wrong(
                [
                    Fault(
                        (),
                        f"{HERE} changes nothing: give it a score, a cap or measure_only = true; "
                        'or cap = "close", if it only keeps hits from the rules after it',
                    )
                ]
            )
        return self

    @property
    def conditions(self) -> dict[str, list[str]]:
        """What the rule looks at, and the values that it wants there."""
        return {key: [value] if isinstance(value, str) else value for key, value in self.when.items()}

    def matches(self) -> pl.Expr:
        """Whether all conditions hold for a hit."""
        conditions = (
            _account_has(pl.col(key), values) if key.startswith(ACCOUNT) else _has(pl.col(key), key, values)
            for key, values in self.conditions.items()
        )
        return pl.all_horizontal(conditions).fill_null(False)

    def hides(self, other: Rule) -> bool:
        """Whether every hit that another rule matches is matched by this one too.

        Example:
            >>> police = Rule(when={"source": ["police", "bank-a"]}, score=90)
            >>> police.hides(Rule(when={"source": "police", "kind": "card"}, cap="none"))
            True
            >>> police.hides(Rule(when={"source": ["police", "bank-b"]}, cap="none"))
            False
        """
        return _hides(self.conditions, other.conditions)


def hidden(rules: Sequence[Rule]) -> Iterator[tuple[int, int]]:
    """The rules that never apply, each with the first one before it that matches all that it matches."""
    for at, rule in enumerate(rules):
        for before in range(at):
            if rules[before].hides(rule):
                yield at, before
                break


def without_hidden(rules: list[Rule]) -> list[Rule]:
    """The same rules.

    Raises:
        ValidationError: Some never apply.
    """
    problems = [
        Fault((at,), f"{HERE} never applies: {THERE} comes first and matches all that it matches", ("rules", before))
        for at, before in hidden(rules)
    ]
    if problems:
        raise wrong(problems)
    return rules


def decided_before(rules: Sequence[Rule]) -> Iterator[tuple[int, str, str, int]]:
    """Values that a rule names in vain, as a rule before it takes all their hits: rule, condition, value, the other."""
    for at, rule in enumerate(rules):
        for key, values in rule.conditions.items():
            for value in values:
                narrowed = rule.conditions | {key: [value]}
                for before in range(at):
                    if _hides(rules[before].conditions, narrowed):
                        yield at, key, value, before
                        break


def _hides(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> bool:
    return all(key in other and meant(key, other[key]) <= meant(key, values) for key, values in one.items())


def meant(key: str, values: Sequence[str]) -> set[str]:
    """The values of a condition, each once however it is spelt."""
    return set(values if key in _EXACT else words_in_plain(values))


def _wrong_keys(when: Mapping[Any, Any]) -> Iterator[Fault]:
    for key, value in when.items():
        if key == ACCOUNT.removesuffix(".") and isinstance(value, dict):
            column = next(iter(value), "segment")
            yield Fault((key,), f'{HERE}: write the column in quotes, as "{ACCOUNT}{column}" = …')
        elif key not in _RULE_KEYS and not (str(key).startswith(ACCOUNT) and key != ACCOUNT):
            yield Fault(
                (key,),
                f"{HERE}: a rule can't look at {key!r}{near(str(key), _RULE_KEYS)}: "
                f"it can at {', '.join(_RULE_KEYS)} and account.<carried column>",
            )


def _impossible(when: Mapping[str, str | list[str]]) -> Iterator[Fault]:
    for key, given in when.items():
        if given == []:
            yield Fault((key,), f"{HERE} is an empty list, and no hit matches it: name at least one value")
        for at, value in enumerate([given] if isinstance(given, str) else given):
            if key in _CLOSED and value not in _CLOSED[key]:
                place = (key,) if isinstance(given, str) else (key, at)
                hint = near(value, _CLOSED[key])
                yield Fault(place, f"{HERE} is never {shown(value)}{hint}: it is {listed(_CLOSED[key])}")


def _has(text: pl.Expr, key: str, values: list[str]) -> pl.Expr:
    """Whether a column of hits has one of some values."""
    return text.cast(pl.String).is_in(values) if key in _EXACT else in_plain(text).is_in(words_in_plain(values))


def _account_has(texts: pl.Expr, values: list[str]) -> pl.Expr:
    """Whether one of an account's texts is among some values, however it is spelt."""
    return texts.list.eval(in_plain(pl.element()).is_in(words_in_plain(values))).list.any()
