"""A side whose accounts lie in Spark: it finds what one on one machine finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from partners import OPRF, Partners, agreement, partners

ENGINE = '[engine]\nname = "spark"\n'


def moved(spark: Any, both: Partners) -> None:
    """Lay the bank's accounts into Spark's table."""
    home = both.bank.home
    table = pl.read_csv(home / "accounts.csv", infer_schema=False)
    spark.createDataFrame(table.to_arrow(compat_level=pl.CompatLevel.oldest())).repartition(3).write.parquet(
        str(home / "accounts.parquet")
    )
    (home / "accounts.csv").unlink()
    text = (home / "job.toml").read_text(encoding="utf-8").replace("accounts.csv", "accounts.parquet")
    (home / "job.toml").write_text(text + ENGINE, encoding="utf-8")


def test_a_bank_in_spark_answers_and_finds_the_same(spark: Any, tmp_path: Path) -> None:
    (tmp_path / "keyed").mkdir()
    keyed = partners(tmp_path / "keyed", agreement("min_identifiers = 10"), 60, 40, 20, 8)
    moved(spark, keyed)
    keyed.operator.exchange("ask", "--job", "job.toml", "--out", "ask.cse")
    keyed.operator.sends("ask.cse", keyed.bank)
    keyed.bank.exchange("answer", "ask.cse", "--job", "job.toml", "--out", "answer.cse", "--feed", "matched.parquet")
    keyed.bank.sends("answer.cse", keyed.operator)
    keyed.operator.exchange("read", "answer.cse", "--out", "matches.csv")
    found = keyed.operator.matches().select("account_id", "identifier")
    assert found.sort(found.columns).equals(keyed.asked.sort(found.columns))
    bank = keyed.bank
    bank.does("list", "import", "matched.parquet", "--feed", "matched.toml", "--store", "lists", *_KEY)
    job = (bank.home / "job.toml").read_text(encoding="utf-8").replace("[output]", '[output]\nidentifiers = "token"')
    (bank.home / "job.toml").write_text(job, encoding="utf-8")
    bank.does("run", "job.toml")
    hits = pl.read_parquet(bank.home / "runs/latest/hits.parquet")
    assert hits["account_id"].sort().to_list() == keyed.known["account_id"].sort().to_list()
    listed = pl.read_parquet(bank.home / "matched.parquet")
    assert hits["value"].sort().to_list() == listed["value"].sort().to_list()

    (tmp_path / "oprf").mkdir()
    oprf = partners(tmp_path / "oprf", agreement(OPRF + "min_identifiers = 10"), 60, 40, 20, 8)
    moved(spark, oprf)
    oprf.operator.exchange("offer", "--store", "lists", "--out", "offer.cse")
    assert oprf.bank.exchange("blind", "--job", "job.toml", "--out", "blinded.cse")["identifiers"] == 80
    oprf.bank.sends("blinded.cse", oprf.operator)
    oprf.operator.exchange("evaluate", "blinded.cse", "--out", "evaluated.cse")
    for letter in ("offer.cse", "evaluated.cse"):
        oprf.operator.sends(letter, oprf.bank)
    oprf.bank.exchange("finish", "evaluated.cse", "offer.cse", "--out", "matches.csv")
    assert oprf.bank.matches().select("account_id", "identifier").equals(oprf.on_list)


_KEY = ("--key-file", "tokens.key")
