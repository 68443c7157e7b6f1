"""An account's story in sentences that a clerk can read out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cardscreen.foundation.words import shown
from cardscreen.lists.terms import Terms
from cardscreen.review.story import Finding, Story

_RECOMMENDED = {
    "none": "Nothing is recommended",
    "notify": "It is recommended to notify the holder",
    "verify": "It is recommended that a person verifies the account",
    "suspend": "It is recommended to suspend the account",
    "close": "It is recommended to close the account",
}
_HOLDERS = {
    "same": "It was listed while the present holder had it.",
    "earlier": "It was listed before the present holder got it, so the listing speaks of somebody else.",
    "unknown": "Whether it was listed before the present holder got it is not known.",
}
_MATCHES = {
    "exact": "",
    "token": "",
    "range": "The listing is a range of numbers, in which this one lies.",
    "truncated": "Not all digits are known, so it may be somebody else's.",
}
_CAPS = {
    "earlier_holder": "the number was listed before the present holder got it ([caps] earlier_holder)",
    "truncated": "not all digits are known ([caps] truncated)",
    "range": "a range also covers innocent numbers ([caps] range)",
    "shared": "many accounts have the number ([caps] shared)",
    "completed": "its leading digits are those of another number in the cell ([caps] completed)",
    "source": "that is all that this source's word can lead to (cap of the source)",
}
_CAUSES = {
    "first_run": "there was no earlier run",
    "listing_added": "a source has listed the number",
    "listing_changed": "the source has changed what it says",
    "listing_ended": "the source no longer lists the number",
    "expired": "the listing has run out",
    "allow_listing": "the number is on an allow list",
    "allow_listing_ended": "the number is no longer on an allow list",
    "clearance": "a person has cleared the account",
    "clearance_ended": "a person's clearance has ended",
    "identifier_changed": "the account's number has changed",
    "holder_changed": "the number's holder has changed",
    "shared_changed": "more or fewer accounts than before have the number",
    "account_changed": "what is known of the account has changed",
    "account_gone": "the account was not in the extract",
    "account_unreadable": "the account's number could not be read",
    "source_stale": "the source's data is too old to act on",
    "policy_changed": "the policy has changed",
    "software_changed": "the software or its numbering data has changed",
}


#: Of runs of which nothing has left the house.
_NOT_HANDED_OUT = {
    "held": "The run is held: nobody has been told anything of it, and what follows holds only once it is approved.",
    "discarded": "The run was discarded: nobody has been told anything of it.",
}


def sentences(story: Story) -> Iterator[str]:
    """The story, sentence by sentence, each a line; what belongs to a sentence before it is indented."""
    return map(shown, _told(story))


def _told(story: Story) -> Iterator[str]:
    yield f"Account {story.account} in run {story.run}, which was asked about {story.as_of}."
    if story.state in _NOT_HANDED_OUT:
        yield _NOT_HANDED_OUT[story.state]
    if story.flag is None and story.change is None:
        yield from _not_flagged(story)
    else:
        yield from _outcome(story)
    for finding in story.findings:
        yield from _finding(finding)
    for reject in story.rejects:
        shape = f", written like {reject['shape']}" if reject["shape"] else ""
        yield f"Its {reject['identifier']} could not be read: {_words(reject['status'])}{shape}."
    yield from map(_before, story.earlier)
    yield from _terms(story)


def _before(night: Mapping[str, Any]) -> str:
    if night["change"] == "pruned":
        return f"What the run for {night['as_of']} and those before it said has been removed."
    return f"Before, in the run for {night['as_of']}: {_moved(night)}."


def _not_flagged(story: Story) -> Iterator[str]:
    if story.findings:
        yield "It is not flagged: what was found is only measured, and leads to nothing."
        return
    yield "It is not flagged in this run."
    if story.rejects:
        yield "That does not mean that it is clear: what could not be read was not screened."
        return
    yield (
        f"That does not mean that it is clear: a run keeps no list of the {story.rows:,} rows that it read, so whether "
        "this account was among them, and with which numbers, can't be told from here."
    )


def _outcome(story: Story) -> Iterator[str]:
    flag, change = story.flag, story.change
    outcome = change or flag or {}
    action = outcome["action"]
    if change is not None and change["change"] == "released":
        yield f"It is released: {change['action_before']} is no longer recommended, because {_because(change)}."
        if change["undo"]:
            done = "is to be lifted" if change["undo"] == "lift" else "was not carried out yet and is cancelled"
            yield f"What had been recommended {done}."
    elif action == "none" and flag is not None and flag["exempted_by"]:
        yield f"Nothing is recommended: all that was found is exempted, by {_exempted(flag['exempted_by'])}."
    else:
        due = f", due on {outcome['act_on']}" if outcome["act_on"] and action != "none" else ""
        since = f" It has been flagged since {outcome['flagged_since']}." if outcome["flagged_since"] else ""
        yield f"{_RECOMMENDED[action]}{due}.{since}"
    if flag is not None and action != "none":
        yield f"Its score is {flag['score']}, level {flag['level']}; listings that count: {flag['hits']}."
    if change is not None and change["change"] != "released":
        yield f"{'Now' if change['cause'] == 'first_run' else 'Since the run before'}: {_moved(change)}."
        yield from _handed(change, story)


def _handed(change: Mapping[str, Any], story: Story) -> Iterator[str]:
    if change["carried_since"]:
        since = change["carried_since"]
        yield f"Since {since} the flag rests on what an earlier night found, until the account can be read again."
    is_tonights = str(change["handed_out_on"]) == story.as_of and story.state in _NOT_HANDED_OUT
    if change["handed_out"] != "none" and change["handed_out_on"] and not is_tonights:
        yield f"The action {change['handed_out']} was handed out on {change['handed_out_on']}."


def _moved(change: Mapping[str, Any]) -> str:
    kind, before, now = change["change"], change["action_before"], change["action"]
    moves = {
        "new": f"newly flagged for {now}",
        "escalated": f"escalated from {before} to {now}",
        "eased": f"eased from {before} to {now}",
        "released": f"released from {before}",
        "carried": f"{now} carried on",
        "unchanged": "nothing has changed",
    }
    because = f", because {_because(change)}" if change["cause"] else ""
    return f"{moves[kind]}{because}"


def _because(change: Mapping[str, Any]) -> str:
    return _CAUSES.get(change["cause"], _words(str(change["cause"])))


def _finding(finding: Finding) -> Iterator[str]:
    hit = finding.hit
    case = f", case {hit['reference']}" if hit["reference"] else ""
    since = f"since {hit['listed_on']}" if hit["listed_on"] else "since always"
    until = f" until {hit['expires_on']}" if hit["expires_on"] else ""
    reason = "" if hit["reason"] == "listed" else f" for {_words(hit['reason'])}"
    is_there = "was" if finding.seen == "before" else "is"
    yield (
        f"{_role(finding)}: its {hit['identifier']} {hit['value']} {is_there} on the list of {hit['source']}{reason}, "
        f"{since}{until}{case} (listing {hit['listing_id']})."
    )
    for begin, end in zip(finding.gaps[::2], finding.gaps[1::2], strict=True):
        yield f"  It was not on that list from {begin} until {end}."
    for sentence in (_MATCHES[hit["match"]], _HOLDERS[hit["holder"]]):
        if sentence:
            yield f"  {sentence}"
    if hit["carried_by"] > 1:
        yield f"  {hit['carried_by']:,} accounts have this number."
    if hit["exempted_by"]:
        yield f"  It is exempted by {_exempted(hit['exempted_by'])}, and leads to nothing."
    yield from _weighed(finding)


def _role(finding: Finding) -> str:
    if finding.seen == "before":
        return "It had been decided by this" if finding.decides else "It had been found"
    if finding.decides:
        return "This decided" if finding.seen == "now" else "This decided, on an earlier night"
    return "Also found" if finding.seen == "now" else "Found on an earlier night"


def _weighed(finding: Finding) -> Iterator[str]:
    hit, how = finding.hit, finding.judgement
    by_rule = how.rule is not None and how.scored_by != "listing"
    basis = f"rule {how.rule} of the policy says so" if by_rule else "as the listing says"
    yield f"  Its score is {hit['score']}, {basis}; that is level {how.level}: the policy recommends {how.recommended}."
    for name in how.bound_by:
        why = f"rule {how.rule} of the policy says so" if name == "rule" else _CAPS[name]
        yield f"  It can lead to no more than {hit['cap']}: {why}."
    if how.measured:
        yield f"  It is only measured, and leads to nothing: rule {how.rule} of the policy says so."
    elif how.rule is not None and not by_rule and "rule" not in how.bound_by:
        yield f"  Rule {how.rule} of the policy applied to it."
    if not how.sure:
        yield "  What the run keeps of the account and of its sources' terms does not tell all of why: see its inputs."


def _terms(story: Story) -> Iterator[str]:
    by_source: dict[str, Terms | None] = {each.hit["source"]: each.terms for each in story.findings}
    for source, terms in by_source.items():
        legal, use, appeal = (getattr(terms, name, None) for name in ("legal_basis", "allowed_use", "appeal"))
        yield f"Legal basis of the list of {source}: {legal or 'not stated by the source'}."
        if use:
            yield f"Allowed use: {use}."
        yield f"Appeals against {source}: {appeal or 'not stated by the source'}."


def _exempted(by: str) -> str:
    return "a person's clearance" if by == "clearance" else f"the allow list of {by}"


def _words(code: str) -> str:
    return code.replace("_", " ")
