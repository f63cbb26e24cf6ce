"""What a test needs and this machine lacks: the test is skipped, and says how to get it; in CI it fails."""

import os
from typing import NoReturn

import pytest


def missing(what: str, how: str) -> NoReturn:
    """Skip a test for want of something that can be installed; fail it under `CI=true`, or nobody would notice."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"There is no {what} here. {how}")
