"""From a user's own files to a published night: three ugly extracts, by `init` and at most two edits each."""

from __future__ import annotations

import os
import random
import shlex
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from commands import Done, cardscreen
from partners import pan

from cardscreen.cli import console, starter
from cardscreen.cli.starter.columns import called, held_in
from cardscreen.cli.starter.looking import look
from cardscreen.runs.job import Job
from cardscreen.tables.opening import open_table

ROWS = 240
LISTED = (5, 17, 201)


def italian(folder: Path) -> tuple[Path, Path, set[str]]:
    """Semicolons and cp1252, days first, numbers in every style, a remark where there is none."""
    chance = random.Random(1)
    numbers = [f"3{chance.choice('2348')}{chance.randrange(10**8):08}" for _ in range(ROWS)]
    styles: list[Callable[[str], str]] = [
        str,
        lambda n: f"{n[:3]} {n[3:]}",
        "+39 {}".format,
        lambda n: f"{n[:3]}/{n[3:]}",
    ]
    lines = ["codice_cliente;nome;cellulare;data_attivazione;segmento;data_nascita"]
    for at, number in enumerate(numbers):
        cell = "n.d." if at % 60 == 59 else chance.choice(styles)(number)
        day = f"{chance.randrange(1, 29):02}/{chance.randrange(1, 13):02}/20{chance.randrange(18, 25)}"
        who, what = chance.choice(["Niccolò", "Perché", "Maria"]), chance.choice(["privato", "azienda", "ospedale"])
        lines.append(f"IT{at:06};{who};{cell};{day};{what};{day[:6]}1961")
    (folder / "clienti_2026-11-20.csv").write_text("\r\n".join(lines) + "\r\n", encoding="cp1252", newline="")
    listed = ["numero;data segnalazione;pratica;attività"]
    listed += [f"{numbers[at]};{13 + at % 9}/03/2026;P-{at};frode è" for at in LISTED]
    listed += [f"347{chance.randrange(10**7):07};{1 + at}/02/2026;P-9{at};frode à" for at in range(20)]
    (folder / "polizia.csv").write_text("\r\n".join(listed) + "\r\n", encoding="cp1252", newline="")
    return folder / "clienti_2026-11-20.csv", folder / "polizia.csv", {f"IT{at:06}" for at in LISTED}


def chinese(folder: Path) -> tuple[Path, Path, set[str]]:
    """GB18030, two rows of titles above the header."""
    chance = random.Random(2)
    numbers = [f"13{chance.choice('5678')}{chance.randrange(10**8):08}" for _ in range(ROWS)]
    styles: list[Callable[[str], str]] = [str, lambda n: f"{n[:3]} {n[3:7]} {n[7:]}", "86{}".format, "+86-{}".format]
    lines = ["某某公司用户清单", "导出时间：2026-11-26", "用户编号,姓名,手机号码,入网日期,类别"]
    for at, number in enumerate(numbers):
        day = f"20{chance.randrange(18, 25)}/{chance.randrange(1, 13)}/{chance.randrange(1, 29)}"
        who, what = chance.choice("张王李刘"), chance.choice(["普通", "政企"])
        lines.append(f"{60010000 + at},{who},{chance.choice(styles)(number)},{day},{what}")
    (folder / "用户.csv").write_text("\n".join(lines) + "\n", encoding="gb18030")
    listed = ["涉诈号码清单", "公安局", "号码,登记日期,案件编号,风险等级"]
    listed += [f"{numbers[at]},2026-01-{at % 27 + 1:02},京{at},90" for at in LISTED]
    listed += [f"139{chance.randrange(10**8):08},2026-02-{at + 1:02},京9{at},80" for at in range(20)]
    (folder / "涉诈号码.csv").write_text("\n".join(listed) + "\n", encoding="gb18030")
    return folder / "用户.csv", folder / "涉诈号码.csv", {str(60010000 + at) for at in LISTED}


