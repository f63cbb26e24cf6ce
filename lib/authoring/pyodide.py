"""Pyodide: Python and NumPy for a browser, found in a folder or an archive and taken file by file, each by its hash.

`pyodide-lock.json` beside this file is Pyodide's own lock file without the packages that no notebook here needs. It
says of each package which file it is in, and that file's SHA-256.
"""

import json
import tarfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from zipfile import ZipFile, is_zipfile

from lib.grading.errors import ConfigError

LOCK = Path(__file__).with_name("pyodide-lock.json")
LOCKED = json.loads(LOCK.read_bytes())
VERSION = LOCKED["info"]["version"]
RUNTIME = {
    "pyodide.js": "b4cb23a53aba19c221659b9fb40a2f18281d685691dc06647fb0afd0681baf98",
    "pyodide.asm.js": "6b4c90de5b7172873f04f21884d0e9d2274e305fe32116558fe3e4fbe3618d51",
    "pyodide.asm.wasm": "a50dd1843f805a0b7c45b61037ee0d7b26dfe85efe0e18ef95a34ad24e401f5f",
    "python_stdlib.zip": "16611534726e5d8ac2bd8f926410b2dcb8d6f49aa24913463533b457a2115c16",
}
"""SHA-256 of the files that are no packages, in the version that the lock file names."""


def distribution_url() -> str:
    """Return the address of the same version in Pyodide's own distribution, from which browsers can fetch it."""
    return f"https://cdn.jsdelivr.net/pyodide/v{VERSION}/full/pyodide.js"


def take_pyodide(source: Path) -> dict[str, bytes]:
    """Read all files of Pyodide from a folder or an archive (zip, wheel, tar), wherever they lie in it.

    Raises ConfigError where one is missing, or is there only with another content.
    """
    wanted = RUNTIME | {package["file_name"]: package["sha256"] for package in LOCKED["packages"].values()}
    found: dict[str, bytes] = {}
    others: set[str] = set()
    for name, content in _files(source, set(wanted)):
        if sha256(content).hexdigest() == wanted[name]:
            found[name] = content
        else:
            others.add(name)
    if missed := sorted(wanted.keys() - found.keys()):
        what = "another content than Pyodide's own" if missed[0] in others else "nothing of this name"
        rest = f", and {len(missed) - 1} more files like it" if len(missed) > 1 else ""
        raise ConfigError(
            f"Pyodide isn't whole in {source}. Found for {missed[0]}: {what}{rest}."
            f" Expected the files of Pyodide {VERSION}. Try its full release, unpacked or as it is, or leave out"
            " --offline: browsers then fetch it themselves."
        )
    return {**found, LOCK.name: LOCK.read_bytes()}


def _files(source: Path, names: set[str]) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        yield from ((path.name, path.read_bytes()) for path in sorted(source.rglob("*")) if path.name in names)
    elif is_zipfile(source):
        with ZipFile(source) as archive:
            for name in archive.namelist():
                if PurePosixPath(name).name in names:
                    yield PurePosixPath(name).name, archive.read(name)
    elif source.is_file() and tarfile.is_tarfile(source):
        with tarfile.open(source) as packed:
            for member in packed:
                stream = packed.extractfile(member) if PurePosixPath(member.name).name in names else None
                if stream is not None:
                    yield PurePosixPath(member.name).name, stream.read()
    else:
        raise ConfigError(f"{source} is neither a folder nor an archive. Try the path of a folder, zip, wheel or tar.")
