"""The right training step, and mistakes in it: 1/B, the order of arguments, and when the loss is taken."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from lib.answer_key import MistakeCatalog
from lib.reference import cce, cce_gradient
from lib.reference.layer import FloatArray as Array
from lib.reference.network import Network

Loss = Callable[[Array, Array], Any]
Step = Callable[[Network, Loss, Loss, Array, Array, float], Any]


def step(network: Network, loss: Loss, loss_gradient: Loss, X: Array, y: Array, learning_rate: float) -> Any:
    """Train on one batch, X (features, B) with labels y (classes, B); return the loss before the update.

    The gradient of a mean over B samples is 1/B times each sample's own gradient. Everything below is linear in the
    gradient, so the factor comes in once, at the top.
    """
    yhat = network.forward(X)
    network.backward(loss_gradient(y, yhat) / y.shape[1], learning_rate)
    return loss(y, yhat)


def _with(
    input: Callable[[Array, Array], Any] = lambda X, y: X,
    gradient: Callable[[Loss, Array, Array], Any] = lambda slope, y, yhat: slope(y, yhat) / y.shape[1],
    rate: Callable[[float, Array], Any] = lambda rate, y: rate,
    backward: Callable[[Network, Any, Any], Any] = lambda network, g, rate: network.backward(g, rate),
    returned: Callable[[Network, Loss, Array, Array, Array], Any] = lambda network, loss, X, y, yhat: loss(y, yhat),
) -> Step:
    """Make a step with another input, gradient, learning rate, or call of network.backward, or another result."""

    def wrong(network: Network, loss: Loss, loss_gradient: Loss, X: Array, y: Array, learning_rate: float) -> Any:
        yhat = network.forward(input(X, y))
        backward(network, gradient(loss_gradient, y, yhat), rate(learning_rate, y))
        return returned(network, loss, X, y, yhat)

    return wrong


whole = MistakeCatalog(
    "check-step",
    "step",
    teach="Ask which quantities are means over the batch, and where a factor 1/B must come in so that it counts once.",
)
input = replace(whole, make=lambda code: _with(input=code))
gradient = replace(whole, make=lambda code: _with(gradient=code))
rate = replace(whole, make=lambda code: _with(rate=code))
returned = replace(whole, make=lambda code: _with(returned=code))

ONCE = "The loss is a mean over B samples. Multiply the loss gradient by 1/B, once."
COUNT = "Columns are samples: count the columns, not the rows."

gradient("1/B is missing", ONCE)(lambda slope, y, yhat: slope(y, yhat))
gradient("1/B is applied twice", ONCE)(lambda slope, y, yhat: slope(y, yhat) / y.shape[1] ** 2)
gradient("The gradient is multiplied by B", ONCE)(lambda slope, y, yhat: slope(y, yhat) * y.shape[1])
gradient("The gradient is divided by the number of classes", COUNT)(lambda slope, y, yhat: slope(y, yhat) / len(y))
for name, size in (("features", len), ("entries of X", lambda X: X.size)):
    whole(f"The gradient is divided by the number of {name}", COUNT)(
        lambda network, loss, slope, X, y, rate, size=size: _with(
            gradient=lambda slope, y, yhat: slope(y, yhat) / size(X)
        )(network, loss, slope, X, y, rate)
    )
gradient("The gradient is divided by the number of entries", COUNT)(lambda slope, y, yhat: slope(y, yhat) / y.size)
for number in (16, 32, 64, 100, 300):  # not 10, which is 2B in the check's batches
    gradient("The gradient is divided by a fixed number", COUNT)(
        lambda slope, y, yhat, number=number: slope(y, yhat) / number
    )
gradient(
    "1/B divides by the gradient: the parenthesis is closed too late",
    "Close the parenthesis before the gradient: 1/B is a factor of its own.",
)(lambda slope, y, yhat: 1 / (y.shape[1] * slope(y, yhat)))
gradient(
    "The gradient is 0 everywhere", "Print each factor of the gradient. // rounds down to a whole number, also to 0."
)(lambda slope, y, yhat: 1 // y.shape[1] * slope(y, yhat))
gradient(
    "The prediction is divided by B inside loss_gradient",
    "Close the parenthesis of loss_gradient before you divide: 1/B is a factor of its result.",
)(lambda slope, y, yhat: slope(y, yhat / y.shape[1]))
gradient("The gradient's sign is turned", "Hand on the gradient itself: Dense subtracts it.")(
    lambda slope, y, yhat: -slope(y, yhat) / y.shape[1]
)
gradient("The gradient's sign is turned, and 1/B is missing", "Hand on the gradient itself, times 1/B.")(
    lambda slope, y, yhat: -slope(y, yhat)
)
SHORT = "Softmax is a layer of the network: it needs the gradient of the loss at its output. Call the loss gradient."
gradient("yhat - y is handed on in place of the loss gradient", SHORT)(lambda slope, y, yhat: (yhat - y) / y.shape[1])
gradient("yhat - y is handed on in place of the loss gradient, without 1/B", SHORT)(lambda slope, y, yhat: yhat - y)
SWAPPED = "Read the first line of the function again: labels come first, then the prediction."
gradient("The arguments of the loss gradient are swapped", SWAPPED)(lambda slope, y, yhat: slope(yhat, y) / y.shape[1])
gradient("The arguments of the loss gradient are swapped, and 1/B is missing", SWAPPED)(
    lambda slope, y, yhat: slope(yhat, y)
)
COLUMNS = "Keep one column for each sample; the layers add them up."
gradient("The gradient is averaged over the samples", COLUMNS)(
    lambda slope, y, yhat: slope(y, yhat).mean(axis=1, keepdims=True),
    lambda slope, y, yhat: slope(y, yhat).mean(axis=1),
)
gradient("The gradient is summed over the samples", COLUMNS)(
    lambda slope, y, yhat: slope(y, yhat).sum(axis=1, keepdims=True), lambda slope, y, yhat: slope(y, yhat).sum(axis=1)
)
gradient("The gradient is averaged over the classes", "Keep one row for each class: each has a slope of its own.")(
    lambda slope, y, yhat: slope(y, yhat).mean(axis=0, keepdims=True),
    lambda slope, y, yhat: slope(y, yhat).mean(axis=0),
)
gradient("The gradient is averaged to one number", COLUMNS)(lambda slope, y, yhat: slope(y, yhat).mean())
gradient("The gradient is transposed", "Keep the gradient's shape, (classes, batch): divide it, and nothing else.")(
    lambda slope, y, yhat: slope(y, yhat).T / y.shape[1], lambda slope, y, yhat: slope(y, yhat).T
)
GIVEN = "Call the functions that step is given, by the names in its first line: loss and loss_gradient."
gradient("cce_gradient is called, not the function loss_gradient that step is given", GIVEN)(
    lambda slope, y, yhat: cce_gradient(y, yhat) / y.shape[1]
)

AS_IT_IS = "Hand on the learning rate as it is: 1/B belongs to the gradient."
rate("The learning rate is divided by the batch size as well", AS_IT_IS)(lambda rate, y: rate / y.shape[1])
rate("The learning rate is multiplied by the batch size", AS_IT_IS)(lambda rate, y: rate * y.shape[1])
rate("The learning rate's sign is turned", "Dense subtracts the step already.")(lambda rate, y: -rate)
rate("A fixed learning rate is used", "Use the argument learning_rate.")(
    *(lambda rate, y, fixed=fixed: fixed for fixed in (0.1, 0.01, 0.001, 0.5, 1))
)
rate("The learning rate is left out", "network.backward needs two arguments: read its first line again.")(
    lambda rate, y: None
)
whole("1/B is applied to the learning rate, not to the gradient", ONCE)(
    _with(gradient=lambda slope, y, yhat: slope(y, yhat), rate=lambda rate, y: rate / y.shape[1])
)

RATE_TWICE = "Hand on the gradient without the learning rate: the layers with weights multiply by it."
whole("The gradient is multiplied by the learning rate as well", RATE_TWICE)(
    lambda network, loss, slope, X, y, rate: _with(gradient=lambda slope, y, yhat: rate * slope(y, yhat) / y.shape[1])(
        network, loss, slope, X, y, rate
    )
)
whole("The learning rate is multiplied into the gradient, and 1 is handed on in its place", RATE_TWICE)(
    lambda network, loss, slope, X, y, rate: _with(
        gradient=lambda slope, y, yhat: rate * slope(y, yhat) / y.shape[1], rate=lambda rate, y: 1
    )(network, loss, slope, X, y, rate)
)
whole("The arguments of network.backward are swapped", "The gradient comes first, then the learning rate.")(
    _with(backward=lambda network, g, rate: network.backward(rate, g))
)

BATCH = "Hand the batch X to the network as it is: columns are samples, and rows are features."
input("The network gets the labels", BATCH)(lambda X, y: y)
input("The network gets the transpose of X", BATCH)(lambda X, y: X.T)
input("The network gets the first sample only", BATCH)(lambda X, y: X[:, :1], lambda X, y: X[:, 0])
input("X is standardised anew in every step", BATCH)(
    lambda X, y: (X - X.mean(axis=1, keepdims=True)) / X.std(axis=1, keepdims=True)
)

returned("The loss is computed after the update", "Use the prediction from before the update for loss and gradient.")(
    lambda network, loss, X, y, yhat: loss(y, network.forward(X))
)
returned("The arguments of the loss are swapped", SWAPPED)(lambda network, loss, X, y, yhat: loss(yhat, y))
whole("The arguments of the loss and of its gradient are swapped", SWAPPED)(
    _with(
        gradient=lambda slope, y, yhat: slope(yhat, y) / y.shape[1],
        returned=lambda network, loss, X, y, yhat: loss(yhat, y),
    )
)
returned("The sign of the loss is turned", "`loss` is positive already: return it as it is.")(
    lambda network, loss, X, y, yhat: -loss(y, yhat)
)
returned("The loss is divided by the batch size", "`loss` is a mean already: return it as it is.")(
    lambda network, loss, X, y, yhat: loss(y, yhat) / y.shape[1]
)
returned("The loss is multiplied by the batch size", "`loss` is a mean already: return it as it is.")(
    lambda network, loss, X, y, yhat: loss(y, yhat) * y.shape[1]
)
RETURN = "Return what `loss` gives for labels and prediction."
returned("A matrix is returned in place of the loss", RETURN)(
    lambda network, loss, X, y, yhat: yhat, lambda network, loss, X, y, yhat: X
)
returned("No loss is returned", RETURN)(lambda network, loss, X, y, yhat: None)
returned("The function loss is returned, not its result", RETURN)(lambda network, loss, X, y, yhat: loss)
returned("The loss is rounded", "Return the loss as it is, and round only where you print it. // rounds, too.")(
    *(lambda network, loss, X, y, yhat, digits=digits: round(loss(y, yhat), digits) for digits in (1, 2, 3))
)
returned("cce is called, not the function loss that step is given", GIVEN)(
    lambda network, loss, X, y, yhat: cce(y, yhat)
)
whole("cce and cce_gradient are called, not the two functions that step is given", GIVEN)(
    _with(
        gradient=lambda slope, y, yhat: cce_gradient(y, yhat) / y.shape[1],
        returned=lambda network, loss, X, y, yhat: cce(y, yhat),
    )
)
whole("The weights are updated twice", "Call network.backward once in a step: every call updates the weights.")(
    _with(backward=lambda network, g, rate: [network.backward(g, rate) for _ in range(2)])
)
whole("The backward pass is left out", "Call network.backward: it updates the weights.")(
    lambda network, loss, slope, X, y, learning_rate: loss(y, network.forward(X))
)


def _hand_on_the_loss(size: Callable[[Array], float]) -> Step:
    def wrong(network: Network, loss: Loss, slope: Loss, X: Array, y: Array, learning_rate: float) -> Any:
        yhat = network.forward(X)
        network.backward(loss(y, yhat) / size(y), learning_rate)
        return loss(y, yhat)

    return wrong


whole(
    "The loss is handed to the network in place of its gradient",
    "network.backward needs a slope for each probability. Which argument of step gives these slopes?",
)(_hand_on_the_loss(lambda y: 1), _hand_on_the_loss(lambda y: y.shape[1]))

MISTAKES = tuple(whole.mistakes)
