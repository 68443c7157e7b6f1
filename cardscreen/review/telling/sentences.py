"""An account's story in sentences that a clerk can read out, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cardscreen.foundation.words import shown
from cardscreen.foundation.words.codes import (
    ACTIONS,
    BECAUSE,
    IN_SHORT,
    LEVELS,
    NOT_KNOWN_BEFORE,
    STATUSES,
    because,
    worded,
)
from cardscreen.foundation.words.languages import Language, phrase
from cardscreen.kinds.kind import KINDS
from cardscreen.leads.desk.decisions import OPEN
from cardscreen.leads.proposals import RULE
from cardscreen.leads.rings.find import RECORDED
from cardscreen.lists.terms import Terms
from cardscreen.review.telling.story import Finding, Story

_RECOMMENDED = {
    "none": phrase("Nothing is recommended."),
    "notify": phrase("It is recommended to notify the holder."),
    "verify": phrase("It is recommended that a person verifies the account."),
    "suspend": phrase("It is recommended to suspend the account."),
    "close": phrase("It is recommended to close the account."),
}
_DUE = {
    "notify": phrase("It is recommended to notify the holder, due on {day}."),
    "verify": phrase("It is recommended that a person verifies the account, due on {day}."),
    "suspend": phrase("It is recommended to suspend the account, due on {day}."),
    "close": phrase("It is recommended to close the account, due on {day}."),
}
_HOLDERS = {
    "same": phrase("It was listed while the present holder had it."),
    "earlier": phrase("It was listed before the present holder got it, so the listing speaks of somebody else."),
    "unknown": phrase("Whether it was listed before the present holder got it is not known."),
}
_MATCHES = {
    "exact": "",
    "token": "",
    "range": phrase("The listing is a range of numbers, in which this one lies."),
    "truncated": phrase("Not all digits are known, so it may be somebody else's."),
}
_CAPS = {
    "earlier_holder": phrase("the number was listed before the present holder got it ([caps] earlier_holder)"),
    "truncated": phrase("not all digits are known ([caps] truncated)"),
    "range": phrase("a range also covers innocent numbers ([caps] range)"),
    "shared": phrase("many accounts have the number ([caps] shared)"),
    "completed": phrase("its leading digits are those of another number in the cell ([caps] completed)"),
    "source": phrase("that is all that this source's word can lead to (cap of the source)"),
}
#: Of runs of which nothing has left the house.
_NOT_HANDED_OUT = {
    "held": phrase(
        "The run is held: nobody has been told anything of it, and what follows holds only once it is approved."
    ),
    "discarded": phrase("The run was discarded: nobody has been told anything of it."),
}
#: What a hit is, by when it was seen and whether it decides.
_ROLES = {
    ("before", True): phrase("It had been decided by this: {fact}"),
    ("before", False): phrase("It had been found: {fact}"),
    ("now", True): phrase("This decided: {fact}"),
    ("now", False): phrase("Also found: {fact}"),
    ("carried", True): phrase("This decided, on an earlier night: {fact}"),
    ("carried", False): phrase("Found on an earlier night: {fact}"),
}
_OBJECTIONS = {
    "upheld": phrase(
        "An objection was upheld on {day} by {by}, which frees the account from the next run on, where the lists that "
        "it is on allow that: {reason}"
    ),
    "rejected": phrase("An objection was rejected on {day} by {by}: {reason}"),
}
_MOVES = {
    "new": phrase("newly flagged for {now}"),
    "escalated": phrase("escalated from {before} to {now}"),
    "eased": phrase("eased from {before} to {now}"),
    "released": phrase("released from {before}"),
    "carried": phrase("{now} carried on"),
    "unchanged": phrase("nothing has changed"),
}
#: By whether it was listed, whether it has a reason, whether it ends.
_LISTED = {
    (False, False): phrase("its {identifier} {value} is on the list of {source}, {since}{case} (listing {listing})."),
    (True, False): phrase("its {identifier} {value} was on the list of {source}, {since}{case} (listing {listing})."),
    (False, True): phrase(
        "its {identifier} {value} is on the list of {source} for {reason}, {since}{case} (listing {listing})."
    ),
    (True, True): phrase(
        "its {identifier} {value} was on the list of {source} for {reason}, {since}{case} (listing {listing})."
    ),
}
_SINCE = {
    (True, True): phrase("since {begin} until {end}"),
    (True, False): phrase("since {begin}"),
    (False, True): phrase("since always until {end}"),
    (False, False): phrase("since always"),
}
#: By whether a rule scored it, whether it is exempt.
_WEIGHED = {
    (True, False): phrase(
        "Its score is {score}, rule {rule} of the policy says so; that is level {level}: the policy recommends "
        "{action}."
    ),
    (False, False): phrase(
        "Its score is {score}, as the listing says; that is level {level}: the policy recommends {action}."
    ),
    (True, True): phrase(
        "Its score is {score}, rule {rule} of the policy says so; that is level {level}: were it not exempt, the "
        "policy would recommend {action}."
    ),
    (False, True): phrase(
        "Its score is {score}, as the listing says; that is level {level}: were it not exempt, the policy would "
        "recommend {action}."
    ),
}
_CARRIED_BY = phrase("{count:,} accounts have this number.")
#: What is said of numbers, and what instead of devices, customers and whatever else is no number.
_OF_VALUES = {
    _CARRIED_BY: phrase("{count:,} accounts have this value."),
    _CAPS["earlier_holder"]: phrase("the value was listed before the present holder got it ([caps] earlier_holder)"),
    _CAPS["shared"]: phrase("many accounts have the value ([caps] shared)"),
    BECAUSE["listing_added"]: phrase("a source has listed the value"),
    BECAUSE["listing_ended"]: phrase("the source no longer lists the value"),
    BECAUSE["allow_listing"]: phrase("the value is on an allow list"),
    BECAUSE["allow_listing_ended"]: phrase("the value is no longer on an allow list"),
    BECAUSE["identifier_changed"]: phrase("the account's value has changed"),
    NOT_KNOWN_BEFORE: phrase("the account was not known with this value before"),
    BECAUSE["holder_changed"]: phrase("the value's holder has changed"),
    BECAUSE["shared_changed"]: phrase("more or fewer accounts than before have the value"),
    BECAUSE["account_unreadable"]: phrase("the account's value could not be read"),
}


def sentences(story: Story, language: Language | None = None) -> Iterator[str]:
    """The story, sentence by sentence, each a line; what belongs to a sentence before it is indented."""
    return map(shown, _Teller(language or Language(), all(map(_is_number, story.kinds))).told(story))


@dataclass(frozen=True)
class _Teller:
    """Who tells a story.

    Attributes:
        language: In which.
        numbers: Whether all that was found are numbers: causes are of no one of them.
    """

    language: Language
    numbers: bool

    def told(self, story: Story) -> Iterator[str]:
        say = self.language.say
        yield say(
            "Account {account} in run {run}, which was asked about {day}.",
            account=story.account,
            run=story.run,
            day=story.as_of,
        )
        if story.state in _NOT_HANDED_OUT:
            yield say(_NOT_HANDED_OUT[story.state])
        if story.flag is None and story.change is None:
            yield from self._not_flagged(story)
        else:
            yield from self._outcome(story)
        for each in story.objections:
            yield say(_OBJECTIONS[each["verdict"]], day=each["at"][:10], by=each["by"], reason=each["reason"])
        for finding in story.findings:
            yield from self._finding(finding)
        yield from map(self._unread, story.rejects)
        yield from map(self._before, story.earlier)
        yield from self._terms(story)

    def _unread(self, reject: Mapping[str, Any]) -> str:
        why = worded(self.language, STATUSES, reject["status"])
        if reject["shape"]:
            return self.language.say(
                "Its {identifier} could not be read: {why}, written like {shape}.",
                identifier=reject["identifier"],
                why=why,
                shape=reject["shape"],
            )
        return self.language.say("Its {identifier} could not be read: {why}.", identifier=reject["identifier"], why=why)

    def _before(self, night: Mapping[str, Any]) -> str:
        if night["change"] == "pruned":
            return self.language.say(
                "What the run for {day} and those before it said has been removed.", day=night["as_of"]
            )
        return self.language.say("Before, in the run for {day}: {moved}.", day=night["as_of"], moved=self._moved(night))

    def _not_flagged(self, story: Story) -> Iterator[str]:
        say = self.language.say
        if story.findings:
            yield say("It is not flagged: what was found is only measured, and leads to nothing.")
            return
        yield say("It is not flagged in this run.")
        if story.rejects:
            yield say("That does not mean that it is clear: what could not be read was not screened.")
            return
        yield say(
            "That does not mean that it is clear: a run keeps no list of the {rows:,} rows that it read, so whether "
            "this account was among them, and with which numbers, can't be told from here.",
            rows=story.rows,
        )

    def _outcome(self, story: Story) -> Iterator[str]:
        say, flag, change = self.language.say, story.flag, story.change
        outcome = change or flag or {}
        action = outcome["action"]
        if change is not None and change["change"] == "released":
            yield say(
                "It is released: {action} is no longer recommended, because {cause}.",
                action=self._action(change["action_before"]),
                cause=self._because(change),
            )
            if change["undo"] == "lift":
                yield say("What had been recommended is to be lifted.")
            elif change["undo"]:
                yield say("What had been recommended was not carried out yet and is cancelled.")
        elif action == "none" and flag is not None and flag["exempted_by"]:
            yield say(
                "Nothing is recommended: all that was found is exempted, by {by}.",
                by=self._exempted(flag["exempted_by"]),
            )
        else:
            yield self._recommended(outcome)
        if flag is not None and action != "none":
            yield say(
                "Its score is {score}, level {level}; listings that count: {hits}.",
                score=flag["score"],
                level=self._level(flag["level"]),
                hits=flag["hits"],
            )
        if change is not None and change["change"] != "released":
            moved = self._moved(change)
            if change["cause"] == "first_run":
                yield say("Now: {moved}.", moved=moved)
            else:
                yield say("Since the run before: {moved}.", moved=moved)
            yield from self._handed(change, story)

    def _recommended(self, outcome: Mapping[str, Any]) -> str:
        say, action = self.language.say, outcome["action"]
        is_due = outcome["act_on"] and action != "none" and not outcome.get("carried_since")
        said = say(_DUE[action], day=outcome["act_on"]) if is_due else say(_RECOMMENDED[action])
        if not outcome["flagged_since"]:
            return said
        since = say("It has been flagged since {day}.", day=outcome["flagged_since"])
        return self.language.joined(said, since)

    def _handed(self, change: Mapping[str, Any], story: Story) -> Iterator[str]:
        say = self.language.say
        if change["carried_since"]:
            yield say(
                "Since {day} the flag rests on what an earlier night found; nothing is handed out meanwhile.",
                day=change["carried_since"],
            )
        if change["undo"] and change["change"] not in ("released", "eased"):
            yield (
                say("An earlier run of that day had handed out more, which is to be lifted.")
                if change["undo"] == "lift"
                else say("An earlier run of that day had said more, which is cancelled.")
            )
        is_tonights = str(change["handed_out_on"]) == story.as_of and story.state in _NOT_HANDED_OUT
        if change["handed_out"] != "none" and change["handed_out_on"] and not is_tonights:
            action = self._action(change["handed_out"])
            yield say("The action {action} was handed out on {day}.", action=action, day=change["handed_out_on"])

    def _moved(self, change: Mapping[str, Any]) -> str:
        before, now = self._action(change["action_before"]), self._action(change["action"])
        moved = self.language.say(_MOVES[change["change"]], before=before, now=now)
        if not change["cause"]:
            return moved
        return self.language.say("{moved}, because {cause}", moved=moved, cause=self._because(change))

    def _because(self, change: Mapping[str, Any]) -> str:
        text = because(change["change"], change["cause"])
        return self.language.say(text if self.numbers else _OF_VALUES.get(text, text))

    def _finding(self, finding: Finding) -> Iterator[str]:
        say, hit = self.language.say, finding.hit
        yield say(_ROLES[finding.seen, finding.decides], fact=self._listed(finding))
        for begin, end in zip(finding.gaps[::2], finding.gaps[1::2], strict=True):
            yield "  " + say("It was not on that list from {begin} until {end}.", begin=begin, end=end)
        for sentence in (_MATCHES[hit["match"]], _HOLDERS[hit["holder"]]):
            if sentence:
                yield "  " + say(sentence)
        if finding.lead:
            yield from ("  " + each for each in self._lead(finding.lead))
        if hit["carried_by"] > 1:
            yield "  " + say(_worded_for(hit["kind"], _CARRIED_BY), count=hit["carried_by"])
        if hit["exempted_by"]:
            by = self._exempted(hit["exempted_by"])
            yield "  " + say("It is exempted by {by}, and leads to nothing.", by=by)
            yield from ("  " + each for each in self._cleared(finding.cleared or {}))
        yield from ("  " + each for each in self._weighed(finding))

    def _cleared(self, decision: Mapping[str, Any]) -> Iterator[str]:
        say = self.language.say
        if decision.get("by"):
            yield say("{by} has cleared the account on {day}.", by=decision["by"], day=decision["decided_on"])
        elif decision:
            yield say("The account was cleared on {day}.", day=decision["decided_on"])
        if decision.get("reason"):
            yield say("Why it was cleared: {reason}", reason=decision["reason"])

    def _lead(self, lead: Mapping[str, Any]) -> Iterator[str]:
        say = self.language.say
        if lead["ring"]:
            yield say("That listing was found here: it stands on ring {ring}.", ring=lead["reference"])
            yield say("Why that is a ring: {why}", why=self.language.again(lead["ring"], RECORDED))
        else:
            yield say("That listing was found here: {why}", why=lead["why"])
        if lead["state"] in (*OPEN, "rejected"):
            return  # who has decided, has not accepted it
        if lead["decided_by"] == RULE:
            yield say("A stated rule has accepted it.")
        elif lead["decided_by"]:
            yield say("{by} has accepted it on {day}.", by=lead["decided_by"], day=lead["decided_on"])

    def _listed(self, finding: Finding) -> str:
        say, hit = self.language.say, finding.hit
        has_reason = hit["reason"] != "listed"
        since = _SINCE[bool(hit["listed_on"]), bool(hit["expires_on"])]
        return say(
            _LISTED[finding.seen == "before", has_reason],
            identifier=hit["identifier"],
            value=hit["value"],
            source=hit["source"],
            reason=worded(self.language, IN_SHORT, hit["reason"]),
            since=say(since, begin=hit["listed_on"], end=hit["expires_on"]),
            case=say(", case {reference}", reference=hit["reference"]) if hit["reference"] else "",
            listing=hit["listing_id"],
        )

    def _weighed(self, finding: Finding) -> Iterator[str]:
        say, hit, how = self.language.say, finding.hit, finding.judgement
        by_rule = how.rule is not None and how.scored_by != "listing"
        yield say(
            _WEIGHED[by_rule, bool(hit["exempted_by"])],
            score=hit["score"],
            rule=how.rule,
            level=self._level(how.level),
            action=self._action(how.recommended),
        )
        for name in how.bound_by:
            says_rule = say("rule {rule} of the policy says so", rule=how.rule)
            why = says_rule if name == "rule" else say(_worded_for(hit["kind"], _CAPS[name]))
            yield say("It can lead to no more than {cap}: {why}.", cap=self._action(hit["cap"]), why=why)
        if how.measured:
            yield say("It is only measured, and leads to nothing: rule {rule} of the policy says so.", rule=how.rule)
        elif how.rule is not None and not by_rule and "rule" not in how.bound_by:
            yield say("Rule {rule} of the policy applied to it.", rule=how.rule)
        if not how.sure:
            yield say(
                "What the run keeps of the account and of its sources' terms does not tell all of why: see its inputs."
            )

    def _terms(self, story: Story) -> Iterator[str]:
        say = self.language.say
        by_source: dict[str, Terms | None] = {each.hit["source"]: each.terms for each in story.findings}
        for source, terms in by_source.items():
            legal, use, appeal = (getattr(terms, name, None) for name in ("legal_basis", "allowed_use", "appeal"))
            unstated = say("not stated by the source")
            yield say("Legal basis of the list of {source}: {basis}.", source=source, basis=legal or unstated)
            if use:
                yield say("Allowed use: {use}.", use=use)
            yield say("Appeals against {source}: {appeal}.", source=source, appeal=appeal or unstated)

    def _exempted(self, by: str) -> str:
        if by == "clearance":
            return self.language.say("a person's clearance")
        return self.language.say("the allow list of {source}", source=by)

    def _action(self, action: str) -> str:
        """English says actions by their codes, as files do."""
        return action if self.language.name == "en" else worded(self.language, ACTIONS, action)

    def _level(self, level: str) -> str:
        return worded(self.language, LEVELS, level)


def _worded_for(kind: str, message: str) -> str:
    return message if _is_number(kind) else _OF_VALUES.get(message, message)


def _is_number(kind: str) -> bool:
    """Whether people call what is of a kind a number."""
    return "number" in KINDS[kind].noun[0]
