"""Fingerprints: a check at the desk gives a mistake the judge's name, and the shipped file tells nothing else."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lib.units
from lib.answer_key import Mistake
from lib.checking import fingerprints
from lib.checking.answers import run_probes
from lib.checking.fingerprints import (
    Fingerprint,
    Measurement,
    find_mistake,
    measure,
    read_grids,
    take,
    write_grids,
)
from lib.checking.help import name_mistake
from lib.checking.student_code import Failure
from lib.grading.commands.fingerprints import file_of, texts_of, write_files
from lib.grading.judge.comparison import outcomes
from lib.reference import Softmax
from lib.unit import Array, Inputs, Part, Statement
from lib.units import softmax_classifier
from lib.units.softmax_classifier import UNIT, cce, cce_gradient, dense_backward, softmax_backward, train
from lib.units.softmax_classifier.closed import ANSWER_KEY
from lib.units.softmax_classifier.closed.training import change_loop
from tests.checking.desk import checked, mistaken
from tests.grading.judge.test_judge import judged
from tests.variants import BY_PART, Code, written

PACKAGE = softmax_classifier.__name__
PARTS = {part.id: part for part in UNIT.parts}
FILE = file_of(UNIT.name)
NAMED = {(part, each.name) for part, mistakes in fingerprints.read(PACKAGE).items() for each in mistakes}
each = pytest.mark.parametrize("mistake", ANSWER_KEY.mistakes, ids=lambda mistake: f"{mistake.part}: {mistake.name}")
parts = pytest.mark.parametrize("part", UNIT.parts, ids=lambda part: part.id)


def name_of(part: Part, code: Code) -> str | None:
    """The name that the desk gives to code, whether or not its check fails."""
    objects = {**ANSWER_KEY.right, **code}
    found = name_mistake(part, tuple(objects[name] for name in part.subjects), PACKAGE)
    return found.name if found else None


def is_named(mistake: Mistake) -> bool:
    return (mistake.part, mistake.name) in NAMED


def measured(mistake: Mistake) -> Measurement:
    part = PARTS[mistake.part]
    return measure(part, partial(outcomes, part, subjects=ANSWER_KEY.subjects(part, mistake)))


def test_the_committed_files_are_what_build_writes() -> None:
    for file, text in texts_of(UNIT.name, ANSWER_KEY).items():
        assert file.read_text(encoding="utf-8") == text, "Run `zerolayer fingerprints`."


def test_all_mistakes_can_be_recognised_but_those_whose_numbers_say_nothing() -> None:
    unnamed = [mistake for mistake in ANSWER_KEY.mistakes if not (mistake.same_as or is_named(mistake))]
    assert len(unnamed) <= 0.02 * len(ANSWER_KEY.mistakes)
    for mistake in unnamed:
        probes = [probe for draw in measured(mistake).draws for probe in draw.values()]
        for outcome in (outcome for probe in probes for outcome in probe.values()):
            assert not isinstance(outcome, Failure)
            assert outcome.size > 1 or not abs(outcome) > 1e-3


@each
def test_every_mistake_gets_its_own_name_which_is_the_judges(mistake: Mistake) -> None:
    part = PARTS[mistake.part]
    report = mistaken(part, mistake)
    verdict = judged(part, dict(mistake.code))
    if not (mistake.same_as or is_named(mistake)):
        assert report.help.mistake is None
        return
    assert report.help.mistake is not None and verdict.mistake is not None
    assert report.help.mistake.name == verdict.mistake.name
    assert report.help.mistake.hint == verdict.mistake.hint
    assert report.help.mistake.name in (mistake.same_as or {mistake.name})


@parts
def test_right_code_has_no_mistakes_fingerprint(part: Part) -> None:
    assert name_of(part, {}) is None


@parts
@settings(max_examples=25, deadline=None, derandomize=True)
@given(data=st.data())
def test_right_code_in_any_style_has_none(part: Part, data: st.DataObject) -> None:
    assert name_of(part, data.draw(BY_PART[part.id])) is None


def test_code_of_a_mistake_in_other_words_and_in_float32_gets_the_same_name() -> None:
    def summed(y: Any, yhat: Any) -> float:
        return sum(-np.log(np.float32(yhat[np.argmax(y[:, b]), b])) for b in range(y.shape[1]))

    assert name_of(cce, {"cce": summed}) == "The loss is the sum over the batch, not its mean"
    with_epsilon = {"cce": lambda y, p: -np.sum(y * np.log(p + 1e-9))}
    assert name_of(cce, with_epsilon) == "The loss is the sum over the batch, not its mean"


def test_two_mistakes_at_once_and_one_that_fits_in_part_get_no_name() -> None:
    assert name_of(cce, {"cce": lambda y, p: np.sum(y * np.log2(p))}) is None
    for_some = {"cce": lambda y, p: -np.sum(y * np.log(p)) / (y.shape[1] if y.shape[1] == 5 else 1)}
    assert name_of(cce, for_some) is None
    both = change_loop(("(1 / len(batch)) * ", ""), ("nepochs)", "nepochs + 1)"))
    assert name_of(train, {"train": both}) is None


def assert_named(part: Part, code: dict[str, Any], name: str) -> None:
    """Expect a mistake's name from the judge, and the same at the desk."""
    verdict = judged(part, code)
    assert verdict.mistake is not None
    assert verdict.mistake.name == name_of(part, code) == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("-np.sum(np.log(y * yhat + 1e-8)) / y.shape[1]", "y is inside the logarithm, and log 0 is avoided"),
        ("-(yhat * np.log(y + 1e-9)).sum() / y.shape[1]", "y and yhat are swapped, and log 0 is avoided"),
        (
            "-y * np.log(yhat + 1e-8).sum(axis=0) / y.shape[1]",
            "Only the logarithms are summed, before they are multiplied by y",
        ),
        ("-np.mean(y) * np.log(yhat + 1e-8)", "A parenthesis closes too early: only y is summed"),
        (
            "-np.mean(y * np.log(yhat)) / y.shape[1]",
            "The mean over all entries is divided by the batch size",
        ),
        (
            "-np.mean(((1 - yhat) ** 2 * y * np.log(yhat)).sum(0))",
            "The loss is focal loss: samples that are predicted well count less",
        ),
    ],
)
def test_a_loss_with_a_parenthesis_or_a_factor_too_many_has_its_name(written: str, name: str) -> None:
    code = {"cce": eval(f"lambda y, yhat: {written}", {"np": np})}
    assert_named(cce, code, name)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("np.nan_to_num(-1 / (y * yhat))", "y stands in the denominator too"),
        ("np.nan_to_num(-yhat / y)", "y and yhat are swapped"),
        (
            "y * (1 - yhat) * (2 * np.log(yhat) - (1 - yhat) / yhat)",
            "The gradient is that of focal loss",
        ),
        ("-y * (1 - yhat) ** 2 / yhat", "The slope is multiplied by 1 - yhat, or by a power of it"),
        ("-y * (1 / yhat - 1)", "The slope is multiplied by 1 - yhat, or by a power of it"),
    ],
)
def test_a_gradient_without_its_infinities_or_with_a_factor_too_many_has_its_name(written: str, name: str) -> None:
    code = {"cce_gradient": eval(f"lambda y, yhat: {written}", {"np": np})}
    assert_named(cce_gradient, code, name)


