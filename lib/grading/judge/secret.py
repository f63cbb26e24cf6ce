"""The course's secret, from which all seeds are derived. It is made once, and never replaced."""

import re
import secrets
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from lib.grading.errors import ConfigError
from lib.grading.files import read_bounded

SECRET = re.compile(rb"[0-9a-f]{64}\s*")
"""32 random bytes in hexadecimal. An editor may have added a newline."""
ADVICE = "Restore the file from a backup of the course. If there is none, delete it: grading then makes a new one."


def read_secret(path: Path) -> bytes:
    """Read the secret. Raises FileNotFoundError if there is none, and ConfigError if the file can't be one."""
    try:
        written = read_bounded(path, 100) or b""
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"{path}, the course's secret, can't be read: {error.strerror}.") from error
    if not SECRET.fullmatch(written):
        raise ConfigError(f"{path} must contain the course's secret, 64 hexadecimal digits. {ADVICE}")
    return written.strip()


def make_secret(path: Path, is_shared: bool = False) -> bytes:
    """Make the secret and return it, or return the one that another process has made."""
    try:
        with NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent) as new, suppress(FileExistsError):
            new.write(secrets.token_hex(32).encode())
            new.flush()
            Path(new.name).chmod(0o660 if is_shared else 0o600)
            path.hardlink_to(new.name)  # as a whole, and never in place of another one
    except OSError as error:
        raise ConfigError(f"{path}, the course's secret, can't be made: {error.strerror}.") from error
    return read_secret(path)
