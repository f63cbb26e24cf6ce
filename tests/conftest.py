"""Fixtures that several tests share, and a look at the commands that tests give."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import browser, lab

__all__ = ["browser", "lab"]

GIVEN: list[list[str]] = []
"""The commands that this process has given so far, as words."""


def pytest_configure() -> None:
    """Note each command that is started, however a test or a fixture starts it."""
    sys.addaudithook(note)


def note(event: str, arguments: tuple[Any, ...]) -> None:
    """Called by Python before it does something that an audit may want to know."""
    if event == "subprocess.Popen":
        program, *words = map(os.fsdecode, arguments[1])
        if words[:1] == ["-m"]:
            program, words = {"lib.grading": "zerolayer"}.get(words[1], words[1]), words[2:]
        GIVEN.append([Path(program).name, *words])


def was_given(command: str) -> bool:
    """Tell whether a command with at least these words was given; an option's value may stand behind an `=`."""
    program, *wanted = command.split()
    return any(
        name == program and all(any(f"{word}=".startswith(f"{each}=") for word in words) for each in wanted)
        for name, *words in GIVEN
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """See that a test which is marked with commands, because a document names it for them, has given them."""
    yield
    for marker in item.iter_markers("gives"):
        missed = [command for command in marker.args if not was_given(command)]
        assert not missed, f"{item.nodeid} is marked as giving these commands, but doesn't: {missed}"
