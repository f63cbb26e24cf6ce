"""Names in the call of a check that don't stand for what they should.

Python evaluates `check.loss(loss)` by looking `loss` up first, and a NameError would stop "Run All Cells" at a check
whose cell is still to be written. In a notebook, every bare name in the call of a check becomes "that name, or
`Undefined`", so that the check itself can say what is missing. And where a student's own variable is called `check`,
the call of a check says so, before Python raises its error.
"""

import ast
import sys
from inspect import getattr_static
from typing import Any

from lib.checking.cell_runs import watch_cells
from lib.checking.dispatch import Check, Checks

TAKEN = (
    "The checks can't be called: {name} is now a variable or a function of your own. Give it another name, then restart"
    " the kernel and run all cells."
)


class LookUpNames:
    """Turn `check.loss(name)` into `check.loss(check.loss.look_up("name", lambda: name))`, for every `Check`."""

    knows_places = True
    """Whether every node that it adds has a line number, so that callers need not add one."""

    def __init__(self, shell: Any):
        self.shell = shell
        self.checks: dict[str, Any] = {}
        """What had checks when cells began to run, by its name in the notebook."""

    def visit(self, tree: ast.AST) -> ast.AST:
        """Called by IPython: rewrite the bare names among a check's arguments; leave every other call alone."""
        self.checks |= {name: it for name, it in self.shell.user_ns.items() if type(it) is Checks}
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            self._notice_taken_name(call.func)
            # Of the object only its type is asked: `isinstance` would run a `__class__` that a student wrote.
            if issubclass(type(check := self._find(call.func)), Check):
                check.looked_up.clear()  # of a call that raised before it came to the check
                call.args = [_wrap_in_look_up(call.func, argument) for argument in call.args]
                for keyword in call.keywords:
                    keyword.value = _wrap_in_look_up(call.func, keyword.value)
        return tree

    def _notice_taken_name(self, function: ast.expr) -> None:
        """Print it where `check` in `check.loss` stands for something else now than the checks."""
        match function:
            case ast.Attribute(ast.Name(name), attribute) if name in self.checks and name in self.shell.user_ns:
                is_check = isinstance(getattr_static(self.checks[name], attribute, None), Check)
                if is_check and not callable(self._find(function)):
                    print(TAKEN.format(name=name))

    def _find(self, function: ast.expr) -> Any:
        """Find what a dotted name stands for, without running properties or `__getattr__` of the objects on the way."""
        if isinstance(function, ast.Name):
            return self.shell.user_ns.get(function.id)
        if isinstance(function, ast.Attribute):
            return getattr_static(self._find(function.value), function.attr, None)
        return None


def _wrap_in_look_up(check: ast.expr, argument: ast.expr) -> ast.expr:
    if not isinstance(argument, ast.Name):
        return argument
    call = ast.parse(f"{ast.unparse(check)}.look_up({argument.id!r}, lambda: {argument.id})", mode="eval").body
    return ast.fix_missing_locations(ast.copy_location(call, argument))


def watch() -> None:
    """Register the transformer and watch the cells of the running notebook, once; outside a notebook do nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None:
        return
    # Whoever reloads lib has a new class of checks: the transformer of the old one would not know them.
    shell.ast_transformers[:] = [known for known in shell.ast_transformers if type(known).__name__ != "LookUpNames"]
    shell.ast_transformers.append(LookUpNames(shell))
    watch_cells(shell)
