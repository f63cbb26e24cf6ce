"""Answers for the cell of `cce` and `cce_gradient`; what a snippet leaves out is as in a right solution."""

from .answer import Collection

_loss = Collection("loss")
ANSWERS = _loss.answers
right, wrong = _loss.right, _loss.wrong

# ---- cce, right

right(
    "cce-true-class-by-index",
    """
    def cce(y, yhat):
        B = y.shape[1]
        true = np.argmax(y, axis=0)
        return -np.log(np.maximum(yhat[true, np.arange(B)], 1e-7)).mean()
""",
)
right(
    "cce-mean-of-column-sums",
    """
    def cce(y, yhat, eps=1e-12):
        losses = np.sum(-y * np.log(yhat + eps), axis=0)
        return np.mean(losses)
""",
)
right(
    "cce-plain-loops",
    """
    import math

    def cce(y, yhat):
        K, B = y.shape
        total = 0.0
        for i in range(B):
            for k in range(K):
                if y[k][i] > 0:
                    total = total - math.log(max(yhat[k][i], 1e-7))
        return total / B
""",
)
right(
    "cce-einsum",
    """
    def cce(y, yhat):
        logs = np.log(np.clip(yhat, 1e-7, None))
        return -np.einsum('ki,ki->', y, logs) / y.shape[-1]
""",
)
right(
    "cce-trace",
    """
    def cce(y, yhat):
        return float(np.trace(-y.T @ np.log(np.maximum(1e-7, yhat)))) / len(y.T)
""",
)
right(
    "cce-vdot",
    """
    cce = lambda y, yhat: -np.vdot(y, np.log(np.maximum(yhat, 1e-7))) / np.size(y, 1)
""",
)
right(
    "cce-clip-both-ends",
    """
    EPSILON = 1e-7

    def cce(y_true, y_pred):
        y_pred = np.clip(y_pred, EPSILON, 1 - EPSILON)
        return (-(y_true * np.log(y_pred)).sum(axis=0)).mean()
""",
)
right(
    "cce-renormalises",
    """
    def cce(y, yhat):
        yhat = yhat / np.sum(yhat, axis=0, keepdims=True)
        yhat = np.clip(yhat, 1e-7, 1 - 1e-7)
        return -np.sum(y * np.log(yhat)) / y.shape[1]
""",
)
right(
    "cce-asserts-probabilities",
    """
    def cce(y, yhat):
        assert y.shape == yhat.shape, 'labels and predictions differ in shape'
        assert np.allclose(yhat.sum(axis=0), 1), 'these are no probabilities'
        assert (yhat >= 0).all()
        return -np.sum(y * np.log(np.maximum(yhat, 1e-7))) / y.shape[1]
""",
)
right(
    "cce-boolean-mask",
    """
    def cce(y, yhat):
        chosen = yhat[y == 1]
        return -np.mean(np.log(np.maximum(chosen, 1e-7)))
""",
)
right(
    "cce-where",
    """
    def cce(y, yhat):
        safe = np.where(yhat < 1e-7, 1e-7, yhat)
        entries = np.where(y > 0.5, -np.log(safe), 0.0)
        return np.add.reduce(entries, axis=None) / entries.shape[1]
""",
)
right(
    "cce-log-of-the-chosen-sum",
    """
    def cce(y, yhat):
        p_true = (y * yhat).sum(axis=0)
        p_true[p_true < 1e-7] = 1e-7
        return np.average(-np.log(p_true))
""",
)
right(
    "cce-zip-of-columns",
    """
    def one_loss(target, output):
        return -sum(t * np.log(max(o, 1e-7)) for t, o in zip(target, output))

    def cce(y, yhat):
        return sum(one_loss(t, o) for t, o in zip(y.T, yhat.T)) / len(y[0])
""",
)
right(
    "cce-samples-into-rows",
    """
    def cce(y, yhat):
        targets, outputs = y.T, np.maximum(yhat.T, 1e-7)
        n = targets.shape[0]
        logp = -np.log(outputs[range(n), targets.argmax(axis=1)])
        loss = np.sum(logp) / n
        return loss
""",
)
right(
    "cce-flattened-dot",
    """
    def cce(y, yhat):
        m = y.shape[1]
        cost = -(1./m) * np.dot(y.ravel(), np.log(np.maximum(yhat, 1e-7)).ravel())
        return np.squeeze(cost)
""",
)
right(
    "cce-other-base-and-back",
    """
    def cce(y, yhat):
        bits = -np.sum(y * np.log2(np.maximum(yhat, 1e-7))) / y.shape[1]
        return bits * np.log(2)
""",
)
right(
    "cce-masked-array",
    """
    def cce(y, yhat):
        logs = np.ma.array(np.log(np.maximum(yhat, 1e-7)), mask=(y == 0))
        return -logs.sum() / y.shape[1]
""",
)
right(
    "cce-static-method",
    """
    class Losses:
        @staticmethod
        def mean_cross_entropy(y, yhat):
            (classes, samples) = np.shape(y)
            return np.multiply(y, -np.log(np.fmax(yhat, 1e-7))).sum() / samples

    cce = Losses.mean_cross_entropy
""",
)
right(
    "cce-list-of-losses",
    """
    def cce(y, yhat):
        losses = []
        for column in range(y.shape[1]):
            label = list(y[:, column]).index(1)
            losses += [-np.log(max(yhat[label, column], 1e-7))]
        return sum(losses) / len(losses)
""",
)

