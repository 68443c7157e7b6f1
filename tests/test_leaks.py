"""No full card number and no secret leaves where it was not asked for: planted ones are looked for everywhere.

Numbers are made up. Looked for are the digits in any writing, unkeyed digests of them, and the token key.
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import traceback
import unicodedata
import warnings
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from polars import selectors
from stdnum import luhn

import cardscreen as cs
from cardscreen.cli.app import main
from cardscreen.cli.commands.normalize import describe, normalize_file
from cardscreen.foundation.errors import without_cards, without_numbers
from cardscreen.foundation.secrets.secret import Secret
from cardscreen.kinds.card.issuers import Issuers
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.rows import read_feed
from cardscreen.screening.hits.evidence import near_in
from cardscreen.screening.targets import Targets

DAY = date(2026, 11, 23)
SECRET = "kept-in-a-vault-and-nowhere-else-0123456789"
KEY = cs.TokenKey(SECRET)


def sound(body: str) -> str:
    return body + luhn.calc_check_digit(body)


VISA, SHORT, AMEX = sound("453957876362148"), sound("426684095731"), sound("37189532476081")
DEBIT, LONG, LOST = "6222029876354190"[:15] + "7", sound("621700384756192837"), "6222029463857010"
PLANTED = [VISA, SHORT, AMEX, DEBIT, LONG, LOST]
#: The same numbers as people write them.
CELLS = [
    VISA,
    SHORT,
    AMEX,
    DEBIT,
    LONG,
    LOST,
    f"{VISA[:4]} {VISA[4:8]} {VISA[8:12]} {VISA[12:]}",
    f"{DEBIT[:4]}-{DEBIT[4:8]}-{DEBIT[8:12]}-{DEBIT[12:]}",
    "".join(chr(0xFEE0 + ord(digit)) for digit in LONG),
    f"'{AMEX}",
    f"card {VISA} (old)",
    f"{SHORT}.0",
    f"{VISA};{DEBIT}",
]
ACCOUNTS = pl.DataFrame({"account_id": [f"a{row}" for row in range(len(CELLS))], "card": CELLS})
LISTED = pl.DataFrame(
    {
        "kind": ["card"] * 6,
        "value": [VISA, SHORT, AMEX, f"{DEBIT[:6]}******{DEBIT[-4:]}", f"{LONG[:8]}*", DEBIT],
        "source": ["police", "bank-a", "police", "bank-a", "bank-a", "police"],
        "severity": [95] * 6,
        "listed_on": [date(2026, 1, 1)] * 6,
        "reference": ["A-1", None, "A-2", None, None, "A-3"],
    }
)

DIGESTS = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "blake2b", "sha3_256")
_GAPS = re.compile(r"[\s\-_./,;:'\"]+")


def digests(text: str) -> Iterator[str]:
    """Unkeyed digests of a text as they are written: hexadecimal, base64 and base64url, beginnings of each."""
    for name in DIGESTS:
        digest = hashlib.new(name, text.encode()).digest()
        yield digest.hex()[:16]
        yield base64.b64encode(digest).decode()[:16]
        yield base64.urlsafe_b64encode(digest).decode()[:16]


UNKEYED = {written: pan for pan in PLANTED for form in (pan, f"card:{pan}") for written in digests(form)}


def leaks(text: str, shown: int = 6) -> list[str]:
    """What of the planted numbers and of the key a text gives away.

    Args:
        text: Whatever was printed or written.
        shown: More consecutive digits of a number than these are a leak.
    """
    plain = _digits(text)
    windows = {pan[at : at + shown + 1] for pan in PLANTED for at in range(len(pan) - shown)}
    found = [f"digits {window}" for window in windows if window in plain]
    lowered = text.lower()
    found += [f"digest of {pan}" for written, pan in UNKEYED.items() if written in text or written in lowered]
    return found + [f"the key: {part}" for part in (SECRET, SECRET[:16], SECRET[-16:]) if part in text]


def _digits(text: str) -> str:
    """All runs of digits that could hold a part of a number, whatever stands between them: little of a long text."""
    return "\n".join(set(re.findall(r"[0-9]{7,}", _GAPS.sub("", unicodedata.normalize("NFKC", text)))))


def said_by(error: BaseException) -> str:
    """All that a log or a person gets of an error."""
    return "\n".join([str(error), repr(error), *map(str, error.args), *traceback.format_exception(error)])


def in_files(folder: Path) -> str:
    """Names and bytes of all files, tables column by column too."""
    parts = []
    for file in sorted(each for each in folder.rglob("*") if each.is_file()):
        parts += [str(file.relative_to(folder)), file.read_bytes().decode("latin-1"), _utf8(file)]
        if file.suffix == ".parquet":
            parts += [in_frame(pl.read_parquet(file)), str(pl.read_parquet_metadata(file))]
    return "\n".join(parts)


def _utf8(file: Path) -> str:
    return file.read_bytes().decode("utf-8", errors="ignore")


def in_frame(frame: pl.DataFrame) -> str:
    """All that a frame holds: its values, and what its own forms of storage keep of their surroundings."""
    stored = io.BytesIO()
    frame.write_ipc(stored)
    kept = (stored.getvalue() + pickle.dumps(frame)).decode("latin-1")
    return frame.write_json() + kept + repr(frame) + str(frame.to_dicts())


def assert_clean(text: str, shown: int = 6) -> None:
    assert leaks(text, shown) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(VISA, id="plain"),
        pytest.param(f"x {VISA[:4]} {VISA[4:8]}-{VISA[8:]}", id="grouped"),
        pytest.param("".join(chr(0xFEE0 + ord(digit)) for digit in LONG), id="full-width"),
        pytest.param(VISA[3:10], id="seven-digits-from-the-middle"),
        pytest.param(hashlib.sha256(AMEX.encode()).hexdigest(), id="sha256"),
        pytest.param(hashlib.md5(AMEX.encode(), usedforsecurity=False).hexdigest().upper(), id="md5-in-capitals"),
        pytest.param(
            base64.b64encode(hashlib.sha1(DEBIT.encode(), usedforsecurity=False).digest()).decode(), id="sha1"
        ),
        pytest.param(f"key={SECRET}", id="key"),
    ],
)
def test_what_leaks_is_found(text: str) -> None:
    assert leaks(text)


def test_a_mask_is_no_leak() -> None:
    assert leaks(f"{VISA[:6]}******{VISA[-4:]}") == []


# --- public functions -------------------------------------------------------------------------------


def blocklist(*, tokens: bool = False) -> cs.Blocklist:
    if not tokens:
        return cs.Blocklist.from_frame(LISTED)
    exact = LISTED.filter(pl.col("value").str.contains("^[0-9]+$"))
    return cs.Blocklist.from_frame(exact.with_columns(cs.token("value", "card", KEY)))


def screened(out: Path | None = None, *, tokens: bool = False, **options: Any) -> cs.Result:
    return cs.screen(
        ACCOUNTS,
        blocklist(tokens=tokens),
        {"card": cs.Card()},
        as_of=DAY,
        tokens=KEY if tokens else None,
        out=out,
        **options,
    )


def test_fields_of_a_card_never_hold_its_number() -> None:
    fields = ACCOUNTS.select(cs.card("card").struct.unnest())
    assert_clean(in_frame(fields), shown=8)  # the IIN has eight digits
    assert_clean(in_frame(ACCOUNTS.select(cs.Card().fields(pl.col("card")).struct.unnest())))
    for cell in CELLS:
        assert_clean(str(describe("card", cell)))


@pytest.mark.parametrize("tokens", [False, True], ids=["plain-list", "token-list"])
def test_results_of_a_screening_hold_no_number(tokens: bool, tmp_path: Path) -> None:
    for result in (screened(tokens=tokens), screened(tmp_path, tokens=tokens)):
        frames = [frame.collect() for frame in (result.flagged, result.hits, result.rejects)]
        assert min(map(len, frames)) > 0
        for frame in frames:
            assert_clean(in_frame(frame))
        assert_clean(json.dumps(result.summary) + repr(result) + str(result.hits.explain()))
    assert_clean(in_files(tmp_path))


def test_a_row_of_too_many_fields_is_a_reject_that_shows_none_of_them(tmp_path: Path) -> None:
    file = _written(tmp_path, "a.csv", f"account_id,card\na,{VISA},{DEBIT},{LONG}\nb,{DEBIT}\n")
    result = screen_with(file, out=tmp_path / "out")
    assert result.summary["ragged"] == 1
    assert_clean(in_files(tmp_path / "out"))


def test_what_a_feed_could_not_read_is_told_without_its_numbers(tmp_path: Path) -> None:
    broken = [f"card {pan} lost" for pan in PLANTED] + [LOST, f"{VISA},{DEBIT}"]
    pl.DataFrame({"card": [*broken, DEBIT], "since": [VISA] * 8 + ["2026-01-01"]}).write_csv(tmp_path / "f.csv")
    read = read_feed(
        tmp_path / "f.csv", Feed.model_validate({"source": "bank-a", "kind": "card", "columns": {"value": "card"}})
    )
    assert (len(read.rejects), read.rows["value"].to_list()) == (len(broken), [DEBIT])
    assert_clean(in_frame(read.rejects))


def test_why_a_screening_is_held_is_told_without_numbers() -> None:
    with pytest.raises(cs.HeldForApproval) as held:
        cs.check(screened(), cs.Limits(flagged_share=0.0, source_share=0.0, rejected_share=0.0))
    assert len(held.value.reasons) > 2
    assert_clean(said_by(held.value))


def test_no_file_holds_a_mask_and_a_token_of_one_number(tmp_path: Path) -> None:
    screened(tmp_path, tokens=True)
    tokens = pl.DataFrame({"pan": PLANTED}).select(cs.token("pan", "card", KEY)).to_series().to_list()
    hits = in_files(tmp_path)
    assert f"{VISA[:6]}******{VISA[-4:]}" in hits
    assert [token for token in tokens if token[9:25] in hits] == []


def test_what_an_object_shows_of_itself_holds_no_number(tmp_path: Path) -> None:
    listed, result = blocklist(), screened()
    objects: list[object] = [
        *(KEY, Secret(SECRET), listed, result, cs.Card(), cs.Phone("CN"), cs.Policy()),
        Issuers.from_frame(pl.DataFrame({"bin": [LONG[:11]], "issuer": ["a bank"]})),
        Targets.of("card", listed.compiled, near_in(listed.lazy), [KEY]),
        cs.card("card", pan=True, issuers=pl.DataFrame({"bin": [VISA[:11]], "issuer": ["a bank"]})),
        cs.token("card", "card", KEY),
        ACCOUNTS.lazy().select(cs.token(cs.card("card", pan=True).struct.field("pan"), "card", KEY)).explain(),
        *(getattr(cs, name) for name in cs.__all__),
    ]
    for each in objects:
        assert_clean(f"{each!r} {each} {vars(each) if isinstance(each, cs.Result) else ''}")
    assert_clean(str(KEY.__class__.__dict__) + str([getattr(KEY, name) for name in KEY.__slots__]))


@pytest.mark.parametrize("kept", [KEY, Secret(SECRET)], ids=["key", "secret"])
def test_a_secret_is_neither_pickled_nor_copied(kept: object) -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError) as refused:
            pickle.dumps(kept, protocol)
        assert_clean(said_by(refused.value))
    with pytest.raises(TypeError):
        pickle.dumps({"settings": [kept]})


# --- errors -----------------------------------------------------------------------------------------


def listings_with(**columns: Any) -> cs.Blocklist:
    return cs.Blocklist.from_frame(LISTED.with_columns(**columns))


def screen_with(accounts: Any, **options: Any) -> cs.Result:
    return cs.screen(accounts, blocklist(), {"card": cs.Card()}, as_of=DAY, **options)


def _written(tmp_path: Path, name: str, text: str) -> str:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return str(tmp_path / name)


BAD = ACCOUNTS.lazy()
ERRORS: dict[str, Callable[[Path], object]] = {
    "no-header": lambda tmp: screen_with(_written(tmp, "a.csv", f"a1,{VISA}\na2,{DEBIT}\n")),
    "no-header-one-column": lambda tmp: screen_with(_written(tmp, "a.csv", f"a1;{VISA[:4]} {VISA[4:]}\n")),
    "a-cast-that-fails": lambda _: screen_with(BAD.with_columns(pl.col("card").cast(pl.Int16))),
    "a-late-cast-that-fails": lambda _: screen_with(
        BAD.with_columns(extra=pl.col("card").str.to_date()), carry=["extra"]
    ),
    "structs": lambda _: screen_with(BAD.with_columns(card=pl.struct(pl.col("card")))),
    "binary": lambda _: screen_with(BAD.with_columns(pl.col("card").cast(pl.Binary))),
    "broken-quotes": lambda tmp: screen_with(_written(tmp, "a.csv", f'account_id,card\na,"{VISA}\nb,{DEBIT}\n')),
    "no-dates": lambda _: cs.screen(
        ACCOUNTS.with_columns(since=pl.col("card")), blocklist(), {"card": cs.Card(holder_since="since")}, as_of=DAY
    ),
    "account-id": lambda _: screen_with(ACCOUNTS.with_columns(account_id=pl.col("card"))),
    "carried": lambda _: screen_with(ACCOUNTS.with_columns(other=pl.lit(VISA)), carry=["other"]),
    "column-named-so": lambda _: screen_with(ACCOUNTS, account_id=VISA),
    "carry-named-so": lambda _: screen_with(ACCOUNTS, carry=[VISA]),
    "unmasked-named-so": lambda _: screen_with(ACCOUNTS, unmasked=[VISA]),
    "policy-named-so": lambda _: screen_with(ACCOUNTS, policy={"caps": {VISA: "verify"}}),
    "previous-named-so": lambda _: screen_with(ACCOUNTS, previous=VISA),
    "list-named-so": lambda _: cs.Blocklist.read(f"/nowhere/{VISA}.parquet"),
    "kind-named-so": lambda _: describe(VISA, "x"),
    "region-named-so": lambda _: cs.Phone(VISA),
    "value-with-words": lambda _: listings_with(value=pl.lit(f"card {VISA} lost")),
    "value-lost": lambda _: listings_with(value=pl.lit(LOST)),
    "wrong-kind": lambda _: listings_with(kind=pl.col("value")),
    "wrong-date": lambda _: listings_with(listed_on=pl.lit(VISA)),
    "wrong-severity": lambda _: listings_with(severity=pl.lit(int(VISA))),
    "wrong-match": lambda _: listings_with(match=pl.lit(VISA)),
    "reference": lambda _: listings_with(reference=pl.lit(f"case {VISA}")),
    "issuers": lambda _: Issuers.from_frame(pl.DataFrame({"bin": [VISA, LONG[:11]]})),
    "issuers-twice": lambda _: Issuers.from_frame(pl.DataFrame({"bin": [VISA[:11]] * 2, "issuer": ["a", "b"]})),
    "issuers-file": lambda tmp: Issuers.read(_written(tmp, "bins.csv", f"{VISA},x\n")),
    "normalise-column": lambda tmp: normalize_file(
        "card", _written(tmp, "a.csv", f"{VISA},x\n"), "card", tmp / "o.csv"
    ),
    "normalise-into-itself": lambda tmp: normalize_file(
        "card", _written(tmp, "a.csv", f"card,card_masked\n{VISA},x\n"), "card", tmp / "o.csv"
    ),
    "key-as-variable": lambda _: cs.TokenKey.from_env(SECRET),
    "short-key": lambda _: cs.TokenKey(SECRET[:20]),
    "key-file-read-by-all": lambda tmp: cs.TokenKey.from_file(_written(tmp, "key", SECRET)),
    "no-key": lambda _: cs.screen(ACCOUNTS, blocklist(tokens=True), {"card": cs.Card()}, as_of=DAY),
    "mask": lambda _: cs.card("card", show_first=int(VISA)),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_never_quotes_a_number_or_the_key(name: str, tmp_path: Path) -> None:
    with pytest.raises(cs.CardscreenError) as refused:
        ERRORS[name](tmp_path)
    assert_clean(said_by(refused.value))
    assert_clean(said_by(pickle.loads(pickle.dumps(refused.value))))


def test_taking_numbers_out_of_messages_leaves_dates_and_counts() -> None:
    kept = "runs/20261123T020000Z on 2026-11-23 02:00: 12,345,678 of 100,000,000 rows (12.3 %), row 4, 5, 6, 7"
    assert without_cards(kept) == kept
    assert without_cards(f"at {VISA[:4]} {VISA[4:8]} - {VISA[8:]}!") == "at …!"


ZONES = [None, UTC, timezone(timedelta(hours=8)), timezone(-timedelta(hours=3, minutes=30))]


@given(st.datetimes(datetime(1900, 1, 1), datetime(2099, 12, 31)), st.sampled_from(ZONES), st.sampled_from(["T", " "]))
@example(datetime(2020, 1, 1), UTC, " ")
def test_an_instant_is_no_card_number(instant: datetime, zone: timezone | None, sign: str) -> None:
    instant = instant.replace(tzinfo=zone)
    for written in (instant.isoformat(sign), instant.isoformat(sign)[:19] + "Z", instant.date().isoformat()):
        for take_out in (without_cards, without_numbers):
            assert take_out(f"not yet at {written}, but then") == f"not yet at {written}, but then"
    day = instant.date().isoformat()
    for beside in (f"{VISA[:2]} {day}", f"{day}-{VISA[:2]}", f"{VISA[0]}{day}", f"{day}{VISA[0]}"):
        assert without_numbers(beside) == "…"


DATED = sound("555555552020010"), sound("2020010155555555")


@pytest.mark.parametrize(
    "written",
    [
        f"{VISA} 2020-01-01",
        f"2020-01-01 {VISA}",
        f"2020-01-01T00:00:00.{VISA}",
        f"2020-01-01T00:00:00Z {VISA}",
        f"{VISA}T2020-01-01",
        f"2020-01-01T{VISA[:2]}:{VISA[2:4]}:{VISA[4:]}",
        f"{DATED[0][:8]} {DATED[0][8:12]}-{DATED[0][12:14]}-{DATED[0][14:]}",
        f"{DATED[1][:4]}-{DATED[1][4:6]}-{DATED[1][6:8]} {DATED[1][8:]}",
    ],
)
def test_no_card_number_passes_beside_a_day(written: str) -> None:
    said = re.sub(r"\D", "", without_cards(f"refused: {written}, too"))
    assert not [number for number in (VISA, *DATED) if number in said]


# --- the command line -------------------------------------------------------------------------------

JOB = """
[accounts]
path = "accounts.csv"
[identifiers]
card = { kind = "card" }
[blocklist]
paths = ["lists.parquet"]
[tokens]
key_file = "key"
[output]
directory = "out/runs"
[limits]
first_run = "publish"
flagged_share = 1.0
source_share = 1.0
rejected_share = 1.0
exempted_share = 1.0
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Inputs for the commands; what they write goes under `out`."""
    (tmp_path / "out").mkdir()
    ACCOUNTS.write_csv(tmp_path / "accounts.csv")
    blocklist(tokens=True).listings.select("kind", "value", "source", "severity").write_parquet(
        tmp_path / "lists.parquet"
    )
    (tmp_path / "key").write_text(SECRET, encoding="utf-8")
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "job.toml").write_text(JOB, encoding="utf-8")
    return tmp_path


def command(folder: Path, *arguments: str, typed: str = "", script: str | None = None) -> tuple[int, str]:
    """Exit code and all that a command prints, with the engine's own debug log."""
    program = ["-c", script] if script else ["-m", "cardscreen.cli"]
    done = subprocess.run(
        [sys.executable, "-W", "default", *program, *arguments],
        cwd=folder,
        env={**os.environ, "POLARS_VERBOSE": "1", "RUST_BACKTRACE": "full"},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """A command that fails, in this process: it must exit with 2 or 3; gives what it prints."""

    def failing(*arguments: str) -> str:
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "argv", ["cardscreen", *arguments])
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
        monkeypatch.setattr(signal, "signal", lambda *_: None)
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code in (2, 3)
        return printed.out + printed.err

    return failing


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param("run job.toml", id="run"),
        pytest.param("run job.toml --json", id="run-json"),
        pytest.param("run job.toml --dry-run", id="dry-run"),
        pytest.param("run job.toml --log json --metrics out/night.prom", id="run-log-and-metrics"),
        pytest.param("init out/p", id="init"),
        pytest.param("normalize card accounts.csv --column card --out out/a.csv", id="normalize-csv"),
        pytest.param("normalize card accounts.csv --column card --out out/a.parquet", id="normalize-parquet"),
        pytest.param(f"check card {VISA}", id="check"),
        pytest.param("doctor", id="doctor"),
        pytest.param("plan build CN", id="plan"),
    ],
)
def test_a_command_prints_and_writes_no_number(folder: Path, arguments: str) -> None:
    code, printed = command(folder, *arguments.split(" "))
    assert code == 0, printed
    assert_clean(printed)
    assert_clean(in_files(folder / "out"))


