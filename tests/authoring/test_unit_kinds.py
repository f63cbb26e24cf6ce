"""A unit with all that a notebook asks for, a function, a class, a text and a loop: from `new` to graded work."""

import nbformat
import pytest

from lib.grading.judge.verdict import Verdict
from tests.authoring.own_unit import succeeds
from tests.authoring.test_own_units import hand_in
from tests.grading.conftest import QUICK, Course

UNIT = "training_words"
EXERCISE = '''
"""The exercise: what is said of the student's code, and the inputs on which it is tested."""

import numpy as np

from lib.checking.spies import Calls
from lib.checking.right import slopes
from lib.unit import Part, statement


def draw(rng):
    words = [str(word) for word in rng.permutation(["loss", "rate", "step", "bias", "mean"])]
    numbers = {"w": rng.normal(size=3), "gradients": rng.normal(size=(4, 3)), "share": rng.uniform(0.3, 0.7)}
    return {**numbers, "words": words}


@statement("The gradient is the slope of half the sum of squares.", slopes(lambda w, _: w @ w / 2, "w"), hint="Square.")
def slope(inputs, gradient):
    return gradient(inputs["w"])


@statement("The velocity keeps a share of itself.", hint="Two steps by hand.", points=2)
def velocity(inputs, Momentum):
    optimizer = Momentum(share=inputs["share"])
    return [optimizer.step(gradient) for gradient in inputs["gradients"]]


@statement("Words have spaces between, then a full stop.", hint="Print.", examples=(({"words": ["a", "b"]}, "a b."),))
def sentence(inputs, write):
    return write(inputs["words"])


@statement("Each step asks for the gradient, where w is.", of=("gradient", "result"), hint="Print w in each.", points=2)
def walk(inputs, descend):
    calls = Calls()
    loop = calls.within(descend, gradient=lambda w: w / 2)
    return calls.and_result(loop(inputs["w"], steps=3))


PARTS = tuple(
    Part(f"check-{name}", name, (subject,), draw, (each,))
    for name, subject, each in (
        ("gradient", "gradient", slope), ("momentum", "Momentum", velocity),
        ("write", "write", sentence), ("descend", "descend", walk),
    )
)
'''
CELLS = {
    "gradient": "def gradient(w):\n    return 1 * w  #? return ?  # the slope\n",
    "momentum": "class Momentum:\n    def __init__(self, share):\n        self.share, self.velocity = share, 0\n\n"
    "    def step(self, gradient):\n"
    "        self.velocity = self.share * self.velocity + gradient  #? self.velocity = ?  # its share, and more\n"
    "        return self.velocity\n",
    "write": "def write(words):\n    return ' '.join(words) + '.'  #? return ?  # one text\n",
    "descend": "def descend(w, steps):\n    for _ in range(steps):\n"
    "        w = w - 0.1 * gradient(w)  #? w = ?  # one step down\n    return w\n",
}
MISTAKES = """
[[check-momentum.mistakes]]
hint = 'What is left of the velocity from the step before?'
'The velocity keeps nothing of itself' = [{ 'self.share * self.velocity + ' = '' }]

[[check-write.mistakes]]
hint = 'Look at the end.'
'The full stop is missing' = [{ " + '.'" = '' }]

[[check-descend.mistakes]]
hint = 'Which sign makes the loss smaller?'
'The weights go up' = [{ 'w - ' = 'w + ' }]
"""
SUBJECTS = {"gradient": "gradient", "momentum": "Momentum", "write": "write", "descend": "descend"}
RIGHT = {
    "gradient": "w * 1.0",
    "momentum": "gradient + self.velocity * self.share",
    "write": "f\"{' '.join(words)}.\"",
    "descend": "w - gradient(w=w) / 10",
}
CLASS = {
    "ada": ({}, 6, []),
    "ben": ({"gradient": "2 * w"}, 5, []),
    "cleo": ({"momentum": "gradient"}, 4, ["The velocity keeps nothing of itself"]),
    "dora": ({"write": "' '.join(words)"}, 5, ["The full stop is missing"]),
    "emil": ({"descend": "w + 0.1 * gradient(w)", "write": "words"}, 3, ["The weights go up"]),
}
"""What students write in place of right code, their points, and what their mistakes are called."""


@pytest.fixture(scope="module")
def course(tmp_path_factory, lockable_here):
    course = Course(tmp_path_factory.mktemp("kinds"))
    succeeds(course.zerolayer("new", UNIT))
    folder = course.root / "units" / UNIT
    (folder / "exercise.py").write_text(EXERCISE.lstrip())
    (folder / "closed" / "mistakes.toml").write_text(MISTAKES)
    (folder / "closed" / "answer_key.toml").unlink()
    path = course.root / "solutions" / UNIT / f"{UNIT}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if cell.id in ("title", "setup-text", "setup")]
    for name, source in CELLS.items():
        code = source.rstrip(), f"check.{name}({SUBJECTS[name]})"
        notebook.cells += [nbformat.v4.new_code_cell(each) for each in code]
    nbformat.write(notebook, path)
    assert f"{UNIT} has no fault" in succeeds(course.zerolayer("check", UNIT)).stdout
    succeeds(course.zerolayer("build", UNIT))
    for student, (code, _, _) in CLASS.items():
        written = {**RIGHT, **code}
        hand_in(course, UNIT, student, **{SUBJECTS[name].lower(): written[name] for name in written})
    succeeds(course.zerolayer("grade", UNIT, *QUICK))
    return course


def test_each_kind_of_code_is_judged_and_named(course):
    for student, (_, points, named) in CLASS.items():
        verdict = Verdict.load(course.root / "autograded" / student / UNIT)
        found = [each.name for part in verdict.parts for each in part.mistakes]
        assert (student, verdict.points, found) == (student, points, named)
