"""The commands of ``mot``: they parse and print, and hold no use case."""
