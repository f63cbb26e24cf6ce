"""The questions of `questions.toml`, to be predicted before each experiment is run."""

import tomllib
from importlib.resources import files

from lib.unit import Question

_READ = tomllib.loads(files(__package__).joinpath("questions.toml").read_text(encoding="utf-8"))
FOUND = "With right code the answer is:"
QUESTIONS = tuple(Question(id, **each | {"choices": tuple(each["choices"])}, found=FOUND) for id, each in _READ.items())
