"""Asks a person at a terminal what files can't tell: between regions, the order of days, and each source's terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from cardscreen.cli import console
from cardscreen.cli.starter.columns import Held
from cardscreen.cli.starter.proposing import BLANK, Accounts, Listed, is_unclear
from cardscreen.foundation import schema
from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.settings.placeholders import is_placeholder
from cardscreen.foundation.settings.toml import known_zone
from cardscreen.foundation.zones import local_name
from cardscreen.kinds.phone.kind import check_region

_ACTIONS = schema.ACTIONS.categories.to_list()


def about_accounts(accounts: Accounts) -> Accounts:
    """The accounts, with what a person says of them."""
    columns = [_with_region(each) if is_unclear(each) else each for each in accounts.columns]
    account_id, since, zone = accounts.id, accounts.since, accounts.zone
    if account_id is None:
        account_id = _one_of("Which column names the account?", accounts.file.frame.columns)
    if since is not None and since.either:
        since = _with_order(since)
    return replace(accounts, columns=columns, id=account_id, since=since, zone=zone or _zone())


def about_list(listed: Listed) -> Listed:
    """A list, with what a person says of it."""
    console.put("", f"About the list {listed.file.path}:")
    value = _with_region(listed.value) if is_unclear(listed.value) else listed.value
    columns = {role: _with_order(each) if each.either else each for role, each in listed.columns.items()}
    source = console.ask("  Who lists? (a short name)", listed.source)
    basis = console.ask("  By which law or agreement may it be used?", "")
    severity = listed.severity
    if "severity" not in columns:
        severity = _score("  How grave is it to be listed? (1 to 100)", "50")
    cap = _one_of("  The strongest action that its word may lead to?", _ACTIONS, "verify")
    return replace(
        listed,
        value=value,
        columns=columns,
        source=source,
        severity=severity,
        legal_basis=BLANK if is_placeholder(basis or BLANK) else basis,
        cap=cap,
    )


def _zone() -> str:
    while True:
        try:
            return known_zone(console.ask("In which time zone do you work? (such as Asia/Shanghai)", local_name()))
        except ValueError as error:
            console.put(f"  {error}")


def _with_region(held: Held) -> Held:
    likely = ", ".join(held.rivals)
    while True:
        region = console.ask(
            f"  {held.name}: of which region are national numbers? (likely {likely}; nothing: later)", ""
        )
        if not region:
            return held
        try:
            check_region(region)
        except ConfigError as error:
            console.put(f"  {error}")
            continue
        return replace(held, region=region, rivals={})


def _with_order(held: Held) -> Held:
    if _one_of(f"  {held.name}: which comes first?", ("day", "month"), "day") == "day":
        return replace(held, either=False, days=(held.days or "").replace("%m/%d", "%d/%m").replace("%m-%d", "%d-%m"))
    return replace(held, either=False, days=(held.days or "").replace("%d/%m", "%m/%d").replace("%d-%m", "%m-%d"))


def _one_of(question: str, choices: Sequence[str], default: str | None = None) -> str:
    while True:
        answer = console.ask(f"{question} ({', '.join(choices)})", default)
        if answer in choices:
            return answer
        console.put("  Say one of these.")


def _score(question: str, default: str) -> int:
    while True:
        answer = console.ask(question, default)
        if answer.isdecimal() and 1 <= int(answer) <= 100:
            return int(answer)
        console.put("  Say a number from 1 to 100.")
