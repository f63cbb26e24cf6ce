"""Claim: verdicts are true on code that nobody here wrote: right answers keep all, mistakes cost and are called right.

Each answer of `public_answers` is checked at the desk and judged over many draws. Right answers have to keep all points
without a hint; wrong ones have to lose exactly the rows of the point tables that they violate, at the desk as at
grading and in every draw, and to be told their true mistake and no other. What fails is listed.

    python benchmarks/verdicts.py                            all answers, 30 draws
    python benchmarks/verdicts.py --part softmax --seeds 5   one cell's answers, fewer draws
    python benchmarks/verdicts.py --only early --show        some answers, with their reports
"""

import argparse
import html
import json
import linecache
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np
from public_answers import ANSWERS, BY_NAME, BY_SENTENCE, TRUE_NAMES
from public_answers.answer import RESTS_ON, ROWS, Answer

from lib.checking.answers import answer
from lib.checking.dispatch import Check
from lib.checking.render import Report
from lib.checking.student_code import run_student_code, silence
from lib.grading.judge.judge import judge
from lib.grading.judge.verdict import PartVerdict
from lib.unit import Part
from lib.units import softmax_classifier
from lib.units.softmax_classifier.closed import ANSWER_KEY

CATALOGUE = {mistake.name for mistake in ANSWER_KEY.mistakes}
GIVEN = """
import numpy as np

class Layer:
    def __init__(self):
        self.input = None
        self.output = None

    def forward(self, input):
        pass

    def backward(self, output_gradient, learning_rate):
        pass

def generate_batch_indices(num_samples, batch_size):
    reordered_sample_indices = np.random.choice(num_samples, num_samples, replace = False)
    return np.split(reordered_sample_indices, np.arange(batch_size, len(reordered_sample_indices), batch_size))
"""
"""Cells that the notebook gives."""


@dataclass
class Seen:
    """What became of one answer: which rows are right at the desk and in each draw, and which names were told.

    A row is None at the desk where its part says that another part has to be right first.
    """

    answer: Answer
    desk: dict[str, bool | None] = field(default_factory=dict)
    desk_names: set[str] = field(default_factory=set)
    graded: list[dict[str, bool]] = field(default_factory=list)
    graded_names: list[frozenset[str]] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    problem: str = ""

    @property
    def true_names(self) -> frozenset[str]:
        """The catalogue's names that are true of this answer."""
        return TRUE_NAMES.get(self.answer.id, frozenset())

    @cached_property
    def told(self) -> Counter[str]:
        """How many draws told each name at grading."""
        return Counter(name for names in self.graded_names for name in names)

    @property
    def desk_lost(self) -> set[str]:
        """The rows lost at the desk; those behind another part are not counted."""
        return {row for row, right in self.desk.items() if right is False}

    @property
    def lost_by_draw(self) -> list[set[str]]:
        """The rows lost in each draw."""
        return [{row for row, right in rows.items() if not right} for rows in self.graded]

    @property
    def desk_exact(self) -> bool:
        """Whether the desk takes away what the tables say."""
        behind = {row for row, right in self.desk.items() if right is None}
        return self._is_exact(self.desk_lost, behind)

    @property
    def graded_exact(self) -> bool:
        """Whether every draw takes away what the tables say."""
        return all(map(self._is_exact, self.lost_by_draw))

    @property
    def agrees(self) -> bool:
        """Whether the desk and the first draw take away the same rows, but for those behind another part."""
        open_rows = {row for row, right in self.desk.items() if right is not None}
        return self.desk_lost == self.lost_by_draw[0] & open_rows

    @property
    def hangs_on_the_draw(self) -> bool:
        """Whether draws differ in the rows or in the names."""
        return any(lost != self.lost_by_draw[0] for lost in self.lost_by_draw) or len(set(self.graded_names)) > 1

    def _is_exact(self, lost: set[str], behind: set[str] = frozenset()) -> bool:
        answer = self.answer
        resting = {row for row, other in RESTS_ON.items() if other in lost}
        fits = answer.lost - behind <= lost <= answer.lost | answer.unsure | (resting if not answer.right else set())
        return fits and (answer.right or bool(lost or behind))


def run_cell(name: str, code: str, space: dict[str, Any]) -> None:
    """Run a cell's code in a notebook's namespace, so that errors can quote its lines."""
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    exec(compile(code, name, "exec"), space)  # the answers are ours


