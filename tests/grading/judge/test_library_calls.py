"""What code borrows from a library is found by reading it, and never by running it."""

import ast
import tracemalloc
from functools import partial
from pathlib import Path
from time import process_time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from lib.checking.student_code import run_student_code
from lib.grading import units
from lib.grading.judge.library_calls import (
    LONGEST,
    LONGEST_NAME,
    MOST,
    MOST_READ,
    is_too_long,
    library_calls,
    origins_of,
    parse,
)
from lib.units.softmax_classifier.closed import WATCHED_CALLS
from lib.units.softmax_classifier.closed.sample_class import RIGHT

SOURCES = {path.stem: path for path in sorted((Path(__file__).parents[3] / "solutions").glob("*/*.ipynb"))}


def found(*sources):
    return library_calls([new_code_cell(source) for source in sources], WATCHED_CALLS)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import scipy.special\nscipy.special.softmax(z, axis=0)", "scipy.special.softmax"),
        ("import scipy.special as sp\nsp.log_softmax(z)", "scipy.special.log_softmax"),
        ("from scipy import special\nspecial.logsumexp(z)", "scipy.special.logsumexp"),
        ("from scipy.special import softmax as s\ns(z)", "scipy.special.softmax"),
        ("from scipy.special import *\nsoftmax(z)", "scipy.special.softmax"),
        ("import tensorflow as tf\ntf.nn.softmax(z)", "tensorflow.nn.softmax"),
        (
            "import tensorflow as tf\ntf.nn.softmax_cross_entropy_with_logits(y, z)",
            "tensorflow.nn.softmax_cross_entropy_with_logits",
        ),
        ("import tensorflow as tf\nnn = tf.nn\nnn.softmax(z)", "tensorflow.nn.softmax"),
        ("import tensorflow as tf\nwith tf.GradientTape() as tape: pass", "tensorflow.GradientTape"),
        (
            "from tensorflow.keras.losses import CategoricalCrossentropy\nCategoricalCrossentropy()(y, p)",
            "tensorflow.keras.losses.CategoricalCrossentropy",
        ),
        (
            "import keras\nkeras.losses.categorical_crossentropy(y, p)",
            "keras.losses.categorical_crossentropy",
        ),
        ("from sklearn.metrics import log_loss\nlog_loss(y, p)", "sklearn.metrics.log_loss"),
        ("import torch.nn.functional as F\nF.cross_entropy(z, y)", "torch.nn.functional.cross_entropy"),
        ("def forward(z):\n    import torch\n    return torch.softmax(z, 0)", "torch.softmax"),
    ],
)
def test_a_librarys_own_is_named_in_full(source, name):
    assert found(source) == (name,)


@pytest.mark.parametrize("unit", SOURCES)
def test_what_a_units_own_notebook_takes_is_for_students(unit):
    """Else each student who hands it in is listed."""
    notebook = nbformat.read(SOURCES[unit], as_version=4)
    assert library_calls(notebook.cells, units.answer_key(unit).watched_calls) == ()


BORROWED = "from scipy.special import softmax as s\nclass Softmax:\n    def forward(self, z):\n        return s(z)\n"


@pytest.mark.parametrize(
    "source",
    [
        f"{BORROWED}np.einsum?",
        f"{BORROWED}?np.einsum",
        f"{BORROWED}def backward(self, gradient):\n    return ?",
        f"{BORROWED}t = %time 1",
        f"{BORROWED}files = !ls",
        f"{BORROWED}%timeit -n 10 -r 1 Softmax().forward(z)",
        f"%%time\n{BORROWED}",
        f"%%capture out\n{BORROWED}",
        BORROWED.replace("return", "%time self.output ="),
        BORROWED.replace("from", "%time from"),
        "In [1]: " + BORROWED.replace("\n", "\n   ...: "),
        ">>> " + BORROWED.replace("\n", "\n... "),
    ],
)
def test_what_ipython_alone_reads_hides_nothing_in_its_cell(source):
    assert found(source) == ("scipy.special.softmax",)


def test_an_import_in_one_cell_counts_in_another():
    assert found("import scipy.special as sp", "%matplotlib inline\np = sp.softmax(z)") == ("scipy.special.softmax",)


