"""What becomes of an answer: at the desk, and graded on secret draws."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from lib.checking.render import Report
from lib.grading.judge import words
from lib.grading.judge.verdict import PartVerdict
from tests.answers import Answer, answers
from tests.checking.desk import PARTS, checked, judged, names, states

PARTS_OF = {
    "loss": ("check-cce", "check-cce-gradient"),
    "softmax": ("check-softmax-forward", "check-softmax-stable", "check-softmax-backward"),
    "dense": ("check-dense-backward",),
    "training": ("check-train",),
    "loops": ("check-train",),
    "relu": ("check-relu-forward", "check-relu-backward"),
    "network": ("check-network-forward", "check-network-backward"),
    "step": ("check-step",),
    **{cell: (f"check-{cell}",) for cell in ("sgd", "momentum", "adam", "fit", "schedule", "decay")},
}
"""The parts in which a cell's code earns points."""
SENTENCES = frozenset(name for answer in answers("public") for name in answer.called or ())
"""What tells a mistake wherever it stands: a statement may say it, too."""


@dataclass
class Seen:
    """What was found of an answer in one place: the states of its statements, its names, and all that was said."""

    answer: Answer
    where: str
    states: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    said: str = ""

    def add(self, found: Report | PartVerdict) -> None:
        said = str(found) if isinstance(found, Report) else "\n".join(words.why(each) for each in found.statements)
        self.said += " ".join(said.split())
        self.names |= {*names(found)}
        self.states |= {name: state for name, state in states(found).items() if name not in ADVICE}

    @property
    def is_exact(self) -> bool:
        """True if it loses what it has to, and no more. What was not checked may be lost or not."""
        wrong = {name for name, state in self.states.items() if state in ("wrong", "open")}
        unchecked = {name for name, state in self.states.items() if state == "not checked"}
        fits = self.answer.certain <= wrong | unchecked and wrong <= self.answer.possible
        return fits and bool(wrong | unchecked) <= bool(self.answer.lost)

    @property
    def told(self) -> set[str]:
        """All that tells its mistake, and is no piece of what tells it."""
        told, rest = {*self.names}, self.said
        for name in sorted(SENTENCES | self.names, key=len, reverse=True):
            told |= {name} if name in rest else set()
            rest = rest.replace(name, "")
        return told

    def __str__(self) -> str:
        lost = [name for name, state in self.states.items() if state != "right"]
        mistakes = "; ".join(self.answer.mistakes)
        return f"{self.answer.id}, {self.where}: {mistakes} | lost {lost}, not {[*self.answer.lost]} | {self.told}"


ADVICE = {each.name for part in PARTS.values() for each in part.statements if not each.points}


def see(answer: Answer, seeds: Iterable[int] = (1,)) -> list[Seen]:
    desk, *graded = (Seen(answer, where) for where in ("desk", *(f"draw {seed}" for seed in seeds)))
    code = answer.objects()
    for part in (PARTS[id] for id in PARTS_OF[answer.cell]):
        desk.add(checked(part, **code))
        for seen, verdict in zip(graded, judged(part, code, seeds), strict=True):
            seen.add(verdict)
    return [desk, *graded]