# ---- cce_gradient, right

right(
    "gradient-where",
    """
    def cce_gradient(y, yhat):
        return np.where(y == 1, -1 / np.maximum(yhat, 1e-7), 0)
""",
)
right(
    "gradient-filled-in",
    """
    def cce_gradient(y, yhat):
        grad = np.zeros(yhat.shape)
        rows, cols = y.argmax(axis=0), np.arange(y.shape[1])
        grad[rows, cols] = -1 / np.maximum(yhat[rows, cols], 1e-7)
        return grad
""",
)
right(
    "gradient-loops",
    """
    def cce_gradient(y, yhat):
        K, B = yhat.shape
        result = np.empty((K, B))
        for b in range(B):
            for k in range(K):
                result[k, b] = -y[k, b] / max(yhat[k, b], 1e-7)
        return result
""",
)
right(
    "gradient-power",
    """
    def cce_gradient(y, yhat):
        return np.negative(y) * np.power(np.maximum(yhat, 1e-7), -1.0)
""",
)
right(
    "gradient-by-columns",
    """
    def cce_gradient(y, yhat):
        columns = [-t / np.maximum(p, 1e-7) for t, p in zip(y.T, yhat.T)]
        return np.stack(columns, axis=1)
""",
)
right(
    "gradient-divide-where",
    """
    def cce_gradient(y, yhat):
        inverse = np.divide(y, yhat, out=np.zeros(y.shape), where=(yhat > 1e-7))
        return -inverse
""",
)
right(
    "gradient-tiny-epsilon",
    """
    def cce_gradient(y_true, y_pred):
        epsilon = 1e-9
        return -(y_true / (y_pred + epsilon))
""",
)
right(
    "gradient-list-of-lists",
    """
    def cce_gradient(y, yhat):
        return [[-t / p if t else 0.0 for t, p in zip(ts, ps)] for ts, ps in zip(y, yhat)]
""",
)
right(
    "both-in-a-class",
    """
    class CrossEntropy:
        def __init__(self, smallest=1e-7):
            self.smallest = smallest

        def loss(self, y, yhat):
            return -(y * np.log(np.maximum(yhat, self.smallest))).sum(0).mean()

        def gradient(self, y, yhat):
            return -y / np.maximum(yhat, self.smallest)

    criterion = CrossEntropy()
    cce, cce_gradient = criterion.loss, criterion.gradient
""",
)
right(
    "both-clip-in-place",
    """
    def cce(y, yhat):
        np.clip(yhat, 1e-7, None, out=(safe := np.empty_like(yhat)))
        return -np.tensordot(y, np.log(safe), axes=2) / y.shape[1]

    def cce_gradient(y, yhat):
        g = yhat.copy()
        g[y == 0] = np.inf
        return -1 / g
""",
)

# ---- cce, wrong

