"""The job, policy and feeds that follow from a user's own files, what was taken from where, and what is left to say."""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from importlib import resources
from itertools import takewhile
from pathlib import Path

from cardscreen.cli.starter.columns import Held, called, held_in, is_read_by_feeds, valid_in
from cardscreen.cli.starter.looking import Looked, look
from cardscreen.cli.starter.readable import holds_secrets
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.foundation.settings.toml import literally
from cardscreen.foundation.zones import local_name
from cardscreen.kinds.kind import KINDS
from cardscreen.tables.partitions import days_in
from cardscreen.tables.paths import files_of, is_url

#: The file of the key under which lists of card numbers are stored.
KEY = "token.key"
#: What only a person can say, until somebody has.
BLANK = "…"
_CARRIED = 5  # columns
_OF_SERVERS = ("UTC", "UCT", "Universal", "Zulu", "GMT")  # zones that they keep wherever they stand
_MOSTLY = 0.9  # share of a list's numbers that are of the accounts' region
_UNIQUE = 0.98  # share of different cells in a column of ids
_FEW = 10_000  # accounts, of which some hits are a large share
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Accounts:
    """What the files of accounts are.

    Attributes:
        path: As the job names them, before `{as_of}` is put in.
        file: The first of them, looked at.
        columns: What each holds.
        id: The column of account ids; None: it can't be told.
        since: The column that says since when a holder has the number; None: none says so.
        carry: Columns that rules can look at.
        day: The day in the file's name; None: there is none.
        zone: The time zone of who works with them; None: this machine keeps one that servers keep wherever they stand.
    """

    path: str
    file: Looked
    columns: Sequence[Held]
    id: str | None
    since: Held | None
    carry: Sequence[Held]
    day: date | None
    zone: str | None

    @property
    def identifiers(self) -> Sequence[Held]:
        """The columns that are screened."""
        return [each for each in self.columns if each.kind is not None]


@dataclass(frozen=True)
class Listed:
    """What a list's file is.

    Attributes:
        file: The file, looked at.
        source: Who lists.
        value: The column of numbers.
        columns: Columns of a listing → the file's, without the value.
        severity: 1 to 100, of rows that say none.
        legal_basis: As a person said; `BLANK`: nobody has.
        cap: The strongest action.
    """

    file: Looked
    source: str
    value: Held
    columns: dict[str, Held] = field(default_factory=dict)
    severity: int = 50
    legal_basis: str = BLANK
    cap: str = "verify"

    @property
    def kinds(self) -> set[str]:
        """The kinds that it lists."""
        named = self.columns.get("kind")
        return {each.lower() for each in named.values} if named else {self.value.kind or ""}


