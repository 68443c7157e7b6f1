"""Words of others stay words: nothing in lists, accounts, names or reasons steers a terminal or passes for ours."""

from __future__ import annotations

import json
import re
import shutil
import traceback
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from commands import Done, cardscreen
from hypothesis import given
from hypothesis import strategies as st
from small_operator import held, published

from cardscreen.cli import console
from cardscreen.foundation.errors import ConfigError, FeedRefused, HeldForApproval, MissingColumn
from cardscreen.foundation.words import json_text, shown

FORGED = "It is released"
EVIL = f"x\n{FORGED}\x1b]0;x\x07\u202e\x9b31m\x85{FORGED}\u2028{FORGED}\r{FORGED}\x7f\u2066\U000e0041\u061c"
#: A name for files: of the same sort, without what file systems refuse.
FILE = "x\nIt is released\x1b]0;x\u202e\x9b31m"
RAW = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
TOML = '"' + "".join(f"\\U{ord(each):08x}" for each in EVIL) + '"'
JOB = f"""
[accounts]
path = "accounts.parquet"
carry = [{TOML}]
[identifiers]
mobile = {{ kind = "phone", region = "CN" }}
[blocklist]
paths = ["list.parquet"]
[policy]
[[policy.rules]]
when = {{ "account.{TOML[1:-1]}" = "a" }}
score = 90
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
new_suspend = 0
"""
FEED = f"""
source = {TOML}
kind = "phone"
region = "CN"
severity = 90
[columns]
value = "number"
reference = {TOML}
reason = "why"
[limits]
shrink_share = 1.0
grow_share = 10.0
[terms]
appeal = {TOML}
"""
WHO = ("--by", EVIL, "--reason", EVIL)
ID = f"A{EVIL}"


def assert_tame(*texts: str) -> None:
    """Nothing steers, and no line is somebody else's sentence."""
    for text in texts:
        assert RAW.findall(text) == []
        assert not any(line.strip().startswith(FORGED) for line in text.splitlines())


