"""An independent screening over lists and dicts: slow, obvious, and sharing no code with the library.

It asks `phonenumbers` and `stdnum` row by row, compares every account with every listing, and asks every rule
of the policy one after another, so that the fast version has something to be compared with.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import phonenumbers
from stdnum import bitcoin, luhn

from cardscreen.foundation import schema

ACTIONS = ["none", "notify", "verify", "suspend", "close"]
Row = dict[str, Any]
DEFAULTS: Row = {
    "levels": {"low": 1, "medium": 40, "high": 70, "critical": 90},
    "actions": {"low": "notify", "medium": "verify", "high": "suspend", "critical": "suspend"},
    "grace_days": {"notify": 0, "verify": 1, "suspend": 3, "close": 7},
    "caps": {"earlier_holder": "verify", "truncated": "verify", "range": "verify", "shared": "verify"}
    | {"shared_above": 5, "completed": "verify"},
}


@dataclass
class Question:
    """What is asked of accounts and listings, in plain values.

    `identifiers`: column → kind; `several`: those of them whose cells may hold several numbers. `since`: column → the
    column with the holder's first day. `policy`: as in its file, parts left out are the defaults. `terms`: source → cap
    and overridable. `clearances`: account_id (text), listing_id, decided_on, until. `previous`: the flagged rows of the
    night before.
    """

    day: date
    region: str | None
    identifiers: dict[str, str]
    since: dict[str, str]
    policy: Row = field(default_factory=dict)
    terms: dict[str, Row] = field(default_factory=dict)
    clearances: list[Row] = field(default_factory=list)
    previous: list[Row] = field(default_factory=list)
    carry: list[str] = field(default_factory=list)
    several: set[str] = field(default_factory=set)

    def setting(self, table: str, name: str) -> Any:
        said = self.policy.get(table, {})
        return said[name] if name in said else DEFAULTS[table][name]

    def level_of(self, score: int) -> str:
        names = [name for name in DEFAULTS["levels"] if score >= self.setting("levels", name)]
        return names[-1] if names else "none"

    def action_of(self, score: int) -> str:
        level = self.level_of(score)
        return "none" if level == "none" else str(self.setting("actions", level))


def read_phone(cell: str | None, region: str | None) -> tuple[str | None, str]:
    """Canonical value and status."""
    if cell is None or cell.strip() == "":
        return None, "missing"
    if re.fullmatch(r"\s*[+-]?\d+([.,](0+|\d)|([.,]\d*)?[eE]\+?\d+)\s*", cell, re.ASCII):
        return None, "damaged"
    try:
        number = phonenumbers.parse(cell, region)
    except phonenumbers.NumberParseException as error:
        names = ["invalid_country_code", "not_a_number", "too_short_after_idd", "too_short_nsn", "too_long"]
        return None, names[error.error_type]
    value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if cell.startswith("…"):
        return value, "completed"
    return value, "valid" if phonenumbers.is_valid_number(number) else "invalid"


#: Cells that hold several phone numbers in Chinese accounts → what each of them is dialled as, by a person's eye.
SEVERAL = {
    "010 62345678/79": ["010 62345678", "…01062345679"],
    "010-62345679 / 138 0013 8000": ["010-62345679", "138 0013 8000"],
    "13800138001;8001": ["13800138001"],
    "13800138000.0, 13800138001": ["13800138000.0", "13800138001"],
}
#: Lengths of the cards that are tried here; of other schemes, none are known.
LENGTHS = {"6222": [16, 17, 18, 19], "4000": [13, 16, 18, 19], "4111": [13, 16, 18, 19]}
ANY_LENGTH = list(range(12, 20))


def read_card(cell: str | None) -> tuple[str | None, str]:
    """Canonical value (with * or … where it is truncated) and status; Visa and UnionPay only."""
    if cell is None or cell.strip() == "":
        return None, "missing"
    text = cell.replace(" ", "").replace("-", "")
    if re.fullmatch(r"\d*(\*+|…)\d*", text):
        shows_enough = re.fullmatch(r"\d{6,}(\*+|…)\d{4,}", text)
        if len(text) not in LENGTHS.get(text[:4], ANY_LENGTH):
            text = re.sub(r"\*+", "…", text)
        return (text if shows_enough else None), "truncated"
    if re.fullmatch(r"\d{12,19}\.0+", text):
        return None, "damaged"
    if not text.isascii() or not text.isdigit():
        return None, "not_a_number"
    if len(text) >= 12 and (text in "0123456789" * 3 or text in "9876543210" * 3 or len(set(text)) == 1):
        return None, "not_a_number"
    if not 12 <= len(text) <= 19:
        return None, "bad_length"
    bare = text.lstrip("0")
    padded = len(text) - len(bare) > 1 or (len(text), len(bare)) == (16, 15)
    if padded and len(bare) in LENGTHS.get(bare[:4], []) and luhn.is_valid(bare):
        return None, "damaged"
    if luhn.is_valid(text):
        return text, "valid"
    lost = len(text) > 15 and set(text[15:]) == {"0"}
    return (None, "damaged") if lost else (text, "bad_checksum")


def read_wallet(cell: str | None) -> tuple[str | None, str]:
    """Canonical value and status; Ethereum and Bitcoin addresses only."""
    if cell is None or cell.strip() == "":
        return None, "missing"
    text = "".join(cell.split())
    if re.fullmatch(r"0[xX][0-9a-fA-F]{40}", text):
        return text.lower(), "valid"
    mixed_case = text[:2].lower() == "bc" and text not in (text.lower(), text.upper())
    if bitcoin.is_valid(text) and not mixed_case:
        return bitcoin.compact(text), "valid"
    # Version bytes and lengths are right in the addresses with slips that are tried here.
    slipped = re.fullmatch(r"[13][1-9A-HJ-NP-Za-km-z]{33}|bc1q[02-9ac-hj-np-z]{38}", text)
    return (text, "bad_checksum") if slipped else (None, "not_an_address")


def read_cell(kind: str, cell: str | None, region: str | None) -> tuple[str | None, str]:
    if kind == "phone":
        return read_phone(cell, region)
    return read_card(cell) if kind == "card" else read_wallet(cell)


def mask(kind: str, value: str) -> str:
    if "…" in value:
        return value[:6] + "…" + value[-4:]
    return value[:6] + "*" * (len(value) - 10) + value[-4:] if kind == "card" else value


def is_hidden(text: str) -> bool:
    return re.fullmatch(r"\d+(\*+|…)\d+", text) is not None


def writings(text: str) -> list[str]:
    """A card number with `?` for each hidden digit, in every length that it may have."""
    if "…" not in text:
        return [text.replace("*", "?")]
    head, tail = text.split("…")
    return [f"{head}{'?' * (size - len(head) - len(tail))}{tail}" for size in ANY_LENGTH if size >= len(head + tail)]


def agree(one: str, other: str) -> bool:
    """Whether some number can be written both ways."""
    return any(
        len(this) == len(that) and all(a == b or "?" in (a, b) for a, b in zip(this, that, strict=True))
        for this in writings(one)
        for that in writings(other)
    )


def in_range(digits: str, listed: str) -> bool:
    if listed.endswith("*"):
        return digits.startswith(listed.lstrip("+").rstrip("*"))
    low, high = (each.lstrip("+") for each in listed.split("-"))
    return len(digits) == len(low) and int(low) <= int(digits) <= int(high)


def is_range(listed: str) -> bool:
    return re.fullmatch(r"\+?\d+\*|\+?\d+-\+?\d+", listed) is not None


def bounds(listed: str) -> list[tuple[int, int]]:
    """The numbers of a range, for each length that they have."""
    if not listed.endswith("*"):
        low, high = listed.split("-")
        return [(int(low), int(high))]
    begin = listed.rstrip("*")
    return [(int(begin.ljust(size, "0")), int(begin.ljust(size, "9"))) for size in range(len(begin), 20)]


def sides(value: str, listed: str) -> tuple[bool, bool]:
    """Whether, in one of its lengths, all numbers that a hidden one may be are in a range; and whether some may be.

    Leading zeros are not told apart where some may be: nobody has such a card, and the answer is only less certain.
    """
    wholly = partly = False
    for written in writings(value):
        low, high = written.replace("?", "0"), written.replace("?", "9")
        wholly = wholly or (in_range(low, listed) and in_range(high, listed))
        partly = partly or any(first <= int(high) and int(low) <= last for first, last in bounds(listed))
    return wholly, partly


def match_of(kind: str, value: str, listing: Row) -> str | None:
    """How a listing covers an account's value, if it does."""
    listed: str = listing["value"]
    if listing.get("token"):
        return "token" if value == listed else None
    if kind == "wallet":
        return "exact" if value == listed else None
    if is_range(listed):
        if is_hidden(value):
            return "truncated" if sides(value, listed)[0] else None
        return "range" if in_range(value.lstrip("+"), listed) else None
    if is_hidden(value) or is_hidden(listed):
        same_ends = value[:6] == listed[:6] and value[-4:] == listed[-4:]
        return "truncated" if same_ends and agree(value, listed) else None
    return "exact" if value == listed else None


