"""What is planted, and what must come of it on each of the two nights."""

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
        expected: What must come out on the first and on the second night: an action, `not flagged`, or `released: `
            and the cause.
        source: Who lists them.
        where: Whose accounts they are.
        trap: What would make a careless screening cut innocent people off; empty where nothing would.
        severity: Of the listings.
        listed: Day of the listing, counted from the second night; None: before the account's holder had the number.
        expires: Its last day, counted from the second night.
        nights: Whether the source's file of each night has it.
        allowed: Whether the regulator's allow list of each night has it.
        segment: Of the accounts, where it is a certain one.
        ported: Whether the holders have brought the number along from another operator.
    """

    words: str
    accounts: int
    expected: tuple[str, str]
    source: str = "police"
    where: Literal["operator", "bank"] = "operator"
    trap: Literal["", "recycled", "ported", "shared", "ranged", "protected"] = ""
    severity: int = 95
    listed: int | None = _USUAL
    expires: int | None = None
    nights: tuple[bool, bool] = (True, True)
    allowed: tuple[bool, bool] = (False, False)
    segment: str | None = None
    ported: bool = False

    def many(self, scale: float) -> int:
        """How many accounts of a smaller or larger world; those that share a number are always a dozen."""
        return self.accounts if self.trap == "shared" else max(1, round(self.accounts * scale))


def _both(action: str) -> tuple[str, str]:
    return action, action


CASES = (
    Case("on a police list, in any writing", 400, _both("suspend")),
    Case("the same, and brought along since", 40, _both("suspend"), ported=True),
    Case("reported once, low severity", 100, _both("notify"), "regulator", severity=30),
    Case("recycled: listed before this holder", 100, _both("verify"), trap="recycled", listed=None),
    Case("ported: recycled, then brought along", 40, _both("verify"), trap="ported", listed=None, ported=True),
    Case("shared by a dozen accounts", 12, _both("verify"), trap="shared"),
    Case("ranged: inside a listed range", 120, _both("verify"), "regulator", trap="ranged", severity=80),
    Case("protected: on the allow list", 50, _both("none"), trap="protected", allowed=(True, True)),
    Case("protected: a hospital's number", 10, _both("verify"), trap="protected", segment="hospital"),
    Case("listing had ended before", 80, _both(NOT_FLAGGED), "regulator", expires=-2),
    Case("listing begins afterwards", 40, _both(NOT_FLAGGED), "regulator", listed=1),
    Case("listed on the second day", 60, (NOT_FLAGGED, "suspend"), listed=-1, nights=(False, True)),
    Case("withdrawn by the police", 12, ("suspend", "released: listing_ended"), nights=(True, False)),
    Case("listing ran out", 12, ("notify", "released: expired"), "regulator", severity=30, expires=-1),
    Case("put on the allow list", 12, ("suspend", "released: allow_listing"), allowed=(False, True)),
    Case("card on the banks' list", 150, _both("suspend"), "bank-association", "bank", severity=85),
    Case("card listed with its middle hidden", 60, _both("verify"), "fraud-desk", "bank", severity=85),
)
