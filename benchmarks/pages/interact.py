"""The peer: `ipywidgets.interact` and an inline matplotlib figure, as people write it."""

import matplotlib.pyplot as plt
import numpy as np
from ipywidgets import FloatLogSlider, interact

from lib import data
from tests.explorer.student import Dense, Softmax, cce, cce_gradient

X, labels, X_val, labels_val = data.split(*data.blobs())
X, X_val = data.standardise(X, X_val)
y, y_val = np.eye(3)[:, labels], np.eye(3)[:, labels_val]


def train(learning_rate, batch_size=16, epochs=100):
    np.random.seed(0)
    dense, softmax = Dense(2, 3), Softmax()
    batch_losses, losses, val_losses = [], [], []
    for _ in range(epochs):
        order = np.random.permutation(X.shape[1])
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            dense.forward(X[:, batch])
            softmax.forward(dense.output)
            batch_losses.append(cce(y[:, batch], softmax.output))
            gradient = softmax.backward(cce_gradient(y[:, batch], softmax.output))
            dense.backward(gradient / len(batch), learning_rate)
        losses.append(np.mean(batch_losses[-(len(order) // batch_size) :]))
        dense.forward(X_val)
        softmax.forward(dense.output)
        val_losses.append(cce(y_val, softmax.output))
    return dense, softmax, batch_losses, losses, val_losses


def show(learning_rate):
    dense, softmax, batch_losses, losses, val_losses = train(learning_rate)
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
    left.plot(np.linspace(0, 100, len(batch_losses)), batch_losses, lw=0.5, alpha=0.5)
    left.plot(range(1, 101), losses, label="training")
    left.plot(range(1, 101), val_losses, label="validation")
    left.set(yscale="log", ylim=(0.01, 30), xlabel="epoch", title=f"Learning rate {learning_rate:.3g}")
    left.legend()
    grid = np.meshgrid(np.linspace(-3, 3, 44), np.linspace(-3, 3, 44))
    dense.forward(np.stack([axis.ravel() for axis in grid]))
    softmax.forward(dense.output)
    right.contourf(*grid, softmax.output.argmax(axis=0).reshape(44, 44), alpha=0.3)
    right.scatter(*X, c=labels, s=10)
    plt.show()


interact(show, learning_rate=FloatLogSlider(0.1, base=10, min=-4, max=2, step=0.1, description="Learning rate"))
