"""Leads of accounts that lie in Spark: the same as on one machine, and nothing in the open on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
from gang import CUSTOMERS, JOB, LEADS, LISTED, Gang, account, people

import cardscreen as cs
from cardscreen.leads.base.base import LocalBase
from cardscreen.leads.base.in_spark import SparkBase
from cardscreen.leads.base.wanted import Wanted
from cardscreen.policy.policy import Policy
from cardscreen.screening.columns import AccountColumns

TABLES = ("proposals", "rings", "members", "links", "dropped", "customers", "evidence")


def test_spark_finds_the_leads_that_one_machine_finds(spark: Any, tmp_path: Path) -> None:
    gang = Gang(tmp_path, LEADS + CUSTOMERS, JOB.replace("accounts.csv", "accounts.parquet"))
    rows = [*people(), *(account(100 + at, customer="BIG") for at in range(7))]
    (tmp_path / "accounts.csv").unlink()
    spark.createDataFrame(pl.DataFrame(rows).to_arrow()).repartition(3).write.parquet(
        str(tmp_path / "accounts.parquet")
    )
    gang.lists(*LISTED)
    gang.night()
    gang.finds()
    here = {name: gang.table(name) for name in TABLES}
    assert len(here["rings"]) == 1
    assert "BIG" in str(here["customers"]["customer"].to_list())
    gang.write("job.toml", (tmp_path / "job.toml").read_text() + '[engine]\nname = "spark"\n')
    gang.finds()
    for name in TABLES:
        assert gang.table(name).equals(here[name]), name


def test_spark_hands_over_the_rows_that_one_machine_picks(spark: Any) -> None:
    table = pl.DataFrame(people()).select("account_id", "mobile", "card_no")
    kinds: Any = {"mobile": cs.Phone("CN"), "card_no": cs.Card()}
    plan = AccountColumns.of(table.schema, kinds, "account_id", [], Policy(), [])
    there = spark.createDataFrame(table.to_arrow(compat_level=pl.CompatLevel.oldest())).repartition(4)
    keys = pl.Series(["13900000007", "13900000008"]).str.replace("^", "86").cast(pl.UInt64).to_numpy()
    wanted = Wanted(pl.Series(["A001", "nobody"]), {"phone": keys})
    bases = LocalBase(table.lazy(), plan), SparkBase(there, plan)
    here, far = (pl.concat(base.rows(wanted)).sort("account_id") for base in bases)
    assert here["account_id"].to_list() == ["A001", "A007", "A008"]
    assert far.equals(here)
    assert "139" not in repr(wanted)
