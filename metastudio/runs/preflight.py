"""What prevents a run from starting, or will disappoint: the same sentences in window, command line and worker."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from metastudio.catalog.augmentation import without_effect
from metastudio.catalog.data_spec import Part, Preprocessing
from metastudio.catalog.device_name import KINDS, parse_device
from metastudio.catalog.entry import Entry
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.catalog.experiment import ExperimentConfig, TargetTask
from metastudio.catalog.menu import ALGORITHMS
from metastudio.errors import ConfigurationError, DataError, MetaStudioError, Problem, Severity, did_you_mean, problem
from metastudio.images.episode_limits import limits
from metastudio.images.image_folder import ImageIndex, select
from metastudio.runs import checkpoint_files
from metastudio.runs.initial_weights import named_start
from metastudio.runs.run_folder import RunFolder

_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}
_ROTATIONS = 4
_OF_IMAGES = {
    "no-images",
    "no-classes",
    "too-few-classes",
    "too-few-images",
    "target-classes",
}


def preflight(experiment: ExperimentConfig, index: ImageIndex, parts: Mapping[str, Part]) -> tuple[Problem, ...]:
    """Return everything that is wrong, errors first; `where` is a dotted option name, a class or a file.

    Args:
        experiment: What shall be trained.
        index: The images; what the experiment excludes is left out here.
        parts: The part of each class; classes without one are not used.
    """
    used = select(index, experiment.data)
    entry = ALGORITHMS[experiment.algorithm.name]
    if not used.classes:
        found = [
            problem(
                "no-images",
                "There are no images yet.",
                where="data.folders",
                todo="Add a folder with a folder of images for each class.",
            )
        ]
    else:
        found = [*_of_parts(experiment, entry, used, parts), *_of_episodes(experiment, entry, used, parts)]
    found += _of_settings(experiment, entry)
    found += _of_augmentation(experiment)
    for target in experiment.targets:
        found += _of_target(target, experiment, entry)
    return tuple(sorted(found, key=lambda each: _RANK[each.severity]))


def require_start(experiment: ExperimentConfig, index: ImageIndex, parts: Mapping[str, Part]) -> tuple[Problem, ...]:
    """Return what will disappoint, where nothing prevents the start.

    Raises:
        DataError: if only the images prevent it; with all problems.
        ConfigurationError: if options prevent it, with all problems.
    """
    found = preflight(experiment, index, parts)
    errors = [each for each in found if each.severity is Severity.ERROR]
    if not errors:
        return found
    if all(each.code in _OF_IMAGES for each in errors):
        raise DataError("The images do not fit the experiment.", problems=errors)
    raise ConfigurationError("This experiment cannot be trained.", problems=errors)


def train_spec(experiment: ExperimentConfig) -> EpisodeSpec:
    """Return the shape of training episodes, with the shots that the method trains with."""
    spec = experiment.episodes.for_training()
    shots = getattr(experiment.algorithm, "train_n_shot", 0)
    return spec.model_copy(update={"n_shot": shots}) if shots else spec


def part_spec(experiment: ExperimentConfig, part: Part) -> EpisodeSpec:
    """Return the shape of a part's episodes, in the plain three numbers."""
    return train_spec(experiment) if part is Part.META_TRAIN else experiment.episodes.for_test()


def train_class_count(experiment: ExperimentConfig, index: ImageIndex, parts: Mapping[str, Part]) -> int:
    """Return how many classes are learnt from, each rotation counted as one where they are classes.

    A class without a readable picture is in no worker's index, whatever part it was given.
    """
    turns = _ROTATIONS if experiment.data.rotations_as_classes else 1
    return turns * sum(parts.get(each.name) is Part.META_TRAIN for each in index.classes)


def _of_parts(
    experiment: ExperimentConfig, entry: Entry, index: ImageIndex, parts: Mapping[str, Part]
) -> Iterator[Problem]:
    count = train_class_count(experiment, index, parts)
    enough = entry.capabilities.min_train_classes
    if 0 < count < enough:
        yield problem(
            "few-classes",
            "{title} makes sense from about {enough} classes to learn from, and there are {count}.",
            one="{title} makes sense from about {enough} classes to learn from, and there is 1.",
            where="data.split",
            severity=Severity.WARNING,
            todo="Add classes, or take the plain classifier or Prototypical Networks.",
            title=entry.title,
            enough=enough,
            count=count,
        )


