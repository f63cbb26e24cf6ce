"""One answer: the code of a solution cell, and what is true about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import dedent

ROWS = {
    "loss": {
        "one": ("check-cce", 0),
        "mean": ("check-cce", 1),
        "slope": ("check-cce-gradient", 0),
        "zeros": ("check-cce-gradient", 1),
    },
    "softmax": {
        "sums": ("check-softmax-forward", 0),
        "ratios": ("check-softmax-forward", 1),
        "integers": ("check-softmax-forward", 2),
        "shift": ("check-softmax-stable", 0),
        "single": ("check-softmax-backward", 0),
        "each": ("check-softmax-backward", 1),
        "cancel": ("check-softmax-backward", 2),
    },
    "dense": {
        "weights": ("check-dense-backward", 0),
        "bias": ("check-dense-backward", 1),
        "input": ("check-dense-backward", 2),
    },
    "training": {
        "batches": ("check-train", 0),
        "labels": ("check-train", 1),
        "flow": ("check-train", 2),
        "losses": ("check-train", 3),
    },
}
"""The rows of the notebook's point tables, for each cell: the part, and the number of its statement."""
RESTS_ON = {
    "mean": "one",
    "zeros": "slope",
    "ratios": "sums",
    "integers": "sums",
    "each": "single",
    "cancel": "single",
    "bias": "weights",
}
"""Rows that say nothing where another is lost: whether they are lost with it is the unit's to choose."""


@dataclass(frozen=True)
class Answer:
    """The code of one solution cell: `mistakes` in plain words, and the rows of the point tables that they violate.

    `unsure` are rows that can be read either way.
    """

    id: str
    cell: str
    code: str
    mistakes: tuple[str, ...] = ()
    lost: frozenset[str] = frozenset()
    unsure: frozenset[str] = frozenset()

    @property
    def right(self) -> bool:
        """Whether it is to keep all points, and to get no hint."""
        return not self.mistakes


@dataclass
class Collection:
    """The answers for one cell, added in order; `frame` turns what is written down into the cell's whole code."""

    cell: str
    frame: Callable[[str], str] = str
    answers: list[Answer] = field(default_factory=list)

    def right(self, id: str, code: str) -> None:
        """Add an answer that is right."""
        self._add(id, code)

    def wrong(self, id: str, lost: str, code: str, *mistakes: str) -> None:
        """Add an answer that violates the rows `lost`, separated by spaces; a `?` behind a row says that it may not."""
        assert mistakes, f"{id}: what is the mistake?"
        self._add(id, code, mistakes, lost)

    def _add(self, id: str, code: str, mistakes: tuple[str, ...] = (), lost: str = "") -> None:
        rows = frozenset(row for row in lost.split() if row[-1] != "?")
        unsure = frozenset(row[:-1] for row in lost.split() if row[-1] == "?")
        assert rows | unsure <= ROWS[self.cell].keys(), f"{id}: no row is called so in {lost}"
        name = f"{self.cell}/{id}"
        assert name not in [answer.id for answer in self.answers], f"{name} is there already"
        self.answers.append(Answer(name, self.cell, self.frame(dedent(code).strip("\n")), mistakes, rows, unsure))
