"""The form of a unit: whether it is put together as `lib.unit` and `lib.answer_key` say.

Python notices a tuple without its comma, or a name that is missing, only where it is used, and then in words that an
author can't place.
"""

from collections import Counter
from collections.abc import Iterator

from lib.answer_key import AnswerKey, Mistake
from lib.grading.errors import CannotBuild
from lib.unit import Part, Statement


def faults_of_form(key: AnswerKey, answers: str, name: str = "") -> Iterator[CannotBuild]:
    """Say what isn't put together as it should be; `answers` is the import string of the answer key.

    `name` is that of the assignment, where the unit was found by it.
    """
    unit = key.unit.name
    if name and unit != name:
        yield CannotBuild(
            f"{answers}: a unit that is called otherwise than its folder",
            found=f"the name {unit!r}",
            expected=repr(name),
            attempt=f'write it in the folder\'s __init__.py: UNIT = Unit("{name}", …)',
        )
    if found := find_strange(key.parts, Part):
        attempt = "list the parts with a comma behind each: (loss,)"
        yield _fault_of_tuple("the parts", f"the unit {unit}", found, Part, attempt)
        return
    yield from _faults_of_parts(key, answers)
    if found := find_strange(key.mistakes, Mistake):
        attempt = "give what is in the catalogs: (*in_loss.mistakes, *in_gradient.mistakes)"
        yield _fault_of_tuple("the mistakes", answers, found, Mistake, attempt)
        return
    yield from _faults_of_mistakes(key, answers)


def _faults_of_parts(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    unit = f"the unit {key.unit.name}"
    for id, count in Counter(part.id for part in key.parts).items():
        if count > 1:
            yield CannotBuild(
                f"{unit}, the part {id!r}: several parts with one id",
                found=f"{count} of them",
                expected="one: its cell's id",
                attempt="give the others ids of their own, or take them out",
            )
    for part in key.parts:
        yield from _faults_of_part(part, f"{unit}, the part {part.id!r}")
        if missing := [name for name in part.subjects if name not in key.right]:
            yield CannotBuild(
                f"{answers}, `right`: no right code for what a part checks",
                found=", ".join(map(repr, key.right)),
                expected=f"also {', '.join(map(repr, missing))}, for the part {part.id!r}",
                attempt="add it, or correct the part's `subjects`",
            )


def _faults_of_mistakes(key: AnswerKey, answers: str) -> Iterator[CannotBuild]:
    for mistake in key.mistakes:
        checked = key.part(mistake.part)
        if checked and (names := [name for name in mistake.code if name not in checked.subjects]):
            yield CannotBuild(
                f"{answers}, the mistake {mistake.name!r}: a mistake in code that its part does not check",
                found=", ".join(map(repr, names)),
                expected=f"one of {', '.join(map(repr, checked.subjects))}, the subjects of {checked.id!r}",
                attempt="correct the name in its MistakeCatalog",
            )


def _faults_of_part(part: Part, place: str) -> Iterator[CannotBuild]:
    if found := find_strange(part.subjects, str):
        yield _fault_of_tuple("the subjects", place, found, str, 'put a comma behind each name: ("loss",)')
    if found := find_strange(part.statements, Statement):
        attempt = "make an object of each class, with a comma behind it: (MeanSquare(),)"
        yield _fault_of_tuple("the statements", place, found, Statement, attempt)
        return
    for statement in part.statements:
        text, points = getattr(statement, "text", ""), statement.points
        if not (isinstance(text, str) and text):
            yield CannotBuild(
                f"{place}, the statement {statement.name}: a statement that says nothing",
                found=f"the text {text!r}" if text else "no text",
                expected="a sentence about right code, which students read",
                attempt='write it: text = "The loss is …"',
            )
        if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points < float("inf"):
            yield CannotBuild(
                f"{place}, the statement {statement.name}: points that are no number from 0",
                found=repr(points),
                expected="a number; 0 for advice",
                attempt="correct it: points = 1",
            )


def find_strange(value: object, kind: type) -> str:
    """Say what is in the place of a tuple of objects of a kind; nothing if it is one."""
    if not isinstance(value, tuple):
        return _describe(value)
    strange = [each for each in value if not isinstance(each, kind)]
    return f"{_describe(strange[0])} in it" if strange else ""


def _describe(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return repr(value) if isinstance(value, str) else f"an object of the class {type(value).__name__}"


def _fault_of_tuple(what: str, place: str, found: str, kind: type, attempt: str) -> CannotBuild:
    expected = f"a tuple of {'names' if kind is str else f'objects of the class {kind.__name__}'}"
    return CannotBuild(f"{place}: {what} are not a tuple", found=found, expected=expected, attempt=attempt)
