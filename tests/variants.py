"""Right code in many hands: hypothesis puts together losses, layers and loops that differ in everything but the result.

Each strategy draws a part's objects by name, as `Unit.right` has them.
"""

import linecache
import string
import textwrap
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import numpy as np
from hypothesis import strategies as st

from lib.blanks import OpenBlank, runnable
from lib.reference import Dense, Softmax, cce, cce_gradient, generate_batch_indices

Code = dict[str, object]
RELEASED = Path(__file__).parents[1] / "notebooks/softmax_classifier/softmax_classifier.ipynb"


def choose(draw: st.DrawFn, *choices: Any) -> Any:
    return draw(st.sampled_from(choices))


def floats(draw: st.DrawFn) -> Any:
    return choose(draw, np.float64, np.float32)


@st.composite
def subscripts(draw: st.DrawFn, pattern: str) -> str:
    """The einsum subscripts of `pattern` with other letters."""
    letters = "".join(sorted(set(pattern) & set(string.ascii_letters)))
    others = draw(st.permutations(string.ascii_letters))[: len(letters)]
    return pattern.translate(str.maketrans(letters, "".join(others)))


@st.composite
def losses(draw: st.DrawFn) -> Code:
    number, letters = floats(draw), draw(subscripts("ij,ij->j"))
    each = choose(
        draw,
        lambda y, p: np.sum(-y * np.log(p), 0),
        lambda y, p: -np.log((y * p).sum(axis=0)),
        lambda y, p: -np.log(p[y.argmax(axis=0), np.arange(y.shape[1])]),
        lambda y, p: -np.log(p.T[y.T == 1]),
        lambda y, p: np.diag(y.T @ -np.log(p)),
        lambda y, p: -np.einsum(letters, y, np.log(p)),
        lambda y, p: [-np.dot(y[:, b], np.log(p[:, b])) for b in range(y.shape[1])],
        lambda y, p: [-sum(y[k, b] * np.log(p[k, b]) for k in range(len(y))) for b in range(y.shape[1])],
        lambda y, p: np.sum(y * np.log(1 / (p + 1e-12)), axis=0),
        lambda y, p: -np.sum(y * np.log(p + 1e-6), axis=0),
        lambda y, p: -np.sum(y * np.log(p / p.sum(axis=0)), axis=0),
    )
    means = np.average, lambda e: sum(e) / len(e), lambda e: np.mean(e, keepdims=True), lambda e: float(np.mean(e))
    mean = choose(draw, *means)
    clip = choose(draw, lambda p: p, lambda p: np.clip(p, 1e-7, 1), lambda p: np.maximum(p, 1e-9))
    return {"cce": lambda y, yhat: mean(each(y.astype(number), clip(yhat.astype(number))))}


@st.composite
def gradients(draw: st.DrawFn) -> Code:
    def into_out(y: Any, p: Any) -> Any:
        gradient = np.empty_like(p)
        np.divide(y, p, out=gradient)
        return np.negative(gradient, out=gradient)

    def by_loop(y: Any, p: Any) -> Any:
        gradient = np.zeros(y.shape)
        for b in range(y.shape[1]):
            gradient[:, b] = -y[:, b] / p[:, b]
        return gradient

    number, letters = floats(draw), draw(subscripts("ij,ij->ij"))
    gradient = choose(
        draw,
        lambda y, p: -y / p,
        lambda y, p: -1 / p * y,
        lambda y, p: -y * p**-1.0,
        lambda y, p: -y / (p + 1e-6),
        lambda y, p: np.where(y == 1, -1 / p, 0),
        lambda y, p: -np.einsum(letters, y, 1 / p),
        lambda y, p: (-y / p).tolist(),
        lambda y, p: np.asfortranarray(-y / p),
        into_out,
        by_loop,
    )
    return {"cce_gradient": lambda y, yhat: gradient(y.astype(number), yhat.astype(number)), "cce": cce}


def forward(draw: st.DrawFn) -> Any:
    """A function from scores to probabilities, safe for large scores."""

    def in_place(z: Any) -> Any:
        z = np.array(z, dtype=float)
        z -= z.max(0)
        np.exp(z, out=z)
        z /= z.sum(0)
        return z

    def by_loop(z: Any) -> Any:
        output = np.empty(z.shape)
        for b in range(z.shape[1]):
            e = np.exp(z[:, b] - max(z[:, b]))
            output[:, b] = e / sum(e)
        return output

    def plain(z: Any, axis: int = 0) -> Any:
        e = np.exp(z - np.max(z, axis=axis, keepdims=True))
        return e / np.sum(e, axis=axis, keepdims=True)

    return choose(
        draw,
        plain,
        in_place,
        by_loop,
        lambda z: plain(z.T, axis=1).T,
        lambda z: np.exp(z - z.max(0)) / sum(np.exp(z - z.max(0))),
        lambda z: np.exp(z - np.logaddexp.reduce(z.astype(float), axis=0)),
        lambda z: plain(z - z.min(axis=0)),
        lambda z: plain(z.astype(np.float32)),
        lambda z: np.apply_along_axis(plain, 0, z.astype(float)),
        lambda z: 1 / np.exp(z[None] - z[:, None]).sum(axis=1) if np.ptp(z) < 100 else plain(z),
    )


