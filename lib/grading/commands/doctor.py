"""`zerolayer doctor`: test the sandbox on this machine."""

from contextlib import suppress
from importlib import import_module
from pathlib import Path
from shlex import quote
from stat import S_IRWXG, S_IRWXO

from sqlalchemy import make_url

from lib.grading import unit_registry
from lib.grading.commands.command import Command
from lib.grading.errors import file_line
from lib.grading.progress import say
from lib.grading.sandbox import obstacles


class DoctorApp(Command):
    """Start a kernel in the sandbox and report the result. Exits with 1 if student code would not be run."""

    name = "zerolayer-doctor"
    description = "Test whether this machine can run student code in the sandbox."

    def start(self) -> None:
        """Run the test and print the findings."""
        super().start()
        problems = obstacles.examine()
        say(obstacles.report(problems))
        if found := " ".join(map(quote, self._exposed_paths())):
            say(
                f"\nOther accounts may be able to read the class's work and points: {found}.\n"
                f"    Try: chmod -R {'o' if self.coursedir.groupshared else 'go'}= {found}"
            )
        for place in unit_registry.find_all().values():
            with suppress(Exception, SystemExit):  # `zerolayer check` reports units that can't be imported
                if packages := unit_registry.missing_packages(import_module(place.module).UNIT):
                    say(f"\nThe unit {place.name} needs packages that are not installed here: {', '.join(packages)}.")
                    say(f"    Try: pip install {' '.join(packages)}")
        self.exit(int(any(problem.blocks for problem in problems)))

    def _exposed_paths(self) -> list[str]:
        course, url = self.coursedir, make_url(self.coursedir.db_url)
        gradebook = url.database if url.get_backend_name() == "sqlite" else None
        folders = (course.submitted_directory, course.autograded_directory, course.feedback_directory, "reports")
        others = S_IRWXO if course.groupshared else S_IRWXO | S_IRWXG
        paths = [Path(course.root, name) for name in (*filter(None, [gradebook]), *folders)]
        paths += [file for ending in ("csv", "zip") for file in sorted(Path(course.root).glob(f"*.{ending}"))]
        return [file_line(path) for path in paths if path.exists() and path.stat().st_mode & others]
