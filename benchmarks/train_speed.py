"""How fast is `train`? The reference against Keras, scikit-learn and TensorFlow at the same steps, in one run.

All start from the same weights, take the same batches in the same order, and have one thread. Building, tracing and
compiling come before the clock starts. Each round runs every one of them in turn; shown are medians over the rounds.
At the end all must have arrived at the reference's weights: the work was the same.

scikit-learn's softmax regression by gradient descent is an `MLPClassifier` without hidden layers: by `partial_fit` on
the same batches, and by `fit`, its fastest way, on batches of its own drawing. `SGDClassifier` learns each class
against the rest, one sample a step, which is another model; it is here because people reach for it.
"""

import os

os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1", TF_CPP_MIN_LOG_LEVEL="3")
os.environ.pop("OPENBLAS_CORETYPE", None)  # set for another processor, these two slow numpy and numpy alone
os.environ.pop("OPENBLAS_L2_SIZE", None)

import warnings
from collections.abc import Callable
from statistics import median
from time import perf_counter

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

from lib.reference import Dense, generate_batch_indices, train

SEED, LEARNING_RATE, ROUNDS = 0, 0.02, 5

Weights = NDArray[np.float64]
Run = Callable[[], Weights | None]
"""What is timed. It returns the weights (classes, features + 1) if it took the reference's steps."""


class Task:
    """Samples in rows, as the peers want them, with the weights and batches that `train` draws from SEED."""

    def __init__(self, num_samples: int, num_features: int, num_classes: int, batch_size: int, nepochs: int):
        self.title = (
            f"{num_samples:,} samples, {num_features} features, {num_classes} classes, "
            f"batches of {batch_size}, epochs: {nepochs}"
        )
        rng = np.random.default_rng(SEED)
        self.X = rng.normal(size=(num_samples, num_features))
        self.labels = (self.X @ rng.normal(size=(num_features, num_classes))).argmax(axis=1)
        self.y = np.eye(num_classes)[self.labels]
        self.batch_size, self.nepochs = batch_size, nepochs
        rng = np.random.default_rng(SEED)
        self.weights = Dense(num_features, num_classes, rng).weights
        self.epochs = [generate_batch_indices(num_samples, batch_size, rng) for _ in range(nepochs)]
        self.batches = [batch for epoch in self.epochs for batch in epoch]

    @property
    def kernel_and_bias(self) -> tuple[Weights, Weights]:
        """The weights as the peers hold them: (features, classes) and (classes,)."""
        return self.weights[:, :-1].T, self.weights[:, -1]


def reference(task: Task) -> Run:
    """(features, samples) as the course lays them out, in C order: `train` has to copy the samples into rows."""
    X, y = np.ascontiguousarray(task.X.T), np.ascontiguousarray(task.y.T)
    return lambda: train(X, y, LEARNING_RATE, task.batch_size, task.nepochs, rng=SEED).dense.weights


def reference_in_fortran_order(task: Task) -> Run:
    """Columns that are views of rows: `train` finds each sample in one run already, and copies nothing."""
    X, y = task.X.T, task.y.T
    return lambda: train(X, y, LEARNING_RATE, task.batch_size, task.nepochs, rng=SEED).dense.weights


def two_products(task: Task) -> Run:
    """The two matrix products that no step can do without, on arrays that lie ready."""
    inputs = [np.vstack([task.X[batch].T, np.ones((1, len(batch)))]) for batch in task.epochs[0]]
    gradients = [np.ascontiguousarray(task.y[batch].T) for batch in task.epochs[0]]

    def run() -> None:
        for _ in range(task.nepochs):
            for x, g in zip(inputs, gradients, strict=True):
                task.weights @ x
                g @ x.T

    return run


def keras_fit(task: Task) -> Run:
    """Indices in, samples gathered inside the pipeline: what Keras itself does with arrays, only faster."""
    X, y = tf.constant(task.X, tf.float32), tf.constant(task.y, tf.float32)
    batches = (
        tf.data.Dataset.from_tensor_slices([np.concatenate(epoch) for epoch in task.epochs])
        .flat_map(lambda order: tf.data.Dataset.from_tensor_slices(order).batch(task.batch_size))
        .map(lambda batch: (tf.gather(X, batch), tf.gather(y, batch)))
        .prefetch(tf.data.AUTOTUNE)
    )
    model = keras.Sequential([keras.Input(X.shape[1:]), keras.layers.Dense(y.shape[1])])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(LEARNING_RATE), loss, metrics=["accuracy"])

    def run() -> Weights:
        model.set_weights(task.kernel_and_bias)
        steps = len(task.epochs[0])
        model.fit(batches, epochs=task.nepochs, steps_per_epoch=steps, shuffle=False, verbose=0)
        return np.vstack(model.get_weights()).T

    return run