@pytest.mark.parametrize(
    "source",
    [
        "\n".join(expression for cell in RIGHT.values() for expression in cell[:1] if "'" not in expression),
        "class Softmax:\n    pass\nsoftmax = Softmax()\nsoftmax.forward(z)",
        "def softmax(z):\n    return np.exp(z) / np.exp(z).sum(0)\nsoftmax(z)",
        "import scipy.special\nimport tensorflow as tf\ntf.keras.utils.to_categorical(labels)",
        "import my_softmax\nmy_softmax.softmax(z)",
        "# scipy.special.softmax(z)\n'tf.nn.softmax'",
    ],
)
def test_what_is_built_is_no_ones_but_the_students(source):
    assert found(source) == ()


def test_the_courses_own_cells_are_not_looked_at():
    given = new_code_cell("import tensorflow as tf\ntf.nn.softmax(z)", metadata={"nbgrader": {"locked": True}})
    assert library_calls([given, new_markdown_cell("tf.nn.softmax")], WATCHED_CALLS) == ()
    assert library_calls([given, new_code_cell("tf.nn.softmax(z)")], WATCHED_CALLS) == ("tensorflow.nn.softmax",)


@pytest.mark.parametrize(
    "source",
    [
        "def f(:",
        "\0",
        "'\\d'",
        "!pip install x\n?\nname?",
        "(" * 19_000,
        "-" * 19_000 + "1",
        "a" + ".b" * 9_000,
        "a" + "()" * 9_000,
        "x = " + "1" * 19_000,
        "lambda: " * 2_000 + "1",
        "a" * 50_000,
    ],
    ids=lambda source: source[:12],
)
def test_code_that_cant_be_read_is_passed_over(source, recwarn):
    assert found(source, "import torch\ntorch.softmax(z, 0)") == ("torch.softmax",)
    # A file or a socket of another test's may be thrown away, and warned of, at any time.
    assert not [each for each in recwarn if issubclass(each.category, SyntaxWarning | DeprecationWarning)]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (
            "from lib.units.softmax_classifier.loop.spies import record_calls",
            "lib.units.softmax_classifier.loop.spies.record_calls",
        ),
        ("from lib.units.softmax_classifier import training", "lib.units.softmax_classifier.training"),
        ("import lib.units.softmax_classifier.training as t\nt.draw(1)", "lib.units.softmax_classifier.training.draw"),
        ("from lib.reference import Softmax as S", "lib.reference.Softmax"),
        ("from lib import reference\nreference.cce(y, p)", "lib.reference.cce"),
        ("import lib\nlib.reference.cce(y, p)", "lib.reference.cce"),
        ("def f():\n    from lib.checking.values import numbers", "lib.checking.values.numbers"),
        ("import scipy.special\ngetattr(scipy.special, 'soft' + 'max')(z)", "getattr(scipy.special)"),
        ("import scipy.special as sp\nlook = getattr\nlook(sp, name)(z)", "getattr(scipy.special)"),
        ("import scipy.special as sp\nvars(sp)['soft' + 'max'](z)", "vars(scipy.special)"),
        ("import scipy.special as sp\nsp.__dict__['soft' + 'max'](z)", "scipy.special.__dict__"),
        ("exec('p = tf.nn.soft' + 'max(z)')", "exec"),
        ("run = eval\nrun(text)", "eval"),
        ("get_ipython().run_cell('p = tf.nn.soft' + 'max(z)')", "get_ipython"),
        ("get_ipython().run_line_magic('time', 'p = tf.nn.soft' + 'max(z)')", "get_ipython"),
        ("__import__('sci' + 'py')", "__import__"),
        ("import builtins\nbuiltins.exec(text)", "builtins.exec"),
        ("import importlib\nimportlib.import_module('sci' + 'py')", "importlib.import_module"),
        ("from importlib import import_module as load\nload(name)", "importlib.import_module"),
        ("import base64\nbase64.b64decode(b'c29mdG1heA==')", "base64.b64decode"),
        ("from base64 import b64decode\nb64decode(text)", "base64.b64decode"),
        ("import codecs\ncodecs.decode('fbsgznk', 'rot13')", "codecs.decode"),
        ("bytes.fromhex('736f').decode()", "bytes.fromhex"),
        ("import sys\nsys.modules['scipy.special']", "sys.modules"),
        ("from sys import modules\nmodules[name]", "sys.modules"),
    ],
)
def test_ways_around_the_name_are_shown_to_a_person(source, name):
    assert name in found(source)


