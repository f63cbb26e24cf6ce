"""What the catalogue may truly call each answer's mistake, judged by meaning after the answers were written."""

BY_NAME = {
    "The loss is the mean over all entries of the matrix": "loss/cce-mean-of-all-entries",
    "The loss is the sum over the batch, not its mean": "loss/cce-sum-not-divided",
    "The loss is divided by the number of classes": "loss/cce-divided-by-classes loss/cce-divided-by-len",
    "The minus sign is missing": "loss/cce-minus-forgotten",
    "The logarithm has base 10": "loss/cce-log10",
    "The logarithm has base 2": "loss/cce-log2",
    "y and yhat are swapped, and log 0 is avoided": "loss/cce-swapped",
    "A matrix product mixes the samples": "loss/cce-cross-terms",
    "Every class counts: y does not select the true one": "loss/cce-labels-forgotten",
    "Every class counts: y does not select the true one, and it is summed, not averaged": ("loss/cce-parenthesis"),
    "The loss is binary cross-entropy": "loss/cce-binary",
    "The loss is binary cross-entropy, averaged over all entries": "loss/cce-binary-mean",
    "The logarithm is missing": "loss/cce-no-logarithm",
    "The mean is taken before the logarithm": "loss/cce-log-of-the-mean",
    "The probabilities of all samples are added before the logarithm": "loss/cce-log-of-total",
    "The loss of each sample is returned, not their mean": "loss/cce-per-sample-losses",
    "The loss is divided by the batch size twice": "loss/cce-mean-then-divided",
    "The gradient has the wrong sign": "loss/gradient-plus",
    "The gradient is yhat - y, which belongs to the scores, not to yhat": (
        "loss/gradient-at-the-scores loss/gradient-minus-one-set"
    ),
    "The gradient is y - yhat": "loss/gradient-label-minus-prediction",
    "The gradient is (yhat - y) / B, which belongs to the scores, not to yhat": "loss/gradient-at-the-scores-mean",
    "The gradient is divided by the batch size": "loss/gradient-mean",
    "The gradient is divided by the number of classes": "loss/gradient-by-classes",
    "The step is divided by the number of classes": "training/classes-size",
    "The one-hot y is missing: every class gets a gradient": "loss/gradient-without-labels",
    "The gradient is that of binary cross-entropy": "loss/gradient-binary loss/gradient-binary-fraction",
    "yhat stands where 1 / yhat belongs": "loss/gradient-upside-down",
    "The gradient is the loss of each entry, not its slope": "loss/gradient-of-log",
    "The gradient is summed over the classes": "loss/gradient-summed",
    "The gradient is averaged over the batch": "loss/gradient-mean-over-batch",
    "The sum runs over axis 1: each row sums to 1, not each column": (
        "softmax/forward-rows softmax/forward-last-axis softmax/forward-rows-everywhere softmax/both-row-major"
    ),
    "The whole matrix sums to 1": (
        "softmax/forward-everything softmax/forward-python-sum softmax/forward-everything-global-shift "
        "softmax/forward-everything-no-shift softmax/both-global-and-diagonal"
    ),
    "Large scores overflow": "softmax/forward-no-shift softmax/forward-plus-max",
    "All samples are shifted by the same number": "softmax/forward-global-shift",
    "The largest score of each row is subtracted, not that of each column": "softmax/forward-row-shift",
    "The largest score is subtracted in the numerator only": "softmax/forward-shift-only-above",
    "Large scores are clipped": "softmax/forward-clipped-far-out",
    "The exponential has base 2, not e": "softmax/forward-base-two",
    "The exponential is missing": "softmax/forward-no-exponential",
    "The output is the sigmoid of each score, not softmax": "softmax/forward-sigmoid softmax/both-sigmoid",
    "The exponentials are not divided by their sum": "softmax/forward-exponential-only softmax/forward-max-below",
    "Softmax is applied twice": "softmax/forward-twice",
    "The scores have the wrong sign": "softmax/forward-negative-scores",
    "The output is the logarithm of softmax": "softmax/forward-log-softmax",
    "The output is 1 for the largest score, and 0 elsewhere": "softmax/forward-argmax",
    "The output is written into an array of integers": "softmax/forward-integer-buffer",
    "The exponentials are divided by their mean": "softmax/forward-mean-below",
    "The output is transposed": "softmax/forward-transposed",
    "Only the diagonal of the Jacobian is used": (
        "softmax/backward-diagonal-only softmax/backward-diagonal-of-jacobian softmax/both-sigmoid "
        "softmax/both-global-and-diagonal"
    ),
    "backward returns the incoming gradient unchanged": "softmax/backward-passes-through",
    "The result has the wrong sign": "softmax/backward-wrong-sign",
    "The off-diagonal entries of the Jacobian have the wrong sign": "softmax/backward-plus-off-diagonal",
    "The Jacobian has only the products -a_k a_m, on the diagonal too": "softmax/backward-outer-only",
    "The Jacobian has the output on its diagonal and 0 elsewhere": (
        "softmax/backward-diag-term-only softmax/backward-output-times-gradient"
    ),
    "The Jacobian's diagonal is 1 minus a product, not the output minus a product": (
        "softmax/backward-identity-without-a"
    ),
    "The Jacobian is computed from the layer's input, not from its output": "softmax/backward-from-scores",
    "The Jacobian is multiplied entry by entry, and nothing is summed": "softmax/backward-jacobian-not-summed",
    "The result is 0 everywhere, as if the sum ran over the wrong axis of the Jacobian": (
        "softmax/backward-wrong-letters softmax/backward-row-sums"
    ),
    "The sum runs over the samples too, and every sample gets the same column": "softmax/backward-samples-summed",
    "The sum runs over the samples too: the result is one column": "softmax/backward-samples-letter-missing",
    "All samples use one Jacobian, averaged over the batch": "softmax/backward-mean-jacobian",
    "All samples use the first sample's Jacobian": "softmax/backward-first-sample",
    "The incoming gradient is subtracted from the output": "softmax/backward-output-minus-gradient",
    "The incoming gradient is summed without the probabilities as weights": "softmax/backward-gradient-minus-sum",
    "The sum runs over the samples instead of the classes": "softmax/backward-sum-over-axis-one softmax/both-row-major",
    "The result is divided by the batch size": "softmax/backward-divided-by-batch",
    "The product is the transpose of the weights' gradient": "dense/blank-transposed",
    "Neither factor of the product is transposed": "dense/blank-no-transpose",
    "The factors are swapped, and the wrong one is transposed": "dense/blank-exchanged",
    "The step is divided by the batch size": "dense/blank-divided dense/batch-mean dense/batch-mean-everywhere",
    "The weights move in the direction of the gradient, not against it": (
        "dense/blank-minus dense/uphill training/minus training/minus-rate"
    ),
    "The bias changes by the mean over the samples, the weights by the sum": "dense/bias-mean",
    "The factors are multiplied entry by entry": "dense/elementwise",
    "The weights are updated before the input's gradient is computed": "dense/update-first",
    "The returned gradient has a row for the bias": "dense/bias-column-passed-down",
    "The first feature is left out instead of the bias": "dense/first-column-left-out",
    "The weights' gradient is returned": "dense/returns-weights-gradient",
    "The incoming gradient is returned": "dense/returns-output-gradient",
    "The weights never change": "dense/no-update",
    "The weights decay": "dense/weight-decay",
    "The learning rate is missing": "dense/rate-forgotten",
    "The learning rate is always 0.01": "dense/rate-fixed",
    "The weights are replaced by the step": "dense/assigned-not-subtracted dense/minus-equals-exchanged",
    "The bias never changes": "dense/bias-forgotten",
    "The returned gradient is transposed": "dense/input-gradient-transposed",
    "The labels always come from the first columns of y": (
        "training/labels-first-columns training/labels-and-nominal-size"
    ),
    "The samples come in the order of the columns, not in a shuffled order": "training/no-shuffle-slices",
    "All epochs use the same batches": "training/one-shuffle-for-all",
    "The short last batch is left out": (
        "training/short-batch-dropped training/last-batch-left-out training/no-reset-and-short-dropped"
    ),
    "Only one batch is used in each epoch": "training/break-after-first",
    "1/B uses batch_size, also for the short last batch": "training/nominal-size training/labels-and-nominal-size",
    "There is one epoch too few": "training/one-epoch-less",
    "There is one epoch too many": "training/one-epoch-more",
    "1/B is missing": "training/share-missing training/share-missing-and-loss-sum training/minus-and-share-missing",
    "Labels and prediction are swapped": "training/cce-swapped-arguments",
    "Labels and prediction are swapped in the loss gradient": "training/gradient-swapped-arguments",
    "The scores are used as the prediction": "training/scores-as-prediction",
    "The loss gradient uses the scores as the prediction": "training/scores-in-the-gradient",
    "1/B is applied twice": "training/share-twice training/share-in-rate-too",
    "The step is divided by the number of all samples": "training/all-samples-size",
    "The gradient skips softmax.backward": "training/softmax-backward-forgotten training/softmax-backward-not-kept",
    "softmax.backward gets softmax's own output": "training/softmax-backward-of-output",
    "softmax.backward gets yhat - y": "training/fused-then-jacobian",
    "The gradient is averaged over the batch before dlayer.backward": "training/mean-gradient",
    "The learning rate is always 0.1": "training/rate-fixed",
    "The loss is not reset between epochs": "training/loss-not-reset",
    "The epoch's loss is the loss of its last batch": "training/loss-of-last-batch-whole",
    "The losses of the batches are added, not averaged": "training/loss-sum",
    "All batches count the same in the epoch's loss, also the short one": (
        "training/loss-mean-of-batches training/loss-np-mean"
    ),
    "The epoch's loss weights every batch by batch_size, also the short one": "training/loss-nominal-size",
    "Only the last epoch's loss is returned": "training/loss-noted-once training/last-loss-returned",
    "A matrix is returned, with a row for each class or each sample": "loss/cce-dot-not-summed",
    "The loss is the entropy of the prediction: y is not used": "loss/cce-entropy-of-prediction",
    "The predicted class is used in place of the true one": "loss/cce-predicted-class",
    "The loss is binary cross-entropy with a wrong sign": "loss/cce-binary-sign-slip",
    "The loss is the squared error, not averaged over all entries": (
        "loss/cce-squared-error loss/cce-half-squared-error-summed"
    ),
    "The logarithm is that of 1 + yhat": "loss/cce-log1p",
    "A number is added to yhat that is too large": "loss/cce-big-epsilon loss/gradient-epsilon",
    "A number for each class is returned, not one for the batch": "loss/cce-sums-of-classes",
    "A matrix is returned: nothing is summed": "loss/cce-matrix",
    "The loss is in a list": "loss/cce-list-of-one",
    "The loss is missing": "loss/cce-no-return loss/cce-printed",
    "The loss is rounded": "loss/cce-rounded",
    "Only the first sample counts": "loss/cce-returns-in-the-loop",
    "The rows are taken for the samples": "loss/cce-rows-as-samples",
    "A float stands where NumPy expects an axis": "loss/cce-np-max",
    "The loss is the mean over all entries of the matrix, and the minus is missing": "loss/cce-mean-and-sign",
    "The logarithm has base 2, and it is summed, not averaged": "loss/cce-log2-summed",
    "y is divided by the logarithm of yhat": "loss/gradient-divided-by-log",
    "The gradient is transposed": "loss/gradient-transposed",
    "yhat is squared": "loss/gradient-squared",
    "The gradient is that of the squared error": "loss/gradient-of-squared-error loss/gradient-squared-error-mean",
    "Steep slopes are cut off: the gradient or yhat is clipped": "loss/gradient-big-clip",
    "The gradient is missing": "loss/gradient-no-return",
    "np.dot gets two arrays of the same shape": "loss/gradient-matrix-product",
    "The sum runs over axis 1, without keepdims": "softmax/forward-rows-no-keepdims",
    "The mean of each sample's scores is subtracted, not the largest": "softmax/forward-mean-shift",
    "The smallest score of each sample is subtracted, not the largest": "softmax/forward-min-shift",
    "The largest score is subtracted in the denominator only": "softmax/forward-shift-only-below",
    "The scores are scaled by a fixed number before the exponential": "softmax/forward-temperature",
    "The scores are divided by a number before the exponential, not shifted": "softmax/forward-scaled-by-max",
    "The sigmoids of the scores are normalised, not their exponentials": "softmax/forward-sigmoid-normalised",
    "The probabilities are rounded": "softmax/forward-rounded",
    "self.output is missing": "softmax/forward-output-not-set softmax/forward-called-out",
    "The products are added to the output on the diagonal, not subtracted": "softmax/backward-plus-outer",
    "One factor is missing beside the diagonal of the Jacobian": "softmax/backward-one-factor-missing",
    "The Jacobian is returned, not its product with the gradient": "softmax/backward-no-product",
    "The Jacobian is that of the mean probabilities of the batch": "softmax/backward-mean-probabilities",
    "The code makes one matrix of all samples together": (
        "softmax/backward-np-diag "
        "softmax/backward-diagflat-on-a-batch softmax/backward-tile-on-a-batch softmax/backward-identity-minus-output"
    ),
    "The sum runs over the classes and the samples": (
        "softmax/backward-diagflat-reshaped softmax/backward-sum-over-everything"
    ),
    "The mean of the incoming gradient is subtracted, without weights": "softmax/backward-gradient-minus-mean",
    "The output is missing as a factor": "softmax/backward-outer-factor-missing",
    "The result is transposed": "softmax/backward-transposed",
    "The terms of a sum replace each other: = stands for +=": "softmax/backward-equals-in-place-of-plus",
    "Softmax is applied to the output again": "softmax/backward-softmax-of-output",
    "Softmax is applied to the incoming gradient": "softmax/backward-softmax-of-gradient",
    "The result is multiplied by a number, such as a learning rate": "softmax/backward-times-rate",
    "The result of backward is missing": "softmax/backward-no-return dense/nothing-returned",
    "Only one sample gets a gradient, the others 0": "softmax/backward-early-return",
    "An array is called like a function": "softmax/backward-T-call",
    "T has the wrong shape": "softmax/backward-T-two-axes softmax/backward-T-outer-of-batch",
    "Only the diagonal of the Jacobian is used, and 1/B is applied": "softmax/backward-sigmoid-and-batch",
    "A name of the layer is used without self. before it": "dense/blank-forgets-self",
    "The learning rate is applied twice": "dense/blank-rate-inside",
    "The samples are added or averaged before the product, not after it": (
        "dense/blank-summed-gradient dense/blank-mean-gradient"
    ),
    "Only one sample of the batch counts": "dense/blank-first-sample dense/equals-in-the-loop",
    "The bias of every class changes by the same number, a sum over all classes": "dense/bias-sum-of-everything",
    "The bias changes by the gradient of one sample": "dense/bias-first-sample",
    "The bias moves in the direction of the gradient, the weights against it": "dense/bias-uphill",
    "The bias changes without the learning rate": "dense/bias-without-rate",
    "The weights' gradient is clipped": "dense/clipped-at-one dense/norm-clipped dense/clipped",
    "Only the sign of the gradient counts": "dense/sign-of-the-gradient",
    "Earlier steps count too: there is momentum": "dense/momentum",
    "The gradients of all steps pile up": "dense/gradients-pile-up",
    "The layer learns only once": "dense/learns-once",
    "backward overwrites the gradient that it is given": "dense/changes-its-argument",
    "The returned gradient has the wrong sign": "dense/input-gradient-minus",
    "The returned gradient is multiplied by the learning rate": "dense/input-gradient-times-rate",
    "The weights move in the direction of the gradient, not against it, and 1/B is applied": "dense/divided-and-uphill",
    "Every probability counts as a tiny number": "loss/cce-minimum",
    "The logarithm is squared": "loss/cce-square-of-the-log",
    "The gradient is yhat - y divided by the number of classes, and a sign is wrong": (
        "loss/gradient-at-the-scores-by-len"
    ),
    "y and yhat are swapped": "loss/gradient-swapped loss/gradient-arguments-exchanged",
    "yhat itself is returned": "loss/gradient-minus-one-written",
    "The largest score is added, not subtracted": "softmax/forward-plus-max",
    "The scores are clipped to a small range": "softmax/forward-clipped-scores",
    "The exponentials are written into an array of integers": "softmax/forward-copy-integer",
    "A number is added to the sum of the exponentials": "softmax/forward-epsilon-below",
    "A number is added to each probability": "softmax/forward-epsilon-above",
    "One factor is the layer's input, the other its output": "softmax/backward-a-times-one-minus-z",
    "The result has the wrong sign, and 1/B is applied": "softmax/backward-diag-sign-and-batch",
    "Samples and labels always come from the first columns": "training/first-columns",
    "Each step uses all samples, not those of one batch": "training/whole-data",
    "Some samples come twice in an epoch, others never": "training/with-replacement",
    "The number of epochs is fixed, whatever nepochs is": "training/epochs-fixed",
    "Only one epoch is trained": "training/return-in-the-loop",
    "generate_batch_indices gets the number of features": "training/features-as-samples",
    "The arguments of generate_batch_indices are swapped": "training/swapped-batch-arguments",
    "The batches have another size than batch_size": "training/batch-size-one",
    "The loop stops before nepochs epochs are over": "training/early-stopping training/stops-when-it-rises",
    "The batches are used in reversed order": "training/batches-reversed",
    "Each batch is used twice in an epoch": "training/each-batch-twice",
    "The labels come in the order of the columns, the samples in a shuffled order": "training/labels-by-counter",
    "The labels are those of another shuffle than the samples": "training/two-shuffles",
    "The labels are those of other samples": "training/labels-permuted",
    "The labels are those of the first epoch's batches": "training/first-epoch-labels",
    "The labels of the batch are in another order than its samples": "training/labels-reversed",
    "All labels are used in each step, not those of one batch": "training/all-labels",
    "The prediction is turned into 0 and 1 before the loss": "training/one-hot-prediction",
    "softmax.forward gets the samples, not the scores": "training/softmax-of-the-input training/softmax-of-all",
    "Softmax is applied to its own output": "training/softmax-twice",
    "The step is multiplied by the batch size, not divided by it": "training/times-size",
    "The weights move uphill after the first epoch": "training/uphill-later",
    "softmax.backward is applied twice": "training/softmax-backward-twice",
    "softmax.backward gets the loss, not its gradient": "training/loss-sent-back",
    "The learning rate changes during training": (
        "training/rate-decays training/rate-decays-in-epoch training/rate-by-epoch"
    ),
    "The arguments of dlayer.backward are swapped": "training/arguments-exchanged",
    "The gradient is clipped": "training/gradient-clipped",
    "The gradient is divided by its norm": "training/gradient-normalised",
    "The weights are updated twice in each step": "training/two-steps",
    "The weights are updated in the first epoch only": "training/no-update-later",
    "The weights are never updated": "training/no-update",
    "The weights are updated once in each epoch only": "training/update-once-an-epoch",
    "Something besides dlayer.backward changes the weights": (
        "training/weight-decay training/own-update training/best-weights"
    ),
    "Only the share of the last batch is stored: = replaces +=": (
        "training/loss-reset-each-batch training/loss-of-last-batch"
    ),
    "Every loss is 0, though cce is called": "training/loss-integer-division",
    "The epoch's loss is divided by the number of samples twice": "training/loss-divided-twice",
    "The batches' losses are weighted by their size, and never divided": "training/loss-times-size-only",
    "The epoch's loss is multiplied by B / batch_size, not by B / N": "training/loss-divided-by-batch-size",
    "The loss of all samples after the epoch is stored": "training/loss-of-all-data",
    "The loss is computed after the step, with the new weights": "training/loss-after-the-step",
    "The losses are rounded": "training/loss-rounded",
    "The loss is subtracted, not added": "training/loss-negative",
    "X is moved or scaled inside train": "training/later-standardised-again",
    "What train returns does not end with the losses": "training/losses-not-returned",
    "Nothing is returned": "training/nothing-returned",
    "Each entry is the mean of all losses so far": "training/running-mean",
    "The dense layer is made anew for each batch": "training/dense-each-batch",
    "The dense layer is made anew in each epoch": "training/dense-each-epoch",
    "The sizes of the dense layer are swapped": "training/dense-sizes-exchanged",
    "The dense layer that is returned has not been trained": "training/fresh-layers-returned",
    "The layers are returned in another order": "training/layers-returned-in-other-order",
    "A loss is stored for each batch, not for each epoch": "training/loss-noted-each-batch",
    "The layer's output is used in place of its input": "dense/blank-output",
    "The returned gradient is divided by the batch size": "dense/batch-mean-everywhere",
    "The weights are multiplied by the input: the incoming gradient is not used": "dense/blank-weights",
    "The returned gradient has a row for the bias, and the weights are updated before it is computed": (
        "dense/update-first-with-bias"
    ),
    "The division happens inside the exponential: a parenthesis closes too late": "softmax/forward-parenthesis",
    "np.diag gets a matrix, and gives its diagonal": "softmax/backward-np-diag",
    "The row of ones is left out of the product": "dense/blank-without-ones",
}
"""For each name the answers whose mistake it is, separated by spaces."""

