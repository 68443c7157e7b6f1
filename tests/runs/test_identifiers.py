"""What a run's tables hold of identifiers: masks, tokens, or nothing; and never two of these of one number."""

from __future__ import annotations

import json
import re
from pathlib import Path
from unittest import mock

import polars as pl
import pytest
from commands import Done, cardscreen
from partners import JOB, pan

KEY = "5" * 64
PANS = [pan(number) for number in range(6)]
PHONES = [f"138{number + 10_000_000}" for number in range(6)]
FEED = """
source = "police"
severity = 90
region = "CN"
columns = { value = "value", kind = "kind", listed_on = "listed_on" }
"""


class World:
    """One operator, its lists in a plain file, and a job that says how identifiers are shown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "tokens.key").write_text(KEY, encoding="utf-8")
        (folder / "tokens.key").chmod(0o600)
        self.accounts([f"A{number}" for number in range(6)])
        self.listed(PHONES[:2], PANS[1:3], "2026-11-19")

    def accounts(self, ids: list[str]) -> None:
        table = pl.DataFrame({"account_id": ids, "mobile": PHONES[: len(ids)], "card_no": PANS[: len(ids)]})
        table.write_csv(self.folder / "accounts.csv")

    def listed(self, phones: list[str], pans: list[str], day: str) -> None:
        rows = [("phone", each) for each in phones] + [("card", each) for each in pans]
        days = [("2026-01-01",)] * len(rows)
        table = pl.DataFrame(
            [(*row, *day) for row, day in zip(rows, days, strict=True)],
            schema=["kind", "value", "listed_on"],
            orient="row",
        )
        table.write_csv(self.folder / "list.csv")
        (self.folder / "feed.toml").write_text(FEED, encoding="utf-8")
        allow = ("--allow", "shrink", "--allow", "grow")
        more = ("--key-file", "tokens.key", "--as-of", day)
        self.does("list", "import", "list.csv", "--feed", "feed.toml", "--store", "lists", *allow, *more)

    def night(self, shown: str, day: str, *more: str) -> Path:
        output = f'[output]\nidentifiers = "{shown}"\n'
        limits = "released_share = 1\nnew_suspend = 1\nnew_close = 1\naccounts_shrink = 1\nflagged_gone_share = 1\n"
        text = JOB.replace("[output]\nreport = false\n", output) + limits + "coverage_drop = 1\n"
        (self.folder / "job.toml").write_text(text, encoding="utf-8")
        # Named by its day, so that none waits for the next second.
        run_id = f"{day.replace('-', '')}T023456Z"
        with mock.patch("cardscreen.runs.folder.new_id", return_value=run_id):
            self.does("run", "job.toml", "--as-of", day, "--allow-future", *more)
        return (self.folder / "runs" / "latest").resolve()

    def does(self, *arguments: object) -> Done:
        done = cardscreen(*arguments, cwd=self.folder)
        assert done.code == 0, done.err
        return done


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def values(run: Path, name: str = "hits") -> list[str]:
    return pl.read_parquet(run / f"{name}.parquet")["value"].to_list()


def text_of(run: Path) -> str:
    """All that a run's folder says, tables included."""
    parts = []
    for file in sorted(each for each in run.rglob("*") if each.is_file()):
        if file.suffix == ".parquet":
            parts.append(str(pl.read_parquet(file).rows()))
        else:
            parts.append(file.read_bytes().decode("utf-8", "replace"))
    return "\n".join(parts)


MASKS = [f"{each[:6]}******{each[-4:]}" for each in PANS]


def test_masks_are_what_a_run_shows_unasked(world: World) -> None:
    run = world.night("masked", "2026-11-20")
    assert {MASKS[1], MASKS[2]} < {*values(run)}
    assert json.loads((run / "manifest.json").read_text(encoding="utf-8"))["shown"] == "masked"


