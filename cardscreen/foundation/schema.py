"""Columns, dtypes and closed sets of every frame that crosses a module.

A frame's contract is a `dict` of column name → dtype, in the order in which files hold the columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

MATCHES = pl.Enum(["exact", "range", "truncated", "token"])
LISTS = pl.Enum(["block", "allow"])
HOLDERS = pl.Enum(["same", "earlier", "unknown"])
LEVELS = pl.Enum(["none", "low", "medium", "high", "critical"])  # in rising order
ACTIONS = pl.Enum(["none", "notify", "verify", "suspend", "close"])  # in rising order
Action = Literal["none", "notify", "verify", "suspend", "close"]
#: As what results hold identifiers: secret kinds masked and others as they are; all as tokens; or none at all.
Shown = Literal["masked", "token", "none"]
#: What stands where a value is not told.
HIDDEN = "…"
CHANGE_KINDS = pl.Enum(["new", "escalated", "eased", "released", "carried", "unchanged"])
UNDO = pl.Enum(["cancel", "lift"])
#: Why an account's action changed, or is carried although its hits were not seen.
CAUSES = pl.Enum(
    [
        "first_run",  # there was nothing to compare with
        "listing_added",
        "listing_changed",  # its severity, reason or days
        "listing_ended",
        "expired",
        "allow_listing",
        "allow_listing_ended",
        "clearance",
        "clearance_ended",
        "identifier_changed",  # the account has another number, or has this one only now
        "holder_changed",
        "shared_changed",  # more or fewer accounts carry the number
        "account_changed",  # what rules look at of the account
        "account_gone",
        "account_unreadable",
        "source_stale",
        "policy_changed",
        "software_changed",  # or its numbering data
    ]
)

PHONE_TYPES = pl.Enum(
    [
        "fixed_line",
        "mobile",
        "fixed_line_or_mobile",
        "toll_free",
        "premium_rate",
        "shared_cost",
        "voip",
        "personal_number",
        "pager",
        "uan",
        "voicemail",
        "unknown",
    ]
)
PHONE_STATUSES = pl.Enum(
    [
        "missing",
        "valid",
        "invalid",
        "not_a_number",
        "invalid_country_code",
        "too_short_after_idd",
        "too_short_nsn",
        "too_long",
    ]
)
CARD_STATUSES = pl.Enum(["missing", "truncated", "damaged", "not_a_number", "bad_length", "bad_checksum", "valid"])
IBAN_STATUSES = pl.Enum(["missing", "not_an_iban", "bad_checksum", "valid"])
WALLET_STATUSES = pl.Enum(["missing", "not_an_address", "bad_checksum", "valid"])
CHAINS = pl.Enum(
    [
        "bitcoin",
        "bitcoin_cash",
        "bitcoin_gold",
        "dash",
        "dogecoin",
        "ethereum",
        "litecoin",
        "monero",
        "ripple",
        "solana",
        "tron",
        "verge",
        "zcash",
    ]
)

PHONE = pl.Struct({"e164": pl.String, "region": pl.String, "type": PHONE_TYPES, "status": PHONE_STATUSES})
IBAN = pl.Struct(
    {"value": pl.String, "country": pl.String, "bank": pl.String, "status": IBAN_STATUSES, "masked": pl.String}
)
WALLET = pl.Struct({"address": pl.String, "chain": CHAINS, "status": WALLET_STATUSES})

#: Status in hits, and note, of a phone number that took its leading digits from another in its cell.
COMPLETED = "completed"

#: What the pass over all accounts knows of a cell: a key to look up, or, of a value that shows only
#: some digits, a stub of those; both null where the cell gives nothing to screen. `note` says what was
#: out of the ordinary in reading it, such as `repaired`.
#: `shown`: the canonical value of a cell that hides some of its digits.
SCAN = pl.Struct({"key": pl.UInt64, "stub": pl.UInt64, "shown": pl.String, "status": pl.String, "note": pl.String})
#: What evidence needs of a cell: the canonical value, null where there is none to screen.
READ = pl.Struct({"value": pl.String, "status": pl.String})

#: One row of a blocklist. Only `kind` and `value` are required of a caller.
LISTING: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "kind": pl.String,
    "value": pl.String,
    "match": MATCHES,
    "list": LISTS,
    "source": pl.String,
    "reason": pl.String,
    "severity": pl.UInt8,  # 1 to 100
    "listed_on": pl.Date,  # first day, included; null: always
    "expires_on": pl.Date,  # last day, included; null: never
    "ended_on": pl.Date,  # first day on which it no longer holds
    "reference": pl.String,
    "listing_id": pl.String,
}

#: What is known of a value beside its kind: of cards by a table of issuers, of phone numbers by the numbering plans.
DETAILS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "issuer": pl.String,
    "issuer_country": pl.String,
    "funding": pl.String,
    "phone_type": pl.String,
    "phone_region": pl.String,
}

#: One account × identifier × value × listing in force, before the account-id's own dtype is known.
HITS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,
    "identifier": pl.String,
    "kind": pl.String,
    "status": pl.String,
    "value": pl.String,
    "match": MATCHES,
    "source": pl.String,
    "reason": pl.String,
    "severity": pl.UInt8,
    "listed_on": pl.Date,
    "expires_on": pl.Date,
    "reference": pl.String,
    "listing_id": pl.String,
    "holder": HOLDERS,
    "carried_by": pl.UInt32,  # accounts
    "score": pl.UInt8,
    "cap": ACTIONS,
    "action": ACTIONS,
    "exempted_by": pl.String,
    **DETAILS,
}

#: One account with a live or exempt hit; the carried columns follow.
FLAGGED: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,
    "level": LEVELS,
    "score": pl.UInt8,
    "action": ACTIONS,
    "decided_by": pl.String,
    "flagged_since": pl.Date,
    "act_on": pl.Date,
    "reasons": pl.List(pl.String),
    "sources": pl.List(pl.String),
    "hits": pl.UInt32,
    "first_listed_on": pl.Date,
    "exempted_by": pl.String,
}

#: One account that was flagged with an action in the base run or is tonight; the carried columns follow.
CHANGES: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,
    "change": CHANGE_KINDS,
    "cause": CAUSES,  # null for `unchanged`
    "action_before": ACTIONS,
    "action": ACTIONS,  # `none` for `released`
    "decided_by_before": pl.String,
    "decided_by": pl.String,
    "flagged_since": pl.Date,  # kept by `released`, as is act_on: what had been told
    "act_on": pl.Date,
    "carried_since": pl.Date,  # the first night on which the action rests on hits that were not seen
    "handed_out": ACTIONS,  # what was last put into actions/ and stands; `none` where nothing was
    "handed_out_on": pl.Date,  # null too where only a superseded run has done so
    "undo": UNDO,  # of `released` and `eased`
    "corrects": pl.String,  # a run for the same day that had said otherwise and was superseded
}

#: A hit of an earlier night that was not seen in this one, and on which a flag may still stand.
CARRIED: Mapping[str, pl.DataType | type[pl.DataType]] = {**HITS, "carried_since": pl.Date, "cause": CAUSES}

#: A cell of an account that was flagged before, usable or not; `value` as results show it.
WATCHED: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,
    "identifier": pl.String,
    "kind": pl.String,
    "value": pl.String,
    "status": pl.String,
}

#: A row of notices/ and actions/, as text; `identifier` and `value`, masked, led to it; the carried columns follow.
NOTICES = [
    *("run_id", "key", "account_id", "action", "act_on"),
    *("reason", "reason_text", "source", "legal_basis", "appeal", "identifier", "value"),
]
#: A row of actions/release.csv: `action` is what is undone, `instead` the weaker action that stays, if any.
RELEASES = [
    *("run_id", "key", "account_id", "undo", "action", "instead", "act_on", "cause", "cause_text"),
    *("reason", "reason_text", "source", "legal_basis", "appeal", "identifier", "value"),
]

#: One cell that gave no usable key, or a row of text that does not fit its table (`ragged`).
REJECTS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "account_id": pl.String,
    "identifier": pl.String,
    "kind": pl.String,
    "status": pl.String,
    "shape": pl.String,
    "file": pl.String,  # where a ragged row begins; null of cells
    "line": pl.UInt32,
}

STATES = pl.Enum(["proposed", "accepted", "rejected", "later", "published", "withdrawn"])
#: What may become a listing of a derived source, and what has become of it; `value` of a secret kind is a token.
PROPOSALS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "source": pl.String,
    "kind": pl.String,
    "value": pl.String,
    "reason": pl.String,
    "severity": pl.UInt8,
    "reference": pl.String,  # the ring, the customer, or the place that most reports are from
    "first_on": pl.Date,
    "last_on": pl.Date,
    "accounts": pl.UInt32,  # that carry the value
    "listed": pl.UInt32,  # of those, listed by an outside source
    "reporters": pl.UInt32,
    "weight": pl.Float64,  # of the evidence: what a rejected proposal must have grown by half to come back
    "why": pl.String,
    "state": STATES,
    "decided_by": pl.String,
    "decided_on": pl.Date,
}
#: A group of accounts that share values, some of whom an outside source lists.
RINGS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "ring_id": pl.String,
    "accounts": pl.UInt32,
    "listed": pl.UInt32,
    "share": pl.Float64,  # of listed accounts
    "links": pl.UInt32,  # values that at least two of its accounts carry
    "dropped_links": pl.UInt32,  # values of its accounts that link nobody: too many carry them, or they are allowed
    "score": pl.UInt8,  # 100 times the share
    "first_found": pl.Date,
    "why": pl.String,
}
#: An account of a ring, and by how many links it is away from the nearest listed one.
MEMBERS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "ring_id": pl.String,
    "account_id": pl.String,
    "listed": pl.Boolean,
    "steps": pl.UInt32,
    "links": pl.UInt32,
}
#: A link of a ring: an account carries a value that another of its accounts carries, too; of secret kinds its token.
LINKS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "ring_id": pl.String,
    "account_id": pl.String,
    "identifier": pl.String,
    "kind": pl.String,
    "value": pl.String,
}
#: A customer who is proposed, and why.
CUSTOMERS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "customer": pl.String,  # a token, of a secret kind
    "reason": pl.String,
    "accounts": pl.UInt32,
    "listed": pl.UInt32,
    "count": pl.UInt32,  # of what a limit counts; null of a customer with a flagged account
    "severity": pl.UInt8,
    "why": pl.String,
}
