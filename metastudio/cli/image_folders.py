"""`metastudio images`: what is in folders of images, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from metastudio.catalog.data_spec import Preprocessing
from metastudio.cli.arguments import AsJson
from metastudio.cli.report import Report
from metastudio.errors import DataError
from metastudio.images.image_folder import ImageIndex
from metastudio.images.image_folder import scan as scan_folders
from metastudio.images.image_store import open_store

app = typer.Typer(help="Look at folders of images.", no_args_is_help=True, rich_markup_mode="markdown")

Folders = Annotated[list[Path], typer.Argument(metavar="FOLDER…", help="Folders of images.", show_default=False)]


@app.command()
def scan(folders: Folders, as_json: AsJson = False) -> None:
    """Say how folders are understood: layout, classes, numbers of pictures. Opens no picture.

    Example: `metastudio images scan omniglot`
    """
    with Report(as_json=as_json) as report:
        index = _index(folders, report)
        for each in index.classes:
            report.tell(kind="class", name=each.name, pictures=len(each.files), part=each.part)
        groups = Counter(each.group or each.name for each in index.classes)
        for group, count in list(groups.items())[:20]:
            pictures = sum(len(each.files) for each in index.classes if (each.group or each.name) == group)
            report.say(f"  {group}: {f'{count:,} classes, ' if count > 1 else ''}{pictures:,} pictures")
        if len(groups) > 20:
            report.say(f"  … and {len(groups) - 20:,} more.")
        report.problems(index.problems)


@app.command()
def check(
    folders: Folders,
    size: Annotated[int, typer.Option(min=8, max=512, help="Side that the pictures are brought to, in px.")] = 28,
    as_json: AsJson = False,
) -> None:
    """Open every picture and list what cannot be read, what lies twice, and what is odd; nothing is changed.

    Ends with 3 where no picture at all can be read.

    Example: `metastudio images check photos`
    """
    with Report(as_json=as_json) as report:
        index = _index(folders, report)
        store = open_store(index, Preprocessing(image_size=size), on_progress=report.counter("reading pictures"))
        report.problems(index.problems)
        report.problems(store.problems, most=1000)
        readable = store.index.file_count
        report.say(f"{readable:,} of {index.file_count:,} pictures can be used.")
        report.tell(kind="checked", readable=readable, pictures=index.file_count)
        if not readable:
            raise DataError("No picture can be read.", where=", ".join(map(str, folders)))


def _index(folders: list[Path], report: Report) -> ImageIndex:
    missing = [each for each in folders if not each.exists()]
    if missing:
        raise DataError("There is no such folder.", where=", ".join(map(str, missing)))
    on_progress = report.counter("looking at folders")
    index = scan_folders(folders, on_progress=lambda done: on_progress(done, 0))
    report.say(f"{index.file_count:,} pictures in {len(index.classes):,} classes, layout '{index.layout}'")
    report.tell(kind="scanned", pictures=index.file_count, classes=len(index.classes), layout=index.layout)
    return index
