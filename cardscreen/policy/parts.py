"""The settings of a policy as a program writes them, so that a type checker sees a name that there is not.

The models in `policy` say what each means, and check the values; a test holds that both have the same names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Required, TypedDict

from cardscreen.foundation.schema import Action


class LevelsParts(TypedDict, total=False):
    """Score from which a level holds."""

    low: int
    medium: int
    high: int
    critical: int


class ActionsParts(TypedDict, total=False):
    """What a level recommends."""

    low: Action
    medium: Action
    high: Action
    critical: Action


class GraceDaysParts(TypedDict, total=False):
    """Days from the notice to the day on which an action is due."""

    notify: int
    verify: int
    suspend: int
    close: int


class CapsParts(TypedDict, total=False):
    """The strongest action that weak evidence can lead to."""

    earlier_holder: Action
    truncated: Action
    range: Action
    shared: Action
    completed: Action
    shared_above: int


class SourceParts(TypedDict, total=False):
    """What holds for all hits of one source."""

    cap: Action
    overridable: bool


class RuleParts(TypedDict, total=False):
    """The first rule that matches a hit applies to it."""

    when: Required[Mapping[str, str | list[str]]]
    score: int
    cap: Action
    measure_only: bool


class ClearancesParts(TypedDict):
    """Where the decisions of persons on single accounts are kept."""

    file: str


class PolicyParts(TypedDict, total=False):
    """A policy."""

    levels: LevelsParts
    actions: ActionsParts
    grace_days: GraceDaysParts
    caps: CapsParts
    sources: Mapping[str, SourceParts]
    rules: Sequence[RuleParts]
    clearances: ClearancesParts
