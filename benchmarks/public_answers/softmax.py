"""Answers for the cell of `Softmax`: one half is written here, the other is as in a right solution, or both are."""

from textwrap import indent

from .answer import Collection

FORWARD = """
def forward(self, input):
    self.input = input
    e = np.exp(input - input.max(axis=0))
    self.output = e / e.sum(axis=0)
    return self.output
"""
BACKWARD = """
def backward(self, output_gradient, learning_rate = None):
    a = self.output
    return a * (output_gradient - (a * output_gradient).sum(axis=0))
"""


def frame(code: str) -> str:
    """Make a cell of one method, of both, or of a whole class."""
    if code.startswith(("class ", "def softmax", "import ")) or "\nclass " in code:
        return code
    methods = [FORWARD] * ("def forward" not in code) + [code] + [BACKWARD] * ("def backward" not in code)
    return "class Softmax(Layer):\n" + "\n\n".join(indent(method.strip("\n"), "    ") for method in methods)


_softmax = Collection("softmax", frame)
ANSWERS = _softmax.answers
right, wrong = _softmax.right, _softmax.wrong

# ---- forward, right

right(
    "forward-keepdims",
    """
    def forward(self, inputs):
        self.input = inputs
        exp_values = np.exp(inputs - np.max(inputs, axis=0, keepdims=True))
        self.output = exp_values / np.sum(exp_values, axis=0, keepdims=True)
        return self.output
""",
)
right(
    "forward-transposed-and-back",
    """
    def forward(self, input):
        self.input = input
        rows = input.T
        rows = rows - np.max(rows, axis=1).reshape(-1, 1)
        rows = np.exp(rows)
        self.output = (rows / rows.sum(axis=1)[:, None]).T
        return self.output
""",
)
right(
    "forward-log-sum-exp",
    """
    def forward(self, input):
        self.input = input
        m = input.max(0)
        log_sum = m + np.log(np.exp(input - m).sum(0))
        self.output = np.exp(input - log_sum)
        return self.output
""",
)
right(
    "forward-logaddexp",
    """
    def forward(self, input):
        self.input = input
        self.output = np.exp(input - np.logaddexp.reduce(np.asarray(input, dtype=float), axis=0))
        return self.output
""",
)
right(
    "forward-one-column-after-another",
    """
    def forward(self, input):
        self.input = input
        self.output = np.zeros(input.shape)
        for i in range(input.shape[1]):
            z = input[:, i]
            e = [np.exp(value - max(z)) for value in z]
            self.output[:, i] = np.array(e) / sum(e)
        return self.output
""",
)
right(
    "forward-apply-along-axis",
    """
    def forward(self, input):
        def of_one(z):
            shifted = np.exp(z - z.max())
            return shifted / shifted.sum()
        self.input = input
        self.output = np.apply_along_axis(of_one, 0, input)
        return self.output
""",
)
right(
    "forward-pairwise",
    """
    def forward(self, input):
        self.input = input
        with np.errstate(over='ignore'):
            self.output = 1 / np.exp(input[None, :, :] - input[:, None, :]).sum(axis=1)
        return self.output
""",
)
right(
    "forward-float32-cast",
    """
    def forward(self, input):
        self.input = input
        z = np.array(input, dtype=np.float64)
        z -= z.max(axis=0)
        np.exp(z, out=z)
        z /= z.sum(axis=0)
        self.output = z
        return self.output
""",
)
right(
    "forward-helper-function",
    """
    def softmax(z):
        z = z - np.amax(z, axis=0)
        return np.exp(z) / np.add.reduce(np.exp(z), 0)

    class Softmax(Layer):
        def forward(self, input):
            self.input, self.output = input, softmax(input)
            return self.output

        def backward(self, output_gradient, learning_rate=None):
            s = softmax(self.input)
            return s * output_gradient - s * np.sum(s * output_gradient, axis=0, keepdims=True)
""",
)
right(
    "forward-shift-by-a-bit-more",
    """
    def forward(self, input):
        self.input = input
        shifted = input - input.max(axis=0) - 1
        self.output = np.exp(shifted) / np.exp(shifted).sum(axis=0)
        return self.output
""",
)
right(
    "forward-and-lists-of-columns",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = np.divide(e, e.sum(axis=0))
        return self.output

    def backward(self, output_gradient, *ignored):
        return np.array([
            [a_k * (g_k - a @ g) for a_k, g_k in zip(a, g)] for a, g in zip(self.output.T, output_gradient.T)
        ]).T
""",
)
right(
    "forward-power-of-e",
    """
    def forward(self, input):
        self.input = input
        top = np.e ** (input - input.max(axis=0))
        self.output = top / np.ones((len(top), len(top))).dot(top)
        return self.output
""",
)
right(
    "forward-static-method-and-property",
    """
    class Softmax(Layer):
        @staticmethod
        def probabilities(scores):
            exps = np.exp(np.subtract(scores, np.max(scores, 0)))
            return exps / exps.sum(0)

        def forward(self, input):
            self.input = input
            self.output = self.probabilities(input)
            return self.output

        def jacobian(self, a):
            return np.diagflat(a) - np.outer(a, a)

        def backward(self, output_gradient, learning_rate=None):
            return np.column_stack([self.jacobian(a) @ g for a, g in zip(self.output.T, output_gradient.T)])
""",
)

# ---- backward, right

right(
    "backward-notebook-way-other-order",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output.T
        T = np.einsum('bi,ij->bij', a, np.eye(a.shape[1])) - np.einsum('bi,bj->bij', a, a)
        return np.einsum('bij,jb->ib', T, output_gradient)
""",
)
right(
    "backward-diagflat-per-sample",
    """
    def backward(self, dvalues, learning_rate=None):
        self.dinputs = np.empty_like(dvalues)
        for index in range(dvalues.shape[1]):
            single_output = self.output[:, index].reshape(-1, 1)
            jacobian = np.diagflat(single_output) - np.dot(single_output, single_output.T)
            self.dinputs[:, index] = np.dot(jacobian, dvalues[:, index])
        return self.dinputs
""",
)
right(
    "backward-four-loops",
    """
    def backward(self, output_gradient, learning_rate=None):
        K, B = self.output.shape
        result = np.zeros((K, B))
        for b in range(B):
            for k in range(K):
                for m in range(K):
                    if k == m:
                        d = self.output[k, b] * (1 - self.output[k, b])
                    else:
                        d = -self.output[k, b] * self.output[m, b]
                    result[k, b] += d * output_gradient[m, b]
        return result
""",
)
right(
    "backward-closed-form",
    """
    def backward(self, output_gradient, learning_rate=None):
        weighted = self.output * output_gradient
        return weighted - self.output * weighted.sum(axis=0, keepdims=True)
""",
)
right(
    "backward-matmul-stack",
    """
    def backward(self, output_gradient, learning_rate=None):
        s = self.output.T[:, :, None]
        J = s * np.eye(s.shape[1]) - s @ s.transpose(0, 2, 1)
        return (J @ output_gradient.T[:, :, None])[:, :, 0].T
""",
)
right(
    "backward-tile-per-sample",
    """
    def backward(self, output_gradient, learning_rate=None):
        columns = []
        for i in range(output_gradient.shape[1]):
            out = self.output[:, [i]]
            n = out.size
            M = np.tile(out, n)
            columns.append(np.dot(M * (np.identity(n) - M.T), output_gradient[:, [i]]))
        return np.hstack(columns)
""",
)
right(
    "backward-einsum-numpy-delta",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        delta = np.identity(a.shape[0])[:, :, np.newaxis]
        T = a[:, np.newaxis, :] * (delta - a[np.newaxis, :, :])
        return np.sum(T * output_gradient[np.newaxis, :, :], axis=1)
""",
)
right(
    "backward-in-place-diagonal",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = -np.einsum('ki,mi->kmi', a, a)
        for k in range(len(a)):
            T[k, k] += a[k]
        return np.einsum('kmi,mi->ki', T, output_gradient)
""",
)
right(
    "backward-symmetric-letters",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output # probabilities
        T = np.einsum('km,mi->kmi', np.eye(len(a)), a) - np.einsum('ki,mi->kmi', a, a)
        return np.einsum('abc,ac->bc', T, output_gradient)
""",
)
right(
    "backward-from-the-input",
    """
    def backward(self, output_gradient, learning_rate = None):
        e = np.exp(self.input - self.input.max(axis=0))
        S = e.sum(axis=0)
        return e * output_gradient / S - e * (e * output_gradient).sum(axis=0) / S ** 2
""",
)

# ---- forward, wrong

wrong(
    "forward-rows",
    "sums ratios",
    """
    def forward(self, input):
        self.input = input
        exps = np.exp(input - input.max(axis=0))
        self.output = exps / np.sum(exps, axis=1, keepdims=True)
        return self.output
""",
    "sums over the samples, axis 1: rows sum to 1",
)
wrong(
    "forward-rows-everywhere",
    "sums ratios shift?",
    """
    def forward(self, input):
        self.input = input
        exp_values = np.exp(input - np.max(input, axis=1, keepdims=True))
        self.output = exp_values / np.sum(exp_values, axis=1, keepdims=True)
        return self.output
""",
    "works on rows, axis 1, throughout: the maximum and the sum are taken over the samples",
)
wrong(
    "forward-rows-no-keepdims",
    "sums ratios shift",
    """
    def forward(self, input):
        self.input = input
        self.output = np.exp(input) / np.sum(np.exp(input), axis=1)
        return self.output
""",
    "sums over the samples without keepdims, which raises an error for most shapes",
    "no shift",
)
wrong(
    "forward-last-axis",
    "sums ratios",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - np.max(input, axis=0))
        self.output = e / e.sum(axis=-1, keepdims=True)
        return self.output
""",
    "sums over the samples, axis -1: rows sum to 1",
)
wrong(
    "forward-everything",
    "sums",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - np.max(input, axis=0))
        self.output = e / np.sum(e)
        return self.output
