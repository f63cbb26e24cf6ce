"""Claim: the report names few pairs of students who wrote by themselves, and most whole copies with other names.

Classes are made of the public answers: each student has one answer to each cell, and no answer is used twice. Ten more
students have the whole work of another one, with the names of all arguments and variables changed, and no comments. The
answers are halved: thresholds in `lib.grading.pages.likeness` were chosen on one half, and count on the other.

    python benchmarks/likeness.py            20 classes of each half
    python benchmarks/likeness.py --show     and the lines of one false pair
"""

import argparse
import ast
import json
import random
import re
from collections import defaultdict
from itertools import combinations
from pathlib import Path
from zlib import crc32

from lib.grading.pages.likeness import find_like
from tests.answers import answers

ROOT = Path(__file__).parents[1]
COPIES = 10


def renamed(code: str) -> str:
    """Return code with other names for arguments and variables, and without comments."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return code
    nodes = [*ast.walk(tree)]
    own = {node.arg for node in nodes if isinstance(node, ast.arg)} - {"self"}
    own |= {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    new = {name: f"v{number}" for number, name in enumerate(sorted(own))}
    lines = [line.encode() for line in code.splitlines()]
    places = {(node.lineno, node.col_offset): node.arg for node in nodes if isinstance(node, ast.arg)}
    places |= {(node.lineno, node.col_offset): node.id for node in nodes if isinstance(node, ast.Name)}
    for (line, at), name in sorted(places.items(), reverse=True):
        before, after = lines[line - 1][:at], lines[line - 1][at + len(name.encode()) :]
        lines[line - 1] = before + new.get(name, name).encode() + after
    return "\n".join(re.sub(r"\s*#[^'\"]*$", "", line.decode()) for line in lines)


def course() -> list[str]:
    """Return the cells that students get, and those of the solutions."""
    files = [file for folder in ("notebooks", "solutions") for file in ROOT.glob(f"{folder}/*/*.ipynb")]
    cells = [cell for file in files for cell in json.loads(file.read_bytes())["cells"]]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def make_class(half: int, seed: int) -> dict[str, dict[str, str]]:
    """Return the code of a class by student and cell; the copy of `s7` is `s7 copy`."""
    draw, by_cell = random.Random(seed), defaultdict[str, list[str]](list)
    for answer in answers("public"):
        if crc32(answer.id.encode()) % 2 == half:
            by_cell[answer.cell].append(answer.code)
    for codes in by_cell.values():
        draw.shuffle(codes)
    students = range(min(map(len, by_cell.values())))
    works = {f"s{at}": {cell: codes[at] for cell, codes in by_cell.items()} for at in students}
    copied = draw.sample(sorted(works), COPIES)
    return works | {f"{who} copy": {cell: renamed(code) for cell, code in works[who].items()} for who in copied}


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--classes", type=int, default=20)
    ask.add_argument("--show", action="store_true", help="show the lines of one false pair of each half")
    asked, given = ask.parse_args(), course()
    for half, name in enumerate(("thresholds chosen", "measured")):
        pairs = false = copies = found = 0
        for seed in range(asked.classes):
            works = make_class(half, seed)
            likes = find_like(works, given)
            alike = {pair for students, _ in likes for pair in combinations(students, 2)}
            true = {(who.removesuffix(" copy"), who) for who in works if who.endswith(" copy")}
            wrong = {pair for pair in alike if len({who.removesuffix(" copy") for who in pair}) == 2}
            if wrong and asked.show and not false:
                print(*next(lines for students, lines in likes if {*min(wrong)} <= {*students}), sep="\n")
            pairs, false = pairs + len(works) * (len(works) - 1) // 2 - len(true), false + len(wrong)
            copies, found = copies + len(true), found + len(true & alike)
        each = f"{1000 * false / pairs:.2f} of 1,000 pairs are false ({false} of {pairs:,})"
        print(f"{name:18} {each}; {found} of {copies} copies found, {10 * found / copies:.1f} of 10")


if __name__ == "__main__":
    main()