def test_pages_and_exports_hold_no_number(folder: Path) -> None:
    for arguments in (
        "run job.toml",
        "report job.toml --out out/it.html",
        "report job.toml --out out/zh.html --lang zh",
        "runs export job.toml --out out/tables.xlsx",
        "runs export job.toml --out out/tables",
    ):
        code, printed = command(folder, *arguments.split(" "))
        assert code == 0, printed
        assert_clean(printed)
    with zipfile.ZipFile(folder / "out/tables.xlsx") as book:
        assert_clean("\n".join(book.read(name).decode("utf-8", "replace") for name in book.namelist()))
    assert_clean(in_files(folder / "out"))


def test_a_page_masks_even_ids_that_results_were_asked_to_hold(tmp_path: Path) -> None:
    ids = ACCOUNTS.with_columns(account_id=pl.col("card"))
    page = cs.report(screen_with(ids, unmasked=["account_id"]), tmp_path / "it.html").read_text(encoding="utf-8")
    assert_clean(page)
    assert f"{VISA[:6]}******{VISA[-4:]}" in page


def test_what_is_told_of_finished_runs_holds_no_number(folder: Path) -> None:
    days = ("2026-11-22", "2026-11-23")
    printed = [command(folder, "run", "job.toml", "--allow-future", "--as-of", day, "--log", "json") for day in days]
    first, second = sorted(str(run) for run in (folder / "out/runs").glob("2*"))
    (folder / "policy.toml").write_text('[actions]\ncritical = "close"\n', encoding="utf-8")
    commands = (
        *(("explain", account, "--run", "out/runs") for account in ("a0", "a3", "a10")),
        ("explain", "a4", "--run", first, "--json"),
        ("runs", "list", "out/runs"),
        ("runs", "show", "out/runs", "--json"),
        ("audit", "out/runs", "--replay"),
        ("diff", first, second, "--rows", "9"),
        ("diff", second, "--policy", "policy.toml", "--rows", "9", "--out", "moved.csv"),
    )
    printed += [command(folder, *arguments) for arguments in commands]
    assert [code for code, _ in printed] == [0] * len(printed), printed
    assert_clean("\n".join(text for _, text in printed))
    assert_clean((folder / "moved.csv").read_text(encoding="utf-8"))
    assert_clean(in_files(folder / "out"))