@pytest.mark.parametrize(
    ("update", "name"),
    [
        ("self.v = 0.8 * self.v - rate * g; self.weights += self.v", "Earlier steps count too: there is momentum"),
        (
            "self.v = 0.9 * self.v + 0.1 * g**2; self.weights -= rate * g / (np.sqrt(self.v) + 1e-8)",
            "Each weight has a step size of its own, as in Adam, RMSprop or AdaGrad",
        ),
        (
            "self.weights -= rate * (g + 0.01 * np.sign(self.weights))",
            "The weights decay by the same amount, whatever their size",
        ),
        ("self.weights -= rate * (g + 2 * 0.01 * self.weights)", "The weights decay"),
    ],
)
def test_a_step_of_another_optimizer_has_its_name(update: str, name: str) -> None:
    layer = written(
        f"""
        class Dense(Dense):
            v = 0
            def backward(self, output_gradient, rate):
                result = self.weights[:, :-1].T @ output_gradient
                g = output_gradient @ self.input.T
                {update}
                return result
        """
    )["Dense"]
    assert_named(dense_backward, {"Dense": layer}, name)


@pytest.mark.parametrize(
    "code",
    [
        lambda *_: 1 / 0,
        lambda *_: np.nan,
        lambda *_: np.inf,
        lambda *_: np.zeros(0),
        lambda *_: 0.0,
        lambda *_: "1.0",
    ],
)
def test_errors_and_numbers_that_say_nothing_get_no_name(code: Any) -> None:
    for part in UNIT.parts:
        if not part.subjects[0][0].isupper():
            assert name_of(part, {part.subjects[0]: code}) is None


