"""The page that people look at: what is in it, in which words, and that others can't put anything into it."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from commands import cardscreen
from nights import JOB, Night, Operator, account, frame_of, listing, phone
from shown import CARD, IMAGE, SCRIPT, TURNED, accounts, listings, nights

import cardscreen as cs
from cardscreen.foundation.errors import ConfigError, InputError
from cardscreen.reporting import drawing
from cardscreen.reporting.material import Chart
from cardscreen.review.decisions import held
from cardscreen.runs.record import Finished

SECTIONS = [
    "tonight",
    "actions",
    "flags",
    "sources",
    "trend",
    "holders",
    "quality",
    "limits",
    "leads",
    "accounts",
    "provenance",
]


class _Reader(HTMLParser):
    """What a page consists of, as a browser would take it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._inside.append(f"{tag}:{dict(attrs).get('id', '')}")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        name = self._inside[-1] if self._inside else "body"
        self.text[name] = self.text.get(name, "") + data


def read(page: Path) -> _Reader:
    reader = _Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


@pytest.fixture(scope="module")
def operator(pictures: None, tmp_path_factory: pytest.TempPathFactory) -> tuple[Operator, list[Night]]:
    return nights(tmp_path_factory.mktemp("operator"))


@pytest.fixture(scope="module")
def pages(operator: tuple[Operator, list[Night]]) -> list[_Reader]:
    return [read(night.folder / "report.html") for night in operator[1]]


def test_every_run_has_a_page_with_all_sections_and_a_held_one_too(pages: list[_Reader]) -> None:
    for page in pages:
        assert [tag[1]["id"] for tag in page.tags if tag[0] == "section"] == SECTIONS
        assert sum(tag[0] == "svg" for tag in page.tags) >= 4


def test_every_picture_stands_beside_a_sentence_and_a_table(pages: list[_Reader]) -> None:
    for page in pages:
        names = [tag[0] for tag in page.tags]
        for at, name in enumerate(names):
            if name == "figure":
                after = names[at + 1 :]
                within = after[: after.index("figure")] if "figure" in after else after
                assert within[0] == "figcaption"
                assert "table" in within


def test_the_first_screen_says_what_is_to_be_done(pages: list[_Reader], operator: Any) -> None:
    texts = [re.sub(r"\s+", " ", page.text["body"]) for page in pages]
    assert "Is tonight normal? It is the first night: there is none to compare it with." in texts[0]
    assert "Load these files, in this order: notices/notify.csv: 1 row" in texts[0]
    assert "2 accounts are told anew. suspend: 2 accounts" in texts[1]
    assert "Compared with the night of 2026-11-02." in texts[1]
    assert "Held Nothing was published and nobody was told anything. A person must decide." in texts[2]
    assert f"cardscreen runs approve {operator[1][2].folder} --by NAME" in texts[2]
    assert "new_suspend: 16.39 % of the rows would newly be told 'suspend' (limit 0.10 %)" in texts[2]
    assert "1 times AAA AAA AAAA (not_a_number): they hold no number: is it the right column?" in texts[2]
    assert "Load these files" not in texts[2]


def test_a_first_night_is_no_ordinary_one(tmp_path: Path) -> None:
    held = [account(f"a{at}", phone(at), segment="hospital") for at in range(30)]
    listed = [listing(phone(3)), listing(phone(40), source="pilot"), listing("4111111111111111")]
    night = Operator(tmp_path).night(1, held, listed)
    text = re.sub(r"\s+", " ", read(night.folder / "report.html").text["body"])
    assert "The first night Published, with no night before to compare it with: look at some" in text
    assert "Is tonight normal? It is the first night: there is none to compare it with." in text


def test_figures_of_a_page_are_those_of_the_run(pages: list[_Reader]) -> None:
    text = re.sub(r"\s+", " ", pages[1].text["body"])
    assert "rows read61±0" in text
    assert "13 of 61 accounts are flagged, 8 of them critical; 0 of them are exempt." in text
    assert "police finds the most accounts that no other source finds: 6." in text
    assert "Newly flagged or flagged for more: 2. Released or flagged for less: 0." in text
    assert "Filled cells that can't be read: 1. Accounts with nothing to look up: 1." in text