def test_a_number_given_on_standard_input_is_not_printed(folder: Path) -> None:
    code, printed = command(folder, "check", "card", "-", typed=f"{VISA[:4]} {VISA[4:8]} {VISA[8:12]} {VISA[12:]}\n")
    assert (code, f"{VISA[:6]}******{VISA[-4:]}" in printed) == (0, True)
    assert_clean(printed)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["check", "card", *CELLS[6].split(" ")], id="unquoted"),
        pytest.param(["check", VISA], id="kind-forgotten"),
        pytest.param(["check", VISA, "card"], id="turned-round"),
        pytest.param([VISA], id="command-forgotten"),
        pytest.param(["check", "card", VISA, "--region", VISA], id="region"),
        pytest.param([f"--{VISA}"], id="option"),
        pytest.param(["demo", "--accounts", VISA[:8] + "-" + VISA[8:]], id="number-of-accounts"),
        pytest.param(["run", f"{VISA}.toml"], id="file"),
        pytest.param(["run", "job.toml", "--allow-future", "--as-of", VISA], id="day"),
        pytest.param(["run", f"{VISA}.toml", "--log", "json"], id="file-in-a-log"),
        pytest.param(["run", "job.toml", "--log", VISA], id="form-of-the-log"),
        pytest.param(["explain", VISA, "--run", "out"], id="account"),
        pytest.param(["explain", "a1", "--run", VISA], id="run-of-an-account"),
        pytest.param(["runs", "show", VISA], id="run"),
        pytest.param(["runs", "list", f"{VISA}.toml"], id="job-of-runs"),
        pytest.param(["runs", "approve", f"out/{VISA}", "--by", VISA, "--reason", VISA], id="approval"),
        pytest.param(["runs", "prune", "out", "--keep", VISA], id="how-much-to-keep"),
        pytest.param(["audit", VISA], id="audit"),
        pytest.param(["diff", VISA, VISA], id="diff"),
        pytest.param(["diff", "out", "--policy", VISA], id="policy-of-a-diff"),
        pytest.param(["normalize", "card", f"{VISA}.csv", "--column", "x", "--out", "o.csv"], id="source"),
        pytest.param(["normalize", "card", "accounts.csv", "--column", VISA, "--out", "o.csv"], id="column"),
    ],
)
def test_a_number_in_the_wrong_place_is_not_printed_back(here: Callable[..., str], arguments: list[str]) -> None:
    assert_clean(here(*arguments))


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        pytest.param('key_file = "key"', f'key = "{SECRET}"', id="key-itself"),
        pytest.param('key_file = "key"', f'key_env = "{SECRET}"', id="key-as-variable"),
        pytest.param('id = "x"', f'id = "{VISA}"', id="account-id"),
        pytest.param('kind = "card"', f'kind = "{VISA}"', id="kind"),
        pytest.param('kind = "card"', f'kind = "card", show_first = {VISA}', id="option"),
        pytest.param("flagged_share = 1.0", f"flagged_share = {VISA}", id="limit"),
        pytest.param("[limits]", f"[policy]\nlevels = {{ low = {VISA} }}\n[limits]", id="policy"),
        pytest.param("[limits]", f"[limits]\n{VISA} {VISA}", id="no-toml"),
    ],
)
def test_a_secret_in_the_wrong_place_of_a_job_is_not_printed_back(
    folder: Path, here: Callable[..., str], was: str, becomes: str
) -> None:
    job = JOB.replace("[identifiers]", 'id = "x"\n[identifiers]').replace(was, becomes)
    (folder / "job.toml").write_text(job, encoding="utf-8")
    assert_clean(here("run", "job.toml"))