def is_incomparable(kind: str, value: str, listings: list[Row]) -> bool:
    """Whether what a value hides decides whether it is listed, and no block listing covers it."""
    blocked = [each for each in listings if each["kind"] == kind and each["list"] == "block"]
    if not is_hidden(value) or any(match_of(kind, value, each) for each in blocked):
        return False
    return any(each.get("token") or (is_range(each["value"]) and sides(value, each["value"])[1]) for each in blocked)


def in_force(listing: Row, day: date) -> bool:
    begun = listing["listed_on"] is None or listing["listed_on"] <= day
    if listing.get("ended_on") is not None and listing["ended_on"] <= day:
        return False
    return begun and (listing["expires_on"] is None or listing["expires_on"] >= day)


def merge(listings: Iterable[Row]) -> list[Row]:
    """Rows with one identity as one listing."""
    merged: dict[tuple[Any, ...], Row] = {}
    for number, row in enumerate(listings):
        if row["kind"] == "wallet":
            row = dict(row, value=read_wallet(row["value"])[0])
        key = (row["source"], row["kind"], row["value"], row["list"], row["reference"], row.get("token", False))
        row = dict(row, listing_id=f"{row['source']}:{number}")
        if key not in merged:
            merged[key] = row
            continue
        kept = merged[key]
        for name, pick in (("listed_on", min), ("expires_on", max), ("ended_on", max)):
            pair: Any = (kept.get(name), row.get(name))
            kept[name] = None if None in pair else pick(pair)
        if (-row["severity"], row["reason"]) < (-kept["severity"], kept["reason"]):
            kept["reason"] = row["reason"]
        kept["severity"] = max(kept["severity"], row["severity"])
    return list(merged.values())


