"""The two halves of `lib`: the open one, which students have, and the closed one, which holds answers and grading."""

from collections.abc import Iterator
from pathlib import Path, PurePath

CLOSED = ("answer_key.py", "grading", "reference", "units/*/closed")
"""Paths in `lib`, as patterns: never in the student bundle, and no process that runs student code sees the folders."""


def closed_folders(package: Path) -> Iterator[Path]:
    """Find the folders of the closed half in an installed `lib`."""
    return (folder for pattern in CLOSED for folder in package.glob(pattern) if folder.is_dir())


def is_closed(file: PurePath) -> bool:
    """Tell whether a file, by its path in `lib`, belongs to the closed half."""
    tops = ((PurePath(*file.parts[: pattern.count("/") + 1]), pattern) for pattern in CLOSED)
    return any(top.match(pattern) for top, pattern in tops)
