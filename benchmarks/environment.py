"""The environment in which commands are measured: a user's, whose Python keeps what it has compiled."""

import os


def as_a_user():
    """Give our environment, without what has Python compile all that it imports anew each time."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