def american(folder: Path) -> tuple[Path, Path, set[str]]:
    """A spreadsheet, two numbers in some cells; the list is plain lines without a header."""
    chance = random.Random(3)

    def number() -> str:
        exchange = f"{chance.choice('2345')}{chance.randrange(100):02}"
        return f"({chance.choice(['212', '415', '305', '617'])}) {exchange}-{chance.randrange(10**4):04}"

    numbers = [[number(), number()][: 2 if at % 9 == 8 or at in LISTED else 1] for at in range(ROWS)]
    book = xlsxwriter.Workbook(folder / "customers.xlsx")
    sheet = book.add_worksheet("Export")
    sheet.write_row(0, 0, ["Account #", "Customer", "Phones", "Opened", "State"])
    for at, cell in enumerate(numbers):
        day = f"{chance.randrange(1, 13)}/{chance.randrange(1, 29)}/20{chance.randrange(18, 25)}"
        sheet.write_row(at + 1, 0, [f"A-{at:05}", "Ann", " / ".join(cell), day, chance.choice(["NY", "CA"])])
    book.close()
    listed = [numbers[at][-1].replace("(", "").replace(") ", "-") for at in LISTED]
    listed += [number().replace("(", "").replace(") ", "-") for _ in range(20)]
    (folder / "complaints.txt").write_text("\n".join(listed) + "\n")
    return folder / "customers.xlsx", folder / "complaints.txt", {f"A-{at:05}" for at in LISTED}


@pytest.fixture(params=[italian, chinese, american])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path, set[str]]:
    made: tuple[Path, Path, set[str]] = request.param(tmp_path)
    return made


def init(folder: Path, accounts: Path, listed: Path, *more: str) -> Done:
    done = cardscreen("init", "night", "--accounts", accounts, "--list", listed, *more, cwd=folder)
    assert done.code == 0, done.err
    return done


def test_a_users_own_files_become_a_published_night_by_init_and_one_edit(
    files: tuple[Path, Path, set[str]], tmp_path: Path
) -> None:
    accounts, listed, expected = files
    made = init(tmp_path, accounts, listed)
    (feed,) = (tmp_path / "night/feeds").glob("*.toml")
    text = feed.read_text("utf-8").replace('legal_basis = "…"', 'legal_basis = "Law on fraud, article 31"')
    feed.write_text(text, encoding="utf-8")
    for step in made.out.splitlines()[1:]:
        done = cardscreen(*shlex.split(step)[1:], cwd=tmp_path / "night")
        assert done.code == 0, done.err
    flagged = pl.read_parquet(tmp_path / "night/runs/latest/flagged.parquet")
    assert set(flagged["account_id"]) == expected
    assert set(flagged["action"]) == {"verify"}  # nobody has said how far the source's word may lead
    again = cardscreen("audit", "runs/latest", "--replay", cwd=tmp_path / "night")
    assert again.code == 0, again.out


def test_nothing_is_imported_while_the_legal_basis_is_a_placeholder(
    files: tuple[Path, Path, set[str]], tmp_path: Path
) -> None:
    made = init(tmp_path, *files[:2])
    done = cardscreen(*shlex.split(made.out.splitlines()[1])[1:], cwd=tmp_path / "night")
    assert (done.code, "terms.legal_basis is still a placeholder" in done.err) == (2, True)
    assert ", line " in done.err
    assert not (tmp_path / "night/lists").exists()


def test_ten_lines_say_what_was_taken_from_where_and_what_is_left_to_say(tmp_path: Path) -> None:
    told = init(tmp_path, *italian(tmp_path)[:2]).err
    assert len([line for line in told.partition("accounts: ")[2].splitlines() if line.strip()]) <= 12
    for words in (
        "cp1252, delimiter ';', 240 rows",
        "id: codice_cliente",
        "% are valid phone numbers as IT; next best MX",
        "holder_since: data_attivazione, written %d/%m/%Y",
        "carry: segmento",
        "feeds/polizia.toml: legal_basis (no import without it), source, severity, cap",
    ):
        assert words in told
    job = tomllib.loads((tmp_path / "night/job.toml").read_text("utf-8"))
    assert job["accounts"]["path"].endswith("clienti_{as_of}.csv")
    assert job["identifiers"]["cellulare"] == {"kind": "phone", "region": "IT", "holder_since": "data_attivazione"}


@pytest.mark.parametrize(
    ("column", "what"),
    [("Rufnummer", "phone"), ("Numéro", "phone"), ("Az.", "reference"), ("Gesch.-Z. / GZ", "reference")],
)
def test_columns_are_known_by_what_offices_call_them(column: str, what: str) -> None:
    assert called(column, what)
    assert not called("Blazing", what)


