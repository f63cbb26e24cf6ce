"""The course that the tests are about."""

from lib.units.softmax_classifier import UNIT

ASSIGNMENT = UNIT.name
