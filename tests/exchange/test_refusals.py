"""Letters that are not what they should be: each is refused in one sentence, and nothing of it is used."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from partners import OPRF, Partners, Side, agreement, partners

from cardscreen.exchange import agreement as agreements
from cardscreen.exchange import letters
from cardscreen.foundation.errors import InputError
from cardscreen.foundation.secrets import boxes

AGREED = agreement("min_identifiers = 10")
ANSWER = ("ask.cse", "--job", "job.toml", "--out", "answer.cse")


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Partners:
    """A request that lies at the bank, unanswered."""
    both = partners(tmp_path_factory.mktemp("refused"), AGREED, 60, 40, 20, 8)
    both.operator.exchange("ask", "--job", "job.toml", "--out", "ask.cse")
    both.operator.sends("ask.cse", both.bank)
    return both


def at(part: float) -> Callable[[bytes], bytes]:
    """Another byte at a place."""

    def change(content: bytes) -> bytes:
        place = int(part * (len(content) - 1))
        return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]

    return change


#: What was done to a letter on its way, and what is said of it.
CHANGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "altered in its last byte": (at(1), "was altered"),
    "altered in the middle": (at(0.6), "was altered"),
    "more behind its end": (lambda content: content + b"x", "was altered"),
    "a row more": (lambda content: content + content[-32:], "was altered"),
    "cut in its rows": (lambda content: content[:-40], "is cut off"),
    "cut in its header": (lambda content: content[:200], "is cut off"),
    "cut to nothing": (lambda _: b"", "is no file of an exchange"),
    "another file": (lambda _: b"PK\3\4 a spreadsheet", "is no file of an exchange"),
    "of a newer format": (
        lambda content: content.replace(b"format 1\n", b"format 2\n", 1),
        "is of format 2, and this release reads format 1",
    ),
    "sent as a text": (
        lambda content: content.replace(b"\n", b"\r\n"),
        "was altered on its way: its line ends were changed, as of a text; have it sent as a binary file",
    ),
    "another first line": (
        lambda content: content.replace(b"format 1\n", b"format one\n", 1),
        "was altered on its way: its first line is another",
    ),
    "another purpose": (lambda content: content.replace(b"rented SIM", b"stolen SIM", 1), "was altered"),
    "another day": (lambda content: content.replace(b'"expires_on":"20', b'"expires_on":"21', 1), "was altered"),
    "another count": (lambda content: content.replace(b'"rows":40', b'"rows":39', 1), "was altered"),
    "a header of lies": (lambda content: content.replace(b'"rows":40', b'"rows":-1', 1), "was altered"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_letter_that_was_changed_on_its_way_is_refused(asked: Partners, name: str) -> None:
    change, said = CHANGES[name]
    content = change((asked.operator.home / "ask.cse").read_bytes())
    assert content != (asked.operator.home / "ask.cse").read_bytes()
    (asked.bank.home / "ask.cse").write_bytes(content)
    assert said in asked.bank.refuses("answer", *ANSWER)
    assert not (asked.bank.home / "answer.cse").exists()


def test_no_single_byte_of_a_letter_can_be_another(asked: Partners, tmp_path: Path) -> None:
    content = (asked.operator.home / "ask.cse").read_bytes()
    agreed = agreements.Agreement.read(asked.bank.home / "agreement.toml")
    chance = random.Random(7)
    for _ in range(300):
        place = chance.randrange(len(content))
        other = content[:place] + bytes([content[place] ^ chance.randrange(1, 256)]) + content[place + 1 :]
        (tmp_path / "a.cse").write_bytes(other)
        with pytest.raises(InputError):
            letters.opened(tmp_path / "a.cse", agreed, "ask", "operator-a").rows()


@pytest.mark.parametrize("length", [0, 1, 30, 500, 1_500, -1])
def test_no_letter_can_be_shorter(asked: Partners, tmp_path: Path, length: int) -> None:
    agreed = agreements.Agreement.read(asked.bank.home / "agreement.toml")
    (tmp_path / "a.cse").write_bytes((asked.operator.home / "ask.cse").read_bytes()[:length])
    with pytest.raises(InputError, match=r"is cut off|is no file of an exchange"):
        letters.opened(tmp_path / "a.cse", agreed, "ask", "operator-a").rows()


def given(asked: Partners, agreed: str) -> str:
    """What the bank says of the request under another agreement."""
    shutil.copy(asked.operator.home / "ask.cse", asked.bank.home / "ask.cse")
    asked.bank.agree(agreed)
    try:
        return asked.bank.refuses("answer", *ANSWER)
    finally:
        asked.bank.agree(AGREED)


def test_a_letter_of_another_agreement_is_refused(asked: Partners) -> None:
    assert "is of the agreement 'operator-a/bank-b/2026-11', and this one is 'x/y'" in given(
        asked, agreement("min_identifiers = 10", name="x/y")
    )


def test_a_letter_under_a_copy_that_says_something_else_is_refused(asked: Partners) -> None:
    other = AGREED.replace("rented SIM", "sold SIM")
    assert "says another purpose than this one" in given(asked, other)
    assert "says another kinds than this one" in given(asked, AGREED.replace('["phone", "card"]', '["phone"]'))
    reordered = AGREED.replace('["phone", "card"]', '["card", "phone"]')
    assert "max_identifiers is 30" in given(asked, reordered + "max_identifiers = 30\n")


def test_a_letter_past_a_limit_is_refused_and_the_ledger_has_it(asked: Partners) -> None:
    assert "smaller requests are fishing" in given(asked, AGREED.replace("= 10", "= 50"))
    assert "the agreement's max_identifiers is 30" in given(asked, AGREED + "max_identifiers = 30\n")
    limits = "max_identifiers = 30\nmax_per_day = 30\n"
    assert "max_identifiers is 30" in given(asked, AGREED + limits)
    lines = json.loads(asked.bank.does("exchange", "log", "agreement.toml", "--json").out)
    assert {line["step"] for line in lines} == {"refuse"}


def test_a_letter_under_another_key_is_refused(asked: Partners, tmp_path: Path) -> None:
    key = asked.bank.home / "exchange.key"
    before = key.read_text(encoding="utf-8")
    key.write_text("f" * 64, encoding="utf-8")
    try:
        said = given(asked, AGREED)
    finally:
        key.write_text(before, encoding="utf-8")
    assert "was made under the key" in said
    assert "both sides need the same" in said
    assert before not in said


def test_a_letter_that_has_expired_or_is_still_to_come_is_refused(
    asked: Partners, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(asked.operator.home / "ask.cse", asked.bank.home / "ask.cse")
    later, today = date.today() + timedelta(days=20), agreements.today
    for module in (agreements, letters):
        monkeypatch.setattr(module, "today", lambda: later)
    assert "expired on" in asked.bank.refuses("answer", *ANSWER)
    for module in (agreements, letters):
        monkeypatch.setattr(module, "today", today)

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) - timedelta(days=3)

    monkeypatch.setattr(letters, "datetime", Clock)
    assert "one of the two clocks is wrong" in asked.bank.refuses("answer", *ANSWER)


def test_a_sides_own_letter_is_not_the_other_sides(asked: Partners) -> None:
    """The asker can't take its own request for an answer."""
    assert "is of the step 'ask', and here one of the step 'answer' is needed" in asked.operator.refuses(
        "read", "ask.cse", "--out", "m.csv"
    )