def backward(draw: st.DrawFn) -> Any:
    """A function from probabilities and incoming gradient to the result: in closed form, by loop, by any einsum."""

    def jacobian(column: Any) -> Any:
        return np.diag(column) - np.outer(column, column)

    def by_loop(a: Any, g: Any) -> Any:
        result = np.zeros_like(g)
        for b in range(a.shape[1]):
            result[:, b] = jacobian(a[:, b]) @ g[:, b]
        return result

    layout = "".join(draw(st.permutations("ijk")))
    turned, returned = draw(st.booleans()), draw(st.booleans())
    shared, left = choose(draw, "ji", "ij")  # a Jacobian is symmetric
    pattern = draw(
        subscripts(f"{layout},{'k' + shared if turned else shared + 'k'}->{'k' + left if returned else left + 'k'}")
    )
    number = floats(draw)

    def by_einsum(a: Any, g: Any) -> Any:
        jacobians = np.stack([jacobian(column) for column in a.T.astype(number)], axis=-1)  # laid out i, j, k
        jacobians = jacobians.transpose(["ijk".index(axis) for axis in layout])
        result = np.einsum(pattern, jacobians, g.T if turned else g)
        return result.T if returned else result

    closed = lambda a, g: a * (g - (a * g).sum(0)), lambda a, g: a * g - a * np.sum(a * g, axis=0, keepdims=True)
    return by_einsum if draw(st.booleans()) else choose(draw, *closed, by_loop)


@st.composite
def softmaxes(draw: st.DrawFn) -> Code:
    activate, back, kept, returns = forward(draw), backward(draw), draw(st.booleans()), draw(st.booleans())

    class Layer:
        def forward(self, input: Any) -> Any:
            self.output = activate(input)
            if kept:  # an attribute of the student's own, which only this forward sets
                self.a = self.output
            return self.output if returns else None

        def backward(self, output_gradient: Any, learning_rate: Any = None) -> Any:
            return back(self.a if kept else self.output, output_gradient)

    return {"Softmax": Layer}


@st.composite
def denses(draw: st.DrawFn) -> Code:
    letters, number = draw(subscripts("ij,kj->ik")), floats(draw)
    weights_gradient = choose(
        draw,
        lambda g, x: np.dot(x, g.T).T,
        lambda g, x: g @ x.T,
        lambda g, x: np.inner(g, x),
        lambda g, x: np.tensordot(g, x, axes=(1, 1)),
        lambda g, x: np.einsum(letters, g, x),
        lambda g, x: sum(np.outer(g[:, b], x[:, b]) for b in range(x.shape[1])),
        lambda g, x: (g[:, None, :] * x[None, :, :]).sum(axis=2),
        lambda g, x: np.hstack([g @ x[:-1].T, g.sum(axis=1, keepdims=True)]),
        lambda g, x: np.dot(g.astype(number), x.T.astype(number)),
    )
    input_gradient = choose(
        draw,
        lambda w, g: np.dot(w.T, g)[:-1],
        lambda w, g: (g.T @ w[:, :-1]).T,
        lambda w, g: np.delete(w.T @ g, -1, axis=0),
        lambda w, g: np.einsum("ij,ik->jk", w[:, :-1], g),
    )
    update, stacked = choose(draw, "in place", "anew", "into out"), draw(st.booleans())

    class Layer(Dense):
        def forward(self, input: Any) -> Any:
            ones = np.ones((1, input.shape[1]))
            self.input = np.vstack([input, ones]) if stacked else np.concatenate([input, ones], axis=0)
            self.output = np.dot(self.weights, self.input)

        def backward(self, output_gradient: Any, learning_rate: Any) -> Any:
            step = learning_rate * weights_gradient(output_gradient, self.input)
            returned = input_gradient(self.weights, output_gradient)
            if update == "in place":
                self.weights -= step
            elif update == "anew":
                self.weights = self.weights + (-1) * step
            else:
                np.subtract(self.weights, step, out=self.weights)
            return returned

    return {"Dense": Layer}


