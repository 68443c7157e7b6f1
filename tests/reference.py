"""An independent screening over lists and dicts: slow, obvious, and sharing no code with the library.

It asks `phonenumbers` and `stdnum` row by row, compares every account with every listing, and writes
the rules out one after another, so that the fast version has something to be compared with.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import phonenumbers
from stdnum import bitcoin, luhn

ACTIONS = ["none", "notify", "verify", "suspend", "close"]
LEVELS = ["none", "low", "medium", "high", "critical"]
STARTS = {"low": 1, "medium": 40, "high": 70, "critical": 90}
RECOMMENDS = {"none": "none", "low": "notify", "medium": "verify", "high": "suspend", "critical": "suspend"}
GRACE = {"notify": 0, "verify": 1, "suspend": 3, "close": 7}
SHARED_ABOVE = 5
IDENTIFIERS = {"mobile": "phone", "card_no": "card", "wallet": "wallet"}
Row = dict[str, Any]


def read_phone(cell: str | None, region: str | None) -> tuple[str | None, str]:
    """Canonical value and status."""
    if cell is None or cell.strip() == "":
        return None, "missing"
    try:
        number = phonenumbers.parse(cell, region)
    except phonenumbers.NumberParseException as error:
        names = ["invalid_country_code", "not_a_number", "too_short_after_idd", "too_short_nsn", "too_long"]
        return None, names[error.error_type]
    value = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return value, "valid" if phonenumbers.is_valid_number(number) else "invalid"


def read_card(cell: str | None) -> tuple[str | None, str]:
    """Canonical value (with * where it is truncated) and status; 16-digit Visa and UnionPay only."""
    if cell is None or cell.strip() == "":
        return None, "missing"
    text = cell.replace(" ", "").replace("-", "")
    if re.fullmatch(r"\d*\*+\d*", text):
        shows_enough = re.fullmatch(r"\d{6,}\*+\d{4,}", text) and 12 <= len(text) <= 19
        return (text if shows_enough else None), "truncated"
    if not text.isascii() or not text.isdigit():
        return None, "not_a_number"
    if not 12 <= len(text) <= 19:
        return None, "bad_length"
    return text, "valid" if luhn.is_valid(text) else "bad_checksum"


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
    return value[:6] + "*" * (len(value) - 10) + value[-4:] if kind == "card" else value


def match_of(kind: str, value: str, listed: str) -> str | None:
    """How a listed value covers an account's value, if it does."""
    if kind == "wallet":
        return "exact" if value == listed else None
    digits, hidden = value.lstrip("+"), "*" in value
    if re.fullmatch(r"\d+\*+\d+", listed):  # a truncated PAN
        head, tail = listed.split("*")[0], listed.split("*")[-1]
        fits = len(value) == len(listed) and value.startswith(head) and value.endswith(tail)
        return "truncated" if fits and not hidden else None
    if listed.endswith("*"):
        return "range" if not hidden and digits.startswith(listed.lstrip("+").rstrip("*")) else None
    if re.fullmatch(r"\+?\d+-\+?\d+", listed):
        low, high = (each.lstrip("+") for each in listed.split("-"))
        inside = len(digits) == len(low) and not hidden and int(low) <= int(digits) <= int(high)
        return "range" if inside else None
    if hidden:
        head, tail = value.split("*")[0], value.split("*")[-1]
        fits = len(value) == len(listed) and listed.startswith(head) and listed.endswith(tail)
        return "truncated" if fits else None
    return "exact" if value == listed else None


def in_force(listing: Row, day: date) -> bool:
    begun = listing["listed_on"] is None or listing["listed_on"] <= day
    return begun and (listing["expires_on"] is None or listing["expires_on"] >= day)


def merge(listings: Iterable[Row]) -> list[Row]:
    """Rows with one identity as one listing."""
    merged: dict[tuple[Any, ...], Row] = {}
    for number, row in enumerate(listings):
        if row["kind"] == "wallet":
            row = dict(row, value=read_wallet(row["value"])[0])
        key = (row["source"], row["kind"], row["value"], row["list"], row["reference"])
        row = dict(row, listing_id=f"{row['source']}:{number}")
        if key not in merged:
            merged[key] = row
            continue
        kept = merged[key]
        for name, pick in (("listed_on", min), ("expires_on", max)):
            pair = (kept[name], row[name])
            kept[name] = None if None in pair else pick(pair)
        if (-row["severity"], row["reason"]) < (-kept["severity"], kept["reason"]):
            kept["reason"] = row["reason"]
        kept["severity"] = max(kept["severity"], row["severity"])
    return list(merged.values())


