"""The command `zerolayer`, one module a subcommand, each built on nbgrader's own apps."""
