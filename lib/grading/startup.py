"""A quick start: what a command doesn't need is not imported, or only once it is called.

jsonschema, which tells whether a file is a notebook, imports checks of addresses and durations where they are
installed; a notebook's schema asks for none, and `rfc3987_syntax` alone takes longer to import than all else. nbgrader
imports what it does in a Jupyter server, setuptools to unpack an archive, and requests to ask a hub. Whoever imports
these later finds them.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

NEVER = ("rfc3987_syntax", "rfc3987", "rfc3986_validator", "isoduration")
SERVER = (f"nbgrader.server_extensions.{name}" for name in ("assignment_list", "course_list", "validate_assignment"))
LATER = (
    *("nbgrader.server_extensions", *SERVER, "nbgrader.server_extensions.formgrader"),
    *("setuptools", "setuptools.archive_util", "requests", "yaml", "bs4", "nbconvert.filters.markdown_mistune"),
)
"""Modules of which nbgrader takes functions, which import them when they are called."""


class _Later(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is not self:
            return getattr(import_module(self.__name__), name)
        return lambda *given, **named: getattr(import_module(self.__name__), name)(*given, **named)


# Neither library has an option for it, and importlib.util.LazyLoader doesn't help: `from module import name`, as
# nbgrader has it, loads the module at once. With this a command starts in a third of the time.
_stand_ins: dict[str, Any] = dict.fromkeys(NEVER)  # by None, Python finds no such package
if "nbgrader" not in sys.modules:
    _stand_ins |= {name: _Later(name) for name in LATER}
_stand_ins = {name: one for name, one in _stand_ins.items() if name not in sys.modules}
sys.modules |= _stand_ins
try:
    import nbformat.validator  # noqa: F401  # for what its import leaves: jsonschema looks for its checks but once
    import nbgrader.apps  # noqa: F401
finally:
    for name in _stand_ins:
        del sys.modules[name]