def tape(task: Task, compiled: bool = False) -> Run:
    X, y = tf.constant(task.X, tf.float32), tf.constant(task.y, tf.float32)
    W, b = (tf.Variable(initial, dtype=tf.float32) for initial in task.kernel_and_bias)

    def step(batch: tf.Tensor) -> None:
        with tf.GradientTape() as recorded:
            logits = tf.gather(X, batch) @ W + b
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(tf.gather(y, batch), logits))
        for variable, gradient in zip((W, b), recorded.gradient(loss, (W, b)), strict=True):
            variable.assign_sub(LEARNING_RATE * gradient)

    if compiled:
        step = tf.function(step, input_signature=[tf.TensorSpec([None], tf.int64)])

    def run() -> Weights:
        for variable, initial in zip((W, b), task.kernel_and_bias, strict=True):
            variable.assign(initial)
        for batch in task.batches:
            step(batch)
        return np.vstack([W.numpy(), b.numpy()]).T

    return run


def compiled_tape(task: Task) -> Run:
    return tape(task, compiled=True)


def perceptron(task: Task) -> MLPClassifier:
    return MLPClassifier(
        hidden_layer_sizes=(), solver="sgd", learning_rate_init=LEARNING_RATE, momentum=0, alpha=0,
        max_iter=task.nepochs, tol=0, n_iter_no_change=task.nepochs + 1,
    )  # fmt: skip


def mlp_partial_fit(task: Task) -> Run:
    model = perceptron(task).partial_fit(task.X[:1], task.labels[:1], classes=range(task.y.shape[1]))

    def run() -> Weights:
        model.coefs_[0][:], model.intercepts_[0][:] = task.kernel_and_bias
        for batch in task.batches:
            model.partial_fit(task.X[batch], task.labels[batch])
        return np.vstack([*model.coefs_, *model.intercepts_]).T

    return run


def mlp_fit(task: Task) -> Run:
    def run() -> None:
        perceptron(task).set_params(batch_size=task.batch_size).fit(task.X, task.labels)

    return run


def sgd_partial_fit(task: Task) -> Run:
    def run() -> None:
        model = SGDClassifier(loss="log_loss", penalty=None, learning_rate="constant", eta0=LEARNING_RATE)
        for batch in task.batches:
            model.partial_fit(task.X[batch], task.labels[batch], classes=range(task.y.shape[1]))

    return run


CONTENDERS = {
    "train": reference,
    "train, X in Fortran order": reference_in_fortran_order,
    "two matrix products alone": two_products,
    "tf.GradientTape in tf.function": compiled_tape,
    "tf.GradientTape": tape,
    "Keras fit": keras_fit,
    "MLPClassifier.fit": mlp_fit,
    "MLPClassifier.partial_fit": mlp_partial_fit,
    "SGDClassifier.partial_fit": sgd_partial_fit,
}


def measure(task: Task) -> dict[str, float]:
    """Return the median seconds of each contender, after one run for warming up and for comparing weights."""
    runs = {name: prepare(task) for name, prepare in CONTENDERS.items()}
    expected = runs["train"]()
    for name, run in runs.items():
        weights = run()
        if weights is not None:
            np.testing.assert_allclose(weights, expected, atol=1e-5, err_msg=f"{name} took other steps")
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            start = perf_counter()
            run()
            seconds[name].append(perf_counter() - start)
    return {name: median(times) for name, times in seconds.items()}


def main() -> None:
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    warnings.simplefilter("ignore", ConvergenceWarning)  # a given number of epochs is what we want
    print(f"One thread each, medians of {ROUNDS} rounds. Times `train`: above 1 is slower than `train`.")
    for shape in ((64, 5, 3, 16, 100), (1797, 64, 10, 16, 5), (60_000, 784, 10, 128, 1)):
        task = Task(*shape)
        seconds = measure(task)
        print(f"\n{task.title}\n{'':32}{'ms':>10}{'× train':>10}")
        for name, time in seconds.items():
            print(f"{name:32}{1000 * time:10.1f}{time / seconds['train']:10.2f}")
        print(f"`train` takes {seconds['train'] / seconds['two matrix products alone']:.2f} × the two products.")


if __name__ == "__main__":
    main()
