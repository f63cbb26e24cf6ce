"""IPython's hooks, methods and settings, which student code can change, and which are restored for the course's cells.

They decide how a kernel reads, runs and displays cells. Student code could use them to have a test cell read as `pass`,
and so earn points for nothing. Changes by name are undone, but this is no wall: the code runs in the same process, and
can search the memory for the saved originals.
"""

import builtins
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.machinery import all_suffixes
from operator import is_
from pathlib import Path
from types import FunctionType
from typing import Any

from traitlets import TraitError

CHANGES_PER_CELL = {
    *("execution_count", "last_execution_result", "last_execution_succeeded", "exec_result", "_", "__", "___", "flags"),
    *("message_count", "_stream", "_texts", "_size", "_sent"),
}
"""Attributes that change with each cell, and don't affect how the next one runs."""
SUFFIXES = tuple(all_suffixes())
"""Endings of files that can be imported."""


def set_defaults(shell: Any) -> None:
    """Set each setting to its default. traitlets creates most defaults only when they are read."""
    for part in _parts_of(shell):
        for name in getattr(part, "trait_names", list)():
            with suppress(TraitError):  # raised by a trait that ipykernel doesn't use with asyncio
                getattr(part, name)


def _parts_of(shell: Any) -> tuple[Any, ...]:
    reads = shell.input_transformer_manager, shell.events, shell.compile
    shows = shell.displayhook, shell.display_pub, shell.display_trap, shell.builtin_trap, shell.display_formatter
    return (shell, shell.kernel, shell.kernel.session, *reads, *shows, *shell.display_formatter.formatters.values())


class Hooks:
    """The hooks of a shell before any student code has run."""

    def __init__(self, shell: Any):
        """Save the hooks of a shell in the warm process. `around` adds what the course's first cells change."""
        # Not in a fork: each object that Python touches gets a new reference count, and so its memory is copied.
        parts, manager = _parts_of(shell), shell.input_transformer_manager
        formatters = shell.display_formatter.formatters
        self._shell = shell
        self._parts = [(part, type(part), vars(part)) for part in parts]
        classes = {each for part in parts for each in type(part).__mro__ if each is not object}
        modules = [builtins, *{sys.modules[each.__module__] for each in classes}]
        self._spaces = [(each, dict(vars(each))) for each in (*modules, *classes)]
        methods = (value for each in classes for value in vars(each).values())
        self._codes = [(each, each.__code__) for each in methods if isinstance(each, FunctionType)]
        self._dicts = [shell.events.callbacks, formatters, *map(vars, parts)]
        self._dicts += [vars(part)["_trait_values"] for part in parts if "_trait_values" in vars(part)]
        self._dicts += [each.type_printers for each in formatters.values()]
        self._lists = [manager.cleanup_transforms, manager.line_transforms, manager.token_transformers]
        self._lists += [shell.input_transformers_post, shell.ast_transformers, *shell.events.callbacks.values()]
        self._has_a_student_run = False

    @contextmanager
    def around(self, is_course_cell: bool) -> Iterator[None]:
        """Run a cell in this context: the course's cells with the course's hooks, a student's with the present ones.

        If the course's cell adds hooks, they stay for the student's cells; otherwise the student's are put back.
        """
        if self._has_a_student_run and is_course_cell:
            before = self._snapshot()
            self._restore_methods()
            self._restore(self._saved)
            put = self._identities()
            yield
            if self._identities() == put:
                self._restore(before)
            return
        may_import = any(file.name.endswith(SUFFIXES) for file in Path(self._shell.starting_dir).rglob("*"))
        if not self._has_a_student_run and (may_import or not is_course_cell):
            self._save()
        yield
        self._has_a_student_run |= not is_course_cell or (may_import and self._has_imported_local_module())

    def _has_imported_local_module(self) -> bool:
        # Such a module may be the student's own.
        new = (sys.modules.get(name) for name in sys.modules.keys() - self._shell._sys_modules_keys)
        return any(str(getattr(each, "__file__", "")).startswith(self._shell.starting_dir) for each in new)

    def _save(self) -> None:
        self._saved = self._snapshot()
        self._spaces = [
            (each, names if _is_same(vars(each), names) else dict(vars(each))) for each, names in self._spaces
        ]

    def _snapshot(self) -> list[Any]:
        return [
            *({name: value for name, value in each.items() if name not in CHANGES_PER_CELL} for each in self._dicts),
            *map(list, self._lists),
        ]

    def _identities(self) -> list[list[int]]:
        return [[id(hook) for hook in hooks] for hooks in self._lists]

    def _restore(self, saved: list[Any]) -> None:
        for each, values in zip([*self._dicts, *self._lists], saved, strict=True):
            if isinstance(each, list):
                each[:] = values
            else:
                for name in each.keys() - values.keys() - CHANGES_PER_CELL:
                    del each[name]
                each.update(values)

    def _restore_methods(self) -> None:
        """Restore for good what honest code never changes: methods, the names that they use, tracing."""
        sys.settrace(None)
        sys.setprofile(None)
        for part, kind, own in self._parts:
            part.__class__, part.__dict__ = kind, own
        for function, code in self._codes:
            if function.__code__ is not code:
                function.__code__ = code
        for space, names in self._spaces:
            if _is_same(vars(space), names):  # the usual case; comparing takes a tenth of the time
                continue
            for name in vars(space).keys() - names.keys():
                if space is not builtins:  # new names there change nothing
                    delattr(space, name)
            for name, value in names.items():
                if vars(space).get(name) is not value:
                    setattr(space, name, value)


def _is_same(names: Mapping[str, Any], saved: Mapping[str, Any]) -> bool:
    """True if the values are identical. Equality would call methods of the student's objects."""
    return len(names) == len(saved) and all(map(is_, names.values(), saved.values()))
