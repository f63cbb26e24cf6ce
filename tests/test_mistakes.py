"""Mistakes as data: how right code is changed, and an author's slips, each told with its place."""

from pathlib import Path

import numpy as np
import pytest

from lib.mistakes import BadMistake, Mistake, read
from lib.unit import Part, Statement


def loss(y, yhat):
    return np.mean((y - yhat) ** 2) + 0 * np.mean(y)


def slope(y, yhat):
    return 2 * (yhat - y)


RIGHT = {"loss": loss, "slope": slope}
PARTS = tuple(
    Part(f"check-{name}", name, (name,), lambda rng: {}, (Statement("S", "Right.", lambda inputs, code: code),))
    for name in RIGHT
)


def mistakes(folder: Path, text: str) -> dict[str, Mistake]:
    (folder / "mistakes.toml").write_text(text, encoding="utf-8")
    return {each.name: each for each in read(folder, RIGHT, PARTS)}


GROUP = "[[check-loss.mistakes]]\nhint = 'Divide.'\n"
Y, YHAT = np.array([1.0, 2.0]), np.array([2.0, 5.0])
WAYS = {
    # What an entry says, and the results of each way
    "{ '** 2' = '** 1' }": [-2.0],
    "{ 'np.mean' = 'np.sum' }": [10.0, 10.0, 5.0],  # in both places together, and in each alone
    "{ 'np.mean' = 'np.sum', '** 2' = '* 1' }": [-4.0],
    "{ '** 2' = '** 3' }, { 'y - yhat' = 'y + yhat' }": [-14.0, 29.0],
}


def test_right_code_is_changed_as_the_entry_says(tmp_path):
    for ways, results in WAYS.items():
        made = [*mistakes(tmp_path, f"{GROUP}'a' = [{ways}]")["a"].objects(RIGHT)]
        assert [objects["loss"](Y, YHAT) for objects in made] == results
        assert all(objects["slope"] is slope for objects in made)


def test_a_blank_names_and_a_source_of_ones_own(tmp_path):
    text = (
        "[check-loss]\nsource = 'def loss(y, yhat): return … + 1'\nnames = '''\ndef twice(x): return 2 * x\n'''\n"
        f"teach = 'Again.'\n{GROUP}'a' = ['twice(y.sum())']\nuntold = ['a']\n"
    )
    made = mistakes(tmp_path, text)["a"]
    assert [objects["loss"](Y, YHAT) for objects in made.objects(RIGHT)] == [7.0]
    told = (made.part, made.hint, made.teach, made.is_untold)
    assert told == ("check-loss", "Divide.", "Again.", True)


def test_what_may_become_of_any_result_has_the_results_name(tmp_path):
    made = mistakes(tmp_path, "[check-slope]\nit = 'The slope'\n")
    wrong = made["The slope has the wrong sign"]
    assert wrong.is_generic
    assert [objects["slope"](Y, YHAT).tolist() for objects in wrong.objects(RIGHT)] == [[-2.0, -6.0]]


def by_hand(y, yhat):
    return sum((a - b) ** 2 for a, b in zip(y, yhat, strict=True)) / len(y)


def test_builtins_are_pythons_and_both_functions_of_a_part_can_be_changed(tmp_path):
    right = {"by_hand": by_hand, "slope": slope}
    look = Statement("S", "Right.", lambda inputs, code, other: code)
    parts = (Part("check-loss", "loss", ("by_hand", "slope"), lambda rng: {}, (look,)),)
    (tmp_path / "mistakes.toml").write_text(
        f"{GROUP}'a' = [{{ ' / len(y)' = '' }}]\n'b' = [{{ '2 * (yhat' = '(yhat' }}]\n"
    )
    one, other = read(tmp_path, right, parts)
    assert [each["by_hand"](Y, YHAT) for each in one.objects(right)] == [10.0]
    assert [each["slope"](Y, YHAT).tolist() for each in other.objects(right)] == [[1.0, 3.0]]


CHANGE = "'a' = [{ '** 2' = '' }]"
SLIPS = {
    "[check-loss": "mistakes.toml: Expected ']'",
    "[check-loss]\nit = { a = 'b' }": "mistakes.toml, check-loss: 'it' must be a text.",
    "[check-los]\nit = 'The loss'": "mistakes.toml, check-los: there is no such part.",
    "[check-loss]\nis = 'The loss'": "mistakes.toml, check-loss: is should be one of source, names",
    f"[[check-loss.mistakes]]\n{CHANGE}": "'a': its group has no hint",
    f"{GROUP}'a' = {{ '** 2' = '' }}": "check-loss, 'a': write a list of ways",
    f"{GROUP}'a' = 3": "check-loss, 'a': write a list of ways",
    f"{GROUP}'a' = [{{ '** 2' = 3 }}]": "check-loss, 'a': write a list of ways",
    f"{GROUP}'a' = [{{ '** 3' = '' }}]": "check-loss, 'a': the right code has no '** 3'",
    f"{GROUP}'a' = ['y']": "has no '…'. Write a change as { 'old' = 'new' }.",
    f"{GROUP}'a' = [{{ '** 2' = '**' }}]": "check-loss, 'a': the changed code is not valid Python: invalid syntax",
    f"{GROUP}{CHANGE}\nuntold = ['b']": "b: no mistake of this group has this name",
}


def test_a_slip_is_told_with_its_place(tmp_path):
    for text, said in SLIPS.items():
        with pytest.raises(BadMistake) as found:
            mistakes(tmp_path, text)
        assert said in str(found.value)