def objects_of(answer: Answer) -> dict[str, Any]:
    """Fill a notebook's namespace: what is given, right code for every cell, and the answer's own cell."""
    space: dict[str, Any] = {"__name__": "__main__"}
    run_cell("<given>", GIVEN, space)
    for part in ANSWER_KEY.parts:
        space |= {name: ANSWER_KEY.right[name] for name in part.subjects}
    with silence():
        run_cell(f"<{answer.id}>", answer.code, space)
    return space


def see(answer: Answer, seeds: Iterable[int]) -> Seen:
    """Check an answer at the desk and judge it in the draw of each seed."""
    seen = Seen(answer)
    space = run_student_code(lambda: objects_of(answer))
    if not isinstance(space, dict):
        seen.problem = f"the cell does not run: {space.text}"
        return seen
    by_part = {part.id: part for part in ANSWER_KEY.parts}
    asked = [by_part[id] for id in dict.fromkeys(part for part, _ in ROWS[answer.cell].values())]
    for part in asked:
        report = Check(part, softmax_classifier.__name__)(*(space[name] for name in part.subjects))
        seen.reports.append(report)
        seen.desk |= dict(_desk_rows(answer, part, report))
        seen.desk_names |= sentences_in(f"{report} {html.unescape(re.sub('<[^>]*>', ' ', report._repr_html_()))}")
        seen.desk_names |= {each.name for each in report.help.mistakes} if report.help else set()
    for seed in seeds:
        rows: dict[str, bool] = {}
        names: set[str] = set()
        for part in asked:
            verdict = _judged(part, space, seed)
            rows |= dict(_graded_rows(answer, part, verdict))
            names |= sentences_in(" ".join(f"{each.why} {each.hint}" for each in verdict.statements))
            names |= {each.mistake.name for each in (verdict, *verdict.statements) if each.mistake}
        seen.graded.append(rows)
        seen.graded_names.append(frozenset(names))
    return seen


def sentences_in(said: str) -> set[str]:
    """Find the sentences that tell a mistake in what a student reads."""
    said = " ".join(said.split())
    return {sentence for sentence in BY_SENTENCE if sentence in said}


def _judged(part: Part, space: Mapping[str, Any], seed: int) -> PartVerdict:
    given = answer(part, seed, tuple(space[name] for name in part.subjects))
    return judge(ANSWER_KEY, part, seed, json.loads(json.dumps(given, allow_nan=False)))


def _desk_rows(answer: Answer, part: Part, report: Report) -> Iterator[tuple[str, bool | None]]:
    graded = [finding for finding in report.findings if finding.statement.points]
    for row, (id, number) in ROWS[answer.cell].items():
        if id == part.id:
            yield row, None if report.note else graded[number].state == "right"


def _graded_rows(answer: Answer, part: Part, verdict: PartVerdict) -> Iterator[tuple[str, bool]]:
    for row, (id, number) in ROWS[answer.cell].items():
        if id == part.id:
            yield row, verdict.statements[number].state == "right"


# ---- What is told


def list_right(seen: Seen) -> Iterator[str]:
    """Say what a right answer lost, or was told."""
    if seen.problem:
        yield seen.problem
        return
    for where, lost, names in (
        ("desk", seen.desk_lost | {row for row, right in seen.desk.items() if right is None}, seen.desk_names),
        ("grading", set.union(*seen.lost_by_draw), set(seen.told)),
    ):
        if lost or names:
            yield f"{where}: lost {_words(lost)}" + (f", told {_words(names)}" if names else "")


def list_points(seen: Seen) -> Iterator[str]:
    """Say where a wrong answer's points are not those of the tables."""
    if seen.problem:
        yield seen.problem
        return
    expected = f"expected {_words(seen.answer.lost)}" + (
        f" (and perhaps {_words(seen.answer.unsure)})" if seen.answer.unsure else ""
    )
    if not seen.desk_exact:
        yield f"desk: lost {_words(seen.desk_lost)}, {expected}"
    if not seen.graded_exact:
        counts = Counter(_words(lost) for lost in seen.lost_by_draw)
        yield (
            "grading: lost " + "; ".join(f"{rows} ({count} draws)" for rows, count in counts.items()) + f", {expected}"
        )
    if seen.desk_exact and seen.graded_exact and not seen.agrees:
        yield f"desk and grading differ: {_words(seen.desk_lost)} and {_words(seen.lost_by_draw[0])}"


