"""Public formats: samples written here in the layout that their publishers describe."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen

import cardscreen as cs
from cardscreen.lists.feeds import presets
from cardscreen.lists.feeds.importing import import_file
from cardscreen.lists.store.table import Store

FTC = """Company_Phone_Number,Created_Date,Violation_Date,Consumer_City,Consumer_State,Consumer_Area_Code,Subject,\
Recorded_Message_Or_Robocall
2125550123,2026-02-27 00:00:16,2026-02-26 11:38:00,,,212,No Subject Provided,Y
2125550123,2026-02-27 09:10:11,2026-02-26 18:00:00,Aurora,Colorado,303,"Reducing your debt (credit cards, mortgage)",Y
8005550199,2026-02-28 00:00:13,,Ohio,Ohio,614,Dropped call or no message,N
3125550142,2026-02-28 00:00:13,2026-02-27 16:19:00,Chicago,Illinois,312,Other,
,2026-02-28 00:00:13,2026-02-27 16:19:00,Chicago,Illinois,312,Other,N
"""


def take(folder: Path, file: str, preset: str, day: str = "2026-03-01") -> pl.DataFrame:
    done = cardscreen("list", "import", file, "--preset", preset, "--store", "lists", "--as-of", day, cwd=folder)
    assert done.code == 0, done.err
    return Store(folder / "lists").blocklist().listings.sort("value")


def test_every_preset_is_a_feed_and_says_what_it_is() -> None:
    described = presets.described()
    assert set(described) == {
        "ftc-dnc",
        "misp-csv",
        "misp-json",
        "misp-warninglist",
        "ofac-sdn-csv",
        "ofac-sdn-xml",
        "ofac-wallets",
        "plain-numbers",
        "reassigned-numbers",
    }
    for name, about in described.items():
        assert presets.feed(name).source
        assert len(about) > 40


def test_an_unknown_preset_is_refused_with_the_near_one(tmp_path: Path) -> None:
    done = cardscreen("list", "import", "x", "--preset", "ftc", "--store", "lists", cwd=tmp_path)
    assert done.code == 2
    assert "there is no preset 'ftc'" in done.err
    assert "ftc-dnc" in done.err


def test_presets_are_listed(tmp_path: Path) -> None:
    done = cardscreen("list", "presets", cwd=tmp_path)
    assert done.out.count("\n") == 9


def test_complaints_of_several_files_add_up_and_widen_a_numbers_days(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(FTC)
    first = take(tmp_path, "a.csv", "ftc-dnc")
    assert first.select("value", "listed_on", "expires_on", "severity").rows() == [
        ("+12125550123", date(2026, 2, 27), date(2026, 8, 26), 30),
        ("+13125550142", date(2026, 2, 28), date(2026, 8, 27), 30),
        ("+18005550199", date(2026, 2, 28), date(2026, 8, 27), 30),
    ]
    header, row = FTC.splitlines()[:2]
    (tmp_path / "b.csv").write_text(f"{header}\n{row.replace('2026-02-2', '2026-03-0')}\n")
    second = take(tmp_path, "b.csv", "ftc-dnc", "2026-03-09")
    assert second.filter(pl.col("ended_on").is_null()).height == 3
    assert second.row(0, named=True)["listed_on"] == date(2026, 2, 27)
    assert second.row(0, named=True)["expires_on"] == date(2026, 9, 3)


def test_a_complaint_alone_leads_to_a_notice_at_most(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(FTC)
    take(tmp_path, "a.csv", "ftc-dnc")
    accounts = pl.DataFrame({"account_id": ["a"], "phone": ["(212) 555-0123"]})
    blocklist = Store(tmp_path / "lists").blocklist()
    policy: Any = {"levels": {"low": 1, "medium": 2, "high": 3, "critical": 4}}
    result = cs.screen(accounts, blocklist, {"phone": cs.Phone("US")}, as_of=date(2026, 3, 1), policy=policy)
    assert result.flagged.select("level", "action").collect().rows() == [("critical", "notify")]


HEADER = FTC.splitlines()[0]
NO_CALLERS = {
    **dict.fromkeys(
        ["911", "311", "411", "24273", "729725"], "an emergency or service number, or a sender of text messages"
    ),
    **dict.fromkeys(["", "0"], "no phone number"),
}


def ftc_days(count: int) -> Iterator[tuple[date, list[tuple[str, date]]]]:
    """Days, and who was complained of on each: on weekends a few; some again and again, and again on later days."""
    chance = random.Random(7)
    often = [f"202555{number:04}" for number in range(40)]
    for number in range(count):
        day = date(2026, 2, 2) + timedelta(days=number)
        size = 24 if day.weekday() > 4 else 240
        once = [f"212{chance.randrange(200, 999)}{chance.randrange(10_000):04}" for _ in range(size)]
        others = chance.choices([*NO_CALLERS], [1, 1, 1, 1, 1, 30, 1], k=size // 12)
        callers = [*once, *chance.choices(often, k=size // 3), *others]
        chance.shuffle(callers)
        yield day, [(caller, day - timedelta(days=chance.randrange(2))) for caller in callers]


def test_a_month_of_daily_complaints_is_taken_day_after_day(tmp_path: Path) -> None:
    feed, store = presets.feed("ftc-dnc"), Store(tmp_path / "lists")
    first, last = dict[str, date](), dict[str, date]()
    for day, complaints in ftc_days(30):
        file = tmp_path / f"DNC_Complaint_Numbers_{day}.csv"
        rows = [f"{caller},{made} 09:10:11,,,,212,Other,N" for caller, made in complaints]
        file.write_text("".join(f"{line}\n" for line in [HEADER, *rows]))
        done = import_file(file, feed, store, as_of=day)
        nobody = {line: NO_CALLERS[who] for line, (who, _) in enumerate(complaints, 2) if who in NO_CALLERS}
        assert done.rejects is not None
        assert dict(pl.read_csv(done.rejects).select("line", "reason").rows()) == nobody
        assert {problem.check for problem in done.waived} <= {"grow"}
        for caller, made in complaints:
            if caller not in NO_CALLERS:
                first[caller] = min(made, first.get(caller, made))
                last[caller] = max(made, last.get(caller, made))
    listings = store.blocklist().listings
    assert {value: days for value, *days in listings.select("value", "listed_on", "expires_on").rows()} == {
        f"+1{caller}": [first[caller], last[caller] + timedelta(days=180)] for caller in first
    }
    assert len(listings) == len(first)


def test_service_numbers_still_refuse_a_list_of_a_sources_own(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("+1 212 555 0123\n911\n")
    text = 'source = "s"\nkind = "phone"\nregion = "US"\n[columns]\nvalue = 1\n'
    (tmp_path / "feed.toml").write_text(text)
    done = cardscreen("list", "import", "a.csv", "--feed", "feed.toml", "--store", "lists", cwd=tmp_path)
    assert "short: emergency or service numbers, or senders of text messages: line 2" in done.err


def test_sanctioned_wallets_are_one_a_line_and_cannot_be_overridden(tmp_path: Path) -> None:
    text = "0xA7e4fecDDc20d83F36971b67e13f1abC98DfcfA6\n1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa # a remark\n\n"
    (tmp_path / "w.txt").write_text(text)
    listings = take(tmp_path, "w.txt", "ofac-wallets")
    assert listings["value"].to_list() == [
        "0xa7e4fecddc20d83f36971b67e13f1abc98dfcfa6",
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
    ]
    assert Store(tmp_path / "lists").at().record.origins["ofac"].terms.overridable is False


def test_plain_numbers_may_have_comments(tmp_path: Path) -> None:
    (tmp_path / "n.txt").write_text("# our own\n+44 20 7946 0958 # reported twice\n+8613800138000\n")
    assert take(tmp_path, "n.txt", "plain-numbers")["value"].to_list() == ["+442079460958", "+8613800138000"]


@pytest.mark.parametrize("name", ["ofac_eth.txt", "ofac_xbt.txt", "ofac_ltc.txt"])
def test_the_published_sanctioned_addresses_are_all_taken(tmp_path: Path, real_data: Path, name: str) -> None:
    listings = take(tmp_path, str(real_data / name), "ofac-wallets")
    lines = {line.strip().casefold() for line in (real_data / name).read_text().splitlines() if line.strip()}
    assert {value.casefold() for value in listings["value"]} == lines
