"""Files in folders that student code or students write to: only ordinary ones are read, and a run's are removed.

Student code may leave pipes, links to other places, or folders a thousand deep. What walks through the folder
afterwards (nbgrader's permissions, feedback, formgrader) would hang, fail, or leave it.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp

LARGEST_FOLDER = 128 * 2**20
"""Bytes of a folder that a locked kernel gets a copy of: what nbgrader lets students submit (`max_dir_size`), and some
more for what is laid beside it."""
DEEPEST = 10
"""Levels of folders that are looked into; a submission has one or two."""


def is_file(path: Path) -> bool:
    """Tell whether an ordinary file lies at `path` itself: no link to one, no pipe, no device."""
    # lstat, since stat follows a link to a file of somebody else's. It may be gone since it was listed.
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def file_below(folder: Path, name: str) -> Path | None:
    """Find the ordinary file of this name in `folder` or deeper; None where the name leads elsewhere, or to no file.

    Elsewhere there are files of others, and files that have no end or that nobody can read (`/proc`).
    """
    path = Path(os.path.abspath(folder / name))  # noqa: PTH100  # `resolve` would follow links
    return path if path.is_relative_to(os.path.abspath(folder)) and is_file(path) else None  # noqa: PTH100  # likewise


def is_folder(path: Path) -> bool:
    """Tell whether a folder lies at `path` itself, and no link to one."""
    return path.is_dir() and not path.is_symlink()


def files_in(folder: Path) -> Iterator[Path]:
    """Give the ordinary files below `folder`, `DEEPEST` levels down and without following links."""
    for place, folders, names in os.walk(folder):
        if len(Path(place).relative_to(folder).parts) >= DEEPEST:
            folders.clear()  # os.walk goes no deeper then
        yield from (path for path in (Path(place, name) for name in names) if is_file(path))


def unreadable_in(folder: Path) -> Path | None:
    """Give the folder itself, or an ordinary file in it, if this account may not read it; else nothing."""
    if not os.access(folder, os.R_OK | os.X_OK):
        return folder
    return next((file for file in files_in(folder) if not os.access(file, os.R_OK)), None)


def write(path: Path, content: bytes) -> None:
    """Write a file. Raises OSError that names it: Python's own names none where a disk is full."""
    try:
        path.write_bytes(content)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextmanager
def write_whole(path: Path) -> Iterator[Path]:
    """Give where to write what will lie at `path`: it comes there as a whole, or after an error not at all.

    So a full disk costs nothing that was there before, and who reads meanwhile reads all. Raises OSError that names
    `path`.
    """
    if os.path.lexists(path) and not is_file(path):  # a pipe, a terminal, or a link that says where to write
        yield path
        return
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        if path.exists():
            shutil.copymode(path, part)
        part.replace(path)
    except OSError as error:
        if error.filename in (None, str(part)):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    finally:
        part.unlink(missing_ok=True)


def lay_out(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files into a folder, by relative name. Raises ValueError for a name that leads out of it."""
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"{name!r} leads out of the working directory")
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        write(folder / path, content)


def tidy(folder: Path, before: frozenset[Path]) -> None:
    """Remove from `folder` all but the files that `files_in` gave before the run."""
    if not is_folder(folder):
        remove(folder)
        folder.mkdir(parents=True)
    folder.chmod(0o755)
    for path in list(folder.iterdir()):
        if is_folder(path) and any(path in kept.parents for kept in before):
            tidy(path, before)
        elif path not in before or not is_file(path):
            remove(path)


def remove(path: Path) -> None:
    """Delete whatever lies at `path`, if anything. Folders are lifted to one level first, so that none is too deep."""
    if not is_folder(path):
        path.unlink(missing_ok=True)
        return
    # Beside it, so that moving is renaming.
    aside = Path(mkdtemp(dir=path.parent))
    folders = [path.rename(aside / "0")]
    for number, folder in enumerate(folders, 1):
        folder.chmod(0o700)  # code may have taken its owner's rights away
        for at, entry in enumerate(list(os.scandir(folder))):
            if entry.is_dir(follow_symlinks=False):
                Path(entry.path).chmod(0o700)
                folders.append(Path(entry.path).rename(aside / f"{number}-{at}"))
            else:
                Path(entry.path).unlink()
        folder.rmdir()
    aside.rmdir()
