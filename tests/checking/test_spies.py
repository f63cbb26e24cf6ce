"""Spies: whatever holds a student's function calls the spy for a while, and afterwards everything is as before."""

import inspect
from typing import Any

import pytest

from lib.checking.spies import namespace_of, spied
from tests.variants import written

WAYS = {
    "in a helper": "def helper(): return target()\ndef run(): return helper()",
    "in a slot": "class N: __slots__ = 'loss'\nn = N(); n.loss = target\ndef run(): return n.loss()",
    "in a callable object": "class N:\n def __call__(self): return target()\nrun = N()",
    "as a bound method": "class N:\n def go(self): return target()\nrun = N().go",
    "in a partial": "import functools\nrun = functools.partial(lambda what: what(), target)",
    "in a dict": "table = {'loss': target}\ndef run(): return table['loss']()",
    "in a default argument": "def run(loss=target): return loss()",
    "in a closure": "def make(loss):\n def run(): return loss()\n return run\nrun = make(target)",
    "behind a decorator": "def logged(f):\n return lambda *given: f(*given)\n@logged\ndef run(): return target()",
    "behind a library's decorator": """
        import contextlib
        @contextlib.contextmanager
        def around(): yield target()
        def run():
            with around() as found: return found""",
    "in a thread": "from multiprocessing.pool import ThreadPool as P\ndef run(): return P(1).apply(target)",
}
TARGETS = {
    "a function": "def target(): return 'own'",
    "a function with free variables": "def make(own):\n def target(): return own\n return target\ntarget = make('own')",
}


def test_a_spy_is_called_by_any_way_that_a_function_is_held() -> None:
    off = []
    for kind, target in TARGETS.items():
        for way, source in WAYS.items():
            code: dict[str, Any] = written(target)
            exec(compile(inspect.cleandoc(source), "<cell>", "exec"), code)
            before, found = dict(code), [code["run"]()]
            with spied(namespace_of(code["run"]) or {}, {"target": lambda original: f"spy on {original()}"}):
                found.append(code["run"]())
            found.append(code["run"]())
            if found != ["own", "spy on own", "own"] or code != before:
                off.append((kind, way, found))
    assert not off


CALLS = [
    # (source, call, what the spy gets)
    ("def f(a, b=2, *, c=3): return 0", "f(b=5, a=1)", (1, 5)),
    ("class K:\n def f(self, a, b): return 0", "K().f(b=2, a=1)[1:]", (1, 2)),
    ("class K: pass", "K().f(1, b=2)[1:]", (1, 2)),
    ("class B:\n def f(self, other): return 0\nclass K(B): pass", "K().f(1, b=2)[1:]", (1, 2)),
    ("class F:\n def __call__(self, a, b): return 0\nf = F()", "f(b=2, a=1)", (1, 2)),
    ("import functools\n@functools.cache\ndef f(a, b): return 0", "f(1, b=2)", (1, 2)),
    ("f = max", "f(1, 2)", (1, 2)),
]


def test_a_spy_gets_what_is_given_in_the_order_of_the_parameters() -> None:
    for source, call, given in CALLS:
        code: dict[str, Any] = written(source)
        with spied(code, {"f" if call[0] == "f" else "K.f": lambda original, *given, **named: given}):
            assert eval(call, code) == given
        assert "K" not in code or "f" not in vars(code["K"]) or eval("K().f(1, 2)", code) == 0


def test_a_call_that_does_not_fit_fails_in_pythons_own_words() -> None:
    code: dict[str, Any] = written("def f(a): return a")
    with spied(code, {"f": lambda original, a: 0}), pytest.raises(TypeError, match=r"^f\(\) missing 1 required"):
        code["f"]()
