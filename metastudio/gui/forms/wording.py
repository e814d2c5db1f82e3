"""The catalogue's and the engine's English, in the language of the window."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from metastudio.errors import Message


def translated(text: str) -> str:
    """Return a text of the catalogue in the window's language, itself where nobody translated it."""
    return QCoreApplication.translate("catalog", text) if text else ""


def sentence(message: Message) -> str:
    """Return a message, its template translated before its places are filled."""
    return str(Message(translated(message.sentence), message.fields))


def plain(word: str) -> str:
    """Return a choice's word as people write it: ``max_pool`` → "max pool"."""
    return translated(word.replace("_", " "))