def test_an_answer_to_what_was_not_asked_here_is_refused(tmp_path: Path) -> None:
    one = partners(tmp_path, AGREED, 60, 40, 20, 8)
    one.operator.exchange("ask", "--job", "job.toml", "--out", "ask.cse")
    one.operator.sends("ask.cse", one.bank)
    one.bank.exchange("answer", *ANSWER)
    one.bank.sends("answer.cse", one.operator)
    shutil.rmtree(one.operator.home / "exchange")
    assert "answers a request that was not made here" in one.operator.refuses("read", "answer.cse", "--out", "m.csv")
    assert not (one.operator.home / "m.csv").exists()


def test_nothing_is_written_over_or_into_a_place_that_is_none(asked: Partners) -> None:
    shutil.copy(asked.operator.home / "ask.cse", asked.bank.home / "ask.cse")
    (asked.bank.home / "there.cse").write_bytes(b"mine")
    bank, ask = asked.bank, ("exchange", "answer", "agreement.toml", "ask.cse", "--job", "job.toml", "--out")
    for out, code, said in (
        ("there.cse", 2, "is there already"),
        ("answer.csv", 2, "name a file ending in .cse"),
        ("nowhere/answer.cse", 3, "there is no folder nowhere"),
        ("runs/answer.cse", 3, "there is no folder runs"),
    ):
        done = bank.tries(*ask, out)
        assert (done.code, said in done.err) == (code, True), done.err
    assert (bank.home / "there.cse").read_bytes() == b"mine"
    done = bank.tries(*ask, "answer.cse", "--feed", "feed.csv")
    assert (done.code, "ending in .parquet for the feed" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ('method = "psi"', "method"),
        ('method = "oprf"', "holder says who offers a list"),
        ('holder = "operator-a"', "holder is who offers a list"),
        (OPRF + 'answer = "count"', "is not to be had by oprf"),
        ("min_identifiers = 500000", "must not fall"),
        ('replaces = "operator-a/bank-b/2026-11"', "can't replace itself"),
        ('appeal = "<who decides>"', "is still a placeholder"),
        ("max_identifier = 5", "did you mean"),
        ('appeal = "the desk\\nline'.replace("line", 'two"'), "can't be printed"),
        (f'appeal = "{"y" * 1_001}"', "has more than 1,000 characters"),
        ('appeal = " the desk"', "has blanks around it"),
    ],
)
def test_an_agreement_that_makes_no_sense_is_told_with_its_line(asked: Partners, change: str, said: str) -> None:
    (asked.bank.home / "wrong.toml").write_text(agreement(change), encoding="utf-8")
    done = asked.bank.tries("exchange", "log", "wrong.toml")
    assert (done.code, said in done.err, "wrong.toml" in done.err) == (2, True, True), done.err


