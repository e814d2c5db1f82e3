"""`metastudio images`: what is in folders of images and what is wrong with them, archives, splits."""

from __future__ import annotations

import json
import math
import shlex
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from metastudio.catalog.data_spec import ListedSplit, Part, Preprocessing, Split
from metastudio.catalog.validation import parse_experiment
from metastudio.cli.arguments import AsJson, existing_run
from metastudio.cli.report import Report
from metastudio.errors import ConfigurationError, DataError, counted
from metastudio.images.archives import unpack as unpack_archive
from metastudio.images.class_depth import depth_choices
from metastudio.images.class_split import class_list_text, split_classes
from metastudio.images.duplicates import near_duplicate_problems
from metastudio.images.image_folder import ImageIndex
from metastudio.images.image_folder import scan as scan_folders
from metastudio.images.image_store import open_store
from metastudio.images.near_duplicates import near_duplicates
from metastudio.images.part_names import part_of_list
from metastudio.images.pixel_moments import pixel_moments
from metastudio.images.split_guard import group_problems, same_content_problems
from metastudio.runs.atomic import resources, write_atomically
from metastudio.runs.class_map import ClassMap, compared
from metastudio.runs.questions import ClassPictures
from metastudio.runs.run_folder import RunFolder

app = typer.Typer(help="Look at folders of images.", no_args_is_help=True, rich_markup_mode="markdown")

Folders = Annotated[
    list[Path],
    typer.Argument(metavar="FOLDER…", help="Folders of images, or .csv lists of them.", show_default=False),
]

Depth = Annotated[
    int,
    typer.Option(
        "--depth",
        metavar="N",
        min=0,
        help="How many folders below FOLDER name a class, where folders lie in folders; 0 for all of them.",
    ),
]


@app.command()
def scan(folders: Folders, depth: Depth = 0, as_json: AsJson = False) -> None:
    """Say how folders are understood: layout, classes, numbers of pictures. Opens no picture; ends with 3 without any.

    Where folders lie in folders, it is listed what each --depth would give.

    A .csv list (or .tsv) names its columns in the first row: `filename,label`, or `path;class;split`. Rows that cannot
    be taken are listed with their number and the reason.

    Examples: `metastudio images scan omniglot`, `metastudio images scan omniglot --depth 2`,
    `metastudio images scan train.csv val.csv test.csv`
    """
    with Report(as_json=as_json) as report:
        index = _index(folders, report, depth)
        for each in index.classes:
            report.tell(kind="class", name=each.name, pictures=len(each.files), part=each.part)
        groups = Counter(each.group or each.name for each in index.classes)
        for group, count in list(groups.items())[:20]:
            pictures = sum(len(each.files) for each in index.classes if (each.group or each.name) == group)
            classes = f"{count:,} classes, " if count > 1 else ""
            report.say(f"  {group}: {classes}{counted(pictures, '1 picture', '{count} pictures')}")
        if len(groups) > 20:
            report.say(f"  … and {len(groups) - 20:,} more.")
        _report_depths(index, folders, depth, report)
        report.problems(index.problems)
        if not index.classes:
            raise DataError("No picture was found.", where=", ".join(map(str, folders)))


def _report_depths(index: ImageIndex, folders: list[Path], depth: int, report: Report) -> None:
    """Say what else a class can be, or with which option training takes the depth that was asked for."""
    roots = [str(each.absolute()) for each in folders]
    if depth:
        depths = json.dumps(dict.fromkeys(roots, depth), ensure_ascii=False).replace('": ', '" = ')
        report.say(f"Use it with: --set {shlex.quote(f'data.class_depths={depths}')}")
        return
    choices = depth_choices(index.classes, roots)
    if choices:
        report.say("Folders lie in folders. A class can be:")
    for each in choices:
        taken = ", taken here" if not each.depth else ""
        report.say(f"  --depth {each.depth}: {each.title}{taken} ({each.example_text()})")
        report.tell(kind="depth", depth=each.depth, classes=each.count, title=str(each.title), examples=each.examples)


