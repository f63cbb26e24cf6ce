"""What an instructor and students see of a graded assignment, all from what grading has stored."""
