"""Two institutions match their accounts, by keyed and by oblivious tokens, through the command line.

    python benchmarks/exchange.py                   # a bank of 200,000 accounts and an operator of 300,000
    python benchmarks/exchange.py --banks 2000000   # blinding a base ten times as large, in requests as large as before

Each has a phone and a card number an account; the bank writes them in other forms. The operator lists 100,000 phone
numbers of its accounts, of which the bank knows 20,000. Seconds are wall time; values a second and core are by the
processor time of all processes of a step, reading the accounts and starting up included; the peak of memory is that of
its largest process. The peer is the library `voprf` itself, one value at a time, on one thread of this process.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from voprf import ristretto

from cardscreen.foundation.cards.luhn import luhn_ok

JOB = """
timezone = "UTC"
[accounts]
path = "accounts.parquet"
[identifiers]
mobile = { kind = "phone", region = "CN" }
card_no = { kind = "card" }
[blocklist]
store = "lists"
[tokens]
key_file = "tokens.key"
[output]
report = false
[limits]
first_run = "publish"
flagged_share = 1
source_share = 1
"""
POLICE = 'source = "police"\nkind = "phone"\nregion = "CN"\nseverity = 80\n[columns]\nvalue = "number"\n'
AGREEMENT = """
id = "operator/bank"
asker = "operator"
answerer = "bank"
purpose = "a benchmark"
legal_basis = "none is needed"
kinds = ["phone", "card"]
valid_until = 2099-12-31
max_identifiers = 400000
max_per_day = 100000000
key = { file = "exchange.key" }
"""
OPRF = 'method = "oprf"\nholder = "operator"\n'
_PEER = 2_000  # values


def cards(bodies: pl.Series) -> pl.Series:
    """Sixteen digits that pass Luhn, of fifteen."""
    tries = [pl.when(luhn_ok(pl.col("b") * 10 + digit)).then(pl.col("b") * 10 + digit) for digit in range(10)]
    return pl.DataFrame({"b": bodies}).select(pl.coalesce(tries).cast(pl.String)).to_series()


def phones(first: int, count: int) -> pl.Series:
    """National mobile numbers, one after another."""
    return pl.int_range(first, first + count, eager=True).cast(pl.String)


@dataclass(frozen=True)
class Side:
    """An institution's folder."""

    home: Path

    def found(self, accounts: pl.DataFrame, method: str) -> Side:
        """Make it."""
        self.home.mkdir()
        accounts.write_parquet(self.home / "accounts.parquet")
        texts = {"job.toml": JOB, "agreement.toml": AGREEMENT + method, "police.toml": POLICE}
        for name, text in texts.items():
            (self.home / name).write_text(text, encoding="utf-8")
        for name, key in (("exchange.key", "e" * 64), ("tokens.key", self.home.name[0] * 64)):
            (self.home / name).write_text(key, encoding="utf-8")
            (self.home / name).chmod(0o600)
        return self

    def does(self, *arguments: str) -> tuple[dict[str, Any], float, float, int]:
        """What a command says as JSON; its seconds, seconds of all processors, and peak of memory in MiB."""
        begun = time.perf_counter()
        command = [sys.executable, "-m", "cardscreen.cli", *arguments]
        with subprocess.Popen(command, cwd=self.home, stdout=subprocess.PIPE, text=True) as running:
            assert running.stdout is not None
            said = running.stdout.read()
            _, code, used = os.wait4(running.pid, 0)
            running.returncode = os.waitstatus_to_exitcode(code)
        if running.returncode:
            sys.exit(f"{' '.join(arguments)} ended with exit code {running.returncode}")
        told = json.loads(said) if "--json" in arguments else {}
        return told, time.perf_counter() - begun, used.ru_utime + used.ru_stime, used.ru_maxrss // 1024

    def step(self, name: str, *arguments: str, values: str = "") -> dict[str, Any]:
        """A step of the exchange, told in a line."""
        told, seconds, used, peak = self.does("exchange", name, "agreement.toml", *arguments, "--json")
        count = told.get(values, 0)
        count = sum(count.values()) if isinstance(count, dict) else count
        rate = f"{count / used:9,.0f} a second and core" if count else ""
        print(f"  {self.home.name:9} {name:9} {seconds:6.1f} s {peak:7,} MiB {count:10,} values {rate}")
        return told


