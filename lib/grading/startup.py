"""A quick start: importing nbgrader without what costs half of it and no command here needs.

jsonschema looks for packages that check addresses, durations and the like, one of which builds a grammar when it is
imported: 1.3 of 3 seconds of processor time. A notebook's schema has none of these, so they go unchecked. nbgrader's
pages in JupyterLab are imported when Jupyter's server asks for them, and its functions that unpack archives at their
first call. `requests`, for JupyterHub, and `soupsieve`, for selectors of CSS, are imported when something of them is
used.

Each is kept out only while nbgrader is imported: whoever asks for it later finds it.
And a new gradebook is marked with its version without a program that is started to find it: 2.5 seconds more.
"""

import sys
from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

FORMATS = ("fqdn", "isoduration", "rfc3986_validator", "rfc3987_syntax", "webcolors")
"""What jsonschema checks the formats of texts with."""
FUNCTIONS = {
    "setuptools.archive_util": ("unpack_archive", "unpack_tarfile", "unpack_zipfile"),
    **{
        f"nbgrader.server_extensions.{pages}": ("load_jupyter_server_extension",)
        for pages in ("assignment_list", "course_list", "formgrader", "validate_assignment")
    },
}
"""Modules of which nbgrader imports functions, which it hardly ever calls."""
AT_FIRST_USE = ("charset_normalizer", "requests", "soupsieve")
"""Packages of which nothing is used while nbgrader is imported."""


def _import_nbgrader() -> None:
    kept_out: dict[str, ModuleType | None] = dict.fromkeys(FORMATS)  # None: not to be found, says Python
    kept_out |= {module: _stand_in(module, names) for module, names in FUNCTIONS.items()}
    kept_out |= {module: _stand_in(module) for module in AT_FIRST_USE if find_spec(module)}
    kept_out = {name: module for name, module in kept_out.items() if name not in sys.modules}
    sys.modules.update(kept_out)  # type: ignore[arg-type]  # typeshed doesn't know of the None
    try:
        import nbgrader.apps  # noqa: F401  # for what its import leaves
    finally:
        for name in kept_out:
            del sys.modules[name]


def _stand_in(module: str, functions: tuple[str, ...] = ()) -> ModuleType:
    """Make a module that imports the real one when one of these functions is called, or anything else is used."""

    def find(name: str) -> Any:
        if name.startswith("__"):  # Python asks for such names while it imports
            raise AttributeError(name)
        return getattr(import_module(module), name)

    made = ModuleType(module)
    vars(made).update({"__getattr__": find, **{name: _later(module, name) for name in functions}})
    return made


def _later(module: str, name: str) -> Callable[..., Any]:
    return lambda *arguments, **options: getattr(import_module(module), name)(*arguments, **options)


@cache
def alembic_version() -> str | None:
    """Give the version of a gradebook's tables. nbgrader itself asks `alembic` for it, which has to be on the PATH."""
    import nbgrader
    from alembic.script import ScriptDirectory  # here, since most commands find a gradebook

    return ScriptDirectory(Path(nbgrader.__file__).with_name("alembic")).get_current_head()


_import_nbgrader()
sys.modules["nbgrader.api"].get_alembic_version = alembic_version  # type: ignore[attr-defined]  # a module's own name