def test_a_day_of_a_telephone_is_none_of_a_card_and_a_cause_is_a_reason(tmp_path: Path) -> None:
    chance = random.Random(5)
    held = [f"K{at},138{chance.randrange(10**8):08},{pan(at)},2021-03-{at % 28 + 1:02}" for at in range(60)]
    text = "\n".join(["客户编号,手机号码,银行卡号,入网日期", *held, ""])
    (tmp_path / "客户.csv").write_text(text, encoding="utf-8")
    listed = [f"139{chance.randrange(10**8):08},{chance.choice(['养号', '贩卡'])},京{at}" for at in range(30)]
    (tmp_path / "list.csv").write_text("\n".join(["号码,案由,案件编号", *listed]) + "\n", encoding="utf-8")
    init(tmp_path, tmp_path / "客户.csv", tmp_path / "list.csv")
    job = tomllib.loads((tmp_path / "night/job.toml").read_text("utf-8"))
    assert job["identifiers"]["手机号码"]["holder_since"] == "入网日期"
    assert job["identifiers"]["银行卡号"] == {"kind": "card"}
    feed = tomllib.loads((tmp_path / "night/feeds/list.toml").read_text("utf-8"))
    assert feed["columns"] == {"value": "号码", "reason": "案由", "reference": "案件编号"}


def test_a_dry_run_shows_the_files_and_writes_none(tmp_path: Path) -> None:
    done = init(tmp_path, *chinese(tmp_path)[:2], "--dry-run")
    assert "--- night/job.toml" in done.out
    assert 'region = "CN"' in done.out
    assert not (tmp_path / "night").exists()


def test_several_files_behind_one_option_are_told_by_a_pattern_or_refused(tmp_path: Path) -> None:
    accounts, listed, _ = american(tmp_path)
    folder = tmp_path / "parts"
    folder.mkdir()
    for name in ("east.xlsx", "west.xlsx"):
        (folder / name).write_bytes(accounts.read_bytes())
    options = ("--accounts", folder / "east.xlsx", folder / "west.xlsx", "--list", listed)
    assert cardscreen("init", "both", *options, cwd=tmp_path).code == 0
    job = tomllib.loads((tmp_path / "both/job.toml").read_text("utf-8"))
    assert job["accounts"]["path"] == f"{folder}/*.xlsx" or job["accounts"]["path"] == f"{folder}/*st.xlsx"
    (folder / "fast.xlsx").write_bytes(accounts.read_bytes())
    done = cardscreen("init", "two", *options, cwd=tmp_path)
    assert (done.code, "put them into a folder of their own" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("name", "text", "code", "words"),
    [
        pytest.param("a.csv", "", 3, "is empty", id="empty"),
        pytest.param("a.csv", "id,name\n1,Ann\n2,Bob\n", 3, "no column holds phone numbers", id="no-identifiers"),
        pytest.param("a.csv", "A1,+39 333 1234567\nA2,+39 333 7654321\n", 2, "no row that names", id="no-header"),
        pytest.param("a.doc", "x", 2, "can't be read: give", id="no-table"),
    ],
)
def test_files_of_which_no_project_can_be_made_are_told(
    tmp_path: Path, name: str, text: str, code: int, words: str
) -> None:
    (tmp_path / name).write_text(text)
    done = cardscreen("init", "night", "--accounts", name, cwd=tmp_path)
    assert (done.code, words in done.err) == (code, True), done.err
    assert not (tmp_path / "night").exists()


