"""Answers written later, after other public code than the first ones; each says its cell, and whether it is right."""

from . import dense as dense_cell
from . import softmax as softmax_cell
from . import training as loop
from .answer import Collection

_loss = Collection("loss")
_softmax = Collection("softmax", softmax_cell.frame)
_dense = Collection("dense", dense_cell.frame)
_training = Collection("training")


def _loop_right(id: str, *changes: str) -> None:
    _training.right(id, loop.changed(changes))


def _loop_wrong(id: str, lost: str, mistake: str, *changes: str) -> None:
    _training.wrong(id, lost, loop.changed(changes), mistake)


# ---- the loss, right

_loss.right(
    "later-cce-squeezed",
    """
    def cce(Y, A):
        m = Y.shape[1]
        cost = - (1. / m) * np.sum(np.multiply(np.log(A), Y))
        cost = np.squeeze(cost)
        return cost
""",
)
_loss.right(
    "later-cce-take-along-axis",
    """
    def cce(y, yhat):
        chosen = np.take_along_axis(yhat, np.expand_dims(y.argmax(axis=0), 0), axis=0)
        return float(-np.log(chosen).mean())
""",
)
_loss.right(
    "later-cce-nansum",
    """
    def cce(y, yhat):
        return -np.nansum(y * np.log(yhat)) / y.shape[-1]
""",
)
_loss.right(
    "later-cce-log-where",
    """
    def cce(y, yhat):
        logs = np.zeros_like(yhat)
        np.log(yhat, out=logs, where=y > 0)
        return -logs.sum() / len(y[0])
""",
)
_loss.right(
    "later-cce-divides-by-the-labels-sum",
    """
    def cce(y, yhat):
        return np.sum(y * -np.log(np.clip(yhat, 1e-12, None))) / np.sum(y)
""",
)
_loss.right(
    "later-cce-minus-in-the-loop",
    """
    def cce(y, yhat):
        loss = 0
        for at in range(y.shape[1]):
            loss -= np.log(yhat[:, at]).dot(y[:, at])
        return loss / (at + 1)
""",
)
_loss.right(
    "later-cce-two-dimensional-guard",
    """
    def cce(y, yhat, epsilon=1e-15):
        y, yhat = np.atleast_2d(y), np.atleast_2d(yhat)
        N = yhat.shape[1]
        yhat = np.clip(yhat, epsilon, 1. - epsilon)
        ce = -np.sum(y * np.log(yhat)) / N
        return ce
""",
)
_loss.right(
    "later-bound-methods",
    """
    class CrossEntropy:
        def loss(self, y, yhat):
            return np.mean(self.per_sample(y, yhat))

        def per_sample(self, y, yhat):
            return -np.log(yhat[y.astype(bool)]) if False else -np.log((y * yhat).max(axis=0))

        def gradient(self, y, yhat):
            return np.divide(-y, np.clip(yhat, 1e-7, 1))

    cce, cce_gradient = CrossEntropy().loss, CrossEntropy().gradient
""",
)
_loss.right(
    "later-gradient-where-not-zero",
    """
    def cce_gradient(Y, AL):
        return np.where(AL != 0, -Y / AL, 0.0)
""",
)
_loss.right(
    "later-gradient-vectorize",
    """
    def cce_gradient(y, yhat):
        return np.vectorize(lambda t, p: -t / p if t else 0.0)(y, yhat)
""",
)
_loss.right(
    "later-gradient-by-differences",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log(yhat)) / y.shape[1]

    def cce_gradient(y, yhat, h=1e-6):
        grad = np.zeros_like(yhat)
        for k in range(yhat.shape[0]):
            for b in range(yhat.shape[1]):
                up, down = yhat.copy(), yhat.copy()
                up[k, b] += h
                down[k, b] -= h
                grad[k, b] = y.shape[1] * (cce(y, up) - cce(y, down)) / (2 * h)
        return grad
""",
)
_loss.right(
    "later-gradient-nonzero",
    """
    def cce_gradient(y, yhat):
        dyhat = np.zeros_like(yhat, dtype=float)
        rows, cols = np.nonzero(y)
        dyhat[rows, cols] = -1.0 / yhat[rows, cols]
        return dyhat
