"""Canvas and Moodle: students and work come in as downloaded, points and feedback go back. One module a command."""