def list_names(seen: Seen) -> Iterator[str]:
    """Say where a wrong answer's true mistake is not named, or a false one is."""
    if seen.problem:
        return
    for where, names in (("desk", {*seen.desk_names}), ("grading", set(seen.told))):
        false = names - seen.true_names
        if false:
            yield f"{where}, FALSE: {_words(false)}"
        elif not names:
            yield f"{where}: no name"
    if set(seen.told) and sum(seen.told.values()) and min(map(len, seen.graded_names)) == 0:
        yield f"grading: named in {sum(map(bool, seen.graded_names))} of {len(seen.graded_names)} draws"


def _words(things: Any) -> str:
    return ", ".join(sorted(things)) or "nothing"


def table(all_seen: list[Seen]) -> str:
    """Write the figures."""
    right = [seen for seen in all_seen if seen.answer.right]
    wrong = [seen for seen in all_seen if not seen.answer.right and not seen.problem]
    one = [seen for seen in wrong if len(seen.answer.mistakes) == 1]
    rows = [("", "desk", "grading")]
    kept = [
        [not any(line.startswith(where) for line in list_right(seen)) and not seen.problem for seen in right]
        for where in ("desk", "grading")
    ]
    rows.append(("right answers kept, no hint", *(_share(flags) for flags in kept)))
    rows.append(
        ("exact points", _share([seen.desk_exact for seen in wrong]), _share([seen.graded_exact for seen in wrong]))
    )
    for text, chosen in (("true mistake named", wrong), ("… of those with one mistake", one)):
        rows.append(
            (
                text,
                _share([bool(seen.desk_names & seen.true_names) for seen in chosen]),
                _share([all(names & seen.true_names for names in seen.graded_names) for seen in chosen]),
            )
        )
    rows.append(
        (
            "false name told",
            str(sum(bool(seen.desk_names - seen.true_names) for seen in all_seen)),
            str(sum(bool(set(seen.told) - seen.true_names) for seen in all_seen)),
        )
    )
    rows.append(
        (
            "verdict hangs on the draw",
            "",
            str(sum(seen.hangs_on_the_draw for seen in wrong + right if not seen.problem)),
        )
    )
    rows.append(("desk and grading take other rows", str(sum(not seen.agrees for seen in wrong)), ""))
    return "\n".join(f"{text:36}{desk:>18}{grading:>18}" for text, desk, grading in rows)


def _share(flags: list[bool]) -> str:
    return f"{sum(flags)} of {len(flags)}, {100 * sum(flags) / len(flags):.0f}%" if flags else "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=sorted(ROWS), help="answers for this cell only")
    parser.add_argument("--seeds", type=int, default=30, help="how many draws")
    parser.add_argument("--only", default="", help="answers whose id contains this")
    parser.add_argument("--show", action="store_true", help="show the desk's reports")
    asked = parser.parse_args()
    chosen = [a for a in ANSWERS if asked.part in (None, a.cell) and asked.only in a.id]
    start = perf_counter()
    all_seen = []
    for done, one in enumerate(chosen, 1):
        all_seen.append(see(one, range(1, asked.seeds + 1)))
        if sys.stderr.isatty():
            print(f"\r{done} of {len(chosen)}", end="", file=sys.stderr)
        if asked.show:
            print(f"--- {one.id}\n{one.code}", *all_seen[-1].reports, sep="\n")
    for title, lists, right in (
        ("Right answers that lost points or got a hint", list_right, True),
        ("Points that are not the tables'", list_points, False),
        ("Names", list_names, False),
    ):
        print(f"\n{title}")
        for seen in all_seen:
            if seen.answer.right == right:
                lines = list(lists(seen))
                if lines:
                    print(f"  {seen.answer.id}: {'; '.join(seen.answer.mistakes) or 'right'}")
                    print(*(f"      {line}" for line in lines), sep="\n")
    unknown = {*BY_NAME} - CATALOGUE
    if unknown and not asked.only:
        print("\nNames that the catalogue doesn't have (any more):", *sorted(unknown), sep="\n  ")
    print(f"\n{table(all_seen)}\n\n{len(chosen)} answers, {asked.seeds} draws, {perf_counter() - start:.0f} s")


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        main()
