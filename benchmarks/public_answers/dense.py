"""Answers for the cell of `Dense`; most change its `backward` alone."""

from textwrap import indent

from .answer import Collection

GIVEN = """
class Dense(Layer):
    def __init__(self, input_size, output_size):
        self.weights = 0.1 * np.random.randn(output_size, input_size+1) # bias trick
        self.weights[:, -1] = 0.01 # Set all bias values to the same nonzero constant

    def forward(self, input):
        self.input = np.vstack([input, np.ones((1, input.shape[1]))]) # bias trick
        self.output = np.dot(self.weights, self.input)
        return(self.output)
"""


def frame(code: str) -> str:
    """Make a cell of a `backward`, or of a whole class."""
    return code if "class " in code else GIVEN.strip("\n") + "\n\n" + indent(code, "    ")


_dense = Collection("dense", frame)
ANSWERS = _dense.answers
right, wrong = _dense.right, _dense.wrong

# ---- right

right(
    "in-place",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = output_gradient @ self.input.T
        input_gradient = self.weights[:, :-1].T @ output_gradient
        self.weights -= learning_rate * weights_gradient
        return input_gradient
""",
)
right(
    "einsum",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.einsum('ki,ji->kj', output_gradient, self.input)
        input_gradient = np.einsum('kj,ki->ji', self.weights[:, :-1], output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
)
right(
    "transposed-product",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(self.input, output_gradient.T).T
        input_gradient = np.dot(output_gradient.T, self.weights[:, :-1]).T
        self.weights = np.subtract(self.weights, np.multiply(learning_rate, weights_gradient))
        return input_gradient
""",
)
right(
    "outer-products-of-samples",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.zeros_like(self.weights)
        for i in range(output_gradient.shape[1]):
            weights_gradient += np.outer(output_gradient[:, i], self.input[:, i])
        input_gradient = np.delete(self.weights, -1, axis=1).T.dot(output_gradient)
        self.weights = self.weights + learning_rate * (-weights_gradient)
        return input_gradient
""",
)
right(
    "loops",
    """
    def backward(self, output_gradient, learning_rate):
        K, J = self.weights.shape
        old = self.weights.copy()
        for k in range(K):
            for j in range(J):
                slope = 0
                for g, x in zip(output_gradient[k], self.input[j]):
                    slope += g * x
                self.weights[k, j] = old[k, j] - learning_rate * slope
        return old[:, :J - 1].T @ output_gradient
""",
)
right(
    "weights-and-bias-apart",
    """
    def backward(self, output_gradient, learning_rate):
        features = self.input[:-1]
        dW = output_gradient @ features.T
        db = np.sum(output_gradient, axis=1, keepdims=True)
        dX = self.weights[:, :-1].T @ output_gradient
        self.weights = self.weights - learning_rate * np.hstack([dW, db])
        return dX
""",
)
right(
    "matmul-and-tensordot",
    """
    def backward(self, output_gradient, learning_rate):
        self.weights_gradient = np.tensordot(output_gradient, self.input, axes=(1, 1))
        below = np.matmul(self.weights.T, output_gradient)[0:-1, :]
        self.weights = self.weights - self.weights_gradient * learning_rate
        return below
""",
)
right(
    "own-names",
    """
    class Dense(Layer):
        def __init__(self, n_inputs, n_neurons):
            super().__init__()
            self.weights = np.random.normal(0, 0.1, (n_neurons, n_inputs + 1))
            self.weights[:, -1] = 0.01

        def forward(self, inputs):
            ones = np.ones(inputs.shape[1])
            self.input = np.concatenate((inputs, [ones]), axis=0)
            self.output = self.weights.dot(self.input)
            return self.output

        def backward(self, dvalues, learning_rate):
            self.dweights = np.dot(dvalues, self.input.T)
            self.dinputs = np.dot(self.weights[:, :-1].T, dvalues)
            self.weights += -learning_rate * self.dweights
            return self.dinputs
""",
)
right(
    "update-in-a-method",
    """
    def backward(self, output_gradient, learning_rate):
        gradient = self._gradient(output_gradient)
        below = self._below(output_gradient)
        self._step(learning_rate, gradient)
        return below

    def _gradient(self, G):
        return (self.input @ G.T).T

    def _below(self, G):
        return (G.T @ self.weights)[:, :-1].T

    def _step(self, rate, gradient):
        self.weights = self.weights - rate * gradient
""",
)
right(
    "kept-weights",
    """
    def backward(self, output_gradient, learning_rate):
        weights_before = np.array(self.weights)
        self.weights = self.weights - learning_rate * (output_gradient @ self.input.transpose())
        return weights_before[:, :-1].transpose() @ output_gradient
""",
)
right(
    "asserts",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.inner(output_gradient, self.input)
        assert weights_gradient.shape == self.weights.shape
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        assert input_gradient.shape[0] == self.input.shape[0] - 1
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
)
right(
    "matrix-of-lists",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.array([[np.sum(g * x) for x in self.input] for g in output_gradient])
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights + learning_rate * (-weights_gradient)
        return(input_gradient)
""",
)

