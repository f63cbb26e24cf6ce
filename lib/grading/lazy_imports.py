"""Faster start: modules that a command doesn't need are hidden while nbgrader is imported, or imported on first use.

jsonschema imports optional checkers of addresses and durations, which a notebook's schema never uses; importing
`rfc3987_syntax` takes longer than all other imports. nbgrader imports its server extensions, setuptools and requests,
which most commands never call. Later imports of these modules work as usual.
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
"""Modules that stand-ins replace. A function of a stand-in imports the real module when it is called."""


class _Later(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is not self:
            return getattr(import_module(self.__name__), name)
        return lambda *given, **named: getattr(import_module(self.__name__), name)(*given, **named)


# Neither library has an option for it, and importlib.util.LazyLoader doesn't help: nbgrader's `from module import name`
# loads the module at once. With this a command starts in a third of the time.
_stand_ins: dict[str, Any] = dict.fromkeys(NEVER)  # None in sys.modules makes an import fail
if "nbgrader" not in sys.modules:
    _stand_ins |= {name: _Later(name) for name in LATER}
_stand_ins = {name: one for name, one in _stand_ins.items() if name not in sys.modules}
sys.modules |= _stand_ins
try:
    import nbformat.validator  # noqa: F401  # it imports jsonschema, which looks for its checkers only once
    import nbgrader.apps  # noqa: F401
finally:
    for name in _stand_ins:
        del sys.modules[name]