""",
)

# ---- the loss, wrong

_loss.wrong(
    "later-cce-sum-of-row-sums",
    "mean",
    """
    def cce(Y, AL):
        cr = sum(-np.sum(Y * np.log(AL), axis=1))
        return cr
""",
    "the sum over the batch is not divided by the number of samples",
)
_loss.wrong(
    "later-cce-mean-of-row-sums",
    "one mean",
    """
    def cce(y_true, y_pred):
        losses = -np.sum(y_true * np.log(np.clip(y_pred, 1e-12, 1.0)), axis=1)
        return np.mean(losses)
""",
    "the mean over the classes: divides by their number",
)
_loss.wrong(
    "later-cce-by-size",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log(yhat + 1e-9)) / y.size
""",
    "divides by the number of entries, classes times samples",
)
_loss.wrong(
    "later-cce-exp",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y * np.exp(yhat)) / y.shape[1]
""",
    "np.exp in place of np.log",
)
_loss.wrong(
    "later-cce-perplexity",
    "one mean?",
    """
    def cce(y, yhat):
        return np.exp(-np.sum(y * np.log(yhat)) / y.shape[1])
""",
    "returns the exponential of the loss",
)
_loss.wrong(
    "later-cce-absolute",
    "one",
    """
    def cce(y, yhat):
        return np.mean(np.abs(y - yhat))
""",
    "the absolute error in place of cross-entropy",
)
_loss.wrong(
    "later-cce-accuracy",
    "one",
    """
    def cce(y, yhat):
        return np.mean(np.argmax(y, axis=0) == np.argmax(yhat, axis=0))
""",
    "the accuracy in place of the loss",
)
_loss.wrong(
    "later-cce-smooth-labels",
    "one",
    """
    def cce(y, yhat):
        K = y.shape[0]
        y = 0.9 * y + 0.1 / K
        return -np.sum(y * np.log(yhat)) / y.shape[1]
""",
    "the labels are smoothed",
)
_loss.wrong(
    "later-cce-largest-loss",
    "mean",
    """
    def cce(y, yhat):
        return np.max(-np.sum(y * np.log(yhat), axis=0))
""",
    "the largest loss in place of the mean",
)
_loss.wrong(
    "later-cce-median",
    "mean",
    """
    def cce(y, yhat):
        losses = -np.log(np.sum(y * yhat, axis=0))
        return np.median(losses)
""",
    "the median in place of the mean",
)
_loss.wrong(
    "later-cce-complement",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log(1 - yhat)) / y.shape[1]
""",
    "the logarithm of 1 - yhat",
)
_loss.wrong(
    "later-cce-base-of-classes",
    "one",
    """
    def cce(y, yhat):
        K, B = y.shape
        return -np.sum(y * np.log(yhat)) / np.log(K) / B
""",
    "divides by the logarithm of the number of classes",
)
_loss.wrong(
    "later-cce-sample-count-less-one",
    "mean one?",
    """
    def cce(y, yhat):
        B = y.shape[1]
        return -np.sum(y * np.log(yhat)) / max(B - 1, 1)
""",
    "divides by B - 1",
)
_loss.wrong(
    "later-gradient-label-in-the-denominator",
    "zeros",
    """
    def cce_gradient(y, yhat):
        return -1 / (y * yhat)
""",
    "y stands in the denominator: the other classes are infinite",
)
_loss.wrong(
    "later-gradient-return-in-the-loop",
    "slope",
    """
    def cce_gradient(y, yhat):
        grad = np.zeros(y.shape)
        for i in range(y.shape[1]):
            grad[:, i] = -y[:, i] / yhat[:, i]
            return grad
""",
    "the return stands in the loop: only the first sample gets a gradient",
)
_loss.wrong(
    "later-gradient-integers",
    "slope",
    """
    def cce_gradient(y, yhat):
        grad = np.zeros(y.shape, dtype=int)
        for k in range(y.shape[0]):
            for i in range(y.shape[1]):
                grad[k, i] = -y[k, i] / yhat[k, i]
        return grad
""",
    "the gradient is written into an array of integers",
)
_loss.wrong(
    "later-gradient-coarse-difference",
    "slope",
    """
    def cce_gradient(y, yhat):
        h = 1e-3
        return y * (-np.log(yhat + h) + np.log(yhat)) / h
""",
    "a difference quotient with a step that is too large",
)
_loss.wrong(
    "later-gradient-of-the-mean-log",
    "slope",
    """
    def cce_gradient(y, yhat):
        return -np.mean(y / yhat, axis=0) * y
""",
    "the gradients of the classes are averaged: divides by their number",
)

