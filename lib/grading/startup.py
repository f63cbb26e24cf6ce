"""A quick start: a notebook's format is imported without a check that takes longer than all else.

jsonschema, which tells whether a file is a notebook, imports `rfc3987_syntax` where it is installed, as JupyterLab has
it done. That builds grammars of internationalised addresses: 1.2 of the 2.4 seconds of processor time in which a
command would start. A notebook's schema asks for no such address. Whoever imports the package later finds it.
"""

import sys

is_kept_out = "rfc3987_syntax" not in sys.modules
if is_kept_out:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # by this, Python finds no such package
try:
    import nbformat.validator  # noqa: F401  # for what its import leaves: jsonschema looks for its checks but once
finally:
    if is_kept_out:
        del sys.modules["rfc3987_syntax"]