@app.command()
def check(
    folders: Folders,
    size: Annotated[int, typer.Option(min=8, max=512, help="Side that the pictures are brought to, in px.")] = 28,
    depth: Depth = 0,
    as_json: AsJson = False,
) -> None:
    """Open every picture and list what cannot be read, what lies twice or nearly, and what is odd; nothing is changed.

    Ends with 3 where no picture at all can be read.

    Example: `metastudio images check photos`
    """
    with Report(as_json=as_json) as report:
        index = _index(folders, report, depth)
        store = open_store(index, Preprocessing(image_size=size), on_progress=report.counter("reading pictures"))
        report.problems(index.problems)
        report.problems(store.problems, most=1000)
        groups = near_duplicates(store, on_progress=report.counter("looking for pictures alike"))
        report.problems(near_duplicate_problems(groups, store.index), most=1000)
        parts = {each.name: each.part for each in store.index.classes if each.part}
        report.problems(same_content_problems(store.index, store.index.classes, parts, groups))
        report.problems(group_problems(parts))
        readable = store.index.file_count
        one, many = "{readable} of 1 picture can be used.", "{readable} of {count} pictures can be used."
        report.say(counted(index.file_count, one, many, readable=f"{readable:,}"))
        report.tell(kind="checked", readable=readable, pictures=index.file_count)
        if not readable:
            raise DataError("No picture can be read.", where=", ".join(map(str, folders)))


@app.command()
def moments(
    folders: Folders,
    learnt: Annotated[
        Path | None,
        typer.Option("--list", metavar="FILE", help="Only classes that this list names: those to learn from."),
    ] = None,
    size: Annotated[int, typer.Option(min=8, max=512, help="Side that the pictures are brought to, in px.")] = 28,
    grey: Annotated[bool, typer.Option("--grey", help="Only brightness.")] = False,
    fit: Annotated[str, typer.Option(help="How they are brought to the square: crop, pad or stretch.")] = "crop",
    invert: Annotated[bool, typer.Option("--invert", help="With brightness inverted.")] = False,
    depth: Depth = 0,
    as_json: AsJson = False,
) -> None:
    """Measure mean and standard deviation of the pixels, and say the options that normalise pictures by them.

    Up to 1,000 pictures are read, as evenly from the classes as can be, the same ones each time.

    Example: `metastudio images moments photos --size 84 --list split/train.json`
    """
    with Report(as_json=as_json) as report:
        values = {"image_size": size, "colour": "grey" if grey else "colour", "fit": fit, "invert": invert}
        preprocessing = parse_experiment({"data": {"preprocessing": values}}).data.preprocessing
        usual = dict(Preprocessing())
        index = _index(folders, report, depth)
        classes = index.classes
        if learnt is not None:
            parts = split_classes(index, ListedSplit(meta_train=str(learnt.absolute())))
            classes = tuple(each for each in classes if parts.get(each.name) is Part.META_TRAIN)
        left_out: list[str] = []
        mean, deviation = pixel_moments(
            classes,
            preprocessing,
            on_progress=report.counter("reading pictures"),
            on_unreadable=left_out.append,
        )
        if left_out:
            one, many = "1 picture cannot be read and is left out.", "{count} pictures cannot be read and are left out."
            report.say(f"! {counted(len(left_out), one, many)}", "yellow")
        report.say(f"mean {', '.join(f'{each:g}' for each in mean)}")
        report.say(f"standard deviation {', '.join(f'{each:g}' for each in deviation)}")
        report.tell(kind="moments", mean=mean, standard_deviation=deviation, unreadable=len(left_out))
        given = preprocessing.changed(normalization="given", mean=mean, standard_deviation=deviation)
        options = [f"data.preprocessing.{name}={_as_value(value)}" for name, value in given if value != usual[name]]
        report.say("Use them with: " + " ".join(f"--set {shlex.quote(each)}" for each in options))


