"""The house: imports point one way, functions are short, public names are what they say, and start-up stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import cardscreen

PACKAGE = Path(cardscreen.__file__).parent
#: From the ground up: a module imports only from its own room and from those before it.
ROOMS = [
    "foundation",
    "tables",
    "kinds",
    "lists",
    "policy",
    "screening",
    "spark",
    "reporting",
    "runs",
    "leads",
    "exchange",
    "review",
    "cli",
]


def imported(file: Path) -> set[str]:
    """The dotted names of ours that a file imports, wherever in it."""
    found = set[str]()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cardscreen"):
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.startswith("cardscreen."))
    return found


def test_rooms_import_only_from_those_before_them() -> None:
    wrong = []
    for file in PACKAGE.rglob("*.py"):
        room = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if room != "__init__":
            rooms, later = {name.split(".")[1] for name in imported(file)}, ROOMS[ROOMS.index(room) + 1 :]
            wrong += [f"{file.relative_to(PACKAGE)}: {other}" for other in rooms if other in later]
            assert rooms <= set(ROOMS), file
    assert wrong == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    modules = {
        ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): file
        for file in PACKAGE.rglob("*.py")
    }
    needed = {
        module: {name if name in modules else name.rpartition(".")[0] for name in imported(file)}
        for module, file in modules.items()
    }
    TopologicalSorter(needed).prepare()  # raises and names the circle


def test_no_folder_holds_more_than_fourteen_things_of_which_each_says_its_job() -> None:
    for folder in [PACKAGE, *(each.parent for each in PACKAGE.rglob("__init__.py"))]:
        entries = [each for each in folder.iterdir() if each.name != "__pycache__" and each.suffix in ("", ".py")]
        assert len(entries) <= 14, folder
    for file in PACKAGE.rglob("*.py"):
        assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))), f"{file} has no docstring"


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """How many lines a function has, without its signature and docstring."""
    told = ast.get_docstring(function) is not None and len(function.body) > 1
    begin = function.body[0].end_lineno if told else function.body[0].lineno - 1
    return (function.end_lineno or 0) - (begin or 0)


def test_no_function_has_more_than_sixty_lines() -> None:
    long = [
        f"{file.relative_to(PACKAGE)}: {node.name}"
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and lines_of(node) > 60
    ]
    assert long == []


def test_public_names_are_sorted_and_all_there() -> None:
    assert cardscreen.__all__ == sorted(cardscreen.__all__)
    for name in cardscreen.__all__:
        thing = getattr(cardscreen, name)
        if name != "__version__":
            assert thing.__doc__, f"{name} has no docstring"
            assert thing.__module__.startswith("cardscreen.")


def test_importing_the_library_loads_no_optional_or_command_line_package() -> None:
    packages = "('pyspark', 'pandas', 'typer', 'rich', 'deltalake', 'numba')"
    code = (
        f"import sys; from cardscreen import screen, spark; print([name for name in {packages} if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_reading_numbers_loads_nothing_that_only_settings_need_and_compiles_nothing_before_a_cell_comes() -> None:
    code = (
        "import sys, cardscreen as cs; cs.phone, cs.wallet, cs.Phone; "
        "print([name for name in ('pydantic', 'numba') if name in sys.modules])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_command_lines_help_loads_no_heavy_package() -> None:
    packages = "('polars', 'numpy', 'pydantic', 'phonenumbers')"
    code = f"import sys, cardscreen.cli.app; print([name for name in {packages} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
