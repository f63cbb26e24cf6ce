"""Mutations: what chance, strange programs and ill will make of a notebook on its way to the grader.

A mutant is made from one number. It is a submission whose points are known, signed, and changed by a few mutators: of
the notebook as data, of its JSON, of the file, and of the folder around it, one after the other as they stand here.
"""

import json
import math
import os
import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Literal

import nbformat

from lib.checking.challenges import MIME
from tests.submissions import FILE, POINTS, changes, honest, submissions

BASES = ("honest", "untouched", "one_blank_open", "blanks_open", "common_mistake")
MOST = 4
"""Mutators of one mutant."""
Stage = Literal["data", "text", "bytes", "beside"]
"""What a mutator changes: the notebook as an object, its JSON, the file, or the folder that it lies in."""


class Harm(Enum):
    """What a mutator can cost. All but those that may cost points leave the code of every part as it is."""

    NONE = "no points"
    IDS = "no points by itself: but ids are lost by which something else would be put right"
    ORDER = "no points, if ids are left by which it is put right"
    POINTS = "points"


@dataclass(frozen=True)
class Mutator:
    """A function of a subject and the chance that it draws from; it changes the subject, or returns another."""

    name: str
    stage: Stage
    harm: Harm
    mutate: Callable


MUTATORS: list[Mutator] = []


def mutators(stage: Stage, harm: Harm = Harm.NONE, **named: Callable):
    MUTATORS.extend(Mutator(name, stage, harm, mutate) for name, mutate in named.items())


def mutator(stage: Stage, harm: Harm = Harm.NONE):
    return lambda mutate: mutators(stage, harm, **{mutate.__name__: mutate})


def nested(depth):
    return {"a": nested(depth - 1)} if depth else [None]


TEXTS = ["", " ", "grade_id", "\ud83d", "\x00", "\ufeff", "\u202e\u0301", "<script>alert(1)</script>", "é" * 300, "7"]
PARTS = [*(f"check-{part}" for part in POINTS), *POINTS, "", None]
LONG = ["x", "<div>", "\x1b[31m", "\n"]
VALUES = [None, True, 0, -1, 10**30, 1e308, math.nan, -math.inf, [], {}, [[]], [None, "x"], {"": None}, nested(60)]


class Chance(random.Random):
    """A source of choices, and of what nobody expects in a notebook."""

    def odd(self):
        return deepcopy(self.choice([*TEXTS, *VALUES]))

    def few(self, items):
        """Draw some of `items`, in their order, and at least one if there is any."""
        chosen = {self.randrange(len(items)) for _ in range(self.randint(1, 8))} if items else set()
        return [items[at] for at in sorted(chosen)]

    def oddly(self, *keys):
        """Make an object with odd values under some of these keys."""
        return {key: self.odd() for key in self.few(keys)}


def own(cell):
    """Give what nbgrader knows of a cell, if it does."""
    metadata = cell["metadata"]
    return metadata.get("nbgrader") if isinstance(metadata, dict) else None


def known(notebook):
    """Find the cells that the course still knows."""
    return [cell for cell in notebook["cells"] if isinstance(own(cell), dict)]


def insert(notebook, chance, *cells):
    for cell in cells:
        notebook["cells"].insert(chance.randint(0, len(notebook["cells"])), cell)


def markdown(source):
    return {"cell_type": "markdown", "source": source, "metadata": {}}


def in_some(change, choose=lambda notebook: notebook["cells"]):
    """A mutator that changes a few cells, or a few of those that are chosen."""

    def mutate(notebook, chance):
        for cell in chance.few(choose(notebook)):
            change(notebook, chance, cell)

    return mutate


# Structure: which cells there are, in which order, of which kind