def test_flagged_is_one_number_on_the_page_in_the_status_and_where_a_run_is_told(
    pages: list[_Reader], operator: tuple[Operator, list[Night]]
) -> None:
    published, held = (night.run.result.summary for night in operator[1][1:])
    rows, flagged = held["rows"], held["flagged"]["accounts"]
    assert (flagged, rows["exempt"]) == (rows["hit"] + rows["exempt"], 1)
    text = re.sub(r"\s+", " ", pages[2].text["body"])
    assert f"flagged{flagged}+" in text
    assert f"{flagged} of 61 accounts are flagged, " in text
    assert "; 1 of them are exempt." in text
    assert f"flagged and not exempt{flagged - 1} exempt1 clear" in text
    folder = operator[0].folder
    told = cardscreen("run", "job.toml", "--as-of", held["as_of"], "--allow-future", "--dry-run", cwd=folder)
    assert f"61 rows read: {flagged} on a list, 1 of them exempt, " in told.out
    (latest,) = (line for line in cardscreen("status", "job.toml", cwd=folder).out.splitlines() if "last night" in line)
    assert f"{published['flagged']['accounts']} flagged" in latest


def test_the_accounts_are_masked_and_those_that_matter_most_come_first(pages: list[_Reader]) -> None:
    listed = json.loads(pages[1].text["script:data"])
    columns = {
        name: [column["texts"][code] for code in column["codes"]]
        for name, column in zip(listed["header"], listed["columns"], strict=True)
    }
    assert columns["change"][:2] == ["newly flagged", "newly flagged"]
    assert columns["number"][0] == "+86138****8000"
    assert set(columns["action"][:8]) == {"suspend"}
    assert "453957******1486" in columns["number"]


def test_neither_a_whole_number_nor_a_card_stands_in_any_page(operator: Any) -> None:
    for night in operator[1]:
        text = (night.folder / "report.html").read_text(encoding="utf-8")
        assert CARD not in text
        assert not re.search(r"\+8613800138\d{3}\b", text)


def test_what_others_write_is_text_and_nothing_else(pages: list[_Reader]) -> None:
    for page in pages:
        scripts = [tag[1] for tag in page.tags if tag[0] == "script"]
        assert scripts == [{"type": "application/json", "id": "data"}, {}]
        assert not [tag for tag in page.tags if tag[0] in ("img", "link", "iframe", "object", "base", "form")]
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    whole = pages[1].text["body"] + pages[1].text["script:data"]
    assert SCRIPT in json.loads(pages[1].text["script:data"])["columns"][0]["texts"]
    assert IMAGE in whole
    assert TURNED not in whole
    assert r"a\u202e31" in pages[1].text["body"]


def test_a_page_asks_nothing_of_the_network_and_only_its_own_script_may_run(operator: Any) -> None:
    page = (operator[1][1].folder / "report.html").read_text(encoding="utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'; style-src 'sha256-")
    reader = read(operator[1][1].folder / "report.html")
    for name, directive in (("style:", "style-src"), ("script:", "script-src")):
        digest = hashlib.sha256(reader.text[name].encode()).digest()
        import base64

        assert f"{directive} 'sha256-{base64.b64encode(digest).decode()}'" in policy[1].replace("&#39;", "'")
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert not re.search(r"url\((?!#)|@import", page)


def test_the_page_is_among_the_runs_files_and_the_audit_knows_it(operator: Any) -> None:
    folder = operator[1][1].folder
    assert "report.html" in operator[1][1].manifest["outputs"]
    assert cardscreen("audit", folder, cwd=operator[0].folder).code == 0


def test_a_job_may_do_without_pages(tmp_path: Path) -> None:
    operator = Operator(tmp_path, JOB + "[output]\nreport = false\n")
    assert not (operator.night(1, accounts(), listings()).folder / "report.html").exists()


def test_where_nothing_draws_the_tables_say_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_started", lambda: None)
    page = read(Operator(tmp_path).night(1, accounts(), listings()).folder / "report.html")
    assert not [tag for tag in page.tags if tag[0] == "svg"]
    assert "The pictures could not be drawn here" in page.text["body"]
    assert " of 61 accounts are flagged" in page.text["body"]


@pytest.mark.parametrize("code", ["import sys; sys.exit(3)", "print('no')", "import os; os.kill(os.getpid(), 6)"])
def test_what_ends_the_drawing_costs_the_pictures_and_not_the_night(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess
    import sys

    def broken() -> subprocess.Popen[bytes]:
        pipe = subprocess.PIPE
        return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)

    monkeypatch.setattr(drawing, "_started", broken)
    night = Operator(tmp_path).night(1, accounts(), listings())
    assert "could not be drawn" in (night.folder / "report.html").read_text(encoding="utf-8")