def accounts_in(paths: Sequence[str]) -> Accounts:
    """What files of accounts hold; all of them are of one shape.

    Raises:
        InputError: They can't be read, or hold no column of identifiers.
        ConfigError: They are not of one shape, or have no header.
    """
    paths, given = ([file for path in paths for file in files_of(path)], paths) if _is_pattern(paths) else (paths, None)
    file = look(paths[0])
    if file.comment or file.layout:
        raise ConfigError(f"{paths[0]} has lines of comments: take them out, since a table of accounts has none")
    if not file.header:
        raise ConfigError(f"{paths[0]} has no row that names its columns: add one, since a job names columns")
    for other in paths[1:]:
        if look(other).frame.columns != file.frame.columns:
            raise ConfigError(f"{paths[0]} and {other} have other columns: make a project for each")
    columns = _columns_of(file)
    _identifiers_among(columns, file.path)
    rest = [each for each in columns if each.kind is None]
    account_id = _id_among(rest, len(file.frame))
    dates = [each for each in rest if each.days is not None and not called(each.name, "birth")]
    said = [each for each in columns if each.kind is not None]
    since = [each for each in dates if called(each.name, "since") and any(_speaks_of(each, of) for of in said)]
    few = [each for each in rest if each.values and 1 < each.different <= max(2, each.filled // 10)]
    few = [each for each in few if not holds_secrets(each.values)]
    carry = [each for each in few if each.days is None and each.name != account_id and not called(each.name, "name")]
    path, day = (literally(full(given[0])), None) if given else _pattern(paths)
    zone = None if local_name().rpartition("/")[2] in _OF_SERVERS else local_name()
    return Accounts(path, file, columns, account_id, since[0] if len(since) == 1 else None, carry[:_CARRIED], day, zone)


def _columns_of(file: Looked) -> list[Held]:
    """What each column holds; none is called by a secret value, which a job or a feed would show.

    Raises:
        ConfigError: One is.
    """
    if file.header and holds_secrets(file.frame.columns):
        raise ConfigError(
            f"{file.path}: a column is called by a card number, an IBAN or another secret value, as where a first row "
            "of values was taken for names: put a row of names above it"
        )
    return held_in(file.frame)


def _identifiers_among(columns: Sequence[Held], where: str) -> Sequence[Held]:
    """The columns that hold identifiers, at least one.

    Raises:
        InputError: There is none.
    """
    identifiers = [each for each in columns if each.kind is not None]
    if not identifiers:
        kinds = ", ".join(kind.noun[1] for kind in KINDS.values())
        raise InputError(
            f"{where}: no column holds {kinds}: its columns are {', '.join(each.name for each in columns)}"
        )
    return identifiers


def _id_among(columns: Sequence[Held], rows: int) -> str | None:
    """The column of ids: filled, nearly always different, and called so, or the first such."""
    full = [each for each in columns if each.days is None and each.filled == rows]
    unique = [each for each in full if each.different >= _UNIQUE * rows]
    named = [each.name for each in unique if called(each.name, "id")]
    if named or unique:
        return named[0] if named else unique[0].name
    return next((each.name for each in full if called(each.name, "id")), None)


def _pattern(paths: Sequence[str]) -> tuple[str, date | None]:
    """The path, or pattern, that names these files, with the night's day in place of the one in their name."""
    places = [full(path) for path in paths]
    dated = [_dated(path) for path in places]
    if dated[0][1] and len({pattern for pattern, _ in dated}) == 1:  # one extract, or those of several nights
        return dated[0][0], max(day for _, day in dated if day)
    if len(places) > 1:
        pattern = f"{glob.escape(_common(places))}*{glob.escape(_common([path[::-1] for path in places])[::-1])}"
        if sorted(files_of(pattern)) != sorted(places):
            raise ConfigError(
                f"no pattern names just these {len(places)} files of accounts: put them into a folder of their own"
            )
        return literally(pattern), None
    return dated[0][0], None


def _is_pattern(paths: Sequence[str]) -> bool:
    """Whether a pattern was given, as it is."""
    return len(paths) == 1 and not is_url(paths[0]) and glob.has_magic(paths[0]) and not Path(paths[0]).exists()


def full(path: str) -> str:
    """A path from the root, or a URL."""
    return path if is_url(path) else os.path.abspath(path)  # noqa: PTH100 - links stay


def _dated(path: str) -> tuple[str, date | None]:
    """A path, with the night's day in place of the one in its file's name; and that."""
    path = literally(path if is_url(path) else glob.escape(path))
    folder, name = os.path.split(path)
    if not days_in(name) and "=" in os.path.basename(folder):  # noqa: PTH119 - a partition, such as dt=2026-11-23
        name = path.removeprefix(f"{os.path.dirname(folder)}{os.sep}")  # noqa: PTH120
    days = days_in(name)
    if len(set(days)) != 1:
        return path, None
    day = days[0]
    for form, text in (("{as_of}", f"{day:%Y-%m-%d}"), ("{as_of:%Y%m%d}", f"{day:%Y%m%d}")):
        if name.count(text) == 1:
            return path.removesuffix(name) + name.replace(text, form), day
    return path, None


def _common(texts: Sequence[str]) -> str:
    """How all texts begin."""
    alike = takewhile(lambda signs: len(set(signs)) == 1, zip(*texts, strict=False))
    return "".join(signs[0] for signs in alike)


def listed_in(path: str, taken: Sequence[str], accounts: Accounts) -> Listed:
    """What a list's file holds.

    Args:
        path: The file.
        taken: Sources that there are already.
        accounts: Whose region holds where the list's numbers don't tell it.

    Raises:
        InputError: It can't be read, or holds no column of identifiers.
    """
    file = look(path)
    columns = _columns_of(file)
    value = max(_identifiers_among(columns, path), key=lambda each: each.share)
    if is_unclear(value):
        own = [each.region for each in accounts.identifiers if each.region]
        best = [region for region in own if valid_in(file.frame[value.name], region) > _MOSTLY]
        value = replace(value, region=best[0]) if best else value
    rest = [each for each in columns if each.name != value.name and each.filled]
    roles = dict[str, Held]()
    for role in ("expires_on", "listed_on"):
        days = [each for each in rest if each.days is not None and each not in roles.values()]
        named = [each for each in days if called(each.name, role)]
        if named or (role == "listed_on" and len(days) == 1):
            roles[role] = (named or days)[0]
    for role, known in _CLOSED.items():
        alike = [each for each in rest if each.values and {one.lower() for one in each.values} <= known]
        if alike and file.header:
            roles[role] = alike[0]
    rest = [each for each in rest if each not in roles.values()]
    for role in ("reference", "severity", "reason"):
        texts = [each for each in rest if each.days is None and called(each.name, role)]
        texts = [each for each in texts if role != "severity" or _are_scores(each)]
        # The type of a case, or its cause, many cases have in common.
        texts = [each for each in texts if role != "reference" or not called(each.name, "reason")]
        if texts and file.header:
            roles[role] = texts[0]
    return Listed(file, _source(path, taken), value, roles)


#: Columns that are known by what stands in them.
_CLOSED = {"list": {"block", "allow"}, "operation": {"add", "remove"}, "kind": set(KINDS)}


def _are_scores(held: Held) -> bool:
    return bool(held.values) and all(each.isdecimal() and 1 <= int(each) <= 100 for each in held.values)


def _source(path: str, taken: Sequence[str]) -> str:
    """A source's name, from its file's."""
    stem = Path(path).name.split(".")[0]
    for day in days_in(stem):
        stem = stem.replace(f"{day:%Y-%m-%d}", "").replace(f"{day:%Y%m%d}", "")
    name = re.sub(r"[^\w]+", "-", stem.lower()).strip("-_") or "list"
    return next(each for each in (name, *(f"{name}-{at}" for at in range(2, 1000))) if each not in taken)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _lines(*lines: tuple[str, str]) -> str:
    """Settings with remarks behind."""
    wide = min(48, max((len(setting) for setting, remark in lines if remark), default=0)) + 2
    return "\n".join(f"{setting:{wide}}# {remark}" if remark else setting for setting, remark in lines) + "\n"


def job_text(accounts: Accounts, folder: Path, *, with_key: bool = False) -> str:
    """The job file; with a key where lists are stored as tokens."""
    file, path = accounts.file, accounts.path.removeprefix(f"{folder.absolute()}{os.sep}")
    dated = "" if accounts.day else "with a day in its name, as accounts-{as_of}.csv, a run can be run again"
    lines = [(f"path = {_text(path)}", dated)]
    if accounts.id is None:
        lines.append(('id = ""', "the column that names the account: ← only you can say"))
    else:
        lines.append((f"id = {_text(accounts.id)}", ""))
    if accounts.carry:
        lines.append((f"carry = {_text([each.name for each in accounts.carry])}", "what rules can look at"))
    lines += _reading(file)
    if accounts.since and accounts.since.days:
        lines.append(_date_format(accounts.since.days, either=accounts.since.either))
    parts = [
        "#:schema .schemas/job.json",
        "# The nightly job: cardscreen run job.toml",
        "# Relative paths are read from this file's own folder.",
        "",
        _lines(_zone(accounts)),
        "[accounts]",
        _lines(*lines),
        "[identifiers]",
        "\n".join(_identifier(each, accounts) for each in accounts.identifiers) + "\n",
        "[blocklist]",
        _lines(('store = "lists"', "filled by cardscreen list import")),
        *([f'[tokens]\nkey_file = "{KEY}"\n'] if with_key else []),
        "[policy]",
        'file = "policy.toml"\n',
        "[output]",
        _lines(('directory = "runs"', "runs/latest is the newest published run")),
        "[limits]  # past one of these a run is held until a person approves it",
        _lines(*_limits(len(file.frame) if file.is_whole else _FEW)),
    ]
    return "\n".join(parts)


def _zone(accounts: Accounts) -> tuple[str, str]:
    doubt = "" if accounts.zone else "; ← is it yours? This machine keeps it"
    return f"timezone = {_text(accounts.zone or local_name())}", f'decides what "today" is{doubt}'


def _reading(file: Looked) -> list[tuple[str, str]]:
    names = ("encoding", "delimiter", "sheet", "comment", "layout")
    options = [(name, getattr(file, name)) for name in names]
    settings = [(f"{name} = {_text(value)}", "") for name, value in options if value is not None]
    return settings + ([(f"header_row = {file.header_row}", "")] if file.header_row else [])


def _date_format(form: str, *, either: bool) -> tuple[str, str]:
    return f"date_format = {_text(form)}", "← day first, or month first? Only you can say" if either else ""


def _identifier(held: Held, accounts: Accounts) -> str:
    options = {"kind": _text(held.kind)}
    if held.region:
        options["region"] = _text(held.region)
    if held.region_column:
        options["region_column"] = _text(held.region_column)
    options |= {name: "true" for name in ("many", "repair") if getattr(held, name)}
    if accounts.since and _speaks_of(accounts.since, held):
        options["holder_since"] = _text(accounts.since.name)
    settings = ", ".join(f"{name} = {value}" for name, value in options.items())
    doubt = f"  # ← {_doubt(held)}" if _unsaid(held) else ""
    return f"{_key(held.name)} = {{ {settings} }}{doubt}"


def _speaks_of(since: Held, held: Held) -> bool:
    """Whether a column of days may say since when a holder has an identifier.

    Numbers of phones and subscriptions are given to one customer after another, at the day that a table of customers
    has. Of cards, devices and all others that day says nothing, unless the column is called after them.
    """
    return held.kind in _GIVEN_ANEW or called(since.name, str(held.kind))


_GIVEN_ANEW = ("phone", "imsi")


def _doubt(held: Held) -> str:
    if held.platforms:
        return f"add platform = one of {', '.join(held.platforms)}: only you can say"
    choice = f"one of {', '.join(held.rivals)}: only you can say"
    return f"{held.without_plus}. Then add region, {choice}" if held.without_plus else f"add region = {choice}"


def is_unclear(held: Held) -> bool:
    """Whether only a person can say of which region the numbers are."""
    return held.kind == "phone" and not held.region and not held.region_column and bool(held.rivals)


def _unsaid(held: Held) -> str:
    """The option that only a person can say; empty where there is none."""
    return "region" if is_unclear(held) else "platform" if held.platforms else ""


def _limits(rows: int) -> list[tuple[str, str]]:
    lines = [('first_run = "publish"', '"hold" makes a person look at the first one, too')]
    if rows < _FEW:
        wide = {"flagged_share": (20, 0.05), "source_share": (20, 0.02), "exempted_share": (5, 0.001)}
        wide |= {"new_suspend": (10, 0.002), "new_close": (5, 0.0005)}
        wide |= {"accounts_shrink": (5, 0.02), "accounts_grow": (5, 0.1)}
        shares = {name: min(1.0, max(usual, round(some / max(rows, 1), 3))) for name, (some, usual) in wide.items()}
        lines += [(f"{name} = {share}", "") for name, share in shares.items() if share != wide[name][1]]
        lines[1:2] = [(lines[1][0], "of the accounts; these are so wide since there are few")] if len(lines) > 1 else []
        lines.append(("released_share = 0.5", "of those flagged the night before"))
    return lines


def template(name: str) -> str:
    """A file of the sample."""
    return resources.files(__package__).joinpath(name).read_text("utf-8")


def policy_text(accounts: Accounts) -> str:
    """The policy file."""
    text = template("policy.toml")
    begin, end = text.index("[[rules]]"), text.index("# [clearances]")
    if accounts.carry:
        column = accounts.carry[0]
        some = ", ".join(map(_text, column.values[:4]))
        rule = (
            f"# [[rules]]                        # the first rule that matches a hit applies\n"
            f"# when = {{ {_text('account.' + column.name)} = [{some}] }}\n"
            '# cap = "verify"                   # a person looks, whatever the list says\n\n'
        )
    else:
        rule = ""
    return text[:begin] + rule + text[end:]


def feed_text(listed: Listed, name: str) -> str:
    """A feed file."""
    file, value, columns = listed.file, listed.value, listed.columns
    lines = [(f"source = {_text(listed.source)}", "who lists: ← only you can say")]
    lines += [] if "kind" in columns else [(f"kind = {_text(value.kind)}", "")]
    if value.kind == "phone":
        lines.append(
            (f"region = {_text(value.region)}", "of national numbers")
            if value.region
            else (f'# region = ""  ← {_doubt(value)}', "")
            if is_unclear(value)
            else ('# region = ""', "none is needed: all numbers have a country code")
        )
    if value.platforms:
        lines.append((f'# platform = ""  ← {_doubt(value)}', ""))
    if value.many:
        lines.append(("many = true", "cells hold several numbers"))
    if value.repair:
        lines.append(("repair = true", "a program made quantities of numbers, which can be mended"))
    mode = "delta" if "operation" in columns else "snapshot"
    lines.append((f'mode = "{mode}"', '"snapshot": each file is the whole list; "delta": additions and removals'))
    if "severity" not in columns:
        lines.append((f"severity = {listed.severity}", "1 to 100: ← only you can say; 50 asks a person to look"))
    if "listed_on" not in columns:
        lines.append(('listed_on = "first-seen"', "the file has no dates"))
    lines += _reading(file)
    days = [columns[role] for role in ("listed_on", "expires_on") if role in columns]
    forms = {each.days for each in days if each.days and not is_read_by_feeds(file.frame, each.name)}
    if forms:
        lines.append(_date_format(sorted(forms)[0], either=any(each.either for each in days)))
    named = {"value": value, **columns}
    places = {each: at for at, each in enumerate(file.frame.columns, 1)}
    shown = [(f"{role} = {_text(each.name) if file.header else places[each.name]}", "") for role, each in named.items()]
    parts = [
        "#:schema ../.schemas/feed.json",
        f"# How to read the source's files: cardscreen list import FILE --feed {name} --store lists",
        "",
        _lines(*lines),
        "[columns]  # the file's own names" if file.header else "[columns]  # by their place: the file has no header",
        _lines(*shown),
        "[terms]  # kept with the source; every hit can be read out with them",
        _lines(
            (f"legal_basis = {_text(listed.legal_basis)}", "the law or agreement: ← only you can say"),
            ('# appeal = ""', "who decides on complaints"),
            (f"cap = {_text(listed.cap)}", 'the strongest action its word leads to: ← "suspend" is yours to say'),
            ("warn_after_days = 2", "age of the data: runs warn"),
            ("error_after_days = 5", "runs are held"),
        ),
    ]
    return "\n".join(parts)


def words(accounts: Accounts, lists: Sequence[Listed]) -> list[str]:
    """What was taken from where, in about ten lines."""
    file = accounts.file
    lines = [f"accounts: {file.path} ({file.words()})"]
    lines.append(
        f"  id: {accounts.id}"
        if accounts.id
        else f"  id: no column names each account once: choose among {', '.join(file.frame.columns)}"
    )
    for each in accounts.identifiers:
        rivals = f"; {_shares(each)}" if each.rivals and (each.region or is_unclear(each)) else ""
        lines.append(f"  {each.name}: {each.reason()}{rivals}")
    if accounts.since:
        form = f", written {accounts.since.days}" if accounts.since.days else ""
        lines.append(f"  holder_since: {accounts.since.name}{form}")
    if accounts.carry:
        lines.append(f"  carry: {', '.join(each.name for each in accounts.carry)}")
    for listed in lists:
        value = listed.value
        others = ", ".join(f"{role} = {each.name}" for role, each in listed.columns.items())
        rivals = f"; {_shares(value)}" if is_unclear(value) else ""
        lines.append(f"list {listed.source}: {listed.file.path} ({listed.file.words()})")
        place = value.name if listed.file.header else f"column {value.name}"
        lines.append(f"  {place}: {value.reason()}{rivals}" + (f"; {others}" if others else ""))
    return lines


def _shares(held: Held) -> str:
    shares = [f"{region} {share:.0%}".replace("%", " %") for region, share in held.rivals.items()]
    if not held.region:
        return f"they could be of {', '.join(shares[:3])}"
    region, share = next(iter(held.rivals.items()))
    return f"next best {shares[0]}" if share < held.share else f"valid in {region}, too, but less as mobiles there"


def left_to_say(accounts: Accounts, lists: Sequence[Listed]) -> list[str]:
    """What only a person can say, and where."""
    left = [] if lists else ["which lists: none was named, and there is no run without one"]
    if accounts.id is None:
        left.append("job.toml: id")
    if accounts.zone is None:
        left.append("job.toml: timezone")
    left += [f"job.toml: the {_unsaid(each)} of {each.name}" for each in accounts.identifiers if _unsaid(each)]
    if accounts.since and accounts.since.either:
        left.append("job.toml: date_format, day or month first")
    for listed in lists:
        left += _looked_up_in_none(listed, accounts)
        what = [_unsaid(listed.value)] if _unsaid(listed.value) else []
        if any(each.either for each in listed.columns.values()):
            what.append("date_format, day or month first")
        if "list" in listed.columns and "reason" not in listed.columns:
            what.append("reason, without which nothing is allowed")
        if listed.legal_basis == BLANK:
            what += ["legal_basis (no import without it)", "source", "severity", "cap"]
        if what:
            left.append(f"feeds/{listed.source}.toml: {', '.join(what)}")
    return left


def _looked_up_in_none(listed: Listed, accounts: Accounts) -> Iterator[str]:
    """The kinds of a list of which no column of the accounts is."""
    for kind in sorted(listed.kinds & KINDS.keys()):
        if all(each.kind != kind for each in accounts.identifiers):
            yield f"job.toml: the column of {KINDS[kind].noun[1]}: {listed.source} lists some, and no column holds any"
