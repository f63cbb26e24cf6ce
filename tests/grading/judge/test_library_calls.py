"""What code takes from a library in plain sight is found by reading it, and never by running it."""

import tracemalloc
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from lib.checking.student_code import run_student_code
from lib.grading import unit_registry
from lib.grading.judge.library_calls import LONGEST, MOST, MOST_READ, library_calls
from tests.sample_class import RIGHT, WATCHED_CALLS

CALL = "import torch\ntorch.softmax(z, 0)"
METHOD = "from scipy.special import softmax as s\nclass Softmax:\n    def forward(self, z):\n        return s(z)\n"
SOFTMAX, CALLED = ("scipy.special.softmax",), "tensorflow.nn.softmax"
UNIT = "lib.units.softmax_classifier"
CHECK = f"from {UNIT} import check\n"


def found(*sources):
    names, _ = library_calls([new_code_cell(source) for source in sources], WATCHED_CALLS)
    return names


LISTED = [
    # a library's own, by its dotted name after a plain import
    (["import scipy.special\nscipy.special.softmax(z, axis=0)"], SOFTMAX),
    (["import scipy.special as sp\nsp.log_softmax(z)"], ("scipy.special.log_softmax",)),
    (["from scipy.special import softmax as s\ns(z)"], SOFTMAX),
    (["import tensorflow as tf\nwith tf.GradientTape() as tape: pass"], ("tensorflow.GradientTape",)),
    (["def forward(z):\n    import torch\n    return torch.softmax(z, 0)"], ("torch.softmax",)),
    # the import may stand in another cell, also a later one
    (["%matplotlib inline\np = sp.softmax(z)", "import scipy.special as sp"], SOFTMAX),
    # what IPython alone reads hides nothing else in its cell
    *(([source], SOFTMAX) for source in (f"{METHOD}np.einsum?", f"{METHOD}?np.einsum", f"%%time\n{METHOD}")),
    *(([f"{METHOD}{line}"], SOFTMAX) for line in ("t = %time 1", "files = !ls", "def f():\n    return ?")),
    # what of this package isn't for students, used or not
    ([f"from {UNIT}.loop.spies import record_calls"], (f"{UNIT}.loop.spies.record_calls",)),
    ([f"import {UNIT}.training as t\nt.draw(1)"], (f"{UNIT}.training", f"{UNIT}.training.draw")),
    (["import lib\nlib.reference.cce(y, p)"], ("lib.reference", "lib.reference.cce")),
    # a check, but for its calls; and what is in a process besides the notebook's own
    ([f"{CHECK}check.cce.part.statements[0].right(1, {{}}, '')"], (f"{UNIT}.check.cce.part.statements",)),
    ([f"{CHECK}check.cce.part.statements[0].look.__globals__"], (".__globals__", f"{UNIT}.check.cce.part.statements")),
    *(([CHECK, code], (f"{UNIT}.check",)) for code in ("c = check", "vars(check)", "getattr(check, 'cce')", "check()")),
    *(([CHECK, code], (f"{UNIT}.check",)) for code in ("vars()['check']", "[check for _ in x]", "exec('check.cce')")),
    ([f"{CHECK}check.cce{'.x' * 99}"], (f"{UNIT}.check.cce{'.x' * 99}"[:79],)),
    ([f"from {UNIT} import check as c\nc.cce.part"], (f"{UNIT}.check.cce.part",)),
    ([f"from {UNIT} import check as c\nf = c.cce\nf(cce)"], (f"{UNIT}.check.cce",)),
    ([f"import {UNIT} as u\nu.check.cce.part"], (f"{UNIT}.check.cce.part",)),
    (["from other_units.kmeans import check\ncheck.step.part"], ("other_units.kmeans.check.step.part",)),
    ([f"import sys\nsys.modules['{UNIT}'].check"], (f"'{UNIT}'", "sys.modules")),
    (["import gc\n[each for each in gc.get_objects()]"], ("gc.get_objects",)),
    (["globals()['check']"], ("globals",)),
    ([f"__import__('{UNIT}.loss')"], (f"'{UNIT}.loss'",)),
    ([f"exec('from {UNIT}.loss import mean_loss')"], (f"'{UNIT}.loss'",)),
    (["open('/x/lib/units/softmax_classifier/loss.py').read()"], ("'lib/units/softmax_classifier/loss.py'",)),
    (["import inspect\ninspect.currentframe().f_back.f_locals"], (".f_back", "inspect.currentframe")),
    (["from lib.checking.right import slopes"], ("lib.checking.right.slopes",)),
    ([f"{CHECK}check.cce(); check.cce(cce).points\ncheck.cce.example()['y']"], ()),
    (["def check(x):\n    return x.check.part\ncheck(1)"], ()),
    # what a student has built, names alone, and what a notebook does anyway
    (["\n".join(text for cell in RIGHT.values() for text in cell[:1] if "'" not in text)], ()),
    (["def softmax(z):\n    return np.exp(z) / np.exp(z).sum(0)\nsoftmax(z)"], ()),
    (["import scipy.special\nimport tensorflow as tf\ntf.keras.utils.to_categorical(labels)"], ()),
    (["# scipy.special.softmax(z)\n'tf.nn.softmax'"], ()),
    ([f"from lib.data import blobs\nfrom {UNIT} import check\ncheck.cce()"], ()),
    (["%load_ext lib.blanks"], ()),
    # calls in a roundabout way: the list is a remark on what is in plain sight, and no proof
    (["import tensorflow as tf\nnn = tf.nn\nnn.softmax(z)"], ()),
    (["import scipy.special as sp\ngetattr(sp, 'soft' + 'max')(z)\nexec('sp.softmax(z)')"], ()),
]