def test_chinese_names_have_room_where_no_font_measures_them_and_legends_a_line_for_each(pictures: None) -> None:
    names = ("超过客户可持有的数量", "电信诈骗")
    marks = [{"of": name, "part": part, "count": 1} for name in names for part in ("仅此来源", "其他来源")]
    chart = Chart("bars", marks, names, {"仅此来源": "calm", "其他来源": "ink"}, "账户数")
    with drawing.Drawing() as draws:
        svg = draws.drawn({"a": chart})["a"]
    room = re.search(r'<g fill="none"[^>]*translate\(([0-9]+),', svg)
    assert room is not None
    assert int(room[1]) >= 12 * len(names[0])
    beside = svg[svg.index("role-legend-entry") :].split("其他来源")[0]
    assert re.findall(r"translate\(([0-9]+),([0-9]+)\)", beside)[-3][0] == "0"  # the second entry, below the first


def test_a_program_that_has_drawn_well_draws_for_the_next_night_too(pictures: None) -> None:
    charts = {"a": Chart("bars", [{"of": "b", "part": "b", "count": 1}], ("b",), {"b": "ink"}, "rows")}
    with drawing.kept():
        processes = []
        for _ in range(2):
            with drawing.Drawing() as draws:
                assert "<svg" in draws.drawn(charts)["a"]
                processes.append(draws._process)
        assert processes[0] is processes[1]
        assert processes[0] is not None
        processes[0].kill()
        processes[0].wait()
        with drawing.Drawing() as draws:
            assert draws._process is not processes[0]
            assert "<svg" in draws.drawn(charts)["a"]
            last = draws._process
    assert last is not None
    assert last.poll() is not None


def test_a_fault_in_making_the_page_is_warned_of_and_the_night_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("cardscreen.runs.messages.showing.page", fails)
    with pytest.warns(UserWarning, match=r"the report could not be made \(ZeroDivisionError\)"):
        night = Operator(tmp_path).night(1, accounts(), listings())
    assert (night.folder / "manifest.json").exists()
    assert not (night.folder / "report.html").exists()


def test_an_approved_run_has_a_page_that_says_so(tmp_path: Path) -> None:
    _, done = nights(tmp_path)
    run = held.approve(Finished.read(done[2].folder), "A. Li", "the list was expected", late=True)
    text = read(run.folder / "report.html").text["body"]
    assert "approved by A. Li: the list was expected" in text
    assert "A person must decide" not in text
    assert cardscreen("audit", run.folder, cwd=tmp_path).code == 0


def test_a_fault_in_making_the_page_anew_stops_no_approval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    _, done = nights(tmp_path)
    monkeypatch.setattr("cardscreen.runs.messages.showing.page", fails)
    with pytest.warns(UserWarning, match=r"the report could not be made \(ZeroDivisionError\)"):
        run = held.approve(Finished.read(done[2].folder), "A. Li", "the list was expected", late=True)
    assert (run.state, (run.folder / "report.html").exists()) == ("published", False)
    assert cardscreen("audit", run.folder, cwd=tmp_path).code == 0


def test_a_discarded_run_keeps_no_page(tmp_path: Path) -> None:
    operator, done = nights(tmp_path)
    run = held.discard(Finished.read(done[2].folder), "A. Li", "wrong list")
    assert not (run.folder / "report.html").exists()
    failed = cardscreen("report", run.folder, cwd=operator.folder)
    assert failed.code == 3
    assert "it was discarded" in failed.err
    operator.say(JOB)
    again = operator.night(3, accounts(), listings()[:-2])
    assert "Runs that were held: 1." in re.sub(r"\s+", " ", read(again.folder / "report.html").text["body"])


# --- asked for later ------------------------------------------------------------------------------------


def test_a_report_of_a_run_says_the_same_as_its_own_page(operator: Any, tmp_path: Path) -> None:
    for night in operator[1]:
        again = read(cs.report(night.folder, tmp_path / f"{night.folder.name}.html"))
        own = read(night.folder / "report.html")
        assert again.text["script:data"] == own.text["script:data"]
        assert re.sub(r"\s+", " ", again.text["body"]) == re.sub(r"\s+", " ", own.text["body"])


