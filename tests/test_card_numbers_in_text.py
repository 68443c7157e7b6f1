"""Others' card numbers in what people write: in twenty writings, through every door, they reach no output."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from babel.messages import pofile
from commands import cardscreen
from hypothesis import given
from hypothesis import strategies as st
from small_operator import run, two_nights

import cardscreen as cs
from cardscreen.foundation.cards.in_text import Found, rows_with_digits, tell_own, without_cards_in
from cardscreen.foundation.errors import without_cards
from cardscreen.lists.feeds.feed import Feed
from cardscreen.lists.feeds.importing import import_file
from cardscreen.lists.feeds.rows import read_feed
from cardscreen.lists.store.table import Store

DAY = date(2026, 11, 23)
PAN, LONG = "4111111111111111", "6222021234567890128"
SEPARATORS = ["-", ".", "_", "/", ",", ":", "–", "|", "+", "·", "~", ";", " - ", "\u00a0", "\u200b", "\u2060", "\t"]
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
WRITINGS = [
    *(separator.join([PAN[:4], PAN[4:8], PAN[8:12], PAN[12:]]) for separator in SEPARATORS),
    PAN,
    f"PAN-{PAN}-01",
    f"card no {PAN}, lost",
    " ".join([PAN[:4], PAN[4:8], PAN[8:12], PAN[12:]]).translate(ARABIC),
    f"{LONG[:6]} {LONG[6:]}",
]
LISTED = cs.Blocklist.from_frame(pl.DataFrame({"kind": ["phone"], "value": ["+8613900139000"], "severity": [95]}))


def digits_of(text: str) -> str:
    return "".join(str(int(each)) for each in text if each.isdecimal())


def tells(text: str) -> bool:
    """Whether somebody who takes out whatever is no digit finds one of the numbers."""
    return PAN in digits_of(text) or LONG in digits_of(text)


def with_check_digit(body: int) -> str:
    from stdnum import luhn

    return f"{body}{luhn.calc_check_digit(str(body))}"


def cards(count: int, seed: int = 1) -> list[str]:
    dice = np.random.default_rng(seed)
    return [with_check_digit(411122 * 10**9 + int(each)) for each in dice.integers(0, 10**9, count)]


def test_there_are_twenty_writings_and_each_tells_the_number() -> None:
    assert len(set(WRITINGS)) >= 20
    assert all(map(tells, WRITINGS))


@pytest.mark.parametrize("written", WRITINGS)
def test_no_message_says_one(written: str) -> None:
    assert not tells(without_cards(f"row 12: {written} of 2026"))
    assert not tells(str(cs.InputError(f"{written}: no such file")))


@pytest.mark.parametrize("column", ["reference", "reason", "source", "listing_id"])
@pytest.mark.parametrize("written", WRITINGS)
def test_no_listing_tells_one_of_somebody_else(written: str, column: str) -> None:
    frame = pl.DataFrame({"kind": ["phone", "phone"], "value": ["+8613900139000", "+8613900139001"]})
    with pytest.raises(cs.BlocklistError, match="row 1: another column holds what may be a card number") as refused:
        cs.Blocklist.from_frame(frame.with_columns(pl.Series(column, ["A-17", written])))
    assert not tells(str(refused.value))


@pytest.mark.parametrize("written", [each for each in WRITINGS if "," not in each])
def test_no_row_of_a_feed_tells_one_of_somebody_else(written: str, tmp_path: Path) -> None:
    file = tmp_path / "police.csv"
    file.write_text(f"number,case,why\n13900139000,A-17,fraud\n13900139001,{written},fraud\n", encoding="utf-8")
    columns = {"value": "number", "reference": "case", "reason": "why"}
    said = {"source": "police", "kind": "phone", "region": "CN", "encoding": "utf-8", "columns": columns}
    read = read_feed(file, Feed(**said))
    assert read.rejects["reason"].to_list() == ["the reference or reason holds a card number"]
    assert not tells(str(read.rejects.rows()))


def screened(**columns: Any) -> cs.Result:
    rows = len(next(iter(columns.values())))
    phones = ["13900139000"] + [f"138{at:08}" for at in range(rows - 1)]
    frame = pl.DataFrame({"account_id": [f"a{at}" for at in range(rows)], **columns, "mobile": phones})
    carry = [name for name in columns if name != "account_id"]
    return cs.screen(frame, LISTED, {"mobile": cs.Phone("CN")}, as_of=DAY, carry=carry)


@pytest.mark.parametrize("written", [each for each in WRITINGS if each not in (PAN, f"PAN-{PAN}-01")])
def test_a_note_that_tells_one_in_passing_is_shown_without_it(written: str) -> None:
    notes = [f"he said {written} twice", *(f"order 2026-{at:06}" for at in range(500))]
    found = screened(note=notes).flagged.collect()
    assert not tells(str(found.rows()))
    assert found["note"].item().startswith("he said ")
    assert screened(note=["order 2026-1", *notes]).flagged.collect()["note"].item() == "order 2026-1"


FORMS = [
    "{}-01",
    "{}001",
    "00{}",
    "C{}",
    "ID {a} {b} {c} {d}",
    "{a}.{b}.{c}.{d}",
    "{a}_{b}_{c}_{d}/7",
    "{a}–{b}–{c}–{d}",
]


@pytest.mark.parametrize("share", [0.02, 0.29, 1.0])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("column", ["account_id", "note"])
def test_a_column_with_some_is_refused_however_they_are_written(column: str, form: str, share: float) -> None:
    rows = 1_000
    some = [form.format(pan, a=pan[:4], b=pan[4:8], c=pan[8:12], d=pan[12:]) for pan in cards(round(rows * share))]
    ids = [*some, *(f"K-{at:07}" for at in range(rows - len(some)))]
    np.random.default_rng(3).shuffle(ids)
    with pytest.raises(cs.ConfigError, match=f"'{column}' is .* values looked at hold card numbers") as refused:
        screened(**{column: ids})
    assert not any(each in str(refused.value) for each in some)


def test_some_that_no_sample_at_even_steps_would_meet_are_seen() -> None:
    rows = 40_000
    ids = [f"K-{at:07}" for at in range(rows)]
    ids[1::40] = cards(rows // 40)
    with pytest.raises(cs.ConfigError, match=r"'account_id' is the account id.*1,000 of 40,000 values looked at"):
        screened(account_id=ids)


@pytest.mark.parametrize("length", [14, 17, 18, 19, 22])
def test_long_ids_that_hold_numbers_like_cards_by_chance_are_not_refused(length: int) -> None:
    dice = np.random.default_rng(length)
    for begin in ("4", "62", "5500", ""):
        ids = [begin + "".join(map(str, dice.integers(0, 10, length - len(begin)))) for _ in range(3_000)]
        if length in {"62": (17, 18, 19), "4": (18, 19)}.get(begin, ()):
            continue  # so many of a scheme's lengths are taken for its cards, whatever their check digits
        assert screened(account_id=ids).summary["rows"]["hit"] == 1
        screened(account_id=[f"{4_111_222_233_334_444}{at:0{max(length - 16, 1)}}" for at in range(9)])


def ordinary() -> Iterator[tuple[str, pl.Series]]:
    """Case numbers as authorities write them, made at random."""
    dice = np.random.default_rng(5)
    many = range(700)
    yield "days", pl.Series([f"202611{dice.integers(1, 29):02}-{dice.integers(100, 999)}-{at:06}" for at in many])
    yield "offices", pl.Series([f"A{dice.integers(110000, 659999)}{dice.integers(10**15, 10**16 - 1)}" for _ in many])
    yield "courts", pl.Series([f"(2026)京{dice.integers(100, 999)}刑初{dice.integers(1, 9999)}号" for _ in many])
    yield "fir", pl.Series([f"FIR {dice.integers(1, 9999):04}/2026, PS {dice.integers(10, 99)}" for _ in many])
    yield "complaints", pl.Series([f"{dice.integers(10**13, 4 * 10**13)}" for _ in many])
    yield "instants", pl.Series([f"202611{dice.integers(10, 28)}{dice.integers(10**8, 10**9)}" for _ in many])
    yield "imei", pl.Series([f"{dice.integers(35 * 10**13, 36 * 10**13)}" for _ in many])
    yield "iccid", pl.Series([f"8986{dice.integers(10**15, 10**16 - 1)}" for _ in many])
    yield (
        "persons",
        pl.Series(
            [f"{dice.integers(11, 65)}0105{dice.integers(1950, 2010)}0101{dice.integers(10**3, 10**4)}" for _ in many]
        ),
    )
    yield (
        "phones",
        pl.Series(
            [
                f"+86 138 {dice.integers(1000, 9999)} {dice.integers(1000, 9999)} / 010-{dice.integers(10**7, 10**8)}"
                for _ in many
            ]
        ),
    )


def test_of_ordinary_case_numbers_fewer_than_one_in_ten_thousand_is_taken_for_a_card() -> None:
    taken, of = 0, 0
    for _, numbers in ordinary():
        lists = [numbers[start : start + 8] for start in range(0, len(numbers), 8)] + [numbers]
        taken += sum(int(Found.of(each).doubtful.sum()) for each in lists)
        taken += int((without_cards_in(numbers) != numbers).sum())
        of += 3 * len(numbers)
    assert taken / of < 1e-4


# --- what is kept -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", WRITINGS[::5])
def test_who_ends_listings_and_why_is_kept_without_one(written: str, tmp_path: Path) -> None:
    (tmp_path / "police.csv").write_text("number,case\n13900139000,A-17\n13900139001,A-18\n")
    (tmp_path / "police.toml").write_text(
        'source = "police"\nkind = "phone"\nregion = "CN"\n[columns]\nvalue = "number"\nreference = "case"\n'
        "[limits]\nshrink_share = 1\n"
    )
    said = ["--store", "lists", "--by", f"A. Li {written}", "--reason", f"as of {written}"]
    assert (
        cardscreen("list", "import", "police.csv", "--feed", "police.toml", "--store", "lists", cwd=tmp_path).code == 0
    )
    assert cardscreen("list", "expire", "--source", "police", "--reference", "A-17", *said, cwd=tmp_path).code == 0
    assert cardscreen("list", "rollback", "0", *said, cwd=tmp_path).code == 0
    told = cardscreen("list", "history", "--store", "lists", cwd=tmp_path).out
    kept = [file.read_text(encoding="utf-8") for file in (tmp_path / "lists" / "_delta_log").glob("*.json")]
    assert "A. Li" in told
    assert not any(
        tells(line) for text in (told, *kept) for line in text.replace("\\u", " ").splitlines() if "A. Li" in line
    )
    assert all(
        not tells(f"{version.record.by} | {version.record.reason}") for version in Store(tmp_path / "lists").history()
    )


NARROW = ["4111111111111110-4111111111111119", "4111111111111099-4111111111111100"]
WIDE = ["411111*", "4111111111*", "4111111111110000-4111111111119999", "411111******1111"]


@pytest.mark.parametrize("value", [*NARROW, *WIDE])
def test_a_store_of_tokens_keeps_no_range_that_shows_a_number(value: str, tmp_path: Path) -> None:
    (tmp_path / "cards.csv").write_text(f"number\n{value}\n{LONG}\n")
    feed = Feed(source="bank", kind="card", columns={"value": "number"})
    reasons = read_feed(tmp_path / "cards.csv", feed).rejects["reason"].to_list()
    assert [reason.split(":")[0] for reason in reasons] == ["the store would show a card number"] * (value in NARROW)
    assert not any(map(tells, reasons))
    assert len(read_feed(tmp_path / "cards.csv", feed.model_copy(update={"store_as": "plain"})).rejects) == 0


@pytest.mark.parametrize("value", ["4111111111111*", "411111111111111*", "41111111111111*1"])
def test_no_prefix_is_so_long_that_it_shows_a_number(value: str, tmp_path: Path) -> None:
    (tmp_path / "cards.csv").write_text(f"number\n{value}\n")
    read = read_feed(tmp_path / "cards.csv", Feed(source="bank", kind="card", columns={"value": "number"}))
    assert (len(read.rows), len(read.rejects)) == (0, 1)


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_nights(tmp_path_factory.mktemp("operator"))


@pytest.mark.parametrize(
    ("name", "head"),
    [("clearances", "account_id,listing_id,decided_on,until,why"), ("applied", "account,action,applied_on,why")],
)
def test_free_text_of_files_that_a_run_keeps_tells_none(operator: Path, name: str, head: str) -> None:
    file = operator / f"{name}.csv"
    before = file.read_bytes() if file.exists() else None
    job = (operator / "job.toml").read_text(encoding="utf-8")
    if name == "applied":
        (operator / "job.toml").write_text(f'{job}\n[output]\napplied = "applied.csv"\n', encoding="utf-8")
    row = "a1,,2026-11-20,2026-12-20," if name == "clearances" else "a1,verify,2026-11-20,"
    try:
        file.write_text(f"{head}\n{row}\n{row}{WRITINGS[0]}\n", encoding="utf-8")
        done = run(operator, "2026-11-22")
    finally:
        file.write_bytes(before) if before is not None else file.unlink()
        (operator / "job.toml").write_text(job, encoding="utf-8")
    assert (done.code, tells(done.err)) == (3, False)
    assert "line 3: column 'why' holds what may be a card number, and each run keeps a copy" in done.err
    assert not any(PAN[4:] in text for text in map(str, operator.glob("out/**/*")))


@pytest.mark.parametrize("named", [PAN, f"{PAN[:4]}-{PAN[4:8]}-{PAN[8:12]}-{PAN[12:]}"])
def test_an_import_of_a_file_whose_name_tells_one_does_not_say_it(named: str, tmp_path: Path) -> None:
    (tmp_path / "f.toml").write_text('source = "p"\nkind = "phone"\nregion = "CN"\n[columns]\nvalue = "number"\n')
    (tmp_path / f"{named}.csv").write_text("number\n13900139000\nnone\n")
    said = ("list", "import", f"{named}.csv", "--feed", "f.toml", "--store", "lists")
    refused = cardscreen(*said, cwd=tmp_path)
    told = [cardscreen(*said, "--allow", "unusable", *more, cwd=tmp_path) for more in ([], ["--json"])]
    assert [refused.code, *(done.code for done in told)] == [3, 0, 0]
    assert not any(tells(done.out + done.err) for done in (refused, *told))
    with pytest.raises(cs.FeedRefused) as error:
        import_file(tmp_path / f"{named}.csv", Feed.read(tmp_path / "f.toml"), Store(tmp_path / "others"))
    assert not tells(f"{error.value} {error.value!r} {error.value.path}")


def test_no_file_whose_name_tells_one_is_taken_into_a_run(operator: Path) -> None:
    job = (operator / "job.toml").read_text(encoding="utf-8")
    runs = sorted(operator.iterdir())
    for path in (f"accounts {PAN}.parquet", f"{PAN[:4]}-{PAN[4:8]}-{PAN[8:12]}-{PAN[12:]}/accounts.parquet"):
        (operator / path).parent.mkdir(exist_ok=True)
        (operator / path).write_bytes((operator / "accounts.parquet").read_bytes())
        (operator / "job.toml").write_text(job.replace('"accounts.parquet"', f'"{path}"'), encoding="utf-8")
        done = run(operator, "2026-11-22")
        (operator / path).unlink()
        assert (done.code, tells(done.err), "holds a card number, and each run keeps" in done.err) == (2, False, True)
    (operator / "job.toml").write_text(job, encoding="utf-8")
    assert set(runs) <= set(operator.iterdir())


def test_days_and_instants_in_names_of_files_are_no_cards() -> None:
    names = [
        f"accounts_2026{month:02}{day:02}{hour:02}1520.csv"
        for month, day, hour in itertools.product(range(1, 13), range(1, 29), range(24))
    ]
    assert not Found.of(pl.Series(names)).doubtful.any()
    assert not any(Found.of(pl.Series([name])).doubtful.any() for name in names[::37])


SIGNS = st.text(
    st.sampled_from([*"0123456789", *"0123456789", *" -_a*", "卡", "１", "٣", "𝟗", "，", "\0", "\u200b"]), max_size=40
)


@given(st.lists(st.none() | SIGNS, max_size=20))
def test_texts_with_as_many_digits_as_a_card_number_are_found_in_any_script(texts: list[str | None]) -> None:
    many = re.compile(r"\d(?:[^A-Za-z\d]{0,3}\d){11}")
    held = [at for at, text in enumerate(texts) if text is not None and many.search(text)]
    assert rows_with_digits(pl.Series(texts, dtype=pl.String)).tolist() == held


@given(st.lists(st.tuples(SIGNS, st.none() | st.sampled_from([PAN, LONG, "1", "6222021234567890"]), st.booleans())))
def test_a_text_tells_the_number_beside_it_whatever_stands_between(rows: list[tuple[str, str | None, bool]]) -> None:
    texts = [text + "-".join(own) if own and shown else text for text, own, shown in rows]
    told = [own is not None and own in digits_of(text) for text, (_, own, _) in zip(texts, rows, strict=True)]
    owns = pl.Series([own for _, own, _ in rows], dtype=pl.String)
    assert tell_own(pl.Series(texts, dtype=pl.String), owns, np.arange(len(texts))).tolist() == told


def sentences() -> Iterator[str]:
    """What the package may say: its texts, but for descriptions, and all translations."""
    package = Path(cs.__file__).parent
    for code in package.rglob("*.py"):
        nodes = list(ast.walk(ast.parse(code.read_text("utf-8"))))
        descriptions = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in descriptions:
                yield node.value
    for catalogue in package.rglob("*.po"):
        with catalogue.open("rb") as file:
            messages = pofile.read_po(file)
        for message in messages:
            if not message.id:  # what is told of the catalogue: days, versions
                continue
            yield from [message.string] if isinstance(message.string, str) else message.string or []


def test_no_example_in_what_is_said_looks_like_a_number_that_is_taken_out() -> None:
    said = [each for each in sentences() if " " in each or "。" in each]
    assert len(said) > 2000
    assert [each for each in said if without_cards(each) != each] == []