wrong(
    "cce-mean-of-all-entries",
    "one",
    """
    def cce(y, yhat):
        return -np.mean(y * np.log(yhat + 1e-9))
""",
    "the mean over all entries divides by classes times samples",
)
wrong(
    "cce-sum-not-divided",
    "mean",
    """
    def cce(y, yhat):
        delta = 1e-7
        return -np.sum(y * np.log(np.maximum(yhat, delta)))
""",
    "the sum over the batch is not divided by the number of samples",
)
wrong(
    "cce-divided-by-classes",
    "one mean",
    """
    def cce(y, yhat):
        batch_size = y.shape[0]
        return -np.sum(y * np.log(np.maximum(yhat, 1e-7))) / batch_size
""",
    "divides by y.shape[0], the number of classes",
)
wrong(
    "cce-divided-by-len",
    "one mean",
    """
    def cce(y, yhat):
        return -(y * np.log(np.maximum(yhat, 1e-7))).sum() / len(yhat)
""",
    "divides by len(yhat), the number of classes",
)
wrong(
    "cce-minus-forgotten",
    "one",
    """
    def cce(y, yhat):
        return np.mean(np.sum(y * np.log(np.maximum(yhat, 1e-7)), axis=0))
""",
    "the minus sign is missing",
)
wrong(
    "cce-log10",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log10(np.maximum(yhat, 1e-7))) / y.shape[1]
""",
    "log to the base 10",
)
wrong(
    "cce-log2",
    "one",
    """
    def cce(y, yhat):
        return np.mean(np.sum(-y * np.log2(np.maximum(yhat, 1e-7)), 0))
""",
    "log to the base 2",
)
wrong(
    "cce-swapped",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(yhat * np.log(np.maximum(y, 1e-7))) / y.shape[1]
""",
    "labels and prediction are exchanged in the formula",
)
wrong(
    "cce-cross-terms",
    "mean",
    """
    def cce(y, yhat):
        m = y.shape[1]
        return -np.sum(np.dot(y.T, np.log(np.maximum(yhat, 1e-7)))) / m
""",
    "the matrix product multiplies each sample's labels with the logarithms of all samples",
)
wrong(
    "cce-dot-not-summed",
    "one mean",
    """
    def cce(y, yhat):
        m = y.shape[1]
        cost = -1 / m * np.dot(y, np.log(np.maximum(yhat, 1e-7)).T)
        return np.squeeze(cost)
""",
    "np.dot gives a matrix (classes, classes) that is never summed",
)
wrong(
    "cce-entropy-of-prediction",
    "one",
    """
    def cce(y, yhat):
        p = np.maximum(yhat, 1e-7)
        return -np.sum(p * np.log(p)) / p.shape[1]
""",
    "the entropy of the prediction: the labels are not used",
)
wrong(
    "cce-labels-forgotten",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(np.log(np.maximum(yhat, 1e-7))) / y.shape[1]
""",
    "the logarithms of all classes are summed: the factor y is missing",
)
wrong(
    "cce-predicted-class",
    "one",
    """
    def cce(y, yhat):
        predicted = yhat.argmax(axis=0)
        return -np.mean(np.log(yhat[predicted, np.arange(y.shape[1])]))
""",
    "takes the probability of the predicted class in place of the true class's",
)
wrong(
    "cce-binary",
    "one",
    """
    def cce(y, yhat):
        p = np.clip(yhat, 1e-7, 1 - 1e-7)
        return -np.sum(y * np.log(p) + (1 - y) * np.log(1 - p)) / y.shape[1]
""",
    "binary cross-entropy, with a term for the other classes",
)
wrong(
    "cce-binary-sign-slip",
    "one",
    """
    def cce(y, yhat):
        p = np.clip(yhat, 1e-7, 1 - 1e-7)
        return -np.sum(y * np.log(p) - (1 - y) * np.log(1 - p)) / y.shape[1]
""",
    "binary cross-entropy, with a wrong sign before its second term",
)
wrong(
    "cce-binary-mean",
    "one",
    """
    def cce(y, yhat):
        p = np.clip(yhat, 1e-7, 1 - 1e-7)
        return np.mean(-y * np.log(p) - (1 - y) * np.log(1 - p))
""",
    "binary cross-entropy in place of the categorical one",
    "the mean goes over all entries",
)
wrong(
    "cce-squared-error",
    "one",
    """
    def cce(y, yhat):
        return np.sum((y - yhat) ** 2) / y.shape[1]
""",
    "squared error in place of cross-entropy",
)
wrong(
    "cce-half-squared-error-summed",
    "one mean",
    """
    def cce(y, yhat):
        return 0.5 * np.sum((yhat - y) ** 2)
""",
    "squared error in place of cross-entropy",
    "not divided by the number of samples",
)
wrong(
    "cce-no-logarithm",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y * yhat) / y.shape[1]
""",
    "the logarithm is missing",
)
wrong(
    "cce-log-of-the-mean",
    "mean",
    """
    def cce(y, yhat):
        return -np.log(np.sum(y * yhat) / y.shape[1])
""",
    "the logarithm of the mean probability, in place of the mean of logarithms",
)
wrong(
    "cce-log-of-total",
    "mean",
    """
    def cce(y, yhat):
        return -np.log(np.sum(y * yhat))
""",
    "the logarithm of the summed probabilities, in place of the mean of logarithms",
)
wrong(
    "cce-log1p",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log(1 + yhat)) / y.shape[1]