@pytest.mark.parametrize(("sources", "names"), LISTED, ids=lambda value: str(value)[-60:])
def test_what_stands_in_plain_sight_is_named_in_full(sources, names):
    assert found(*sources) == names


def test_what_a_units_own_notebook_takes_is_for_students():
    """Else each student who hands it in is listed."""
    for path in sorted((Path(__file__).parents[3] / "solutions").glob("*/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        assert library_calls(notebook.cells, unit_registry.answer_key(path.stem).watched_calls) == ((), False), path


def test_the_courses_own_cells_are_not_looked_at():
    given = new_code_cell("import tensorflow as tf\ntf.nn.softmax(z)", metadata={"nbgrader": {"locked": True}})
    for cell, names in ((new_markdown_cell("tf.nn.softmax"), ()), (new_code_cell("tf.nn.softmax(z)"), (CALLED,))):
        assert library_calls([given, cell], WATCHED_CALLS) == (names, False)


HOSTILE = [
    *("def f(:", "\0", "'\\d'", "!pip install x\n?\nname?"),
    *("(" * 19_000, "-" * 19_000 + "1", "a" + "()" * 9_000, "lambda: " * 2_000 + "1"),
    *("x = " + "1" * 19_000, "a" * 50_000, f"torch.{'x' * 100}.softmax", f"x = [{'a,' * 9900}]"),
    # paths of a thousand dots, and modules
    "a" + ".b" * 9_000,
    "\n".join(f"a{number}{'.b' * 300}" for number in range(28)),
    f"from scipy{'.a' * 500} import a, b, c",
    # to look in all that follows a line for a magic took minutes for a notebook of empty lines
    *("#" + blank * (19_000 // len(blank)) + "\n  %time x\n1" for blank in ("\n", "\n ", " ", "\r", "\x0c")),
]


@pytest.mark.parametrize("source", HOSTILE, ids=lambda source: source[:12])
def test_hostile_code_takes_little_time_and_memory_and_hides_no_other_cell(source, recwarn):
    """The trees of a dozen such notebooks took half a gigabyte until the class was graded."""
    assert run_student_code(partial(found, source, CALL), seconds=60) == ("torch.softmax",)
    # A file or a socket of another test's may be thrown away, and warned of, at any time.
    assert not [each for each in recwarn if issubclass(each.category, SyntaxWarning | DeprecationWarning)]
    tracemalloc.start()
    found(f"{source}\n")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 10**6


def test_of_many_cells_only_so_many_are_read():
    """Of many names, too; and the course's own cells count for nobody's code."""
    assert len(found("import torch\n" + "\n".join(f"torch.n{number}.softmax" for number in range(500)))) == MOST
    long, most = "#" * LONGEST, MOST_READ // LONGEST
    locked = [new_code_cell(long + "#", metadata={"nbgrader": {"locked": True}})] * 20
    for others, calls, is_more in ((most - 1, ("torch.softmax",), False), (most, (), True)):
        cells = [*locked, *map(new_code_cell, [*[long] * others, CALL])]
        assert library_calls(cells, WATCHED_CALLS) == (calls, is_more)