# ---- wrong

TAIL = """
    input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
    self.weights = self.weights + learning_rate * (-weights_gradient)
    return(input_gradient)
"""


def _blank(id: str, lost: str, first: str, second: str, *mistakes: str) -> None:
    head = f"def backward(self, output_gradient, learning_rate):\n    weights_gradient = np.dot({first}, {second})"
    wrong(id, lost, head + TAIL, *mistakes)


_blank(
    "blank-transposed",
    "weights bias input",
    "self.input",
    "output_gradient.T",
    "the product is the transpose of the gradient, (features + 1, classes)",
)
_blank(
    "blank-no-transpose",
    "weights bias input",
    "output_gradient",
    "self.input",
    "the transpose of the input is missing, which raises an error",
)
_blank(
    "blank-exchanged",
    "weights bias input",
    "self.input.T",
    "output_gradient",
    "the factors are exchanged, which raises an error or gives (samples, samples)",
)
_blank(
    "blank-output",
    "weights bias input",
    "output_gradient",
    "self.output.T",
    "multiplies by the layer's output, not by its input, which raises an error for most shapes",
)
_blank(
    "blank-weights",
    "weights bias input",
    "self.weights",
    "self.input",
    "computes the scores again: the incoming gradient is not used",
)
_blank(
    "blank-forgets-self",
    "weights bias input",
    "output_gradient",
    "input.T",
    "self is missing before input: Python's own function input has no .T, which raises an error",
)
_blank(
    "blank-without-ones",
    "weights bias input",
    "output_gradient",
    "self.input[:-1].T",
    "the row of ones is left out: the gradient has no column for the bias, which raises an error",
)
_blank(
    "blank-divided",
    "weights bias",
    "output_gradient",
    "self.input.T / self.input.shape[1]",
    "divides by the number of samples once more: 1/B is in the gradient already",
)
_blank(
    "blank-rate-inside",
    "weights bias",
    "learning_rate * output_gradient",
    "self.input.T",
    "multiplies by the learning rate twice",
)
_blank(
    "blank-minus", "weights bias", "-output_gradient", "self.input.T", "a minus sign too many: the weights move uphill"
)
_blank(
    "blank-T-call",
    "weights bias input",
    "output_gradient",
    "self.input.T()",
    ".T is called like a function, which raises an error",
)
_blank(
    "blank-summed-gradient",
    "weights",
    "output_gradient.sum(axis=1, keepdims=True)",
    "self.input.sum(axis=1, keepdims=True).T / self.input.shape[1]",
    "multiplies the summed gradient by the mean input: the samples are mixed",
)
_blank(
    "blank-first-sample",
    "weights bias",
    "output_gradient[:, :1]",
    "self.input[:, :1].T",
    "only the first sample counts",
)
_blank(
    "blank-mean-gradient",
    "weights bias",
    "output_gradient.mean(axis=1, keepdims=True)",
    "self.input.mean(axis=1, keepdims=True).T",
    "multiplies two means: the samples are mixed",
)
wrong(
    "elementwise",
    "weights bias input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = output_gradient * self.input
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "a product entry by entry in place of a matrix product, which raises an error",
)
wrong(
    "uphill",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = output_gradient @ self.input.T
        input_gradient = self.weights[:, :-1].T @ output_gradient
        self.weights += learning_rate * weights_gradient
        return input_gradient
""",
    "adds the gradient: the weights move uphill",
)
wrong(
    "update-first",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        self.weights -= learning_rate * weights_gradient
        return np.dot(self.weights[:, :-1].T, output_gradient)
""",
    "the weights are updated before the input's gradient is computed with them",
)
wrong(
    "bias-column-passed-down",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights.T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "the bias column is not left out: one row too many is returned",
)
wrong(
    "first-column-left-out",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, 1:].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "leaves out the first column of the weights in place of the last, the bias",
)
wrong(
    "nothing-returned",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
""",
    "nothing is returned",
)
wrong(
    "returns-weights-gradient",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return weights_gradient
""",
    "returns the gradient for the weights, not the one for the input",
)
wrong(
    "returns-output-gradient",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        self.weights = self.weights - learning_rate * weights_gradient
        return output_gradient
""",
    "returns the incoming gradient as it is",
)
wrong(
    "no-update",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "the weights don't change: self is missing before weights on the left",
)
wrong(
    "rate-forgotten",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - weights_gradient
        return input_gradient
""",
    "the learning rate is not used",
)
wrong(
    "rate-fixed",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate=0.01):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - 0.01 * weights_gradient
        return input_gradient