mutators(
    "data",
    Harm.POINTS,
    cells_deleted=in_some(lambda notebook, chance, cell: notebook["cells"].remove(cell)),
    ten_thousand_cells=lambda notebook, chance: notebook["cells"].extend(
        [deepcopy(chance.choice(notebook["cells"])) for _ in range(10_000)]
    ),
    too_much_text=lambda notebook, chance: chance.choice(notebook["cells"]).update(
        source=chance.choice("x\n#'\x00") * chance.choice([300_000, 3_000_000])
    ),
)
mutators(
    "data",
    Harm.ORDER,
    checks_deleted=in_some(
        lambda notebook, chance, cell: notebook["cells"].remove(cell),
        lambda notebook: [cell for cell in known(notebook) if own(cell)["locked"]],
    ),
    others_deleted=lambda notebook, chance: notebook.update(
        cells=[cell for cell in notebook["cells"] if own(cell) or chance.random() < 0.5]
    ),
    cells_doubled=in_some(lambda notebook, chance, cell: insert(notebook, chance, deepcopy(cell))),
    cells_shuffled=lambda notebook, chance: chance.shuffle(notebook["cells"]),
    kinds_changed=in_some(
        lambda notebook, chance, cell: cell.update(
            cell_type=chance.choice(["code", "markdown", "raw", "heading", chance.odd()])
        )
    ),
    tags_odd=in_some(
        lambda notebook, chance, cell: cell["metadata"].update(
            tags=["skip-execution", *chance.few(["raises-exception", "remove-input", "hide_input", 7, None, ["a"], {}])]
        )
    ),
)
mutators(
    "data",
    some_hundred_cells=lambda notebook, chance: insert(
        notebook, chance, *(markdown(f"*{number}*") for number in range(chance.randint(100, 300)))
    ),
    outputs_long=lambda notebook, chance: chance.choice(notebook["cells"]).update(
        outputs=[
            {"output_type": "stream", "name": "stdout", "text": chance.choice(LONG) * chance.choice([999, 999_999])}
        ]
    ),
)


@mutator("data", Harm.POINTS)
def cells_merged(notebook, chance):
    for at in sorted(chance.sample(range(1, len(notebook["cells"])), 3), reverse=True):
        notebook["cells"][at - 1]["source"] += "\n" + notebook["cells"].pop(at)["source"]


@mutator("data", Harm.POINTS)
def cell_split(notebook, chance):
    at = chance.randrange(len(notebook["cells"]))
    first, second = notebook["cells"][at], deepcopy(notebook["cells"][at])
    cut = chance.randint(0, len(first["source"]))
    first["source"], second["source"] = first["source"][:cut], first["source"][cut:]
    notebook["cells"].insert(at + 1, second)


@mutator("data")
def much_text(notebook, chance):
    texts = ["[" * 150_000, "$" * 99_999, "x" * 190_000, "> " * 9_000, "\\begin{a}" * 2_000]
    insert(notebook, chance, markdown(chance.choice(texts)))


@mutator("data", Harm.POINTS)
def strange_letters_anywhere(notebook, chance):
    for cell in chance.few(notebook["cells"]):
        at = chance.randint(0, len(cell["source"]))
        cell["source"] = cell["source"][:at] + chance.choice(TEXTS) + cell["source"][at:]


# Metadata: ids, points, flags, tags, and what a notebook says of itself

NO_METADATA = ["nbgrader", 7, None, [], {}, [{"grade_id": "loss"}], "\ud83d"]
FLAGS = ("grade", "solution", "task", "locked", "points", "checksum", "cell_type", "schema_version", "remove")
CELL_KEYS = ("id", "execution_count", "collapsed", "prompt_number", "language", "input", "")
OLD_KEYS = ("worksheets", "name", "version", "orig_nbformat", "cell", "", "metadata\x00")
mutators(
    "data",
    Harm.IDS,
    metadata_lost=in_some(
        lambda notebook, chance, cell: cell.update(metadata={"tags": cell["metadata"].get("tags", [])})
    ),
    ids_odd=in_some(lambda notebook, chance, cell: own(cell).update(grade_id=chance.odd()), known),
    nbgrader_odd=in_some(lambda notebook, chance, cell: cell["metadata"].update(nbgrader=chance.choice(NO_METADATA))),
)
mutators(
    "data",
    flags_odd=in_some(lambda notebook, chance, cell: own(cell).update(chance.oddly(*FLAGS)), known),
    tags_lost=in_some(lambda notebook, chance, cell: cell["metadata"].update(tags=chance.odd())),
    cell_keys_odd=in_some(lambda notebook, chance, cell: cell.update(chance.oddly(*CELL_KEYS))),
    old_keys_odd=lambda notebook, chance: notebook.update(chance.oddly(*OLD_KEYS)),
)


