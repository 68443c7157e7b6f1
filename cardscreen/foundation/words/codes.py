"""The words for codes: reasons, causes, actions, levels, changes; told to persons, in each language."""

from __future__ import annotations

from collections.abc import Mapping

from cardscreen.foundation.words.languages import Language, phrase

ACTING = ["notify", "verify", "suspend", "close"]

#: What is said of a reason code; another code is shown as it is.
REASONS = {
    "telecom_fraud": phrase("Reported in connection with telephone or online fraud."),
    "money_mule": phrase("Reported as used to pass on the proceeds of fraud."),
    "card_rental": phrase("Reported as rented out or sold to others."),
    "sim_farm": phrase("Reported as part of a SIM farm."),
    "phishing": phrase("Reported as used for phishing."),
    "gambling": phrase("Reported in connection with illegal gambling."),
    "laundering": phrase("Reported in connection with money laundering."),
    "stolen": phrase("Reported as stolen."),
    "reported": phrase("Reported by customers or staff."),
    "listed": phrase("On a blocklist."),
    "ring": phrase("Shared with accounts that other sources list."),
    "flagged_account": phrase("Another account of the same customer is on a list."),
    "too_many": phrase("The customer has more of these than are allowed."),
    "named_by_partner": phrase("Known to another institution from its own list."),
}

#: The same in a word or two.
IN_SHORT = {
    "telecom_fraud": phrase("telecom fraud"),
    "money_mule": phrase("money mule"),
    "card_rental": phrase("card rental"),
    "sim_farm": phrase("SIM farm"),
    "phishing": phrase("phishing"),
    "gambling": phrase("gambling"),
    "laundering": phrase("laundering"),
    "stolen": phrase("stolen"),
    "reported": phrase("reported"),
    "listed": phrase("listed"),
    "ring": phrase("what listed accounts share"),
    "flagged_account": phrase("another account of the customer"),
    "too_many": phrase("more than a customer may have"),
    "named_by_partner": phrase("on another institution's list"),
}

#: What is said of the cause of a release.
CAUSES = {
    "listing_changed": phrase("The source has changed what it says of the number."),
    "listing_ended": phrase("The source no longer lists the number."),
    "expired": phrase("The listing has run out."),
    "allow_listing": phrase("The number is on an allow list."),
    "clearance": phrase("A person has decided that the account is in order."),
    "identifier_changed": phrase("The account no longer has the number."),
    "holder_changed": phrase("The listing is older than the present holder of the number."),
    "shared_changed": phrase("More accounts than before have the number."),
    "account_changed": phrase("What is known of the account has changed."),
    "account_gone": phrase("The account has been missing for too long to go on."),
    "account_unreadable": phrase("The account's number has been missing or unreadable for too long to go on."),
    "policy_changed": phrase("The policy has changed."),
    "software_changed": phrase("The software or its numbering data has changed."),
}

#: The same of each change, within a sentence.
BECAUSE = {
    "first_run": phrase("there was no earlier run"),
    "listing_added": phrase("a source has listed the number"),
    "listing_changed": phrase("the source has changed what it says"),
    "listing_ended": phrase("the source no longer lists the number"),
    "expired": phrase("the listing has run out"),
    "allow_listing": phrase("the number is on an allow list"),
    "allow_listing_ended": phrase("the number is no longer on an allow list"),
    "clearance": phrase("a person has cleared the account"),
    "clearance_ended": phrase("a person's clearance has ended"),
    "identifier_changed": phrase("the account's number has changed"),
    "holder_changed": phrase("the number's holder has changed"),
    "shared_changed": phrase("more or fewer accounts than before have the number"),
    "account_changed": phrase("what is known of the account has changed"),
    "account_gone": phrase("the account was not in the extract"),
    "account_unreadable": phrase("the account's number could not be read"),
    "source_stale": phrase("the source's data is too old to act on"),
    "policy_changed": phrase("the policy has changed"),
    "software_changed": phrase("the software or its numbering data has changed"),
}

