"""`zerolayer extend`: how much more time is meant, and what can't be."""

from datetime import datetime, timedelta

import pytest

from lib.grading.commands.extend import more_time
from lib.grading.errors import ConfigError

DUE = datetime(2026, 3, 1, 12)
GIVEN = {
    ("1.5", ""): timedelta(days=1.5),
    ("0", ""): timedelta(),
    ("", "2026-03-05 12:00 UTC"): timedelta(days=4),
}
REFUSED = {
    ("soon", ""): "'soon' can't be used: could not convert",
    ("", ""): "'' can't be used: use either --days or --until",
    ("1", "2026-03-05"): "'1 2026-03-05' can't be used: use either --days or --until",
    ("", "2026-02-01"): "'2026-02-01' can't be used: that is -28.5 days",
    ("9999", ""): "that is 9999 days, not between 0 and 3650",
}


def test_more_time_is_in_days_or_until_a_date():
    assert {asked: more_time(*asked, DUE) for asked in GIVEN} == GIVEN
    for asked, why in REFUSED.items():
        with pytest.raises(ConfigError, match="Nothing was changed") as refused:
            more_time(*asked, DUE)
        assert why in str(refused.value)
    with pytest.raises(ConfigError, match="there is no due date yet"):
        more_time("", "2026-03-05", None)