""",
    "divides by the sum of the whole matrix",
)
wrong(
    "forward-everything-global-shift",
    "sums shift?",
    """
    def forward(self, input):
        shiftx = input - np.max(input)
        exps = np.exp(shiftx)
        self.input = input
        self.output = exps / np.sum(exps)
        return self.output
""",
    "maximum and sum are those of the whole matrix",
)
wrong(
    "forward-everything-no-shift",
    "sums shift",
    """
    def forward(self, input):
        self.input = input
        tmp = np.exp(input)
        self.output = tmp / np.sum(tmp)
        return self.output
""",
    "divides by the sum of the whole matrix",
    "no shift by the largest score: it overflows",
)
wrong(
    "forward-no-shift",
    "shift",
    """
    def forward(self, input):
        self.input = input
        self.output = np.exp(input) / np.sum(np.exp(input), axis=0)
        return self.output
""",
    "no shift by the largest score: large scores overflow",
)
wrong(
    "forward-global-shift",
    "shift",
    """
    def forward(self, input):
        self.input = input
        e_x = np.exp(input - np.max(input))
        self.output = e_x / e_x.sum(axis=0, keepdims=True)
        return self.output
""",
    "shifts by the largest score of the whole batch, not of each column",
)
wrong(
    "forward-row-shift",
    "ratios shift?",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=1, keepdims=True))
        self.output = e / e.sum(axis=0)
        return self.output
""",
    "shifts by the largest score of each row, which changes the probabilities",
)
wrong(
    "forward-mean-shift",
    "shift",
    """
    def forward(self, input):
        self.input = input
        z = input - input.mean(axis=0)
        self.output = np.exp(z) / np.exp(z).sum(axis=0)
        return self.output
""",
    "shifts by the mean score of each column: large differences still overflow",
)
wrong(
    "forward-min-shift",
    "shift",
    """
    def forward(self, input):
        self.input = input
        z = input - np.min(input, axis=0)
        self.output = np.exp(z) / np.exp(z).sum(axis=0)
        return self.output
""",
    "shifts by the smallest score: large differences still overflow",
)
wrong(
    "forward-plus-max",
    "shift",
    """
    def forward(self, input):
        self.input = input
        z = input + input.max(axis=0)
        self.output = np.exp(z) / np.exp(z).sum(axis=0)
        return self.output
""",
    "adds the largest score in place of subtracting it",
)
wrong(
    "forward-shift-only-above",
    "sums shift",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = e / np.exp(input).sum(axis=0)
        return self.output
""",
    "the shift is only in the numerator",
)
wrong(
    "forward-shift-only-below",
    "sums shift",
    """
    def forward(self, input):
        self.input = input
        self.output = np.exp(input) / np.exp(input - input.max(axis=0)).sum(axis=0)
        return self.output
""",
    "the shift is only in the denominator",
)
wrong(
    "forward-clipped-scores",
    "ratios shift?",
    """
    def forward(self, input):
        self.input = input
        z = np.clip(input, -1, 1)
        self.output = np.exp(z) / np.exp(z).sum(axis=0)
        return self.output
""",
    "the scores are clipped to -1 … 1",
)
wrong(
    "forward-clipped-far-out",
    "shift",
    """
    def forward(self, input):
        self.input = input
        z = np.clip(input, -500, 500)
        self.output = np.exp(z) / np.exp(z).sum(axis=0)
        return self.output
""",
    "clips large scores in place of a shift: beyond 500 all are the same",
)
wrong(
    "forward-temperature",
    "ratios",
    """
    def forward(self, input):
        self.input = input
        z = input - input.max(axis=0)
        e = np.exp(z / 2)
        self.output = e / e.sum(axis=0)
        return self.output
""",
    "the scores are divided by 2, a temperature",
)
wrong(
    "forward-scaled-by-max",
    "ratios shift?",
    """
    def forward(self, input):
        self.input = input
        z = input / np.abs(input).max(axis=0)
        self.output = np.exp(z) / np.exp(z).sum(axis=0)
        return self.output
""",
    "divides the scores by the largest in place of subtracting it",
)
wrong(
    "forward-base-two",
    "ratios",
    """
    def forward(self, input):
        self.input = input
        e = 2.0 ** (input - input.max(axis=0))
        self.output = e / e.sum(axis=0)
        return self.output
""",
    "powers of 2 in place of powers of e",
)
wrong(
    "forward-no-exponential",
    "sums ratios shift?",
    """
    def forward(self, input):
        self.input = input
        self.output = input / input.sum(axis=0)
        return self.output
""",
    "the exponential is missing",
)
wrong(
    "forward-sigmoid",
    "sums ratios shift?",
    """
    def forward(self, input):
        self.input = input
        self.output = 1 / (1 + np.exp(-input))
        return self.output
""",
    "sigmoid in place of softmax",
)
wrong(
    "forward-sigmoid-normalised",
    "ratios shift?",
    """
    def forward(self, input):
        self.input = input
        s = 1 / (1 + np.exp(-input))
        self.output = s / s.sum(axis=0)
        return self.output
""",
    "sigmoid, normalised, in place of softmax",
)
wrong(
    "forward-exponential-only",
    "sums",
    """
    def forward(self, input):
        self.input = input
        self.output = np.exp(input - input.max(axis=0))
        return self.output
""",
    "not divided by the sum",
)
wrong(
    "forward-twice",
    "ratios",
    """
    def forward(self, input):
        def softmax(z):
            e = np.exp(z - z.max(axis=0))
            return e / e.sum(axis=0)
        self.input = input
        self.output = softmax(softmax(input))
        return self.output
""",
    "softmax is applied twice",
)
wrong(
    "forward-negative-scores",
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
wrong(
    "forward-log-softmax",
    "sums ratios",
    """
    def forward(self, input):
        self.input = input
        z = input - input.max(axis=0)
        self.output = z - np.log(np.exp(z).sum(axis=0))
        return self.output
""",
    "returns the logarithms of the probabilities",
)
wrong(
    "forward-argmax",
    "ratios sums? shift?",
    """
    def forward(self, input):
        self.input = input
        self.output = (input == input.max(axis=0)).astype(float)
        return self.output
""",
    "1 for the largest score and 0 for the others, in place of probabilities",
)
wrong(
    "forward-integer-buffer",
    "integers",
    """
    def forward(self, input):
        self.input = input
        self.output = np.zeros_like(input)
        for i in range(input.shape[1]):
            e = np.exp(input[:, i] - input[:, i].max())
            self.output[:, i] = e / e.sum()
        return self.output
""",
    "writes into an array of the scores' type: whole numbers can't hold probabilities",
)
wrong(
    "forward-copy-integer",
    "integers",
    """
    def forward(self, input):
        self.input = input
        y = np.copy(input)
        y[:] = y - y.max(axis=0)
        y[:] = np.exp(y)
        self.output = y / y.sum(axis=0)
        return self.output
""",
    "writes exponentials into a copy that has the scores' type: whole numbers lose them",
)
wrong(
    "forward-epsilon-below",
    "sums",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = e / (e.sum(axis=0) + 0.1)
        return self.output
""",
    "adds 0.1 to the sum",
)
wrong(
    "forward-epsilon-above",
    "sums ratios",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = e / e.sum(axis=0) + 0.01
        return self.output
""",
    "adds 0.01 to each probability",
)
wrong(
    "forward-mean-below",
    "sums",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = e / e.mean(axis=0)
        return self.output
""",
    "divides by the mean of the exponentials, not by their sum",
)
wrong(
    "forward-max-below",
    "sums",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = e / e.max(axis=0)
        return self.output
""",
    "divides by the largest exponential, not by the sum",
)
wrong(
    "forward-rounded",
    "sums? ratios",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = np.round(e / e.sum(axis=0), 2)
        return self.output
""",
    "the probabilities are rounded to two digits",
)
wrong(
    "forward-transposed",
    "sums ratios",
    """
    def forward(self, input):
        self.input = input
        z = input.T
        e = np.exp(z - z.max(axis=1, keepdims=True))
        self.output = e / e.sum(axis=1, keepdims=True)
        return self.output
""",
    "the output is transposed, (samples, classes)",
)
wrong(
    "forward-output-not-set",
    "sums shift",
    """
    def forward(self, input):
        self.input = input
        output = np.exp(input - input.max(axis=0))
        output = output / output.sum(axis=0)
        return output
""",
    "self.output is not set: it says output",
)
wrong(
    "forward-called-out",
    "sums shift",
    """
    def forward(self, input):
        e = np.exp(input - input.max(axis=0))
        self.out = e / e.sum(axis=0)
        return self.out

    def backward(self, output_gradient, learning_rate=None):
        a = self.out
        return a * (output_gradient - (a * output_gradient).sum(axis=0))
""",
    "the output is kept as self.out, not as self.output",
)
wrong(
    "forward-self-forgotten",
    "sums ratios integers shift",
    """
    def forward(input):
        e = np.exp(input - input.max(axis=0))
        return e / e.sum(axis=0)
""",
    "self is missing among forward's arguments, which raises an error",
)
wrong(
    "forward-python-sum",
    "sums",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - input.max(axis=0))
        self.output = e / sum(sum(e))
        return self.output
