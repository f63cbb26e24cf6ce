"""A sample class: what students write otherwise than the solution, as they would."""

from lib.answer_key import Fillings, SampleClass
from lib.units.optimizers.lab import QUESTIONS

MEANS = ("self.t + 1", "self.beta1 * m + (1 - self.beta1) * g", "self.beta2 * v + (1 - self.beta2) * g * g")
CORRECTED = (*MEANS, "m / (1 - self.beta1**self.t)", "v / (1 - self.beta2**self.t)")
FALL = "peak * (1 + np.cos(np.pi * (t - warmup_steps) / (all_steps - warmup_steps))) / 2"
GIVEN = ("weights", "gradients", "learning_rate")
STUDENTS: dict[str, Fillings] = {
    "ada": {},
    "bao": {
        "sgd": ("-learning_rate * g + w",),
        "momentum": ("np.multiply(v, self.momentum) - np.multiply(g, learning_rate)", "v + w"),
        "decay": ("w * self.weight_decay", "decay.shape[1] - 1", *GIVEN, "new - decay"),
    },
    "chidi": {"adam": (*MEANS, "m", "v", "w - learning_rate * m / (np.sqrt(v) + self.epsilon)")},
    "dana": {"adam": (*CORRECTED, "w - learning_rate * m / np.sqrt(v + self.epsilon)")},
    "emil": {"momentum": ("self.momentum * v + learning_rate * g", "w + v")},
    "farah": {"fit": ("layer.weights_gradient", "weights", "gradients", "schedule(epoch)", "t + 1")},
    "goro": {
        "schedule": ("peak * t / warmup_steps", FALL),
        "decay": ("learning_rate * self.weight_decay * w", "-1", *GIVEN, "new - decay"),
    },
    "hana": {"adam": ("",) * 6, "schedule": ("", ""), "decay": ("",) * 6},
}
ANSWERS = {"explain-velocity": "It is 1, 1.9 and 2.71 plain steps long, and in the end 10 of them: 1 / (1 - 0.9)."}
CHOICES = {"ada": (2, 2, 3, 2, 2, 3, 1), "bao": (2, 1, 0, 2, 2, 3, 0), "chidi": (0, 2, 2, 1, 1, 1), "hana": (1, 3)}
PREDICTIONS = {student: dict(zip(QUESTIONS, choices, strict=False)) for student, choices in CHOICES.items()}
SAMPLE_CLASS = SampleClass(STUDENTS, ANSWERS, PREDICTIONS)
