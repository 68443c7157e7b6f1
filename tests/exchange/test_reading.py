"""What can't be read is not compared: a base that a night would hold answers nothing, and what was read is told."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from partners import OPRF, Partners, Side, agreement, partners

SMALL = "min_identifiers = 10\n"
ANSWER = ("ask.cse", "--job", "job.toml", "--out", "answer.cse")
BLIND = ("--job", "job.toml", "--out", "blinded.cse")
PHONES = '["phone"]'


@pytest.fixture
def asked(tmp_path: Path) -> Partners:
    """A request about phone numbers that lies at the bank, unanswered."""
    agreed = agreement(SMALL).replace('["phone", "card"]', PHONES)
    both = partners(tmp_path, agreed, 60, 40, 20, 8)
    both.operator.exchange("ask", "--job", "job.toml", "--out", "ask.cse")
    both.operator.sends("ask.cse", both.bank)
    return both


@pytest.fixture
def seeker(tmp_path: Path) -> Partners:
    """Two who compare phone numbers by oblivious tokens, with an offer at the bank."""
    agreed = agreement(OPRF + SMALL).replace('["phone", "card"]', PHONES)
    both = partners(tmp_path, agreed, 60, 40, 20, 8)
    both.operator.exchange("offer", "--store", "lists", "--out", "offer.cse")
    both.operator.sends("offer.cse", both.bank)
    return both


def spoil(side: Side, cells: pl.Expr, rows: int = 40) -> None:
    """Write other phone numbers into the first rows of a side's accounts."""
    table = pl.read_csv(side.home / "accounts.csv", infer_schema=False).with_row_index()
    mobile = pl.when(pl.col("index") < rows).then(cells).otherwise("mobile")
    table.with_columns(mobile=mobile).drop("index").write_csv(side.home / "accounts.csv")


def says(side: Side, name: str, *arguments: object) -> list[str]:
    """The lines in which a step is refused as input."""
    done = side.tries("exchange", name, "agreement.toml", *arguments)
    assert done.code == 3, (done.code, done.out, done.err)
    return done.err.splitlines()


QUANTITY = pl.lit("1.38E+10")
NATIONAL = pl.col("mobile").str.replace("+86 ", "", literal=True)
LIMIT = "  rejected_share: 100.00 % of the filled cells of 'mobile' gave no usable value (limit 20.00 %)"


@pytest.mark.parametrize(
    ("cells", "mend"),
    [(QUANTITY, "export the column as text"), (NATIONAL, 'say region = "…" beside the column\'s kind')],
)
def test_a_base_that_a_night_would_hold_gives_no_answer(asked: Partners, cells: pl.Expr, mend: str) -> None:
    bank = asked.bank
    spoil(bank, cells)
    if cells is NATIONAL:
        job = (bank.home / "job.toml").read_text(encoding="utf-8")
        (bank.home / "job.toml").write_text(job.replace(', region = "CN"', ""), encoding="utf-8")
    first, limit, *why, last = says(bank, "answer", *ANSWER, "--feed", "matched.parquet")
    assert first.endswith("accounts.csv is not compared, and nothing is written:")
    assert (limit, mend in why[-1]) == (LIMIT, True), why
    assert last == (
        "Get newer accounts; where these are right all the same, change the limit under [limits] of the job"
    )
    assert not any((bank.home / name).exists() for name in ("answer.cse", "matched.parquet", "exchange/ledger.jsonl"))


def test_a_base_without_accounts_or_with_a_blank_column_gives_no_answer(asked: Partners) -> None:
    spoil(asked.bank, pl.lit(""))
    assert "holds nothing that can be read in 'mobile': it would clear nobody" in asked.bank.refuses("answer", *ANSWER)
    (asked.bank.home / "accounts.csv").write_text("account_id,mobile,card_no\n", encoding="utf-8")
    assert "holds no accounts: an empty extract clears nobody" in asked.bank.refuses("answer", *ANSWER)


