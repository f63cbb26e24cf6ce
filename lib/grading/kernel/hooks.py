"""What decides how a kernel reads, runs and shows cells: hooks, methods and settings, which any code there can change.

The course's own cells are run with all of it as it was before a student's code ran: tests that stand in them would earn
points for nothing if that code had them read as `pass`. It is the student's process: what is changed by name is put
back, but code that looks for our own copies in memory finds them.
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

GOES_ON = {
    *("execution_count", "last_execution_result", "last_execution_succeeded", "exec_result", "_", "__", "___", "flags"),
    *("message_count", "_stream", "_texts", "_size", "_sent"),
}
"""What a shell and its parts remember of the cells so far; nothing of it decides how the next one is run."""
SUFFIXES = tuple(all_suffixes())
"""How the names of files end that can be imported."""


def settle(shell: Any) -> None:
    """Called once, in the warm process: gives each setting its value, which most have only once they are asked for."""
    for part in _parts_of(shell):
        for name in getattr(part, "trait_names", list)():
            with suppress(TraitError):  # of one that ipykernel doesn't use with asyncio
                getattr(part, name)


def _parts_of(shell: Any) -> tuple[Any, ...]:
    reads = shell.input_transformer_manager, shell.events, shell.compile
    shows = shell.displayhook, shell.display_pub, shell.display_trap, shell.builtin_trap, shell.display_formatter
    return (shell, shell.kernel, shell.kernel.session, *reads, *shows, *shell.display_formatter.formatters.values())


class Hooks:
    """The hooks of a shell, as they were before any student's code had run.

    What a fork looks at it has to copy, since Python counts there who uses it: names, of which there are thousands, are
    taken down in the warm process.
    """

    def __init__(self, shell: Any):
        """Take them down, in the warm process. What the course's first cells add to them is taken down later, too."""
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
    def around(self, is_the_courses: bool) -> Iterator[None]:
        """Run one cell: the course's own with the course's hooks, and a student's with what there is.

        What a cell of the course's adds to them stays for the student's; where it adds nothing, theirs are put back.
        """
        if self._has_a_student_run and is_the_courses:
            before = self._take()
            self._mend()
            self._put(self._kept)
            put = self._identities()
            yield
            if self._identities() == put:
                self._put(before)
            return
        may_import = any(file.name.endswith(SUFFIXES) for file in Path(self._shell.starting_dir).rglob("*"))
        if not self._has_a_student_run and (may_import or not is_the_courses):
            self._keep()
        yield
        self._has_a_student_run |= not is_the_courses or (may_import and self._has_imported_what_lies_beside())

    def _has_imported_what_lies_beside(self) -> bool:
        """Tell whether a file beside the notebook was imported: a student may have handed it in."""
        new = (sys.modules.get(name) for name in sys.modules.keys() - self._shell._sys_modules_keys)
        return any(str(getattr(each, "__file__", "")).startswith(self._shell.starting_dir) for each in new)

    def _keep(self) -> None:
        self._kept = self._take()
        self._spaces = [
            (each, names if _is_same(vars(each), names) else dict(vars(each))) for each, names in self._spaces
        ]

    def _take(self) -> list[Any]:
        return [
            *({name: value for name, value in each.items() if name not in GOES_ON} for each in self._dicts),
            *map(list, self._lists),
        ]

    def _identities(self) -> list[list[int]]:
        return [[id(hook) for hook in hooks] for hooks in self._lists]

    def _put(self, kept: list[Any]) -> None:
        for each, values in zip([*self._dicts, *self._lists], kept, strict=True):
            if isinstance(each, list):
                each[:] = values
            else:
                for name in each.keys() - values.keys() - GOES_ON:
                    del each[name]
                each.update(values)

    def _mend(self) -> None:
        """Put back, for good, what nobody changes who means well: methods, names that they use, tracing."""
        sys.settrace(None)
        sys.setprofile(None)
        for part, kind, own in self._parts:
            part.__class__, part.__dict__ = kind, own
        for function, code in self._codes:
            if function.__code__ is not code:
                function.__code__ = code
        for space, names in self._spaces:
            if _is_same(vars(space), names):  # as always, and found in a tenth of the time
                continue
            for name in vars(space).keys() - names.keys():
                if space is not builtins:  # what is new there stands for nothing
                    delattr(space, name)
            for name, value in names.items():
                if vars(space).get(name) is not value:
                    setattr(space, name, value)


def _is_same(names: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Tell whether the values are the same objects: equality is what a student's object says."""
    return len(names) == len(kept) and all(map(is_, names.values(), kept.values()))
