"""The gradebook: reading and writing rows of nbgrader's database, and files with what else a course remembers."""
