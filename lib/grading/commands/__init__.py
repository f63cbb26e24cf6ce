"""The command `zerolayer`, one module a subcommand, each built on nbgrader's own apps."""

from importlib import import_module
from typing import Any

COMMANDS = {
    "lab": "lib.grading.commands.lab.LabApp",
    "demo": "lib.grading.commands.demo.DemoApp",
    "doctor": "lib.grading.commands.doctor.DoctorApp",
    "new": "lib.authoring.new.NewApp",
    "check": "lib.authoring.build.CheckApp",
    "build": "lib.authoring.build.BuildApp",
    "bundle": "lib.authoring.bundle.BundleApp",
    "site": "lib.authoring.site.SiteApp",
    "grade": "lib.grading.commands.grade.GradeApp",
    "feedback": "lib.grading.commands.feedback.FeedbackApp",
    "watch": "lib.grading.commands.watch.WatchApp",
    "report": "lib.grading.commands.report.ReportApp",
    "collect": "lib.grading.commands.collect.CollectApp",
    "export": "lib.grading.commands.export.LmsExportApp",
    "roster": "lib.grading.commands.roster.RosterApp",
    "extend": "lib.grading.commands.extend.ExtendApp",
}
"""Where the class of each is. Only the one that is given is imported, and so starts in half the time."""


def load(command: str) -> Any:
    """Import the class of a command; for any other word that of `zerolayer` itself, which lists them."""
    module, _, name = COMMANDS.get(command, "lib.grading.commands.app.ZeroLayerApp").rpartition(".")
    return getattr(import_module(module), name)