BY_SENTENCE = {
    "name 'y_true' is not defined": "loss/cce-y-true-unknown",
    "those of math take one number": "loss/cce-math-log",
    "The loss is in a list.": "loss/cce-list-of-one",
    "The loss is missing.": "loss/cce-no-return loss/cce-printed",
    "A float stands where NumPy expects an axis.": "loss/cce-np-max",
    "Every entry is divided by the batch size.": "loss/gradient-mean",
    "The gradient is missing.": "loss/gradient-no-return",
    "np.dot gets two arrays of the same shape.": "loss/gradient-matrix-product",
    "The rows sum to 1, not the columns.": (
        "softmax/forward-rows softmax/forward-rows-everywhere softmax/forward-last-axis softmax/both-row-major"
    ),
    "self.output is missing.": "softmax/forward-output-not-set softmax/forward-called-out",
    "The method takes one argument too few: self is missing.": "softmax/forward-self-forgotten",
    "The code makes one matrix of all samples together.": (
        "softmax/backward-diagflat-on-a-batch softmax/backward-tile-on-a-batch softmax/backward-identity-minus-output "
        "softmax/backward-np-diag"
    ),
    "The result of backward is missing.": "softmax/backward-no-return dense/nothing-returned",
    "An array is called like a function.": "softmax/backward-T-call dense/blank-T-call",
    "T has the wrong shape.": "softmax/backward-T-two-axes softmax/backward-T-outer-of-batch",
    "A name of the layer is used without self. before it.": "dense/blank-forgets-self",
    "The code changes gradient, which it is given.": "dense/changes-its-argument",
    "1/B uses batch_size, but this batch is shorter.": "training/nominal-size training/labels-and-nominal-size",
    "The weights move the wrong way: gradient times learning rate has the wrong sign.": (
        "training/minus training/minus-rate training/uphill-later training/minus-and-share-missing"
    ),
    "softmax.backward was not called.": "training/softmax-backward-forgotten",
    "dlayer.backward was not called.": "training/no-update training/no-update-later training/update-once-an-epoch",
    "The list of losses that train returns is missing.": "training/nothing-returned",
}
"""The same for sentences of the statements themselves that say the mistake, and not only what came of it."""

