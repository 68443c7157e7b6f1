"""Published phone cells of businesses and offices, and sanctioned wallets, screened end to end."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl
import pytest

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


@pytest.mark.parametrize(
    ("file", "ledgers"),
    [
        pytest.param("ofac_eth.txt", {"ethereum": 153}, id="ethereum"),
        pytest.param("ofac_ltc.txt", {"litecoin": 10}, id="litecoin"),
        # One of those that are listed under the ticker of Bitcoin is of Tron.
        pytest.param("ofac_xbt.txt", {"bitcoin": 482, "tron": 1}, id="bitcoin"),
    ],
)
def test_every_sanctioned_address_is_read_and_found(real_data: Path, file: str, ledgers: dict[str, int]) -> None:
    written = pl.read_csv(real_data / file, has_header=False, new_columns=["value"])
    told = written.select(cs.wallet("value").struct.unnest())
    assert dict(told["chain"].value_counts().rows()) == ledgers
    assert told["status"].unique().to_list() == ["valid"]
    listed = cs.Blocklist.from_frame(written.with_columns(kind=pl.lit("wallet"), severity=90))
    accounts = told.with_row_index("account_id").select("account_id", wallet="address")
    result = cs.screen(accounts, listed, {"wallet": cs.Wallet()}, as_of=date(2026, 11, 23))
    assert result.summary["rows"] == {**dict.fromkeys(result.summary["rows"], 0), "read": len(told), "hit": len(told)}
