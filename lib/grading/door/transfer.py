"""Collected notebooks on their way into `submitted/`: each student's come there as a whole, or not at all.

nbgrader's `zip_collect` copies them file by file. Where the disk is full it ends in a traceback, and leaves a part of a
notebook in the place of what was there before: that would be graded.
"""

import shutil
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from lib.grading.door.handed_in import STAMP
from lib.grading.errors import ConfigError
from lib.grading.files import folder_beside, put_in_place
from lib.grading.machine_faults import sentence

NOT_COMPLETE = "Not all was collected. Once this is mended, collect again with --force before you grade."


def guard_steps(app: Any) -> None:
    """Have nbgrader's `ZipCollectApp` lay each student's files into their place as a whole, and tell of faults.

    By name, since nbgrader lets plugins of its own be chosen for this command, but no other class for itself.
    """
    steps = {
        name: partial(_tell, app, getattr(app, name)) for name in ("extract_archive_files", "process_extracted_files")
    }
    for name, step in {**steps, "_transfer_files": partial(_transfer, app)}.items():
        setattr(app, name, step)


def _tell(app: Any, step: Callable[[], None]) -> None:
    """Carry out a step of the command; exits with 1, after a sentence, where it can't be done."""
    try:
        step()
    except (OSError, ConfigError) as error:
        app.fail("%s", f"{sentence(error)} {NOT_COMPLETE}")


def _transfer(app: Any, collected: Mapping[str, Mapping[str, Any]]) -> None:
    """Called by nbgrader with what it collected: by student, the files, their names, and a time if one is known."""
    course = app.coursedir
    for student, found in collected.items():
        place = Path(course.format_path(course.submitted_directory, student, course.assignment_id))
        if place.is_dir() and any(place.iterdir()) and not app.force:
            app.fail("%s", f"{place} is not empty. Give --force to replace what was collected before.")
        with folder_beside(place) as beside:
            (whole := beside / place.name).mkdir()
            for source, name in zip(found["src_files"], found["file_ids"], strict=True):
                (whole / name).parent.mkdir(parents=True, exist_ok=True)  # a collector may name a folder, too
                shutil.copy(source, whole / name)
            if found["timestamp"] is not None and STAMP not in found["file_ids"]:
                (whole / STAMP).write_text(found["timestamp"].isoformat(" "))
            put_in_place(whole, place)
        app.log.info("Collected: %s", place)
