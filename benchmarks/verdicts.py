"""Claim: verdicts are true on code that nobody here wrote: right answers keep all, mistakes cost and are called right.

Each public answer is checked at the desk and judged over many draws, as the tests do on one. What fails is listed.

    python benchmarks/verdicts.py                               all answers, 30 draws
    python benchmarks/verdicts.py --cell softmax --draws 5      one cell's answers, fewer draws
    python benchmarks/verdicts.py --only early --show           some answers, with what is said of them
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from time import perf_counter

import numpy as np

from tests.answers import answers
from tests.certificate.seen import Seen, see

Test = Callable[[Seen], bool]
PROPERTIES: tuple[tuple[str, bool, Test], ...] = (
    ("right answers that keep all, without a hint", False, lambda seen: seen.is_exact and not seen.told),
    ("wrong answers that lose exactly what they should", True, lambda seen: seen.is_exact),
    ("wrong answers called by a true name", True, lambda seen: bool(seen.told & (seen.answer.called or frozenset()))),
    ("wrong answers called by no false name", True, lambda seen: seen.told <= (seen.answer.called or frozenset())),
)
"""What is counted, whether of wrong answers, and how."""


def see_all(cell: str | None, only: str, draws: int) -> list[list[Seen]]:
    """Check and judge the answers that are asked for; say how far it is."""
    chosen = [each for each in answers("public") if cell in (None, each.cell) and only in each.id]
    found = []
    for done, answer in enumerate(chosen, 1):
        found.append(see(answer, range(1, draws + 1)))
        if sys.stderr.isatty():
            print(f"\r{done} of {len(chosen)}", end="", file=sys.stderr)
    return found


def list_off(found: Iterable[list[Seen]], is_wrong: bool, test: Test) -> list[str]:
    """List what fails at the desk and, once for an answer, in how many draws."""
    lines = []
    for desk, *graded in (seen for seen in found if bool(seen[0].answer.lost) == is_wrong):
        off = [seen for seen in graded if not test(seen)]
        lines += [f"  {desk}"] if not test(desk) else []
        lines += [f"  {off[0]} ({len(off)} of {len(graded)} draws)"] if off else []
    return lines


def count(found: Iterable[list[Seen]], is_wrong: bool, test: Test) -> str:
    """Return for how many answers the test holds at the desk, and in all draws."""
    asked = [seen for seen in found if bool(seen[0].answer.lost) == is_wrong]
    desk, graded = sum(test(seen[0]) for seen in asked), sum(all(map(test, seen[1:])) for seen in asked)
    return f"{desk:>4} of {len(asked):<4}{graded:>6} of {len(asked)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--cell", choices=sorted({each.cell for each in answers("public")}), help="answers for this cell only"
    )
    parser.add_argument("--draws", type=int, default=30, help="how many draws")
    parser.add_argument("--only", default="", help="answers whose id contains this")
    parser.add_argument("--show", action="store_true", help="show what the desk says")
    asked = parser.parse_args()
    start = perf_counter()
    found = see_all(asked.cell, asked.only, asked.draws)
    for desk, *_ in found if asked.show else ():
        print(f"--- {desk.answer.id}\n{desk.answer.code}\n{desk.said}")
    for title, is_wrong, test in PROPERTIES:
        print(f"\nNot among {title}:", *list_off(found, is_wrong, test), sep="\n")
    print(f"\n{'':54}desk           graded")
    for title, is_wrong, test in PROPERTIES:
        print(f"{title:50}{count(found, is_wrong, test)}")
    print(f"\n{len(found)} answers, {asked.draws} draws, {perf_counter() - start:.0f} s")


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        main()