""",
    "a fixed learning rate, 0.01, in place of the one that is given",
)
wrong(
    "assigned-not-subtracted",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = -learning_rate * weights_gradient
        return input_gradient
""",
    "the weights are replaced by the step: the old weights are lost",
)
wrong(
    "minus-equals-exchanged",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights =- learning_rate * weights_gradient
        return input_gradient
""",
    "=- in place of -=: the weights are replaced by the step",
)
wrong(
    "batch-mean",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        m = output_gradient.shape[1]
        weights_gradient = np.dot(output_gradient, self.input.T) / m
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "divides by the number of samples once more: 1/B is in the gradient already",
)
wrong(
    "batch-mean-everywhere",
    "weights bias input",
    """
    def backward(self, output_gradient, learning_rate):
        output_gradient = output_gradient / output_gradient.shape[1]
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "divides by the number of samples once more, in the returned gradient too",
)
wrong(
    "bias-sum-of-everything",
    "bias",
    """
    def backward(self, output_gradient, learning_rate):
        dW = np.dot(output_gradient, self.input[:-1].T)
        db = np.sum(output_gradient)
        dX = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights[:, :-1] -= learning_rate * dW
        self.weights[:, -1] -= learning_rate * db
        return dX
""",
    "the bias gets the sum over all classes and samples: the axis is missing",
)
wrong(
    "bias-wrong-axis",
    "bias weights? input?",
    """
    def backward(self, output_gradient, learning_rate):
        dW = np.dot(output_gradient, self.input[:-1].T)
        db = np.sum(output_gradient, axis=0)
        dX = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights[:, :-1] -= learning_rate * dW
        self.weights[:, -1] -= learning_rate * db
        return dX
""",
    "the bias sums over the classes, axis 0, in place of the samples, which raises an error for most shapes",
)
wrong(
    "bias-mean",
    "bias",
    """
    def backward(self, output_gradient, learning_rate):
        dW = np.dot(output_gradient, self.input[:-1].T)
        db = np.mean(output_gradient, axis=1)
        dX = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights[:, :-1] -= learning_rate * dW
        self.weights[:, -1] -= learning_rate * db
        return dX
""",
    "the bias gets the mean over the samples in place of their sum",
)
wrong(
    "bias-first-sample",
    "bias",
    """
    def backward(self, output_gradient, learning_rate):
        dX = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights[:, :-1] -= learning_rate * np.dot(output_gradient, self.input[:-1].T)
        self.weights[:, -1] -= learning_rate * output_gradient[:, 0]
        return dX
""",
    "the bias gets the first sample's gradient only",
)
wrong(
    "bias-forgotten",
    "bias",
    """
    def backward(self, output_gradient, learning_rate):
        dX = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights[:, :-1] -= learning_rate * np.dot(output_gradient, self.input[:-1].T)
        return dX
""",
    "the bias never changes",
)
wrong(
    "bias-uphill",
    "bias",
    """
    def backward(self, output_gradient, learning_rate):
        dX = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights[:, :-1] -= learning_rate * np.dot(output_gradient, self.input[:-1].T)
        self.weights[:, -1] += learning_rate * output_gradient.sum(axis=1)
        return dX
""",
    "the bias moves uphill",
)
wrong(
    "bias-without-rate",
    "bias",
    """
    def backward(self, output_gradient, learning_rate):
        dX = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights[:, :-1] -= learning_rate * np.dot(output_gradient, self.input[:-1].T)
        self.weights[:, -1] -= output_gradient.sum(axis=1)
        return dX
""",
    "the bias moves without the learning rate",
)
wrong(
    "clipped",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.clip(np.dot(output_gradient, self.input.T), -0.5, 0.5)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "the gradient is clipped to -0.5 … 0.5",
)
wrong(
    "clipped-at-one",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.clip(np.dot(output_gradient, self.input.T), -1, 1)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "the gradient is clipped to -1 … 1",
)
wrong(
    "norm-clipped",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        norm = np.linalg.norm(weights_gradient)
        if norm > 1:
            weights_gradient = weights_gradient / norm
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "the gradient is shortened to length 1",
)
wrong(
    "sign-of-the-gradient",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.sign(np.dot(output_gradient, self.input.T))
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "only the gradient's sign is used",
)
wrong(
    "weight-decay",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        weights_gradient = weights_gradient + 2 * 0.1 * self.weights
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "weight decay: a multiple of the weights is added to their gradient",
)
wrong(
    "momentum",
    "weights bias",
    """
    class Dense(Layer):
        def __init__(self, input_size, output_size):
            self.weights = 0.1 * np.random.randn(output_size, input_size+1)
            self.weights[:, -1] = 0.01
            self.velocity = np.zeros_like(self.weights)

        def forward(self, input):
            self.input = np.vstack([input, np.ones((1, input.shape[1]))])
            self.output = np.dot(self.weights, self.input)
            return(self.output)

        def backward(self, output_gradient, learning_rate):
            weights_gradient = np.dot(output_gradient, self.input.T)
            input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
            self.velocity = 0.9 * self.velocity - learning_rate * weights_gradient
            self.weights = self.weights + self.velocity
            return input_gradient
""",
    "momentum: a step also contains the steps before it",
)
wrong(
    "gradients-pile-up",
    "weights bias",
    """
    class Dense(Layer):
        def __init__(self, input_size, output_size):
            self.weights = 0.1 * np.random.randn(output_size, input_size+1)
            self.weights[:, -1] = 0.01
            self.weights_gradient = 0

        def forward(self, input):
            self.input = np.vstack([input, np.ones((1, input.shape[1]))])
            self.output = np.dot(self.weights, self.input)
            return(self.output)

        def backward(self, output_gradient, learning_rate):
            self.weights_gradient += np.dot(output_gradient, self.input.T)
            input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
            self.weights = self.weights - learning_rate * self.weights_gradient
            return input_gradient
""",
    "the gradients of all steps pile up: none is ever set to 0",
)
wrong(
    "learns-once",
    "weights bias",
    """
    class Dense(Layer):
        def __init__(self, input_size, output_size):
            self.weights = 0.1 * np.random.randn(output_size, input_size+1)
            self.weights[:, -1] = 0.01
            self.trained = False

        def forward(self, input):
            self.input = np.vstack([input, np.ones((1, input.shape[1]))])
            self.output = np.dot(self.weights, self.input)
            return(self.output)

        def backward(self, output_gradient, learning_rate):
            input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
            if not self.trained:
                self.weights = self.weights - learning_rate * np.dot(output_gradient, self.input.T)
                self.trained = True
            return input_gradient
""",
    "the weights move in the first step only",
)
wrong(
    "changes-its-argument",
    "weights? bias? input?",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        output_gradient *= learning_rate
        self.weights = self.weights - np.dot(output_gradient, self.input.T)
        return input_gradient
""",
    "multiplies the caller's gradient by the learning rate in place: the argument is changed",
)
wrong(
    "input-gradient-minus",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = -np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "the returned gradient has the wrong sign",
)
wrong(
    "input-gradient-times-rate",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = learning_rate * np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "the returned gradient is multiplied by the learning rate",
)
wrong(
    "input-gradient-transposed",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(output_gradient.T, self.weights[:, :-1])
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "the returned gradient is transposed, (samples, features)",
)
wrong(
    "equals-in-the-loop",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.zeros_like(self.weights)
        for i in range(output_gradient.shape[1]):
            weights_gradient = np.outer(output_gradient[:, i], self.input[:, i])
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
    "= in place of +=: only the last sample counts",
)
wrong(
    "step-for-each-sample",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        columns = []
        for i in range(output_gradient.shape[1]):
            g, x = output_gradient[:, [i]], self.input[:, [i]]
            self.weights = self.weights - learning_rate * g @ x.T
            columns.append(self.weights[:, :-1].T @ g)
        return np.hstack(columns)
""",
    "the weights are updated before the input's gradient is computed with them",
)
wrong(
    "divided-and-uphill",
    "weights bias",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T) / output_gradient.shape[1]
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights + learning_rate * weights_gradient
        return input_gradient
""",
    "adds the gradient: the weights move uphill",
    "divides by the number of samples once more",
)
wrong(
    "update-first-with-bias",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        self.weights -= learning_rate * np.dot(output_gradient, self.input.T)
        return np.dot(self.weights.T, output_gradient)
""",
    "the weights are updated before the input's gradient is computed with them",
    "the bias column is not left out",
)