""",
    "divides by the sum of the whole matrix",
)
wrong(
    "forward-parenthesis",
    "sums shift",
    """
    def forward(self, input):
        self.input = input
        self.output = np.exp(input - input.max(axis=0) / np.exp(input - input.max(axis=0)).sum(axis=0))
        return self.output
""",
    "a parenthesis closes too late: the division happens inside the exponential",
)
wrong(
    "forward-python-max",
    "sums ratios integers shift",
    """
    def forward(self, input):
        self.input = input
        e = np.exp(input - max(input))
        self.output = e / e.sum(axis=0)
        return self.output
""",
    "Python's max compares whole rows of the matrix, which raises an error",
)

# ---- backward, wrong

wrong(
    "backward-diagonal-only",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        return self.output * (1 - self.output) * output_gradient
""",
    "only the diagonal of the Jacobian, as if softmax were a sigmoid",
)
wrong(
    "backward-diagonal-of-jacobian",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        s = self.output
        J = np.einsum('ki,km->kmi', s, np.eye(len(s))) - np.einsum('ki,mi->kmi', s, s)
        return np.einsum('kki,ki->ki', J, output_gradient)
""",
    "only the diagonal of the Jacobian is used",
)
wrong(
    "backward-passes-through",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        return output_gradient
""",
    "returns the incoming gradient as it is",
)
wrong(
    "backward-wrong-sign",
    "single each",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        return a * ((a * output_gradient).sum(axis=0) - output_gradient)
""",
    "the whole result has the wrong sign",
)
wrong(
    "backward-plus-off-diagonal",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        T = np.einsum('ki,mi->kmi', a, a)
        for k in range(len(a)):
            T[k, k] = a[k] * (1 - a[k])
        return np.einsum('kmi,mi->ki', T, output_gradient)
""",
    "beside the diagonal the sign is + in place of -",
)
wrong(
    "backward-plus-outer",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = np.einsum('km,mi->kmi', np.eye(len(a)), a) + np.einsum('ki,mi->kmi', a, a)
        return np.einsum('kmi,mi->ki', T, output_gradient)
""",
    "adds the products of probabilities in place of subtracting them",
)
wrong(
    "backward-outer-only",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = -np.einsum('ki,mi->kmi', a, a)
        return np.einsum('kmi,mi->ki', T, output_gradient)
""",
    "the first term, the diagonal of probabilities, is missing",
)
wrong(
    "backward-diag-term-only",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = np.einsum('km,mi->kmi', np.eye(len(a)), a)
        return np.einsum('kmi,mi->ki', T, output_gradient)
""",
    "the second term, the products of probabilities, is missing",
)
wrong(
    "backward-identity-without-a",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = np.eye(len(a))[:, :, None] - np.einsum('ki,mi->kmi', a, a)
        return np.einsum('kmi,mi->ki', T, output_gradient)
""",
    "the identity matrix is not multiplied by the probabilities",
)
wrong(
    "backward-one-factor-missing",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        K, B = a.shape
        result = np.zeros((K, B))
        for b in range(B):
            for k in range(K):
                for m in range(K):
                    d = a[k, b] * (1 - a[k, b]) if k == m else -a[k, b]
                    result[k, b] += d * output_gradient[m, b]
        return result
""",
    "beside the diagonal one factor is missing: -a_k in place of -a_k a_m",
)
wrong(
    "backward-from-scores",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        z = self.input
        return z * (output_gradient - (z * output_gradient).sum(axis=0))
""",
    "the Jacobian is made of the scores, the layer's input, not of its output",
)
wrong(
    "backward-a-times-one-minus-z",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a, z = self.output, self.input
        T = -np.einsum('ki,mi->kmi', a, z)
        for k in range(len(a)):
            T[k, k] = a[k] * (1 - z[k])
        return np.einsum('kmi,mi->ki', T, output_gradient)
""",
    "one of the two factors is the score, not the probability: a_k (1 - z_k)",
)
wrong(
    "backward-no-product",
    "single each cancel?",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = np.einsum('km,mi->kmi', np.eye(len(a)), a) - np.einsum('ki,mi->kmi', a, a)
        return T
""",
    "returns the Jacobian itself: it is not multiplied by the gradient",
)
wrong(
    "backward-jacobian-not-summed",
    "single each cancel?",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = np.einsum('km,mi->kmi', np.eye(len(a)), a) - np.einsum('ki,mi->kmi', a, a)
        return np.einsum('kmi,mi->kmi', T, output_gradient)
""",
    "the product with the gradient is not summed over m: three axes are left",
)
wrong(
    "backward-wrong-letters",
    "single each",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = np.einsum('km,mi->kmi', np.eye(len(a)), a) - np.einsum('ki,mi->kmi', a, a)
        return np.einsum('kmi,ki->ki', T, output_gradient)
""",
    "the subscripts sum the Jacobian over m alone, which gives 0, times the gradient",
)
wrong(
    "backward-samples-summed",
    "each",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = np.einsum('km,mi->kmi', np.eye(len(a)), a) - np.einsum('ki,mi->kmi', a, a)
        return np.einsum('kmi,mi->k', T, output_gradient)[:, None] * np.ones(a.shape[1])
""",
    "sums over the samples: every column gets the same",
)
wrong(
    "backward-samples-letter-missing",
    "single each cancel?",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = np.einsum('km,mi->kmi', np.eye(len(a)), a) - np.einsum('ki,mi->kmi', a, a)
        return np.einsum('kmi,mi->k', T, output_gradient)
""",
    "the letter of the samples is missing behind the arrow: all samples are summed",
)
wrong(
    "backward-mean-jacobian",
    "each",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = np.einsum('km,mi->kmi', np.eye(len(a)), a) - np.einsum('ki,mi->kmi', a, a)
        return T.mean(axis=2) @ output_gradient
""",
    "one Jacobian, the mean over the batch, for all samples",
)
wrong(
    "backward-mean-probabilities",
    "each",
    """
    def backward(self, output_gradient, learning_rate = None):
        p = self.output.mean(axis=1)
        return (np.diag(p) - np.outer(p, p)) @ output_gradient
""",
    "one Jacobian, of the mean probabilities, for all samples",
)
wrong(
    "backward-first-sample",
    "each",
    """
    def backward(self, output_gradient, learning_rate = None):
        p = self.output[:, 0]
        return (np.diag(p) - np.outer(p, p)) @ output_gradient
""",
    "the first sample's Jacobian for all samples",
)
wrong(
    "backward-diagflat-on-a-batch",
    "each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        s = self.output.reshape(-1, 1)
        jacobian = np.diagflat(s) - np.dot(s, s.T)
        return np.dot(jacobian, output_gradient)
""",
    "made for one sample: on a batch the Jacobian has the size of all entries, and the product raises an error",
)
wrong(
    "backward-diagflat-reshaped",
    "each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        s = self.output.reshape(-1, 1)
        jacobian = np.diagflat(s) - np.dot(s, s.T)
        return np.dot(jacobian, output_gradient.reshape(-1, 1)).reshape(output_gradient.shape)
""",
    "one Jacobian over all entries of the batch: samples that have nothing to do with each other are mixed",
)
wrong(
    "backward-tile-on-a-batch",
    "each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        n = np.size(self.output)
        tmp = np.tile(self.output, n)
        return np.dot(tmp * (np.identity(n) - np.transpose(tmp)), output_gradient)
""",
    "made for one sample: on a batch np.tile gives a matrix of another size, and an error is raised",
)
wrong(
    "backward-identity-minus-output",
    "each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        n = np.size(self.output)
        return np.dot((np.identity(n) - self.output.T) * self.output, output_gradient)
""",
    "made for one sample: on a batch the shapes don't fit, and an error is raised",
)
wrong(
    "backward-np-diag",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        return (np.diag(a) - np.outer(a, a)) @ output_gradient
""",
    "np.diag and np.outer are given a whole matrix, which raises an error",
)
wrong(
    "backward-output-minus-gradient",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        return self.output - output_gradient
""",
    "subtracts the gradient from the output, as if it were the labels",
)
wrong(
    "backward-output-times-gradient",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        return self.output * output_gradient
""",
    "the second term, the products of probabilities, is missing",
)
wrong(
    "backward-gradient-minus-sum",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        return a * (output_gradient - output_gradient.sum(axis=0))
""",
    "the sum misses the factor a: the gradients are summed without weights",
)
wrong(
    "backward-gradient-minus-mean",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        return a * (output_gradient - output_gradient.mean(axis=0))
""",
    "the plain mean of the gradients in place of the mean weighted by the probabilities",
)
wrong(
    "backward-sum-over-everything",
    "each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        return a * (output_gradient - np.sum(a * output_gradient))
""",
    "the inner sum goes over the whole batch, not over each column",
)
wrong(
    "backward-sum-over-axis-one",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        return a * (output_gradient - np.sum(a * output_gradient, axis=1, keepdims=True))
""",
    "the inner sum goes over the samples, axis 1, not over the classes",
)
wrong(
    "backward-outer-factor-missing",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        return output_gradient - (a * output_gradient).sum(axis=0)
""",
    "the factor a in front is missing",
)
wrong(
    "backward-transposed",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        return (a * (output_gradient - (a * output_gradient).sum(axis=0))).T
""",
    "the result is transposed, (samples, classes)",
)
wrong(
    "backward-divided-by-batch",
    "each",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        return a * (output_gradient - (a * output_gradient).sum(axis=0)) / a.shape[1]
""",
    "divides by the number of samples: 1/B comes in later",
)
wrong(
    "backward-equals-in-place-of-plus",
    "single each",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        result = np.zeros_like(a)
        for i in range(a.shape[1]):
            J = np.diag(a[:, i]) - np.outer(a[:, i], a[:, i])
            for k in range(a.shape[0]):
                for m in range(a.shape[0]):
                    result[k, i] = J[k, m] * output_gradient[m, i]
        return result
""",
    "= in place of +=: only the last class's term is left",
)
wrong(
    "backward-row-sums",
    "single each",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        J = np.einsum('km,mi->kmi', np.eye(len(a)), a) - np.einsum('ki,mi->kmi', a, a)
        return J.sum(axis=1) * output_gradient
""",
    "each row of the Jacobian is summed before it is multiplied by the gradient, which gives 0",
)
wrong(
    "backward-softmax-of-output",
    "single each",
    """
    def backward(self, output_gradient, learning_rate=None):
        self.forward(self.output)
        a = self.output
        return a * (output_gradient - (a * output_gradient).sum(axis=0))
""",
    "softmax is applied to the output once more before the Jacobian is made",
)
wrong(
    "backward-softmax-of-gradient",
    "single each",
    """
    def backward(self, output_gradient, learning_rate=None):
        s = np.exp(output_gradient - output_gradient.max(axis=0))
        s = s / s.sum(axis=0)
        return s * (output_gradient - (s * output_gradient).sum(axis=0))
""",
    "the Jacobian is made of softmax of the gradient, not of the layer's output",
)
wrong(
    "backward-times-rate",
    "single each",
    """
    def backward(self, output_gradient, learning_rate=0.01):
        a = self.output
        return learning_rate * a * (output_gradient - (a * output_gradient).sum(axis=0))
""",
    "multiplies by a learning rate: softmax has no weights",
)
wrong(
    "backward-no-return",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        self.input_gradient = a * (output_gradient - (a * output_gradient).sum(axis=0))
""",
    "nothing is returned",
)
wrong(
    "backward-early-return",
    "each",
    """
    def backward(self, output_gradient, learning_rate=None):
        result = np.zeros_like(output_gradient)
        for i in range(output_gradient.shape[1]):
            a = self.output[:, i]
            result[:, i] = (np.diag(a) - np.outer(a, a)) @ output_gradient[:, i]
            return result
""",
    "the return stands in the loop: only the first sample gets its gradient",
)
wrong(
    "backward-T-call",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        return np.array([(np.diag(a) - np.outer(a, a)) @ g
                         for a, g in zip(self.output.T(), output_gradient.T())]).T
""",
    ".T is called like a function, which raises an error",
)
wrong(
    "backward-T-two-axes",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = a * (1 - a)
        return np.einsum('kmi,mi->ki', T, output_gradient)
""",
    "T has two axes, the diagonals only: it is to have a matrix for each sample",
)
wrong(
    "backward-T-outer-of-batch",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate = None):
        a = self.output
        T = np.eye(len(a)) * a.sum(axis=1) - a @ a.T
        return np.einsum('kmi,mi->ki', T, output_gradient)
