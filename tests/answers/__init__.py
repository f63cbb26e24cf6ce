"""Answers of students as data: the code of a solution cell, what is wrong with it, what it loses, and its true names.

A file holds answers to one cell, each under its id. An answer has its whole `code`; or what it has in the place of the
`…` in one of the file's texts, under that text's name; or what it changes in the text `base`, which may be part of the
others as `{base}`. One that loses nothing is right.

Those in `public` are held out: they were written after public student code, courses and questions, and no mistake of
the catalogue is written against them. Those in a unit's folder were written against its checks: `called` is all that
their mistakes are called, and what is `said` stands in the report at the desk.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lib.checking.student_code import silence
from tests.variants import written

FIELDS = {"mistakes", "lost", "called", "said", "code", "change"}


@dataclass(frozen=True)
class Answer:
    """One answer to a cell: its mistakes in plain words, the statements that it loses, and the names that are true.

    `called` is None where nothing is known of its names.

    A statement with a `?` behind its name may be lost or not: that can be read either way.
    """

    id: str
    cell: str
    code: str
    mistakes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    called: frozenset[str] | None = None
    said: tuple[str, ...] = ()

    @property
    def certain(self) -> set[str]:
        """The statements that it has to lose."""
        return {name for name in self.lost if not name.endswith("?")}

    @property
    def possible(self) -> set[str]:
        """The statements that it may lose, those that it has to among them."""
        return {name.removesuffix("?") for name in self.lost}

    def objects(self) -> dict[str, Any]:
        """Run the cell in a notebook where all else is right, and give what it defines. Errors quote its lines."""
        with silence():
            return written(self.code, f"<{self.id}>")


@cache
def answers(folder: str) -> tuple[Answer, ...]:
    """Read all answers in a folder."""
    return tuple(answer for file in sorted(Path(__file__).parent.glob(f"{folder}/*.toml")) for answer in _read(file))


def _read(file: Path) -> Iterator[Answer]:
    held = tomllib.loads(file.read_text(encoding="utf-8"))
    base = held.get("base", "")
    texts = {name: text.replace("{base}", base) for name, text in held.items() if isinstance(text, str)}
    for id, one in held.items():
        if id not in texts:
            assert not (strange := {*one} - FIELDS - {*texts}), f"{file.name}, {id}: {strange}"
            mistakes, lost, said = (tuple(one.get(name, ())) for name in ("mistakes", "lost", "said"))
            called = frozenset(one["called"]) if "called" in one else None
            code = _write(one, texts, f"{file.name}, {id}")
            yield Answer(f"{file.stem}/{id}", file.stem, code, mistakes, lost, called, said)


def _write(one: dict[str, Any], texts: dict[str, str], where: str) -> str:
    for name, text in texts.items():
        if name in one:
            return text.replace("…", one[name])
    code: str = one["code"] if "code" in one else texts["base"]
    for old, new in one.get("change", {}).items():
        assert code.count(old) == 1, f"{where}: {old!r} stands there {code.count(old)} times"
        code = code.replace(old, new)
    return code
