"""What students hand in who try to win points with something else than right code."""

import nbformat

from tests.submissions import NOTHING, adding, before, but, earns, replaced, right, table


@earns(NOTHING)
def checks_claimed(notebook, folder):
    """Nothing written; each check is declared the student's own, empty, and worth a thousand points."""
    for found in notebook.cells:
        if found.source.startswith("check."):
            found.source = "pass"
            found.metadata.setdefault("nbgrader", {}).update({"solution": True, "locked": False, "points": 1000})
    return notebook


@earns(NOTHING)
def outputs_saved(notebook, folder):
    """The outputs of a better notebook are saved with the checks, and the kernel dies before any of them runs."""
    for found in notebook.cells:
        if found.source.startswith("check."):
            found.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "4.0"}, execution_count=1)]
    return before(notebook, "setup", "import os; os._exit(0)")


FORGER = """
from lib.checking.answers import MIME
class Forger:
    def __getattr__(self, name):
        return lambda *subjects: display({MIME: payload(name, subjects), 'text/plain': '4.0'}, raw=True)
real, check = check, Forger()
"""


@earns(NOTHING)
def agrees_with_anything(notebook, folder):
    """Every function returns an object that says it is equal, and gives other numbers each time it is asked."""
    code = """
        class Agreeable(float):
            __eq__ = __ne__ = __le__ = __ge__ = __lt__ = __gt__ = __contains__ = lambda self, other: True
            __hash__ = None
            __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = lambda self, other: self
            __getattr__ = __call__ = __getitem__ = lambda self, *a, **k: self
            __array__ = lambda self, *a, **k: np.random.rand()
            __array_ufunc__ = lambda self, *a, **k: self
            forward = backward = lambda self, *a, **k: self
            output = input = weights = property(lambda self: self)
        cce = cce_gradient = train = Softmax = Dense = Agreeable()
        """
    for id in ("check-cce", "check-softmax-forward", "check-dense-backward", "check-train"):
        before(notebook, id, code)
    return notebook


@earns(but("cce", "cce-gradient"))
def nan_and_none(notebook, folder):
    """The loss is nan, and its gradient nothing at all."""
    replaced(right(notebook), "loss", "return(-np.sum", "return(np.nan * -np.sum")
    return replaced(notebook, "loss", "return(-y / yhat)", "return(None)")


@earns(but("cce", "cce-gradient"))
def too_much(notebook, folder):
    """The loss is a hundred million numbers, and its gradient a number of a thousand digits."""
    replaced(right(notebook), "loss", "return(-np.sum", "return(np.zeros(10**8) if True else -np.sum")
    return replaced(notebook, "loss", "return(-y / yhat)", "return(10**1000)")


@earns(but("cce"))
def earlier_answer_updated(notebook, folder):
    """A wrong loss; a later cell has the right one, and puts its answer in the place of the wrong one's."""
    wrong = """
        class Updatable:
            def cce(self, cce):
                display(real.cce(cce), display_id='it')
        real, check = check, Updatable()
        """
    later = """
        check = real
        def cce(y, yhat):
            return -np.sum(y * np.log(yhat)) / y.shape[1]
        update_display(check.cce(cce), display_id='it')
        """
    before(replaced(right(notebook), "loss", "return(-np.sum", "return(-2 * np.sum"), "check-cce", wrong)
    return before(notebook, "check-cce-gradient", later)


def unwritten(code):
    """Make a submission: nothing written, and a cell of the student's own in front of the first check."""
    return lambda notebook, folder: before(notebook, "check-cce", code)


FORGED = table(
    NOTHING,
    # Each check is a function that returns full points, or more, or nan.
    score_given=unwritten("""
        scores = {'cce': 2.0, 'cce_gradient': float('nan'), 'train': 1e9}
        class Content:
            def __getattr__(self, name):
                return lambda *subjects: scores.get(name, 3.0)
        check = Content()
        """),
    # The checks' own answers to right code, with every number in them made up.
    answers_made_up=adding(
        "check-cce",
        FORGER
        + """
from lib.checking.answers import answer, read_challenge
from lib.checking.results import to_json
def made_up(value):
    if isinstance(value, dict) and 'floats' in value:
        return to_json(np.full(value['shape'], 0.5))
    return {key: made_up(item) for key, item in value.items()} if isinstance(value, dict) else value
def payload(name, subjects):
    part = getattr(real, name).part
    return {'part': part.id, 'shown': made_up(answer(part, read_challenge(), subjects))}
""",
    ),
    # Right code's answers are shown, each fraction replaced by one that no draw could prove wrong by itself.
    answers_that_fit_any_draw=adding(
        "check-cce",
        FORGER
        + """
from lib.checking.answers import answer, read_challenge
from lib.checking.results import from_json, to_json
def steady(value):
    if isinstance(value, dict) and 'floats' in value:
        x = from_json(value)
        return to_json(np.where(x % 1 == 0, x, 0.25))
    if isinstance(value, list):
        return [steady(item) for item in value]
    return {key: steady(item) for key, item in value.items()} if isinstance(value, dict) else value
def payload(name, subjects):
    part = getattr(real, name).part
    return {'part': part.id, 'shown': steady(answer(part, read_challenge(), subjects))}
""",
    ),
    # Each check shows something else that JSON can say and an answer can't be.
    answers_of_every_type=unwritten(
        FORGER
        + """
import itertools
kinds = itertools.cycle([
    {'shape': [1], 'floats': [10**400]},
    {'shape': [-1], 'floats': 'AAAAAAAA8D8='},
    {'shape': [2**63, 0], 'floats': ''},
    {'shape': [True], 'floats': 'AAAAAAAA8D8='},
    {'shape': [[1]], 'floats': 'AAAAAAAA8D8='},
    {'shape': [1], 'floats': 'nan', 'failure': {'blank': 1}, 'text': ['b'], 'line': 7},
    [[], {}, None, '3.0'],
])
def payload(name, subjects):
    part, kind = getattr(real, name).part, next(kinds)
    given = {statement.look.__name__: kind for statement in part.statements}
    return {'part': part.id, 'shown': dict.fromkeys(('desk', 'secret'), {**given, '': kind})}
"""
    ),
    # Comparisons, records, displays and builtins are changed so as to agree with anything.
    everything_patched=unwritten("""
        import builtins, lib.checking.answers, lib.checking.dispatch, lib.checking.looks, lib.checking.results
        np.allclose = np.isclose = np.array_equal = lambda *a, **k: True
        lib.checking.answers.write_record = lib.checking.answers.to_json = lambda outcome: {'shape': [], 'floats': ''}
        lib.checking.looks.read = lib.checking.results.read = lambda value, *a, **k: np.ones(())
        lib.checking.looks.run_each = lambda actions, *a: [{'': np.ones(())} for _ in actions]
        lib.checking.dispatch.Check.__call__ = lambda self, *subjects: 4.0
        lib.checking.answers.Answer._repr_mimebundle_ = lambda self, **k: {'text/plain': '4.0'}
        get_ipython().display_formatter.format = lambda *a, **k: ({'text/plain': '4.0'}, {})
        builtins.all = builtins.any = lambda items: True
        """),
)
CHALLENGED = table(
    but("dense-backward", "train"),
    # It is read, and gone before the last checks.
    challenge_deleted=adding(
        "check-dense-backward",
        "import os; print(open('challenge.json').read()); os.unlink('challenge.json')",
    ),
    # It is made another one, whose answers are known.
    challenge_rewritten=adding(
        "check-dense-backward",
        """
        import pathlib
        pathlib.Path('challenge.json').write_text('{"seed": 0}')
        """,
    ),
)
