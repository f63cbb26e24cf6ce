"""Help after a failed check, in the order in which a student opens it: each step tells more than the one before."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any

from lib.checking.answers import Outcome, run_probes
from lib.unit import Inputs, Part

PATIENCE = 1.0
"""Seconds that student code may run to find its mistake's name. A check that failed has run most of it before."""


@dataclass(frozen=True)
class NamedMistake:
    """A mistake of the catalogue that fits all that student code gave: what it is, and one thing to try."""

    name: str
    hint: str


@dataclass(frozen=True)
class Help:
    """What a failed check can say beyond its findings."""

    mistake: NamedMistake | None = None


NO_HELP = Help()


def find_help(part: Part, subjects: tuple[Any, ...], package: str) -> Help:
    """Look for help with code that failed a part's check. `package` is the unit's."""
    return Help(name_mistake(part, subjects, package))


def name_mistake(part: Part, subjects: tuple[Any, ...], package: str) -> NamedMistake | None:
    """Name the mistake that fits what a part's probes give on this code, if the catalogue has one that fits it all."""
    from lib.checking import fingerprints  # only after a check has failed

    known = fingerprints.read(package).get(part.id, ()) if package else ()
    if not known:
        return None
    measured = fingerprints.measure(part, partial(_run_in_time, part, subjects, monotonic() + PATIENCE))
    found = fingerprints.find_mistake(measured, part, known)
    return NamedMistake(found.name, found.hint) if found else None


def _run_in_time(part: Part, subjects: tuple[Any, ...], until: float, inputs: Inputs) -> dict[str, dict[str, Outcome]]:
    return run_probes(part, inputs, subjects, until - monotonic())
