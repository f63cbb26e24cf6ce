"""Errors that end a command with a sentence, wherever they are found."""


class ConfigError(Exception):
    """The configuration can't be read, or can't be what is wanted; the message says where, and why."""