# ---- softmax, right

_softmax.right(
    "later-loop-with-diagflat",
    """
    def forward(self, feedIn):
        self.input = feedIn
        exp_values = np.exp(feedIn - np.max(feedIn, axis=0))
        probabilities = exp_values / np.sum(exp_values, axis=0, keepdims=True)
        self.feedOut = self.output = probabilities
        return self.feedOut

    def backward(self, dvalues, learning_rate=None):
        self.dinputs = np.empty_like(dvalues)
        for i, (single, d) in enumerate(zip(self.feedOut.T, dvalues.T)):
            single = single.reshape(-1, 1)
            jacobian = np.diagflat(single) - np.dot(single, single.T)
            self.dinputs[:, i] = np.dot(jacobian, d)
        return self.dinputs
""",
)
_softmax.right(
    "later-epsilon-below-tiny",
    """
    def forward(self, input):
        self.input = input
        e_yi = np.exp(input - np.max(input, axis=0))
        self.output = e_yi / (e_yi.sum(axis=0, keepdims=True) + 1e-10)
        return self.output
""",
)
_softmax.right(
    "later-diag-and-outer-of-each",
    """
    def backward(self, dA, learning_rate=None):
        s = self.output
        dZ = np.zeros_like(s)
        for i in range(dA.shape[1]):
            dZ[:, i] = np.dot(np.diag(s[:, i]), dA[:, i]) - np.outer(s[:, i], s[:, i]) @ dA[:, i]
        return dZ
""",
)
_softmax.right(
    "later-four-loops",
    """
    def backward(self, delta, learning_rate=None):
        nclasses, batch_size = delta.shape
        result = np.zeros((nclasses, batch_size))
        for id in range(batch_size):
            for i in range(nclasses):
                for j in range(nclasses):
                    if i == j:
                        d = self.output[i, id] - self.output[i, id] * self.output[j, id]
                    else:
                        d = -self.output[i, id] * self.output[j, id]
                    result[i, id] += d * delta[j, id]
        return result
""",
)
_softmax.right(
    "later-signature",
    """
    def backward(self, output_gradient, learning_rate=None):
        of_one = np.vectorize(lambda a, g: (np.diag(a) - np.outer(a, a)) @ g, signature='(n),(n)->(n)')
        return of_one(self.output.T, output_gradient.T).T
""",
)
_softmax.right(
    "later-read-only-property",
    """
    class Softmax(Layer):
        def __init__(self):
            self.cache = {}

        @property
        def output(self):
            return self.cache["A"]

        def forward(self, Z):
            e = np.exp(Z - Z.max(axis=0, keepdims=True))
            self.cache["A"] = e / e.sum(axis=0, keepdims=True)
            return self.cache["A"]

        def backward(self, dA, learning_rate=None):
            A = self.cache["A"]
            return A * (dA - np.einsum('kb,kb->b', A, dA))
""",
)
_softmax.right(
    "later-both-names",
    """
    def forward(self, x):
        self.input = x
        shifted = x - x.max(axis=0)
        self.out = np.exp(shifted) / np.sum(np.exp(shifted), axis=0)
        self.output = self.out
        return self.out

    def backward(self, dout, lr=None):
        sum_ = np.sum(self.out * dout, axis=0, keepdims=True)
        return self.out * (dout - sum_)
""",
)
_softmax.right(
    "later-rate-without-a-default",
    """
    def backward(self, output_gradient, learning_rate):
        a = self.output
        return a * output_gradient - a * np.sum(a * output_gradient, axis=0)
""",
)
_softmax.right(
    "later-jacobian-tensor",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        K, B = a.shape
        T = np.zeros((K, K, B))
        for i in range(B):
            T[:, :, i] = np.diag(a[:, i]) - a[:, [i]] @ a[:, [i]].T
        return np.einsum('kmi,mi->ki', T, output_gradient)
""",
)
_softmax.right(
    "later-tensor-with-samples-first",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output.T
        T = a[:, :, None] * (np.eye(a.shape[1])[None] - a[:, None, :])
        return (T @ output_gradient.T[:, :, None]).squeeze(-1).T
""",
)

