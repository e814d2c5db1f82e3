"""The whole experiment, as one typed value: what is trained, on what, how, and what happens at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union

from pydantic import Field, model_validator

from metastudio.catalog.augmentation import Augmentation
from metastudio.catalog.backbones import Conv4Config, Statistics
from metastudio.catalog.data_spec import DataSpec
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.catalog.gradient.maml import MAMLConfig
from metastudio.catalog.menu import ALGORITHMS, BACKBONES
from metastudio.catalog.settings import Settings, option

SCHEMA_VERSION: Final = 1
CARD_SUFFIX: Final = ".taskcard"
"""Of a file that holds one target task, to be shared."""

if TYPE_CHECKING:  # the menu decides what is in the unions; for the type checker they are any settings with a name
    AlgorithmConfig = Any
    BackboneConfig = Any
else:
    AlgorithmConfig = Annotated[
        Union[tuple(entry.config_type for entry in ALGORITHMS.values())],  # noqa: UP007
        Field(discriminator="name"),
    ]
    BackboneConfig = Annotated[
        Union[tuple(entry.config_type for entry in BACKBONES.values())],  # noqa: UP007
        Field(discriminator="name"),
    ]


class TrainingSpec(Settings):
    """The outer loop."""

    iterations: int = option(
        2000,
        title="Iterations",
        help="Outer steps; more learn more, until validation stops rising.",
        unit="iterations",
        ge=1,
        le=10_000_000,
    )
    meta_batch_size: int = option(
        16,
        title="Tasks per step",
        help="Episodes averaged in one outer step; more are steadier and take longer.",
        unit="episodes",
        ge=1,
        le=1024,
    )
    optimizer: Literal["adam", "sgd"] = option(
        "adam", title="Outer optimiser", help="Adam suits most methods; Reptile uses plain steps.", advanced=True
    )
    outer_lr: float = option(
        1e-3, title="Outer learning rate", help="How far an outer step moves; too high and the loss jumps.", gt=0, le=10
    )
    drop_tasks: float = option(
        0.0,
        title="Drop broken tasks",
        help="Largest share of a step's tasks left out where a loss is not a number; 0 stops at the first.",
        ge=0,
        le=0.9,
        advanced=True,
    )
    schedule: Literal["constant", "linear", "cosine", "halving"] = option(
        "constant",
        title="Schedule",
        help="How the outer learning rate falls: not at all, straight to zero, as a cosine to zero, or by halves.",
    )
    halve_every: int = option(
        2000,
        title="Halve every",
        help="Iterations between two halvings, for the halving schedule.",
        unit="iterations",
        ge=1,
        advanced=True,
    )
    gradient_clip: float = option(
        0.0,
        title="Clip gradient at",
        help="Longest allowed outer gradient, 0 for no limit; lower survives wild tasks and learns slower.",
        ge=0,
        advanced=True,
    )
    validate_every: int = option(
        200,
        title="Validate every",
        help="Iterations between two validations; rarer is faster and finds the best checkpoint less exactly.",
        unit="iterations",
        ge=1,
    )
    validation_episodes: int = option(
        100,
        title="Validation episodes",
        help="Episodes of one validation; more narrow its interval and take longer.",
        unit="episodes",
        ge=2,
        le=100_000,
        advanced=True,
    )
    checkpoint_every: int = option(
        200,
        title="Checkpoint every",
        help="Iterations between two checkpoints; rarer writes less and loses more if the machine dies.",
        unit="iterations",
        ge=1,
        advanced=True,
    )
    keep_checkpoints: int = option(
        3, title="Checkpoints kept", help="Newest checkpoints kept beside the best.", ge=1, le=100, advanced=True
    )


class EvaluationSpec(Settings):
    """What is measured on meta-test, and only when asked."""

    after_training: bool = option(
        False,
        title="Evaluate on meta-test at the end",
        help="Spends the meta-test classes on a final number when training ends.",
    )
    episodes: int = option(
        600,
        title="Test episodes",
        help="Episodes of the final evaluation; more narrow the interval.",
        unit="episodes",
        ge=2,
        le=100_000,
    )
    statistics: tuple[Statistics, ...] = option(
        ("support",),
        title="Statistics at test",
        help="'support' answers each picture alone; 'batch' sees all queries together, as most papers do.",
        min_length=1,
    )


class TargetClass(Settings):
    """One class of a target task: its name and its support pictures, with queries where some are known."""

    name: str = option(title="Name", help="What the answer is called.", min_length=1)
    support: tuple[str, ...] = option((), title="Support pictures", help="Files to learn this class from.")
    query: tuple[str, ...] = option((), title="Query pictures", help="Files of this class to test with.")


class TargetTask(Settings):
    """A task that a person assembled."""

    name: str = option(title="Name", help="What the task is called.", min_length=1)
    classes: tuple[TargetClass, ...] = option((), title="Classes", help="The classes to tell apart.")
    unlabelled: tuple[str, ...] = option((), title="Pictures to classify", help="Files whose class is not known.")

    @model_validator(mode="after")
    def _names_differ(self) -> TargetTask:
        names = [each.name for each in self.classes]
        if len(set(names)) != len(names):
            raise ValueError(f"two classes of the target task '{self.name}' have the same name")
        return self


ExportFormat = Literal["checkpoint", "adapted", "onnx"]


class ExperimentConfig(Settings):
    """Everything that decides a run. Two equal experiments on the same data and machine give equal weights."""

    schema_version: Literal[1] = SCHEMA_VERSION
    name: str = option("experiment", title="Name", help="What the run is called.", min_length=1, max_length=100)
    seed: int = option(0, title="Seed", help="Another seed starts elsewhere and draws other tasks.", ge=0, lt=2**63)
    device: str = option(
        "auto",
        title="Device",
        help="Where it computes: 'auto', 'cpu', 'cuda', 'cuda:1', 'mps'; 'cuda*4' shares the tasks of a step among "
        "four graphics processors, 'cpu*2' among two processes.",
    )
    initial_weights: str = option(
        "",
        title="Start from run",
        help="Folder of a run whose backbone is the start, so that pretraining and meta-training are two queued runs; "
        "or of one of its checkpoints, to start with everything learned, where the method is the same.",
        advanced=True,
    )
    data: DataSpec = DataSpec()
    augmentation: Augmentation = Augmentation()
    episodes: EpisodeSpec = EpisodeSpec()
    algorithm: AlgorithmConfig = MAMLConfig()
    backbone: BackboneConfig = Conv4Config()
    training: TrainingSpec = TrainingSpec()
    evaluation: EvaluationSpec = EvaluationSpec()
    targets: tuple[TargetTask, ...] = option(
        (), title="Target tasks", help="Tasks that are adapted to and exported when training ends."
    )
    exports: tuple[ExportFormat, ...] = option(
        ("adapted", "onnx"),
        title="Export each target task as",
        help="What is written for each target task when training ends.",
    )

    @model_validator(mode="before")
    @classmethod
    def _backbone_has_a_name(cls, values: Any) -> Any:
        """Take a backbone without a name for Conv4, which was the only one when such files were written."""
        backbone = values.get("backbone") if isinstance(values, dict) else None
        if isinstance(backbone, dict) and "name" not in backbone:
            return values | {"backbone": {"name": Conv4Config().name} | backbone}
        return values
