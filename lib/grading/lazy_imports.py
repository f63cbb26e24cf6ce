"""Faster start: what a command doesn't need is replaced while nbgrader is imported, or imported on first use.

| import | brings along | here |
|---|---|---|
| jsonschema | checkers of addresses and durations, which no notebook's schema uses, in a second | hidden from it |
| nbgrader | its server extensions, setuptools and requests | stand-ins, whose functions import them when called |
| one module of a package | the whole package: all commands, clients of kernels, jsonschema | the module alone |

Later imports work as usual: a package of which there is one module so far is then imported as a whole. Only as an
attribute of its package such a module is missing: write `from nbformat import notebooknode`.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from types import ModuleType
from typing import Any

CHECKERS = ("rfc3987_syntax", "rfc3987", "rfc3986_validator", "isoduration")
SERVER = (f"nbgrader.server_extensions.{name}" for name in ("assignment_list", "course_list", "validate_assignment"))
LATER = (
    *("nbgrader.server_extensions", *SERVER, "nbgrader.server_extensions.formgrader"),
    *("setuptools", "setuptools.archive_util", "requests"),
)
"""Modules that stand-ins replace. A function of a stand-in imports the real module when it is called."""
PACKAGES = (
    *("nbformat", "nbformat.v4", "nbconvert", "nbconvert.filters", "nbconvert.preprocessors", "nbconvert.exporters"),
    *("nbgrader.preprocessors", "nbgrader.converters", "nbgrader.apps"),
)
"""Packages that stand-ins replace, too, while modules of theirs are imported."""
ALONE = {
    "nbformat.v4.nbjson": "reads",
    "nbconvert.filters.ansi": "strip_ansi",
    "nbconvert.preprocessors.base": "Preprocessor",
    "nbgrader.preprocessors.base": "NbGraderPreprocessor",
    "nbgrader.preprocessors.latesubmissions": "AssignLatePenalties",
    "nbgrader.apps.baseapp": "NbGrader",
}
"""Modules that are imported without their packages, each with the name that others import from its package."""


class _NoCheckers(MetaPathFinder):
    # jsonschema has no option for it. It looks for them only once, and defines `validate` afterwards.
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if name in CHECKERS and "jsonschema" in sys.modules and not hasattr(sys.modules["jsonschema"], "validate"):
            raise ModuleNotFoundError(name, name=name)


class _Later(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is not self:
            return getattr(import_module(self.__name__), name)
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *given, **named: getattr(import_module(self.__name__), name)(*given, **named)


@contextmanager
def stand_ins(*names: str, packages: Sequence[str] = ()) -> Iterator[None]:
    """Replace those modules that aren't imported yet while others are imported.

    importlib.util.LazyLoader can't do it: `from module import name` makes it load the module at once.
    """
    replaced = []
    try:
        for name in (*names, *packages):
            if name not in sys.modules:
                stand_in = _Later(name)
                if name in packages and (spec := find_spec(name)):
                    stand_in.__path__ = spec.submodule_search_locations or []
                sys.modules[name] = stand_in
                replaced.append(name)
        yield
    finally:
        for name in replaced:
            del sys.modules[name]


sys.meta_path.insert(0, _NoCheckers())
if "nbgrader" not in sys.modules:
    # The modules below name a class of nbconvert's exporter in annotations alone.
    with stand_ins(*LATER, "nbconvert.exporters.exporter", packages=PACKAGES):
        for module, name in ALONE.items():
            setattr(sys.modules[module.rpartition(".")[0]], name, getattr(import_module(module), name))