_CRASH = """
import sys
import cardscreen.{module}
def crash(*_, **__):
    try:
        raise ValueError("conversion failed for {spaced!r}")
    except ValueError as error:
        raise {error}("no {pan}: {wide}") from error
cardscreen.{module}.{name} = crash
from cardscreen.cli.app import main
sys.argv[0] = "cardscreen"
main()
"""


@pytest.mark.parametrize(
    ("module", "name", "error", "arguments"),
    [
        pytest.param("screening.scan", "check_exposure", "RuntimeError", "run job.toml", id="in-the-pass"),
        pytest.param("screening.screen", "evidence", "RuntimeError", "run job.toml", id="in-the-evidence"),
        pytest.param("runs.manifest", "write_json", "BaseException", "run job.toml", id="no-exception-but-a-panic"),
        pytest.param(
            "cli.normalize", "open_table", "KeyError", "normalize card a.csv --column x --out o.csv", id="normalize"
        ),
        pytest.param("cli.normalize", "describe", "KeyError", f"check card {VISA}", id="check"),
    ],
)
def test_a_crash_in_the_middle_leaves_and_prints_no_number(
    folder: Path, module: str, name: str, error: str, arguments: str
) -> None:
    script = _CRASH.format(module=module, name=name, error=error, pan=VISA, spaced=CELLS[6], wide=CELLS[8])
    code, printed = command(folder, *arguments.split(" "), script=script)
    assert (code, "Traceback" in printed) == (1, True)
    assert_clean(printed)
    assert_clean(in_files(folder / "out"))
    assert [file.name for file in (folder / "out").rglob("*.parquet")] == []


