"""Numbers that no numbering plan has: screened, and never clear without a word."""

from __future__ import annotations

from pathlib import Path

import phonenumbers
import polars as pl
import pytest
from commands import cardscreen

import cardscreen as cs
from cardscreen.kinds.phone.in_lists import CODE_LIKE_AREA

ITALIAN: list[str | None] = [
    "3331234567",
    "347 123 4567",
    "02 1234567",
    "06 12345678",
    "0552345678",
    "3209876543",
    "3201234567",
]
LISTED = cs.Blocklist.from_frame(
    pl.DataFrame({"kind": ["phone", "phone"], "value": ["+863331234567", "+8613800138000"]})
)
JOB = """
[accounts]
path = "accounts.csv"
[identifiers]
mobile = { kind = "phone", region = "%s" }
[blocklist]
paths = ["list.parquet"]
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
"""


def screened(numbers: list[str | None], kind: cs.Phone) -> cs.Result:
    accounts = pl.DataFrame({"account_id": [f"a{at}" for at in range(len(numbers))], "mobile": numbers})
    return cs.screen(accounts, LISTED, {"mobile": kind})


def test_numbers_read_in_the_wrong_region_are_counted_within_clear_and_hit() -> None:
    result = screened([*ITALIAN, "13800138000", None, "n/a"], cs.Phone("CN"))
    numbers = pl.DataFrame({"x": ITALIAN}).select(cs.phone("x", "CN").struct.field("status")).to_series()
    assert result.summary["notes"]["mobile"]["invalid"] == (numbers == "invalid").sum() > 3
    coverage = result.summary["coverage"]["mobile"]
    assert coverage == {"cells": 10, "missing": 1, "rejected": 1, "clear": 6, "exempt": 0, "hit": 2}
    assert screened(ITALIAN, cs.Phone("IT")).summary["notes"]["mobile"]["invalid"] == 0


@pytest.mark.parametrize("kind", [cs.Phone("CN"), cs.Phone("CN", many=True), cs.Phone("CN", repair=True)])
def test_they_are_counted_however_cells_are_read(kind: cs.Phone) -> None:
    assert (
        screened(["12345", "138 0013 8000", "+86 12345", "+8612345"], kind).summary["notes"]["mobile"]["invalid"] == 3
    )


def test_a_third_of_them_holds_a_screening() -> None:
    result = screened([*ITALIAN], cs.Phone("CN"))
    with pytest.raises(
        cs.HeldForApproval, match=r"invalid_share: .* of the usable cells of 'mobile' are no valid numbers"
    ):
        cs.check(result, {"first_run": "publish", "flagged_share": 1, "source_share": 1})
    cs.check(result, {"first_run": "publish", "flagged_share": 1, "source_share": 1, "invalid_share": 1})


def test_a_run_prints_how_many_there_are_and_warns_or_waits(tmp_path: Path) -> None:
    def written(numbers: list[str | None]) -> None:
        accounts = pl.DataFrame({"account_id": [f"a{at}" for at in range(len(numbers))], "mobile": numbers})
        accounts.write_csv(tmp_path / "accounts.csv")

    pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}).write_parquet(tmp_path / "list.parquet")
    (tmp_path / "job.toml").write_text(JOB % "CN", encoding="utf-8")
    written([*ITALIAN[:2], *["13800138001"] * 8])
    done = cardscreen("run", "job.toml", cwd=tmp_path)
    assert (done.code, "not valid" in done.out) == (0, True)
    assert "20% of the usable cells of 'mobile' are no valid numbers: is their region right?" in done.err
    written(ITALIAN)
    done = cardscreen("run", "job.toml", cwd=tmp_path)
    assert done.code == 4
    assert "invalid_share" in done.err


BARE: list[str | None] = [f"4917527758{at:02}" for at in range(8)]


@pytest.mark.parametrize("kind", [cs.Phone("DE"), cs.Phone("DE", many=True), cs.Phone("DE", repair=True)])
def test_country_codes_that_are_read_as_area_codes_count_as_such(kind: cs.Phone) -> None:
    meant: list[str | None] = [
        "+49 175 2775800",
        "0175 2775801",
        "1752775802",
        "0491 752775",
        "+49 491 752776",
        "00491752775813",
    ]
    spaced: list[str | None] = ["49 175 2775811", "49/1752775812"]
    assert screened([*BARE, *spaced, *meant], kind).summary["notes"]["mobile"]["invalid"] == len(BARE + spaced)
    assert screened(meant, kind).summary["notes"]["mobile"]["invalid"] == 0


def test_codes_without_a_plus_count_where_each_row_has_its_region() -> None:
    misread = read_otherwise()
    cells = [(region, cell) for region, cells in misread.items() for cell in cells]
    cells += [(region, f"+{cell}") for region, cell in cells] + [("FR", "33612345678"), ("DE", "0175 2775801")]
    lands, numbers = zip(*cells, strict=True)
    accounts = pl.DataFrame({"account_id": range(len(cells)), "mobile": numbers, "land": lands})
    result = cs.screen(accounts, LISTED, {"mobile": cs.Phone(region_column="land")})
    assert result.summary["notes"]["mobile"]["invalid"] == sum(map(len, misread.values()))


def read_otherwise() -> dict[str, list[str]]:
    """Numbers whose country code has no plus, that libphonenumber takes for others of their region."""
    found: dict[str, list[str]] = {}
    for region in phonenumbers.SUPPORTED_REGIONS:
        for sort in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE):
            if number := phonenumbers.example_number_for_type(region, sort):
                bare = f"{number.country_code}{phonenumbers.national_significant_number(number)}"
                read = phonenumbers.parse(bare, region)
                if phonenumbers.is_valid_number(read) and read != number:
                    found.setdefault(region, []).append(bare)
    return found


def test_regions_in_which_a_code_may_be_an_area_code_are_those_of_the_package() -> None:
    assert set(read_otherwise()) == CODE_LIKE_AREA


def test_a_night_of_bare_country_codes_is_held_and_says_what_to_write(tmp_path: Path) -> None:
    pl.DataFrame({"account_id": range(8), "mobile": BARE}).write_csv(tmp_path / "accounts.csv")
    pl.DataFrame({"kind": ["phone"], "value": ["+491752775803"]}).write_parquet(tmp_path / "list.parquet")
    (tmp_path / "job.toml").write_text(JOB % "DE", encoding="utf-8")
    done = cardscreen("run", "job.toml", cwd=tmp_path)
    assert done.code == 4
    assert "invalid_share" in done.err
    assert "begin with their country's code and no +" in " ".join((done.out + done.err).split())


def test_cards_of_which_most_fail_their_check_digit_are_told(tmp_path: Path) -> None:
    cards = [str(6222021234560000 + at) for at in range(120)]
    pl.DataFrame({"account_id": range(120), "mobile": cards}).write_csv(tmp_path / "accounts.csv")
    pl.DataFrame({"kind": ["phone"], "value": ["+8613800138000"]}).write_parquet(tmp_path / "list.parquet")
    job = (JOB % "CN").replace('{ kind = "phone", region = "CN" }', '{ kind = "card" }')
    (tmp_path / "job.toml").write_text(job, encoding="utf-8")
    done = cardscreen("run", "job.toml", cwd=tmp_path)
    assert done.code == 0
    assert "most of the numbers in 'mobile' fail their check digit: is it the right column?" in done.err
