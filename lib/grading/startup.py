"""A quick start: importing nbgrader without two imports that cost most of it and that no command here needs.

jsonschema looks for `rfc3987_syntax` to check addresses, which builds a grammar when it is imported: 1.3 of 3 seconds
of processor time. A notebook's schema has no such addresses, so they go unchecked. nbgrader imports setuptools for
three functions that unpack archives: 0.2 seconds. They are imported at the first call.

Each is kept out only while nbgrader is imported: whoever asks for it later finds it.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

ADDRESSES = "rfc3987_syntax"
ARCHIVES = "setuptools.archive_util"


def _import_nbgrader() -> None:
    archives = ModuleType(ARCHIVES)
    vars(archives).update({name: _later(name) for name in ("unpack_archive", "unpack_tarfile", "unpack_zipfile")})
    kept_out = {ADDRESSES: None, ARCHIVES: archives}  # None is Python's own way to say: not to be found
    kept_out = {name: module for name, module in kept_out.items() if name not in sys.modules}
    sys.modules.update(kept_out)  # type: ignore[arg-type]  # typeshed doesn't know of the None
    try:
        import nbgrader.utils  # noqa: F401  # for what its import leaves
    finally:
        for name in kept_out:
            del sys.modules[name]


def _later(name: str) -> Callable[..., Any]:
    """Make a function that imports the one of that name in `ARCHIVES` when it is called, and calls it."""
    return lambda *arguments, **options: getattr(import_module(ARCHIVES), name)(*arguments, **options)


_import_nbgrader()
