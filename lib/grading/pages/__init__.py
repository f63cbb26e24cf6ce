"""Pages for instructors and students, all made from the stored results of grading."""