def tame(folder: Path, *arguments: object, code: int = 0) -> Done:
    """A command that says nothing wild."""
    done = cardscreen(*arguments, cwd=folder)
    assert done.code == code, done.err
    assert_tame(done.out, done.err)
    return done


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A published run, a later one that is held, and a store of two versions, all with such words."""
    folder = tmp_path_factory.mktemp("operator")
    (folder / "job.toml").write_text(JOB, encoding="utf-8")
    (folder / "feed.toml").write_text(FEED, encoding="utf-8")
    mobiles = [f"138001380{n:02}" for n in range(20)]
    accounts = {"account_id": [ID, *map(str, range(1, 20))], "mobile": mobiles, EVIL: [EVIL] * 20}
    pl.DataFrame(accounts).write_parquet(folder / "accounts.parquet")
    for count in (1, 2):
        words = {name: [f"{n}{EVIL}" for n in range(count)] for name in ("source", "reason", "reference", "listing_id")}
        listed = {"kind": ["phone"] * count, "value": [f"+86{mobile}" for mobile in mobiles[:count]], **words}
        pl.DataFrame(listed | {"severity": [90] * count}).write_parquet(folder / "list.parquet")
        day = f"2026-11-2{count}"
        tame(folder, "run", "job.toml", "--as-of", day, "--allow-future", code={1: 0, 2: 4}[count])
        delivered = pl.DataFrame({"number": mobiles[:count], EVIL: [EVIL] * count, "why": [EVIL] * count})
        delivered.write_parquet(folder / f"{FILE}.parquet")
        arguments = ("--feed", "feed.toml", "--store", "lists", "--as-of", day)
        tame(folder, "list", "import", f"{FILE}.parquet", *arguments)
    return folder


def test_an_account_s_story_keeps_them_in_its_sentences(operator: Path) -> None:
    told = tame(operator, "explain", ID)
    assert f"case 0{shown(EVIL)} (listing 0{shown(EVIL)})" in told.out
    assert f"list of 0{shown(EVIL)} for" in told.out
    assert told.out.startswith(f"Account {shown(ID)} in run")
    as_json = json.loads(tame(operator, "explain", ID, "--json").out)
    assert (as_json["account"], as_json["flag"][EVIL]) == (ID, EVIL)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("list", "show", "--store", "lists"), id="sources"),
        pytest.param(("list", "show", "--store", "lists", "--rows"), id="listings"),
        pytest.param(("list", "history", "--store", "lists"), id="history"),
        pytest.param(("list", "diff", "0", "1", "--store", "lists"), id="list-diff"),
        pytest.param(("runs", "list", "runs"), id="runs"),
        pytest.param(("runs", "show", "runs"), id="run"),
        pytest.param(("audit", "runs"), id="audit"),
        pytest.param(("policy", "check", "job.toml", "--store", "lists"), id="policy"),
        pytest.param(("diff", "FIRST", "SECOND", "--rows", "5"), id="diff"),
    ],
)
def test_commands_that_look_show_them_written_out_and_as_json_whole(operator: Path, command: tuple[str, ...]) -> None:
    places = {"FIRST": published(operator)[0], "SECOND": held(operator)[0]}
    arguments = [places.get(each, each) for each in command]
    told = tame(operator, *arguments).out + tame(operator, *arguments, "--json").out
    assert [json.loads(line) for line in told.splitlines() if line.startswith(("{", "["))]
    if command[0] in ("list", "policy", "diff"):
        assert shown(EVIL).split()[0] in told


def test_who_decides_can_t_write_lines_of_ours(operator: Path, tmp_path: Path) -> None:
    shutil.copytree(operator, tmp_path / "o", symlinks=True)
    tame(tmp_path / "o", "list", "expire", "--store", "lists", "--source", EVIL, "--reference", EVIL, *WHO)
    tame(tmp_path / "o", "list", "rename-source", EVIL, f"new{EVIL}", *WHO, "--store", "lists")
    assert shown(EVIL) in tame(tmp_path / "o", "list", "history", "--store", "lists").out
    tame(tmp_path / "o", "runs", "approve", held(tmp_path / "o")[0], *WHO)
    assert shown(EVIL) in tame(tmp_path / "o", "runs", "show", "runs").out
    assert f"approved by {shown(EVIL).split()[0]}" in tame(tmp_path / "o", "runs", "list", "runs").out
    assert_tame((published(tmp_path / "o")[-1] / "manifest.json").read_text(encoding="utf-8").replace("\n", " "))


@pytest.mark.parametrize(
    ("code", "command"),
    [
        pytest.param(3, ("normalize", "phone", f"{FILE}.csv", "--column", "number", "--out", "o.csv"), id="no-file"),
        pytest.param(3, ("normalize", "phone", f"{FILE}.parquet", "--column", EVIL * 2, "--out", "o.csv"), id="column"),
        pytest.param(3, ("normalize", "phone", "header.csv", "--column", "number", "--out", "o.csv"), id="header"),
        pytest.param(3, ("list", "import", "wrong.csv", "--feed", "feed.toml", "--store", "lists"), id="refused"),
        pytest.param(2, ("list", "retire", EVIL * 2, "--store", "lists", *WHO), id="source"),
        pytest.param(2, ("policy", "check", "wrong.toml"), id="settings"),
        pytest.param(2, ("policy", "check", f"{FILE}.toml"), id="settings-of-such-a-file"),
        pytest.param(2, ("explain", "1", f"--{EVIL}"), id="usage"),
        pytest.param(2, ("run", "job.toml", "--log", EVIL), id="option"),
        pytest.param(2, ("run", f"{FILE}.toml", "--log", "json"), id="log"),
        pytest.param(2, (EVIL,), id="command"),
    ],
)
def test_errors_show_them_written_out(operator: Path, code: int, command: tuple[str, ...]) -> None:
    (operator / "header.csv").write_text(f'"{EVIL}","{EVIL}"\n1,2\n', encoding="utf-8", newline="")
    (operator / "wrong.csv").write_text("number,why\nx,y\n", encoding="utf-8")
    settings = f'{TOML} = 1\nsources.{TOML}.cap = "{FORGED}"\n[[rules]]\nscore = {TOML}\n'
    for name in ("wrong.toml", f"{FILE}.toml"):
        (operator / name).write_text(settings, encoding="utf-8")
    assert FORGED.lower() in tame(operator, *command, code=code).err.lower()


def test_an_error_of_several_lines_keeps_its_own() -> None:
    assert str(ConfigError("a", f"b{EVIL}")) == f"a\nb{shown(EVIL)}"
    refused = FeedRefused(FILE, [("columns", EVIL), ("cut", "b")], EVIL)
    assert len(str(refused).splitlines()) == 5
    assert_tame(str(refused), str(HeldForApproval([EVIL])), str(MissingColumn(EVIL, [EVIL], EVIL, EVIL)))


def test_a_bug_s_traceback_keeps_its_lines_and_those_of_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    from cardscreen.cli.app import _crashed

    try:
        raise ValueError(EVIL)
    except ValueError as error:
        _crashed(type(error), error, error.__traceback__)
        lines = traceback.format_exception(error)
    said = capsys.readouterr().err
    assert_tame(said)
    assert said.splitlines()[:-1] == "".join(lines[:-1]).splitlines()


def test_logs_are_json_that_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    console.in_json()
    try:
        console.say("written", "a", EVIL, file=EVIL, deep={EVIL: [EVIL]})
    finally:
        console.in_sentences()
    said = capsys.readouterr().err
    assert_tame(said)
    assert {name: json.loads(said)[name] for name in ("file", "deep")} == {"file": EVIL, "deep": {EVIL: [EVIL]}}


@given(st.text())
def test_what_is_shown_is_one_line_without_anything_that_steers_and_else_the_same(text: str) -> None:
    told = shown(text)
    assert shown(told) == told
    assert len(f"a{told}".splitlines()) == 1
    assert not any(unicodedata.category(each) in ("Cc", "Zl", "Zp", "Cs") for each in told)
    assert RAW.findall(told) == []
    tame_ones = [each for each in text if not RAW.match(each) and each != "\n" and unicodedata.category(each) != "Cs"]
    assert told == text or len(told) > len(text)
    assert "".join(tame_ones) == shown("".join(tame_ones))
    assert json.loads(json_text([text])) == [text]
    assert RAW.findall(json_text([text])) == []


@pytest.mark.parametrize("text", ["诈骗 举报", "می‌خواهم", "👨‍👩‍👧", "O'Brien — “a\\b”", "רשימה", "é\u00a0à\ufeff"])
def test_letters_of_all_scripts_and_emoji_are_shown_as_they_are(text: str) -> None:
    assert shown(text) == text
    assert json_text([text], indent=1) == json.dumps([text], ensure_ascii=False, indent=1)


def test_half_a_character_of_a_file_name_can_be_printed() -> None:
    assert shown("a\udc80") == r"a\udc80"
    assert json_text("a\udc80") == r'"a\udc80"'


def test_pages_and_files_for_people_hold_nothing_that_steers_and_ids_as_they_are(tmp_path: Path) -> None:
    """Notices, an export and what a source is told; ids are what other systems find rows by."""
    accounts = {"account_id": ["=1+1"], "mobile": ["13800138000"], "seg": [EVIL]}
    pl.DataFrame(accounts).write_parquet(tmp_path / "accounts.parquet")
    listed = {"kind": "phone", "value": ["+8613800138000"], "source": f"s{EVIL}", "reason": f"r{EVIL}", "severity": 90}
    listed["listing_id"] = "L-1"
    pl.DataFrame(listed).write_parquet(tmp_path / "list.parquet")
    job = JOB[: JOB.index("[policy]")] + JOB[JOB.index("[limits]") :].replace("new_suspend = 0", "new_suspend = 1")
    (tmp_path / "job.toml").write_text(job.replace(f"[{TOML}]", '["seg"]'), encoding="utf-8")
    tame(tmp_path, "run", "job.toml", "--as-of", "2026-11-20")
    tame(tmp_path, "runs", "export", "runs/latest", "--out", "sheets")
    days = ("--from", "2026-11-01", "--to", "2026-11-30")
    tame(tmp_path, "feedback", "job.toml", "--source", f"s{EVIL}", *days, "--out", "told.csv")
    files = [*tmp_path.rglob("*.csv"), *tmp_path.rglob("report.html")]
    assert {file.name for file in files} >= {"suspend.csv", "flagged.csv", "told.csv", "report.html"}
    for file in files:
        assert_tame(file.read_text(encoding="utf-8"))
    notice = pl.read_csv(next(tmp_path.rglob("notices/suspend.csv")), infer_schema=False)
    assert notice.select("account_id", "source", "seg").row(0) == ("=1+1", shown(f"s{EVIL}"), shown(EVIL))
    assert pl.read_csv(tmp_path / "sheets/flagged.csv")["account_id"].to_list() == ["'=1+1"]
