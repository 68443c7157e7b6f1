"""The words for reasons and causes, told to persons."""

from __future__ import annotations

ACTING = ["notify", "verify", "suspend", "close"]

#: What is said of a reason code; another code is shown as it is.
REASONS = {
    "telecom_fraud": "Reported in connection with telephone or online fraud.",
    "money_mule": "Reported as used to pass on the proceeds of fraud.",
    "card_rental": "Reported as rented out or sold to others.",
    "sim_farm": "Reported as part of a SIM farm.",
    "phishing": "Reported as used for phishing.",
    "gambling": "Reported in connection with illegal gambling.",
    "laundering": "Reported in connection with money laundering.",
    "stolen": "Reported as stolen.",
    "reported": "Reported by customers or staff.",
    "listed": "On a blocklist.",
}

#: What is said of the cause of a release.
CAUSES = {
    "listing_changed": "The source has changed what it says of the number.",
    "listing_ended": "The source no longer lists the number.",
    "expired": "The listing has run out.",
    "allow_listing": "The number is on an allow list.",
    "clearance": "A person has decided that the account is in order.",
    "identifier_changed": "The account no longer has the number.",
    "holder_changed": "The listing is older than the present holder of the number.",
    "shared_changed": "More accounts than before have the number.",
    "account_changed": "What is known of the account has changed.",
    "account_gone": "The account has been missing for too long to go on.",
    "account_unreadable": "The account's number has been missing or unreadable for too long to go on.",
    "policy_changed": "The policy has changed.",
    "software_changed": "The software or its numbering data has changed.",
}
