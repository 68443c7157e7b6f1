"""A few nights with something in every part of their pages, texts that would break a page among it."""

from __future__ import annotations

from pathlib import Path

from nights import JOB, Night, Operator, Row, account, listing, phone

#: What stands where others choose the words.
SCRIPT = "</script><script>document.title='broken'</script>"
IMAGE = '"><img src=x onerror="document.title=\'broken\'">'
TURNED = "a\u202e31"
CARD = "4539578763621486"
HELD = JOB.replace("new_suspend = 1", "new_suspend = 0.001").replace("rejected_share = 1", "rejected_share = 0.01")


def accounts(count: int = 60) -> list[Row]:
    """Accounts with a phone number each, and some of which it can't be read."""
    rows = [account(f"A{number:03}", phone(number % 90), segment="consumer") for number in range(count)]
    rows[0] |= {"account_id": SCRIPT, "segment": IMAGE}
    rows[1] |= {"account_id": TURNED}
    rows[50] |= {"card_no": CARD}
    return [*rows, account("unread", "ask his wife", segment="business")]


def listings() -> list[Row]:
    """Listings of three sources, of which one has a name of its own choosing."""
    found = [listing(phone(number)) for number in range(8)]
    found += [listing(phone(number), "verify", source=IMAGE, reason=SCRIPT) for number in range(6, 12)]
    found.append(listing(CARD, "notify", source="bank", reason="card_rental"))
    return [*found, listing(phone(20), list="allow", source="desk"), listing(phone(20))]


def nights(folder: Path) -> tuple[Operator, list[Night]]:
    """Three nights, the last one held."""
    operator = Operator(folder)
    done = [operator.night(1, accounts(), listings()[2:])]
    done.append(operator.night(2, accounts(), listings()[:-2]))
    operator.say(HELD)
    more = [*listings(), *(listing(phone(number)) for number in range(30, 40))]
    done.append(operator.night(3, accounts(), more))
    return operator, done
