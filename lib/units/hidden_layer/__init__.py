"""Never imported: `exercise.py` is the module. import-linter checks only folders with this file."""