# ---- softmax, wrong

_softmax.wrong(
    "later-row-maximum-and-column-sums",
    "ratios shift? sums?",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - np.max(input, axis=1, keepdims=True))
        self.output = e / np.sum(e, axis=0, keepdims=True)
        return self.output
""",
    "the largest score of each row is subtracted: the classes of a sample are shifted by different numbers",
)
_softmax.wrong(
    "later-global-maximum",
    "shift",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - np.max(input))
        self.output = e / np.sum(e, axis=0, keepdims=True)
        return self.output
""",
    "all samples are shifted by the same number",
)
_softmax.wrong(
    "later-base-2",
    "ratios",
    """
    def forward(self, input):
        self.input = input
        e = 2.0 ** (input - input.max(axis=0))
        self.output = e / e.sum(axis=0)
        return self.output
""",
    "powers of 2 in place of exponentials",
)
_softmax.wrong(
    "later-log-softmax",
    "sums ratios? integers?",
    """
    def forward(self, input):
        self.input = input
        shifted = input - input.max(axis=0)
        self.output = shifted - np.log(np.exp(shifted).sum(axis=0))
        return self.output
""",
    "the output is the logarithm of softmax",
)
_softmax.wrong(
    "later-divided-by-largest",
    "sums",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = e / e.max(axis=0)
        return self.output
""",
    "divides by the largest exponential, not by their sum",
)
_softmax.wrong(
    "later-divided-by-mean",
    "sums",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = e / np.mean(e, axis=0)
        return self.output
""",
    "divides by the mean of the exponentials, not by their sum",
)
_softmax.wrong(
    "later-clipped-at-500",
    "shift",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(np.clip(input, -500, 500))
        self.output = e / e.sum(axis=0)
        return self.output
""",
    "large scores are clipped, not shifted",
)
_softmax.wrong(
    "later-minus-in-the-exponent",
    "ratios",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(-(input - input.min(axis=0)))
        self.output = e / e.sum(axis=0)
        return self.output
""",
    "the exponent has the wrong sign",
)
_softmax.wrong(
    "later-output-minus-gradient",
    "single each? cancel?",
    """
    def backward(self, dy, learning_rate=None):
        return self.output.T - dy.reshape(dy.shape[0], 1)
""",
    "subtracts the gradient from the output, as if it were the labels",
)
_softmax.wrong(
    "later-output-minus-gradient-same-shape",
    "single each? cancel?",
    """
    def backward(self, y, learning_rate=None):
        return self.output - y
""",
    "subtracts the gradient from the output, as if it were the labels",
)
_softmax.wrong(
    "later-jacobian-of-the-gradient",
    "single each? cancel?",
    """
    def backward(self, delta, learning_rate=None):
        nclasses, batch_size = delta.shape
        s = self.forward(delta)
        jacobian = np.zeros((batch_size, nclasses, nclasses))
        for id in range(batch_size):
            for i in range(nclasses):
                for j in range(nclasses):
                    jacobian[id, i, j] = s[i, id] * ((i == j) - s[j, id])
        return jacobian
""",
    "the Jacobian is made of the softmax of the gradient, and returned without a product",
)
_softmax.wrong(
    "later-diagonal-of-the-jacobian",
    "single each? cancel?",
    """
    def backward(self, output_gradient, learning_rate=None):
        result = np.zeros_like(output_gradient)
        for b, (a, g) in enumerate(zip(self.output.T, output_gradient.T)):
            J = np.diag(a) - np.outer(a, a)
            result[:, b] = np.diagonal(J) * g
        return result
""",
    "only the diagonal of the Jacobian is used",
)
_softmax.wrong(
    "later-fused-guess",
    "single each? cancel?",
    """
    def backward(self, output_gradient, learning_rate=None):
        return self.output - (output_gradient != 0)
""",
    "returns the output minus the labels that it guesses from the gradient",
)
_softmax.wrong(
    "later-a-one-minus-a-everywhere",
    "single each? cancel?",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        result = np.zeros_like(a)
        for b in range(a.shape[1]):
            J = a[:, [b]] * (1 - a[:, [b]].T)
            result[:, b] = J @ output_gradient[:, b]
        return result
""",
    "the identity is written as 1: every entry of the Jacobian is a_i (1 - a_j)",
)
_softmax.wrong(
    "later-same-index-twice",
    "single each? cancel?",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        K, B = a.shape
        result = np.zeros((K, B))
        for b in range(B):
            J = np.zeros((K, K))
            for i in range(K):
                for j in range(K):
                    J[i, j] = a[i, b] * (1 - a[i, b]) if i == j else -a[i, b] * a[i, b]
            result[:, b] = J @ output_gradient[:, b]
        return result
""",
    "beside the diagonal stands a_i squared, not a_i a_j",
)
_softmax.wrong(
    "later-recomputed-over-everything",
    "single? each cancel?",
    """
    def backward(self, output_gradient, learning_rate=None):
        e = np.exp(self.input - self.input.max())
        s = e / e.sum()
        return s * (output_gradient - (s * output_gradient).sum(axis=0))
""",
    "the output is computed anew, and divided by the sum over all samples",
)
_softmax.wrong(
    "later-sum-over-rows-in-backward",
    "single each? cancel?",
    """
    def backward(self, output_gradient, learning_rate=None):
        s = self.output
        return s * (output_gradient - np.sum(s * output_gradient, axis=1, keepdims=True))
""",
    "the sum in backward runs over the samples, not over the classes",
)
_softmax.wrong(
    "later-jacobian-only-plus-gradient",
    "single each? cancel?",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        J = np.einsum('km,mi->kmi', np.eye(len(a)), a) - np.einsum('ki,mi->kmi', a, a)
        return J.sum(axis=1) + output_gradient
""",
    "the gradient is added to the Jacobian's sums, not multiplied with the Jacobian",
)

# ---- dense, right

_dense.right(
    "later-weights-and-bias-apart",
    """
    def backward(self, output_gradient, learning_rate):
        dW = np.dot(output_gradient, self.input[:-1].T)
        db = np.sum(output_gradient, axis=1, keepdims=True)
        dX = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights - learning_rate * np.hstack((dW, db))
        return dX
""",
)
_dense.right(
    "later-columns-in-place",
    """
    def backward(self, output_gradient, learning_rate):
        input_gradient = np.dot(self.weights.T, output_gradient)[:-1, :]
        self.weights[:, :-1] -= learning_rate * output_gradient.dot(self.input[:-1].T)
        self.weights[:, -1] -= learning_rate * output_gradient.sum(axis=1)
        return input_gradient
""",
)
_dense.right(
    "later-step-method",
    """
    class Dense(Layer):
        def __init__(self, input_size, output_size):
            super().__init__()
            self.weights = np.random.normal(0.0, 0.1, size=(output_size, input_size + 1))
            self.weights[:, -1] = 0.01
            self.dW = np.zeros(self.weights.shape)

        def forward(self, input):
            self.input = np.r_[input, np.ones((1, input.shape[1]))]
            self.output = self.weights @ self.input
            return self.output

        def backward(self, output_gradient, learning_rate):
            self.dW = output_gradient @ self.input.T
            dX = self.weights[:, :-1].T @ output_gradient
            self.step(learning_rate)
            return dX

        def step(self, lr):
            self.weights = self.weights - lr * self.dW
""",
)
_dense.right(
    "later-other-names",
    """
    class Dense(Layer):
        def __init__(self, n_in, n_out):
            self.weights = 0.1 * np.random.randn(n_out, n_in + 1)
            self.weights[:, -1] = 0.01

        def forward(self, x):
            self.x = np.concatenate((x, np.ones((1, x.shape[1]))))
            self.out = np.matmul(self.weights, self.x)
            return self.out

        def backward(self, dout, lr):
            dx = np.matmul(self.weights.T, dout)[:-1]
            self.weights = self.weights - lr * np.matmul(dout, self.x.T)
            return dx
""",
)
_dense.right(
    "later-sum-of-outer-products",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.zeros(self.weights.shape)
        input_gradient = np.zeros((self.weights.shape[1] - 1, output_gradient.shape[1]))
        for i in range(output_gradient.shape[1]):
            weights_gradient += np.outer(output_gradient[:, i], self.input[:, i])
            input_gradient[:, i] = self.weights[:, :-1].T @ output_gradient[:, i]
        self.weights = self.weights - learning_rate * weights_gradient
        return input_gradient
""",
)