def test_a_mistake_in_backward_has_its_name_behind_any_forward_as_at_grading() -> None:
    wrong = {each.name: each.code["Softmax"] for each in ANSWER_KEY.mistakes if "Softmax" in each.code}
    name = "Only the diagonal of the Jacobian is used"

    class Renamed:
        def forward(self, input: Any) -> None:
            self.out = Softmax().forward(input)

        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            return self.out * (1 - self.out) * output_gradient

    class Raises(wrong[name]):  # type: ignore[misc]  # a class of the catalogue
        forward = None

    layers = [Renamed, Raises]
    for forward in ("The whole matrix sums to 1", "The output is the scores", "self.output is missing"):
        layers.append(type("Both", (wrong[name],), {"forward": wrong[forward].forward}))
    for layer in layers:
        verdict = judged(softmax_backward, {"Softmax": layer})
        assert verdict.mistake is not None
        assert verdict.mistake.name == name_of(softmax_backward, {"Softmax": layer}) == name


def test_an_error_is_not_taken_for_a_mistake_that_raises_another() -> None:
    """Right for one sample; on a batch it fails, for no reason that the catalogue knows."""
    code = written(
        """
        class Fails(Softmax):
            def backward(self, output_gradient):
                assert output_gradient.shape[1] == 1
                return super().backward(output_gradient)
        """
    )
    assert name_of(softmax_backward, {"Softmax": code["Fails"]}) is None


def test_a_mistake_that_only_raises_is_recognised_by_the_shapes_in_its_message() -> None:
    def run(message: str, inputs: Inputs) -> dict[str, dict[str, Any]]:
        return {"BatchMean": {"one": np.ones((2, 1)), "batch": Failure("error", message)}}

    shapes = "It raised ValueError: operands could not be broadcast together with shapes (28,28) (4,4)"
    known = [take(measure(cce, partial(run, shapes)), cce, "One sample's code", "", by_message=True)]
    assert find_mistake(measure(cce, partial(run, shapes)), cce, known)
    assert not find_mistake(measure(cce, partial(run, shapes.replace("28", "7"))), cce, known)
    assert fingerprints.shows_in_words(Failure("error", shapes))
    assert not fingerprints.shows_in_words(Failure("error", "It raised TypeError: f() takes 1 argument (2 given)"))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.floats(0.1, 1e3))
def test_near_numbers_have_one_fingerprint_and_far_ones_another(seed: int, size: float) -> None:
    array = size * np.random.default_rng(seed).normal(size=(4, 7))

    def measurement(numbers: Array) -> Measurement:
        return Measurement([{"BatchMean": {"probe": numbers}}] * cce.naming_draws)

    def is_found(numbers: Array) -> bool:
        return find_mistake(measurement(numbers), cce, known) is not None

    known = [take(measurement(array), cce, "name", "hint")]
    assert is_found(array.astype(np.float32).astype(float))
    assert is_found(array * (1 + 1e-4))
    assert not is_found(1.05 * array)
    assert not is_found(array.T)
    array[0, 0] = np.nan
    assert not is_found(array)


@given(st.lists(st.integers(0, 1), max_size=40))
def test_grids_read_back(bits: list[int]) -> None:
    grids = np.array(bits, dtype=np.int64)
    found = read_grids(write_grids(grids), len(bits))
    assert found is not None and found.tolist() == bits
    assert read_grids(write_grids(grids), len(bits) + 8) is None


class TestTheFile:
    """What ships: names, hints, and for each mistake one digest, with a bit a number."""

    shipped = json.loads(FILE.read_text(encoding="utf-8"))
    mistakes = tuple(each for mistakes in shipped.values() for each in mistakes)

    def test_it_has_only_words_and_digests(self) -> None:
        assert set(self.shipped) == set(PARTS)
        for each in self.mistakes:
            assert set(each) == set(Fingerprint.__dataclass_fields__)
            assert each["route"] in ("", "own", "given")
            assert re.fullmatch("[0-9a-f]{16}", each["digest"])
            assert re.fullmatch("([0-9a-f]{2})+", each["grids"]) or each["by_message"]
            assert {type(each["with_advice"]), type(each["by_message"])} == {bool}
        words = {(mistake.name, mistake.hint) for mistake in ANSWER_KEY.mistakes}
        assert {(each["name"], each["hint"]) for each in self.mistakes} <= words

    def test_the_numbers_of_a_digest_are_many_and_their_bits_look_as_if_drawn_at_random(self) -> None:
        """So none can be tried alone. A bit is the second binary digit of a number in steps: 0 as often as 1."""
        said = {each["name"] for each in self.mistakes if each["by_message"]}
        named = [way for mistake in filter(is_named, ANSWER_KEY.mistakes) for way in mistake.ways]
        found = [measured(way) for way in named]
        for way, each in zip(named, found, strict=True):
            assert all(len(each.on(route).positions) >= 4 for route in each.routes) or way.name in said
        numbers = [len(each.positions) for each in found]
        bits = np.unpackbits(np.frombuffer(bytes.fromhex("".join(each["grids"] for each in self.mistakes)), np.uint8))
        assert 0.4 < bits.sum() / sum(numbers) < 0.6

    def test_it_is_in_the_students_half(self) -> None:
        from lib.grading.commands.bundle import open_half

        assert open_half()[f"lib/units/{UNIT.name}/{fingerprints.FILE}"] == FILE.read_bytes()


