"""What becomes of public answers: at the desk, and graded on secret draws."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lib.checking import render
from lib.unit import Part
from tests.answers import Answer, public_answers
from tests.certificate.table import PARTS, SEEDS, at_desk, at_grading, names_at_desk

PARTS_OF = {
    "loss": ("check-cce", "check-cce-gradient"),
    "softmax": ("check-softmax-forward", "check-softmax-stable", "check-softmax-backward"),
    "dense": ("check-dense-backward",),
    "training": ("check-train",),
}
"""The parts in which a cell's code earns points."""
SENTENCES = frozenset(name for answer in public_answers() for name in answer.called)
"""What tells a mistake wherever it stands: a statement may say it, too."""


@dataclass
class Seen:
    """What was found of an answer in one place: the states of its statements, and all that its mistake was called."""

    answer: Answer
    where: str
    states: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def add(self, part: Part, states: Mapping[str, str], names: Iterable[str], said: Iterable[str]) -> None:
        """Add what was found of one part."""
        text = " ".join(" ".join(said).split())
        self.states |= {each.name: states[each.name] for each in part.statements if each.points}
        self.names |= {*names} | {sentence for sentence in SENTENCES if sentence in text}

    @property
    def is_exact(self) -> bool:
        """Whether it loses what it has to, and no more. What was not checked may be lost or not."""
        wrong = {name for name, state in self.states.items() if state in ("wrong", "open")}
        unchecked = {name for name, state in self.states.items() if state == "not checked"}
        fits = self.answer.certain <= wrong | unchecked and wrong <= self.answer.possible
        return fits and bool(wrong | unchecked) == bool(self.answer.mistakes)

    @property
    def is_named(self) -> bool:
        """Whether it was called by a true name."""
        return bool(self.names & self.answer.called)

    @property
    def false_names(self) -> set[str]:
        """What it was called and is not."""
        return self.names - self.answer.called

    def __str__(self) -> str:
        lost = [name for name, state in self.states.items() if state != "right"]
        mistakes = "; ".join(self.answer.mistakes) or "right"
        return f"{self.answer.id}, {self.where}: {mistakes} | lost {lost}, expected {[*self.answer.lost]} | {self.names}"


def see(answer: Answer, seeds: Iterable[int] = SEEDS[:1]) -> list[Seen]:
    """Check an answer at the desk, and judge it on each draw."""
    desk, *graded = (Seen(answer, where) for where in ("desk", *(f"draw {seed}" for seed in seeds)))
    code = answer.objects()
    for part in (PARTS[id][1] for id in PARTS_OF[answer.cell]):
        report = at_desk(part, code)
        said = [sentence for finding in report.findings for _, sentence in render.details(finding)]
        states = {finding.statement.name: finding.state for finding in report.findings}
        desk.add(part, states, names_at_desk(report), said)
        for seen, verdict in zip(graded, at_grading(part, code, seeds), strict=True):
            states = {each.name: each.state for each in verdict.statements}
            names = [mistake.name for mistake in verdict.mistakes]
            seen.add(part, states, names, [each.why for each in verdict.statements])
    return [desk, *graded]
