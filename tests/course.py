"""The course that the tests are about, and how they build it."""

from lib.units.softmax_classifier import UNIT

ASSIGNMENT = UNIT.name

UNPROVED = "--Rebuild.runs=False"
"""Leaves the proof out of a build, which writes nothing and takes seconds: for tests that are about something else."""
