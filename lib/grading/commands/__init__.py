"""The command `zerolayer`: one module for each subcommand, built on nbgrader's apps."""

COMMANDS = {
    "quickstart": "lib.grading.commands.quickstart:QuickstartApp",
    "lab": "lib.grading.commands.lab:LabApp",
    "demo": "lib.grading.commands.demo:DemoApp",
    "doctor": "lib.grading.commands.doctor:DoctorApp",
    "new": "lib.authoring.new:NewApp",
    "check": "lib.authoring.build:CheckApp",
    "build": "lib.authoring.build:BuildApp",
    "bundle": "lib.authoring.bundle:BundleApp",
    "site": "lib.authoring.site:SiteApp",
    "grade": "lib.grading.commands.grade:GradeApp",
    "feedback": "lib.grading.commands.feedback:FeedbackApp",
    "report": "lib.grading.commands.report:ReportApp",
    "collect": "lib.grading.lms.collect:CollectApp",
    "export": "lib.grading.lms.export:LmsExportApp",
    "roster": "lib.grading.lms.roster:RosterApp",
    "extend": "lib.grading.commands.extend:ExtendApp",
}
"""The class of each subcommand, for `pkgutil.resolve_name`. Importing only the one that is called halves the start
time."""
ZEROLAYER = "lib.grading.commands.app:ZeroLayerApp"
"""The class of `zerolayer` itself, which lists the subcommands."""
