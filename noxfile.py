"""What is to hold under other releases of Python and of the libraries, each in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import nox

# `python3.13` is to be any that pyenv has, and not only the one it is set to.
if pyenv := shutil.which("pyenv"):
    versions = subprocess.run([pyenv, "versions", "--bare"], capture_output=True, text=True, check=True).stdout.split()
    os.environ.setdefault("PYENV_VERSION", ":".join(reversed(versions)))
os.environ["UV_PYTHON_DOWNLOADS"] = "never"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["newest", "lowest"]
PYTHONS = [name for name in ("3.11", "3.12", "3.13", "3.14") if shutil.which(f"python{name}")]

EXTRAS = ".[database,exchange,iceberg]"
TOOLS = ("duckdb", "hypothesis", "pytest", "pytest-xdist")
RUN, IMPORTING = "tests/runs/test_run.py::test_", "tests/lists/test_importing.py::test_"
#: What other releases could change: frames, settings, files, databases, exchange, a store, a night.
TESTS = (
    "tests/exchange/test_rfc9497.py",
    "tests/foundation/test_config.py",
    "tests/tables/test_accounts_in_databases.py",
    "tests/tables/test_inputs.py",
    f"{IMPORTING}an_import_says_what_it_did_and_the_store_has_it",
    f"{IMPORTING}card_numbers_are_stored_as_tokens_and_the_import_needs_a_key",
    f"{IMPORTING}other_readers_find_whole_listings_in_the_stores_files",
    f"{IMPORTING}a_job_screens_against_the_store",
    f"{RUN}a_run_is_published_whole_with_a_manifest_of_all_its_files",
    f"{RUN}a_second_run_of_a_later_day_keeps_the_dates_of_the_first",
    f"{RUN}a_mass_block_list_on_the_second_night_is_held_and_latest_stays",
    f"{RUN}normalize_replaces_the_raw_column_and_keeps_the_others",
    f"{RUN}doctor_tells_versions_and_the_state_of_the_tables",
)
#: Modules in which a test is to notice every change, and the tests that are to.
MUTANTS = {
    "cardscreen/foundation/lookup/intervals.py": "tests/foundation/test_intervals.py",
    "cardscreen/kinds/phone/numbering/patterns.py": "tests/kinds/test_numbering_patterns.py",
    "cardscreen/policy/judging.py": "tests/policy/test_judging.py tests/policy/test_policy.py",
    "cardscreen/lists/store/merging.py": "tests/lists/test_merging.py",
    "cardscreen/runs/changes.py": "tests/runs/test_changes.py tests/runs/test_faults.py",
    "cardscreen/leads/reports/scoring.py": "tests/leads/test_reports.py",
}
#: One other operator in place of each is enough. Changes of annotations survive, since nothing runs them.
MUTATED = r"""
[cosmic-ray]
module-path = "{module}"
timeout = 120.0
excluded-modules = []
# Some changes make loops that never end, and lists that grow in them.
test-command = "sh -c 'ulimit -v 12000000; python -m pytest -n 0 -x -p no:cacheprovider {tests}'"
distributor.name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = [
    "core/ReplaceBinaryOperator_(?!BitAnd_BitOr|BitOr_BitAnd|Add_Sub|Sub_Add|Mul_Div|Div_Mul|LShift_RShift).*",
    "core/ReplaceComparisonOperator_(?!Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt|Eq_NotEq|NotEq_Eq|Is_IsNot|IsNot_Is|In_NotIn|NotIn_In).*",
    "core/ReplaceUnaryOperator_(?!USub_UAdd|Delete_.*).*",
]
"""
OF_SPARK = "every_kind or order_of_the_input or in_one_sentence or run_like_any_other"


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests."""
    session.install("-e", ".[dev]")
    session.run("pytest", *session.posargs)


@nox.session(python=PYTHONS[-1])
def newest(session: nox.Session) -> None:
    """The newest Python there is here, and the newest pandas, of which Spark's tests have an older one."""
    session.install("--upgrade", EXTRAS, "pandas>=3", *TOOLS)
    session.run("pytest", *(session.posargs or TESTS))


@nox.session(python=PYTHONS[0], venv_backend="uv")
def lowest(session: nox.Session) -> None:
    """The lowest versions that are asked for, which only uv finds."""
    session.install("--resolution", "lowest-direct", EXTRAS)
    session.install("pandas<3", *TOOLS)
    session.run("pytest", *(session.posargs or TESTS))


@nox.session(python=PYTHONS[0])
@nox.parametrize("pyspark", ["==4.0.0", ">=4.1,<5"], ids=["lowest", "newest"])
def spark(session: nox.Session, pyspark: str) -> None:
    """The lowest PySpark that is asked for, and the newest: half a gigabyte each, so by hand."""
    session.install("--upgrade", ".[spark]", f"pyspark[connect]{pyspark}", *TOOLS)
    left_open = ("-W", "ignore::pytest.PytestUnraisableExceptionWarning")  # sockets, by PySpark 4.0 itself
    session.run("pytest", *left_open, *(session.posargs or ("tests/screening/test_spark.py", "-k", OF_SPARK)))


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, and what is known to be unsafe."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("mypy")
    session.run("bandit", "-q", "-c", "pyproject.toml", "-r", "cardscreen", "benchmarks")


@nox.session
def coverage(session: nox.Session) -> None:
    """How much of the package all tests run, branch by branch, and that their order is no matter."""
    session.install("-e", ".[dev]", "pytest-randomly")
    session.run("pytest", "--cov", *session.posargs)


@nox.session
def mutants(session: nox.Session) -> None:
    """Changes of the modules that no test notices; a module takes up to an hour, so by hand."""
    session.install("-e", ".[dev]", "cosmic-ray")
    tree = Path(session.create_tmp()) / "tree"  # what is changed is a copy of what is committed
    shutil.rmtree(tree, ignore_errors=True)
    session.run("git", "clone", "--quiet", ".", str(tree), external=True)
    with session.chdir(tree):
        env = {"PYTHONPATH": "."}
        for module in session.posargs or MUTANTS:
            Path("mutants.toml").write_text(MUTATED.format(module=module, tests=f"{MUTANTS[module]} {module}"))
            record = f"{Path(module).stem}.sqlite"
            session.run("cosmic-ray", "init", "mutants.toml", record)
            session.run("cr-filter-operators", record, "mutants.toml")
            session.run("cosmic-ray", "exec", "mutants.toml", record, env=env)
            session.run("cr-report", "--surviving-only", "--show-diff", record)


@nox.session
def docs(session: nox.Session) -> None:
    """The pages as a site, without a warning."""
    session.install("-e", ".[dev,docs]")
    site = session.create_tmp()
    session.run("mkdocs", "build", "--strict", "--quiet", "--site-dir", site, env={"NO_MKDOCS_2_WARNING": "1"})
    session.run("pytest", "tests/test_site.py", env={"CARDSCREEN_SITE": site})
