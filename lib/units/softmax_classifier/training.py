"""Statements about the training loop.

A rule in `loop` says how each is tested. The rules and their spies are loaded when a loop is checked for the
first time: they take as long to import as the statements of all other parts together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib.unit import Array, Example, Inputs, Part, Probes, Statement
from lib.units.softmax_classifier.errors import IN_LAYERS, IN_LOOPS, hints_of

if TYPE_CHECKING:
    import numpy as np

    from lib.units.softmax_classifier.loop.rule import LoopRule


class LoopStatement(Statement):
    """A statement about the steps of a loop."""

    @property
    def rule(self) -> LoopRule:
        """How it is tested."""
        from lib.units.softmax_classifier.loop.rules import RULES  # only when a loop is checked

        return RULES[self.name]

    def holds(self, inputs: Inputs, train: Any) -> None:
        self.rule.holds(inputs, train)

    def probes(self, inputs: Inputs, train: Any) -> Probes:
        from lib.units.softmax_classifier.loop.rule import record_once  # likewise

        return self.rule.probes(lambda: record_once(train, inputs))

    def compared_part(self, probe: str, given: Array, inputs: Inputs) -> Array:
        return self.rule.compared_part(probe, given, inputs)


class EveryBatch(LoopStatement):
    text = "Each of the nepochs epochs sends all its batches through the layers, in order, also the short last one."
    hint = "Loop over generate_batch_indices once in each epoch. Each batch is a list of column numbers."
    lines = r"\b(Dense|generate_batch_indices|forward|range)\("


class LabelsWithSamples(LoopStatement):
    text = "cce and cce_gradient get the labels of the same samples, and softmax's output as the prediction."
    hint = "Take the batch's columns of y as the labels, and the output of the softmax layer as the prediction."
    lines = r"\bcce(_gradient)?\("


class GradientFlowsBack(LoopStatement):
    text = "softmax.backward gets the loss gradient; dlayer.backward gets its result times 1/B, and the learning rate."
    hint = (
        "Follow the dashed arrows of the figure, one call for each. Multiply by 1/B once, just before the dense layer."
    )
    lines = r"\bbackward\(|grad"


class EpochLoss(LoopStatement):
    text = "train returns one loss for each epoch: the mean over its samples, so a short batch counts for less."
    hint = "Start each epoch's loss at 0, and weight each batch's loss by its share of all samples."
    lines = r"loss"


def draw(rng: np.random.Generator) -> Inputs:
    """Draw data, sizes, and what the spies return, for two calls of `train`."""
    from lib.units.softmax_classifier.loop import draws  # only when a loop is checked

    return draws.draw(rng)


def two_steps(loop: Any) -> Example:
    """Show two steps of a loop beside right ones."""
    from lib.units.softmax_classifier.loop import example  # only after a check has failed

    return example.two_steps(loop, train.desk_inputs())


train: Part = Part(
    "check-train",
    "The training loop",
    ("train",),
    (EveryBatch(), LabelsWithSamples(), GradientFlowsBack(), EpochLoss()),
    draw,
    example=two_steps,
    naming_draws=1,
    error_hints=(*hints_of(IN_LOOPS), *IN_LAYERS),
)
