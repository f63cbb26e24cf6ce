"""Names that a check is called with before they exist.

Python evaluates `check.cce(cce)` by looking `cce` up first, and a NameError would stop "Run All Cells" at a check whose
cell is still to be written. In a notebook, every bare name in the call of a check becomes "that name, or `Undefined`",
so that the check itself can say what is missing.
"""

import ast
import sys
from types import ModuleType
from typing import Any

from lib.checking.dispatch import Check, Checks


class LookUpNames:
    """Turn `check.cce(name)` into `check.cce(check.cce.look_up("name", lambda: name))`, for every `Check`."""

    knows_places = True
    """Whether whatever it puts into a tree knows its line: whoever sees to that otherwise has no need to."""

    def __init__(self, shell: Any):
        self.shell = shell

    def visit(self, tree: ast.AST) -> ast.AST:
        """Called by IPython: rewrite the bare names among a check's arguments; leave every other call alone."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and self._is_check(node.func):
                node.args = [_looked_up(node.func, arg) if isinstance(arg, ast.Name) else arg for arg in node.args]
        return tree

    def _is_check(self, function: ast.expr) -> bool:
        """Tell whether an expression is one of our checks, without running any code of a student's object."""
        if isinstance(function, ast.Name):
            return isinstance(self.shell.user_ns.get(function.id), Check)
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
            holder = self.shell.user_ns.get(function.value.id)
            if type(holder) in (Checks, ModuleType):  # these keep what they hold in their own dictionary
                return isinstance(vars(holder).get(function.attr), Check)
        return False


def _looked_up(check: ast.expr, name: ast.Name) -> ast.expr:
    call = ast.parse(f"{ast.unparse(check)}.look_up({name.id!r}, lambda: {name.id})", mode="eval").body
    return ast.fix_missing_locations(ast.copy_location(call, name))


def watch() -> None:
    """Register the transformer with the running notebook, once; outside a notebook do nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return
    # Whoever reloads lib has a new class of checks: the transformer of the old one would not know them.
    shell.ast_transformers[:] = [known for known in shell.ast_transformers if type(known).__name__ != "LookUpNames"]
    shell.ast_transformers.append(LookUpNames(shell))
