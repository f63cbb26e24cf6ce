"""Likeness: groups of students with the same unusual code, for a person to look at.

Code is compared as Moss does it, by winnowing (Schleimer, Wilkerson and Aiken, 2003): of all runs of `RUN` tokens some
are kept as fingerprints, the same ones wherever they occur. Names of variables don't count, so renaming hides nothing.
Most right answers are alike, so these don't count: short fillings of blanks, code of the course's own notebooks,
and code that many students have. `benchmarks/likeness.py` measures the thresholds.
"""

import builtins
import io
import json
import keyword
import re
import tokenize
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from itertools import permutations
from pathlib import Path
from zlib import crc32

from nbgrader.coursedir import CourseDirectory

from lib.grading.files import is_file
from lib.grading.pages.class_data import Classroom, StudentWork

RUN, WINDOW = 10, 4
"""Tokens of a fingerprint, and runs of which one is kept: each shared text of 13 tokens has a shared fingerprint."""
COMMON = 0.1
"""A fingerprint of more than this share of the class, and of more than three students, is common."""
ENOUGH, SHARE = 15, 0.6
"""Rare fingerprints that another student has, at least, and their share of the rare ones of a cell or of all."""
SHORT = 100
"""Characters of a blank's filling that doesn't count."""
WORDS = 3
"""A comment with more words than these counts, and each so many are a fingerprint."""
PYTHON = {*dir(builtins), *keyword.kwlist}
DEFINED = re.compile(r"^ *(?:def|class|import .* as|from .* import) (\w+)", re.MULTILINE)
"""The course's own functions, classes and modules, whose names a student can't change."""


def like_works(classroom: Classroom, course: CourseDirectory) -> list[tuple[list[StudentWork], list[str]]]:
    """Return the groups in a class with the lines that they share, as `find_like` does; no lines for the same file."""
    folders = (Path(course.root, folder) for folder in (course.release_directory, course.source_directory))
    files = [file for folder in folders for file in folder.glob("*/*.ipynb")]
    given = {text for file in files for text in _texts(file, with_locked=True).values()}
    own, same = dict[str, dict[str, str]](), defaultdict[str, list[str]](list)
    for work, verdict in classroom.graded:
        if verdict.points:  # a notebook as released has no author
            same[verdict.digest].append(work.student)
        if len(same[verdict.digest]) <= 1:  # or the same file would be in two groups
            texts = _texts(work.folder / f"{verdict.notebook}.ipynb")
            own[work.student] = {at: text for at, text in texts.items() if text not in given}
    found = find_like(own, sorted(given))
    found += [(students, []) for students in same.values() if len(students) > 1]
    works = {work.student: work for work, _ in classroom.graded}
    return [([works[student] for student in students], lines) for students, lines in found]


def _texts(file: Path, with_locked: bool = False) -> dict[str, str]:
    """Return the cells of a notebook, which the grader or the author wrote; prose as comments."""
    texts = dict[str, str]()
    for at, cell in enumerate(json.loads(file.read_bytes())["cells"] if is_file(file) else []):
        source = "".join(cell["source"])
        if with_locked or not cell["metadata"].get("nbgrader", {}).get("locked"):
            texts[str(at)] = source if cell["cell_type"] == "code" else re.sub("^", "# ", source, flags=re.MULTILINE)
    return texts


def find_like(codes: Mapping[str, Mapping[str, str]], course: Iterable[str]) -> list[tuple[list[str], list[str]]]:
    """Return the groups of students with like code, each with its lines as the first of them wrote it.

    `codes` has each student's cells; `course` has released code and solutions.
    """
    given = "\n".join(course)
    names = PYTHON | {*DEFINED.findall(given)}
    lines = {line.strip() for line in given.splitlines() if "?" in line}
    blank = re.compile("|".join(re.escape(line).replace(r"\?", f".{{,{SHORT}}}") for line in lines) or r"\Z.")
    known = {*_fingerprints(given, names, None, window=1)}
    texts = {code for cells in codes.values() for code in cells.values()}  # many students write the same
    of_text = {code: _fingerprints(code, names, blank) for code in texts}
    prints = {student: {cell: of_text[code] for cell, code in cells.items()} for student, cells in codes.items()}
    holders = defaultdict[int, list[str]](list)
    for student, cells in prints.items():
        for each in set().union(*cells.values()) - known:
            holders[each].append(student)
    rare = {each: have for each, have in holders.items() if len(have) <= max(3, COMMON * len(codes))}
    shares = Counter(pair for have in rare.values() for pair in permutations(have, 2))
    # Of each cell, and of all together: students copy one cell or everything.
    own_rare = {student: [rare.keys() & own for own in cells.values()] for student, cells in prints.items()}
    alike = defaultdict[str, dict[str, set[int]]](dict)
    for one, other in (pair for pair, count in shares.items() if count >= ENOUGH):
        theirs = set().union(*own_rare[other])
        for own in [*own_rare[one], set().union(*own_rare[one])]:
            if len(shared := own & theirs) >= max(ENOUGH, SHARE * len(own)):
                for a, b in ((one, other), (other, one)):
                    alike[a][b] = alike[a].get(b, set()) | shared
    return [
        (group, _lines(codes[group[0]], prints[group[0]], set().union(*alike[group[0]].values())))
        for group in _groups(alike)
    ]


def _groups(alike: Mapping[str, Collection[str]]) -> Iterator[list[str]]:
    left = {*alike}
    while left:
        group, new = set[str](), {min(left)}
        while new:
            group |= new
            new = {other for student in new for other in alike[student]} - group
        left -= group
        yield sorted(group)


def _lines(codes: Mapping[str, str], prints: Mapping[str, Mapping[int, set[int]]], shared: set[int]) -> list[str]:
    """Return the lines of code that have the shared fingerprints."""
    found = list[str]()
    for cell, code in codes.items():
        at = {line for each, lines in prints[cell].items() if each in shared for line in lines}
        found += [line for number, line in enumerate(code.splitlines(), 1) if number in at and line.strip()]
    return found


def _fingerprints(
    code: str, names: Collection[str], blank: re.Pattern[str] | None, window: int = WINDOW
) -> dict[int, set[int]]:
    """Return the fingerprints of code with their lines. `names` aren't variables; `blank` lines don't count."""
    is_blank = cache(lambda line: bool(blank and blank.fullmatch(line.strip())))  # asked for each token of a line
    words, lines, found, before = list[str](), list[int](), defaultdict[int, set[int]](set), ""
    for token in _tokens(code):
        line, text = token.start[0], token.string
        if is_blank(token.line):
            continue
        if token.type == tokenize.COMMENT and len(text.split()) > WORDS:
            for count in range(len(text.split()) // WORDS):
                found[crc32(f"{count} {text}".encode())].add(line)
        elif token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.OP):
            is_own = token.type == tokenize.NAME and before != "." and text not in names
            words.append("name" if is_own else text)
            lines.append(line)
            before = text
    runs = [crc32(" ".join(words[at : at + RUN]).encode()) for at in range(len(words) - RUN + 1)]
    for start in range(len(runs) - window + 1):
        at = min(range(start, start + window), key=lambda place: (runs[place], -place))
        found[runs[at]] |= {*lines[at : at + RUN]}
    return found


def _tokens(code: str) -> Iterator[tokenize.TokenInfo]:
    try:
        yield from tokenize.generate_tokens(io.StringIO(code).readline)
    except (tokenize.TokenError, SyntaxError):  # the rest isn't Python
        return