def _as_value(value: object) -> object:
    """Return a value as `--set` takes it."""
    return list(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else value


@app.command()
def unpack(
    archive: Annotated[Path, typer.Argument(metavar="ARCHIVE", help="A zip or tar of pictures.", show_default=False)],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The new folder.", show_default=False)],
    as_json: AsJson = False,
) -> None:
    """Unpack the pictures and lists of an archive into a new folder, all of it or nothing.

    Everything is looked at first. One entry that leads out of the folder, a link, a device, an encrypted one, two that
    would be one file, or more than pictures could need: the whole archive is refused with every reason, ending with 3.
    Reads .zip, .tar, .tar.gz, .tar.bz2 and .tar.xz; a folder around everything is left away.

    Example: `metastudio images unpack leaves.zip leaves`
    """
    with Report(as_json=as_json) as report:
        looking, writing = report.counter("looking into the archive"), report.counter("unpacking")
        contents = unpack_archive(
            archive, folder, on_progress=lambda done, total: (writing if total else looking)(done, total)
        )
        pictures = counted(contents.pictures, "1 picture", "{count} pictures")
        lists = counted(contents.lists, "1 list", "{count} lists")
        report.say(f"{pictures} and {lists} are in {folder}.")
        report.problems(contents.notes())
        report.tell(kind="unpacked", path=str(folder.absolute()), pictures=contents.pictures, lists=contents.lists)


@app.command()
def split(
    folders: Folders,
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where the lists are written.", show_default=False)
    ],
    shares: Annotated[
        tuple[float, float, float],
        typer.Option(metavar="TRAIN VAL TEST", help="Shares of meta-train, meta-val and meta-test."),
    ] = (0.64, 0.16, 0.2),
    seed: Annotated[int, typer.Option(min=0, help="Another seed deals the classes differently.")] = 0,
    whole_groups: Annotated[
        bool, typer.Option("--whole-groups", help="Deal alphabets, domains and other folders of classes whole.")
    ] = False,
    lists: Annotated[
        list[Path] | None,
        typer.Option(
            "--list",
            metavar="FILE",
            help="Take classes as a file called train, val or test (.json, .txt) names them; may be given often.",
        ),
    ] = None,
    by_folders: Annotated[
        bool, typer.Option("--by-folders", help="Take the parts that folders or .csv lists say.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace lists that are there.")] = False,
    depth: Depth = 0,
    as_json: AsJson = False,
) -> None:
    """Deal the classes to meta-train, meta-val and meta-test, and write train.json, val.json and test.json.

    The same shares and seed deal alike in the window and in training; `data.split.kind=lists` reads the lists again.

    Examples: `metastudio images split omniglot --out split --shares 0.7 0.1 0.2 --seed 3`,
    `metastudio images split omniglot --out split --whole-groups`,
    `metastudio images split omniglot --out split --list train.json --list test.json`
    """
    with Report(as_json=as_json) as report:
        wanted = _split_of(shares, seed, lists or [], by_folders=by_folders, whole_groups=whole_groups)
        paths = {part: out / f"{part.value.removeprefix('meta_')}.json" for part in Part}
        if not overwrite and (there := [str(each) for each in paths.values() if each.exists()]):
            raise ConfigurationError(
                "A list is there already.", where=there[0], todo="Choose another folder, or add --overwrite."
            )
        parts = split_classes(_index(folders, report, depth), wanted)
        with resources(out.absolute()):
            out.mkdir(parents=True, exist_ok=True)
        for part, path in paths.items():
            names = [name for name, own in parts.items() if own is part]
            write_atomically(path.absolute(), class_list_text(names))
            report.say(counted(len(names), "1 class", "{count} classes") + f" {part.label}: {path}")
            report.tell(kind="list", part=part, classes=len(names), path=str(path.absolute()))
        report.problems(group_problems(parts))
        options = " ".join(f"--set data.split.{part}={shlex.quote(str(path))}" for part, path in paths.items())
        report.say(f"Use them with: --set data.split.kind=lists {options}")


