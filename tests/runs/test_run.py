"""The nightly job through the command line: what it writes, what it refuses, and how it says so."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen
from filelock import FileLock

import cardscreen as cs
from cardscreen.foundation import cache
from cardscreen.foundation.errors import ConfigError
from cardscreen.kinds.kind import KINDS
from cardscreen.runs.brakes import LimitsParts
from cardscreen.runs.job import Job

CARD = "6222021234561234"
JOB = """
timezone = "Asia/Shanghai"
[accounts]
path = "accounts.csv"
carry = ["segment"]
[identifiers]
mobile = { kind = "phone", region = "CN", holder_since = "sim_since" }
card_no = { kind = "card" }
[blocklist]
paths = ["lists/*.parquet"]
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
rejected_share = 1
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a job that runs as it is."""
    accounts = pl.DataFrame(
        {
            "account_id": ["a", "b", "c", "d"],
            "mobile": ["138 0013 8000", "13800138001", "n/a", ""],
            "card_no": ["", CARD, "x", "4111111111111111"],
            "sim_since": ["2020-01-01", "", "", ""],
            "segment": ["x", "y", "x", "x"],
        }
    )
    accounts.write_csv(tmp_path / "accounts.csv")
    (tmp_path / "lists").mkdir()
    listed = {
        "kind": ["phone", "card"],
        "value": ["+8613800138000", CARD],
        "severity": [95, 95],
        "source": ["police"] * 2,
    }
    pl.DataFrame(listed).with_columns(listed_on=date(2026, 1, 1)).write_parquet(tmp_path / "lists/police.parquet")
    pl.DataFrame({"kind": ["phone"], "value": ["+86170*"]}).write_parquet(tmp_path / "lists/ranges.parquet")
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    return tmp_path


def refused(project: Path, code: int, *arguments: str) -> str:
    """The one sentence of a run that was refused, of which nothing is left."""
    done = cardscreen("run", "job.toml", *arguments, cwd=project)
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    assert done.err.startswith("cardscreen: ")
    assert list((project / "runs").glob("[!.]*")) == []
    assert list((project / "runs").glob(".staging*")) == []
    return done.err


def test_the_brakes_take_the_newest_run_by_the_link_to_it(project: Path) -> None:
    done = cardscreen("run", "job.toml", "--allow-future", "--as-of", "2026-11-23", cwd=project)
    assert done.code == 0, done.err
    tonight = cs.Result.read(project / "runs/latest")
    wide: LimitsParts = {"flagged_share": 1, "source_share": 1, "rejected_share": 1}
    for previous in ("runs/latest", (project / "runs/latest").resolve()):
        cs.check(tonight, wide, project / previous)


def test_a_run_is_published_whole_with_a_manifest_of_all_its_files(project: Path) -> None:
    done = cardscreen("run", "job.toml", "--allow-future", "--as-of", "2026-11-23", "--json", cwd=project)
    assert done.code == 0, done.err
    summary = json.loads(done.out.splitlines()[-1])
    folder = Path(summary["run"])
    assert (project / "runs/latest").resolve() == folder
    assert pl.read_parquet(folder / "flagged.parquet").select("account_id", "action", "segment").rows() == [
        ("a", "suspend", "x"),
        ("b", "suspend", "y"),
    ]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    written = {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}
    assert written == {*manifest["outputs"], "manifest.json"}
    assert {"flagged.parquet", "hits.parquet", "rejects.parquet", "summary.json", "inputs/job.toml"} <= written
    for name, said in manifest["outputs"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == said["sha256"]
    assert manifest["inputs"]["accounts"][0]["bytes"] == (project / "accounts.csv").stat().st_size
    assert (manifest["as_of"], manifest["run_id"]) == ("2026-11-23", folder.name)


def test_the_manifest_says_the_digests_of_what_the_cache_gave(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = 'source = "police"\nkind = "phone"\nregion = "CN"\n[columns]\nvalue = "number"\n'
    for name, text in {"feed.toml": feed, "list.csv": "number\n13800138000\n"}.items():
        (project / name).write_text(text, encoding="utf-8")
    (project / "job.toml").write_text(JOB.replace('paths = ["lists/*.parquet"]', 'store = "store"'), encoding="utf-8")
    imported = cardscreen("list", "import", "list.csv", "--feed", "feed.toml", "--store", "store", cwd=project)
    assert imported.code == 0, imported.err
    shutil.copytree(cache.folder("loops"), project / "cache/loops")  # they take long to compile, and are no tables
    monkeypatch.setenv("CARDSCREEN_CACHE_DIR", str(project / "cache"))
    told = []
    for _ in range(2):  # what is made and put into the cache, then what is taken from it
        # Each in a process of its own, which has no tables yet.
        command = [sys.executable, "-m", "cardscreen.cli", "run", "job.toml", "-q"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        manifest = json.loads((project / "runs/latest/manifest.json").read_text(encoding="utf-8"))
        told.append((manifest["tables"], manifest["listings_sha256"]))
    assert told[0] == told[1]
    cached = {
        hashlib.sha256(file.read_bytes()).hexdigest(): file.relative_to(project / "cache")
        for file in (project / "cache").rglob("*.parquet")
    }
    tables, listings = told[0]
    assert tables.keys() == {"CN", "codes", "plan"}
    assert all(cached[digest].name.startswith(f"{name}.") for name, digest in tables.items())
    assert cached[listings].parts[0] == "lists"


def test_lists_in_plain_files_are_in_no_cache_and_the_manifest_says_none(project: Path) -> None:
    assert cardscreen("run", "job.toml", "-q", cwd=project).code == 0
    manifest = json.loads((project / "runs/latest/manifest.json").read_text(encoding="utf-8"))
    assert manifest["listings_sha256"] is None


def test_no_file_of_a_run_and_no_output_holds_a_full_card_number(project: Path) -> None:
    done = cardscreen("run", "job.toml", cwd=project)
    assert done.code == 0
    files = [file for file in (project / "runs").rglob("*") if file.is_file()]
    tables = [pl.read_parquet(file).write_json() for file in files if file.suffix == ".parquet"]
    texts = [file.read_text(encoding="utf-8") for file in files if file.suffix != ".parquet"]
    assert any("622202******1234" in table for table in tables)
    for text in [*tables, *texts, done.out, done.err]:
        assert CARD not in text


def test_run_folders_are_closed_to_others(project: Path) -> None:
    assert cardscreen("run", "job.toml", "-q", cwd=project).code == 0
    for file in (project / "runs/latest/").resolve().rglob("*"):
        assert file.stat().st_mode & 0o007 == 0


def test_a_quiet_run_says_nothing(project: Path) -> None:
    done = cardscreen("run", "job.toml", "--quiet", cwd=project)
    assert (done.code, done.out, done.err) == (0, "", "")


def test_a_dry_run_tells_the_same_and_writes_nothing(project: Path) -> None:
    done = cardscreen("run", "job.toml", "--dry-run", "--json", cwd=project)
    assert done.code == 0
    assert json.loads(done.out)["rows"]["hit"] == 2
    assert not (project / "runs").exists()


def test_a_second_run_of_a_later_day_keeps_the_dates_of_the_first(project: Path) -> None:
    for day in ("2026-11-23", "2026-11-24"):
        done = cardscreen("run", "job.toml", "--allow-future", "--as-of", day, "-q", cwd=project)
        assert done.code == 0, done.err
    flagged = pl.read_parquet(project / "runs/latest/flagged.parquet")
    assert flagged["flagged_since"].to_list() == [date(2026, 11, 23)] * 2
    assert flagged["act_on"].to_list() == [date(2026, 11, 26)] * 2


def test_a_first_run_is_held_unless_told_otherwise(project: Path) -> None:
    job = (project / "job.toml").read_text(encoding="utf-8").replace('first_run = "publish"', "")
    (project / "job.toml").write_text(job, encoding="utf-8")
    done = cardscreen("run", "job.toml", "-q", cwd=project)
    assert done.code == 4
    assert "first_run" in done.err
    assert not (project / "runs/latest").exists()
    held = list((project / "runs/.held").iterdir())
    assert len(held) == 1
    assert json.loads((held[0] / "manifest.json").read_text(encoding="utf-8"))["held"] != []


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        pytest.param("flagged_share = 0.1\nsource_share = 1", "flagged_share: 50.00 % of the rows", id="flagged"),
        pytest.param("flagged_share = 1\nsource_share = 0.4", "are hit by 'police' (limit 40.00 %)", id="one-source"),
        pytest.param("flagged_share = 1\nsource_share = 1\nrejected_share = 0.3", "'card_no' gave no", id="rejects"),
    ],
)
def test_a_run_past_a_limit_is_held_with_the_figures(project: Path, limits: str, words: str) -> None:
    job = JOB.split("flagged_share")[0] + limits
    (project / "job.toml").write_text(job, encoding="utf-8")
    done = cardscreen("run", "job.toml", cwd=project)
    assert done.code == 4
    assert words in done.err
    assert not (project / "runs/latest").exists()


def test_a_wrong_allow_list_that_frees_everybody_is_held(project: Path) -> None:
    allow = pl.DataFrame({"kind": ["phone", "card"], "value": ["+86*", "6*"], "list": ["allow"] * 2})
    allow.write_parquet(project / "lists/allow.parquet")
    done = cardscreen("run", "job.toml", cwd=project)
    assert (done.code, "exempted_share: 50.00 %" in done.err) == (4, True)


def test_a_mass_block_list_on_the_second_night_is_held_and_latest_stays(project: Path) -> None:
    assert cardscreen("run", "job.toml", "--allow-future", "--as-of", "2026-11-22", cwd=project).code == 0
    first = (project / "runs/latest").resolve()
    wrong = {"kind": ["card"], "value": ["4111111111111111"], "severity": [95]}
    pl.DataFrame(wrong).write_parquet(project / "lists/wrong.parquet")
    done = cardscreen("run", "job.toml", "--allow-future", "--as-of", "2026-11-23", cwd=project)
    assert done.code == 4
    assert "new_suspend: 25.00 % of the rows would newly be told 'suspend'" in done.err
    assert (project / "runs/latest").resolve() == first


def test_a_second_run_at_the_same_time_is_told_so(project: Path) -> None:
    (project / "runs").mkdir()
    with FileLock(project / "runs/.lock"):
        done = cardscreen("run", "job.toml", cwd=project)
    assert (done.code, "another run works in" in done.err) == (5, True)


def test_what_a_killed_run_left_is_removed_and_latest_catches_up(project: Path) -> None:
    assert cardscreen("run", "job.toml", "-q", cwd=project).code == 0
    (project / "runs/.staging-20200101T000000Z").mkdir()
    (project / "runs/latest").unlink()
    assert cardscreen("run", "job.toml", "--allow-future", "-q", "--as-of", "2026-11-23", cwd=project).code == 0
    assert list((project / "runs").glob(".staging*")) == []
    assert (project / "runs/latest/manifest.json").exists()


def test_an_account_file_in_gb18030_is_read_as_it_is(project: Path) -> None:
    text = (project / "accounts.csv").read_text(encoding="utf-8").replace("segment", "客户").replace("x\n", "个人\n")
    (project / "accounts.csv").write_bytes(text.encode("gb18030"))
    job = JOB.replace('carry = ["segment"]', 'carry = ["客户"]')
    (project / "job.toml").write_text(job, encoding="utf-8")
    assert cardscreen("run", "job.toml", "-q", cwd=project).code == 0
    assert pl.read_parquet(project / "runs/latest/flagged.parquet")["客户"].to_list() == ["个人", "y"]


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        pytest.param('path = "accounts.csv"', 'path = "acounts.csv"', 3, "did you mean 'accounts.csv'", id="no-file"),
        pytest.param("mobile =", "moblie =", 3, "did you mean 'mobile'", id="misspelt-column"),
        pytest.param('region = "CN"', 'region = "China"', 2, "unknown region 'China'", id="unknown-region"),
        pytest.param('region = "CN"', 'region = "UK"', 2, "did you mean 'GB'", id="region-that-people-write"),
        pytest.param('region = "CN"', 'regoin = "CN"', 2, "did you mean 'region'", id="misspelt-option"),
        pytest.param('kind = "card"', 'kind = "crad"', 2, "did you mean 'card'", id="misspelt-kind"),
        pytest.param("[blocklist]", "[blacklist]", 2, "did you mean 'blocklist'", id="misspelt-section"),
        pytest.param("flagged_share = 1", "flaged_share = 1", 2, "did you mean 'flagged_share'", id="misspelt-limit"),
        pytest.param("flagged_share = 1", "flagged_share = 5", 2, "from 0 to 1", id="limit-not-a-share"),
        pytest.param("Asia/Shanghai", "Asia/Shangai", 2, "did you mean 'Asia/Shanghai'", id="misspelt-time-zone"),
        pytest.param("[limits]", "[limits", 2, "is not TOML", id="broken-toml"),
        pytest.param("lists/*.parquet", "list/*.parquet", 3, "no folder", id="no-lists"),
        pytest.param('carry = ["segment"]', 'carry = ["status"]', 3, "there is no column 'status'", id="carry-missing"),
        pytest.param("[limits]", '[policy]\nlevels = { high = 95 }\n[limits]', 2, "levels must rise", id="levels"),
        pytest.param("[limits]", '[policy]\nfile = "p.toml"\n[limits]', 2, "there is no file", id="no-policy"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_job_gets_one_sentence(project: Path, old: str, new: str, code: int, words: str) -> None:
    assert old in JOB
    (project / "job.toml").write_text(JOB.replace(old, new), encoding="utf-8")
    said = refused(project, code)
    assert words in said
    assert said.count("\n") == 1


def test_a_job_that_is_not_there_is_named_with_the_near_one(project: Path) -> None:
    done = cardscreen("run", "jobs.toml", cwd=project)
    assert (done.code, "did you mean 'job.toml'" in done.err) == (2, True)


def test_a_day_that_is_none_is_refused(project: Path) -> None:
    assert "write it as YYYY-MM-DD" in refused(project, 2, "--as-of", "23.11.2026")


def test_an_unreadable_listing_is_named_by_file_and_row(project: Path) -> None:
    pl.DataFrame({"kind": ["phone"] * 2, "value": ["+8613800138000", "junk 6222021234561234"]}).write_parquet(
        project / "lists/bad.parquet"
    )
    said = refused(project, 3)
    assert "bad.parquet row 1: the value is no phone" in said
    assert CARD not in said


def test_a_broken_file_is_refused_by_name(project: Path) -> None:
    (project / "lists/police.parquet").write_bytes(b"PAR1 not really")
    assert "police.parquet" in refused(project, 3)


def test_an_unreadable_holder_date_is_refused_without_its_neighbours(project: Path) -> None:
    text = (project / "accounts.csv").read_text(encoding="utf-8").replace("2020-01-01", "01/02/2020")
    (project / "accounts.csv").write_text(text, encoding="utf-8")
    assert "column 'sim_since' holds 1 values that are no dates" in refused(project, 3)


def test_a_ragged_line_of_a_text_file_is_told_and_held_past_the_limit(project: Path) -> None:
    with (project / "accounts.csv").open("a", encoding="utf-8") as file:
        file.write(f"e,13800138000,{CARD},,x,too,many\n")
    done = cardscreen("run", "job.toml", cwd=project)
    assert done.code == 0, done.err
    assert "1 of the rows read do not have the header's fields, and are not screened" in done.err
    rejects = pl.read_parquet(project / "runs/latest/rejects.parquet").filter(pl.col("status") == "ragged")
    assert rejects.select("line", "shape").rows() == [(6, "A,99999999999,9999999999999999,,A,AAA,AAAA"[:40])]
    job = (project / "job.toml").read_text(encoding="utf-8").replace("rejected_share = 1", "rejected_share = 0.4")
    (project / "job.toml").write_text(job, encoding="utf-8")
    done = cardscreen("run", "job.toml", cwd=project)
    assert done.code == 4
    assert "rejected_share: 50.00 % of the filled cells of 'mobile'" in done.err
    assert CARD not in done.err + done.out


def test_a_column_of_national_numbers_without_a_region_is_told_what_it_lacks(project: Path) -> None:
    words = "no region is given for 'mobile', so only numbers with + are read"
    assert words not in cardscreen("run", "job.toml", "--dry-run", cwd=project).err
    (project / "job.toml").write_text(JOB.replace('region = "CN", ', ""), encoding="utf-8")
    assert words in cardscreen("run", "job.toml", "--dry-run", "-q", cwd=project).err
    for more, told in (((), True), (("--region", "CN"), False)):
        done = cardscreen("check", "phone", "138 0013 8000", *more, cwd=project)
        assert (done.code, "no region is given" in done.err) == (0, told)


def test_a_column_of_whose_kind_nothing_is_listed_is_not_called_clear_without_a_word(project: Path) -> None:
    words = "no listing in force is of the kind imei: 'segment' was looked up in nothing"
    assert words not in cardscreen("run", "job.toml", "--dry-run", cwd=project).err
    job = JOB.replace("[identifiers]", '[identifiers]\nsegment = { kind = "imei" }')
    (project / "job.toml").write_text(job.replace('carry = ["segment"]', ""), encoding="utf-8")
    done = cardscreen("run", "job.toml", cwd=project)
    assert words in done.err
    summary = json.loads((project / "runs/latest/summary.json").read_text(encoding="utf-8"))
    assert summary["unlisted"] == {"segment": "imei"}


def test_listings_of_a_kind_that_no_column_is_of_are_told_with_their_count(project: Path) -> None:
    words = "listings in force that no account is looked up in, as no column is of the kind"
    assert words not in cardscreen("run", "job.toml", "--dry-run", cwd=project).err
    numbers = ["352099001761481", "356938035643809", "490154203237518"]
    listed = pl.DataFrame({"kind": "imei", "value": numbers, "list": ["block", "block", "allow"], "reason": "x"})
    listed.write_parquet(project / "lists/devices.parquet")
    done = cardscreen("run", "job.toml", cwd=project)
    assert done.code == 0, done.err
    assert f"{words} imei: 2; name its column under [identifiers] of the job" in done.err
    assert words in cardscreen("status", "job.toml", cwd=project).out
    for day in (1, 2):  # a list that other jobs use as well is told of once
        later = f"{date.today() + timedelta(days=day)}"
        done = cardscreen("run", "job.toml", "--allow-future", "--as-of", later, cwd=project)
        assert (done.code, words in done.err) == (0, False), done.err


def test_an_account_with_nothing_but_what_no_list_has_is_not_clear(project: Path) -> None:
    def rows() -> dict[str, int]:
        done = cardscreen("run", "job.toml", "--json", "--allow-changed-identifiers", cwd=project)
        assert done.code in (0, 4), done.err
        counted: dict[str, int] = json.loads(done.out)["rows"]
        return counted

    with (project / "accounts.csv").open("a", encoding="utf-8") as file:
        file.write("lonely,,,,x\n")
    before = rows()
    job = JOB.replace("[identifiers]", '[identifiers]\nsegment = { kind = "opaque", name = "device" }')
    (project / "job.toml").write_text(job.replace('carry = ["segment"]', ""), encoding="utf-8")
    assert rows()["not_screenable"] == before["not_screenable"] > 0


def test_a_day_to_come_is_warned_of(project: Path) -> None:
    ahead = str(Job.read(project / "job.toml").today() + timedelta(days=9))
    done = cardscreen("run", "job.toml", "--as-of", ahead, cwd=project)
    assert (done.code, "warning: the day asked about is not here yet" in done.err) == (0, True)


def test_a_day_far_ahead_is_published_only_when_told_so(project: Path) -> None:
    ahead = str(Job.read(project / "job.toml").today() + timedelta(days=40))
    told = refused(project, 2, "--as-of", ahead)
    assert told.startswith(f"cardscreen: {ahead} is ")
    assert "days ahead (today is " in told
    assert " in Asia/Shanghai): " in told
    assert "--allow-future" in told
    assert cardscreen("run", "job.toml", "--as-of", ahead, "--dry-run", cwd=project).code == 0
    assert cardscreen("run", "job.toml", "--as-of", ahead, "--allow-future", cwd=project).code == 0


def test_today_is_the_day_in_the_jobs_time_zone(project: Path) -> None:
    (project / "job.toml").write_text(JOB.replace("Asia/Shanghai", "Pacific/Kiritimati"), encoding="utf-8")
    hours_ahead = 14
    assert (Job.read(project / "job.toml").today() - datetime.now(UTC).date()).days == int(
        datetime.now(UTC).hour + hours_ahead >= 24
    )


def test_a_policy_file_is_kept_with_the_run(project: Path) -> None:
    (project / "policy.toml").write_text('[actions]\ncritical = "close"\n', encoding="utf-8")
    (project / "job.toml").write_text(
        JOB.replace("[limits]", '[policy]\nfile = "policy.toml"\n[limits]\nnew_close = 1')
    )
    assert cardscreen("run", "job.toml", "-q", cwd=project).code == 0
    latest = project / "runs/latest"
    assert (latest / "inputs/policy.toml").read_text(encoding="utf-8") == '[actions]\ncritical = "close"\n'
    assert pl.read_parquet(latest / "flagged.parquet")["action"].to_list() == ["close", "close"]


def test_a_job_with_policy_both_inside_and_in_a_file_is_refused(project: Path) -> None:
    (project / "job.toml").write_text(JOB + '[policy]\nfile = "p.toml"\nlevels = { low = 2 }\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="not both"):
        Job.read(project / "job.toml")


def test_two_jobs_of_other_accounts_cant_share_an_output_folder(project: Path) -> None:
    assert cardscreen("run", "job.toml", cwd=project).code == 0
    (project / "other.csv").write_text("account_id,mobile,card_no,sim_since,segment\na,13900139000,,,x\n")
    (project / "other.toml").write_text(JOB.replace("accounts.csv", "other.csv"), encoding="utf-8")
    done = cardscreen("run", "other.toml", cwd=project)
    said = "job.toml, which is there, too, and reads other accounts: two jobs need two [output] directories"
    assert (done.code, said in done.err) == (2, True), done.err
    (project / "same.toml").write_text(JOB, encoding="utf-8")
    assert cardscreen("run", "same.toml", cwd=project).code == 0
    for name in ("job.toml", "same.toml"):
        (project / name).unlink()
    done = cardscreen("run", "other.toml", cwd=project)
    assert "which is there, too" not in done.err


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_normalize_replaces_the_raw_column_and_keeps_the_others(project: Path, ending: str) -> None:
    out = project / f"clean.{ending}"
    done = cardscreen(
        *("normalize", "phone", "accounts.csv", "--column", "mobile", "--region", "CN", "--out", str(out)), cwd=project
    )
    assert (done.code, "4 rows written" in done.err) == (0, True)
    assert "(valid 2, missing 1, not_a_number 1)" in done.err
    table: Any = pl.read_parquet(out) if ending == "parquet" else pl.read_csv(out, infer_schema=False)
    assert table["mobile_e164"].to_list() == ["+8613800138000", "+8613800138001", None, None]
    assert table["segment"].to_list() == ["x", "y", "x", "x"]


def test_normalize_writes_cards_masked_only(project: Path) -> None:
    done = cardscreen("normalize", "card", "accounts.csv", "--column", "card_no", "--out", "c.csv", cwd=project)
    assert done.code == 0
    text = (project / "c.csv").read_text(encoding="utf-8")
    assert "622202******1234" in text
    assert CARD not in text


def test_normalize_leaves_nothing_behind_when_it_fails(project: Path) -> None:
    done = cardscreen("normalize", "phone", "accounts.csv", "--column", "mobil", "--out", "x.parquet", cwd=project)
    assert (done.code, "did you mean 'mobile'" in done.err) == (3, True)
    assert list(project.glob("*x.parquet*")) == []


@pytest.mark.parametrize(
    ("column", "out", "more", "code", "told"),
    [
        ("mobile", "x.txt", (), 2, "x.txt: give a file ending in .parquet or .csv"),
        ("mobile", "x.csv", ("--set", "many"), 2, "--set many: give name=value, such as"),
        ("mobile", "x.csv", ("--set", "manny=true"), 2, "a phone has no option 'manny' (did you mean 'many'?)"),
        ("tel", "x.csv", (), 2, "has a column 'tel_e164' already, which would be made of 'tel': rename it"),
    ],
)
def test_normalize_says_what_it_was_told_wrongly_and_writes_nothing(
    project: Path, column: str, out: str, more: tuple[str, ...], code: int, told: str
) -> None:
    (project / "a.csv").write_text("mobile,tel,tel_e164\n13800138000,13800138000,\n", encoding="utf-8")
    arguments = ("normalize", "phone", "a.csv", "--column", column, "--region", "CN", "--out", out)
    done = cardscreen(*arguments, *more, cwd=project)
    assert (done.code, told in done.err) == (code, True), done.err
    assert list(project.glob("*x.*")) == []


def test_options_of_a_kind_are_given_to_normalize_by_name(project: Path) -> None:
    (project / "a.csv").write_text("mobile\n13800138000.0\n", encoding="utf-8")
    arguments = ("normalize", "phone", "a.csv", "--column", "mobile", "--region", "CN", "--out", "x.csv")
    assert cardscreen(*arguments, "--set", "repair=true", cwd=project).code == 0
    assert "+8613800138000" in (project / "x.csv").read_text(encoding="utf-8")


def test_check_reads_a_card_from_standard_input_and_shows_it_masked(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cardscreen.cli", "check", "card", "-"],
        input=f"{CARD}\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "622202******1234" in done.stdout
    assert CARD not in done.stdout


def test_every_command_has_help_with_an_example(project: Path) -> None:
    for command in ("demo", "run", "normalize", "check", "doctor", "plan build"):
        done = cardscreen(*command.split(), "--help", cwd=project)
        assert done.code == 0
        assert "Example:" in done.out


def test_the_help_names_every_kind_there_is(project: Path) -> None:
    for command in ("check", "normalize"):
        told = cardscreen(command, "--help", cwd=project).out
        assert [name for name in KINDS if name not in told] == []


def test_doctor_tells_versions_and_the_state_of_the_tables(project: Path) -> None:
    assert cardscreen("plan", "build", "GB", cwd=project).code == 0
    told = json.loads(cardscreen("doctor", "--json", cwd=project).out)
    assert told["versions"]["polars"] == pl.__version__
    assert told["phone tables"]["plan cells"] > 10_000
    assert told["phone tables"]["regions"] >= 1
    assert "phone tables plan cells" in cardscreen("doctor", cwd=project).out


def test_a_table_for_an_unknown_region_is_not_built(project: Path) -> None:
    done = cardscreen("plan", "build", "UK", cwd=project)
    assert (done.code, "did you mean 'GB'" in done.err) == (2, True)


def test_an_unknown_command_is_a_usage_error(project: Path) -> None:
    done = cardscreen("rnu", "job.toml", cwd=project)
    assert (done.code, "Traceback" in done.err) == (2, False)


def test_a_run_for_an_earlier_day_is_never_latest_nor_a_base(project: Path) -> None:
    for day in ("2026-11-24", "2026-11-10", "2026-11-25"):
        assert cardscreen("run", "job.toml", "--as-of", day, "--allow-future", "-q", cwd=project).code == 0
        summary = json.loads((project / "runs/latest/summary.json").read_text(encoding="utf-8"))
        assert summary["as_of"] == max(day, "2026-11-24")
    assert pl.read_parquet(project / "runs/latest/flagged.parquet")["act_on"].to_list() == [date(2026, 11, 27)] * 2


def test_an_extract_without_accounts_is_refused(project: Path) -> None:
    header = (project / "accounts.csv").read_text(encoding="utf-8").splitlines()[0]
    (project / "accounts.csv").write_text(header + "\n", encoding="utf-8")
    assert "holds no accounts" in refused(project, 3)


def test_an_extract_whose_rows_name_no_account_is_held(project: Path) -> None:
    accounts = pl.read_csv(project / "accounts.csv", infer_schema=False)
    accounts.with_columns(account_id=pl.lit("")).write_csv(project / "accounts.csv")
    job = (project / "job.toml").read_text(encoding="utf-8").replace("rejected_share = 1", "rejected_share = 0.2")
    (project / "job.toml").write_text(job, encoding="utf-8")
    assert "100.00 % of the rows name no account" in refused(project, 4)


def test_a_copy_of_a_run_under_another_name_is_not_a_run(project: Path) -> None:
    assert cardscreen("run", "job.toml", "-q", cwd=project).code == 0
    first = (project / "runs/latest").resolve()
    shutil.copytree(first, project / "runs/zz_backup")
    assert cardscreen("run", "job.toml", "--allow-future", "-q", "--as-of", "2020-01-01", cwd=project).code == 0
    assert (project / "runs/latest").resolve() == first


def test_a_base_that_lost_its_tables_is_named(project: Path) -> None:
    assert cardscreen("run", "job.toml", "--allow-future", "-q", "--as-of", "2026-11-22", cwd=project).code == 0
    (project / "runs/latest/flagged.parquet").unlink()
    done = cardscreen("run", "job.toml", "--allow-future", "-q", "--as-of", "2026-11-23", cwd=project)
    assert (done.code, "flagged.parquet is gone. Move it away" in done.err) == (3, True)


def test_a_file_with_another_delimiter_is_recognised(project: Path) -> None:
    text = (project / "accounts.csv").read_text(encoding="utf-8").replace(",", ";")
    (project / "accounts.csv").write_text(text, encoding="utf-8")
    assert 'Then say delimiter = ";" under [accounts] of the job file.' in refused(project, 3)


def test_the_manifest_says_in_which_encoding_a_text_file_was_read(project: Path) -> None:
    assert cardscreen("run", "job.toml", "-q", cwd=project).code == 0
    manifest = json.loads((project / "runs/latest/manifest.json").read_text(encoding="utf-8"))
    assert manifest["inputs"]["accounts"][0]["encoding"] == "utf-8"


def test_a_folder_with_brackets_in_its_name_is_read(project: Path) -> None:
    odd = project / "x[1]"
    shutil.copytree(project / "lists", odd / "lists")
    for name in ("job.toml", "accounts.csv"):
        shutil.copy(project / name, odd / name)
    done = cardscreen("run", "job.toml", "-q", cwd=odd)
    assert done.code == 0, done.err


def test_a_folder_with_brackets_in_its_name_is_told_as_it_is(project: Path) -> None:
    odd = project / "[blue]:phone:"
    shutil.copytree(project / "lists", odd / "lists")
    for name in ("job.toml", "accounts.csv"):
        shutil.copy(project / name, odd / name)
    done = cardscreen("run", "job.toml", cwd=odd)
    (run,) = (odd / "runs").glob("2*")
    assert done.out.splitlines()[-1] == f"run: {run}"


def test_a_normalised_card_shows_ten_digits_at_most(project: Path) -> None:
    assert (
        cardscreen("normalize", "card", "accounts.csv", "--column", "card_no", "--out", "c.csv", cwd=project).code == 0
    )
    assert pl.read_csv(project / "c.csv", infer_schema=False)["card_no_iin"].to_list() == [
        None,
        "622202",
        None,
        "411111",
    ]
