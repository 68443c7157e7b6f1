"""What is said of a policy that makes no sense: in plain words, with the line, and everything at once."""

from __future__ import annotations

import pickle
import re
import tomllib
from pathlib import Path

import pytest

import cardscreen as cs


def written(folder: Path, settings: str) -> Path:
    path = folder / "policy.toml"
    path.write_text(settings, encoding="utf-8")
    return path


MISTAKES = [
    pytest.param("[levels]\nhihg = 60", 2, "unknown key 'levels.hihg' (did you mean 'high'?)", id="misspelt-level"),
    pytest.param("[cap]\nrange = 'none'", 1, "unknown key 'cap' (did you mean 'caps'?)", id="misspelt-table"),
    pytest.param(
        "[grace_days]\n\nsuspnd = 1", 3, "'grace_days.suspnd' (did you mean 'suspend'?)", id="misspelt-action"
    ),
    pytest.param("caps.shared_abov = 1", 1, "did you mean 'shared_above'", id="misspelt-cap"),
    pytest.param("[sources.police]\ncapp = 'none'", 2, "did you mean 'cap'", id="misspelt-source-key"),
    pytest.param(
        "[[rules]]\nscore = 1\nscor = 1\nwhen.kind = 'card'", 3, "did you mean 'score'", id="misspelt-rule-key"
    ),
    pytest.param(
        "[[rules]]\nscore = 1\nwhen = {sorce = 'x'}",
        3,
        "rule 1: when.sorce: a rule can't look at 'sorce' (did you mean 'source'?): it can at kind, source, reason, "
        "match, holder, issuer, issuer_country, funding, phone_type, phone_region and account.<carried column>",
        id="condition",
    ),
    pytest.param(
        "[[rules]]\nscore = 1\n[rules.when]\naccount.segment = 'x'",
        4,
        """rule 1: when.account: write the column in quotes, as "account.segment" = …""",
        id="column-without-quotes",
    ),
    pytest.param("# none\n[[rules]]\nscore = 1", 2, "'rule 1: when' is missing", id="rule-without-condition"),
    pytest.param(
        "[[rules]]\ncap = 'none'\nwhen = {}",
        3,
        "rule 1: when must be a table with at least one key, not an empty table",
        id="rule-with-no-condition",
    ),
    pytest.param("rules = 5", 1, "rules must be a list of tables, each headed by [[rules]], not 5", id="rules-no-list"),
    pytest.param("[rules]\nscore = 1", 1, "each headed by [[rules]], not a table", id="one-table-of-rules"),
    pytest.param(
        "[[rules]]\nscore = 1\nwhen = { source = 5 }",
        3,
        "rule 1: when.source must be text or a list of text, not 5",
        id="condition-of-another-type",
    ),
    pytest.param(
        "[[rules]]\nscore = 1\nwhen.source = [\n'a',\n5,\n]",
        5,
        "rule 1: when.source 2 must be text, not 5",
        id="one-value-of-another-type",
    ),
    pytest.param(
        "[[rules]]\nwhen.kind = 'card'\nscore = 'high'",
        3,
        """rule 1: score must be a whole number from 1 to 100, not "high\"""",
        id="score-as-text",
    ),
    pytest.param("[[rules]]\nwhen.kind = 'card'\nscore = 0", 3, "a whole number from 1 to 100, not 0", id="score-zero"),
    pytest.param(
        "[[rules]]\nwhen.kind = 'card'\nscore = 9.0", 3, "a whole number from 1 to 100, not 9.0", id="fraction"
    ),
    pytest.param(
        "[[rules]]\nwhen.kind = 'card'\nmeasure_only = 1", 3, "must be true or false, not 1", id="measure-only"
    ),
    pytest.param(
        "[[rules]]\nscore = 1\nwhen.match = 'exakt'",
        3,
        """rule 1: when.match is never "exakt" (did you mean 'exact'?): it is exact, range, truncated or token""",
        id="match-that-is-none",
    ),
    pytest.param(
        "[[rules]]\nscore = 1\nwhen.holder = [\n'same',\n'former'\n]",
        5,
        """rule 1: when.holder 2 is never "former": it is same, earlier or unknown""",
        id="holder-that-is-none",
    ),
    pytest.param(
        "[[rules]]\nscore = 1\nwhen.kind = 'cards'", 3, "(did you mean 'card'?): it is phone, card", id="kind"
    ),
    pytest.param(
        "[[rules]]\nscore = 1\nwhen.source = []",
        3,
        "rule 1: when.source is an empty list, and no hit matches it: name at least one value",
        id="no-values",
    ),
    pytest.param(
        "\n[[rules]]\nwhen.kind = 'card'\nmeasure_only = false",
        2,
        "rule 1 changes nothing: give it a score, a cap or measure_only = true",
        id="rule-without-effect",
    ),
    pytest.param(
        "[[rules]]\nwhen.kind = 'card'\nscore = 1\n[[rules]]\nwhen = {kind = 'card', source = 'police'}\nscore = 2",
        4,
        "rule 2 never applies: rule 1 (line 1) comes first and matches all that it matches",
        id="unreachable-rule",
    ),
    pytest.param(
        "[levels]\nlow = 50", 1, "levels must rise from low to critical, not 50, 40, 70, 90", id="levels-fall"
    ),
    pytest.param("[levels]\nhigh = 95", 1, "levels must rise from low to critical", id="high-past-critical"),
    pytest.param("[levels]\nlow = 0", 2, "levels.low must be a whole number from 1 to 100, not 0", id="level-zero"),
    pytest.param("[levels]\ncritical = 101", 2, "levels.critical", id="level-past-100"),
    pytest.param("[levels]\nlow = '1'", 2, "levels.low", id="level-as-text"),
    pytest.param(
        "[levels]\nlow = true", 2, "levels.low must be a whole number from 1 to 100, not true", id="level-as-truth"
    ),
    pytest.param("levels = 70", 1, "levels must be a table, not 70", id="levels-as-a-number"),
    pytest.param(
        "[actions]\nlow = 'warn'",
        2,
        """actions.low must be one of "none", "notify", "verify", "suspend" or "close", not "warn\"""",
        id="unknown-action",
    ),
    pytest.param("[actions]\nlow = 'Notify'", 2, "(did you mean 'notify'?)", id="action-in-capitals"),
    pytest.param(
        "[actions]\ncritical = 'notify'",
        1,
        "actions must not fall from low to critical: critical recommends notify, which is weaker than suspend for high",
        id="actions-fall",
    ),
    pytest.param(
        "[grace_days]\nnotify = -1", 2, "grace_days.notify must be a whole number from 0 to 3650, not -1", id="grace"
    ),
    pytest.param(
        "[grace_days]\nclose = 9999999", 2, "grace_days.close must be a whole number from 0 to 3650", id="long-grace"
    ),
    pytest.param(
        "[caps]\nshared_above = 0", 2, "caps.shared_above must be a whole number of 1 or more", id="shared-above-0"
    ),
    pytest.param("[sources]\npolice = 'none'", 2, 'sources.police must be a table, not "none"', id="source-as-text"),
    pytest.param(
        "[clearances]\nfile = ''", 2, 'clearances.file must be text, and not empty, not ""', id="no-file-name"
    ),
    pytest.param(
        "\n[clearances]\nfil = 'x'", 3, "unknown key 'clearances.fil' (did you mean 'file'?)", id="misspelt-file"
    ),
    pytest.param("\n[clearances]", 2, "'clearances.file' is missing", id="clearances-without-file"),
    pytest.param("\nlevels", 2, "this is not TOML", id="no-toml"),
    pytest.param("levels = {}\n[levels]", 2, "this is not TOML", id="table-twice"),
]