def test_a_list_alone_is_asked_for_its_accounts(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("number\n+393331234567\n")
    done = cardscreen("init", "night", "--list", "a.csv", cwd=tmp_path)
    assert (done.code, "say --accounts FILE, too" in done.err) == (2, True)


def test_without_a_list_the_steps_say_that_one_comes_first(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,phone\n" + "".join(f"A{at},+39333123{at:04}\n" for at in range(50)))
    done = cardscreen("init", "night", "--accounts", "a.csv", cwd=tmp_path)
    assert done.code == 0, done.err
    _, first, imported, run = done.out.splitlines()
    assert first.startswith("# first a list: ")
    assert imported == "cardscreen list import FILE --feed FEED.toml --store lists"
    assert run == "cardscreen run job.toml"
    assert "which lists: none was named, and there is no run without one" in done.err


# --- what columns hold ------------------------------------------------------------------------------


def columns(**cells: Sequence[str | None]) -> dict[str, tuple[str | None, str | None]]:
    return {each.name: (each.kind, each.region) for each in held_in(pl.DataFrame(cells))}


def test_ids_days_and_names_are_no_phone_numbers() -> None:
    held = columns(
        id=[str(20_000_000 + at) for at in range(100)],
        opened=["20240501", "20230401"] * 50,
        name=["Ann", "Bob"] * 50,
        msisdn=[f"+4479460{at:05}" for at in range(100)],
    )
    assert held == {"id": (None, None), "opened": (None, None), "name": (None, None), "msisdn": ("phone", None)}


def test_cards_and_wallets_are_known_by_their_check_digits() -> None:
    held = columns(pan=["4111 1111 1111 1111", "5500005555555559"], paid=["1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2"] * 2)
    assert held == {"pan": ("card", None), "paid": ("wallet", None)}


def test_a_column_of_regions_is_taken_where_it_reads_more_numbers() -> None:
    frame = pl.DataFrame(
        {
            "phone": ["030 123456", "01 42 68 53 00", "020 7946 0958", "06 6982 1234"] * 5,
            "country": ["DE", "FR", "GB", "IT"] * 5,
        }
    )
    phone = next(each for each in held_in(frame) if each.name == "phone")
    assert (phone.kind, phone.region_column, phone.region) == ("phone", "country", None)


def test_numbers_that_several_regions_could_have_are_left_to_a_person(tmp_path: Path) -> None:
    numbers = [f"{at * 7919 % 999_999 + 45_000_000}" for at in range(90)]
    phone = held_in(pl.DataFrame({"phone": numbers}))[0]
    assert (phone.kind, phone.region) == ("phone", None)
    assert len(phone.rivals) > 1
    (tmp_path / "a.csv").write_text("id,phone\n" + "".join(f"A{at},{each}\n" for at, each in enumerate(numbers)))
    done = cardscreen("init", "night", "--accounts", "a.csv", cwd=tmp_path)
    assert "job.toml: the region of phone" in done.err
    assert "region =" not in (tmp_path / "night/job.toml").read_text().partition("phone = ")[2].partition("#")[0]


def test_country_codes_without_a_plus_are_told_where_they_would_be_area_codes(tmp_path: Path) -> None:
    chance = random.Random(4)
    numbers = [f"{'49' if at % 3 else '0'}175{chance.randrange(10**8):08}" for at in range(300)]
    (tmp_path / "a.csv").write_text("id,mobile\n" + "".join(f"C{at},{each}\n" for at, each in enumerate(numbers)))
    assert cardscreen("init", "o", "--accounts", "a.csv", cwd=tmp_path).code == 0
    told = next(line for line in (tmp_path / "o/job.toml").read_text("utf-8").splitlines() if "mobile" in line)
    assert 'mobile = { kind = "phone" }' in told
    assert "begin with 49 and no +, and would be read as other numbers: write them with +" in told


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("contact", "phone"),
        ("cell", "phone"),
        ("telefono", "phone"),
        ("客户手机号码", "phone"),
        ("hotel_code", None),
        ("cancelled_ref", None),
        ("numero_cliente", None),
        ("acct_no", None),
        ("证件号码", None),
    ],
)
def test_a_columns_name_helps_only_where_it_is_its_own(column: str, kind: str | None) -> None:
    chance = random.Random(5)
    some = [
        f"+447911{at + 100000}" if column == "contact" else str(chance.randrange(10**9, 10**10)) for at in range(300)
    ]
    assert held_in(pl.DataFrame({column: some}))[0].kind == kind


def test_ranges_in_a_list_are_no_reason_to_take_cells_apart(tmp_path: Path) -> None:
    numbers = [f"+86138{row * 7919 % 10**8:08}" for row in range(40)]
    listed = [*numbers[:20], "+8613800138000-+8613800138009", "+8613800200000 - +8613800200999"]
    (tmp_path / "accounts.csv").write_text("id,phone\n" + "".join(f"{at},{each}\n" for at, each in enumerate(numbers)))
    (tmp_path / "list.csv").write_text("number\n" + "".join(f"{each}\n" for each in listed))
    done = cardscreen("init", "project", "--accounts", "accounts.csv", "--list", "list.csv", cwd=tmp_path)
    assert done.code == 0, done.err
    assert "many" not in (tmp_path / "project/feeds/list.toml").read_text(encoding="utf-8")


def test_a_region_is_told_where_every_cell_holds_several_national_numbers() -> None:
    chance = random.Random(6)
    cells = [" / ".join(f"138{chance.randrange(10**8):08}" for _ in range(2)) for _ in range(200)]
    held = held_in(pl.DataFrame({"mobile": cells}))[0]
    assert (held.kind, held.region, held.many) == ("phone", "CN", True)
    assert held.share > 0.95