@dataclass
class Found:
    """What a screening gives."""

    hits: list[Row] = field(default_factory=list)
    flagged: list[Row] = field(default_factory=list)
    rejects: list[tuple[Any, ...]] = field(default_factory=list)
    coverage: dict[str, dict[str, int]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


def level_of(score: int) -> str:
    return ([name for name, start in STARTS.items() if score >= start] or ["none"])[-1]


def screen(accounts: list[Row], raw_listings: list[Row], day: date, region: str | None) -> Found:
    """Screen rows of account_id, mobile, card_no, wallet, since, segment with the default policy."""
    found = Found()
    listings = [each for each in merge(raw_listings) if in_force(each, day)]
    cells = []  # (row number, account, identifier, kind, value, status, since, segment)
    outcomes: dict[tuple[int, str], str] = {}
    for number, row in enumerate(accounts):
        if row["account_id"] is None:
            found.rejects.append((None, "account_id", None, "no_account"))
            continue
        for identifier, kind in IDENTIFIERS.items():
            cell = row[identifier]
            value, status = read_cell(kind, cell, region)
            if status == "missing":
                outcomes[number, identifier] = "missing"
            elif value is None:
                outcomes[number, identifier] = "rejected"
                found.rejects.append((row["account_id"], identifier, kind, status))
            else:
                outcomes[number, identifier] = "clear"
                cells.append((number, row["account_id"], identifier, kind, value, status, row["since"], row["segment"]))
    carriers = defaultdict(set)
    for _, account, _, kind, value, *_ in cells:
        carriers[kind, value].add(account)
    owned: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for cell in cells:
        owned[cell[1:5]].append(cell)
    for (account, identifier, kind, value), same in owned.items():
        days = [cell[6] for cell in same if cell[6] is not None]
        since = min(days) if days else None
        covering = [
            (match, listing)
            for listing in listings
            if listing["kind"] == kind and (match := match_of(kind, value, listing["value"]))
        ]
        allowed = sorted(listing["source"] for _, listing in covering if listing["list"] == "allow")
        for match, listing in covering:
            if listing["list"] == "block":
                hit = judge(listing, match, since, len(carriers[kind, value]), allowed[0] if allowed else None)
                shown = mask(kind, value)
                hit |= {"account_id": account, "identifier": identifier, "kind": kind, "value": shown}
                found.hits.append(hit | {"status": same[0][5]})
                for cell in same:
                    key = (cell[0], identifier)
                    if outcomes[key] != "hit":
                        outcomes[key] = "exempt" if hit["exempted_by"] else "hit"
    decide(found, accounts, day)
    count(found, accounts, outcomes)
    return found


def judge(listing: Row, match: str, since: date | None, carried_by: int, allowed: str | None) -> Row:
    listed = listing["listed_on"]
    holder = "unknown" if listed is None or since is None else "earlier" if listed < since else "same"
    weak = holder == "earlier" or match in ("range", "truncated") or carried_by > SHARED_ABOVE
    cap = "verify" if weak else "close"
    wanted = RECOMMENDS[level_of(listing["severity"])]
    return {
        **{name: listing[name] for name in ("source", "reason", "severity", "listed_on", "listing_id", "reference")},
        "match": match,
        "holder": holder,
        "carried_by": carried_by,
        "score": listing["severity"],
        "cap": cap,
        "action": min(cap, wanted, key=ACTIONS.index),
        "exempted_by": allowed,
    }


def decide(found: Found, accounts: list[Row], day: date) -> None:
    by_account: dict[Any, list[Row]] = defaultdict(list)
    for hit in found.hits:
        by_account[hit["account_id"]].append(hit)
    for account, hits in by_account.items():
        live = [hit for hit in hits if hit["exempted_by"] is None]
        counted = live or hits
        row: Row = {
            "account_id": account,
            "hits": len(live),
            "reasons": sorted({hit["reason"] for hit in counted}),
            "sources": sorted({hit["source"] for hit in counted}),
            "first_listed_on": min((hit["listed_on"] for hit in counted if hit["listed_on"]), default=None),
            "exempted_by": None if live else min(hit["exempted_by"] for hit in hits),
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
        acts = row["action"] != "none"
        row["level"] = level_of(row["score"])
        row["flagged_since"] = day if acts else None
        row["act_on"] = day + timedelta(days=GRACE[row["action"]]) if acts else None
        found.flagged.append(row)


def count(found: Found, accounts: list[Row], outcomes: dict[tuple[int, str], str]) -> None:
    names = ["missing", "rejected", "clear", "exempt", "hit"]
    for identifier in IDENTIFIERS:
        told = [outcome for (_, column), outcome in outcomes.items() if column == identifier]
        found.coverage[identifier] = {"cells": len(told)} | {name: told.count(name) for name in names}
    classes = dict.fromkeys(["hit", "exempt", "clear", "not_screenable", "no_account"], 0)
    for number, row in enumerate(accounts):
        told = [outcomes.get((number, column), "") for column in IDENTIFIERS]
        if row["account_id"] is None:
            classes["no_account"] += 1
        else:
            classes[next((name for name in ("hit", "exempt", "clear") if name in told), "not_screenable")] += 1
    found.rows = {"read": len(accounts)} | classes