def test_a_job_means_its_newest_published_run(operator: Any, tmp_path: Path) -> None:
    folder = operator[0].folder
    done = cardscreen("report", "job.toml", "--out", tmp_path / "it.html", cwd=folder)
    assert (done.code, done.err.splitlines()[-1]) == (0, f"written: {tmp_path / 'it.html'}")
    assert operator[1][1].folder.name in (tmp_path / "it.html").read_text(encoding="utf-8")


def test_a_report_is_named_after_its_run_and_nothing_is_written_over(operator: Any) -> None:
    folder, name = operator[0].folder, f"report-{operator[1][1].folder.name}.html"
    assert cardscreen("report", "job.toml", cwd=folder).code == 0
    assert (folder / name).stat().st_mode & 0o007 == 0
    again = cardscreen("report", "job.toml", cwd=folder)
    assert (again.code, "--force" in again.err) == (2, True)
    assert cardscreen("report", "job.toml", "--force", cwd=folder).code == 0


@pytest.mark.parametrize(("status", "is_told"), [(0, False), (1, True)])
def test_a_page_that_no_browser_opens_is_told(
    operator: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, is_told: bool
) -> None:
    monkeypatch.setattr("typer.launch", lambda url: status)
    done = cardscreen("report", "job.toml", "--open", "--out", tmp_path / "it.html", cwd=operator[0].folder)
    assert (done.code, "no browser opens it here" in done.err) == (0, is_told)


def test_two_runs_are_compared_whichever_they_are(operator: Any, tmp_path: Path) -> None:
    first, last = operator[1][0].folder, operator[1][2].folder
    page = read(cs.report(last, tmp_path / "it.html", against=first))
    text = re.sub(r"\s+", " ", page.text["body"])
    assert "Compared with the night of 2026-11-02." in text
    assert "The difference between the two runs." in text
    assert "newly flaggednothingsuspend" in text


def test_a_screening_by_itself_has_a_page_too(tmp_path: Path) -> None:
    frame = pl.DataFrame({"account_id": [1, 2], "mobile": [phone(1), "?"]})
    listed = cs.Blocklist.from_frame(pl.DataFrame([listing(phone(1))]))
    result = cs.screen(frame, listed, {"mobile": cs.Phone("CN")})
    page = read(cs.report(result, tmp_path / "it.html", lang="zh"))
    assert [tag[1]["id"] for tag in page.tags if tag[0] == "section"] == SECTIONS
    assert "单独的一次比对" in page.text["body"]
    assert json.loads(page.text["script:data"])["columns"][0]["texts"] == ["1"]


def test_a_screening_that_finds_nothing_has_a_page_that_says_so(tmp_path: Path) -> None:
    frame = pl.DataFrame({"account_id": ["a"], "mobile": [phone(2)]})
    listed = cs.Blocklist.from_frame(pl.DataFrame([listing(phone(1))]))
    page = read(cs.report(cs.screen(frame, listed, {"mobile": cs.Phone("CN")}), tmp_path / "it.html"))
    assert "No account is flagged." in page.text["body"]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        pytest.param({"out": "it.pdf"}, ConfigError, "name a file ending in .html", id="no-page"),
        pytest.param({"lang": "fr"}, ConfigError, "there is no language 'fr': there are en, zh", id="language"),
        pytest.param({"out": "none/it.html"}, InputError, "none", id="no-folder"),
    ],
)
def test_what_can_not_be_written_is_told(
    options: dict[str, Any], error: type[Exception], says: str, operator: Any, tmp_path: Path
) -> None:
    out = tmp_path / options.pop("out", "it.html")
    with pytest.raises(error, match=re.escape(says)):
        cs.report(operator[1][1].folder, out, **options)
    assert not out.exists()


def test_a_result_shows_itself_in_a_notebook() -> None:
    frame = pl.DataFrame({"account_id": [1], "mobile": [phone(1)]})
    listed = cs.Blocklist.from_frame(pl.DataFrame([listing(phone(1))]))
    shown = cs.screen(frame, listed, {"mobile": cs.Phone("CN")})._repr_html_()
    assert '<tr><th scope="row">recommended: suspend</th><td>1</td></tr>' in shown
    assert not re.search(r"<script|style=|\son\w+=", shown)


