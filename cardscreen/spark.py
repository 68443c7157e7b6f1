"""Screening of accounts that lie in Spark: the same answer, from the same code, without copying them out.

One pass over the accounts in Python workers (`mapInArrow`), then a shuffle of the matches only: by value, to count
the accounts that carry it, and by account, to decide. `docs/how-to/spark.md` says what it costs, and how large a
cluster has to be.
"""

from cardscreen.screening.spark.results import SparkResult
from cardscreen.screening.spark.screening import screen
from cardscreen.screening.spark.sessions import session
from cardscreen.screening.spark.tables import TABLE, open_accounts, schema_of

__all__ = ["TABLE", "SparkResult", "open_accounts", "schema_of", "screen", "session"]
