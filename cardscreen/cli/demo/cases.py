"""What is planted, and what must come of it on each of the three nights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

NOT_FLAGGED = "not flagged"
_USUAL = -30  # days from the second night on which most listings were made


@dataclass(frozen=True)
class Case:
    """Accounts of one sort.

    Attributes:
        words: What they are.
        accounts: How many of 200,000.
        expected: What must come out on each night: an action, `not flagged`, or `released: ` and the cause.
        source: Who lists them; empty: nobody.
        where: Whose accounts they are.
        trap: What would make a careless screening cut innocent people off; empty where nothing would.
        severity: Of the listings.
        listed: Day of the listing, counted from the second night; None: before the account's holder had the number.
        expires: Its last day, counted from the second night.
        nights: Whether the source's file of each night has it.
        allowed: Whether the regulator's allow list of each night has it.
        segment: Of the accounts, where it is a certain one.
        ported: Whether the holders have brought the number along from another operator.
        group: What they have in common with others, or what happens to them between the second and the third night;
            there are as many in a world of any size.
    """

    words: str
    accounts: int
    expected: tuple[str, str, str]
    source: str = "police"
    where: Literal["operator", "bank"] = "operator"
    trap: Literal["", "recycled", "ported", "shared", "ranged", "protected", "bystander"] = ""
    severity: int = 95
    listed: int | None = _USUAL
    expires: int | None = None
    nights: tuple[bool, bool] = (True, True)
    allowed: tuple[bool, bool] = (False, False)
    segment: str | None = None
    ported: bool = False
    group: Literal[
        "",
        "device gang",
        "card gang",
        "switchboard",
        "family",
        "many cards",
        "reported",
        "revenge",
        "appeal",
        "partner",
    ] = ""

    def many(self, scale: float) -> int:
        """How many accounts of a smaller or larger world; those that share a number are always a dozen."""
        as_many = self.trap == "shared" or self.group
        return self.accounts if as_many else max(1, round(self.accounts * scale))


def _all(action: str) -> tuple[str, str, str]:
    return action, action, action


def _last(action: str, before: str = NOT_FLAGGED) -> tuple[str, str, str]:
    return before, before, action


CASES = (
    Case("on a police list, in any writing", 400, _all("suspend")),
    Case("the same, and brought along since", 40, _all("suspend"), ported=True),
    Case("reported once, low severity", 100, _all("notify"), "regulator", severity=30),
    Case("recycled: listed before this holder", 100, _all("verify"), trap="recycled", listed=None),
    Case("ported: recycled, then brought along", 40, _all("verify"), trap="ported", listed=None, ported=True),
    Case("shared by a dozen accounts", 12, _all("verify"), trap="shared"),
    Case("ranged: inside a listed range", 120, _all("verify"), "regulator", trap="ranged", severity=80),
    Case("protected: on the allow list", 50, _all("none"), trap="protected", allowed=(True, True)),
    Case("protected: a hospital's number", 10, _all("verify"), trap="protected", segment="hospital"),
    Case("listing had ended before", 80, _all(NOT_FLAGGED), "regulator", expires=-2),
    Case("listing begins afterwards", 40, _last("suspend"), "regulator", listed=1),
    Case("listed on the second day", 60, (NOT_FLAGGED, "suspend", "suspend"), listed=-1, nights=(False, True)),
    Case("withdrawn by the police", 12, ("suspend", "released: listing_ended", NOT_FLAGGED), nights=(True, False)),
    Case("listing ran out", 12, ("notify", "released: expired", NOT_FLAGGED), "regulator", severity=30, expires=-1),
    Case("put on the allow list", 12, ("suspend", "released: allow_listing", "none"), allowed=(False, True)),
    Case("card on the banks' list", 150, _all("suspend"), "bank-association", "bank", severity=85),
    Case("card listed with its middle hidden", 60, _all("verify"), "fraud-desk", "bank", severity=85),
    Case("in a gang with one device, listed", 3, _all("suspend"), group="device gang"),
    Case("in that gang, and not listed", 3, _last("verify"), "", group="device gang"),
    Case("in a gang with one card, listed", 3, _all("suspend"), "police", "bank", group="card gang"),
    Case("in that gang, and not listed", 2, _last("verify"), "", "bank", group="card gang"),
    Case("behind a switchboard, listed", 2, _all("suspend"), group="switchboard"),
    Case("behind that switchboard", 38, _all(NOT_FLAGGED), "", trap="bystander", group="switchboard"),
    Case("in a family, listed", 1, _all("suspend"), group="family"),
    Case("in that family", 2, _all(NOT_FLAGGED), "", trap="bystander", group="family"),
    Case("one customer with forty cards", 40, _last("verify"), "", group="many cards"),
    Case("reported by many people", 1, _last("verify"), "", group="reported"),
    Case("reported out of revenge", 1, _all(NOT_FLAGGED), "", trap="bystander", group="revenge"),
    Case("objected, and was right", 1, _last("released: clearance", "suspend"), "regulator", group="appeal"),
    Case("at the bank, with a number of that gang", 3, _all(NOT_FLAGGED), "", "bank", group="partner"),
)