EPOCHS = ["for epoch in range(nepochs):", "for _ in range(1, nepochs + 1):", "while len(losses) < nepochs:"]
BATCHES = [
    "for batch in generate_batch_indices(num_samples, batch_size):",
    "for b, batch in enumerate(generate_batch_indices(num_samples, batch_size=batch_size)):",
    "for batch, _ in zip(generate_batch_indices(num_samples, batch_size), range(num_samples)):",
    """batches = list(generate_batch_indices(num_samples, batch_size))
        while batches:
            batch = batches.pop(0)""",
]
COLUMNS = ["{}[:, batch]", "{}[..., batch]", "{}.T[batch].T", "np.take({}, batch, axis=1)", "{}[:, list(batch)]"]
LOSS = [
    ("loss = 0", "loss += len(batch) / num_samples * {}", "loss"),
    ("loss = 0.0", "loss = loss + {} * len(batch)", "loss / num_samples"),
    ("seen, loss = 0, 0", "loss += {} * len(batch); seen += len(batch)", "loss / seen"),
    ("each, sizes = [], []", "each.append({}); sizes.append(len(batch))", "np.average(each, weights=sizes)"),
]
BACK = [
    """grad = softmax.backward(grad)
            dense.backward((1 / len(batch)) * grad, learning_rate)""",
    """grad = softmax.backward(output_gradient=grad)
            grad /= len(batch)
            grad = dense.backward(grad, learning_rate)""",
    """grad = np.divide(grad, batch.size)
            dense.backward(output_gradient=softmax.backward(grad), learning_rate=learning_rate)""",
    "dense.backward(softmax.backward(grad), learning_rate / len(batch))",
]
LOOKS = [
    "",
    "dense.forward(X); softmax.forward(dense.output); hits = (softmax.output == y).mean(); cce(y, softmax.output)",
]
RETURNED = ["dense, softmax, losses", "dense, softmax, np.array(losses)", "SimpleNamespace(loss=losses)"]


@st.composite
def trains(draw: st.DrawFn) -> Code:
    """Loops written out as text, with a choice at every line."""
    lines = (choose(draw, *choices) for choices in (EPOCHS, BATCHES, COLUMNS, BACK, LOOKS, RETURNED))
    epochs, batches, columns, back, looks, returned = lines
    start, add, end = choose(draw, *LOSS)
    X, y, p = columns.format("X"), columns.format("y"), choose(draw, "softmax.output", "prediction")
    before, after = draw(st.permutations([add.format(f"cce({y}, {p})"), ""]))
    source = f"""
def train(X, y, learning_rate, batch_size, nepochs):
    num_samples = X.shape[1]
    dense, softmax = Dense(X.shape[0], len(y)), Softmax()
    losses = []
    {epochs}
        {start}
        {batches}
            dense.forward({X})
            prediction = softmax.forward(dense.output)
            {before}
            grad = cce_gradient({y}, {p})
            {back}
            {after}
        losses.append({end})
        {looks}
    return {returned}
"""
    return {"train": written(source)["train"]}


class Complaint:
    """What stands behind the open blanks of a notebook that has loaded lib.blanks."""

    def __getitem__(self, sentence: str) -> Any:
        raise OpenBlank(sentence)


def released() -> Code:
    """The names that the student notebook defines as it is handed out, every blank open."""
    notebook = nbformat.read(RELEASED, as_version=4)
    cells = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell.source for cell in notebook.cells}
    ids = ("layer", "loss", "softmax", "dense", "batch-indices", "train")
    return written("\n".join(runnable(cells[id]) for id in ids))


class Layer:
    """The notebook's base class of layers."""

    def __init__(self) -> None:
        self.input = self.output = None

    def forward(self, input: Any) -> Any:
        pass

    def backward(self, output_gradient: Any, learning_rate: Any) -> Any:
        pass


def written(source: str, name: str = "") -> Code:
    """The names that a cell with `source` defines, with those of a notebook around it. Errors quote its lines."""
    around = (SimpleNamespace, Dense, Softmax, cce, cce_gradient, generate_batch_indices, Layer)
    namespace = {"np": np, "__blank__": Complaint()} | {each.__name__: each for each in around}
    source = textwrap.dedent(source).lstrip("\n")
    name = name or f"<cell {zlib.crc32(source.encode())}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), namespace)
    return namespace


BY_PART = {"check-cce": losses(), "check-cce-gradient": gradients()}
BY_PART |= dict.fromkeys(("check-softmax-forward", "check-softmax-stable", "check-softmax-backward"), softmaxes())
BY_PART |= {"check-dense-backward": denses(), "check-train": trains()}
"""For each part right code of any kind."""