MATCHES, HOLDERS = ["exact", "range", "truncated", "token"], ["same", "earlier", "unknown"]


def place_of(hit: Row) -> tuple[Any, ...]:
    """By what a hit goes before another."""
    shown = [hit[name] for name in ("account_id", "identifier", "listing_id", "value", "status")]
    return (*shown, MATCHES.index(hit["match"]), HOLDERS.index(hit["holder"]), hit["carried_by"])


@dataclass
class Found:
    """What a screening gives."""

    hits: list[Row] = field(default_factory=list)
    flagged: list[Row] = field(default_factory=list)
    rejects: list[tuple[Any, ...]] = field(default_factory=list)
    coverage: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    invalid: dict[str, int] = field(default_factory=dict)


def screen(accounts: list[Row], raw_listings: list[Row], asked: Question) -> Found:
    """Screen rows of account_id, the identifiers (a text, or a list of them), holders' days and carried columns."""
    found = Found(invalid=dict.fromkeys(asked.identifiers, 0))
    listings = [each for each in merge(raw_listings) if in_force(each, asked.day)]
    cells: list[Row] = []
    outcomes: dict[tuple[int, str, int], str] = {}
    for number, row in enumerate(accounts):
        if is_nobody(row["account_id"]):
            found.rejects.append((row["account_id"], "account_id", None, "no_account"))
            continue
        for identifier, kind in asked.identifiers.items():
            several = row[identifier] if isinstance(row[identifier], list) else [row[identifier]]
            if identifier in asked.several:
                several = [part for cell in several for part in SEVERAL.get(cell, [cell])]
            for place, cell in enumerate(several):
                value, status = read_cell(kind, cell, asked.region)
                if value is not None and is_incomparable(kind, value, listings):
                    value, status = None, "incomparable"
                outcomes[number, identifier, place] = outcome = (
                    "missing" if status == "missing" else "rejected" if value is None else "clear"
                )
                if outcome == "rejected":
                    found.rejects.append((row["account_id"], identifier, kind, status))
                elif outcome == "clear":
                    since = row[asked.since[identifier]] if identifier in asked.since else None
                    told = {"account_id": row["account_id"], "identifier": identifier, "kind": kind, "value": value}
                    told |= {"at": (number, identifier, place), "status": status}
                    if kind == "phone" and not phonenumbers.is_valid_number(phonenumbers.parse(str(value))):
                        found.invalid[identifier] += 1
                    cells.append(told | {"since": since, "row": row})
    owned: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for cell in cells:
        owned[cell["account_id"], cell["identifier"], cell["kind"], cell["value"]].append(cell)
    pairs = []  # each hit with the cells that it comes from
    for (account, identifier, kind, value), same in owned.items():
        days = [cell["since"] for cell in same if cell["since"] is not None]
        carriers = {cell["account_id"] for cell in cells if (cell["kind"], cell["value"]) == (kind, value)}
        covering = [
            (match, listing)
            for listing in listings
            if listing["kind"] == kind and (match := match_of(kind, value, listing))
        ]
        allowed = min((str(each["source"]) for _, each in covering if each["list"] == "allow"), default=None)
        for match, listing in covering:
            if listing["list"] == "block":
                hit = evidence(listing, match, min(days, default=None), len(carriers))
                hit |= {"account_id": account, "identifier": identifier, "kind": kind, "allowed": allowed}
                status = min((cell["status"] for cell in same), key=lambda each: (each == "completed", each))
                pairs.append((hit | {"value": mask(kind, value), "raw": value, "status": status}, same))
    said: dict[Any, list[Row]] = defaultdict(list)
    for hit, same in pairs:
        said[hit["account_id"]] += [cell["row"] for cell in same]
    for hit, same in pairs:
        judge(hit, said[hit["account_id"]], asked)
        found.hits.append(hit)
        for cell in same:
            if outcomes[cell["at"]] != "hit":
                outcomes[cell["at"]] = "exempt" if hit["exempted_by"] else "hit"
    found.hits.sort(key=place_of)
    decide(found, said, asked)
    count(found, accounts, outcomes, asked, {each["kind"] for each in listings if each["list"] == "block"})
    return found


