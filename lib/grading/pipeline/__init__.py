"""Grading: one way from what was handed in to points, for a class, for `watch`, and for nbgrader's own commands."""
