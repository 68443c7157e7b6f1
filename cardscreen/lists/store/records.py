"""What commits of a store say of themselves, and whether they say what was written."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import deltalake
from pydantic import Field, ValidationError

from cardscreen.foundation.settings.toml import Section
from cardscreen.lists.terms import Origin

_RECORD = "cardscreen"  # where a commit keeps it
_DIGEST = "cardscreen_sha256"  # that of the record


class Record(Section):
    """What a commit says of itself.

    Attributes:
        instant: When it was made; never before the commit before it.
        action: import, rollback or end.
        source: Whose listings it changed; None for a rollback.
        by: The person, where one decided.
        reason: What that person said, or which checks were waived.
        details: Figures and names for the auditor.
        origins: What was known of every source afterwards.
        files: Source → file → SHA-256, of all files in force afterwards; None in commits of earlier releases.
    """

    instant: datetime
    action: str
    source: str | None = None
    by: str | None = None
    reason: str | None = None
    details: dict[str, Any] = {}
    origins: dict[str, Origin] = Field(default_factory=dict)
    files: dict[str, dict[str, str]] | None = None

    def properties(self) -> deltalake.CommitProperties:
        """It as a commit keeps it, with its digest."""
        # Retrying would rest on checks that were made against another version.
        text = self.model_dump_json()
        return deltalake.CommitProperties(
            custom_metadata={_RECORD: text, _DIGEST: sha256_of(text)}, max_commit_retries=0
        )

    @classmethod
    def in_commit(cls, content: str | bytes) -> Record | None:
        """That of a commit's file; None where another program has written the commit.

        Raises:
            ValueError: It is not as it was written.
        """
        try:
            actions = [json.loads(line) for line in content.splitlines()]
            commit = next(action["commitInfo"] for action in actions if "commitInfo" in action)
            if _RECORD not in commit and _DIGEST not in commit:
                return None
            text = commit[_RECORD]
            record = cls.model_validate_json(text)
        except (ValueError, TypeError, KeyError, StopIteration, ValidationError):
            raise ValueError("no record") from None
        # Commits of earlier releases have neither digest nor files.
        if commit.get(_DIGEST, None if record.files is None else "") not in (None, sha256_of(text)):
            raise ValueError("another record than its digest's")
        return record


@dataclass(frozen=True)
class Version:
    """One version of a store."""

    number: int
    record: Record


def sha256_of(text: str) -> str:
    """Its SHA-256 as hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()