@mutator("data", Harm.POINTS)
def ids_swapped(notebook, chance):
    cells = [cell for cell in known(notebook) if "grade_id" in own(cell)]
    if len(cells) > 1:
        first, second = (own(cell) for cell in chance.sample(cells, 2))
        first["grade_id"], second["grade_id"] = second["grade_id"], first["grade_id"]


@mutator("data", Harm.POINTS)
def ids_given(notebook, chance):
    ids = [own(cell).get("grade_id") for cell in known(notebook)] or ["check-cce"]
    for cell in chance.few(notebook["cells"]):
        cell["metadata"] = {"nbgrader": {"grade_id": chance.choice(ids), "grade": True, "points": 100}}


@mutator("data")
def attachments_odd(notebook, chance):
    for cell in chance.few(notebook["cells"]):
        pictures = {"image/png": chance.choice(["iVBORw0KGgo=", '"><script>', chance.odd()]), "text/html": "<b>"}
        cell["attachments"] = chance.choice([chance.odd(), {"a.png": chance.odd()}, {"\ud83d": pictures}])
        cell["source"] = cell["source"] if cell["cell_type"] == "code" else f"![a](attachment:a.png) {cell['source']}"


@mutator("data")
def notebook_metadata_odd(notebook, chance):
    keys = ("kernelspec", "language_info", "title", "authors", "widgets", "celltoolbar", "orig_nbformat", "signature")
    name = chance.choice(["julia-1.9", "../../etc", "", None, ["python3"], "zerolayer", "\x00"])
    kernel = {"kernelspec": {"name": name, "display_name": name, "language": name}}
    notebook["metadata"] = chance.choice([chance.odd(), chance.oddly(*keys), kernel])


@mutator("data")
def format_versions(notebook, chance):
    for key in chance.few(["nbformat", "nbformat_minor"]):
        notebook[key] = chance.choice([1, 2, 3, 4, 5, 99, "4", chance.odd()])
        if chance.random() < 0.3:
            del notebook[key]


# Outputs: whatever was saved with a notebook


@mutator("data")
def outputs_odd(notebook, chance):
    for cell in chance.few(notebook["cells"]):
        bundle = {"output_type": chance.choice(["display_data", "execute_result", "stream", "error", chance.odd()])}
        bundle |= chance.oddly("data", "metadata", "execution_count", "name", "text", "ename", "evalue", "traceback")
        cell["outputs"] = chance.choice([chance.odd(), [chance.odd()], [bundle] * chance.choice([1, 1, 50])])


@mutator("data")
def answers_saved(notebook, chance):
    for cell in known(notebook):
        answer = {"part": chance.choice(PARTS), "shown": chance.odd()}
        data = {MIME: answer, "text/plain": chance.choice(["4.0", "1e9", "nan"])}
        cell["outputs"] = [{"output_type": "execute_result", "data": data, "metadata": {}, "execution_count": 1}]


# Shape: cells and sources that are none


@mutator("data")
def sources_listed(notebook, chance):
    for cell in chance.few(notebook["cells"]):
        lines = cell["source"].splitlines(keepends=True)
        cell["source"] = [piece for line in lines for piece in (line, *chance.choices([None, 7, [], ""], k=2))]


mutators("data", Harm.POINTS, sources_odd=in_some(lambda notebook, chance, cell: cell.update(source=chance.odd())))


@mutator("data", Harm.POINTS)
def keys_lost(notebook, chance):
    for cell in chance.few(notebook["cells"]):
        for key in chance.few(list(cell)):
            del cell[key]


@mutator("data")
def garbage_added(notebook, chance):
    cells = (chance.oddly("cell_type", "source", "metadata", "outputs", "attachments", "id") for _ in range(9))
    insert(notebook, chance, {}, *cells)


