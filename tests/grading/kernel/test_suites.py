"""Other people's tests on warm kernels: a telling part of nbgrader's. `benchmarks/suites.py` runs both suites."""

import pytest

from benchmarks.suites import EXCEPTIONS, PROVISIONERS, nbgrader_tests, results

TELLING = ("test_validator.py", "test_nbgrader_validate.py")


@pytest.mark.usefixtures("lockable_here")
def test_nbgraders_own_tests_of_validating_pass_with_warm_kernels(tmp_path):
    files = [path for path in nbgrader_tests(tmp_path) if path.endswith(TELLING)]
    outcomes = results(files, PROVISIONERS["ours"], tmp_path, [])
    assert len(files) == len(TELLING)
    assert len(outcomes) > 40
    assert {test for test, outcome in outcomes.items() if outcome != "passed"} <= EXCEPTIONS.keys()