#: In place of that, of who is flagged for a number with which the account was not known before.
NOT_KNOWN_BEFORE = phrase("the account was not known with this number before")

#: What is recommended.
ACTIONS = {
    "none": phrase("nothing"),
    "notify": phrase("notify"),
    "verify": phrase("verify"),
    "suspend": phrase("suspend"),
    "close": phrase("close"),
}
LEVELS = {
    "none": phrase("none"),
    "low": phrase("low"),
    "medium": phrase("medium"),
    "high": phrase("high"),
    "critical": phrase("critical"),
}
CHANGES = {
    "new": phrase("newly flagged"),
    "escalated": phrase("escalated"),
    "eased": phrase("eased"),
    "released": phrase("released"),
    "carried": phrase("carried"),
    "unchanged": phrase("unchanged"),
}
MATCHES = {
    "exact": phrase("the whole number"),
    "range": phrase("within a range"),
    "truncated": phrase("with hidden digits"),
    "token": phrase("by token"),
}
HOLDERS = {
    "same": phrase("listed while the present holder had it"),
    "earlier": phrase("listed before the present holder got it"),
    "unknown": phrase("not known"),
}
#: How fresh the data of a source is.
STATES = {
    "fresh": phrase("fresh"),
    "old": phrase("old"),
    "stale": phrase("too old to act on"),
    "stuck": phrase("unchanged for long"),
    "retired": phrase("ended"),
    "idle": phrase("nothing in force"),
}
#: Why a cell or a row gives nothing to look up.
STATUSES = {
    "missing": phrase("empty"),
    "truncated": phrase("digits are hidden"),
    "damaged": phrase("damaged"),
    "not_a_number": phrase("not a number"),
    "invalid_country_code": phrase("no country code"),
    "too_short_after_idd": phrase("too short after the international prefix"),
    "too_short_nsn": phrase("too short"),
    "too_long": phrase("too long"),
    "bad_length": phrase("wrong length"),
    "bad_checksum": phrase("wrong check digit"),
    "not_an_address": phrase("not an address"),
    "not_an_iban": phrase("not an IBAN"),
    "not_an_imei": phrase("not an IMEI"),
    "not_an_imsi": phrase("not an IMSI"),
    "not_an_iccid": phrase("not an ICCID"),
    "not_a_resident_id": phrase("not a resident id"),
    "not_an_email": phrase("not an e-mail address"),
    "not_a_handle": phrase("not a handle"),
    "swapped": phrase("halves of bytes swapped"),
    "open": phrase("can be read in two ways"),
    "other_platform": phrase("of another platform"),
    "placeholder": phrase("stands for nothing"),
    "unnamed": phrase("without its name in front"),
    "no_account": phrase("no account id"),
    "ragged": phrase("other fields than the header"),
    "incomparable": phrase("what it hides decides"),
    "test_card": phrase("a number for testing"),
}
#: How a cell was read that is screened all the same; only who asks about one value is told.
SCREENED = {
    "valid": "nothing is wrong with it",
    "invalid": "it is in no numbering plan",
    "truncated": "it hides digits, and shows enough of them",
    "completed": "it took its leading digits from the number before it",
    "bad_checksum": "its check digit is wrong",
    "spare_digit": "0 stands in place of its check digit",
    "unknown_country": "its country code is nobody's",
    "unknown_region": "its region is none",
    "short": "it has fewer digits than others",
    "open": "its last digit may be a check digit, or not",
}


def because(change: str, cause: str) -> str:
    """Why a flag has changed, within a sentence."""
    gains = cause == "identifier_changed" and change in ("new", "escalated")
    return NOT_KNOWN_BEFORE if gains else BECAUSE.get(cause, cause.replace("_", " "))


def worded(language: Language, codes: Mapping[str, str], code: str | None) -> str:
    """A code in words; one that has none with blanks for underscores."""
    name = str(code)
    return language.say(codes[name]) if name in codes else name.replace("_", " ")
