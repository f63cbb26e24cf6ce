"""Copies of student code: whatever calls an object by any way calls the spy, and the originals stay as they are."""

import functools
import textwrap
from collections import OrderedDict, namedtuple
from enum import Enum
from types import SimpleNamespace
from typing import Any

import pytest

from lib.checking.rebinding import namespace_of, rebind
from tests.variants import written

WAYS = {
    "by its name": "def run(): return target()",
    "in a helper": "def helper(): return target()\ndef run(): return helper()",
    "under another name": "other = target\ndef run(): return other()",
    "in a method": """
        class Network:
            def step(self): return target()
        def run(): return Network().step()""",
    "in a method of a base class": """
        class Base:
            def step(self): return target()
        class Network(Base):
            def step(self): return super().step()
        def run(): return Network().step()""",
    "in a static method, a class method and a property": """
        class Network:
            @staticmethod
            def one(): return target()
            @classmethod
            def two(cls): return cls.one()
            @property
            def three(self): return self.two()
        def run(): return Network().three""",
    "as a class's attribute": """
        class Network:
            loss = staticmethod(target)
        def run(): return Network.loss()""",
    "in a class with slots": """
        class Network:
            __slots__ = ("loss",)
        network = Network()
        network.loss = target
        def run(): return network.loss()""",
    "in a dataclass": """
        from dataclasses import dataclass, field
        @dataclass
        class Network:
            loss: object = target
            steps: list = field(default_factory=list)
            def step(self): return self.loss()
        def run(): return Network().step()""",
    "in a class that has an instance of itself": """
        class Network:
            def step(self): return target()
        Network.only = Network()
        def run(): return Network.only.step()""",
    "in an object made before": """
        class Network:
            def __init__(self): self.loss = target
        network = Network()
        def run(): return network.loss()""",
    "in a bound method": """
        class Network:
            def step(self): return target()
        step = Network().step
        def run(): return step()""",
    "in a callable object": """
        class Runner:
            def __call__(self): return target()
        run = Runner()""",
    "as a bound method": """
        class Runner:
            def go(self): return target()
        run = Runner().go""",
    "in a partial": """
        import functools
        def helper(what): return what()
        run = functools.partial(helper, target)""",
    "in a dict": "table = {'loss': target}\ndef run(): return table['loss']()",
    "in a list of tuples": "table = [(1, target)]\ndef run(): return table[0][1]()",
    "in a namespace": "table = SimpleNamespace(loss=target)\ndef run(): return table.loss()",
    "in a default argument": "def run(loss=target): return loss()",
    "in a keyword's default": "def run(*, loss=target): return loss()",
    "in a lambda": "run = lambda: target()",
    "in a closure": """
        def make(loss):
            def run(): return loss()
            return run
        run = make(target)""",
    "in a function within": """
        def run():
            def inner(): return [target() for _ in range(1)][0]
            return inner()""",
    "behind a decorator without wraps": """
        def logged(f):
            def wrapper(*args): return f(*args)
            return wrapper
        @logged
        def run(): return target()""",
    "behind a decorator with wraps": """
        import functools
        def logged(f):
            @functools.wraps(f)
            def wrapper(*args): return f(*args)
            return wrapper
        @logged
        def run(): return target()""",
    "behind a decorator that is a class": """
        class Logged:
            def __init__(self, f): self.f = f
            def __call__(self, *args): return self.f(*args)
        @Logged
        def run(): return target()""",
    "behind a library's decorator": """
        import contextlib
        @contextlib.contextmanager
        def around(): yield target()
        def run():
            with around() as found: return found""",
    "behind a cache": "import functools\n@functools.cache\ndef run(): return target()",
    "through globals()": "def run(): return globals()['target']()",
    "through eval": "def run(): return eval('target()')",
    "in a generator": "def each(): yield target()\ndef run(): return next(each())",
}


@pytest.mark.parametrize("source", WAYS.values(), ids=WAYS)
def test_a_spy_is_called_by_any_way(source: str) -> None:
    code = written("def target(): return 'the real one'")
    code = {**code, **written_in(code, source)}
    before = dict(code)
    assert code["run"]() == "the real one"
    copied = rebind(code["run"], {"target": lambda: "the spy"})
    assert copied() == "the spy"
    code["run"].cache_clear() if hasattr(code["run"], "cache_clear") else None
    assert code["run"]() == "the real one"
    assert all(code[name] is before[name] for name in before)


def test_a_class_is_copied_as_a_function_is() -> None:
    code = written("def target(): return 'the real one'\nclass Network:\n    def run(self): return target()")
    assert rebind(code["Network"], {"target": lambda: "the spy"})().run() == "the spy"
    assert code["Network"]().run() == "the real one"


def written_in(namespace: dict[str, Any], source: str) -> dict[str, Any]:
    exec(compile(textwrap.dedent(source), "<cell>", "exec"), namespace)
    return namespace


def test_functions_that_share_a_variable_share_it_still() -> None:
    code = written(
        """
        def make():
            count = 0
            def up():
                nonlocal count
                count += 1
            def run():
                up()
                return count, target()
            return run
        def target(): return 'the real one'
        run = make()
        """
    )
    run = rebind(code["run"], {"target": lambda: "the spy"})
    assert [run(), run()] == [(1, "the spy"), (2, "the spy")]
    assert code["run"]() == (1, "the real one")


def test_what_code_changes_is_its_copys() -> None:
    code = written("seen, table = [], {}\ndef run():\n    seen.append(1); table[1] = 2\n    return len(seen)")
    run = rebind(code["run"], {})
    assert (run(), run()) == (1, 2)
    assert code["seen"] == [] and code["table"] == {}


Pair = namedtuple("Pair", "one two")


@pytest.mark.parametrize(
    "value",
    [Pair(1, len), OrderedDict(a=1), {1, 2}, frozenset({1}), SimpleNamespace(a=[1]), [0] * 5000, range(3), object, int],
    ids=str,
)
def test_data_stay_what_they_are(value: Any) -> None:
    code = {**written("def run(): return value"), "value": value}
    exec("def run(): return value", code)
    copied = rebind(code["run"], {})()
    assert type(copied) is type(value) and copied == value


class Kind(Enum):
    ONE = 1

    def name_it(self) -> str:
        return self.name


def test_what_cannot_be_copied_is_used_as_it_is() -> None:
    code: dict[str, Any] = {"kind": Kind.ONE}
    exec("def run(): return kind", code)
    assert rebind(code["run"], {})() is Kind.ONE


@pytest.mark.parametrize("value", [None, 3, "train", [1], type("T", (), {}), len, functools.partial(len)])
def test_what_calls_no_function_has_no_namespace(value: Any) -> None:
    assert namespace_of(value) is None
    with pytest.raises(ValueError, match="There is no function"):
        rebind(value, {})
