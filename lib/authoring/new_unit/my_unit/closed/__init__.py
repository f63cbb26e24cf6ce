"""The answers: right code, and the mistakes that students make. This folder never leaves the instructors."""

from pathlib import Path

from lib.answer_key import AnswerKey, SampleClass
from lib.mistakes import read

from .. import UNIT
from . import right

ANSWER_KEY = AnswerKey(
    UNIT,
    right=vars(right),
    mistakes=read(Path(__file__).parent, vars(right), UNIT.parts),
    # For `zerolayer demo my_unit`: what each student writes for the ? in the cell `loss`.
    sample_class=SampleClass(
        {"ada": {"loss": ("np.mean((y - yhat) ** 2)",)}, "ben": {"loss": ("np.sum((y - yhat) ** 2)",)}}, {}
    ),
)
