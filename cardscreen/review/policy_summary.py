"""What a policy does, in sentences that a fraud analyst can check, and what in it looks like a mistake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

from cardscreen.foundation.errors import ConfigError, near
from cardscreen.foundation.settings.errors import listed
from cardscreen.foundation.settings.toml import TomlFile, read_toml
from cardscreen.foundation.words import counted
from cardscreen.lists.store.table import Store
from cardscreen.policy.clearances import clears
from cardscreen.policy.policy import Policy, Source
from cardscreen.policy.rules import Rule, decided_before, meant
from cardscreen.runs.job import Job
from cardscreen.runs.messages.in_vain import ahead

_HIGHEST = 100  # score
_EVIDENCE = {
    "earlier_holder": "listed before the present holder",
    "truncated": "number of which not all digits are known",
    "range": "range or prefix",
    "shared": "value carried by more than {} accounts",
    "completed": "phone number with the leading digits of another in its cell",
}


@dataclass(frozen=True)
class CheckedPolicy:
    """A sound policy, and what stands around it.

    Attributes:
        policy: The policy; where a store is known, under its sources' terms.
        own: The policy as it is written.
        decisions: How many clearances there are, and how many are in force; None where there is no file of them.
        known: What listings can have: `source` and `reason` → values; empty without a store.
        zone: The job's, in which instants have their day.
    """

    policy: Policy
    own: Policy
    day: date
    decisions: tuple[int, int] | None = None
    known: Mapping[str, Sequence[str]] = field(default_factory=dict)
    zone: str | None = None

    @classmethod
    def read(cls, path: Path, day: date | None = None, store: str | None = None) -> CheckedPolicy:
        """A policy file, or the policy of a job file with its store, read and checked with all that it names.

        Without a day it is today: where the job is, or of this machine.

        Raises:
            ConfigError: The policy, its clearances or the job make no sense; tells everything.
            InputError: The file of clearances, or the store, can't be read.
        """
        toml = read_toml(path)
        if "accounts" in toml.settings or "blocklist" in toml.settings:
            job = Job.read(path)
            day = day or job.today()
            _check_carried(job, toml)
            own, store, zone = job.policy_on(day), store or job.store, job.timezone
        else:
            day, own, zone = day or date.today(), Policy.from_settings(toml, path.parent), None
        policy, known = own, {}
        if store is not None:
            blocklist = Store(store).blocklist()
            policy = own.under({name: origin.terms for name, origin in blocklist.origins.items()})
            reasons = blocklist.lazy.select("reason").unique().collect().to_series()
            known = {"source": sorted(blocklist.origins), "reason": sorted(reasons)}
        return cls(policy, own, day, _decisions(own, day, zone), known, zone)

    def summary(self) -> dict[str, Any]:
        """Everything as plain values, for JSON."""
        settings = self.policy.model_dump()
        if self.policy.clearances and self.decisions:
            total, now = self.decisions
            settings["clearances"] = {"file": self.policy.clearances.file, "decisions": total, "in_force": now}
        return settings | {"account_columns": self.policy.account_columns(), "warnings": list(self.warnings())}

    def lines(self) -> Iterator[str]:
        """What the policy does, for a person."""
        yield "Levels"
        yield from _levels(self.policy)
        yield "Weak evidence leads at most to"
        caps = self.policy.caps
        for name, words in _EVIDENCE.items():
            yield f"  {getattr(caps, name):8}  {words.format(caps.shared_above)}"
        if self.policy.sources:
            yield "Sources" + (", with their terms in the store" if self.known else "")
            yield from (_source(name, source) for name, source in sorted(self.policy.sources.items()))
        if self.policy.rules:
            yield "Rules: the first that matches a hit applies"
            yield from (f"  {number}. {_rule(rule)}" for number, rule in enumerate(self.policy.rules, 1))
        if self.policy.clearances and self.decisions:
            total, now = self.decisions
            found = counted(total, "decision")
            yield "Clearances"
            yield f"  {self.policy.clearances.file}: {found}, {now:,} of them in force on {self.day}"
        if columns := self.policy.account_columns():
            yield "Account columns that must be carried"
            yield f"  {', '.join(columns)}"

    def warnings(self) -> Iterator[str]:
        """What is allowed, and probably not meant."""
        for (name, start), (higher, next_start) in pairwise(self.own.levels):
            if start == next_start:
                yield f"level {name} never holds: {higher} begins at the same score, {start}"
        for at, key, value, before in decided_before(self.own.rules):
            yield f"rule {at + 1} looks for {key} {value!r} in vain: rule {before + 1} comes first"
        for name, source in self.own.sources.items():
            if source == Source():
                yield f"sources.{name} changes nothing: give it a cap, or overridable = false"
        yield from self._unknown()
        if (decisions := self.own.decisions(self.zone)) is not None:
            yield from ahead(decisions, self.day)

    def _unknown(self) -> Iterator[str]:
        """Sources and reasons that no listing of the store has."""
        named = [("source", name, f"sources.{name}") for name in self.own.sources]
        for number, rule in enumerate(self.own.rules, 1):
            named += [(key, value, f"rule {number}") for key, values in rule.conditions.items() for value in values]
        for key, value, where in named:
            if key in self.known and not meant(key, [value]) <= meant(key, self.known[key]):
                yield f"{where}: no listing in the store has the {key} {value!r}{near(value, self.known[key])}"


def _check_carried(job: Job, toml: TomlFile) -> None:
    missing = [name for name in job.policy.account_columns() if name not in job.carry]
    if missing:
        where = toml.where("accounts", "carry")
        raise ConfigError(
            f"{where}: rules look at {listed(missing, 'and')}, not carried: add to carry under [accounts]"
        )


def _decisions(policy: Policy, day: date, zone: str | None) -> tuple[int, int] | None:
    clearances = policy.decisions(zone)
    if clearances is None:
        return None
    return len(clearances), len(clearances.filter(clears(day)))


def _levels(policy: Policy) -> Iterator[str]:
    steps = [("", 1, "nothing"), *((name, start, getattr(policy.actions, name)) for name, start in policy.levels)]
    for (name, start, action), (_, after, _) in pairwise([*steps, ("", _HIGHEST + 1, "")]):
        span = f"{start} to {after - 1}" if start < after - 1 else str(start)
        if start < after:
            yield f"  {name or 'no level':8}  score {span:9}  {action:8}{_due(policy, action)}".rstrip()


def _due(policy: Policy, action: str) -> str:
    days = getattr(policy.grace_days, action, None)
    if days is None:
        return ""
    return "  due on the day it is told" if days == 0 else f"  due {days} day{'s' if days > 1 else ''} after it is told"


def _source(name: str, source: Source) -> str:
    exempt = "allow listings and clearances exempt" if source.overridable else "nothing exempts from its hits"
    return f"  {name}: {_cap(source.cap)}; {exempt}"


def _rule(rule: Rule) -> str:
    conditions = ", and ".join(f"{key} is {listed(values)}" for key, values in rule.conditions.items())
    effects = [f"score {rule.score}"] if rule.score is not None else []
    effects += [_cap(rule.cap)] if rule.cap is not None else []
    effects += ["only measured, flags nobody"] if rule.measure_only else []
    return f"{conditions}: {', '.join(effects)}"


def _cap(action: str) -> str:
    return {"none": "no action", "close": "any action"}.get(action, f"at most {action}")
