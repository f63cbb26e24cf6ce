"""Statements on the training loop, tested in a rehearsal with stand-ins."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lib.checks.draws import one_hot_columns, probabilities
from lib.checks.rehearsal import Rehearsal, joined, rehearse
from lib.parts import Part
from lib.statements import Array, Drawn, Probes, Statement, Wrong, expect_close


def draw(rng: np.random.Generator) -> Drawn:
    """Draw a data set whose last batch is short, the order of its samples in each epoch, and a bank for each stand-in."""
    features, classes, samples, batch_size, nepochs = 2, 3, 11, 4, 3
    steps = 16  # more than a right loop takes, so that one epoch too many still finds arrays

    def normal(*shape: int) -> Array:
        return rng.normal(size=shape)

    return {
        "X": normal(features, samples),
        "y": one_hot_columns(rng, classes, samples),
        "learning_rate": np.array(rng.uniform(0.05, 0.5)),
        "batch_size": np.array(batch_size),
        "nepochs": np.array(nepochs),
        "weights": normal(classes, features + 1),
        "orders": np.array([rng.permutation(samples) for _ in range(nepochs + 2)]),
        "losses": rng.uniform(0.5, 2.0, size=steps),
        "scores": normal(steps, classes, samples),
        "outputs": np.array([probabilities(rng, classes, samples) for _ in range(steps)]),
        "output_gradients": normal(steps, classes, samples),
        "score_gradients": normal(steps, classes, samples),
        "input_gradients": normal(steps, features, samples),
    }


def batches(drawn: Drawn) -> list[Array]:
    """List the batches of sample indices of all epochs, in order."""
    size, samples = int(drawn["batch_size"]), drawn["X"].shape[1]
    orders = drawn["orders"][: int(drawn["nepochs"])].astype(int)
    return [order[start : start + size] for order in orders for start in range(0, samples, size)]


class EveryBatch(Statement):
    """Each of the nepochs epochs runs its batches X[:, batch] through the layers once, in order, the short last one too."""

    try_ = "Loop over generate_batch_indices once an epoch; each batch is a list of column numbers."

    def holds(self, drawn: Drawn, train: Any) -> None:
        """Compare what went into Dense.forward with the batches."""
        seen = rehearse(train, drawn)
        expected = batches(drawn)
        if seen.epochs != int(drawn["nepochs"]):
            raise Wrong(
                "The number of epochs is wrong.",
                found=f"{seen.epochs} calls of generate_batch_indices",
                expected=f"{int(drawn['nepochs'])}, one an epoch",
            )
        if len(seen.features) != len(expected):
            raise Wrong(
                "The number of training steps is wrong.",
                found=f"{len(seen.features)} steps",
                expected=f"{len(expected)}: 3 epochs of 3 batches, with 4, 4 and 3 samples",
            )
        for step, (features, batch) in enumerate(zip(seen.features, expected, strict=True)):
            expect_close(
                features,
                drawn["X"][:, batch],
                what="Other samples than the batch's went in.",
                try_="Take the batch's columns: X[:, …].",
                where=_in_step(step),
            )

    def probes(self, drawn: Drawn, train: Any) -> Probes:
        """The features of all steps, and where one step ends and the next begins."""
        return {
            "features": _from_rehearsal(train, drawn, lambda seen: joined(seen.features, "Dense.forward")),
            "lengths": _from_rehearsal(train, drawn, lambda seen: [x.shape[-1] for x in seen.features]),
        }


class LabelsWithSamples(Statement):
    """The loss and its gradient get the labels of those same samples, and softmax's output as the prediction."""

    try_ = "The labels of a batch are y[:, batch]; the prediction is what the softmax layer put out."

    def holds(self, drawn: Drawn, train: Any) -> None:
        """Compare what went into cce and cce_gradient with the batches and the stand-in's output."""
        seen, expected = rehearse(train, drawn), batches(drawn)
        for step, features in enumerate(seen.features[: len(expected)]):
            batch = expected[step]
            output = _bank(drawn, "outputs", step, features.shape[-1])
            for name, labels, outputs in (
                ("cce", seen.loss_labels, seen.loss_outputs),
                ("cce_gradient", seen.labels, seen.outputs),
            ):
                expect_close(
                    labels.get(step),
                    drawn["y"][:, batch],
                    where=_in_step(step),
                    what=f"{name} got other labels than its batch's.",
                )
                expect_close(
                    outputs.get(step),
                    output,
                    where=_in_step(step),
                    what=f"{name} got something else than softmax.output as its prediction.",
                )

    def probes(self, drawn: Drawn, train: Any) -> Probes:
        """The labels and predictions of all steps."""
        return {
            "loss labels": _from_rehearsal(train, drawn, lambda seen: joined(seen.loss_labels, "cce")),
            "loss outputs": _from_rehearsal(train, drawn, lambda seen: joined(seen.loss_outputs, "cce")),
            "labels": _from_rehearsal(train, drawn, lambda seen: joined(seen.labels, "cce_gradient")),
            "outputs": _from_rehearsal(train, drawn, lambda seen: joined(seen.outputs, "cce_gradient")),
        }


