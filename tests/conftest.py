"""What several test modules share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).parent))  # for the reference implementation beside the tests

settings.register_profile("default", deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")


@pytest.fixture
def real_data() -> Path:
    """The folder of published real-world columns, where the environment names one."""
    folder = os.environ.get("CARDSCREEN_REAL_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("CARDSCREEN_REAL_DATA names no folder")
    return Path(folder)