def test_a_base_that_has_lost_rows_since_the_newest_run_gives_no_answer(asked: Partners) -> None:
    bank = asked.bank
    bank.lists(pl.DataFrame({"number": ["13700000000"]}))
    bank.does("run", "job.toml")
    written = (bank.home / "accounts.csv").read_text(encoding="utf-8")
    (bank.home / "accounts.csv").write_text(written[:700], encoding="utf-8")
    told = "\n".join(says(bank, "answer", *ANSWER))
    assert "fewer rows that name an account than in the base run" in told
    assert "approve a run of them (cardscreen run " in told


def test_few_cells_that_can_not_be_read_are_told_to_both_sides(asked: Partners) -> None:
    operator, bank = asked.operator, asked.bank
    spoil(bank, QUANTITY, rows=3)
    told = bank.exchange("answer", *ANSWER)
    counts = {"cells": 40, "missing": 0, "rejected": 3}
    assert told["read"] == {"rows": 40, "no_account": 0, "identifiers": {"mobile": counts}}
    assert (told["unread"], told["not_compared"], told["matches"]) == ({"phone": 8}, [], {"phone": 5})
    bank.sends("answer.cse", operator)
    said = operator.does("exchange", "read", "agreement.toml", "answer.cse", "--out", "m.csv").out
    assert "can't be read up to 8 % of phone\n" in said
    assert "What the other side could not read was not compared" in said
    said = bank.does("exchange", "answer", "agreement.toml", *ANSWER, "--again", "--force").out
    assert "read          40 rows; mobile: 40 cells, 3 can't be read, 0 empty\n" in said


def test_flagged_accounts_about_which_nothing_can_be_asked_are_told(asked: Partners) -> None:
    operator = asked.operator
    spoil(operator, QUANTITY, rows=3)
    command = ("exchange", "ask", "agreement.toml", "--job", "job.toml", "--out", "other.cse")
    told = "not asked     3 accounts that carry no value of these kinds that can be asked about\n"
    assert told in operator.does(*command).out


def test_a_column_of_masks_is_told_as_not_compared_and_holds_up_nothing_else(tmp_path: Path) -> None:
    """Nights read masks; tokens can't be compared with them."""
    both = partners(tmp_path, agreement(SMALL), 60, 40, 20, 8)
    bank = both.bank
    masks = pl.col("card_no").str.replace_all("-", "").str.replace(r"^(\d{6})\d{6}", "$1******")
    table = pl.read_csv(bank.home / "accounts.csv", infer_schema=False).with_columns(masks)
    table.write_csv(bank.home / "accounts.csv")
    both.operator.exchange("ask", "--job", "job.toml", "--out", "ask.cse")
    both.operator.sends("ask.cse", bank)
    told = bank.exchange("answer", *ANSWER)
    assert (told["not_compared"], told["unread"], told["matches"]) == (["card"], {}, {"card": 0, "phone": 8})


def test_values_of_a_base_that_a_night_would_hold_are_neither_blinded_nor_compared(seeker: Partners) -> None:
    operator, bank = seeker.operator, seeker.bank
    sound = (bank.home / "accounts.csv").read_bytes()
    spoil(bank, QUANTITY, rows=30)
    assert "  rejected_share: 75.00 % of the filled cells" in says(bank, "blind", *BLIND)[1]
    (bank.home / "accounts.csv").write_bytes(sound)
    told = bank.exchange("blind", *BLIND)
    assert told["read"]["identifiers"] == {"mobile": {"cells": 40, "missing": 0, "rejected": 0}}
    bank.sends("blinded.cse", operator)
    operator.exchange("evaluate", "blinded.cse", "--out", "evaluated.cse")
    operator.sends("evaluated.cse", bank)
    finish = ("evaluated.cse", "offer.cse", "--out", "matches.csv")
    spoil(bank, QUANTITY, rows=30)
    assert "  rejected_share: 75.00 % of the filled cells" in says(bank, "finish", *finish)[1]
    assert not (bank.home / "matches.csv").exists()
    (bank.home / "accounts.csv").write_bytes(sound)
    told = bank.exchange("finish", *finish)
    assert (told["matches"], told["read"]["rows"], told["not_compared"]) == (8, 40, [])
