"""`metastudio serve`: answers the studio's questions, one JSON line in, JSON lines out."""

from __future__ import annotations

import typer


def serve() -> None:
    """Answer questions on the standard input with JSON lines on the standard output; made for the studio.

    Example: `echo '{"id": 1, "op": "devices"}' | metastudio serve`
    """
    from metastudio.engine.serve import serve as answer_questions

    raise typer.Exit(answer_questions())