def test_an_agreement_to_fill_in_is_refused_until_it_is(tmp_path: Path) -> None:
    side = Side(tmp_path, "c" * 64)
    side.does("exchange", "init", "new.toml")
    schema = json.loads((tmp_path / ".schemas/agreement.json").read_text(encoding="utf-8"))
    assert schema == json.loads(side.does("schema", "agreement").out)
    done = side.tries("exchange", "log", "new.toml")
    assert (done.code, done.err.count("is still a placeholder")) == (2, 5), done.err
    text = (tmp_path / "new.toml").read_text(encoding="utf-8")
    for number, name in enumerate(("asker", "answerer", "id", "purpose", "legal_basis")):
        text = text.replace(f'{name} = "<', f'{name} = "no {number} ', 1)
    text = text.replace("<", "").replace(">", "")
    (tmp_path / "new.toml").write_text(text, encoding="utf-8")
    assert side.does("exchange", "log", "new.toml").out == "nothing was exchanged here yet\n"
    done = side.tries("exchange", "init", "new.toml")
    assert (done.code, "is there already" in done.err) == (2, True)


def test_a_ledger_that_was_changed_is_told(asked: Partners, tmp_path: Path) -> None:
    folder = tmp_path / "operator"
    shutil.copytree(asked.operator.home, folder)
    side, ledger = Side(folder, ""), folder / "exchange" / "ledger.jsonl"
    side.exchange("ask", "--job", "job.toml", "--out", "second.cse")
    lines = ledger.read_text(encoding="utf-8").splitlines(keepends=True)
    ledger.write_text(lines[0].replace('"rows": 40', '"rows": 4') + lines[1], encoding="utf-8")
    assert "line 2: it doesn't follow on the line before" in side.refuses("log")
    ledger.write_text(lines[0].replace('"rows": 40', '"rows": "x"'), encoding="utf-8")
    assert "line 1: this is no line of a ledger" in side.refuses("log")
    ledger.write_text("nonsense\n", encoding="utf-8")
    assert "line 1: this is no line of a ledger" in side.refuses("log")
    ledger.write_text("".join(lines) + '{"at": "2026', encoding="utf-8")
    assert "its last line is cut off" in side.refuses("log")
    side.exchange("ask", "--job", "job.toml", "--out", "third.cse")
    assert len(json.loads(side.does("exchange", "log", "agreement.toml", "--json").out)) == 3
    whole = ledger.read_text(encoding="utf-8")
    for cut in (whole[:-20], "".join(whole.splitlines(keepends=True)[:2]), ""):
        ledger.write_text(cut, encoding="utf-8")
        assert "has lost lines" in side.refuses("log")
        assert "has lost lines" in side.refuses("ask", "--job", "job.toml", "--out", "fourth.cse")
    ledger.write_text(whole, encoding="utf-8")
    side.does("exchange", "log", "agreement.toml")
    ledger.write_text("", encoding="utf-8")
    assert "has lost lines" in side.refuses("ask", "--job", "job.toml", "--out", "fourth.cse")


