"""The house: imports point one way, public names are what they say, and start-up stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import cardscreen

PACKAGE = Path(cardscreen.__file__).parent
#: From the ground up: a module may import only modules before it.
ORDER = [
    *("words", "errors", "bounds", "apart", "toml_lines", "complaints", "config", "zones", "schema", "terms"),
    *("files", "cache", "allowance", "digits", "members", "index", "intervals"),
    *("luhn", "truncated", "prefixes", "schemes", "pans_in_text"),
    *("cleaning", "languages", "readings", "foreign_lines", "encodings"),
    *("frames", "footers", "paths", "partitions", "remote", "reading", "sources", "tables", "days"),
    *("secret", "signing", "chain", "sealed", "tokens", "numbering", "splitting"),
    *("keys", "forms", "phone_forms", "codes", "addresses"),
    *("phones", "samples"),
    *("pan_forms", "pan_groups", "pans", "issuers", "cards", "wallets"),
    *("identifiers", "compiled", "listings", "matching", "rules", "clearances", "policy"),
    *(
        "accounts",
        "exposure",
        "rejects",
        "scanning",
        "findings",
        "judging",
        "screening",
        "bundle",
        "batches",
        "spark",
        "base",
        "causes",
        "changes",
        "brakes",
    ),
    *(
        "merging",
        "store_files",
        "store",
        "job",
        "runs",
        "notices",
        "redating",
        "manifest",
        "comparable",
        "engines",
        "run",
    ),
    *("feeds", "presets", "service_numbers", "feed_checks", "importing", "inspecting", "edits", "upkeep"),
    *("finished", "integrity", "deciding", "retention", "overview"),
    *("upgrading", "kept", "judgement", "story", "telling", "replaying", "auditing", "comparing"),
    *("normalize", "doctor", "starter", "metrics", "talk", "manners", "show", "demo"),
    *("list_commands", "policy_text", "policy_commands", "run_commands", "cli"),
]


def imported_modules(file: Path) -> set[str]:
    """First-level modules of the package that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cardscreen"):
            parts = (node.module or "").split(".")
            found.update([parts[1]] if len(parts) > 1 else [alias.name for alias in node.names])
        elif isinstance(node, ast.Import):
            found.update(alias.name.split(".")[1] for alias in node.names if alias.name.startswith("cardscreen."))
    return found


def module_of(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_imports_point_up_the_list_only() -> None:
    wrong = []
    for file in PACKAGE.rglob("*.py"):
        module = module_of(file)
        if module == "__init__":
            continue
        assert module in ORDER, f"{module} has no place in the order"
        others = imported_modules(file) - {module}
        wrong += [f"{module} imports {other}" for other in others if ORDER.index(other) > ORDER.index(module)]
    assert wrong == []


def test_public_names_are_sorted_and_all_there() -> None:
    assert cardscreen.__all__ == sorted(cardscreen.__all__)
    for name in cardscreen.__all__:
        thing = getattr(cardscreen, name)
        assert thing.__doc__, f"{name} has no docstring"
        assert thing.__module__.startswith("cardscreen.")


def test_importing_the_library_loads_no_optional_or_command_line_package() -> None:
    packages = "('pyspark', 'pandas', 'typer', 'rich', 'deltalake')"
    code = (
        f"import sys; from cardscreen import screen, spark; print([name for name in {packages} if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_command_lines_help_loads_no_heavy_package() -> None:
    packages = "('polars', 'numpy', 'pydantic', 'phonenumbers')"
    code = f"import sys, cardscreen.cli; print([name for name in {packages} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
