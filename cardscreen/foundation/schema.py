"""Columns, dtypes and closed sets of every frame that crosses a module.

A frame's contract is its `Columns`: name → dtype, in the order in which files hold them, and what each holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import polars as pl

Dtype = pl.DataType | type[pl.DataType]


class Columns(dict[str, Dtype]):
    """A frame's columns: name → dtype, in the order in which files hold them.

    Attributes:
        described: Name → dtype, and what the column holds, for people.

    Example:
        >>> day = Columns({"day": (pl.Date, "the day that is asked about")})
        >>> dict(day), day.described["day"][1]
        ({'day': Date}, 'the day that is asked about')
    """

    def __init__(self, described: Mapping[str, tuple[Dtype, str]]) -> None:
        super().__init__({name: dtype for name, (dtype, _) in described.items()})
        self.described = dict(described)


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
#: Reason of listings that another institution has named in an exchange.
NAMED = "named_by_partner"

#: What the pass over all accounts knows of a cell: a key to look up, or, of a value that shows only
#: some digits, a stub of those; both null where the cell gives nothing to screen. `note` says what was
#: out of the ordinary in reading it, such as `repaired`.
#: `shown`: the canonical value of a cell that hides some of its digits.
SCAN = pl.Struct({"key": pl.UInt64, "stub": pl.UInt64, "shown": pl.String, "status": pl.String, "note": pl.String})
#: What evidence needs of a cell: the canonical value, null where there is none to screen.
READ = pl.Struct({"value": pl.String, "status": pl.String})

#: One row of a blocklist. Only `kind` and `value` are required of a caller.
LISTING = Columns(
    {
        "kind": (pl.String, "of which kind the number is"),
        "value": (pl.String, "the number, canonical; or a prefix, a range or a number that hides digits"),
        "match": (MATCHES, "what it is: a whole number, a range, one that hides digits, or a token"),
        "list": (LISTS, "`block`; `allow` exempts, and never hides, what it covers"),
        "source": (pl.String, "who lists it"),
        "reason": (pl.String, "why, as a code"),
        "severity": (pl.UInt8, "how grave it is, 1 to 100"),
        "listed_on": (pl.Date, "the first day, included; empty: always"),
        "expires_on": (pl.Date, "the last day, included; empty: never"),
        "ended_on": (pl.Date, "the first day on which it no longer holds"),
        "reference": (pl.String, "the source's own name of the case"),
        "listing_id": (pl.String, "its name"),
    }
)

#: What is known of a value beside its kind: of cards by a table of issuers, of phone numbers by the numbering plans.
DETAILS = Columns(
    {
        "issuer": (pl.String, "of a card: who issued it, by the table of issuers"),
        "issuer_country": (pl.String, "of a card: where, likewise"),
        "funding": (pl.String, "of a card: credit, debit or prepaid, likewise"),
        "phone_type": (pl.String, "of a phone number, where rules look at it: `mobile`, `voip`, …"),
        "phone_region": (pl.String, "of a phone number, where rules look at it: an ISO 3166 code"),
    }
)

#: One account × identifier × value × listing in force, before the account-id's own dtype is known.
HITS = Columns(
    {
        "account_id": (pl.String, "the account"),
        "identifier": (pl.String, "the account's column"),
        "kind": (pl.String, "what that column holds"),
        "status": (pl.String, "how the cell was read"),
        "value": (pl.String, "the value; of secret kinds masked"),
        "match": (MATCHES, "how the listing covers it: as a whole, within a range, with hidden digits, or by token"),
        "source": (pl.String, "the listing: who lists it"),
        "reason": (pl.String, "why, as a code"),
        "severity": (pl.UInt8, "how grave it is, 1 to 100"),
        "listed_on": (pl.Date, "its first day; empty: always"),
        "expires_on": (pl.Date, "its last day; empty: never"),
        "reference": (pl.String, "the source's own name of the case"),
        "listing_id": (pl.String, "the listing's name"),
        "holder": (HOLDERS, "whether the present holder had the number when it was listed"),
        "carried_by": (pl.UInt32, "how many accounts carry the value"),
        "score": (pl.UInt8, "the rule's score, or the severity"),
        "cap": (ACTIONS, "the lowest cap that applies"),
        "action": (ACTIONS, "what follows from the hit by itself"),
        "exempted_by": (pl.String, "the allow listing or clearance that exempts it"),
        **DETAILS.described,
    }
)

#: One account with a live or exempt hit; the carried columns follow.
FLAGGED = Columns(
    {
        "account_id": (pl.String, "the account"),
        "level": (LEVELS, "of its score"),
        "score": (pl.UInt8, "0 to 100: of its strongest hit"),
        "action": (ACTIONS, "what is recommended"),
        "decided_by": (pl.String, "`listing_id` of the hit from which the action comes"),
        "flagged_since": (pl.Date, "the day from which it has been flagged without a gap"),
        "act_on": (pl.Date, "the day on which the action is due: the notice's, and the days of grace"),
        "reasons": (pl.List(pl.String), "codes of all hits that count"),
        "sources": (pl.List(pl.String), "names of who lists them"),
        "hits": (pl.UInt32, "how many count"),
        "first_listed_on": (pl.Date, "the earliest day of those"),
        "exempted_by": (pl.String, "the allow listing or clearance, where all is exempt"),
    }
)

#: One account that was flagged with an action in the base run or is tonight; the carried columns follow.
CHANGES = Columns(
    {
        "account_id": (pl.String, "the account"),
        "change": (CHANGE_KINDS, "what became of its action since the base run"),
        "cause": (CAUSES, "why; empty where nothing changed"),
        "action_before": (ACTIONS, "the action then"),
        "action": (ACTIONS, "the action now; `none` of who is released"),
        "decided_by_before": (pl.String, "`listing_id` of the deciding hit then"),
        "decided_by": (pl.String, "`listing_id` of the deciding hit now"),
        "flagged_since": (pl.Date, "as in flagged.parquet; of who is released, since when it had been"),
        "act_on": (pl.Date, "likewise; of who is released, what had been told"),
        "carried_since": (pl.Date, "the first night on which the action rests on hits that were not seen"),
        "handed_out": (ACTIONS, "what was last put into actions/ and stands; `none` where nothing was"),
        "handed_out_on": (pl.Date, "when; empty, too, where only a superseded run has done so"),
        "undo": (
            UNDO,
            "of who is released or eased, or of whom a superseded run said more: `cancel` what was only told, `lift` "
            "what was handed out",
        ),
        "corrects": (pl.String, "a run for the same day that had said otherwise and was superseded"),
    }
)

#: A hit of an earlier night that was not seen in this one, and on which a flag may still stand.
CARRIED = Columns(
    {
        **HITS.described,
        "carried_since": (pl.Date, "the first night on which it was not seen"),
        "cause": (CAUSES, "why it was not seen"),
    }
)

#: A cell of an account that was flagged before, usable or not; `value` as results show it.
WATCHED = Columns(
    {
        "account_id": (pl.String, "the account"),
        "identifier": (pl.String, "the account's column"),
        "kind": (pl.String, "what that column holds"),
        "value": (pl.String, "the value, as results show it"),
        "status": (pl.String, "how the cell was read"),
    }
)

_SAID = {
    "reason": (pl.String, "why, as a code"),
    "reason_text": (pl.String, "in words: those of `[notices.texts]`, or its own"),
    "source": (pl.String, "who lists it"),
    "legal_basis": (pl.String, "by which law"),
    "appeal": (pl.String, "who decides on complaints"),
    "identifier": (pl.String, "which of the account's columns led to it"),
    "value": (pl.String, "its number, masked"),
}
_TOLD = {
    "run_id": (pl.String, "the run"),
    "key": (pl.String, "the same whenever the same is said again: load a row once"),
    "account_id": (pl.String, "the account"),
}
#: A row of notices/ and actions/, as text; the carried columns follow.
NOTICES = Columns(
    {
        **_TOLD,
        "action": (pl.String, "what is told, or due"),
        "act_on": (pl.String, "when it is due"),
        **_SAID,
    }
)
#: A row of actions/release.csv, as text; the carried columns follow.
RELEASES = Columns(
    {
        **_TOLD,
        "undo": (pl.String, "`cancel` what was only told, `lift` what was handed out"),
        "action": (pl.String, "what is undone"),
        "instead": (pl.String, "the milder action that stays, if any"),
        "act_on": (pl.String, "when what is undone was due"),
        "cause": (pl.String, "why, as a code"),
        "cause_text": (pl.String, "in words"),
        **_SAID,
    }
)

#: One cell that gave no usable key, or a row of text that does not fit its table (`ragged`).
REJECTS = Columns(
    {
        "account_id": (pl.String, "the account; empty of a ragged row"),
        "identifier": (pl.String, "its column"),
        "kind": (pl.String, "what that should hold"),
        "status": (pl.String, "why it gave no usable value"),
        "shape": (pl.String, "what the cell looks like: digits as 9, letters as A"),
        "file": (pl.String, "where a ragged row begins; empty of cells"),
        "line": (pl.UInt32, "its line there"),
    }
)

STATES = pl.Enum(["proposed", "accepted", "rejected", "later", "published", "withdrawn"])
#: What may become a listing of a derived source, and what has become of it; `value` of a secret kind is a token.
PROPOSALS = Columns(
    {
        "source": (pl.String, "as which source it would be published"),
        "kind": (pl.String, "of which kind the value is"),
        "value": (pl.String, "the value; of a secret kind a token"),
        "reason": (pl.String, "why, as a code"),
        "severity": (pl.UInt8, "how grave its listing would be"),
        "reference": (pl.String, "the ring, the customer, or the place that most reports are from"),
        "first_on": (pl.Date, "the first day of the evidence"),
        "last_on": (pl.Date, "the last day"),
        "accounts": (pl.UInt32, "accounts that carry the value"),
        "listed": (pl.UInt32, "of those, listed by an outside source"),
        "reporters": (pl.UInt32, "people who have reported it"),
        "weight": (pl.Float64, "of the evidence: what a rejected proposal must have grown by half to come back"),
        "why": (pl.String, "the reason in a sentence"),
        "state": (STATES, "what has become of it"),
        "decided_by": (pl.String, "who decided; `rule`: a stated rule"),
        "decided_on": (pl.Date, "when"),
    }
)
#: A group of accounts that share values, some of whom an outside source lists.
RINGS = Columns(
    {
        "ring_id": (pl.String, "its name, from night to night"),
        "accounts": (pl.UInt32, "accounts in it"),
        "listed": (pl.UInt32, "of those, listed by an outside source"),
        "share": (pl.Float64, "of listed accounts"),
        "links": (pl.UInt32, "values that at least two of its accounts carry"),
        "dropped_links": (
            pl.UInt32,
            "values of its accounts that link nobody: too many carry them, or they are allowed",
        ),
        "score": (pl.UInt8, "100 times the share"),
        "first_found": (pl.Date, "the first night that found it"),
        "why": (pl.String, "what links it, in a sentence"),
    }
)
#: An account of a ring, and by how many links it is away from the nearest listed one.
MEMBERS = Columns(
    {
        "ring_id": (pl.String, "the ring"),
        "account_id": (pl.String, "the account"),
        "listed": (pl.Boolean, "whether an outside source lists it"),
        "steps": (pl.UInt32, "links to the nearest listed account"),
        "links": (pl.UInt32, "values that it shares with others of the ring"),
    }
)
#: A link of a ring: an account carries a value that another of its accounts carries, too; of secret kinds its token.
LINKS = Columns(
    {
        "ring_id": (pl.String, "the ring"),
        "account_id": (pl.String, "an account that carries a value that another of its accounts carries, too"),
        "identifier": (pl.String, "its column"),
        "kind": (pl.String, "what that holds"),
        "value": (pl.String, "the value; of a secret kind its token"),
    }
)
#: A customer who is proposed, and why.
CUSTOMERS = Columns(
    {
        "customer": (pl.String, "the customer; of a secret kind a token"),
        "reason": (pl.String, "why, as a code"),
        "accounts": (pl.UInt32, "accounts of the customer"),
        "listed": (pl.UInt32, "of those, flagged ones"),
        "count": (pl.UInt32, "of what a limit counts; empty of a customer with a flagged account"),
        "severity": (pl.UInt8, "how grave the listing would be"),
        "why": (pl.String, "the reason in a sentence"),
    }
)
