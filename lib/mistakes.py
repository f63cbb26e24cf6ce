"""Mistakes: data that a teacher edits. Each group has a hint, and mistakes by name with the changes to right code.

    [check-loss]
    it = 'The loss'

    [[check-loss.mistakes]]
    hint = 'Divide by the number of samples.'
    'The squares are summed, not averaged' = [{ 'np.mean' = 'np.sum' }]

Each way to make a mistake is a table of changes to the source of right code, `{ 'old' = 'new' }`, or an expression that
replaces the `…` in that source; right code has `right` there. A single change that fits several places is made at all
of them together, and at each alone. The source is that of the part's subjects in the answer key, or the text `source`.
`names` is Python code that defines names for the changes, in addition to those of the right objects and NumPy's. Names
that Python has, too, such as `sum`, are Python's.

`it` is the name of the result in a sentence: it adds the changes of any result from `any_result_mistakes.toml`. They
apply to the part's first subject, or to `of`, a function, or a method such as `Softmax.backward`. A group's `teach` is
advice for the teacher if many students made its mistakes; a part's `teach` is for groups without their own. Other keys
of a group list mistakes that have no numbers of their own:

* `untold = ['this']`: this one can't be distinguished from other code.
* `named = ['this']`: this one is named even if it only raises an error or returns nan or None, as other code may do.

A part's table `equal` lists changes after which the code is still right, as `zerolayer check` reports them, with the
reason: `'g ** 2 -> g * g' = 'the same number'`.
"""

from __future__ import annotations

import builtins
import inspect
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lib.unit import Part

CHANGES = Path(__file__).with_name("any_result_mistakes.toml")
"""Changes that may be made to any result."""
ANSWER_KEY = "answer_key.toml"
"""The only TOML file of a closed half without mistakes; `lib.answer_key` reads it."""
PART_KEYS = ("source", "names", "it", "of", "teach", "mistakes", "equal")
TEXTS = ("source", "names", "it", "of", "teach")
GROUP_KEYS = ("hint", "teach", "untold", "named")


class Location(NamedTuple):
    """The location of an entry: the file, the part, and the mistake's name."""

    file: Path
    part: str = ""
    name: str = ""

    def __str__(self) -> str:
        return ", ".join([self.file.name, *filter(None, [self.part, self.name and repr(self.name)])])

    @property
    def line(self) -> int:
        """The line of the file with the name, or else with the part; 0 if there is neither."""
        lines, sought = self.file.read_text(encoding="utf-8").splitlines(), self.name or self.part
        return next((number for number, line in enumerate(lines, 1) if sought and sought in line), 0)


class BadMistake(ValueError):
    """Raised for an invalid entry in a file of mistakes, with its location and what is wrong."""

    def __init__(self, place: Location, what: str) -> None:
        super().__init__(f"{place}: {what}")
        self.place = place


