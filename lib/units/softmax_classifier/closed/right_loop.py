"""What is recorded of a right training loop, which need not be run for it: the spies return what was drawn.

The judge asks for it with each submission, and to run a loop with spies takes several times as long.
"""

from collections.abc import Mapping

import numpy as np

from lib.unit import Inputs, Probes
from lib.units.softmax_classifier.loop.calls import Call, calls
from lib.units.softmax_classifier.loop.recordings import Pass, Recording
from lib.units.softmax_classifier.loop.rules import RULES


def probes(inputs: Inputs) -> Mapping[str, Probes]:
    """Give by each statement's name what its probes give of a right loop."""
    first, second = map(record, calls(inputs))
    return {name: rule.probes(lambda: (first, second), is_right=True) for name, rule in RULES.items()}


def record(call: Call) -> Recording:
    """Write down what the spies record of a right loop in one call of `train`."""
    recording = Recording(call, X=call.X, y=call.y, returned=[])
    for epoch in range(call.epochs):
        loss = 0.0
        for position, batch in enumerate(call.batches(epoch)):
            version = epoch * call.batches_in_an_epoch + position
            step = Pass(version, epoch + 1, position, batch, (call.samples, call.batch_size), known=True)
            step.layer, step.sizes = call.number + 1, (len(call.X), len(call.y))
            step.features, step.softmax_input = call.X.take(batch, axis=1), call.columns("scores", version, batch)
            step.loss_labels = step.labels = call.y.take(batch, axis=1)
            step.loss_outputs = step.prediction = call.outputs(version, batch)
            step.into_softmax = call.columns("output_gradients", version, batch)
            gradient = 1 / len(batch) * (call.jacobian(version) @ step.into_softmax)
            step.updates.append((gradient, np.array(call.rate)))
            recording.passes.append(step)
            loss += len(batch) * call.loss(version, batch)
        recording.returned.append(loss / call.samples)
    return recording
