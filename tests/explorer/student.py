"""The seed notebook's network as a student hands it in: right, plain, and nothing of ours in it."""

import numpy as np


class Layer:
    def __init__(self):
        self.input = None
        self.output = None


class Softmax(Layer):
    def forward(self, input):
        e = np.exp(input - np.max(input, axis=0))
        self.output = e / np.sum(e, axis=0)

    def backward(self, output_gradient, learning_rate=None):
        a = self.output
        T = np.einsum("ik,ij->ijk", a, np.eye(len(a))) - np.einsum("ik,jk->ijk", a, a)
        return np.einsum("ijk,jk->ik", T, output_gradient)


class Dense(Layer):
    def __init__(self, input_size, output_size):
        self.weights = np.random.randn(output_size, input_size + 1)
        self.weights[:, -1] = 0.01

    def forward(self, input):
        self.input = np.vstack([input, np.ones((1, input.shape[1]))])
        self.output = np.dot(self.weights, self.input)

    def backward(self, output_gradient, learning_rate):
        weights_gradient = np.dot(output_gradient, self.input.T)
        input_gradient = np.dot(self.weights[:, :-1].T, output_gradient)
        self.weights = self.weights + learning_rate * (-weights_gradient)
        return input_gradient


def cce(y, yhat):
    return np.mean(np.sum(-y * np.log(yhat + 1e-12), axis=0))


def cce_gradient(y, yhat):
    return -y / (yhat + 1e-12)