@app.command()
def distances(
    folders: Folders,
    run: Annotated[
        Path | None,
        typer.Option(
            "--run", metavar="RUN", help="Compare the features of this run's model; without it, pixels are compared."
        ),
    ] = None,
    checkpoint: Annotated[
        int | None,
        typer.Option("--checkpoint", metavar="ITERATION", help="Another checkpoint than the best one."),
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, help="Most pictures of a class that are compared.")] = 20,
    size: Annotated[int, typer.Option(min=8, max=512, help="Side that raw pictures are brought to, in px.")] = 28,
    most: Annotated[int, typer.Option(min=1, help="How many pairs are listed.")] = 10,
    depth: Depth = 0,
    as_json: AsJson = False,
) -> None:
    """Say which classes are hard to tell apart: for a trained model, or before anyone trains, from raw pixels.

    Listed are the two classes, how many of their pictures lie nearer to the other one, and how far their centres are
    apart, in spreads of the classes; the hardest pairs first.

    Examples: `metastudio images distances omniglot`, `metastudio images distances omniglot --run RUN --most 30`
    """
    from metastudio.engine.adaptation import trained_learner
    from metastudio.engine.class_map import class_map

    with Report(as_json=as_json) as report:
        found = None if run is None else existing_run(run)
        index = _index(folders, report, depth)
        answer = class_map(
            [ClassPictures(name=each.name, files=compared(each.files, most=pictures)) for each in index.classes],
            Preprocessing(image_size=size),
            None if found is None else trained_learner(found, checkpoint),
            on_phase=report.counter,
        )
        _report_map(ClassMap.of(answer), found, most, report)


def _report_map(found: ClassMap, run: RunFolder | None, most: int, report: Report) -> None:
    seen_by = "raw pixels, no model"
    if run is not None:
        seen_by = f"the features of {run.name}, iteration {found.iteration}"
        if found.trained_on:
            seen_by += f", which was trained on {found.trained_on:,} of them"
    report.say(f"{len(found.names):,} classes, up to {max(found.pictures)} pictures each, compared by {seen_by}.")
    for each in found.problems:
        report.say(f"! {each}", "yellow")
    report.tell(
        kind="distances",
        run="" if run is None else run.name,
        iteration=found.iteration,
        trained_on=found.trained_on,
        classes=len(found.names),
        problems=found.problems,
    )
    for pair in found.pairs(most):
        report.say(f"{pair.first} and {pair.second}: {pair.about()}")
        report.tell(
            kind="pair",
            first=pair.first,
            second=pair.second,
            confusion=_known(pair.confusion),
            separation=_known(pair.separation),
        )


def _known(number: float) -> float | None:
    return None if math.isnan(number) else round(number, 4)


def _split_of(
    shares: tuple[float, float, float], seed: int, lists: list[Path], *, by_folders: bool, whole_groups: bool
) -> Split:
    """Return the split that the options mean.

    Raises:
        ConfigurationError: if they are wrong, or a list is not called like a part.
    """
    named = {each: part_of_list(each) for each in lists}
    if strange := [str(each) for each, part in named.items() if part is None]:
        raise ConfigurationError(
            "This list does not say which part it is of.",
            where=strange[0],
            todo="Call it train, val or test, with .json or .txt.",
        )
    values: dict[str, Any] = {"kind": "random", "seed": seed, "whole_groups": whole_groups}
    values |= {part.value: share for part, share in zip(Part, shares, strict=True)}
    if by_folders:
        values = {"kind": "folders"}
    elif named:
        values = {"kind": "lists", "meta_train": ""}
        values |= {part.value: str(each.absolute()) for each, part in named.items() if part}
    return parse_experiment({"data": {"split": values}}).data.split


def _index(folders: list[Path], report: Report, depth: int = 0) -> ImageIndex:
    missing = [each for each in folders if not each.exists()]
    if missing:
        raise DataError("There is no such folder.", where=", ".join(map(str, missing)))
    on_progress = report.counter("looking at folders")
    depths = dict.fromkeys(map(str, folders), depth) if depth else {}
    index = scan_folders(folders, depths=depths, on_progress=lambda done: on_progress(done, 0))
    pictures = counted(index.file_count, "1 picture", "{count} pictures")
    classes = counted(len(index.classes), "1 class", "{count} classes")
    report.say(f"{pictures} in {classes}, layout '{index.layout}'")
    report.tell(kind="scanned", pictures=index.file_count, classes=len(index.classes), layout=index.layout)
    return index