def _of_episodes(
    experiment: ExperimentConfig, entry: Entry, index: ImageIndex, parts: Mapping[str, Part]
) -> Iterator[Problem]:
    rotations = experiment.data.rotations_as_classes
    test_shape = experiment.episodes.for_test()
    for each in limits(index, parts, Part.META_TRAIN, train_spec(experiment), rotations_as_classes=rotations):
        if entry.capabilities.is_episodic or each.code == "no-classes":
            yield each
    for each in limits(index, parts, Part.META_VAL, test_shape):
        # without enough classes nothing is validated, which can be
        yield each if each.code == "too-few-images" else replace(each, severity=Severity.WARNING)
    for each in limits(index, parts, Part.META_TEST, test_shape):
        is_asked = experiment.evaluation.after_training
        yield replace(each, severity=Severity.ERROR if is_asked else Severity.WARNING)


def _of_settings(experiment: ExperimentConfig, entry: Entry) -> Iterator[Problem]:
    spec = experiment.episodes
    if not entry.capabilities.any_n_way and spec.for_training().n_way < spec.n_way:
        yield problem(
            "ways-at-test",
            "{title} trained with {trained} ways cannot be tested with {tested}.",
            where="episodes.train_n_way",
            todo="Take at least as many ways in training, or a method for any number: {able}.",
            title=entry.title,
            trained=spec.for_training().n_way,
            tested=spec.n_way,
            able=_any_n_way(),
        )
    if experiment.data.preprocessing.image_size < experiment.backbone.smallest_image_px:
        yield problem(
            "small-images",
            "Images of {size} pixels are too small for four halvings.",
            where="data.preprocessing.image_size",
            todo="Take at least {smallest} pixels, or Conv4 with strided downsampling.",
            size=experiment.data.preprocessing.image_size,
            smallest=experiment.backbone.smallest_image_px,
        )
    if entry.capabilities.has_inner_loop and entry.capabilities.is_episodic and not experiment.algorithm.inner_steps:
        yield problem(
            "no-inner-steps",
            "With no inner steps nothing is adapted in training.",
            where="algorithm.inner_steps",
            severity=Severity.WARNING,
            todo="Take at least one step.",
        )
    if parse_device(experiment.device) is None:
        yield problem(
            "unknown-device",
            "There is no device called '{device}'.{hint}",
            where="device",
            todo="Known: auto, cpu, cuda, cuda:0, cuda*2, cpu*2, mps.",
            device=experiment.device,
            hint=did_you_mean(experiment.device, KINDS),
        )
    keeps_backbone = entry.capabilities.keeps_backbone or getattr(experiment.algorithm, "is_frozen", False)
    if keeps_backbone and not experiment.initial_weights:
        yield problem(
            "untrained-start",
            "{title} keeps the network as it starts, and without a run to start from that is at random.",
            where="initial_weights",
            severity=Severity.WARNING,
            todo="Train the plain classifier first, and name the folder of its run.",
            title=entry.title,
        )
    n_way, tasks = spec.for_training().n_way, experiment.training.meta_batch_size
    if getattr(experiment.algorithm, "adds_hard_tasks", False) and tasks < n_way:
        yield problem(
            "no-hard-tasks",
            "A hard task takes one class from each of {n_way} tasks, and a step has {tasks}: there will be none.",
            where="algorithm.adds_hard_tasks",
            severity=Severity.WARNING,
            todo="Take at least {n_way} tasks a step, or add no hard tasks.",
            n_way=n_way,
            tasks=tasks,
        )
    if experiment.initial_weights:
        yield from _of_start(experiment)


