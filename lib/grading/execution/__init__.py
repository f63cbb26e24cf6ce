"""Execution: run notebooks within limits, many at once."""