def test_of_many_accounts_as_many_are_shown_as_fit(tmp_path: Path) -> None:
    count = 30_000
    names = [
        f"an-account-with-quite-a-long-name-of-its-own-{number:06}-{hash(number) % 997:04}" for number in range(count)
    ]
    numbers = [f"+86139{number:08}" for number in range(count)]
    frame = pl.DataFrame({"account_id": names, "mobile": numbers})
    listed = cs.Blocklist.from_frame(
        pl.DataFrame({"kind": "phone", "value": numbers, "source": "s", "severity": 95, "listing_id": numbers})
    )
    page = cs.report(cs.screen(frame, listed, {"mobile": cs.Phone("CN")}), tmp_path / "it.html")
    assert 1_000_000 < page.stat().st_size <= 3_000_000
    reader = read(page)
    rows = json.loads(reader.text["script:data"])["rows"]
    assert 10_000 < rows <= 20_000
    assert f"Here are the {rows:,} that matter most of 30,000" in reader.text["body"]


def test_a_night_on_which_nobody_is_listed_has_pictures_too(pictures: None, tmp_path: Path) -> None:
    night = Operator(tmp_path).night(1, [account("a", phone(1))], [listing(phone(2))])
    page = read(night.folder / "report.html")
    assert sum(tag[0] == "svg" for tag in page.tags) >= 4
    assert "No account is flagged." in page.text["body"]
    assert "Nobody is on a list: there is nothing to do." in page.text["body"]


def test_a_page_finds_the_evidence_of_who_is_released_in_the_night_before(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    operator.night(1, [account("a", phone(1))], [listing(phone(1))])
    night = operator.night(2, [account("a", phone(1))], [listing(phone(2))])
    listed = json.loads(read(night.folder / "report.html").text["script:data"])
    row = [column["texts"][column["codes"][0]] for column in listed["columns"]]
    assert [row[0], row[1], *row[4:9]] == ["a", "released", 95, "telecom fraud", "police", "mobile", "+86138****8001"]


def test_ids_that_were_numbers_the_night_before_stop_no_page(tmp_path: Path) -> None:
    operator = Operator(
        tmp_path, JOB.replace("accounts.csv", "accounts.parquet").replace(', holder_since = "since"', "")
    )
    for night, ids in enumerate(([1, 2], ["1", "x"]), 1):
        rows = {"account_id": ids, "mobile": [phone(1), phone(2)], "card_no": ["", ""], "segment": ["x", "x"]}
        pl.DataFrame(rows).write_parquet(tmp_path / "accounts.parquet")
        frame_of([listing(phone(1)), listing(phone(2))]).write_parquet(tmp_path / "lists.parquet")
        done = operator.run(night, allow_changed_identifiers=True)
        assert done.page is not None
        assert json.loads(read(done.page).text["script:data"])["rows"] >= 2


_CAPPED = """
[accounts]
path = "accounts.csv"
id = "id"
[identifiers]
mobile = { kind = "phone" }
[blocklist]
paths = ["list.csv"]
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
exempted_share = 1
[policy.levels]
low = 5
[[policy.rules]]
when = { source = "pilot" }
cap = "none"
[output]
directory = "runs"
"""


@pytest.mark.parametrize(("lang", "words"), [("en", ("none", "exempt")), ("zh", ("无", "豁免"))])
def test_who_is_told_nothing_is_told_apart_from_who_is_exempt(
    tmp_path: Path, lang: str, words: tuple[str, str]
) -> None:
    (tmp_path / "job.toml").write_text(f'timezone = "UTC"\nlang = "{lang}"\n{_CAPPED}', encoding="utf-8")
    numbers = [f"+861380013800{at}" for at in range(4)]
    (tmp_path / "accounts.csv").write_text("\n".join(["id,mobile", *(f"a{n[-1]},{n}" for n in numbers)]) + "\n")
    block = [f"phone,{number},block,pilot,{severity}" for number, severity in zip(numbers, (90, 1, 90), strict=False)]
    rows = ["kind,value,list,source,severity", *block, f"phone,{numbers[2]},allow,bank,1"]
    (tmp_path / "list.csv").write_text("\n".join(rows) + "\n")
    done = cardscreen("run", "job.toml", cwd=tmp_path)
    assert done.code == 0, done.err
    told = re.findall(r"^ +(none.*?)  +([0-9]+)", done.out, re.MULTILINE)
    assert told == [("none", "2"), ("none (exempt)", "1")]
    (page,) = (tmp_path / "runs/latest").glob("report.html")
    text = re.sub(r"\s+", " ", read(page).text["body"])
    assert f" {words[0]}1 {words[1]}1 " in text
