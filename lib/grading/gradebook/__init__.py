"""The book: the rows of a gradebook, and what a course remembers of its students' tries."""