# ---- dense, wrong

_dense.wrong(
    "later-bias-without-a-sum",
    "weights? bias? input?",
    """
    def backward(self, output_gradient, learning_rate):
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights[:, :-1] -= learning_rate * np.dot(output_gradient, self.input[:-1].T)
        self.weights[:, -1] -= learning_rate * output_gradient
        return input_gradient
""",
    "the gradients of all samples are subtracted from the bias without a sum, which raises an error",
)
_dense.wrong(
    "later-bias-mean",
    "bias",
    """
    def backward(self, output_gradient, learning_rate):
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights[:, :-1] -= learning_rate * np.dot(output_gradient, self.input[:-1].T)
        self.weights[:, -1] -= learning_rate * output_gradient.mean(axis=1)
        return input_gradient
""",
    "the bias changes by the mean over the samples, the weights by the sum",
)
_dense.wrong(
    "later-by-classes",
    "weights bias?",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T) / len(output_gradient)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights + learning_rate * (-weights_gradient)
        return input_gradient
""",
    "the step is divided by the number of classes",
)
_dense.wrong(
    "later-returns-weights-gradient",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        self.weights = self.weights + learning_rate * (-weights_gradient)
        return(weights_gradient)
""",
    "returns the weights' gradient",
)
_dense.wrong(
    "later-bias-taken-for-the-first-column",
    "input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, 1:].T, output_gradient)
        self.weights = self.weights + learning_rate * (-weights_gradient)
        return(input_gradient)
""",
    "leaves out the first column of the weights, not the last",
)
_dense.wrong(
    "later-own-rate",
    "weights bias?",
    """
    def backward(self, output_gradient, learning_rate):
        learning_rate = 0.01
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights + learning_rate * (-weights_gradient)
        return(input_gradient)
""",
    "the learning rate is fixed",
)
_dense.wrong(
    "later-weights-replaced",
    "weights bias?",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = learning_rate * (-weights_gradient)
        return(input_gradient)
""",
    "the step replaces the weights: self.weights + is missing",
)
_dense.wrong(
    "later-product-from-the-left",
    "weights? bias? input",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        self.weights = self.weights + learning_rate * (-weights_gradient)
        input_gradient = np.dot(output_gradient, self.weights[:, :-1])
        return(input_gradient)
""",
    "the factors of the returned gradient stand in the wrong order, which raises an error",
)
_dense.wrong(
    "later-minus-twice",
    "weights bias?",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = -np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights + learning_rate * (-weights_gradient)
        return(input_gradient)
""",
    "the weights move uphill: the minus stands twice",
)
_dense.wrong(
    "later-centred-input",
    "weights bias?",
    """
    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, (self.input - self.input.mean(axis=1, keepdims=True)).T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights + learning_rate * (-weights_gradient)
        return(input_gradient)
""",
    "the mean of the input is subtracted",
)

