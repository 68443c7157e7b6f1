"""The demo's folder: accounts, feeds, jobs and the planted truth, as their owners would have them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import date, timedelta
from importlib import resources
from pathlib import Path

import polars as pl

from cardscreen.cli.demo.cases import CASES
from cardscreen.cli.demo.world import World
from cardscreen.foundation.errors import ConfigError
from cardscreen.foundation.files import sha256_of
from cardscreen.foundation.words import shown
from cardscreen.kinds.tokens import TokenKey

_MARKER = ".cardscreen-demo"
#: How long the operator and the bank have agreed to match their accounts.
_AGREED = timedelta(days=180)
_CUT_OFF = 0.6  # of a file's bytes
#: Fewer accounts than this, and the few that are planted of each sort are a large share of them.
_FEW = 10_000
_WIDER = """# The few that are planted of each sort are a large share of so few accounts: these are wider than usual.
source_share = 0.15
flagged_share = 0.25
exempted_share = 0.02
new_suspend = 0.01
released_share = 0.25
"""


def cleared(folder: Path, *, force: bool = False) -> Path:
    """The folder, empty but for a mark that it is the demo's.

    Args:
        folder: A folder to make, or an earlier demo's.
        force: Replace an earlier demo although somebody worked in it since, or it never came to its end.

    Raises:
        ConfigError: It holds something else than an earlier demo as that was left.
    """
    folder = folder.absolute()
    if folder.is_file():
        raise ConfigError(f"{folder} is a file: name a folder")
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARKER).is_file():
            raise ConfigError(f"{folder} is not empty and holds no earlier demo: name another folder")
        if not force and (others := _of_others(folder)):
            more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
            raise ConfigError(
                f"{folder} is not as the demo left it ({others[0]}{more}), and a new demo removes all that is there: "
                "name another folder, or say --force"
            )
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARKER).touch()
    return folder


def seal(folder: Path) -> None:
    """Keep what the demo has written, so that what others do there is seen."""
    (folder / _MARKER).write_text(json.dumps(_marks(folder), indent=0), encoding="utf-8")


def _of_others(folder: Path) -> list[str]:
    """What was added, changed or removed since the demo came to its end, each in words; the unfinished demo alone."""
    try:
        known = json.loads((folder / _MARKER).read_text("utf-8"))
    except ValueError:
        return ["it did not come to its end"]
    now = _marks(folder)
    words = {name: "added" if name not in known else "changed" for name in now if now[name] != known.get(name)}
    words |= {name: "removed" for name in known if name not in now}
    return [f"{shown(name)} was {word}" for name, word in sorted(words.items())]


def _marks(folder: Path) -> dict[str, str]:
    """Each file's digest, each link's target, and each empty folder."""
    marks = {}
    for each in sorted(folder.rglob("*")):
        name = str(each.relative_to(folder))
        if each.is_symlink():
            marks[name] = f"-> {each.readlink()}"
        elif each.is_file() and name != _MARKER:
            marks[name] = sha256_of(each)
        elif each.is_dir() and not any(each.iterdir()):
            marks[name] = "a folder"
    return marks


def write(world: World, folder: Path, days: tuple[date, date, date], accounts: int) -> None:
    """Everything but the store and the runs."""
    with resources.as_file(resources.files(__package__) / "files") as texts:
        shutil.copytree(texts, folder, dirs_exist_ok=True)
    for owner in ("operator", "bank"):
        (folder / owner / "accounts").mkdir()
        if accounts < _FEW:
            with (folder / owner / "job.toml").open("a", encoding="utf-8") as job:
                job.write(_WIDER)
    for day, subscribers, customers in zip(days, world.subscribers, world.customers, strict=True):
        subscribers.write_csv(folder / f"operator/accounts/{day}.csv")
        customers.write_parquet(folder / f"bank/accounts/{day}.parquet")
    words = pl.DataFrame({"words": [case.words for case in CASES]}).with_row_index("case")
    truth = world.truth.with_columns(pl.col("case").cast(pl.UInt32)).join(words, on="case", maintain_order="left")
    truth.select("account_id", case="words").write_csv(folder / "truth.csv")
    TokenKey.write_new(folder / "token.key")
    _agree(folder, days[-1])
    TokenKey.write_new(folder / "reports/reporters.key")
    world.reports.write_csv(folder / "reports/hotline.csv")
    (folder / "operator/clearances.csv").write_text("account_id,listing_id,decided_on,until,by,reason\n", "utf-8")
    for night, day in enumerate(days):
        _write_feeds(world, folder / f"feeds/{day}", night)


def _agree(folder: Path, day: date) -> None:
    """The agreement of the operator and the bank, and its key, of which each has a copy."""
    key = folder / "operator/exchange.key"
    TokenKey.write_new(key)
    shutil.copy(key, folder / "bank")  # its mode, too
    for owner in ("operator", "bank"):
        file = folder / owner / "agreement.toml"
        text = file.read_text(encoding="utf-8").replace("2000-01-31", f"{day + _AGREED}")
        file.write_text(text, encoding="utf-8")


def deliver(folder: Path, day: date) -> None:
    """Let a day's extracts be the ones that the jobs read."""
    for owner, suffix in (("operator", "csv"), ("bank", "parquet")):
        link = folder / owner / f"accounts/tonight.{suffix}"
        link.unlink(missing_ok=True)
        link.symlink_to(f"{day}.{suffix}")


def _write_feeds(world: World, folder: Path, night: int) -> None:
    """What the sources send for a night; on the second one, two of them blunder."""
    folder.mkdir()
    listings = world.listings.filter(pl.col("nights").list.get(min(night, 1)))
    theirs = {source: listings.filter(pl.col("source") == source) for source in _WRITTEN}
    for source, (suffix, written) in _WRITTEN.items():
        # The banks' list is late on the second night, and their desk had no new cases.
        if night != 1 or source in ("police", "regulator"):
            written(theirs[source], folder / f"{source}.{suffix}")
    if night == 1:
        whole = (folder / "police.csv").read_bytes()
        (folder / "police-cut-off.csv").write_bytes(whole[: int(len(whole) * _CUT_OFF)])
        _write_regulator(pl.concat([theirs["regulator"], world.mass]), folder / "regulator-mass-block.jsonl")


def _write_police(rows: pl.DataFrame, file: Path) -> None:
    """As the police send it: Chinese headings, GB18030, numbers as people write them."""
    national = pl.col("value").str.replace(r"^\+86(\d{3})(\d{4})(\d{4})$", "$1 $2 $3")
    text = rows.select(
        national.alias("号码"), pl.col("listed_on").alias("登记日期"), pl.col("reference").alias("案件编号")
    )
    file.write_bytes(text.write_csv().encode("gb18030"))


def _write_regulator(rows: pl.DataFrame, file: Path) -> None:
    rows.select("value", "list", "reason", "severity", "listed_on", "expires_on").write_ndjson(file)


def _write_cards(rows: pl.DataFrame, file: Path) -> None:
    rows.select(card="value", since="listed_on").write_csv(file)


_WRITTEN: dict[str, tuple[str, Callable[[pl.DataFrame, Path], None]]] = {
    "bank-association": ("csv", _write_cards),
    "fraud-desk": ("csv", _write_cards),
    "police": ("csv", _write_police),
    "regulator": ("jsonl", _write_regulator),
}
