"""A lean start: what takes long to import, and nearly no command needs, is not imported, or not before it is used.

jsonschema looks for what checks the formats of addresses, durations and the like; without it they go unchecked, and a
notebook has none. nbgrader imports setuptools for three functions that unpack archives, which `zip_collect` calls,
requests to ask a JupyterHub, and its pages for Jupyter's server, where there is one; bs4 imports soupsieve for
selectors that nobody here writes.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

FORMATS = ("isoduration", "rfc3986_validator", "rfc3987_syntax", "uri_template")
PUT_OFF = ("requests", "soupsieve")
ARCHIVES = "setuptools.archive_util"
PAGES = ("assignment_list", "course_list", "formgrader", "validate_assignment")


class Later(ModuleType):
    """A module that is run when something in it is asked for.

    importlib's own LazyLoader runs a module whatever is asked for, and `import` itself asks each for its `__spec__`.
    """

    def __getattr__(self, name: str) -> Any:
        """Called for what isn't there yet; only the module's name, its file and the like are."""
        self.__class__ = ModuleType  # type: ignore[assignment]  # from now on it is a module as any
        spec = self.__spec__
        assert spec and spec.loader, "put_off leaves no other"
        if spec.submodule_search_locations is not None:
            self.__path__ = spec.submodule_search_locations
        spec.loader.exec_module(self)
        return getattr(self, name)


def put_off(name: str) -> None:
    """Have a module run when something in it is asked for, unless it has been run or isn't there at all."""
    spec = None if name in sys.modules else find_spec(name)
    if spec is not None and spec.loader is not None:
        sys.modules[name] = module = module_from_spec(spec)
        vars(module).pop("__path__", None)  # whoever imports a part of it asks for this first
        module.__class__ = Later


def _unpacking(name: str) -> Callable[..., Any]:
    """Make what stands for a function of `ARCHIVES`, which is imported at the first call."""

    def function(*arguments: Any, **options: Any) -> Any:
        return _of_archives(name)(*arguments, **options)

    return function


def _of_archives(name: str) -> Any:
    """Give something of `ARCHIVES` itself. Python asks every module for some names that begin like `__path__`."""
    if name.startswith("__"):
        raise AttributeError(name)
    if sys.modules[ARCHIVES] is _archives:
        del sys.modules[ARCHIVES]
    return getattr(import_module(ARCHIVES), name)


for name in FORMATS:
    sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # Python's own way to say: not to be found
for name in PUT_OFF:
    put_off(name)
_archives = ModuleType(ARCHIVES)
vars(_archives).update({name: _unpacking(name) for name in ("unpack_archive", "unpack_tarfile", "unpack_zipfile")})
vars(_archives)["__getattr__"] = _of_archives
sys.modules.setdefault(ARCHIVES, _archives)
for name in PAGES:
    page = ModuleType(f"nbgrader.server_extensions.{name}")
    vars(page)["load_jupyter_server_extension"] = None
    sys.modules.setdefault(page.__name__, page)