def test_a_step_that_others_work_at_waits_for_nobody(asked: Partners) -> None:
    from cardscreen.runs.folder import locked

    shutil.copy(asked.operator.home / "ask.cse", asked.bank.home / "ask.cse")
    with locked(asked.bank.home / "exchange"):
        done = asked.bank.tries("exchange", "answer", "agreement.toml", *ANSWER)
    assert (done.code, "another step works in" in done.err) == (5, True)


def killed(side: Side, after: float, *arguments: str) -> int:
    """The exit code of a step that was killed after some seconds, if it had not ended."""
    command = [sys.executable, "-m", "cardscreen.cli", "exchange", *arguments]
    with subprocess.Popen(command, cwd=side.home, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as step:
        time.sleep(after)
        step.send_signal(signal.SIGKILL)
        step.communicate()
    return step.returncode


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_step_that_is_killed_leaves_nothing_half_and_can_be_done_again(tmp_path: Path) -> None:
    """At moments from the first to the last of an evaluation; then it is done, and counted once."""
    both = partners(tmp_path, agreement(OPRF + "max_identifiers = 20000"), 1_600, 2_400, 120, 30)
    operator, bank = both.operator, both.bank
    operator.exchange("offer", "--store", "lists", "--out", "offer.cse")
    operator.sends("offer.cse", bank)
    bank.exchange("blind", "--job", "job.toml", "--out", "blinded.cse")
    bank.sends("blinded.cse", operator)
    agreed = agreements.Agreement.read(bank.home / "agreement.toml")
    out, complete = operator.home / "evaluated.cse", 0
    for after in (0.9, 1.3, 1.7):
        arguments = ("evaluate", "agreement.toml", "blinded.cse", "--out", "evaluated.cse")
        killed(operator, after, *arguments)
        lines = json.loads(operator.does("exchange", "log", "agreement.toml", "--json").out)
        complete = sum(line["step"] == "evaluate" for line in lines)
        if out.exists():
            assert len(letters.opened(out, agreed, "evaluate", "operator-a").rows()) > 0
            assert complete == 1
            break
    if not out.exists():
        operator.exchange("evaluate", "blinded.cse", "--out", "evaluated.cse")
    lines = json.loads(operator.does("exchange", "log", "agreement.toml", "--json").out)
    assert sum(line["step"] == "evaluate" for line in lines) == 1
    assert [file.name for file in operator.home.glob("*.part")] == []
    operator.sends("evaluated.cse", bank)
    finish = ("finish", "agreement.toml", "evaluated.cse", "offer.cse", "--out", "m.parquet")
    for after in (1.2, 1.8):
        killed(bank, after, *finish)
        if (bank.home / "m.parquet").exists():
            break
    else:
        bank.exchange("finish", "evaluated.cse", "offer.cse", "--out", "m.parquet")
    assert bank.matches("m.parquet").select("account_id", "identifier").equals(both.on_list)


def test_what_was_counted_and_not_handed_over_is_handed_over_and_not_counted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = partners(tmp_path, AGREED, 60, 40, 20, 8)
    both.operator.exchange("ask", "--job", "job.toml", "--out", "ask.cse")
    both.operator.sends("ask.cse", both.bank)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    from cardscreen.exchange.home import Home

    with monkeypatch.context() as patch:
        patch.setattr(Home, "_hand_over", dies)
        assert both.bank.tries("exchange", "answer", "agreement.toml", *ANSWER).code == 130
    assert not (both.bank.home / "answer.cse").exists()
    both.bank.exchange("answer", *ANSWER)
    lines = json.loads(both.bank.does("exchange", "log", "agreement.toml", "--json").out)
    assert [line["step"] for line in lines] == ["answer"]
    both.bank.sends("answer.cse", both.operator)
    both.operator.exchange("read", "answer.cse", "--out", "m.csv")
    assert both.operator.matches("m.csv").height == both.asked.height


def test_pieces_of_sealed_files_can_not_be_put_elsewhere(tmp_path: Path) -> None:
    key, size = b"k" * 32, boxes.PIECE + 16
    for name in ("a", "b"):
        boxes.seal_file(tmp_path / name, key, {"n": name}, [bytes([number]) * boxes.PIECE for number in range(3)])
    content, other = (tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()
    front = len(content) - 3 * size
    pieces = [content[front + at * size : front + (at + 1) * size] for at in range(3)]
    orders = [[1, 0, 2], [0, 2, 1], [0, 1], [0, 1, 2, 2], [0, 0, 2]]
    wrong = [content[:front] + b"".join(pieces[at] for at in order) for order in orders]
    wrong.append(content[:front] + other[front:])
    for each in wrong:
        (tmp_path / "c").write_bytes(each)
        with pytest.raises(InputError):
            list(boxes.Sealed.open(tmp_path / "c", "file").parts(key, lambda: "altered"))
    whole = b"".join(boxes.Sealed.open(tmp_path / "a", "file").parts(key, lambda: "altered"))
    assert whole == b"".join(bytes([number]) * boxes.PIECE for number in range(3))


@pytest.mark.parametrize("sizes", [[], [0], [1], [boxes.PIECE], [boxes.PIECE, 1], [3, boxes.PIECE - 3], [5] * 7])
def test_what_is_sealed_is_opened_whatever_its_size(tmp_path: Path, sizes: list[int]) -> None:
    parts = [os.urandom(size) for size in sizes]
    boxes.seal_file(tmp_path / "a", b"k" * 32, {}, parts)
    sealed = boxes.Sealed.open(tmp_path / "a", "file")
    assert sealed.size == sum(sizes)
    assert b"".join(sealed.parts(b"k" * 32, lambda: "altered")) == b"".join(parts)


def forged(side: Side, name: str, change: dict[str, object], rows: bytes | None = None) -> None:
    """A letter that its maker, who has the key, has made by hand."""
    agreed = agreements.Agreement.read(side.home / "agreement.toml")
    sealed = boxes.Sealed.open(side.home / name, "letter")
    content = b"".join(sealed.parts(agreed.key.of_files(), lambda: "altered"))
    header = {**sealed.header, **change}
    boxes.seal_file(side.home / name, agreed.key.of_files(), header, [content if rows is None else rows])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"counts": {"card": -5, "phone": 45}}, "was altered"),
        ({"counts": {"card": 20, "phone": 21}}, "how many values of each kind"),
        ({"counts": {"card": 20, "phone": "<21"}}, "how many values of each kind"),
        ({"counts": {"card": 20, "phone": 20, "\x1b[31mimei": 3}}, "kinds that the agreement is not about"),
        ({"not_compared": ["=x"]}, "kinds that the agreement is not about"),
        ({"made_at": "2026-11-28T00:00:00"}, "was altered"),
        ({"made_at": "2020-01-01T00:00:00Z", "expires_on": "9999-12-31"}, "expired on 2020-01-15"),
        ({"expires_on": "2026-01-01"}, "expired on 2026-01-01"),
        ({"by": "someone"}, "was made by 'someone', and here one by 'operator-a' is needed"),
        ({"rows": 10**12}, "is cut off"),
        ({"letter": "../../x"}, "was altered"),
        ({"step": "blind"}, "is of the step 'blind'"),
        ({"more": 1}, "was altered"),
    ],
)
def test_what_a_partner_with_the_key_makes_by_hand_is_refused(
    asked: Partners, change: dict[str, object], said: str
) -> None:
    asked.operator.sends("ask.cse", asked.bank)
    forged(asked.bank, "ask.cse", change)
    told = asked.bank.refuses("answer", *ANSWER)
    assert said in told
    assert "\x1b" not in told