def is_nobody(account: Any) -> bool:
    return account is None or (isinstance(account, str) and account.strip() == "")


def evidence(listing: Row, match: str, since: date | None, carried_by: int) -> Row:
    listed = listing["listed_on"]
    holder = "unknown" if listed is None or since is None else "earlier" if listed < since else "same"
    names = ("source", "reason", "severity", "listed_on", "expires_on", "listing_id", "reference")
    return {name: listing[name] for name in names} | {"match": match, "holder": holder, "carried_by": carried_by}


def in_plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().lower()


def applies(rule: Row, hit: Row, rows: list[Row]) -> bool:
    for key, wanted in rule["when"].items():
        values = [wanted] if isinstance(wanted, str) else wanted
        column = key.removeprefix("account.")
        if key == column:
            told = [hit[key]]
        else:
            told = [in_plain(str(row[column])) for row in rows if row[column] is not None]
            values = [in_plain(value) for value in values]
        if not any(each in values for each in told):
            return False
    return True


def judge(hit: Row, rows: list[Row], asked: Question) -> None:
    """Add score, cap, action, exempted_by and whether the hit is live."""
    rule: Row = {}
    for each in reversed(asked.policy.get("rules", [])):
        if applies(each, hit, rows):
            rule = each
    own, terms = asked.policy.get("sources", {}).get(hit["source"], {}), asked.terms.get(hit["source"], {})
    caps = ["close", own.get("cap", "close"), terms.get("cap", "close"), rule.get("cap") or "close"]
    if hit["holder"] == "earlier":
        caps.append(asked.setting("caps", "earlier_holder"))
    if hit["match"] in ("truncated", "range"):
        caps.append(asked.setting("caps", hit["match"]))
    if hit["carried_by"] > asked.setting("caps", "shared_above"):
        caps.append(asked.setting("caps", "shared"))
    if hit["status"] == "completed":
        caps.append(asked.setting("caps", "completed"))
    score = hit["severity"] if rule.get("score") is None else rule["score"]
    cap = min(caps, key=ACTIONS.index)
    overridable = own.get("overridable", True) and terms.get("overridable", True)
    exempt = (hit["allowed"] or ("clearance" if is_cleared(hit, asked) else None)) if overridable else None
    hit |= {"score": score, "cap": cap, "action": min(cap, asked.action_of(score), key=ACTIONS.index)}
    hit |= dict.fromkeys(schema.DETAILS)  # there is no table of issuers, and no rule looks at phones' types
    hit |= {"exempted_by": exempt, "live": exempt is None and not rule.get("measure_only", False)}