def test_with_tokens_no_mask_and_no_number_stands_in_a_runs_folder(world: World) -> None:
    run = world.night("token", "2026-11-20")
    assert all(each.startswith(run_key(run)) for each in values(run))
    told = text_of(run)
    assert [each for each in (*PANS, *PHONES, *MASKS) if each in told] == []
    assert [each for each in PANS if f"{each[:6]}****{each[-4:]}" in told] == []
    assert pl.read_parquet(run / "flagged.parquet").height == 3
    world.does("audit", "runs/latest")
    world.does("audit", "runs/latest", "--replay")
    world.does("report", "runs/latest", "--out", "page.html")


def run_key(run: Path) -> str:
    shown = json.loads((run / "manifest.json").read_text(encoding="utf-8"))["shown"]
    return str(shown).removeprefix("token ")


def ends_in(last_four: str, told: str) -> bool:
    """Whether these digits stand alone, or behind a mask; not by chance within a digest, a time or a fraction."""
    return re.search(rf"(?<![\w.:+-]){last_four}(?!\w)", told) is not None


def test_with_none_nothing_of_an_identifier_stands_in_a_runs_folder(world: World) -> None:
    run = world.night("none", "2026-11-20")
    assert {*values(run)} == {"…"}
    told = text_of(run)
    assert [each for each in (*PANS, *PHONES, *MASKS) if each in told or ends_in(each[-4:], told)] == []
    assert pl.read_parquet(run / "flagged.parquet").height == 3
    world.does("audit", "runs/latest", "--replay")


@pytest.mark.parametrize("shown", ["masked", "token", "none"])
def test_the_nights_say_the_same_of_what_changed(world: World, shown: str) -> None:
    world.night(shown, "2026-11-20")
    world.listed(PHONES[1:3], PANS[1:3], "2026-11-21")
    run = world.night(shown, "2026-11-21")
    changes = pl.read_parquet(run / "changes.parquet").select("account_id", "change", "cause").sort("account_id")
    assert changes.select(pl.all().cast(pl.String)).rows() == [
        ("A0", "released", "listing_ended"),
        ("A1", "unchanged", None),
        ("A2", "unchanged", None),
    ]


@pytest.mark.parametrize(("before", "after"), [("masked", "token"), ("token", "masked"), ("none", "token")])
def test_another_way_of_showing_changes_no_flag_and_brings_no_mask_beside_a_token(
    world: World, before: str, after: str
) -> None:
    world.night(before, "2026-11-20")
    world.accounts([f"A{number}" for number in range(6) if number != 1])  # A1 is gone, and carried along
    table = pl.DataFrame({"account_id": ["A0", "A2"], "mobile": [PHONES[0], PHONES[2]], "card_no": [PANS[0], PANS[2]]})
    table.write_csv(world.folder / "accounts.csv")
    run = world.night(after, "2026-11-21")
    changes = pl.read_parquet(run / "changes.parquet").select("account_id", "change").sort("account_id")
    assert changes.select(pl.all().cast(pl.String)).rows() == [
        ("A0", "unchanged"),
        ("A1", "carried"),
        ("A2", "unchanged"),
    ]
    assert {*values(run, "carried")} == {"…"}
    third = world.night(after, "2026-11-22")
    assert {*values(third, "carried")} == {"…"}
    world.does("audit", "runs/latest", "--replay")


def test_who_has_a_number_can_be_asked_of_tokens_and_not_of_nothing(world: World) -> None:
    world.night("token", "2026-11-20")
    told = world.does("explain", "--card", PANS[1], "--run", "runs/latest").out
    assert "A1" in told
    assert PANS[1] not in told
    world.night("none", "2026-11-21")
    done = cardscreen("explain", "--card", PANS[1], "--run", "runs/latest", cwd=world.folder)
    assert (done.code, "holds no identifiers" in done.err) == (3, True), done
    assert "A1" in world.does("check", "card", PANS[1], "--run", "runs/latest").out
    assert "A1" in world.does("explain", "A1", "--run", "runs/latest").out


def test_tokens_need_a_key(world: World) -> None:
    text = JOB.replace("[output]\nreport = false", '[output]\nidentifiers = "token"')
    (world.folder / "job.toml").write_text(text.replace('[tokens]\nkey_file = "tokens.key"\n', ""), encoding="utf-8")
    done = cardscreen("run", "job.toml", cwd=world.folder)
    assert (done.code, "say where one is, under [tokens]" in done.err) == (2, True), done.err