def test_days_that_could_be_months_are_left_to_a_person(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "id,phone,sim_since\n"
        + "".join(f"A{at},+39333123{at:04},0{at % 9 + 1}/0{at % 7 + 1}/2024\n" for at in range(60))
    )
    done = cardscreen("init", "night", "--accounts", "a.csv", cwd=tmp_path)
    assert "job.toml: date_format, day or month first" in done.err


@pytest.mark.parametrize(("zone", "is_left"), [("Etc/UTC", True), ("Asia/Shanghai", False)])
def test_a_zone_that_servers_keep_wherever_they_stand_is_left_to_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, zone: str, is_left: bool
) -> None:
    monkeypatch.setenv("TZ", zone)
    (tmp_path / "a.csv").write_text("id,phone\n" + "".join(f"A{at},+39333123{at:04}\n" for at in range(60)))
    done = cardscreen("init", "night", "--accounts", "a.csv", cwd=tmp_path)
    assert ("job.toml: timezone" in done.err) is is_left
    assert f'timezone = "{zone}"' in (tmp_path / "night/job.toml").read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "delimiter", "header"),
    [
        pytest.param("a;b\n1,5;2\n2,5;3\n", ";", None, id="commas-in-cells"),
        pytest.param("title\n\na\tb\nx\ty\nz\tw\n", "\t", 3, id="title-and-tabs"),
        pytest.param('"a, b",c\n"x, y",z\n', None, None, id="quoted"),
        pytest.param("a|b|c\nx|y|z\nu|v|w\n", "|", None, id="bars"),
        pytest.param("id,phones\nC1,13800138000;139;137\nC2,13800138001;1;2\n", None, None, id="several-in-cells"),
    ],
)
def test_delimiter_and_header_are_told_by_the_first_lines(
    tmp_path: Path, text: str, delimiter: str | None, header: int | None
) -> None:
    (tmp_path / "a.csv").write_text(text)
    looked = look(str(tmp_path / "a.csv"))
    assert (looked.delimiter, looked.header_row) == (delimiter, header)


def test_on_a_terminal_a_person_is_asked_what_files_dont_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = [f"{at * 7919 % 999_999 + 45_000_000}" for at in range(60)]
    rows = [f"{at % 9},{number},0{at % 9 + 1}/0{at % 7 + 1}/2024\n" for at, number in enumerate(numbers)]
    (tmp_path / "a.csv").write_text("branch,phone,sim_since\n" + "".join(rows))
    (tmp_path / "list.csv").write_text("number\n" + "".join(f"{number}\n" for number in numbers[:30]))
    monkeypatch.setenv("TZ", "UTC")
    answers = iter(
        ["XX", "TN", "nothing", "branch", "month", "Tunis", "Africa/Tunis", "police", "Act 7", "120", "90", "suspend"]
    )
    asked = list[str]()

    def answer(question: str, default: str | None = None) -> str:
        asked.append(question)
        return next(answers)

    monkeypatch.setattr(console, "ask", answer)
    project = starter.of_files(tmp_path / "night", [str(tmp_path / "a.csv")], [str(tmp_path / "list.csv")], asks=True)
    assert next(answers, None) is None
    assert project.left == []
    job, feed = (tomllib.loads(project.files[name]) for name in ("job.toml", "feeds/police.toml"))
    assert (job["accounts"]["id"], job["accounts"]["date_format"]) == ("branch", "%m/%d/%Y")
    assert (job["timezone"], job["identifiers"]["phone"]["region"]) == ("Africa/Tunis", "TN")
    assert (feed["region"], feed["severity"], feed["terms"]) == (
        *("TN", 90),
        {"legal_basis": "Act 7", "cap": "suspend", "warn_after_days": 2, "error_after_days": 5},
    )
    assert "of which region are national numbers?" in asked[0]


