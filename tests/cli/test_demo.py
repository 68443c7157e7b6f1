"""The demo, small: three nights, and what their user would look at."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any
from unittest import mock

import polars as pl
import pytest
from commands import cardscreen

from cardscreen.cli import demo
from cardscreen.cli.demo.cases import CASES
from cardscreen.cli.demo.folder import write
from cardscreen.cli.demo.leaks import Searcher
from cardscreen.cli.demo.outcome import Outcome
from cardscreen.cli.demo.printed import line, page
from cardscreen.cli.demo.world import World

PAN = "6222021234567890128"
SHORT = "378282246310005"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Outcome, str]:
    """A demo that nobody has touched, and what its command printed."""
    folder, outcomes, run_demo = tmp_path_factory.mktemp("three-nights"), [], demo.run_demo

    def kept(*given: Any, **named: Any) -> Outcome:
        outcomes.append(run_demo(*given, **named))
        return outcomes[-1]

    with mock.patch.object(demo, "run_demo", kept):
        done = cardscreen("demo", "demo", "--accounts", "1000", cwd=folder)
    assert done.code == 0, done.err
    return outcomes[0], done.out


@pytest.fixture(scope="module")
def outcome(played: tuple[Outcome, str]) -> Outcome:
    """A demo that nobody has touched: tests that change files have a copy."""
    return played[0]


def test_all_that_was_planted_is_found_and_nothing_else(outcome: Outcome) -> None:
    cases = outcome.cases()
    assert cases["case"].to_list() == list(range(len(CASES)))
    assert cases.filter(pl.col("right") != pl.col("accounts")).rows() == []
    assert (outcome.unplanted(), list(outcome.failures())) == (0, [])


def test_another_size_is_told_as_well_and_limits_are_wider_only_where_few_accounts_make_large_shares(
    outcome: Outcome, tmp_path: Path
) -> None:
    assert list(demo.run_demo(tmp_path / "demo", 10_000).failures()) == []
    jobs = [(folder / "operator/job.toml").read_text("utf-8") for folder in (outcome.folder, tmp_path / "demo")]
    assert ["new_suspend = 0.01" in job for job in jobs] == [True, False]


def test_nobody_in_a_trap_is_suspended_and_each_trap_has_somebody(outcome: Outcome) -> None:
    wrong = outcome.wrongly_suspended()
    assert set(wrong) == {"recycled", "ported", "shared", "ranged", "protected", "bystander", "other"}
    assert all(count == 0 and of > 0 for count, of in wrong.values())
    assert sum(of for _, of in wrong.values()) == 1000


def test_the_cut_off_list_is_refused_the_late_one_warned_of_and_the_mass_block_held(outcome: Outcome) -> None:
    blunders = outcome.blunders
    assert "shrink" in [check for check, _ in blunders.refused]
    assert blunders.warned == [f"the data of 'bank-association' is of {_days_before(outcome, 3)}, 3 days old"]
    assert any(reason.startswith("new_suspend") for reason in blunders.held)
    assert blunders.discarded is not None
    assert "discarded" in json.loads((blunders.discarded / "manifest.json").read_text("utf-8"))
    assert [file.name for file in blunders.discarded.rglob("*.csv")] == []


def _days_before(outcome: Outcome, days: int) -> str:
    return str(pl.Series([outcome.nights[1].day]).dt.offset_by(f"-{days}d")[0])


def test_three_causes_release_and_only_what_was_handed_out_is_lifted(outcome: Outcome) -> None:
    assert outcome.nights[1].released().rows() == [
        ("allow_listing", "cancel", 1),
        ("expired", "lift", 1),
        ("listing_ended", "cancel", 1),
    ]


def test_the_polices_list_is_chinese_in_gb18030(outcome: Outcome) -> None:
    header = (outcome.folder / f"feeds/{outcome.nights[0].day}/police.csv").read_bytes().split(b"\n")[0]
    assert header.decode("gb18030") == "号码,登记日期,案件编号"


def test_the_same_people_are_made_each_time(outcome: Outcome, tmp_path: Path) -> None:
    made = {name: sorted((outcome.folder / name / "accounts").glob("20*")) for name in ("operator", "bank")}
    first, second, third = (date.fromisoformat(each.stem) for each in made["operator"])
    write(World(second, 1000), tmp_path, (first, second, third), 1000)
    for name, accounts in made.items():
        assert [(tmp_path / name / "accounts" / each.name).read_bytes() for each in accounts] == [
            each.read_bytes() for each in accounts
        ]


def test_two_rings_are_found_and_bystanders_are_left_alone(outcome: Outcome) -> None:
    assert outcome.leads.rings == {"operator": 1, "bank": 1}
    assert (outcome.leads.customers, outcome.leads.waited, outcome.leads.crowded) == (1, 1, 2)
    members = {
        owner: set(
            pl.read_parquet(max((outcome.folder / owner / "leads").glob("2*")) / "members.parquet")["account_id"]
        )
        for owner in ("operator", "bank")
    }
    for owner, group in (("operator", "device gang"), ("bank", "card gang")):
        at = [place for place, case in enumerate(CASES) if case.group == group]
        assert members[owner] == set(outcome.truth.filter(pl.col("case").is_in(at))["account_id"])


def test_a_lead_that_is_missed_counts_against_the_demo(outcome: Outcome) -> None:
    missed = dataclasses.replace(outcome.leads, rings={"operator": 1, "bank": 0}, waited=0)
    assert len(list(dataclasses.replace(outcome, leads=missed).failures())) == 2


# --- what is printed --------------------------------------------------------------------------------


def test_the_page_tells_all_nights(played: tuple[Outcome, str]) -> None:
    outcome, printed = played
    told = ["First night", "Second night", "refused ", "warned ", "held ", "published ", "cardscreen explain S0"]
    told += ["Third night", "weighed ", "found ", "upheld "]
    assert [words for words in [*told, "missed: 0", "found: 0."] if words not in printed] == []
    assert [words for words in ("not refused", "not held", "Wrong:") if words in printed] == []
    assert str(outcome.folder) in printed.replace("\n", "")


def test_one_line_of_json_tells_the_same(outcome: Outcome) -> None:
    told, printed = json.loads(line(outcome)), page(outcome)
    found = (told["planted"]["found"], told["planted"]["accounts"])
    assert found == (len(outcome.truth), len(outcome.truth))
    assert f"Planted and found: {found[0]} of {found[1]}, missed: {told['planted']['missed']}." in printed
    assert (told["unplanted"], told["card_numbers"]["found"], told["failures"]) == (0, [], [])
    flat = " ".join(printed.split())
    stories = [sentence for story in told["explained"] for sentence in story["sentences"]]
    for said in (*told["refused"], *told["warned"], *told["held"], *stories):
        assert " ".join(said.split()) in flat
    for name, said in told["wrongly_suspended"].items():
        assert name == "other" or f"{name} {said['wrong']} of {said['accounts']}" in flat


def test_the_readme_shows_what_is_printed(outcome: Outcome) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"^```text\n(First night.*?)^```", readme, flags=re.MULTILINE | re.DOTALL)
    assert shown is not None
    words = [re.findall(r"[a-z_'-]{2,}", text.lower()) for text in (shown[1], page(outcome))]
    assert set(words[0]) - set(words[1]) == {"cardscreen-demo"}


def test_a_demo_that_misses_or_wrongly_suspends_somebody_ends_with_1(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    truth = outcome.truth
    ends = {case: at for at, case in enumerate(CASES)}
    sought = next(at for case, at in ends.items() if case.expected == ("suspend", "suspend", "suspend"))
    trapped = next(at for case, at in ends.items() if case.trap == "recycled")
    swapped = truth.with_columns(pl.col("case").replace({sought: trapped, trapped: sought}))
    monkeypatch.setattr(demo, "run_demo", lambda *_, **__: dataclasses.replace(outcome, truth=swapped))
    done = cardscreen("demo", "demo", cwd=tmp_path)
    told = " ".join(done.out.split())
    assert done.code == 1
    assert f"Wrong: {CASES[trapped].words}: 2 of 2 missed." in told
    assert f"Wrong: {CASES[sought].words}: 1 of 1 missed." in told
    assert "recycled 2 of 2" in told
    assert "Wrong: 2 accounts are wrongly suspended." in told
    assert json.loads(cardscreen("demo", "demo", "--json", cwd=tmp_path).out)["planted"]["missed"] == 3


def test_an_account_that_was_not_planted_counts_against_the_demo(outcome: Outcome) -> None:
    unknown = dataclasses.replace(outcome, truth=outcome.truth.filter(pl.col("case") != 0))
    assert unknown.unplanted() == 2
    assert unknown.wrongly_suspended()["other"][0] == 2


def test_a_blunder_that_passes_counts_against_the_demo(outcome: Outcome) -> None:
    passed = dataclasses.replace(outcome.blunders, refused=[], warned=["the policy has changed"], discarded=None)
    assert list(dataclasses.replace(outcome, blunders=passed).failures()) == [
        "the cut-off list was not refused",
        "nothing warned of the late list",
        "the mass block was not held",
    ]


# --- what is in the folder --------------------------------------------------------------------------


def commands_of(folder: Path) -> Iterator[list[str]]:
    text = (folder / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        yield from (shlex.split(each)[1:] for each in block.splitlines() if each.startswith("cardscreen "))


def test_every_command_of_the_folders_readme_does_what_is_said(outcome: Outcome, tmp_path: Path) -> None:
    folder = shutil.copytree(outcome.folder, tmp_path / "demo", symlinks=True)
    done = {" ".join(words[:2]): (words, cardscreen(*words, cwd=folder)) for words in commands_of(folder)}
    assert {"runs list", "runs show", "audit operator/runs/latest", "diff operator/runs/latest"} <= set(done)
    assert sum(name.startswith("explain S") for name in done) == 4
    assert {"leads show", "feedback operator/job.toml"} <= set(done)
    for name, (words, ended) in done.items():
        assert ended.code == (3 if name == "list import" else 0), (words, ended.err)
    assert "cut off?" in done["list import"][1].err


def test_the_folders_readme_names_every_file_that_it_does_not_make_itself(outcome: Outcome) -> None:
    text = (outcome.folder / "README.md").read_text(encoding="utf-8")
    there = {each.name for each in outcome.folder.iterdir() if not each.name.startswith(".")} - {"README.md"}
    assert [name for name in sorted(there) if f"`{name}" not in text] == []
    assert "{" not in text


@pytest.mark.parametrize("accounts", ["999", "4000001"])
def test_fewer_than_the_cases_need_or_more_than_there_are_numbers_for_is_refused(accounts: str, tmp_path: Path) -> None:
    done = cardscreen("demo", "demo", "--accounts", accounts, cwd=tmp_path)
    assert (done.code, "invalid value for '--accounts'" in done.err, list(tmp_path.iterdir())) == (2, True, [])


def test_a_folder_that_is_not_the_demos_own_is_never_cleared(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine", encoding="utf-8")
    done = cardscreen("demo", ".", cwd=tmp_path)
    assert (done.code, (tmp_path / "precious.txt").read_text(encoding="utf-8")) == (2, "mine")
    assert "name another folder" in done.err


# --- the search for card numbers --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param(PAN, 1, id="plain"),
        pytest.param("6222 0212 3456 7890 128", 1, id="in-fours"),
        pytest.param("6222-0212-3456-7890-128", 1, id="hyphens"),
        pytest.param("622202 1234567890128", 1, id="issuer-and-rest"),
        pytest.param("6222\N{NO-BREAK SPACE}0212\n3456.7890\t128", 1, id="other-signs"),
        pytest.param("６２２２０２１２３４５６７８９０１２８", 1, id="full-width"),
        pytest.param(f"99{PAN}0001", 1, id="among-other-digits"),
        pytest.param(f"12,{PAN},2026-01-01,{SHORT}", 2, id="two-in-a-line"),
        pytest.param(f'{{"a": "{PAN}", "b": "{PAN}"}}', 1, id="one-twice"),
        pytest.param("622202*********0128", 0, id="masked"),
        pytest.param(PAN[:-1], 0, id="a-digit-missing"),
        pytest.param("6222021234567890129", 0, id="another-number"),
    ],
)
def test_numbers_are_found_however_they_are_grouped(text: str, count: int) -> None:
    assert Searcher([PAN, SHORT]).count(text) == count


@pytest.mark.parametrize("name", ["a.parquet", "b.json", "c.bin", "d 3782-822463-10005.txt"])
def test_every_file_is_searched_whatever_its_form(name: str, tmp_path: Path) -> None:
    file = tmp_path / "runs" / name
    file.parent.mkdir()
    if file.suffix == ".parquet":
        pl.DataFrame({"x": [["a"], [f"{PAN[:4]} {PAN[4:]}"]]}).write_parquet(file, compression="zstd")
    else:
        file.write_bytes(b"\xff\x00" * 9 + SHORT.encode() if file.suffix == ".bin" else f"[{PAN}]".encode())
    scan = Searcher([PAN, SHORT]).scan(tmp_path, but=[])
    assert (scan.files, len(scan.leaks), "822463" in str(scan.leaks)) == (1, 1, False)
    assert Searcher([PAN, SHORT]).scan(tmp_path, but=[file]).leaks == []


def test_the_demos_search_finds_its_cards_in_the_inputs_where_they_belong(outcome: Outcome) -> None:
    found = outcome.searcher.scan(outcome.folder, but=[]).leaks
    days = [night.day for night in outcome.nights]
    assert [each.split(" in ")[1] for each in found] == [
        *(f"bank/accounts/{day}.parquet" for day in days),
        *(f"feeds/{day}/bank-association.csv" for day in (days[0], days[2])),
    ]
    assert int(found[0].split(" in ")[0]) > 300


def test_a_card_number_in_what_is_printed_is_told_and_not_repeated(outcome: Outcome) -> None:
    pan = next(iter(outcome.searcher._pans))
    leaky = dataclasses.replace(
        outcome,
        scan=dataclasses.replace(outcome.scan, leaks=[]),
        blunders=dataclasses.replace(outcome.blunders, held=[f"{pan[:4]} {pan[4:]}"]),
    )
    page(leaky)
    assert list(leaky.failures()) == ["full card numbers: 1 in what was printed"]
