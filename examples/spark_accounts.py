"""Screen accounts in Spark against a store of listings, write the flags back, and look into the store itself.

    spark-submit spark_accounts.py ACCOUNTS STORE OUT

ACCOUNTS is a Parquet folder or, as `table://name`, a table of the catalog, with columns account_id, mobile and
card_no; STORE a folder or URL that `cardscreen list import` fills; OUT a folder or URL.
"""

from __future__ import annotations

import sys
from typing import Any

from deltalake import DeltaTable
from pyspark.sql import functions as sql

import cardscreen as cs
from cardscreen import spark


def listings_in(session: Any, store: str) -> Any:
    """The listings of a store, ended ones too, as a Spark DataFrame.

    With Delta Lake's package in the session, `session.read.format("delta").load(store)` says the same, and time travel
    works too. Without it the table's log names the files that hold, which are plain Parquet.
    """
    return session.read.parquet(*DeltaTable(store).file_uris())


def main(accounts: str, store: str, out: str) -> None:
    session = spark.session()
    identifiers = {"mobile": cs.Phone("CN"), "card_no": cs.Card()}
    listed = cs.Store(store).blocklist()
    with spark.screen(spark.open_accounts(session, accounts), listed, identifiers) as found:
        print(found)
        cs.check(found.collect(), {"first_run": "publish"})  # raises HeldForApproval: better late than wrong
        for name in ("flagged", "hits", "rejects"):
            getattr(found, name).write.mode("overwrite").parquet(f"{out}/{name}")
    by_source = listings_in(session, store).groupBy("source", "kind").agg(sql.count("*").alias("listings"))
    by_source.orderBy("source", "kind").show()


if __name__ == "__main__":
    main(*sys.argv[1:])
