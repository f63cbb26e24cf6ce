"""My unit. In the notebook: `from lib.units.my_unit import check`.

All of this folder but `closed` is for students, too: nothing here may give an answer away.
"""

from lib.checking.dispatch import Checks
from lib.unit import Unit

from .exercise import PARTS

UNIT = Unit("my_unit", "My unit", PARTS)

check = Checks(UNIT.parts, __name__)
