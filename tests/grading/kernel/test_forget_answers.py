"""In a kernel nothing knows what is right: looked for by name, and by what functions and arrays in its memory give."""

import inspect
import json
import os
import subprocess
import sys
from functools import partial

import pytest

from lib.checking.looks import look_at_ours, places_of
from lib.checking.results import to_json
from lib.grading.execution.pool import Pool
from lib.grading.kernel.client import ADDRESS
from tests.checking.desk import KEYS, subjects
from tests.grading.kernel.clients import kernel

pytestmark = pytest.mark.usefixtures("lockable_here")


def search(right):
    """Name the functions and arrays in memory that give right results, by part. It runs in a kernel, by itself."""
    import contextlib
    import gc
    import sys

    import numpy as np

    from lib.checking.looks import of_case
    from lib.checking.results import from_json, leaves, read

    gc.unfreeze()
    things = gc.get_objects()
    code = [each for each in things if type(each) is type(search)]
    functions = [each for each in code if str(each.__module__).startswith(("lib.units.", "lib.checking.right"))]
    arrays = [each for each in things if type(each) is np.ndarray]
    found = set()
    for unit, part_id, case, name, data in right:
        checks = sys.modules[unit].check
        part = next(each.part for each in vars(checks).values() if each.part.id == part_id)
        inputs, result = of_case(part.desk_inputs(), case), from_json(data)
        wanted = [leaf for _, leaf in leaves(result) if isinstance(leaf, np.ndarray)]
        given = [leaf for each in inputs.values() for _, leaf in leaves(read(each)) if isinstance(leaf, np.ndarray)]

        def nothing(plain):
            """Return an object with the form of a result, and no number of it."""
            return [*map(nothing, plain)] if isinstance(plain, list) else np.multiply(plain, 0)

        def is_right(value, wanted=wanted, given=given):
            """True if it has the first array of the result, unless that is drawn, all alike, or a single number."""
            return any(
                each.shape == value.shape and np.allclose(each, value)
                for each in wanted
                if each.size > 1 and np.ptp(each) and not any(np.array_equal(each, one) for one in given)
            )

        found |= {(part_id, "an array") for each in arrays if each.dtype == float and is_right(each)}
        for function in functions:
            for arguments in ((inputs,), (None, inputs, name)):
                with contextlib.suppress(Exception), np.errstate(all="ignore"):
                    values = function(*(nothing(result) if each is None else each for each in arguments))
                    for value in values if isinstance(values, tuple) else (values,):
                        if type(value) is np.ndarray and is_right(value):
                            found.add((part_id, function.__qualname__))
    return sorted(found)


def right_results():
    """Return right code's results on the inputs of the desk, for each statement with points."""
    for key in KEYS.values():
        for part in key.parts:
            inputs = part.desk_inputs()
            shown = look_at_ours(part, inputs, subjects(part, {}))
            for statement in (each for each in part.statements if each.points):
                for place, given, name, by_hand in places_of(statement, inputs):
                    if by_hand is None and not name.startswith("kept "):
                        yield f"lib.units.{key.unit.name}", part.id, given["case"], name, to_json(shown[place])
                        break


def search_from_a_worker(right):
    """Name what is found in a worker that judges, and in a kernel of a warm process that this worker has started."""
    os.environ.pop(ADDRESS, None)
    code = f"import json, lib.units.optimizers\n{inspect.getsource(search)}"
    code += f"\nfound = search(json.loads({json.dumps(right)!r}))\nfound"
    with kernel({"challenge.json": '{"seed": 7}'}) as one:
        return search(right), one.run(code)


def test_nothing_in_memory_gives_what_is_right():
    """Functions of the worker do, for parts of two units; a step is given the loss gradient itself, not yet by B."""
    with Pool(1) as pool:
        known, found = pool.submit(partial(search_from_a_worker, [*right_results()])).result()
    assert len({part for part, _ in known}) > 5
    assert found == "[]"


ATTACKS = {
    "a statement is asked": "part.statements[2].right(np.ones((3, 4)), of_case(inputs, 'batch'), '')[1].any()",
    "a result by hand": "1 / check.cce.part.statements[0].examples[0][1]",
    "a function of a unit": "import_module(UNIT + '.loss').mean_loss",
    "all that a look can name": "check.cce.part.statements[0].look.__globals__['mean_loss']",
    "a module once more": "reload(import_module(UNIT + '.loss')).mean_loss",
    "a unit once more": "[sys.modules.pop(each) for each in [*sys.modules] if UNIT in each] and import_module(UNIT)",
    "its source": "inspect.getsource(check.cce.part.statements[0].look)",
    "its file": "pathlib.Path(lib.__file__).with_name('units').joinpath('softmax_classifier/loss.py').read_text()",
    "its file, run": "runpy.run_path(lib.__path__[0] + '/units/softmax_classifier/loss.py')['mean_loss']",
    "what the desk knows": "open(lib.__path__[0] + '/units/optimizers/fingerprints.json').read()",
}
TRY = """
import inspect, lib, pathlib, runpy, sys
from importlib import import_module, reload
import numpy as np
from lib.checking.looks import of_case
UNIT = "lib.units.softmax_classifier"
check = import_module(UNIT).check
part = check.dense_backward.part
inputs = part.desk_inputs()
def worked(attack):
    try:
        return bool(eval(attack)) or True
    except Exception as error:
        return False
"""


def test_whoever_asks_a_check_for_what_is_right_gets_it_at_the_desk_alone():
    code = f"{TRY}\nprint([name for name, attack in {ATTACKS!r}.items() if worked(attack)])"
    at_desk = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert at_desk.strip() == str([*ATTACKS])
    with kernel({"challenge.json": '{"seed": 7}'}) as one:
        assert one.run(code) == "[]"


def test_no_statement_of_a_kernel_has_its_right_side():
    """Nor has a module any code that no look, draw or explorer uses: what notebooks import is still there."""
    code = """
from lib.units import hidden_layer, optimizers, softmax_classifier
from lib.units.hidden_layer.width import explore_width
from lib.units.optimizers.explorer import explore_momentum
parts = [part for unit in (hidden_layer, optimizers, softmax_classifier) for part in unit.UNIT.parts]
print({each.right.__name__ for part in parts for each in part.statements})
print({by_hand for part in parts for each in part.statements for _, by_hand in each.examples})
print([name for name in dir(softmax_classifier.loss) if name[0] != "_"])
"""
    with kernel() as one:
        right, by_hand, names = one.run(code).splitlines()
    assert (right, by_hand) == ("{'unavailable'}", "{None}")
    assert "'predictions'" in names
    assert not [name for name in ("mean_loss", "slopes_of", "_by_hand") if name in names]