def test_the_demo_prints_and_publishes_none_of_its_cards(tmp_path: Path) -> None:
    code, printed = command(tmp_path, "demo", "demo", "--accounts", "2000")
    assert code == 0, printed
    published = [in_files(runs) for runs in (tmp_path / "demo").rglob("runs") if runs.is_dir()]
    told = _digits("\n".join([printed, *published]))
    cards = _cards_of(tmp_path / "demo")
    assert (len(cards) > 100, len(published) > 0) == (True, True)
    assert [card for card in cards if card in told] == []


def _cards_of(demo: Path) -> set[str]:
    """The full card numbers in the demo's own inputs."""
    inputs = [file for file in demo.rglob("*.parquet") if "runs" not in file.parts]
    texts = [pl.read_parquet(file).select(~selectors.nested()).write_csv() for file in inputs]
    texts += [_utf8(file) for file in demo.rglob("*.csv") if "runs" not in file.parts]
    written = itertools.chain.from_iterable(
        re.findall(r"(?<![0-9])[0-9](?:[ -]?[0-9]){15,18}(?![0-9])", text) for text in texts
    )
    return {re.sub("[ -]", "", each) for each in written}


# --- an attacker ------------------------------------------------------------------------------------


def recovered(frame: pl.DataFrame) -> list[str]:
    """Full numbers found by trying all that a mask leaves open against the other columns of its row.

    A column gives a number away if it holds more of its digits, or an unkeyed digest of them.
    """
    found = []
    for row in frame.to_dicts():
        mask = row.pop("value")
        beside = " ".join(str(value) for value in row.values())
        for digits in itertools.product("0123456789", repeat=mask.count("*")):
            pan = re.sub(r"\*+", "".join(digits), mask)
            if pan in beside or any(text in beside for text in digests(pan)):
                found.append(pan)
    return found