""",
    "T has two axes: the samples are summed in it",
)
wrong(
    "backward-diag-sign-and-batch",
    "single each",
    """
    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        return a * ((a * output_gradient).sum(axis=0) - output_gradient) / a.shape[1]
""",
    "the whole result has the wrong sign",
    "divides by the number of samples",
)
wrong(
    "backward-sigmoid-and-batch",
    "single each cancel",
    """
    def backward(self, output_gradient, learning_rate=None):
        s = self.output
        return s * (1 - s) * output_gradient / s.shape[1]
""",
    "only the diagonal of the Jacobian, as if softmax were a sigmoid",
    "divides by the number of samples",
)
wrong(
    "both-row-major",
    "sums ratios shift? single each cancel?",
    """
    class Softmax(Layer):
        def forward(self, input):
            self.input = input
            e = np.exp(input - input.max(axis=1, keepdims=True))
            self.output = e / e.sum(axis=1, keepdims=True)
            return self.output

        def backward(self, output_gradient, learning_rate=None):
            a = self.output
            return a * (output_gradient - (a * output_gradient).sum(axis=1, keepdims=True))
""",
    "forward works on rows, axis 1, throughout",
    "backward works on rows, axis 1, throughout",
)
wrong(
    "both-sigmoid",
    "sums ratios shift? single each cancel",
    """
    class Softmax(Layer):
        def forward(self, input):
            self.input = input
            self.output = 1 / (1 + np.exp(-input))
            return self.output

        def backward(self, output_gradient, learning_rate=None):
            return self.output * (1 - self.output) * output_gradient
""",
    "forward is a sigmoid",
    "backward is that of a sigmoid",
)
wrong(
    "both-global-and-diagonal",
    "sums shift? single each cancel",
    """
    class Softmax(Layer):
        def forward(self, input):
            self.input = input
            e = np.exp(input - np.max(input))
            self.output = e / e.sum()
            return self.output

        def backward(self, output_gradient, learning_rate=None):
            return self.output * (1 - self.output) * output_gradient
""",
    "maximum and sum are those of the whole matrix",
    "only the diagonal of the Jacobian",
)