@pytest.mark.parametrize(("settings", "line", "words"), MISTAKES)
def test_a_mistake_in_a_policy_file_is_told_with_its_line(tmp_path: Path, settings: str, line: int, words: str) -> None:
    path = written(tmp_path, settings)
    with pytest.raises(cs.ConfigError) as caught:
        cs.Policy.read(path)
    said = str(caught.value)
    assert said.startswith(f"{path}, line {line}: ")
    assert words in said
    assert said.count("\n") == 0


@pytest.mark.parametrize(("settings", "line", "words"), MISTAKES[:-2])
def test_a_mistake_in_a_policy_made_in_code_is_told_without_a_line(settings: str, line: int, words: str) -> None:
    with pytest.raises(cs.ConfigError) as caught:
        cs.Policy(**tomllib.loads(settings))
    assert str(caught.value).startswith("policy: ")
    assert words.replace(" (line 1)", "") in str(caught.value)


def test_all_mistakes_are_told_at_once_each_in_its_line(tmp_path: Path) -> None:
    settings = "[levels]\nhihg = 60\n[actions]\nsuspnd = 'none'\n[[rules]]\nwhen.kind = 'x'\n[[rules]]\ncap = 5\n"
    with pytest.raises(cs.ConfigError) as caught:
        cs.Policy.read(written(tmp_path, settings))
    lines = str(caught.value).split("\n")
    assert [int(line.split("line ")[1].split(":")[0]) for line in lines] == [2, 4, 6, 7, 8]


def test_every_rule_that_never_applies_is_told_with_the_first_that_hides_it(tmp_path: Path) -> None:
    conditions = ["source = ['a', 'b']", "kind = 'card'", "source = 'b'", "kind = 'card'\nsource = 'c'", "source = 'c'"]
    settings = "\n".join(f"[[rules]]\nscore = 1\n[rules.when]\n{each}" for each in conditions)
    with pytest.raises(cs.ConfigError) as caught:
        cs.Policy.read(written(tmp_path, settings))
    told = [line.split(": ", 1)[1].split(" comes")[0] for line in str(caught.value).split("\n")]
    assert told == ["rule 3 never applies: rule 1 (line 1)", "rule 4 never applies: rule 2 (line 5)"]


def test_a_rule_that_asks_an_account_for_the_same_in_another_spelling_never_applies() -> None:
    rules = [{"when": {"account.segment": spelt}, "cap": "none"} for spelt in (["Hospital", "school"], "hospital ")]
    with pytest.raises(cs.ConfigError, match="rule 2 never applies: rule 1 comes first"):
        cs.Policy(rules=rules)  # type: ignore[arg-type]
    assert cs.Policy(rules=[{"when": {"source": spelt}, "cap": "none"} for spelt in ("Police", "police")]).rules


def test_a_mistake_never_shows_a_number(tmp_path: Path) -> None:
    settings = '[levels]\nhigh = 4111111111111111\nlow = "13800138000"\n"4111111111111111" = 1\n'
    with pytest.raises(cs.ConfigError) as caught:
        cs.Policy.read(written(tmp_path, settings))
    for told in (str(caught.value), repr(caught.value)):
        assert not re.search(r"4111111111111111|13800138000", told)


def test_a_wrong_policy_survives_pickling() -> None:
    with pytest.raises(cs.ConfigError) as caught:
        cs.Policy(levels={"hihg": 60})  # type: ignore[typeddict-unknown-key]
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_policy_made_in_code_is_checked_alike() -> None:
    with pytest.raises(cs.ConfigError, match="did you mean 'high'"):
        cs.Policy(levels={"hihg": 60})  # type: ignore[typeddict-unknown-key]
    assert cs.Policy(levels={"high": 60}).levels.high == 60
