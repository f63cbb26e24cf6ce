"""Progress: how far a run is while it goes on, on a terminal, and what came of it at its end."""

from collections import Counter
from time import monotonic
from typing import Self

from tqdm import tqdm


class Bar(tqdm):
    """A bar without the thread that tqdm starts beside it: processes are forked while it stands."""

    monitor_interval = 0


class Progress:
    """Counts submissions by what became of them: graded, failed (with a verdict that says why), skipped."""

    def __init__(self, total: int):
        self.counts: Counter[str] = Counter()
        self.failed: list[str] = []
        self._start = monotonic()
        self._bar = Bar(total=total, unit="submission", disable=None, leave=False, dynamic_ncols=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def add(self, outcome: str, student: str = "") -> None:
        """Count one submission as `graded`, `failed` or `skipped`."""
        self.counts[outcome] += 1
        if outcome == "failed":
            self.failed.append(student)
        self._bar.set_postfix(dict(self.counts), refresh=False)
        self._bar.update()

    def table(self) -> str:
        """Write how many submissions were graded how fast, which could not be run to their end, and what to do."""
        seconds = monotonic() - self._start
        done = self.counts["graded"] + self.counts["failed"]
        rate = f" in {seconds:.0f} s, {done / seconds:.1f} a second" if done else ""
        lines = [f"{done} of {self.counts.total()} submissions graded{rate}"]
        if self.failed:
            names = ", ".join(self.failed[:10]) + (", ..." if len(self.failed) > 10 else "")
            lines.append(f"{len(self.failed):>6} could not be run to the end; their verdicts say why: {names}")
        if skipped := self.counts["skipped"]:
            lines.append(f"{skipped:>6} skipped: graded before, and not submitted again since (--force grades them)")
        return "\n".join(lines)
