"""`zerolayer doctor`: tells whether this machine can lock student code in, and if not, why and what to do."""

from lib.grading.commands.command import Command
from lib.grading.progress import say
from lib.grading.sandbox import doctor


class DoctorApp(Command):
    """Lock a throwaway kernel in and say what happened; exits with 1 where student code would not be run."""

    name = "zerolayer-doctor"
    description = "Try on this machine whether student code can be locked in."
    examples = "zerolayer doctor"

    def start(self) -> None:
        """Try, and say what happened."""
        super().start()
        findings = doctor.examine()
        say(doctor.report(findings))
        self.exit(int(any(finding.blocks for finding in findings)))
