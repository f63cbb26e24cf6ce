"""The command `zerolayer`, one module a subcommand, each built on nbgrader's own apps."""

COMMANDS = {
    "lab": "lab.LabApp",
    "demo": "demo.DemoApp",
    "doctor": "doctor.DoctorApp",
    "new": "new.NewApp",
    "check": "check.CheckApp",
    "build": "release.BuildApp",
    "bundle": "bundle.BundleApp",
    "site": "site.SiteApp",
    "grade": "grade.GradeApp",
    "feedback": "feedback.FeedbackApp",
    "watch": "watch.WatchApp",
    "report": "report.ReportApp",
}
"""The class of each, in its module here. Only the one that is given is imported, and so starts in half the time."""