def is_cleared(hit: Row, asked: Question) -> bool:
    for decision in asked.clearances:
        over = decision["until"] is not None and decision["until"] < asked.day
        known = hit["listed_on"] is None or hit["listed_on"] <= decision["decided_on"]
        same = decision["account_id"].strip() == str(hit["account_id"]).strip()
        meant = decision["listing_id"] in (None, hit["listing_id"])
        if same and meant and known and decision["decided_on"] <= asked.day and not over:
            return True
    return False


def decide(found: Found, said: dict[Any, list[Row]], asked: Question) -> None:
    by_account: dict[Any, list[Row]] = defaultdict(list)
    for hit in found.hits:
        by_account[hit["account_id"]].append(hit)
    for account, hits in by_account.items():
        live = [hit for hit in hits if hit["live"]]
        counted = live or [hit for hit in hits if hit["exempted_by"]]
        if not counted:
            continue
        row: Row = {
            "account_id": account,
            "hits": len(live),
            "reasons": sorted({hit["reason"] for hit in counted}),
            "sources": sorted({hit["source"] for hit in counted}),
            "first_listed_on": min((hit["listed_on"] for hit in counted if hit["listed_on"]), default=None),
            "exempted_by": None if live else min(hit["exempted_by"] for hit in counted),
            "score": max((hit["score"] for hit in live), default=0),
            "action": "none",
            "decided_by": None,
        }
        if live:
            best = min(
                live,
                key=lambda hit: (
                    -ACTIONS.index(hit["action"]),
                    -hit["score"],
                    hit["listed_on"] or date.min,
                    hit["listing_id"],
                ),
            )
            row |= {"action": best["action"], "decided_by": best["listing_id"]}
        for column in asked.carry:
            row[column] = min((each[column] for each in said[account] if each[column] is not None), default=None)
        row["level"] = asked.level_of(row["score"])
        found.flagged.append(row | days_of(account, row["action"], asked))


def days_of(account: Any, action: str, asked: Question) -> Row:
    """Since when an account is flagged without a break, and from when its action is due."""
    if action == "none":
        return {"flagged_since": None, "act_on": None}
    due = asked.day + timedelta(days=asked.setting("grace_days", action))
    for before in asked.previous:
        if before["account_id"] == account and before["action"] != "none":
            if ACTIONS.index(action) < ACTIONS.index(before["action"]):
                due = asked.day
            elif action == before["action"]:
                due = before["act_on"]
            return {"flagged_since": before["flagged_since"], "act_on": due}
    return {"flagged_since": asked.day, "act_on": due}


def count(
    found: Found,
    accounts: list[Row],
    outcomes: dict[tuple[int, str, int], str],
    asked: Question,
    blocked: set[str],
) -> None:
    """Of an account that has nothing but what is of no kind that is `blocked`, where one is, nobody knows anything."""
    names = ["missing", "rejected", "clear", "exempt", "hit"]
    for identifier in asked.identifiers:
        told = [outcome for (_, column, _), outcome in outcomes.items() if column == identifier]
        found.coverage[identifier] = {"cells": len(told)} | {name: told.count(name) for name in names}
    classes = dict.fromkeys(["hit", "exempt", "clear", "not_screenable", "no_account"], 0)
    for number, row in enumerate(accounts):
        said = [(column, outcome) for (at, column, _), outcome in outcomes.items() if at == number]
        told = [outcome for column, outcome in said if not blocked or asked.identifiers[column] in blocked]
        if is_nobody(row["account_id"]):
            classes["no_account"] += 1
        else:
            classes[next((name for name in ("hit", "exempt", "clear") if name in told), "not_screenable")] += 1
    found.rows = {"read": len(accounts)} | classes
