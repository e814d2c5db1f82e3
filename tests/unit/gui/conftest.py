"""What the tests of pages share."""

from __future__ import annotations

from unit.gui.page_studio import document, studio, toasts

__all__ = ["document", "studio", "toasts"]
