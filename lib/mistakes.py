"""Mistakes: data that a teacher edits. Under a hint stand names, and for each how right code is changed.

    [check-loss]
    it = 'The loss'

    [[check-loss.mistakes]]
    hint = 'Divide by the number of samples.'
    'The squares are summed, not averaged' = [{ 'np.mean' = 'np.sum' }]

A way to make a mistake is a table of changes to the source of right code, `{ 'old' = 'new' }`, or an expression for the
blank `…` in it, where right code has `right`. A single change that fits several places is made at all of them together,
and at each alone. The source is that of the part's first subject in the answer key, or the text `source`; `names` is
Python code for names that the changes use, besides NumPy's and those of the right objects.

With `it`, what the result is called, come the changes that may be made to any result, in `changes.toml`; `of` says
whose result: a function, or a method such as `Softmax.backward`. In a group, `teach` says what to go through again when
many have made its mistakes; `same = { 'this' = 'that' }` says that one gives the same numbers as another, which is
named in its place; `untold = ['this']` that nothing tells one from other code; and `named = ['this']` that one has its
name also where it only raises an error, or gives nan or nothing, as other code may do. A part's `teach` is for all
groups that have none. A part's table `equal` has changes of right code that are right, too, as `zerolayer check`
reports them, and why: `'g ** 2 -> g * g' = 'the same number'`.
"""

from __future__ import annotations

import inspect
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lib.unit import Part

CHANGES = Path(__file__).with_name("changes.toml")
"""What may become of any result."""
ANSWER_KEY = "answer_key.toml"
"""The one TOML file of a closed half that has no mistakes: `lib.answer_key` reads it."""
ABOUT_A_PART = ("source", "names", "it", "of", "teach", "mistakes", "equal")
ABOUT_A_GROUP = ("hint", "teach", "same", "untold", "named")


class Location(NamedTuple):
    """Where something stands: the file, the part, and the mistake's name."""

    file: Path
    part: str = ""
    name: str = ""

    def __str__(self) -> str:
        return ", ".join([self.file.name, *filter(None, [self.part, self.name and repr(self.name)])])

    @property
    def line(self) -> int:
        """The line of the file in which the name stands, or the part; 0 where neither does."""
        lines, sought = self.file.read_text(encoding="utf-8").splitlines(), self.name or self.part
        return next((number for number, line in enumerate(lines, 1) if sought and sought in line), 0)


