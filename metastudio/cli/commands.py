"""Every command of the command line, as one program; importing it takes most of the package with it."""

from __future__ import annotations

import typer

from metastudio.cli import (
    comparing,
    controlling,
    demo,
    experiments,
    forecasting,
    image_folders,
    overview,
    results,
    serving,
    training,
)

EXIT_CODES = (
    "Exit codes: 0 done · 2 usage or configuration · 3 images · 4 a damaged file · 5 disk, memory, device or display · "
    "6 not a number · 7 somebody else is at work on it · 130 or 143 interrupted, with a checkpoint · "
    "70 a bug of ours, with a report."
)
_HELP = """Few-shot learning from folders of images.

Without a command the studio opens: `metastudio [--sample] [--new-window] [PROJECT]`.
"""
app = typer.Typer(
    help=_HELP, epilog=EXIT_CODES, pretty_exceptions_enable=False, rich_markup_mode="markdown", add_completion=False
)
for command in (
    experiments.new,
    training.train,
    controlling.pause,
    controlling.finish,
    controlling.discard,
    controlling.restore,
    controlling.extend,
    forecasting.forecast,
    results.evaluate,
    results.adapt,
    results.export,
    results.report,
    comparing.compare,
    overview.runs,
    overview.devices,
    overview.catalog,
    serving.serve,
    demo.demo,
):
    app.command(epilog=EXIT_CODES)(command)
app.add_typer(image_folders.app, name="images")
