"""How the statements about the training loop are tested: with spies in place of the layers and losses that it calls.

One mistake costs one statement. So each statement looks at what a step did with the samples that it took: where the
short last batch is left out, the labels, the gradient and the loss of the other batches are still right.

At grading a step is written as a few numbers. The judge decides by the same functions as the check at the desk.
"""
