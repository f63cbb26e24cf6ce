"""The pipeline from a submission to points, for `zerolayer grade` and for nbgrader's own commands."""