def test_a_value_that_is_asked_about_many_times_is_no_many(asked: Partners) -> None:
    asked.operator.sends("ask.cse", asked.bank)
    forged(asked.bank, "ask.cse", {}, b"x" * 32 * 40)
    assert "holds rows twice, or out of order" in asked.bank.refuses("answer", *ANSWER)


@pytest.mark.parametrize(
    "counts",
    [{}, {"card": 4}, {"card": 4, "phone": 21}, {"card": -3, "phone": 8}, {"card": "=1+1", "phone": 8}],
)
def test_counts_that_no_answer_can_have_are_refused(tmp_path: Path, counts: dict[str, object]) -> None:
    both = partners(tmp_path, agreement('answer = "count"\nmin_identifiers = 10'), 60, 40, 20, 8)
    both.operator.exchange("ask", "--job", "job.toml", "--out", "ask.cse")
    both.operator.sends("ask.cse", both.bank)
    both.bank.exchange("answer", *ANSWER)
    both.bank.sends("answer.cse", both.operator)
    forged(both.operator, "answer.cse", {"counts": counts})
    both.operator.refuses("read", "answer.cse", "--out", "m.csv")
    assert not (both.operator.home / "m.csv").exists()


def test_nothing_is_learned_before_the_ledger_has_it(tmp_path: Path) -> None:
    """An answer that can't be written leaves no feed behind."""
    both = partners(tmp_path, AGREED, 60, 40, 20, 8)
    both.operator.exchange("ask", "--job", "job.toml", "--out", "ask.cse")
    both.operator.sends("ask.cse", both.bank)
    home = both.bank.home
    (home / "there.cse").write_bytes(b"mine")
    for out in ("there.cse", "nowhere/a.cse", "a.txt"):
        arguments = ("ask.cse", "--job", "job.toml", "--out", out, "--feed", "matched.parquet")
        assert both.bank.tries("exchange", "answer", "agreement.toml", *arguments).code in (2, 3)
        assert not (home / "matched.parquet").exists()
    both.bank.exchange("answer", *ANSWER, "--feed", "matched.parquet")