""",
    "the logarithm of 1 + yhat",
)
wrong(
    "cce-big-epsilon",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log(yhat + 0.1)) / y.shape[1]
""",
    "adds 0.1 to every probability",
)
wrong(
    "cce-per-sample-losses",
    "mean one?",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log(np.maximum(yhat, 1e-7)), axis=0)
""",
    "returns each sample's loss: the mean over the batch is missing",
)
wrong(
    "cce-sums-of-classes",
    "one mean",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log(np.maximum(yhat, 1e-7)), axis=1) / y.shape[1]
""",
    "sums over the samples, axis 1, and keeps a number for each class",
)
wrong(
    "cce-matrix",
    "one mean",
    """
    def cce(y, yhat):
        return -y * np.log(np.maximum(yhat, 1e-7))
""",
    "returns the whole matrix: nothing is summed",
)
wrong(
    "cce-list-of-one",
    "one",
    """
    def cce(y, yhat):
        loss = -np.sum(y * np.log(np.maximum(yhat, 1e-7))) / y.shape[1]
        return [loss]
""",
    "returns a list with the loss in it, not a number",
)
wrong(
    "cce-no-return",
    "one",
    """
    def cce(y, yhat):
        loss = -np.sum(y * np.log(np.maximum(yhat, 1e-7))) / y.shape[1]
""",
    "nothing is returned",
)
wrong(
    "cce-printed",
    "one",
    """
    def cce(y, yhat):
        loss = -np.sum(y * np.log(np.maximum(yhat, 1e-7))) / y.shape[1]
        print('loss', loss)
""",
    "the loss is printed, not returned",
)
wrong(
    "cce-rounded",
    "one mean?",
    """
    def cce(y, yhat):
        return round(-np.sum(y * np.log(np.maximum(yhat, 1e-7))) / y.shape[1], 1)
""",
    "the loss is rounded to one digit",
)
wrong(
    "cce-returns-in-the-loop",
    "mean",
    """
    def cce(y, yhat):
        total = 0
        for i in range(y.shape[1]):
            total += -np.sum(y[:, i] * np.log(yhat[:, i]))
            return total / y.shape[1]
""",
    "the return stands in the loop: only the first sample counts",
)
wrong(
    "cce-rows-as-samples",
    "one mean",
    """
    def cce(y, yhat):
        n = y.shape[0]
        picked = yhat[np.arange(n), y.argmax(axis=1)]
        return -np.mean(np.log(np.maximum(picked, 1e-7)))
""",
    "takes rows as samples",
)
wrong(
    "cce-plus-between-classes",
    "one mean",
    """
    def cce(y, yhat):
        loss = 0
        for i in range(y.shape[1]):
            for k in range(y.shape[0]):
                loss = -y[k, i] * np.log(yhat[k, i])
        return loss / y.shape[1]
""",
    "= in place of +=: only the last entry is left",
)
wrong(
    "cce-mean-then-divided",
    "mean",
    """
    def cce(y, yhat):
        return -np.mean(np.sum(y * np.log(np.maximum(yhat, 1e-7)), axis=0)) / y.shape[1]
""",
    "divides by the number of samples twice: the mean has done so already",
)
wrong(
    "cce-parenthesis",
    "one mean",
    """
    def cce(y, yhat):
        return -np.sum(y) * np.log(np.maximum(yhat, 1e-7)).sum() / y.shape[1]
""",
    "a parenthesis closes too early: the sum of y is multiplied by the sum of the logarithms",
)
wrong(
    "cce-maximum-of-log",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y * np.maximum(np.log(yhat), 1e-7)) / y.shape[1]
