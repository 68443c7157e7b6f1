"""One account's story: every sort of hit, cap, rule and exemption, and what can't be said of one that isn't there."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from commands import cardscreen
from small_operator import CARD, FIRST, MASKED, SECOND, located_in, published, run, two_nights


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_nights(tmp_path_factory.mktemp("operator"))


def story(operator: Path, account: object, *more: object) -> str:
    done = cardscreen("explain", account, *more, cwd=operator)
    assert done.code == 0, done.err
    assert CARD not in done.out
    return done.out


@pytest.mark.parametrize(
    ("account", "words"),
    [
        pytest.param(1, "recommended to suspend the account, due on 2026-11-23", id="what-and-when"),
        pytest.param(1, "flagged since 2026-11-20", id="since"),
        pytest.param(1, "mobile +8613800138001 is on the list of police for telecom fraud", id="which-listing"),
        pytest.param(1, "since 2026-01-10, case C-1 (listing ", id="since-and-case"),
        pytest.param(1, "listed while the present holder had it", id="present-holder"),
        pytest.param(1, "score is 95, as the listing says; that is level critical", id="score-of-the-listing"),
        pytest.param(1, "Legal basis of the list of police: Law on telecom fraud, article 31.", id="legal-basis"),
        pytest.param(1, "Appeals against police: the police, desk 12.", id="appeal"),
        pytest.param(1, "Before, in the run for 2026-11-20: newly flagged for suspend", id="earlier-run"),
        pytest.param(3, "no more than verify: a range also covers innocent numbers", id="cap-range"),
        pytest.param(4, f"card_no {MASKED} is on the list of bank-a", id="masked-card"),
        pytest.param(4, "no more than verify: that is all that this source's word can lead to", id="cap-source"),
        pytest.param(4, "Legal basis of the list of bank-a: not stated by the source.", id="no-legal-basis"),
        pytest.param(5, "exempted, by the allow list of own-desk", id="allow-listing"),
        pytest.param(6, "exempted, by a person's clearance", id="clearance"),
        pytest.param(6, "A. Li has cleared the account on 2026-11-01.", id="who-cleared-and-when"),
        pytest.param(6, "Why it was cleared: in order", id="why-it-was-cleared"),
        pytest.param(6, "were it not exempt, the policy would recommend suspend", id="what-else-would-be"),
        pytest.param(7, "no more than notify: rule 2 of the policy says so", id="cap-of-a-rule"),
        pytest.param(9, "newly flagged for suspend, because a source has listed the number", id="new"),
        pytest.param(10, "not flagged: what was found is only measured", id="measured"),
        pytest.param(10, "It is only measured, and leads to nothing: rule 1", id="measuring-rule"),
        pytest.param(11, "no more than verify: many accounts have the number", id="cap-shared"),
        pytest.param(11, "6 accounts have this number", id="how-many"),
        pytest.param(17, "score is 45, rule 3 of the policy says so; that is level medium", id="score-of-a-rule"),
        pytest.param(2, "released: verify is no longer recommended, because the source no longer lists", id="released"),
        pytest.param(2, "It had been decided by this: its mobile +8613800138002 was on the list", id="what-it-was"),
        pytest.param(
            2, "no more than verify: the number was listed before the present holder", id="cap-earlier-holder"
        ),
        pytest.param(8, "Its mobile could not be read: not a number, written like A/A.", id="unreadable"),
        pytest.param(8, "That does not mean that it is clear", id="unreadable-is-not-clear"),
    ],
)
def test_a_story_says(operator: Path, account: int, words: str) -> None:
    assert words in story(operator, account)


@pytest.mark.parametrize("copy", [None, "no table", "account_id,listing_id,decided_on,until\n6,,2026-11-02,\n"])
def test_who_cleared_is_told_only_so_far_as_the_runs_copy_tells(
    operator: Path, tmp_path: Path, copy: str | None
) -> None:
    folder = shutil.copytree(operator, tmp_path / "operator", symlinks=True)
    file = published(folder)[-1] / "inputs/clearances.csv"
    file.unlink() if copy is None else file.write_text(copy, encoding="utf-8")
    told = story(folder, 6)
    assert "exempted by a person's clearance, and leads to nothing" in told
    assert ("The account was cleared on 2026-11-02." in told) == (copy is not None and "6," in copy)
    assert ("A. Li" in told, "Why it was" in told) == (False, False)


def test_in_chinese_foreign_words_stand_apart_and_clearances_are_told(operator: Path, tmp_path: Path) -> None:
    told = story(operator, 6, "--lang", "zh")
    assert "A. Li 于 2026-11-01 核准了该账户。" in told
    assert "核准理由：in order" in told
    assert "若未被豁免，策略会建议暂停" in told
    told = story(operator, 5, "--lang", "zh")
    assert not re.search("[一-鿿][A-Za-z]|[A-Za-z][一-鿿]", told), told


def test_what_is_no_number_is_called_none(tmp_path: Path) -> None:
    listed = [{"kind": "opaque", "value": "device:D1", "source": "police", "reason": "fraud", "severity": 95}]
    pl.DataFrame(listed).write_parquet(tmp_path / "lists.parquet")
    accounts = {"account_id": [str(at) for at in range(9)], "device": ["D1"] * 6 + ["D7", "D8", "D9"]}
    pl.DataFrame(accounts).write_csv(tmp_path / "accounts.csv")
    (tmp_path / "job.toml").write_text(
        """
        accounts = { path = "accounts.csv" }
        identifiers = { device = { kind = "opaque", name = "device" } }
        blocklist = { paths = ["lists.parquet"] }
        limits = { first_run = "publish", flagged_share = 1, source_share = 1, new_suspend = 1, released_share = 1 }
        """,
        encoding="utf-8",
    )
    assert run(tmp_path, FIRST).code == 0
    told = story(tmp_path, 0)
    assert "6 accounts have this value." in told
    assert "many accounts have the value ([caps] shared)" in told
    assert "6 个账户使用该值。" in story(tmp_path, 0, "--lang", "zh")
    assert "因“fraud”在 police 的名单上" in story(tmp_path, 0, "--lang", "zh")
    pl.DataFrame([{**listed[0], "value": "device:D7"}]).write_parquet(tmp_path / "lists.parquet")
    assert run(tmp_path, SECOND).code == 0
    assert "because a source has listed the value" in story(tmp_path, 6)
    assert "number" not in story(tmp_path, 0)


@pytest.mark.parametrize("account", ["20", "nobody", "1.0", "01"])
def test_an_account_that_is_not_named_is_never_called_clear(operator: Path, account: str) -> None:
    told = story(operator, account)
    assert "That does not mean that it is clear: a run keeps no list of the 40 rows that it read" in told
    assert "listing" not in told


def test_a_card_number_in_place_of_an_account_is_not_printed_back(operator: Path) -> None:
    assert "Account … in run" in story(operator, CARD)


@pytest.mark.parametrize("place", ["runs", "runs/latest", "job.toml"])
def test_the_newest_run_is_meant_by_its_folder_and_by_the_job(operator: Path, place: str) -> None:
    assert story(operator, 1, "--run", place) == story(operator, 1)


def test_a_run_is_found_by_its_name_alone(operator: Path) -> None:
    newest = published(operator)[-1].name
    assert (
        story(operator, 1, "--run", newest) == story(operator, 1, "--run", f"runs/.held/{newest}") == story(operator, 1)
    )


def test_of_a_held_run_nothing_is_told_as_done(operator: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(operator, tmp_path / "operator")
    newest = published(folder)[-1]
    (folder / "runs/.held").mkdir(exist_ok=True)
    shutil.move(newest, folder / "runs/.held" / newest.name)
    told = story(folder, 1, "--run", f"runs/.held/{newest.name}")
    assert "The run is held: nobody has been told anything of it" in told
    assert f"was handed out on {SECOND}" not in told


def test_an_earlier_run_tells_what_it_knew(operator: Path) -> None:
    told = story(operator, 2, "--run", published(operator)[0])
    assert "recommended that a person verifies the account" in told
    assert "released" not in told


def test_the_story_as_json_holds_hits_judgement_and_sentences(operator: Path) -> None:
    told = json.loads(story(operator, 3, "--json"))
    assert told["flag"]["action"] == "verify"
    finding = told["findings"][0]
    assert (finding["decides"], finding["hit"]["match"], finding["judgement"]["bound_by"]) == (True, "range", ["range"])
    assert finding["terms"]["appeal"] == "the police, desk 12"
    assert told["earlier"][0]["change"] == "new"
    assert told["sentences"] == story(operator, 3).splitlines()


def test_every_recorded_cap_and_score_is_found_again_in_the_policy(operator: Path) -> None:
    hits = pl.read_parquet(published(operator)[-1] / "hits.parquet")
    assert len(hits) > 10
    for account in hits["account_id"].unique():
        for finding in json.loads(story(operator, account, "--json"))["findings"]:
            assert finding["judgement"]["sure"], finding


def test_a_story_goes_on_without_the_store(operator: Path, tmp_path: Path) -> None:
    shutil.copytree(operator, tmp_path / "o", symlinks=True)
    located_in(tmp_path / "o", operator / "lists", "/gone")
    told = story(tmp_path / "o", 4)
    assert "does not tell all of why" in told  # the cap is in the source's terms, which lie in the store
    assert "Legal basis of the list of bank-a: not stated" in told


def test_a_carried_flag_says_on_what_it_rests(operator: Path, tmp_path: Path) -> None:
    shutil.copytree(operator, tmp_path / "o", symlinks=True)
    accounts = pl.read_parquet(tmp_path / "o/accounts.parquet").filter(pl.col("account_id") != 1)
    accounts.write_parquet(tmp_path / "o/accounts.parquet")
    job = (tmp_path / "o/job.toml").read_text(encoding="utf-8") + "accounts_shrink = 1\n"
    (tmp_path / "o/job.toml").write_text(job, encoding="utf-8")
    done = run(tmp_path / "o", "2026-11-22")
    assert done.code == 0, done.err
    told = story(tmp_path / "o", 1)
    assert "suspend carried on, because the account was not in the extract" in told
    assert "Since 2026-11-22 the flag rests on what an earlier night found; nothing is handed out meanwhile." in told
    assert "due on" not in told
    assert "This decided, on an earlier night: its mobile +8613800138001" in told


@pytest.mark.parametrize(
    ("place", "code", "words"),
    [
        pytest.param("rnus", 2, "did you mean 'runs'", id="near-name"),
        pytest.param("runs/20990101T000000Z", 2, "there is no run", id="no-such-run"),
        pytest.param("lists", 2, "lists is a store of listings, no output folder", id="a-store"),
        pytest.param("jbo.toml", 2, "did you mean 'job.toml'", id="no-job"),
    ],
)
def test_a_run_that_is_not_there_is_told(operator: Path, place: str, code: int, words: str) -> None:
    done = cardscreen("explain", 1, "--run", place, cwd=operator)
    assert (done.code, words in done.err) == (code, True), done.err


def test_stories_begin_on_the_day_of_the_run(operator: Path) -> None:
    assert story(operator, 1, "--run", published(operator)[0]).startswith(
        f"Account 1 in run {published(operator)[0].name}"
    )
    assert FIRST in story(operator, 1, "--run", published(operator)[0]).splitlines()[0]


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("explain", "1", "--run", "runs"), id="explain"),
        pytest.param(("explain", "1", "--run", "{first}"), id="explain-itself"),
        pytest.param(("diff", "{first}", "{second}"), id="diff"),
        pytest.param(("diff", "{first}", "--policy", "policy.toml"), id="diff-policy"),
    ],
)
@pytest.mark.parametrize("table", ["flagged", "hits", "changes"])
def test_a_damaged_table_is_told_with_the_run_to_audit(
    operator: Path, tmp_path: Path, command: tuple[str, ...], table: str
) -> None:
    shutil.copytree(operator, tmp_path / "o", symlinks=True)
    first, second = published(tmp_path / "o")
    named = [word.format(first=first, second=second) for word in command]
    damaged = second if named[-1] == "runs" else first
    with (damaged / f"{table}.parquet").open("ab") as file:
        file.write(b"one more line\n")
    done = cardscreen(*named, cwd=tmp_path / "o")
    assert done.code == 3, done.err
    assert f"cardscreen audit {damaged}" in done.err
    assert "Traceback" not in done.err
    assert cardscreen("audit", damaged, cwd=tmp_path / "o").out.count(f"{table}.parquet was changed") == 1
