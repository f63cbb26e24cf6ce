"""Kernels of an author's JupyterLab: what was changed in a unit's files is in force once a kernel is started again.

Python loads the files anew by itself. The fingerprints, by which a check names mistakes and knows the right result, are
made from the closed half: they are written before the kernel starts.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager

from lib.checking.fingerprints import FILE
from lib.grading import units
from lib.grading.commands.lab import AUTHOR
from lib.units import course_folder

WRITE = """
import sys
from lib.units import enter
enter(sys.argv[2])
from lib.grading import units
from lib.grading.commands.fingerprints import write_files
write_files(sys.argv[1], units.answer_key(sys.argv[1]))
"""


class AuthorKernels(AsyncMappingKernelManager):
    """Starts kernels as JupyterLab does, after the unit's fingerprints are up to date."""

    async def start_kernel(self, **options: Any) -> str:
        """Called when a notebook is opened."""
        await self._refresh()
        return await super().start_kernel(**options)

    async def restart_kernel(self, kernel_id: str, now: bool = False) -> None:
        """Called by the button and the menu."""
        await self._refresh()
        await super().restart_kernel(kernel_id, now=now)

    async def _refresh(self) -> None:
        """Write the fingerprints in a process that reads all files anew; what fails there is told in the log."""
        unit = os.environ[AUTHOR]
        if is_up_to_date(unit):
            return
        command = [sys.executable, "-c", WRITE, unit, course_folder()]
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        _, said = await process.communicate()
        if process.returncode:
            why = said.decode(errors="replace").rstrip().rpartition("\n")[2]
            self.log.error("The fingerprints of %s can't be written. %s", unit, why)


def is_up_to_date(unit: str) -> bool:
    """Tell whether a unit's fingerprints are newer than its code."""
    place = units.place_of(unit)
    if place is None or not (file := place.folder / FILE).is_file():
        return False
    written = file.stat().st_mtime
    return all(path.stat().st_mtime < written for kind in ("*.py", "*.toml") for path in Path(place.folder).rglob(kind))