""",
    "the maximum is taken of the logarithm, not of the probability: logarithms below 0 become 1e-7",
)
wrong(
    "cce-minimum",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log(np.minimum(yhat, 1e-7))) / y.shape[1]
""",
    "np.minimum in place of np.maximum: every probability becomes 1e-7",
)
wrong(
    "cce-np-max",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log(np.max(yhat, 1e-7))) / y.shape[1]
""",
    "np.max in place of np.maximum: its second argument is an axis, which raises an error",
)
wrong(
    "cce-math-log",
    "one",
    """
    import math

    def cce(y, yhat):
        return -np.sum(y * math.log(yhat)) / y.shape[1]
""",
    "math.log takes one number, not an array, and raises an error",
)
wrong(
    "cce-integer-labels",
    "one",
    """
    def cce(y, yhat):
        samples = y.shape[1]
        return -np.sum(np.log(yhat[y, range(samples)])) / samples
""",
    "the one-hot array is used as an index, as if it held labels",
)
wrong(
    "cce-y-true-unknown",
    "one",
    """
    def cce(y, yhat):
        return -np.sum(y_true * np.log(np.maximum(yhat, 1e-7))) / y.shape[1]
""",
    "uses a name that is not defined, y_true",
)
wrong(
    "cce-mean-and-sign",
    "one",
    """
    def cce(y, yhat):
        return np.mean(y * np.log(yhat))
""",
    "the minus sign is missing",
    "the mean goes over all entries",
)
wrong(
    "cce-log2-summed",
    "one mean",
    """
    def cce(y, yhat):
        return -np.sum(y * np.log2(np.maximum(yhat, 1e-7)))
""",
    "log to the base 2",
    "not divided by the number of samples",
)
wrong(
    "cce-square-of-the-log",
    "one",
    """
    def cce(y, yhat):
        return np.mean(np.sum(y * np.log(yhat) ** 2, axis=0))
""",
    "the logarithm is squared",
)
wrong(
    "cce-by-batch-size-global",
    "mean",
    """
    def cce(y, yhat):
        batch_size = 16
        return -np.sum(y * np.log(yhat)) / (1 if y.shape[1] == 1 else batch_size)
""",
    "divides by a fixed number, 16, not by the number of samples",
)

# ---- cce_gradient, wrong

wrong(
    "gradient-plus",
    "slope",
    """
    def cce_gradient(y, yhat):
        return y / np.maximum(yhat, 1e-7)
""",
    "the minus sign is missing",
)
wrong(
    "gradient-at-the-scores",
    "slope zeros",
    """
    def cce_gradient(y_true, y_pred):
        return y_pred - y_true
