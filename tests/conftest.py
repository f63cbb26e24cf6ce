"""Fixtures that several tests share."""

from tests.browser import browser, lab

__all__ = ["browser", "lab"]
