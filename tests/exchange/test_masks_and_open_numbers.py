"""What an exchange shows of secret values, and what it makes of numbers of which the end stays open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl
from partners import JOB, Side, agreement

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