def test_lists_of_cards_get_a_key_of_their_own_and_extracts_of_several_nights_are_no_parts(tmp_path: Path) -> None:
    cards = ["4111111111111111", "5500005555555559", "378282246310005", "6222021234567890128"]
    for day in ("2026-11-19", "2026-11-20"):
        rows = [f"C{at},{cards[at % 4] if at < 8 else '4242424242424242'}\n" for at in range(400)]
        (tmp_path / f"cards-{day}.csv").write_text("client,card_no\n" + "".join(rows))
    (tmp_path / "bank.csv").write_text("pan\n" + "".join(f"{card}\n" for card in cards[:2]))
    files = ("--accounts", "cards-2026-11-19.csv", "cards-2026-11-20.csv", "--list", "bank.csv")
    shown = cardscreen("init", "night", *files, "--dry-run", cwd=tmp_path)
    made = cardscreen("init", "night", *files, cwd=tmp_path)
    assert (shown.code, made.code) == (0, 0), made.err
    key = tmp_path / "night/token.key"
    assert (key.stat().st_mode & 0o777, len(key.read_text())) == (0o600, 64)
    assert key.read_text() not in made.out + made.err + shown.out
    feed = tmp_path / "night/feeds/bank.toml"
    feed.write_text(feed.read_text("utf-8").replace('"…"', '"Act 7"'), encoding="utf-8")
    for step in made.out.splitlines()[1:]:
        done = cardscreen(*shlex.split(step)[1:], cwd=tmp_path / "night")
        assert done.code == 0, done.err
        assert not any(card in done.out + done.err for card in cards)
    assert made.out.splitlines()[-1].endswith("--as-of 2026-11-20")
    flagged = pl.read_parquet(tmp_path / "night/runs/latest/flagged.parquet")
    assert set(flagged["account_id"]) == {"C0", "C1", "C4", "C5"}


def test_rows_of_digits_that_are_no_identifiers_are_not_taken_for_some() -> None:
    chance = random.Random(4)
    imei = ["490154203237518", "356938035643809", "353918058901234"]
    held = columns(
        telefono=[f"347 {chance.randrange(10**7):07}" for _ in range(90)],
        contract=[f"9{chance.randrange(10**9):09}" for _ in range(90)],  # mobiles of India, if one wants
        imei=imei * 30,
        balance=[f"{chance.randrange(10**6)}.{chance.randrange(100):02}" for _ in range(90)],
        iban=[f"IT60X05428111010000{chance.randrange(10**8):08}" for _ in range(90)],
    )
    assert held.pop("telefono") == ("phone", None)  # Brazil and Pakistan have such mobiles, too
    assert held.pop("imei") == ("imei", None)
    assert set(held.values()) == {(None, None)}
    assert columns(number=[f"347{chance.randrange(10**7):07}" for _ in range(90)])["number"][0] == "phone"


@pytest.mark.skipif("CARDSCREEN_REAL_DATA" not in os.environ, reason="needs the real cells")
@pytest.mark.parametrize("name", ["real_phones", "odd_phones"])
def test_no_region_of_real_cells_is_told_wrong(name: str) -> None:
    cells = pl.read_parquet(Path(os.environ["CARDSCREEN_REAL_DATA"]) / f"{name}.parquet")
    told = {}
    for (region,), some in cells.group_by("region"):
        if len(some) >= 60:
            column = some["raw"].sample(min(300, len(some)), seed=1).alias("phone")
            told[region] = held_in(column.to_frame())[0]
    assert {each.kind for each in told.values()} == {"phone"}
    assert [region for region, each in told.items() if each.region not in (None, region)] == []
    assert any(each.region for each in told.values())


UGLY = {
    "sep.csv": "sep=;\nid;telefono\n{rows}",
    "lines.csv": 'id;"numero di\ntelefono";"via\ne numero"\n{rows_and}',
    "title.txt": "Elenco clienti;;\n\nid;telefono;note\n{rows_and}",
}


@pytest.mark.parametrize("name", UGLY)
def test_files_as_offices_save_them_are_read_by_the_job_that_is_proposed(tmp_path: Path, name: str) -> None:
    chance = random.Random(7)
    numbers = [f"+39 347 {chance.randrange(10**7):07}" for _ in range(60)]
    rows = "".join(f"A{at};{number}\n" for at, number in enumerate(numbers))
    (tmp_path / name).write_text(UGLY[name].format(rows=rows, rows_and=rows.replace("\n", ";x\n")))
    assert cardscreen("init", "night", "--accounts", name, cwd=tmp_path).code == 0
    job = Job.read(tmp_path / "night/job.toml")
    (column,) = job.identifiers
    read = open_table(job.accounts, job.reading, marked=True).select(column).collect()
    assert read[column].to_list() == numbers


