"""A rule: how a statement about the training loop is tested on the steps that the loop took."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np

from lib.checking.values import Wrong, are_close
from lib.unit import Array, Inputs, Probes
from lib.units.softmax_classifier.errors import IN_LOOPS, Named, explain_errors
from lib.units.softmax_classifier.loop.calls import Call, calls
from lib.units.softmax_classifier.loop.recordings import Recording, Recordings
from lib.units.softmax_classifier.loop.spies import record_calls
from lib.units.softmax_classifier.loop.steps import HEADER, Step, describe_pass, read_step, slots_of


class LoopRule:
    """How the statement of the same name is tested on the steps of a loop. `names` are the numbers of each step."""

    names: ClassVar[tuple[str, ...]] = ()
    is_first: ClassVar[bool] = False
    """Whether this is the part's first statement, which costs its points too where `train` ends in an error."""
    is_about_the_end: ClassVar[bool] = False
    """Whether this statement is about what `train` returns: an error in the first call costs its points."""
    data: ClassVar[str] = ""
    """The argument of `train` that this statement wants unchanged: X or y."""

    def require(self, call: Call, steps: Sequence[Step], extra: Array) -> None:
        """Raise `Wrong` where the statement does not hold in one call of `train`."""
        raise NotImplementedError

    def extra(self, recording: Recording) -> Array:
        """Give what the statement needs besides the steps: a few numbers."""
        return np.zeros(0)

    def diagnose(self, recordings: Sequence[Recording], number: int, wrong: Wrong) -> Wrong:
        """Give what was found in a call the name of the mistake, where that is certain."""
        return wrong

    def holds(self, inputs: Inputs, train: Any) -> None:
        """Test the statement on both calls of `train`."""
        wrong = self._find_wrong(record_once(train, inputs, self.is_first))
        if wrong is not None:
            raise wrong

    def _find_wrong(self, recordings: Sequence[Recording]) -> Exception | None:
        """Find what is wrong in the first call in which the statement does not hold; a recording is read once."""
        notes = recordings[0].notes
        if type(self) not in notes:
            notes[type(self)] = self._look_for_wrong(recordings)
        found: Exception | None = notes[type(self)]
        return found

    def _look_for_wrong(self, recordings: Sequence[Recording]) -> Exception | None:
        for number, recording in enumerate(recordings):
            if recording.error is not None:
                if self._costs_an_error(number):
                    return recording.error
                if number:
                    continue
            try:
                self.require(recording.call, self._steps(recording), self.extra(recording))
                self._require_same_data(recording)
            except Named as wrong:
                return wrong
            except Wrong as wrong:
                return self.diagnose(recordings, number, wrong)
        return None

    def probes(self, record: Callable[[], Recordings], is_right: bool = False) -> Probes:
        """For each call of `train` an array with a row for each step; X or y afterwards.

        What is recorded of a loop that `is_right` isn't searched for mistakes that have names.
        """
        probes: Probes = {
            name: partial(self._write, record, number, is_right)
            for number, name in enumerate(("first call", "second call"))
        }
        if self.data:
            probes[f"{self.data} afterwards"] = lambda: getattr(record()[0], self.data)
        return probes

    def compared_part(self, probe: str, given: Array, inputs: Inputs) -> Array:
        """Decide about an array as the check at the desk does; raises `Wrong` where the statement does not hold."""
        if "afterwards" in probe:
            return given
        call = calls(inputs)[probe == "second call"]
        rows, extra = given[: slots_of(call)], given[slots_of(call) :].ravel()
        found = [dict(zip((*HEADER, *self.names), row.tolist(), strict=True)) for row in rows if row.any()]
        if found or call.number == 0:
            self.require(call, [read_step(one, call) for one in found], extra)
        return np.zeros(1)

    def _steps(self, recording: Recording) -> list[Step]:
        """Read the steps, with the numbers that this statement needs of each."""
        call, notes = recording.call, recording.notes
        if HEADER not in notes:  # all statements need these
            seen = recording.steps[: slots_of(call)]
            notes[HEADER] = [(each, read_step(describe_pass(each, call, HEADER), call, each)) for each in seen]
        if self.names not in notes:
            notes[self.names] = [step.add(describe_pass(each, call, self.names)) for each, step in notes[HEADER]]
        steps: list[Step] = notes[self.names]
        return steps

    def _write(self, record: Callable[[], Recordings], number: int, is_right: bool) -> Array:
        recordings = record()
        wrong = None if is_right else self._find_wrong(recordings)
        if isinstance(wrong, Named):  # what else is wrong is the judge's to find in the numbers
            raise wrong
        recording = recordings[number]
        names = (*HEADER, *self.names)
        rows = np.zeros((slots_of(recording.call) + self._rows_of_extra(recording.call), len(names)))
        if recording.error is not None:
            if self._costs_an_error(number):
                raise recording.error
            if number:
                return rows
        steps = self._steps(recording)
        for at, step in enumerate(steps):
            rows[at] = [step[name] for name in names]
        extra = self.extra(recording)
        rows[slots_of(recording.call) :].flat[: len(extra)] = extra
        return rows

    def _costs_an_error(self, number: int) -> bool:
        """Tell whether an error in a call costs this statement; else the steps before it count in the first call."""
        return self.is_first or (self.is_about_the_end and number == 0)

    def _rows_of_extra(self, call: Call) -> int:
        return 0

    def _require_same_data(self, recording: Recording) -> None:
        if not self.data:
            return
        now, given = getattr(recording, self.data), getattr(recording.call, self.data)
        if now is None or now.shape != given.shape or not are_close(now, given):
            raise Named(
                f"train changes {self.data} itself.",
                where=f"after train, {self.data} is no longer what it was",
                hint=f"Work on a copy, such as {self.data}.copy(): the caller still needs its data.",
            )


def _explain(error: Exception) -> Exception:
    """Give what an error means that a recording has kept, or the error itself."""
    try:
        with explain_errors(meanings=IN_LOOPS):
            raise error
    except Exception as explained:
        return explained


_latest: list[tuple[Any, Inputs, Recordings]] = []
"""The two latest recordings: a check's help looks at the check's own inputs, and at others."""


def record_once(train: Any, inputs: Inputs, is_first: bool = False) -> Recordings:
    """Record the calls of `train`, or return a recording of just now if it is of the same loop on the same inputs.

    The first statement of a check records anew: what the loop calls may have been changed since the last check.
    """
    draw = getattr(inputs, "of", inputs)
    for earlier, seen, recording in _latest:
        is_same = seen is draw or (not is_first and all(np.array_equal(seen[name], draw[name]) for name in draw))
        if earlier is train and is_same:
            return recording
    with explain_errors(meanings=IN_LOOPS):
        recording = record_calls(train, inputs)
    for each in recording:
        each.error = _explain(each.error) if each.error else None
    _latest[:] = [*([] if is_first else _latest[-1:]), (train, draw, recording)]
    return recording
