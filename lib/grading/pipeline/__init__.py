"""The pipeline from a submission to points, for `zerolayer grade`, for `watch`, and for nbgrader's own commands."""