class BadMistake(ValueError):
    """An author's slip in a file of mistakes: where, and what is wrong with it."""

    def __init__(self, place: Location, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place


@dataclass(frozen=True)
class Mistake:
    """A mistake of one part: its name and hint, what to teach again, and the source of each way to make it.

    `same_as` names the one that gives the same numbers. One that `is_untold` can't be told from other code, and one
    that `is_named` can, by an error or nan alone. Not every change of any result, which `is_generic`, makes a mistake
    of every part.
    """

    part: str
    name: str
    hint: str
    sources: tuple[str, ...]
    teach: str = ""
    same_as: str = ""
    is_untold: bool = False
    is_named: bool = False
    is_generic: bool = False

    def objects(self, right: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
        """Give the wrong objects among the right ones, for each way to make the mistake."""
        for source in self.sources:
            space = {**NAMES, **right}
            exec(compile(source, f"<{self.name}>", "exec"), space)
            yield {name: space[name] for name in right}


def changed(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Make a function that gives the changed result of another one."""
    return lambda *given, **named: change(function(*given, **named))


NAMES = {name: vars(np)[name] for name in np.__all__ if name in vars(np)}  # what is not loaded yet takes 0.1 s
NAMES |= {"norm": np.linalg.norm, "np": np, "changed": changed}
"""What the changes may use."""


def read(folder: Path, right: Mapping[str, object], parts: Iterable[Part]) -> tuple[Mistake, ...]:
    """Read the mistakes of all parts from the TOML files in a folder and below.

    Raises BadMistake where an entry isn't what this module says, or changes nothing.
    """
    tables: dict[str, tuple[Path, Any]] = {}
    for file in _files_in(folder):
        try:
            read = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise BadMistake(Location(file), f"{error}.") from None
        for part, about in read.items():
            if part in tables:
                raise BadMistake(Location(file, part), f"it stands in {tables[part][0].name}, too.")
            tables[part] = file, about
    found = [each for part in parts for each in _read_part(part, right, *tables.pop(part.id, (folder, {})))]
    for part, (file, _) in tables.items():
        raise BadMistake(Location(file, part), "there is no such part.")
    return tuple(found)


def read_equal(closed: Path) -> dict[str, dict[str, str]]:
    """Read from a unit's closed half which changes of right code are right, too, and why, by part."""
    tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in _files_in(closed)]
    return {part: about["equal"] for table in tables for part, about in table.items() if "equal" in about}


def _files_in(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*.toml")) if file.name != ANSWER_KEY]


def _read_part(part: Part, right: Mapping[str, object], file: Path, about: Mapping[str, Any]) -> Iterator[Mistake]:
    where = Location(file, part.id)
    if unknown := about.keys() - {*ABOUT_A_PART}:
        raise BadMistake(where, f"{', '.join(unknown)} should be one of {', '.join(ABOUT_A_PART)}.")
    if strange := [
        change for change, why in about.get("equal", {}).items() if not (isinstance(why, str) and why.strip())
    ]:
        raise BadMistake(where._replace(name=strange[0]), "write why it is right, too: 'was -> now' = 'the reason'.")
    if not about or part.subjects[0] not in right:  # which the answer key says
        return
    source = about.get("source") or textwrap.dedent(inspect.getsource(right[part.subjects[0]]))  # type: ignore[arg-type]  # a function or a class
    names = about.get("names", "")
    for group in about.get("mistakes", ()):
        if "hint" not in group:
            raise BadMistake(where._replace(name=next(iter(group), "")), "its group has no hint.")
        known = {name for name in group if name not in ABOUT_A_GROUP}
        if others := {*group.get("same", {}), *group.get("untold", ()), *group.get("named", ())} - known:
            raise BadMistake(where, f"{', '.join(others)}: no mistake of this group is called so.")
        for name, ways in group.items():
            if name not in ABOUT_A_GROUP:
                at = where._replace(name=name)
                if not isinstance(ways, list) or not ways or not all(isinstance(way, dict | str) for way in ways):
                    raise BadMistake(at, "write a list of ways: [{ 'old' = 'new' }].")
                sources = tuple(names + each for way in ways for each in _write(source, way, at))
                teach = group.get("teach", about.get("teach", ""))
                same = group.get("same", {}).get(name, "")
                untold, named = (name in group.get(key, ()) for key in ("untold", "named"))
                yield Mistake(part.id, name, group["hint"], sources, teach, same, untold, named)
    if "it" in about:
        yield from _changes_of_any(part, about, names + source.replace("…", "right"))


def _changes_of_any(part: Part, about: Mapping[str, Any], source: str) -> Iterator[Mistake]:
    """Give the changes that may be made to any result."""
    of = about.get("of", part.subjects[0])
    for group in tomllib.loads(CHANGES.read_text(encoding="utf-8"))["mistakes"]:
        for name, ways in group.items():
            if name not in ABOUT_A_GROUP:
                sources = tuple(f"{source}\n{of} = changed({of}, lambda r: {way})" for way in ways)
                name = name.replace("It", about["it"], 1)
                yield Mistake(part.id, name, group["hint"], sources, about.get("teach", ""), is_generic=True)


def _write(source: str, way: Mapping[str, str] | str, where: Location) -> Iterator[str]:
    """Write the changed source: everywhere, and for a single change that fits several places also at each alone."""
    changes = {"…": way} if isinstance(way, str) else way
    everywhere = source
    for old, new in changes.items():
        if old not in everywhere:
            advice = " Write a change as { 'old' = 'new' }." if old == "…" else ""
            raise BadMistake(where, f"the right code has no {old!r}.{advice}")
        everywhere = everywhere.replace(old, new)
    written = [everywhere]
    [old, *more] = changes
    pieces = source.split(old)
    if not more and len(pieces) > 2:
        places = range(1, len(pieces))
        written += [old.join(pieces[:at]) + changes[old] + old.join(pieces[at:]) for at in places]
    for each in written:
        try:
            compile(each, str(where), "exec")
        except SyntaxError as error:
            line = (error.text or "").strip()
            raise BadMistake(where, f"the changed code is no Python: {error.msg}: {line}") from None
        yield each