@pytest.mark.parametrize(
    "source",
    [
        "from lib.data import blobs\nfrom lib.explorer import explore\nexplore(Dense, Softmax, cce, cce_gradient)",
        "from lib.units.softmax_classifier import check\ncheck.cce(cce)\ncheck.train(train)",
        "from lib import checks as check\ncheck.cce(cce)",
        "%load_ext lib.blanks",
        "getattr(layer, 'weights')\nvars(layer)\nlayer.__dict__",
        "model.eval()\nre.compile('a')\ndf.eval('a')",
        "evaluate(z)\nexecuted = 1\nlibrary = 2",
        "get_ipython().run_line_magic('matplotlib', 'inline')\nget_ipython().magic('load_ext lib.blanks')",
    ],
)
def test_what_a_notebook_does_anyway_is_not_shown(source):
    assert found(source) == ()


@pytest.mark.parametrize("blank", ["\n", "\n ", " ", "\r", "\x0c"])
def test_blank_lines_are_read_in_no_time(blank):
    """To look in all that follows a line for a magic took minutes for a notebook of empty lines."""
    source = "#" + blank * (19_000 // len(blank)) + "\n  %time x\n1"
    assert isinstance(run_student_code(partial(parse, source), seconds=60), ast.Module)


def test_there_is_an_end_to_it():
    many = "\n".join(f"torch.n{number}.softmax" for number in range(500))
    assert len(found(f"import torch\n{many}\ntorch.{'x' * 100}.softmax")) == MOST


@pytest.mark.parametrize(
    "sources",
    [
        ["import scipy as n0", *("\n".join(f"n{i + 1} = n{i}.a" for i in range(at, at + 100)) for at in (0, 100))],
        [f"from scipy{'.a' * 500} import a, b, c"],
        [f"import scipy\nlong = scipy{'.a' * 500}"],
    ],
    ids=["names of names", "a long module", "a long path"],
)
def test_no_name_that_is_followed_grows_long(sources):
    """A notebook of such names took all memory that there was, and who grades it with it."""
    origins = origins_of(map(new_code_cell, sources), WATCHED_CALLS)
    assert max(map(len, origins.values())) < LONGEST_NAME


def test_a_long_path_is_not_spelled_out_from_each_of_its_dots():
    began, path = process_time(), "scipy" + ".a" * 2900
    assert found("import scipy", f"def f():\n    {path}\n    {path}\n    {path}") == ()
    assert process_time() - began < 0.5


def test_the_tree_of_a_long_cell_is_not_kept():
    """Those of a dozen hostile notebooks took half a gigabyte until the class was graded."""
    tracemalloc.start()
    try:
        found(f"import scipy\nx = [{'a,' * 9900}]")
        assert tracemalloc.get_traced_memory()[0] < 10**6
    finally:
        tracemalloc.stop()


def test_of_many_cells_only_so_many_are_read():
    called, most = "import torch\ntorch.softmax(z, 0)", MOST_READ // LONGEST
    assert found(*["#" * LONGEST] * (most - 1), called) == ("torch.softmax",)
    assert found(*["#" * LONGEST] * most, called) == ()
    assert [is_too_long(map(new_code_cell, ["#" * LONGEST] * times), WATCHED_CALLS) for times in (most, most + 1)] == [
        False,
        True,
    ]


def test_what_is_the_courses_own_counts_for_nobodys_code():
    locked = new_code_cell("#" * (LONGEST + 1), metadata={"nbgrader": {"locked": True}})
    cells = [*[locked] * 20, new_code_cell("import torch\ntorch.softmax(z, 0)")]
    assert not is_too_long(cells, WATCHED_CALLS)
    assert library_calls(cells, WATCHED_CALLS) == ("torch.softmax",)
