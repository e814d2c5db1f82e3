"""Names of files and classes as they can be shown: any bytes, any direction of writing."""

from __future__ import annotations


def printable(name: str) -> str:
    """Return a name with what is no character (undecodable bytes, line ends, controls) written out."""
    text = name.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def isolated(name: str) -> str:
    """Return a name for the middle of a sentence, whose direction of writing stays within it."""
    return f"\u2068{printable(name)}\u2069"
