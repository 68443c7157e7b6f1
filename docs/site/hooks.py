"""What MkDocs is told of these pages: those that are made from the code, and those that lie beside docs/."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import relpath
from typing import Any

from mkdocs.structure.files import File, Files
from reference import pages

ROOT = Path(__file__).parents[2]
BESIDE = ("SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md")


def on_config(config: Any) -> Any:
    """Add the decisions to the navigation."""
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    config.nav.append({"Decisions": [f"decisions/{file.name}" for file in decisions]})
    return config


def on_files(files: Files, config: Any) -> Files:
    """Add the generated pages, and those of the repository's first folder."""
    for name, text in pages().items():
        files.append(File.generated(config, name, content=text))
    for name in BESIDE:
        text = (ROOT / name).read_text("utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Let links to what lies beside docs/ lead to its page here."""
    here = str(Path(page.file.src_uri).parent)

    def linked(found: re.Match[str]) -> str:
        return f"]({relpath(found[1], here)}"

    return re.sub(rf"\]\((?:\.\./)+({'|'.join(map(re.escape, BESIDE))})", linked, markdown)