# ---- training, right

_loop_right(
    "later-seed-first",
    loop.DENSE,
    "    np.random.seed(0)\n" + loop.DENSE,
)
_loop_right(
    "later-progress",
    loop.EPOCHS,
    "def progress(things):\n"
    "        for done, thing in enumerate(things):\n"
    "            yield thing\n"
    "            if done % 10 == 0: print(f'epoch {done}', end='\\r')\n\n"
    "    for epoch in progress(range(nepochs)):",
)
_loop_right(
    "later-own-permutation-by-columns",
    loop.SPLIT,
    "permutation = np.random.permutation(X.shape[1])",
    loop.BATCHES,
    "for i in range(0, num_samples, batch_size):\n            batch = permutation[i:i + batch_size]",
)
_loop_right(
    "later-shuffled-range",
    loop.SPLIT,
    "indices = np.arange(num_samples)\n        np.random.shuffle(indices)\n"
    "        batch_indices = [indices[k*batch_size:(k+1)*batch_size]"
    " for k in range(int(np.ceil(num_samples / batch_size)))]",
)
_loop_right(
    "later-layers-in-turn",
    "    losses = [] # one loss for each epoch\n",
    "    losses = [] # one loss for each epoch\n    network = [dlayer, softmax]\n",
    loop.FORWARD,
    "output = X[:, batch]\n            for layer in network:\n                output = layer.forward(output)",
    loop.ACTIVATE,
    "pass",
    loop.BACK,
    "grad = grad / output.shape[1]",
    loop.STEP,
    "for layer in network[::-1]:\n                grad = layer.backward(grad, learning_rate)",
)
_loop_right(
    "later-history-dictionary",
    "    losses = [] # one loss for each epoch\n",
    "    history = {'loss': [], 'accuracy': []}\n",
    loop.NOTE,
    "        predictions = np.argmax(softmax.forward(dlayer.forward(X)), axis=0)\n"
    "        history['accuracy'].append(np.mean(predictions == np.argmax(y, axis=0)))\n"
    "        history['loss'].append(loss)",
    loop.RETURN,
    "return(dlayer, softmax, history['loss'])",
)
_loop_right(
    "later-loss-by-samples-seen",
    loop.RESET,
    "total, seen = 0.0, 0",
    loop.LOSS,
    "total += cce(y[:, batch], softmax.output) * batch.shape[0]; seen += batch.shape[0]",
    loop.NOTE,
    "        losses.append(total / seen)",
)