class GradientFlowsBack(Statement):
    """The gradient flows back: cce_gradient's result into softmax, softmax's times 1/len(batch) into dense, with the rate."""

    try_ = "softmax.backward takes the loss gradient; Dense.backward takes its result over the batch's own length, and the rate."

    def holds(self, drawn: Drawn, train: Any) -> None:
        """Compare what went into both backward calls with what the stand-ins had handed out."""
        seen = rehearse(train, drawn)
        for step, features in enumerate(seen.features):
            width = features.shape[-1]
            into_softmax, into_dense = (
                _bank(drawn, name, step, width) for name in ("output_gradients", "score_gradients")
            )
            expect_close(
                seen.into_softmax.get(step),
                into_softmax,
                where=_in_step(step),
                what="Softmax.backward got something else than cce_gradient's result.",
            )
            found = seen.into_dense.get(step)
            if found is not None and found.shape == into_dense.shape and np.allclose(found, into_dense):
                raise Wrong("1/B is missing.", where=f"step {step}, Dense.backward", try_="Multiply by 1/len(batch).")
            expect_close(
                found,
                into_dense / width,
                where=_in_step(step),
                what="Dense.backward got something else than softmax's gradient times 1/len(batch).",
            )
            expect_close(
                seen.rates.get(step),
                float(drawn["learning_rate"]),
                where=lambda at, step=step: f"step {step}",  # type: ignore[misc]  # step is bound at once
                what="Dense.backward got another learning rate.",
            )

    def probes(self, drawn: Drawn, train: Any) -> Probes:
        """What went into both backward calls."""
        return {
            "into softmax": _from_rehearsal(train, drawn, lambda seen: joined(seen.into_softmax, "Softmax.backward")),
            "into dense": _from_rehearsal(train, drawn, lambda seen: joined(seen.into_dense, "Dense.backward")),
            "rates": _from_rehearsal(train, drawn, lambda seen: list(seen.rates.values())),
        }


class EpochLoss(Statement):
    """train returns each epoch's loss: the mean over the samples seen in it, so a short batch counts for less."""

    try_ = "Start every epoch at 0 and add len(batch)/num_samples times each batch's loss."

    def holds(self, drawn: Drawn, train: Any) -> None:
        """Compare with the weighted mean of the losses that the stand-in gave."""
        steps, samples = batches(drawn), drawn["X"].shape[1]
        each = [len(batch) / samples * loss for batch, loss in zip(steps, drawn["losses"], strict=False)]
        expected = np.reshape(each, (int(drawn["nepochs"]), -1)).sum(axis=1)
        expect_close(
            rehearse(train, drawn).losses,
            expected,
            what="An epoch's loss is not the mean over its samples.",
            where=lambda at: f"epoch {at[0] + 1}" if at else "",
        )

    def probes(self, drawn: Drawn, train: Any) -> Probes:
        """The losses that train returned."""
        return {"losses": _from_rehearsal(train, drawn, lambda seen: seen.losses)}


def _from_rehearsal(train: Any, drawn: Drawn, look: Callable[[Rehearsal], object]) -> Callable[[], object]:
    return lambda: look(rehearse(train, drawn))


def _bank(drawn: Drawn, name: str, step: int, width: int) -> Array:
    bank = drawn[name]
    return np.resize(bank[step % len(bank)], (bank.shape[1], width))


def _in_step(step: int) -> Callable[[tuple[int, ...]], str]:
    return lambda at: f"step {step}, row {at[0]}, sample {at[1]} of the batch" if len(at) == 2 else f"step {step}"


train = Part(
    "check-train",
    "The training loop",
    ("train",),
    (EveryBatch(), LabelsWithSamples(), GradientFlowsBack(), EpochLoss()),
    draw,
)