def test_a_header_that_the_tool_cant_read_is_told_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id;telefono;note;\nA1;+39 347 1234567;x;\nA2;+39 347 7654321;y;\n")
    done = cardscreen("init", "night", "--accounts", "a.csv", cwd=tmp_path)
    assert (done.code, "does each line end with a delimiter?" in done.err) == (3, True)


def test_a_pattern_stays_one_and_a_partitions_day_is_the_nights(tmp_path: Path) -> None:
    accounts = pl.DataFrame({"account_id": range(60), "msisdn": [f"+4479460{at:05}" for at in range(60)]})
    for part in ("a", "b"):
        accounts.write_parquet(tmp_path / f"dt=2026-11-20/{part}.parquet", mkdir=True)
    assert cardscreen("init", "all", "--accounts", "*/*.parquet", cwd=tmp_path).code == 0
    assert tomllib.loads((tmp_path / "all/job.toml").read_text())["accounts"]["path"] == f"{tmp_path}/*/*.parquet"
    assert cardscreen("init", "one", "--accounts", "dt=2026-11-20/a.parquet", cwd=tmp_path).code == 0
    path = tomllib.loads((tmp_path / "one/job.toml").read_text())["accounts"]["path"]
    assert path == f"{tmp_path}/dt={{as_of}}/a.parquet"


CARD, OTHER = "4111111111111111", "5500005555555559"


def accounts_of(numbers: Sequence[str], **columns: Sequence[str]) -> str:
    rows = zip(numbers, *columns.values(), strict=True)
    head = ",".join(["id", "phone", *columns])
    return f"{head}\n" + "".join(f"K{at},{','.join(row)}\n" for at, row in enumerate(rows))


ODD: dict[str, tuple[str, str, str, str]] = {
    "floats": ("86{}.0", "l.csv", "phone\n{}", "+86{}\n"),
    "comments-in-one-column": ("+86{}", "l.txt", "# of the police\n{}", "+86{}  # a case\n"),
    "comments-in-a-table": ("+86{}", "l.csv", "# of the police\nphone,case\n{}", "+86{},C-1\n"),
    "cards-beside-phones": ("+86{}", "l.csv", f"kind,value\ncard,{CARD}\n{{}}", "phone,+86{}\n"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_lists_and_accounts_find_whom_they_mean_and_nobody_else(tmp_path: Path, name: str) -> None:
    written, file, table, row = ODD[name]
    chance = random.Random(9)
    numbers = [f"13{chance.choice('5678')}{chance.randrange(10**8):08}" for _ in range(120)]
    cards = [CARD if at == 7 else OTHER for at in range(120)]
    (tmp_path / "a.csv").write_text(accounts_of([written.format(number) for number in numbers], card_no=cards))
    (tmp_path / file).write_text(table.format("".join(row.format(numbers[at]) for at in (5, 17))))
    made = init(tmp_path, tmp_path / "a.csv", tmp_path / file)
    (feed,) = (tmp_path / "night/feeds").glob("*.toml")
    feed.write_text(feed.read_text("utf-8").replace('"…"', '"Act 7"'), encoding="utf-8")
    for step in made.out.splitlines()[1:]:
        done = cardscreen(*shlex.split(step)[1:], cwd=tmp_path / "night")
        assert done.code == 0, done.err
        assert CARD not in done.out + done.err
    flagged = pl.read_parquet(tmp_path / "night/runs/latest/flagged.parquet")
    assert set(flagged["account_id"]) == {"K5", "K17", *(["K7"] if "cards" in name else [])}


def test_no_region_is_told_of_cells_that_the_tool_itself_cant_read(tmp_path: Path) -> None:
    chance = random.Random(9)
    (phone,) = held_in(pl.DataFrame({"phone": [f"1.38{chance.randrange(10)}E+10" for _ in range(60)]}))
    assert (phone.kind, phone.region) in (("phone", None), (None, None))


def test_accounts_with_comments_and_allowed_numbers_without_a_reason_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("# of the night\n" + accounts_of(["+393471234567"]))
    done = cardscreen("init", "night", "--accounts", "a.csv", cwd=tmp_path)
    assert (done.code, "has lines of comments" in done.err) == (2, True)
    (tmp_path / "b.csv").write_text(accounts_of(["+393471234567"]))
    (tmp_path / "l.csv").write_text("phone,list\n+393471234567,block\n+393471234568,allow\n")
    assert "reason, without which nothing is allowed" in init(tmp_path, tmp_path / "b.csv", tmp_path / "l.csv").err