LATER_BY_NAME = {
    "The labels are rows of y, not columns": "training/rows-of-y",
    "softmax.forward is not called": "training/softmax-forgotten",
    "The dense layer gets the number of samples as its number of inputs": "training/dense-samples",
    "The loss is the sum over the batch, not its mean": "loss/later-cce-sum-of-row-sums",
    "The loss is divided by the number of classes": "loss/later-cce-mean-of-row-sums",
    "The loss is the mean over all entries of the matrix": "loss/later-cce-by-size",
    "The exponential stands in place of the logarithm": "loss/later-cce-exp",
    "The exponential undoes the logarithm": "loss/later-cce-perplexity",
    "The loss is the absolute error": "loss/later-cce-absolute",
    "The share of right predictions is returned, not the loss": "loss/later-cce-accuracy",
    "The labels are smoothed: the other classes count a little": "loss/later-cce-smooth-labels",
    "The largest loss of the batch is returned, not the mean": "loss/later-cce-largest-loss",
    "The middle loss of the batch is returned, not the mean": "loss/later-cce-median",
    "The logarithm is that of 1 - yhat": "loss/later-cce-complement",
    "The loss is divided by the logarithm of the number of classes": "loss/later-cce-base-of-classes",
    "The loss is divided by the number of samples minus 1": "loss/later-cce-sample-count-less-one",
    "y stands in the denominator too": "loss/later-gradient-label-in-the-denominator",
    "Only one sample gets a gradient, the others 0": "loss/later-gradient-return-in-the-loop",
    "The gradient is written into an array of integers": "loss/later-gradient-integers",
    "The gradient is divided by the number of classes": "loss/later-gradient-of-the-mean-log",
    "The largest score of each row is subtracted, not that of each column": (
        "softmax/later-row-maximum-and-column-sums"
    ),
    "All samples are shifted by the same number": "softmax/later-global-maximum",
    "The exponential has base 2, not e": "softmax/later-base-2",
    "The output is the logarithm of softmax": "softmax/later-log-softmax",
    "The exponentials are not divided by their sum": "softmax/later-divided-by-largest",
    "The exponentials are divided by their mean": "softmax/later-divided-by-mean",
    "Large scores are clipped": "softmax/later-clipped-at-500",
    "The scores have the wrong sign": "softmax/later-minus-in-the-exponent",
    "The incoming gradient is subtracted from the output": (
        "softmax/later-output-minus-gradient softmax/later-output-minus-gradient-same-shape"
    ),
    "Only the diagonal of the Jacobian is used": "softmax/later-diagonal-of-the-jacobian",
    "Every entry of the Jacobian is computed like a diagonal entry": "softmax/later-a-one-minus-a-everywhere",
    "Beside the diagonal of the Jacobian stands a square, not a product of two outputs": (
        "softmax/later-same-index-twice"
    ),
    "The probabilities are computed anew, and all samples together sum to 1": (
        "softmax/later-recomputed-over-everything"
    ),
    "The sum runs over the samples instead of the classes": "softmax/later-sum-over-rows-in-backward",
    "backward returns the incoming gradient unchanged": "softmax/later-jacobian-only-plus-gradient",
    "Softmax is applied to the incoming gradient": "softmax/later-jacobian-of-the-gradient",
    "The bias changes by the mean over the samples, the weights by the sum": "dense/later-bias-mean",
    "The step is divided by the number of classes": "dense/later-by-classes",
    "The weights' gradient is returned": "dense/later-returns-weights-gradient",
    "The first feature is left out instead of the bias": "dense/later-bias-taken-for-the-first-column",
    "The learning rate is always 0.01": "dense/later-own-rate",
    "The weights are replaced by the step": "dense/later-weights-replaced",
    "The factors of the returned gradient stand in the wrong order": "dense/later-product-from-the-left",
    "The weights move in the direction of the gradient, not against it": "dense/later-minus-twice",
    "The batches have another size than batch_size": "training/later-array-split training/later-slices-one-too-short",
    "All epochs use the same batches": "training/later-seed-in-the-loop",
    "The labels are those of other samples": "training/later-shuffled-in-place-apart",
    "The loss is stored in some epochs only": "training/later-every-second-loss",
    "The epoch's loss is divided by the number of epochs": "training/later-loss-by-epochs",
    "The learning rate changes during training": ("training/later-rate-divided-again-and-again training/later-warm-up"),
    "The gradient skips softmax.backward": "training/later-dense-before-softmax",
    "Each step uses all samples, not those of one batch": "training/later-all-of-X",
    "Only a part of the samples is used": "training/later-part-kept-for-validation",
    "The mean over all epochs is returned, not a loss for each": "training/later-mean-of-all-losses",
    "The short last batch is left out": "training/later-own-batches-short-one-dropped",
    "yhat - y replaces cce_gradient and softmax.backward": "training/later-fused",
    "There is one epoch too few": "training/later-one-epoch-less",
    "The labels are class numbers, not one-hot columns": "training/later-class-numbers-as-labels",
}
"""The same for the answers of `later`, and for names that the catalogue got later."""

LATER_BY_SENTENCE = {
    "softmax.backward was not called.": "training/later-fused",
    "The bias gets the gradients of all samples, without a sum.": "dense/later-bias-without-a-sum",
    "train changes X itself.": "training/later-shuffled-in-place training/later-shuffled-in-place-apart",
}

_PAIRS = [*BY_NAME.items(), *BY_SENTENCE.items(), *LATER_BY_NAME.items(), *LATER_BY_SENTENCE.items()]
BY_SENTENCE |= {name: answers for name, answers in LATER_BY_SENTENCE.items() if name not in BY_SENTENCE}
TRUE_NAMES = {
    answer: frozenset(name for name, answers in _PAIRS if answer in answers.split())
    for _, answers in _PAIRS
    for answer in answers.split()
}
"""For each answer its true names."""
