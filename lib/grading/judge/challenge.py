"""Challenges: a seed for each submission that nobody can guess, by which kernel and judge draw the inputs."""

import hashlib
import hmac
from typing import Any


def seed_of(secret: bytes, *names: str) -> int:
    """Derive a submission's seed: the same for a regrade, not to be guessed without the course's secret."""
    return int.from_bytes(hmac.digest(secret, "\0".join(names).encode(), hashlib.sha256)[:6], "big")


def challenge(seed: int) -> dict[str, Any]:
    """Write what lies beside the notebook. A kernel that draws other inputs only misses what the judge asks for."""
    return {"seed": seed}