# ---- training, wrong

_loop_wrong(
    "later-array-split",
    "batches",
    "np.array_split makes batches of about the same size, not of batch_size",
    loop.SPLIT,
    "batch_indices = np.array_split(np.random.permutation(num_samples), int(np.ceil(num_samples / batch_size)))",
)
_loop_wrong(
    "later-seed-in-the-loop",
    "batches",
    "the seed is set in each epoch: every epoch has the same batches",
    loop.SPLIT,
    "np.random.seed(42)\n        " + loop.SPLIT,
)
_loop_wrong(
    "later-shuffled-in-place",
    loop.ANY,
    "X and y, which belong to the caller, are shuffled in place",
    loop.SPLIT,
    "order = np.random.permutation(num_samples)\n        X[:], y[:] = X[:, order], y[:, order]\n"
    "        batch_indices = np.split(np.arange(num_samples), np.arange(batch_size, num_samples, batch_size))",
)
_loop_wrong(
    "later-shuffled-in-place-apart",
    loop.ANY,
    "X and y are shuffled apart",
    loop.SPLIT,
    "np.random.shuffle(X.T); np.random.shuffle(y.T)\n"
    "        batch_indices = np.split(np.arange(num_samples), np.arange(batch_size, num_samples, batch_size))",
)
_loop_wrong(
    "later-every-second-loss",
    "losses",
    "the loss is noted in every second epoch only",
    loop.NOTE,
    "        if epoch % 2 == 0:\n            losses.append(loss)",
)
_loop_wrong(
    "later-loss-by-epochs",
    "losses",
    "the loss is divided by the number of epochs",
    loop.NOTE,
    "        losses.append(loss / nepochs)",
)
_loop_wrong(
    "later-rate-divided-again-and-again",
    "flow",
    "the learning rate is divided by B in each step anew, so it shrinks",
    loop.STEP,
    "learning_rate = learning_rate / len(batch)\n            grad = dlayer.backward(grad, learning_rate)",
)
_loop_wrong(
    "later-dense-before-softmax",
    "flow",
    "dlayer.backward is called before softmax.backward",
    f"{loop.BACK}\n            {loop.STEP}",
    f"{loop.STEP}\n            {loop.BACK}",
)
_loop_wrong(
    "later-all-of-X",
    "batches? labels? flow? losses?",
    "all of X goes forward, and the labels are the batch's, which raises an error",
    loop.FORWARD,
    "dlayer.forward(X)",
)
_loop_wrong(
    "later-part-kept-for-validation",
    "batches losses?",
    "a fifth of the samples is not trained with",
    loop.SPLIT,
    "n_train = int(0.8 * num_samples)\n        batch_indices = generate_batch_indices(n_train, batch_size)",
)
_loop_wrong(
    "later-standardised-again",
    loop.ANY,
    "the samples are standardised in train",
    loop.DENSE,
    "    X = (X - X.mean(axis=1, keepdims=True)) / (X.std(axis=1, keepdims=True) + 1e-8)\n" + loop.DENSE,
)
_loop_wrong(
    "later-mean-of-all-losses",
    "losses",
    "one number is returned, the mean of all epochs' losses",
    loop.RETURN,
    "return(dlayer, softmax, np.mean(losses))",
)
_loop_wrong(
    "later-own-batches-short-one-dropped",
    "batches losses?",
    "the last, short batch is dropped",
    loop.SPLIT,
    "perm = np.random.permutation(num_samples)",
    loop.BATCHES,
    "for b in range(num_samples // batch_size):\n            batch = perm[b * batch_size:(b + 1) * batch_size]",
)
_loop_wrong(
    "later-slices-one-too-short",
    "batches losses?",
    "each batch has one sample less than batch_size: the end of a slice is not part of it",
    loop.SPLIT,
    "perm = np.random.permutation(num_samples)",
    loop.BATCHES,
    "for i in range(0, num_samples, batch_size):\n            batch = perm[i:i + batch_size - 1]",
)
_loop_wrong(
    "later-warm-up",
    "flow",
    "the learning rate rises from epoch to epoch",
    loop.STEP,
    "grad = dlayer.backward((1 / len(batch)) * grad, learning_rate * (epoch + 1) / nepochs)",
)
_loop_wrong(
    "later-weights-in-the-loss",
    "losses",
    "the squares of the weights are added to the loss",
    loop.LOSS,
    loop.LOSS + " + 0.01 * np.sum(dlayer.weights ** 2)",
)
_loop_wrong(
    "later-fused",
    "flow labels?",
    "yhat - y goes to the dense layer, and softmax.backward is not used",
    loop.SLOPE,
    "grad = softmax.output - y[:, batch]",
    loop.BACK,
    "pass",
)
_loop_wrong(
    "later-one-epoch-less",
    "batches losses?",
    "there is one epoch too few",
    loop.EPOCHS,
    "for epoch in range(1, nepochs):",
)
_loop_wrong(
    "later-class-numbers-as-labels",
    "labels batches? flow? losses?",
    "the labels are turned into class numbers, which cce does not take",
    loop.DENSE,
    "    y = np.argmax(y, axis=0)\n" + loop.DENSE,
    loop.LOSS,
    "loss += len(batch) / num_samples * cce(y[batch], softmax.output)",
    loop.SLOPE,
    "grad = cce_gradient(y[batch], softmax.output)",
)
_loop_wrong(
    "later-square-root-of-the-size",
    "flow",
    "divides by the square root of the batch size",
    loop.STEP,
    "grad = dlayer.backward(grad / np.sqrt(len(batch)), learning_rate)",
)

ANSWERS = tuple(answer for cell in (_loss, _softmax, _dense, _training) for answer in cell.answers)
