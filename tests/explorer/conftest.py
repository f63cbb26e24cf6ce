"""What the explorer's tests share."""

import pytest


@pytest.fixture(autouse=True)
def time_to_train(monkeypatch):
    """Let a run take as long as it takes: on a busy machine a right one would end at its limit of seconds."""
    monkeypatch.setattr("lib.explorer.training.RUN_LIMIT", 600.0)