def worlds(folder: Path, operators: int, banks: int, listed: int, shared: int, method: str) -> tuple[Side, Side]:
    """Operator and bank: the first `shared` numbers of the bank are listed by the operator."""
    of_operator = pl.DataFrame(
        {
            "account_id": pl.int_range(operators, eager=True),
            "mobile": phones(13_000_000_000, operators),
            "card_no": cards(pl.int_range(622_202_000_000_000, 622_202_000_000_000 + operators, eager=True)),
        }
    )
    mobile = pl.concat([of_operator["mobile"][:shared], phones(15_000_000_000, banks - shared)])
    of_bank = pl.DataFrame(
        {
            "account_id": pl.int_range(banks, eager=True),
            "mobile": "+86 " + mobile.str.slice(0, 3) + " " + mobile.str.slice(3, 4) + " " + mobile.str.slice(7),
            "card_no": cards(pl.int_range(622_848_000_000_000, 622_848_000_000_000 + banks, eager=True)),
        }
    )
    operator = Side(folder / "operator").found(of_operator, method)
    bank = Side(folder / "bank").found(of_bank, method)
    of_operator.head(listed).select(number="mobile").write_csv(operator.home / "police.csv")
    operator.does("list", "import", "police.csv", "--feed", "police.toml", "--store", "lists")
    operator.does("run", "job.toml")
    return operator, bank


def sent(letter: str, one: Side, other: Side) -> None:
    """Hand a letter over."""
    (other.home / letter).write_bytes((one.home / letter).read_bytes())


def keyed(operator: Side, bank: Side) -> int:
    """The matches of keyed tokens."""
    operator.step("ask", "--job", "job.toml", "--out", "ask.cse", values="identifiers")
    sent("ask.cse", operator, bank)
    bank.step("answer", "ask.cse", "--job", "job.toml", "--out", "answer.cse", values="asked")
    sent("answer.cse", bank, operator)
    operator.step("read", "answer.cse", "--out", "matches.parquet", values="matches")
    return len(pl.read_parquet(operator.home / "matches.parquet"))


def oblivious(operator: Side, bank: Side) -> int:
    """The matches of oblivious tokens."""
    operator.step("offer", "--store", "lists", "--out", "offer.cse", values="identifiers")
    bank.step("blind", "--job", "job.toml", "--out", "blinded.cse", values="identifiers")
    sent("offer.cse", operator, bank)
    sent("blinded.cse", bank, operator)
    operator.step("evaluate", "blinded.cse", "--out", "evaluated.cse", values="asked")
    sent("evaluated.cse", operator, bank)
    bank.step("finish", "evaluated.cse", "offer.cse", "--out", "matches.parquet", values="compared")
    return len(pl.read_parquet(bank.home / "matches.parquet"))


def peer() -> None:
    """The library's own steps, a value at a time."""
    evaluator, values = ristretto.Evaluator(secrets.token_bytes(32)), [b"phone:%d" % at for at in range(_PEER)]

    def timed(name: str, work: Callable[[], list[Any]]) -> list[Any]:
        begun = time.perf_counter()
        done = work()
        rate = _PEER / (time.perf_counter() - begun)
        print(f"  voprf     {name:9} {rate:43,.0f} a second and core")
        return done

    timed("offer", lambda: [evaluator.evaluate_known_input(value) for value in values])
    asked = timed("blind", lambda: [ristretto.Client.blind(value) for value in values])
    done = timed("evaluate", lambda: [evaluator.evaluate(element) for _, element in asked])
    key = evaluator.public_key
    timed("finish", lambda: [client.finalize(out, key) for (client, _), out in zip(asked, done, strict=True)])


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--operators", type=int, default=300_000)
    options.add_argument("--banks", type=int, default=200_000)
    said = options.parse_args()
    listed, shared = said.operators // 3, min(said.operators, said.banks) // 10
    right = True
    for name, method, play in (("keyed tokens", "", keyed), ("oblivious tokens", OPRF, oblivious)):
        with tempfile.TemporaryDirectory() as folder:
            operator, bank = worlds(Path(folder), said.operators, said.banks, listed, shared, method)
            print(f"{name}: an operator of {said.operators:,} accounts, a bank of {said.banks:,}")
            found = play(operator, bank)
            whole = min(1, 400_000 / (2 * said.banks)) if method else 1
            exact = found == shared if whole == 1 else 0 < found < shared
            right &= exact
            print(f"  {found:,} matches{'' if exact else ', WHICH IS WRONG'}")
    peer()
    sys.exit(not right)


if __name__ == "__main__":
    main()