def _of_start(experiment: ExperimentConfig) -> Iterator[Problem]:
    """Look at the run whose weights are the start."""
    folder, checkpoint = named_start(experiment.initial_weights)
    run = RunFolder(folder)
    is_there = checkpoint.is_dir() if checkpoint is not None else checkpoint_files.list_checkpoints(run)
    if not run.exists() or not is_there:
        yield problem(
            "no-initial-weights",
            "No run with a checkpoint lies in '{folder}'.",
            where="initial_weights",
            todo="Name the folder of a run that has trained, or of one of its checkpoints, or leave it empty.",
            folder=experiment.initial_weights,
        )
        return
    try:
        theirs = _preprocessing_of(run, run.experiment_path.stat().st_mtime_ns)
    except (OSError, MetaStudioError) as error:
        yield problem(
            "no-initial-weights",
            "The experiment of the run in '{folder}' cannot be read: {why}",
            where="initial_weights",
            todo="Put its folder back from a copy, or start from another run.",
            folder=run.path,
            why=str(error),
        )
        return
    ours = experiment.data.preprocessing
    if different := [name for name in Preprocessing.model_fields if getattr(ours, name) != getattr(theirs, name)]:
        yield problem(
            "start-saw-otherwise",
            "The run that this one starts from saw its pictures otherwise: {names}.",
            where="data.preprocessing",
            severity=Severity.WARNING,
            todo="Choose the same on the Images page, unless it is meant so.",
            names=", ".join(str(Preprocessing.model_fields[name].title) for name in different),
        )


@lru_cache(maxsize=8)  # asked at every change in the window, and large where many pictures are left out
def _preprocessing_of(run: RunFolder, _written_ns: int) -> Preprocessing:
    return run.experiment().data.preprocessing


def _of_augmentation(experiment: ExperimentConfig) -> Iterator[Problem]:
    preprocessing = experiment.data.preprocessing
    for name in experiment.augmentation.switched_on:
        if reason := without_effect(name, preprocessing):
            yield problem(
                "augmentation-without-effect",
                reason,
                where=f"augmentation.{name}",
                severity=Severity.WARNING,
                todo="Switch it off, or let the network see colour.",
            )
    if experiment.augmentation.flip and (experiment.data.rotations_as_classes or preprocessing.invert):
        yield problem(
            "mirrored-drawings",
            "Pictures are mirrored in training, and these look like characters or drawings.",
            where="augmentation.flip",
            severity=Severity.WARNING,
            todo="Switch it off if a mirrored one means something else, as b and d do.",
        )


def _of_target(target: TargetTask, experiment: ExperimentConfig, entry: Entry) -> Iterator[Problem]:
    where = f"targets.{target.name}"
    missing = [
        path
        for path in (*target.unlabelled, *(path for each in target.classes for path in (*each.support, *each.query)))
        if not Path(path).is_file()
    ]
    usable = [each for each in target.classes if any(path not in set(missing) for path in each.support)]
    if len(usable) < 2:
        yield problem(
            "target-classes",
            "The target task '{target}' has {count} classes with support pictures, and two are needed.",
            one="The target task '{target}' has 1 class with support pictures, and two are needed.",
            where=where,
            todo="Drop pictures into another class, or remove the task.",
            target=target.name,
            count=len(usable),
        )
    ways = experiment.episodes.for_training().n_way
    if not entry.capabilities.any_n_way and len(usable) > ways:
        yield problem(
            "target-ways",
            "The target task '{target}' has {count} classes, and {title} trains to tell {ways} apart.",
            where=where,
            todo="Train with {count} ways, or take a method for any number: {able}.",
            target=target.name,
            count=len(usable),
            title=entry.title,
            ways=ways,
            able=_any_n_way(),
        )
    if missing:
        yield problem(
            "target-missing-files",
            "{count} pictures of the target task '{target}' are not there; the first is '{first}'.",
            one="1 picture of the target task '{target}' is not there: '{first}'.",
            where=where,
            severity=Severity.WARNING,
            todo="They will be left out.",
            count=len(missing),
            target=target.name,
            first=missing[0],
        )
    unused = sorted({each.name for each in target.classes} - {each.name for each in usable})
    if unused and len(usable) >= 2:
        yield problem(
            "target-empty-class",
            "The target task '{target}' has no support pictures for '{name}'.",
            where=where,
            severity=Severity.WARNING,
            todo="The class will be left out.",
            target=target.name,
            name="', '".join(unused),
        )


def _any_n_way() -> str:
    return ", ".join(entry.title for entry in ALGORITHMS.values() if entry.capabilities.any_n_way)
