"""The course's secret, from which all seeds are derived. It is made once, and never replaced."""

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from lib.grading.errors import ConfigError
from lib.grading.files import is_file

SECRET = re.compile(rb"[0-9a-f]{64}\s*")
"""32 random bytes in hexadecimal. An editor may have added a newline."""
ADVICE = "Restore the file from a backup of the course. If there is none, delete it: grading then makes a new one."


def read_secret(path: Path) -> bytes:
    """Read the secret. Raises FileNotFoundError if there is none, and ConfigError if the file can't be one."""
    if not os.path.lexists(path):
        raise FileNotFoundError(path)
    if not is_file(path):
        raise ConfigError(f"{path} must be a file with the course's secret; found a link, a folder or a device.")
    try:
        written = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}, the course's secret, can't be read: {error.strerror}.") from error
    if not SECRET.fullmatch(written):
        found = f"{len(written):,} other bytes" if written else "an empty file"
        raise ConfigError(f"{path} must contain the course's secret, 64 hexadecimal digits; found {found}. {ADVICE}")
    return written.strip()


def seed_of(secret: bytes, *names: str) -> int:
    """Derive a submission's seed. It is the same at each regrade, and can't be guessed without the secret."""
    return int.from_bytes(hmac.digest(secret, "\0".join(names).encode(), hashlib.sha256)[:6], "big")


def make_secret(path: Path, is_shared: bool = False) -> bytes:
    """Make the secret and return it, or return the one that another process has just made."""
    part = None  # another name first, so that a full disk or a crash leaves no partial secret at `path`
    try:
        descriptor, part = mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            Path(part).chmod(0o660 if is_shared else 0o600)
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(descriptor)  # otherwise a crash could leave an empty file
        try:
            os.link(part, path)  # unlike a rename it doesn't replace a file that another process has just made
        except FileExistsError:
            pass
        except OSError:  # some file systems have no hard links
            if not os.path.lexists(path):
                Path(part).rename(path)
    except OSError as error:
        raise ConfigError(f"{path}, the course's secret, can't be made: {error.strerror}.") from error
    finally:
        if part is not None:
            with suppress(OSError):
                Path(part).unlink(missing_ok=True)
    return read_secret(path)
