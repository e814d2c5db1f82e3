"""What the studio asks `metastudio serve` and what it answers: one JSON line in, one JSON line out.

A request is `{"id": 7, "op": "adapt", …}`. Answers to it carry the same id: any number of
`{"id": 7, "progress": {"phase", "done", "total"}}`, then one `{"id": 7, "result": {…}}` or `{"id": 7, "error": {…}}`.
`{"op": "cancel", "id": 7}` is no question: 7 is then answered with an error as soon as it next tells its progress.
Paths travel as `os.fsdecode`d strings in ASCII JSON, so that undecodable names survive.
"""

from __future__ import annotations

import base64
import zlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from metastudio.catalog.augmentation import Augmentation
from metastudio.catalog.data_spec import Preprocessing
from metastudio.catalog.experiment import ExportFormat, TargetTask
from metastudio.runs.events import Failed


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AskDevices(_Line):
    """Which devices can compute?"""

    op: Literal["devices"] = "devices"


class Device(_Line):
    """One place to compute. `name` is what the experiment says, `title` what a person reads.

    Where it is not `is_usable`, the `note` says why.
    """

    name: str
    title: str
    free_bytes: int
    is_recommended: bool = False
    is_usable: bool = True
    note: str = ""


class Devices(_Line):
    """The answer to `AskDevices`."""

    devices: tuple[Device, ...]


class AskAdapt(_Line):
    """Adapt the best checkpoint of a run to a task, and keep the adapted model for `predict`.

    `inner_steps` -1 means as many as the experiment has at test; `checkpoint` is the iteration of another checkpoint.
    """

    op: Literal["adapt"] = "adapt"
    run: str
    target: TargetTask
    inner_steps: int = -1
    checkpoint: int | None = None


class AdaptedAnswer(_Line):
    """How adapting went.

    `losses` and `accuracies` are on the support images, before the first and after every inner step (empty for methods
    without an inner loop). `problems` lists the pictures that could not be read, and other things a person should know.
    `note` is one honest sentence about how far training data and this task lie apart, or empty.
    """

    handle: str
    classes: tuple[str, ...]
    losses: tuple[float, ...]
    accuracies: tuple[float, ...]
    inner_steps: int
    query_accuracy: float | None = None
    problems: tuple[str, ...] = ()
    note: str = ""


class AskPredict(_Line):
    """What are these pictures? Each is answered alone."""

    op: Literal["predict"] = "predict"
    handle: str
    files: tuple[str, ...]


class Prediction(_Line):
    """Probabilities in the order of the classes; empty with a `problem` where the picture could not be read."""

    file: str
    probabilities: tuple[float, ...]
    problem: str = ""


class Predictions(_Line):
    """The answer to `AskPredict`."""

    predictions: tuple[Prediction, ...]


class AskExport(_Line):
    """Write an export and verify it in a clean process.

    `target` is not needed for a checkpoint; `checkpoint` is the iteration of another checkpoint than the best.
    """

    op: Literal["export"] = "export"
    run: str
    format: ExportFormat
    folder: str
    target: TargetTask | None = None
    overwrite: bool = False
    checkpoint: int | None = None


class ExportedAnswer(_Line):
    """What was written, and how its answers compare with the model's."""

    path: str
    files: tuple[str, ...]
    largest_difference: float
    batches: tuple[int, ...]
    size_bytes: int


class AskEvaluate(_Line):
    """Spend the meta-test classes on a number: one `Evaluated` event for each kind of statistics."""

    op: Literal["evaluate"] = "evaluate"
    run: str
    episodes: int = 600
    statistics: tuple[Literal["support", "batch", "running"], ...] = ("support",)


class EvaluatedAnswer(_Line):
    """The answer to `AskEvaluate`: the lines of `Evaluated` events, also appended to the run's `evaluations/`."""

    lines: tuple[str, ...]


class ClassPictures(_Line):
    """Some pictures of one class."""

    name: str
    files: tuple[str, ...]


class AskClassDistances(_Line):
    """How hard are these classes to tell apart, for the features of a run's model or, without a run, as raw pixels?

    `preprocessing` is that of raw pixels; a run has its own. `checkpoint` is the iteration of another than the best.
    """

    op: Literal["class_distances"] = "class_distances"
    classes: tuple[ClassPictures, ...]
    preprocessing: Preprocessing = Preprocessing()
    run: str = ""
    checkpoint: int | None = None


class ClassDistancesAnswer(_Line):
    """The answer to `AskClassDistances`; `runs/class_map.py` reads it.

    Classes without a readable picture are left out, and said in `problems`. `places` is a map of the others,
    `shown_share` how much of the differences it shows. `confusion` and `separation` have a number for each two classes,
    as `class_map.packed` writes them. `trained_on` counts the classes whose names the model was trained on.
    """

    names: tuple[str, ...]
    pictures: tuple[int, ...]
    places: tuple[tuple[float, float], ...]
    shown_share: float
    confusion: str
    separation: str
    iteration: int | None = None
    trained_on: int = 0
    problems: tuple[str, ...] = ()


class AskPreview(_Line):
    """What does the network see of a picture, as it is in adaptation, and as training changes it at random?

    `first` is the number of the first of `draws` draws; each number is another draw, and always the same one.
    """

    op: Literal["preview"] = "preview"
    file: str
    preprocessing: Preprocessing
    augmentation: Augmentation = Augmentation()
    draws: int = Field(default=0, ge=0, le=32)
    first: int = Field(default=0, ge=0)


class PreviewAnswer(_Line):
    """The answer to `AskPreview`: the picture as it is, then each draw.

    `pictures` hold (side, side, channels) bytes as `packed_pixels` writes them. `least` and `most` are the lowest and
    the highest number that the network gets of the picture as it is.
    """

    side: int
    channels: int
    pictures: tuple[str, ...]
    least: float
    most: float


def packed_pixels(pixels: bytes) -> str:
    """Return bytes as a text of an answer."""
    return base64.b64encode(zlib.compress(pixels, 1)).decode("ascii")


def unpacked_pixels(text: str) -> bytes:
    """Return the bytes that `packed_pixels` wrote."""
    return zlib.decompress(base64.b64decode(text))


Question = Annotated[
    AskDevices | AskAdapt | AskPredict | AskExport | AskEvaluate | AskClassDistances | AskPreview,
    Field(discriminator="op"),
]
QUESTIONS: TypeAdapter[
    AskDevices | AskAdapt | AskPredict | AskExport | AskEvaluate | AskClassDistances | AskPreview
] = TypeAdapter(Question)


class Cancel(_Line):
    """The answer to question `id` is not wanted any more."""

    op: Literal["cancel"] = "cancel"
    id: int


class Progress(_Line):
    """How far a long answer is; `total` 0 means unknown."""

    phase: str
    done: int = 0
    total: int = 0


class Reply(_Line):
    """One line of answer: exactly one of the three is there."""

    id: int
    progress: Progress | None = None
    result: dict[str, object] | None = None
    error: Failed | None = None
