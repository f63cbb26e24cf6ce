"""The rules of the four statements about the training loop."""

from lib.units.softmax_classifier.loop.batches import EveryBatch
from lib.units.softmax_classifier.loop.gradient import GradientFlowsBack
from lib.units.softmax_classifier.loop.labels import LabelsWithSamples
from lib.units.softmax_classifier.loop.losses import EpochLoss
from lib.units.softmax_classifier.loop.rule import LoopRule

RULES: dict[str, LoopRule] = {
    rule.__name__: rule() for rule in (EveryBatch, LabelsWithSamples, GradientFlowsBack, EpochLoss)
}
"""The rules by the names of their statements."""