@pytest.mark.parametrize(
    ("step", "out"),
    [
        (("answer", "ask.cse", "--job", "job.toml", "--out"), "ask.cse"),
        (("answer", "ask.cse", "--job", "job.toml", "--out", "a.cse", "--feed", "agreement.parquet"), ""),
        (("answer", "ask.cse", "--job", "job.toml", "--out", "a.cse", "--feed", "job.parquet"), ""),
        (("read", "ask.cse", "--out"), "exchange.csv"),
        (("ask", "--job", "job.toml", "--out"), "exchange.cse"),
    ],
)
def test_force_writes_over_nothing_that_is_read(asked: Partners, step: tuple[str, ...], out: str) -> None:
    asked.operator.sends("ask.cse", asked.bank)
    home = asked.bank.home
    before = {name: (home / name).read_bytes() for name in ("ask.cse", "agreement.toml", "job.toml", "exchange.key")}
    if out.startswith("exchange"):
        asked.bank.agree(AGREED.replace("exchange.key", out))
        shutil.copy(home / "exchange.key", home / out)
    name, *arguments = step
    done = asked.bank.tries("exchange", name, "agreement.toml", *arguments, *([out] if out else []), "--force")
    asked.bank.agree(AGREED)
    assert (done.code, "is what is read: name another file" in done.err) == (2, True), done.err
    assert before == {name: (home / name).read_bytes() for name in before}
