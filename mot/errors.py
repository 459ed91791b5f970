"""The error that a user reads."""


class MotError(Exception):
    """Bad input or a failed outside service; the message names the file or address, the value and the remedy.

    The command lines print the message without a traceback and exit with status 1.
    """
