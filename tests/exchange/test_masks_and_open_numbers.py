"""What an exchange shows of secret values, and what it makes of numbers of which the end stays open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from partners import JOB, OPRF, Side, agreement

ASK = ("--job", "job.toml", "--out", "ask.cse")
ANSWER = ("ask.cse", "--job", "job.toml", "--out", "answer.cse", "--feed", "matched.parquet")
IDENTIFIERS = """
iban = { kind = "iban" }
person = { kind = "resident_id" }
sim = { kind = "iccid" }
"""
FEED = """
source = "police"
severity = 80
columns = { value = "value", kind = "kind" }
"""
IBAN, PERSON = "GR1601101050000010547023795", "11010519491231002X"
#: A number that may be with its check digit or without, and in both forms as others write it.
OPEN, SHORTER, LONGER = "8949020000012345679", "894902000001234567", "89490200000123456790"


def agreed(more: str = "") -> str:
    text = agreement(f"min_identifiers = 1\n{more}")
    return text.replace('kinds = ["phone", "card"]', 'kinds = ["iban", "resident_id", "iccid"]')


def side(home: Path, key: str, agreed_to: str, **columns: Sequence[str | None]) -> Side:
    ids = [f"{home.name}{number}" for number in range(len(columns["sim"]))]
    one = Side(home, key).found(pl.DataFrame({"account_id": ids, **columns}), agreed_to)
    before, after = JOB.index("[identifiers]\n") + len("[identifiers]\n"), JOB.index("[blocklist]")
    (home / "job.toml").write_text(JOB[:before] + IDENTIFIERS + JOB[after:], encoding="utf-8")
    return one


def lists(one: Side, more: str = "", **values: str) -> None:
    pl.DataFrame({"kind": list(values), "value": list(values.values())}).write_csv(one.home / "list.csv")
    (one.home / "feed.toml").write_text(more + FEED, encoding="utf-8")
    one.does("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", "--key-file", "tokens.key")


def exchanged(operator: Side, bank: Side) -> None:
    operator.does("run", "job.toml")
    operator.exchange("ask", *ASK)
    operator.sends("ask.cse", bank)
    bank.exchange("answer", *ANSWER)
    bank.sends("answer.cse", operator)
    operator.exchange("read", "answer.cse", "--out", "matches.csv")


def takes_in(bank: Side) -> None:
    into = ("--feed", "matched.toml", "--store", "lists", "--key-file", "tokens.key")
    bank.does("list", "import", "matched.parquet", *into)


def test_an_exchange_shows_of_a_persons_id_and_an_iban_what_results_show(tmp_path: Path) -> None:
    operator = side(tmp_path / "op", "a" * 64, agreed(), iban=[IBAN], person=[PERSON], sim=[None])
    bank = side(tmp_path / "bank", "b" * 64, agreed(), iban=[IBAN], person=[PERSON], sim=[None])
    lists(operator, iban=IBAN, resident_id=PERSON)
    exchanged(operator, bank)
    assert operator.matches()["value"].to_list() == ["GR16*******************3795", "110105***********X"]


def test_listings_that_stand_on_an_agreement_are_masked_as_their_kind_is(tmp_path: Path) -> None:
    operator = side(tmp_path / "op", "a" * 64, agreed(), iban=[IBAN], person=[PERSON], sim=[None])
    bank = side(tmp_path / "bank", "b" * 64, agreed(), iban=[IBAN], person=[PERSON], sim=[None])
    lists(operator, iban=IBAN, resident_id=PERSON)
    exchanged(operator, bank)
    plain = pl.when(kind="iban").then(pl.lit(IBAN)).otherwise(pl.lit(PERSON))
    pl.read_parquet(bank.home / "matched.parquet").with_columns(value=plain).write_parquet(bank.home / "plain.parquet")
    feed = (bank.home / "matched.toml").read_text(encoding="utf-8")
    (bank.home / "plain.toml").write_text('store_as = "plain"\n' + feed, encoding="utf-8")
    bank.does("list", "import", "plain.parquet", "--feed", "plain.toml", "--store", "plain", "--new-store")
    bank.exchange("close", "--store", "plain", "--out", "standing.csv")
    masks = ["110105***********X", "GR16*******************3795"]
    assert bank.matches("standing.csv")["value"].sort().to_list() == masks


@pytest.mark.parametrize("asked", [OPEN, SHORTER, LONGER])
def test_numbers_of_which_the_end_stays_open_match_both_that_they_may_be(tmp_path: Path, asked: str) -> None:
    """As screening against a store does, with plain values or with tokens."""
    none: list[str | None] = [None] * 4
    known = [SHORTER, LONGER, OPEN, "894902000001999999"]
    operator = side(tmp_path / "op", "a" * 64, agreed(), iban=[None], person=[None], sim=[asked])
    bank = side(tmp_path / "bank", "b" * 64, agreed(), iban=none, person=none, sim=known)
    lists(operator, iccid=asked)
    exchanged(operator, bank)
    assert operator.matches().select("account_id").rows() == [("op0",)]
    takes_in(bank)
    bank.does("run", "job.toml")
    found = pl.read_parquet(bank.home / "runs/latest/flagged.parquet")["account_id"].sort().to_list()
    assert found == {OPEN: ["bank0", "bank1", "bank2"], SHORTER: ["bank0", "bank2"], LONGER: ["bank1", "bank2"]}[asked]


def test_without_a_shared_key_open_numbers_match_both_that_they_may_be(tmp_path: Path) -> None:
    known = [SHORTER, LONGER, OPEN, "894902000001999999"]
    none: list[str | None] = [None] * 4
    operator = side(tmp_path / "op", "a" * 64, agreed(OPRF), iban=[None], person=[None], sim=[None])
    bank = side(tmp_path / "bank", "b" * 64, agreed(OPRF), iban=none, person=none, sim=known)
    lists(operator, 'store_as = "plain"\n', iccid=LONGER)
    operator.exchange("offer", "--store", "lists", "--out", "offer.cse")
    asked = bank.exchange("blind", "--job", "job.toml", "--out", "blinded.cse")
    assert (asked["identifiers"], asked["hidden"]) == (3, 0)
    bank.sends("blinded.cse", operator)
    operator.exchange("evaluate", "blinded.cse", "--out", "evaluated.cse")
    for letter in ("offer.cse", "evaluated.cse"):
        operator.sends(letter, bank)
    bank.exchange("finish", "evaluated.cse", "offer.cse", "--out", "matches.csv")
    assert bank.matches()["account_id"].to_list() == ["bank1", "bank2"]


def test_values_with_hidden_digits_are_told_as_not_asked_about(tmp_path: Path) -> None:
    """Nothing can match them, which must not look as if they were clear."""
    none = [None, None]
    cards: dict[str, Sequence[str | None]] = {"iban": none, "person": none, "card": [None, "453914******6467"]}
    for name, more in (("keyed", ""), ("oprf", OPRF)):
        (tmp_path / name).mkdir()
        text = agreed(more).replace('"iccid"]', '"iccid", "card"]')
        operator = side(tmp_path / name / "op", "a" * 64, text, sim=[SHORTER, None], **cards)
        job = (operator.home / "job.toml").read_text(encoding="utf-8")
        job = job.replace("[identifiers]\n", '[identifiers]\ncard = { kind = "card" }\n')
        (operator.home / "job.toml").write_text(job, encoding="utf-8")
        lists(operator, 'store_as = "plain"\n', iccid=SHORTER, card="4539148803436467")
        operator.does("run", "job.toml")
        step = ("ask", "--job", "job.toml", "--out", "a.cse") if name == "keyed" else ("blind", "--job", "job.toml")
        done = operator.does("exchange", step[0], "agreement.toml", *step[1:3], "--out", "a.cse")
        assert "1 values with hidden digits: nobody is clear of these" in done.out
        told = operator.exchange(step[0], *step[1:3], "--out", "b.cse", *(["--again"] if more else []))
        assert told["hidden"] == 1