@pytest.fixture
def short_hits() -> pl.DataFrame:
    """Hits on a number of thirteen digits, of which a mask hides three."""
    hits = screened().hits.filter(pl.col("value").str.len_bytes() == 13).collect()
    assert not hits.is_empty()
    return hits


def test_a_mask_and_the_rest_of_its_row_do_not_give_the_number(short_hits: pl.DataFrame) -> None:
    flagged = screened().flagged.collect()
    assert recovered(short_hits.join(flagged, on="account_id", suffix="_of_account")) == []


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(pl.lit(hashlib.sha256(SHORT.encode()).hexdigest()), id="digest"),
        pytest.param(pl.lit(f"case {SHORT}"), id="number"),
    ],
)
def test_the_attack_succeeds_where_a_column_gives_the_number_away(short_hits: pl.DataFrame, column: pl.Expr) -> None:
    assert set(recovered(short_hits.with_columns(reference=column))) == {SHORT}


def test_hits_of_numbers_with_one_mask_differ_in_nothing_but_their_row() -> None:
    """So that no column orders, groups or counts the numbers that a mask leaves open."""
    same = [sound(f"{SHORT[:6]}{middle:02}{SHORT[8:9]}{SHORT[9:12]}") for middle in range(100)]
    alike = [pan for pan in same if pan[-4:] == SHORT[-4:]]
    accounts = pl.DataFrame({"account_id": range(len(alike)), "card": alike})
    listed = pl.DataFrame({"kind": "card", "value": alike[::-1], "listing_id": "one"})
    hits = cs.screen(accounts, cs.Blocklist.from_frame(listed), {"card": cs.Card()}, as_of=DAY).hits.collect()
    assert len(hits) == len(alike) > 5
    assert hits.drop("account_id").unique().height == 1