@mutator("data", Harm.POINTS)
def cells_odd(notebook, chance):
    cells = notebook.pop("cells")
    keyed = {str(at): cell for at, cell in enumerate(cells)}
    notebook[chance.choice(["cells", "worksheets"])] = chance.choice([chance.odd(), keyed, [cells], [{"cells": cells}]])


@mutator("data", Harm.POINTS)
def anything_odd(notebook, chance):
    """Follow keys and places at random, and put something odd at the end of the way."""
    for _ in range(chance.randint(1, 20)):
        at, key = notebook, "cells"
        while isinstance(at.get(key) if isinstance(at, dict) else at[key], dict | list) and chance.random() < 0.9:
            inner = at[key]
            if not inner:
                break
            at, key = inner, chance.choice(list(inner)) if isinstance(inner, dict) else chance.randrange(len(inner))
        if at is not notebook:
            at[key] = chance.odd()


# JSON: what it can say, and how

mutators(
    "text",
    other_spaces=lambda text, chance: (
        "\n\t " + json.dumps(json.loads(text), indent=chance.choice([None, 1, "\t"])) + "\r\n"
    ),
)


@mutator("text")
def said_twice(text, chance):
    for key in ("metadata", "source", "cell_type", "cells", "nbgrader", "grade_id"):
        text = text.replace(f'"{key}": ', f'"{key}": {json.dumps(chance.odd())}, "{key}": ')
    return text


@mutator("text")
def not_a_number(text, chance):
    number = chance.choice(["NaN", "-Infinity", "1e999", "-0", "0.1e-400", "9" * 4_000])
    return text.replace('"source": ', f'"number": {number}, "source": ')


@mutator("text")
def nested_deep(text, chance):
    depth = chance.choice([100, 400])
    return text.replace('"source": ', f'"deep": {"[" * depth}7{"]" * depth}, "source": ', chance.randint(1, 40))


@mutator("text", Harm.POINTS)
def nested_too_deep(text, chance):
    depth = chance.choice([990, 5_000, 100_000])
    opening, closing = chance.choice([("[", "]"), ('{"a":', "}")])
    return text.replace('"source": ', f'"deep": {opening * depth}7{closing * depth}, "source": ', 1)


@mutator("text", Harm.POINTS)
def not_quite_json(text, chance):
    pairs = [("]", ",]"), ('"', "'"), ("{", "// a notebook\n{"), (":", "="), ("null", "None"), ("}", "")]
    old, new = chance.choice(pairs)
    return text.replace(old, new, chance.choice([1, -1]))


# Bytes: the file on its way


@mutator("bytes", Harm.POINTS)
def bits_flipped(data, chance):
    flipped = bytearray(data)
    for _ in range(chance.choice([1, 1, 3, 10, 100]) if data else 0):
        flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


@mutator("bytes", Harm.POINTS)
def piece_lost(data, chance):
    start, end = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    piece = chance.choice([b"", data[start:end] * 2, bytes(end - start), chance.randbytes(99)])
    return data[:start] + piece + data[end:]


@mutator("bytes", Harm.POINTS)
def other_encoding(data, chance):
    encoding = chance.choice(["utf-16", "utf-16-be", "utf-32", "utf-7", "cp037", "latin-1", "shift_jis"])
    return data.decode(errors="replace").replace("a", "ä", 9).encode(encoding, errors="replace")


# Beside: the folder, and the note of when it was handed in


@mutator("beside")
def timestamp_odd(folder, chance):
    times = ["", "now", "yesterday", "2026-03-02 12:00:00 UTC", "2026-03-02", "12:00", "0001-01-01 00:00:00 +14:00"]
    times += ["9999-12-31 23:59:59 -14:00", "2026-02-30 25:61:61 XYZ", "1e400", "9" * 900, "\x00", "1970-01-01T00"]
    written = [*(time.encode() for time in times), b"\xff\xfe2\x000\x00", b"9" * 100_000, chance.randbytes(40)]
    (folder / "timestamp.txt").write_bytes(chance.choice(written))