@dataclass(frozen=True)
class Mistake:
    """A mistake of one part: its name and hint, what to teach again, and the source of each way to make it.

    A mistake that `is_untold` can't be distinguished from other code; one that `is_named` is named even for an error or
    nan alone. A mistake that `is_generic` is a change of any result, which may be right in some parts.
    """

    part: str
    name: str
    hint: str
    sources: tuple[str, ...]
    teach: str = ""
    is_untold: bool = False
    is_named: bool = False
    is_generic: bool = False

    def objects(self, right: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
        """Yield the right objects with the wrong ones among them, for each way to make the mistake."""
        for source in self.sources:
            space = {**NAMES, **right}
            exec(compile(source, f"<{self.name}>", "exec"), space)
            yield {name: space[name] for name in right}


def changed(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a function that returns the changed result of another one."""
    return lambda *args, **kwargs: change(function(*args, **kwargs))


NAMES = {name: getattr(np, name) for name in np.__all__ if name in vars(np) and not hasattr(builtins, name)}
"""NumPy's names, but not those that Python has, too. Lazily loaded modules would take 0.1 s."""
NAMES |= {"norm": np.linalg.norm, "np": np, "changed": changed}
"""Names that the changes may use."""


def read(folder: Path, right: Mapping[str, object], parts: Iterable[Part]) -> tuple[Mistake, ...]:
    """Read the mistakes of all parts from the TOML files in a folder and its subfolders.

    Raises BadMistake for an entry that isn't in the form above, or that changes nothing.
    """
    tables: dict[str, tuple[Path, Any]] = {}
    for file in _files_in(folder):
        try:
            read = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise BadMistake(Location(file), f"{error}.") from None
        for part, about in read.items():
            if part in tables:
                raise BadMistake(Location(file, part), f"the part is in {tables[part][0].name}, too.")
            tables[part] = file, about
    found = [each for part in parts for each in _read_part(part, right, *tables.pop(part.id, (folder, {})))]
    for part, (file, _) in tables.items():
        raise BadMistake(Location(file, part), "there is no such part.")
    return tuple(found)


def read_equal(closed: Path) -> dict[str, dict[str, str]]:
    """Read the changes after which code is still right, with the reasons, by part, from a unit's closed half."""
    tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in _files_in(closed)]
    return {part: about["equal"] for table in tables for part, about in table.items() if "equal" in about}


def _files_in(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*.toml")) if file.name != ANSWER_KEY]


def _read_part(part: Part, right: Mapping[str, object], file: Path, about: Mapping[str, Any]) -> Iterator[Mistake]:
    where = Location(file, part.id)
    if unknown := about.keys() - {*PART_KEYS}:
        raise BadMistake(where, f"{', '.join(unknown)} should be one of {', '.join(PART_KEYS)}.")
    if strange := [
        change for change, why in about.get("equal", {}).items() if not (isinstance(why, str) and why.strip())
    ]:
        raise BadMistake(where._replace(name=strange[0]), "write why it is right, too: 'was -> now' = 'the reason'.")
    if not about or part.subjects[0] not in right:  # AnswerKey reports the missing subject
        return
    for key, value in about.items():
        if key in TEXTS and not isinstance(value, str):
            raise BadMistake(where, f"{key!r} must be a text.")
    own = [textwrap.dedent(inspect.getsource(right[each])) for each in part.subjects]  # type: ignore[arg-type]
    source = about.get("source") or "\n\n".join(dict.fromkeys(own))
    names = about.get("names", "")
    for group in about.get("mistakes", ()):
        if not isinstance(group.get("hint"), str):
            raise BadMistake(where._replace(name=next(iter(group), "")), "its group has no hint, a text.")
        known = {name for name in group if name not in GROUP_KEYS}
        if others := {*group.get("untold", ()), *group.get("named", ())} - known:
            raise BadMistake(where, f"{', '.join(others)}: no mistake of this group has this name.")
        for name, ways in group.items():
            if name not in GROUP_KEYS:
                at = where._replace(name=name)
                listed = ways if isinstance(ways, list) else []
                texts = [each for way in listed for each in (way.values() if isinstance(way, dict) else [way])]
                if not texts or not all(isinstance(each, str) for each in texts):
                    raise BadMistake(at, "write a list of ways: [{ 'old' = 'new' }].")
                sources = tuple(names + each for way in ways for each in _write(source, way, at))
                teach = group.get("teach", about.get("teach", ""))
                untold, named = (name in group.get(key, ()) for key in ("untold", "named"))
                yield Mistake(part.id, name, group["hint"], sources, teach, untold, named)
    if "it" in about:
        yield from _changes_of_any(part, about, names + source.replace("…", "right"))


def _changes_of_any(part: Part, about: Mapping[str, Any], source: str) -> Iterator[Mistake]:
    of = about.get("of", part.subjects[0])
    for group in tomllib.loads(CHANGES.read_text(encoding="utf-8"))["mistakes"]:
        for name, ways in group.items():
            if name not in GROUP_KEYS:
                sources = tuple(f"{source}\n{of} = changed({of}, lambda r: {way})" for way in ways)
                name = name.replace("It", about["it"], 1)
                yield Mistake(part.id, name, group["hint"], sources, about.get("teach", ""), is_generic=True)


def _write(source: str, way: Mapping[str, str] | str, where: Location) -> Iterator[str]:
    # The changed sources: with all changes, and for a single change that fits several places also at each place alone.
    changes = {"…": way} if isinstance(way, str) else way
    everywhere = source
    for old, new in changes.items():
        if old not in everywhere:
            advice = " Write a change as { 'old' = 'new' }." if old == "…" else ""
            raise BadMistake(where, f"the right code has no {old!r}.{advice}")
        everywhere = everywhere.replace(old, new)
    sources = [everywhere]
    [old, *more] = changes
    pieces = source.split(old)
    if not more and len(pieces) > 2:
        places = range(1, len(pieces))
        sources += [old.join(pieces[:at]) + changes[old] + old.join(pieces[at:]) for at in places]
    for each in sources:
        try:
            compile(each, str(where), "exec")
        except SyntaxError as error:
            line = (error.text or "").strip()
            raise BadMistake(where, f"the changed code is not valid Python: {error.msg}: {line}") from None
        yield each
