"""A new kind is one module and one line in the registry: a made-up secret one goes all the way."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import made_up
import polars as pl
import pytest
from commands import cardscreen
from made_up import StaffPass

import cardscreen as cs
from cardscreen import spark as in_spark
from cardscreen.kinds.kind import KINDS

LISTED, RANGED, FREE = "AB530817264C", "AB555666777D", "ZZ987654321Y"
DAY = date(2026, 11, 20)
ACCOUNTS = pl.DataFrame(
    {
        "account_id": ["a1", "a2", "a3", "a4", "a5"],
        "staff": ["ab 530817264-c", FREE, "AB-555-666-777-D", "AB1234", None],
        "note": ["old", "new", "old", "new", "old"],
    }
)
FEED = """
source = "guild"
kind = "staff_pass"
severity = 95
[columns]
value = "pass"
reference = "case"
"""
JOB = """
timezone = "Asia/Shanghai"
[accounts]
path = "accounts.csv"
carry = ["note"]
[identifiers]
staff = { kind = "staff_pass" }
[blocklist]
store = "lists"
[tokens]
key_file = "key"
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
rejected_share = 1
new_suspend = 1
"""


IMPORTING = [
    *("--store", "lists", "--feed", "feed.toml", "--allow", "unusable"),
    *("--key-file", "key", "--as-of", f"{DAY}"),
]


@pytest.fixture
def operator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An operator whose staff has passes, with a list of some."""
    monkeypatch.setitem(KINDS, "staff_pass", StaffPass)
    monkeypatch.setenv("CARDSCREEN_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "key").write_text("kept in a vault and nowhere else", encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "feed.toml").write_text(FEED, encoding="utf-8")
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    ACCOUNTS.write_csv(tmp_path / "accounts.csv")
    listed = f"pass,case\nAB 530817264 C,C-1\n{RANGED},C-2\nno pass,C-3\n{FREE},see {FREE}\n"
    (tmp_path / "passes.csv").write_text(listed, encoding="utf-8")
    return tmp_path


def holders(text: str) -> list[str]:
    """What of the passes text gives away."""
    bare = re.sub(r"[\s-]", "", text.upper())
    return [each for each in (LISTED, RANGED, FREE) if each[2:-1] in bare]


def test_a_made_up_secret_kind_is_imported_screened_run_and_told_without_its_values(operator: Path) -> None:
    imported = cardscreen("list", "import", "passes.csv", *IMPORTING, cwd=operator)
    assert imported.code == 0, imported.err
    assert cardscreen("list", "show", "--store", "lists", cwd=operator).code == 0
    night = cardscreen("run", "job.toml", "--as-of", f"{DAY}", cwd=operator)
    assert night.code == 0, night.err
    told = cardscreen("explain", "a1", "--run", "job.toml", cwd=operator)
    assert told.code == 0
    assert "AB*********C" in told.out
    result = pl.read_parquet(operator / "runs" / "latest" / "flagged.parquet")
    assert result.select("account_id", "action").rows() == [("a1", "suspend"), ("a3", "suspend")]
    rejects = pl.read_parquet(operator / "runs" / "latest" / "rejects.parquet")
    assert rejects.select("account_id", "status").rows() == [("a4", "not_a_pass")]
    assert cardscreen("audit", "runs/latest", "--replay", cwd=operator).code == 0
    for file in (each for each in operator.rglob("*") if each.is_file()):
        if file.name not in ("accounts.csv", "passes.csv"):
            assert holders(file.read_bytes().decode("latin-1")) == [], file
    assert holders(imported.out + imported.err + night.out + night.err + told.out + told.err) == []


def test_accounts_named_by_their_own_secret_are_refused(operator: Path) -> None:
    blocklist = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["staff_pass"], "value": [LISTED], "severity": [95]}))
    own = pl.DataFrame({"account_id": ["staff ab-530817264 c", "x"], "staff": [LISTED, None]})
    with pytest.raises(cs.ConfigError, match=r"1 of 2 rows show their own pass numbers there") as refused:
        cs.screen(own, blocklist, {"staff": StaffPass()})
    assert holders(str(refused.value)) == []
    told = pl.DataFrame({"kind": ["staff_pass"], "value": [LISTED], "severity": [95], "reference": [f"see {LISTED}"]})
    with pytest.raises(cs.BlocklistError, match="another column holds the number"):
        cs.Blocklist.from_frame(told)


def test_spark_finds_what_one_machine_finds_of_it(operator: Path, spark: Any) -> None:
    listed = pl.DataFrame({"kind": ["staff_pass"] * 2, "value": [LISTED, RANGED], "severity": [95, 95]})
    blocklist = cs.Blocklist.from_frame(listed)
    here = cs.screen(ACCOUNTS, blocklist, {"staff": StaffPass()}, as_of=DAY)
    table = spark.createDataFrame(ACCOUNTS.to_pandas()).repartition(2)
    spark.addArtifact(made_up.__file__, pyfile=True)  # as a site would give its workers a module of its own
    (operator / "shared").mkdir()
    there = in_spark.screen(table, blocklist, {"staff": StaffPass()}, as_of=DAY, files=str(operator / "shared"))
    found = there.flagged.select("account_id", "action").collect()
    assert sorted(map(tuple, found)) == here.flagged.collect().select("account_id", "action").rows()
    assert len(found) == 2
