"""The one error type that the commands of the embedded cluster show to a person."""


class LocalError(Exception):
    """A failure that a person can act on; the text is one line: what, where, what to do."""
