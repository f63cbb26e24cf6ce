"""Drawn examples are the same in every run, and may take as long as a busy machine needs."""

import pytest
from hypothesis import settings

settings.register_profile("reference", deadline=None, derandomize=True)
settings.load_profile("reference")


@pytest.fixture(scope="session")
def tf():
    """TensorFlow, the oracle, which takes seconds to import."""
    import tensorflow

    return tensorflow
