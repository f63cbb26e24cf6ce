"""The mistakes that students make in the softmax classifier, the more plausible first where two give the same numbers.

loss.py      the loss and its gradient
softmax.py   scores to probabilities, small and large, and the Jacobian back
dense.py     what moves the weights, and what goes to the layer below
training.py  the loop
"""

from lib.grading.mistakes import Mistake
from lib.grading.mistakes.softmax_classifier import dense, loss, softmax, training

MISTAKES: tuple[Mistake, ...] = (*loss.MISTAKES, *softmax.MISTAKES, *dense.MISTAKES, *training.MISTAKES)
