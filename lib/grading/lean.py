"""A lean start: what takes longer to import than all the rest together, and nothing here needs, is not imported.

jsonschema looks for `rfc3987_syntax`, which makes a grammar of internationalised addresses at every start. Without it
jsonschema leaves the format of such addresses unchecked, and no notebook has any to check. nbgrader imports setuptools
for three functions that unpack archives, which `zip_collect` calls, and its pages for Jupyter's server, where there is
one.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

ARCHIVES = "setuptools.archive_util"


def _later(name: str) -> Callable[..., Any]:
    """Make what stands for a function of `ARCHIVES`, which is imported at the first call."""

    def function(*arguments: Any, **options: Any) -> Any:
        return _real(name)(*arguments, **options)

    return function


def _real(name: str) -> Any:
    if sys.modules.get(ARCHIVES) is _stand_in:
        del sys.modules[ARCHIVES]
    return getattr(import_module(ARCHIVES), name)


sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # Python's own way to say: not to be found
_stand_in = ModuleType(ARCHIVES)
vars(_stand_in).update({f"unpack_{what}": _later(f"unpack_{what}") for what in ("archive", "tarfile", "zipfile")})
vars(_stand_in)["__getattr__"] = _real
sys.modules.setdefault(ARCHIVES, _stand_in)
for name in ("assignment_list", "course_list", "formgrader", "validate_assignment"):
    page = ModuleType(f"nbgrader.server_extensions.{name}")
    vars(page)["load_jupyter_server_extension"] = None
    sys.modules.setdefault(page.__name__, page)
