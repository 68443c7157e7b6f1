"""Published phone cells of businesses and offices, screened end to end."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

import cardscreen as cs

SAMPLE = 4000


def test_real_phone_cells_are_screened_end_to_end(real_data: Path) -> None:
    cells = pl.read_parquet(real_data / "real_phones.parquet").sample(SAMPLE, seed=1)
    accounts = cells.with_row_index("account_id").select("account_id", "raw", "region")
    read = accounts.select(
        "account_id", "region", cs.phone("raw", pl.col("region")).struct.unnest().name.prefix("read_")
    )
    listed = read.drop_nulls("read_e164").sample(200, seed=2)
    blocklist = cs.Blocklist.from_frame(listed.select(kind=pl.lit("phone"), value="read_e164", severity=80))
    result = cs.screen(
        accounts, blocklist, identifiers={"raw": cs.Phone(region_column="region")}, as_of=date(2026, 11, 23)
    )
    flagged = set(result.flagged.collect()["account_id"])
    carriers = read.filter(pl.col("read_e164").is_in(listed["read_e164"].implode()))["account_id"]
    assert flagged == set(carriers)
    rows, coverage = result.summary["rows"], result.summary["coverage"]["raw"]
    assert rows["read"] == SAMPLE == sum(rows.values()) - rows["read"]
    assert coverage["cells"] == sum(coverage.values()) - coverage["cells"]
    assert coverage["rejected"] == result.rejects.collect().height