@mutator("beside")
def files_beside(folder, chance):
    names = ["data.csv", "-rf", "a b", "%s{0}[*]", "ä\u202e", "\n", "x" * 255, ".hidden", "Draft.ipynb", "a.html"]
    names += ["feedback", f"{FILE}.html", f".{FILE}.swp", "Icon\r", "~$a", "\udcff\udcfe", "gradebook.db"]
    names += ["challenge.json", "verdict.json", "verdict.json.part", "judge_secret"]
    contents = [None, b"", b"1,2,3", b'{"student": "ada", "parts": []}', chance.randbytes(2_000), b"\x00" * 300_000]
    for name in chance.few(names):
        content = chance.choice(contents)
        (folder / name).mkdir() if content is None else (folder / name).write_bytes(content)


@mutator("beside")
def no_files(folder, chance):
    for kind in chance.few(["link", "lost", "loop", "up", "pipe", "deep", "closed"]):
        place = folder / f"a-{kind}"
        if kind == "pipe":
            os.mkfifo(place)
        elif kind == "deep":
            Path(place, *"abcdefghijklmnopqrstuvwxyz").mkdir(parents=True)
        elif kind == "closed":
            place.mkdir(mode=0)
        else:
            place.symlink_to({"link": "/dev/zero", "lost": "nowhere", "loop": place.name, "up": "../.."}[kind])


@mutator("beside", Harm.POINTS)
def modules_shadowed(folder, chance):
    for name in chance.few(["numpy", "lib", "IPython", "matplotlib", "json", "random", "sitecustomize", "ipykernel"]):
        code = ["", "1 / 0", "raise SystemExit(3)", "import this", "\x00", "?"]
        (folder / f"{name}.py").write_text(chance.choice(code))


@mutator("beside", Harm.POINTS)
def renamed(folder, chance):
    others = [f"Copy of {FILE}", FILE.upper(), f"{FILE}.txt", "a.ipynb", "\U0001f44d.ipynb", "\udcff.ipynb", ".ipynb"]
    (folder / FILE).rename(folder / chance.choice(others))


@dataclass(frozen=True)
class Mutant:
    """What comes of one number."""

    number: int

    @property
    def student(self):
        return f"mutant-{self.number:06}"

    @property
    def signature(self):
        """A word that no other mutant has, even after some bits were flipped."""
        return f"signed-{sha256(self.student.encode()).hexdigest()[:16]}"

    @cached_property
    def base(self):
        name = random.Random(f"base {self.number}").choice(BASES)
        return next(each for each in submissions(honest, changes) if each.name == name)

    @cached_property
    def mutators(self):
        chance = random.Random(f"mutators {self.number}")
        return tuple(MUTATORS[at] for at in sorted(chance.sample(range(len(MUTATORS)), chance.randint(1, MOST))))

    @property
    def is_harmless(self):
        """Tell whether it still has to earn what it was made from."""
        harms = {mutator.harm for mutator in self.mutators}
        return Harm.POINTS not in harms and not harms >= {Harm.IDS, Harm.ORDER}

    def __str__(self):
        return f"{self.student}, made from {self.base.name} by {', '.join(each.name for each in self.mutators)}"

    def hand_in(self, released: Path, folder: Path):
        """Write the mutant into `folder`, from the released notebook at `released`."""
        folder.mkdir(parents=True)
        notebook = self.base.make(nbformat.read(released, as_version=4), folder)
        signed = json.loads(json.dumps(sign(notebook, self.signature)))
        text = json.dumps(self._mutated("data", signed))
        (folder / FILE).write_bytes(self._mutated("bytes", self._mutated("text", text).encode()))
        self._mutated("beside", folder)

    def _mutated(self, stage, subject):
        for at, each in enumerate(self.mutators):
            if each.stage == stage:
                changed = each.mutate(subject, Chance(f"{each.name} {at} {self.number}"))
                subject = subject if changed is None else changed
        return subject


def sign(notebook, signature):
    """Leave a signature in each solution, and in what a cell puts out."""
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source += f"\n# {signature}"
    name, letters = signature.split("-")
    notebook.cells.append(nbformat.v4.new_code_cell(f"print({name!r} + '-' + {letters!r})", id=letters))
    return notebook