def test_nothing_of_it_is_loaded_before_a_check_fails() -> None:
    code = (
        "import sys; from lib.units.softmax_classifier import check; import numpy as np;"
        "check.cce(lambda y, p: -np.sum(y * np.log(np.maximum(p, 1e-9))) / y.shape[1]);"
        "before = 'lib.checking.fingerprints' in sys.modules; check.cce(lambda y, p: 0.0);"
        "print(before, 'lib.checking.fingerprints' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_the_command_writes_the_files_again(tmp_path: Path) -> None:
    """For the smaller unit: a test above compares the files of the larger one."""
    command = [sys.executable, "-m", "lib.grading", "fingerprints", "hidden_layer"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.strip().endswith(f"hidden_layer/{fingerprints.FILE} is up to date.")


def test_code_that_never_ends_is_given_up_soon() -> None:
    ran = []

    def endless(y: Any, yhat: Any) -> float:
        ran.append(1)
        while True:
            pass

    assert name_of(cce, {"cce": endless}) is None
    assert len(ran) <= cce.naming_draws
    found = run_probes(cce, cce.desk_inputs(), (endless,), 0.05)
    assert {
        outcome.kind for probes in found.values() for outcome in probes.values() if isinstance(outcome, Failure)
    } == {"time"}


def test_a_route_that_does_not_end_is_not_tried_again_and_another_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.checking.answers.TIME_LIMIT", 0.1)
    ran = []

    def call(name: str) -> float:
        ran.append(name)
        while name[0] == "a":
            pass
        return 1.0

    class Routes(Statement):
        text = "It ends."

        def probes(self, inputs: Any, *subjects: Any) -> dict[str, Any]:
            return {name: partial(call, name) for name in ("a/first", "a/second", "b/first", "b/second")}

    found = run_probes(replace(cce, statements=(Routes(),), naming_draws=1), {}, ())["Routes"]
    assert ran == ["a/first", "b/first", "b/second"]
    kinds = {name: outcome.kind if isinstance(outcome, Failure) else "value" for name, outcome in found.items()}
    assert kinds == {"a/first": "time", "a/second": "time", "b/first": "value", "b/second": "value"}


def test_a_part_may_be_written_with_lists() -> None:
    part = replace(cce, subjects=[*cce.subjects], statements=[*cce.statements])  # type: ignore[arg-type]  # by an author
    found = run_probes(part, part.desk_inputs(), (lambda y, p: 0.0,))
    assert not any(isinstance(outcome, Failure) for probes in found.values() for outcome in probes.values())


def test_a_part_of_a_unit_without_the_file_gets_no_names() -> None:
    assert name_mistake(cce, (lambda y, p: 0.0,), "lib.units") is None
    assert name_mistake(cce, (lambda y, p: 0.0,), "") is None
    assert checked(cce, cce=lambda y, p: 0.0).help.mistake is None


def test_a_file_of_another_catalogue_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lib.units, "__path__", [str(tmp_path)])
    stale = tmp_path / UNIT.name / fingerprints.FILE
    (stale.parent / "closed").mkdir(parents=True)
    (stale.parent / "__init__.py").touch()
    stale.write_text("{}")
    few = replace(ANSWER_KEY, mistakes=tuple(each for each in ANSWER_KEY.mistakes if each.part == "check-cce"))
    assert all(write_files(UNIT.name, few).values())
    assert json.loads(stale.read_text())["check-cce"] == json.loads(FILE.read_text())["check-cce"]
    assert not any(write_files(UNIT.name, few).values())