""",
    "returns yhat - y, the gradient with respect to the scores",
)
wrong(
    "gradient-label-minus-prediction",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        return y - yhat
""",
    "returns y - yhat, the negative gradient with respect to the scores",
)
wrong(
    "gradient-at-the-scores-mean",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        return (yhat - y) / y.shape[1]
""",
    "returns yhat - y, the gradient with respect to the scores",
    "divides by the number of samples",
)
wrong(
    "gradient-at-the-scores-by-len",
    "slope zeros",
    """
    def cce_gradient(predicted, expected):
        return (predicted - expected) / len(expected)
""",
    "returns y - yhat, the negative gradient with respect to the scores",
    "divides by the number of classes",
)
wrong(
    "gradient-mean",
    "slope",
    """
    def cce_gradient(y, yhat):
        samples = yhat.shape[1]
        return -y / np.maximum(yhat, 1e-7) / samples
""",
    "divides by the number of samples: 1/B comes in later",
)
wrong(
    "gradient-by-classes",
    "slope",
    """
    def cce_gradient(y, yhat):
        return -(y / np.maximum(yhat, 1e-7)) / y.shape[0]
""",
    "divides by the number of classes",
)
wrong(
    "gradient-without-labels",
    "zeros",
    """
    def cce_gradient(y, yhat):
        return -1 / np.maximum(yhat, 1e-7)
""",
    "the factor y is missing: every class gets -1/yhat",
)
wrong(
    "gradient-binary",
    "zeros",
    """
    def cce_gradient(y, yhat):
        p = np.clip(yhat, 1e-7, 1 - 1e-7)
        return -(np.divide(y, p) - np.divide(1 - y, 1 - p))
""",
    "the gradient of binary cross-entropy, with a term for the other classes",
)
wrong(
    "gradient-binary-fraction",
    "zeros",
    """
    def cce_gradient(y, yhat):
        return (yhat - y) / (yhat * (1 - yhat))
""",
    "the gradient of binary cross-entropy, with a term for the other classes",
)
wrong(
    "gradient-upside-down",
    "slope",
    """
    def cce_gradient(y, yhat):
        return -yhat * y
""",
    "multiplies by yhat in place of dividing",
)
wrong(
    "gradient-swapped",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        return -yhat / np.maximum(y, 1e-7)
""",
    "the fraction is upside down: yhat over y",
)
wrong(
    "gradient-arguments-exchanged",
    "slope zeros",
    """
    def cce_gradient(yhat, y):
        return -y / np.maximum(yhat, 1e-7)
""",
    "the arguments stand in the wrong order: y and yhat are exchanged",
)
wrong(
    "gradient-of-log",
    "slope",
    """
    def cce_gradient(y, yhat):
        return -y * np.log(np.maximum(yhat, 1e-7))
""",
    "returns the loss's terms: the logarithm is not differentiated",
)
wrong(
    "gradient-divided-by-log",
    "slope",
    """
    def cce_gradient(y, yhat):
        return -y / np.log(yhat + 1e-7)
""",
    "divides by the logarithm of yhat",
)
wrong(
    "gradient-summed",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        return np.sum(-y / np.maximum(yhat, 1e-7), axis=0)
""",
    "sums over the classes: one number is left for each sample",
)
wrong(
    "gradient-mean-over-batch",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        return np.mean(-y / np.maximum(yhat, 1e-7), axis=1, keepdims=True)
""",
    "the samples' gradients are averaged: one column is left",
)
wrong(
    "gradient-transposed",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        return (-y / np.maximum(yhat, 1e-7)).T
""",
    "the result is transposed, (samples, classes)",
)
wrong(
    "gradient-squared",
    "slope",
    """
    def cce_gradient(y, yhat):
        return -y / np.maximum(yhat, 1e-7) ** 2
""",
    "divides by the square of yhat",
)
wrong(
    "gradient-of-squared-error",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        return 2 * (yhat - y)
""",
    "the gradient of squared error",
)
wrong(
    "gradient-squared-error-mean",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        return 2 * (yhat - y) / np.size(y)
""",
    "the gradient of squared error",
    "divides by the number of entries",
)
wrong(
    "gradient-minus-one-written",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        grad = yhat.copy()
        grad[y.argmax(axis=0), np.arange(y.shape[1])] -1
        return grad
""",
    "-1 is computed and thrown away where -= 1 was meant; so the result is the prediction itself",
)
wrong(
    "gradient-minus-one-set",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        grad = yhat.copy()
        grad[y.argmax(axis=0), np.arange(y.shape[1])] -= 1
        return grad
""",
    "returns yhat - y, the gradient with respect to the scores",
)
wrong(
    "gradient-big-clip",
    "slope",
    """
    def cce_gradient(y, yhat):
        return -y / np.clip(yhat, 0.4, 1)
""",
    "probabilities below 0.4 are raised to 0.4",
)
wrong(
    "gradient-epsilon",
    "slope",
    """
    def cce_gradient(y, yhat):
        return -y / (yhat + 0.01)
""",
    "adds 0.01 to every probability",
)
wrong(
    "gradient-no-return",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        -y / np.maximum(yhat, 1e-7)
""",
    "nothing is returned",
)
wrong(
    "gradient-one-argument",
    "slope zeros",
    """
    def cce_gradient(yhat):
        return -1 / yhat
""",
    "takes one argument only, which raises an error",
)
wrong(
    "gradient-matrix-product",
    "slope zeros",
    """
    def cce_gradient(y, yhat):
        return -np.dot(y, 1 / np.maximum(yhat, 1e-7))
""",
    "a matrix product in place of a product entry by entry, which raises an error",
)
