"""What is said of the images before anyone reads them: folders, layout, preprocessing, class split."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import Field, model_validator

from metastudio.catalog.settings import Settings, option


class Part(StrEnum):
    """The three disjoint shares of the classes."""

    META_TRAIN = "meta_train"
    META_VAL = "meta_val"
    META_TEST = "meta_test"

    @property
    def label(self) -> str:
        """As people write it: ``meta-val``."""
        return self.value.replace("_", "-")


class Layout(StrEnum):
    """What says which class an image belongs to: its folder, or the row of a list."""

    AUTO = "auto"
    CLASS_FOLDERS = "class_folders"
    NESTED = "nested"
    SPLIT_FOLDERS = "split_folders"
    CSV_LIST = "csv_list"


Moments = tuple[tuple[float, ...], tuple[float, ...]]
"""Mean and standard deviation of pixels in [0, 1], a number for each channel."""

_KNOWN_MOMENTS: Final = MappingProxyType(
    {
        ("symmetric", 1): ((0.5,), (0.5,)),
        ("symmetric", 3): ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ("imagenet", 1): ((0.449,), (0.226,)),
        ("imagenet", 3): ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    }
)
"""What the choices of `Preprocessing.normalization` mean, by the number of channels."""

_ChannelMean = Annotated[float, Field(ge=0, le=1)]
_ChannelDeviation = Annotated[float, Field(ge=0.001, le=1)]


class Preprocessing(Settings):
    """How a picture becomes what the network sees: the same in training, adaptation and every export."""

    image_size: int = option(
        28,
        title="Image size",
        help="Side of the square that every picture is brought to; larger shows more detail and costs time in square.",
        unit="px",
        ge=8,
        le=512,
    )
    colour: Literal["grey", "colour"] = option(
        "colour", title="Colour", help="Whether the network sees colour or only brightness."
    )
    fit: Literal["crop", "pad", "stretch"] = option(
        "crop",
        title="Fit to the square",
        help="Crop keeps the middle, pad adds white margins and keeps everything, stretch distorts.",
    )
    invert: bool = option(
        False,
        title="Invert brightness",
        help="Makes dark ink on light paper bright on dark, which drawings train better with.",
    )
    normalization: Literal["none", "symmetric", "imagenet", "given"] = option(
        "none",
        title="Normalisation",
        help="The numbers that the network gets: 'none' from 0 for black to 1 for white, 'symmetric' from -1 to 1, "
        "'imagenet' as networks trained on ImageNet want them, 'given' less a mean and divided by a deviation.",
    )
    mean: tuple[_ChannelMean, ...] = option(
        (),
        title="Mean",
        help="Subtracted where normalisation is 'given'; of pixels from 0 to 1, one number for each channel.",
    )
    standard_deviation: tuple[_ChannelDeviation, ...] = option(
        (),
        title="Standard deviation",
        help="What is left is divided by it where normalisation is 'given'; one number for each channel.",
    )

    @model_validator(mode="after")
    def _numbers_fit(self) -> Preprocessing:
        counts = len(self.mean), len(self.standard_deviation)
        if self.normalization != "given" and any(counts):
            raise ValueError(
                f"mean and standard_deviation count only with normalization 'given', here it is "
                f"'{self.normalization}': empty both, or choose 'given'"
            )
        if self.normalization == "given" and counts != (self.channels, self.channels):
            raise ValueError(
                f"normalization 'given' wants {self.channels} number{'s' * (self.channels > 1)} in mean and in "
                f"standard_deviation ({self.colour}), there are {counts[0]} and {counts[1]}"
            )
        return self

    @property
    def channels(self) -> int:
        """C: 1 for grey, 3 for colour."""
        return 1 if self.colour == "grey" else 3

    @property
    def moments(self) -> Moments | None:
        """What is subtracted and divided by, None where pixels stay in [0, 1]."""
        if self.normalization == "given":
            return self.mean, self.standard_deviation
        return _KNOWN_MOMENTS.get((self.normalization, self.channels))

    @property
    def input_range(self) -> tuple[float, float]:
        """The lowest and the highest number that the network can get, of any channel."""
        mean, deviation = self.moments or ((0.0,), (1.0,))
        lowest = min((0 - each) / by for each, by in zip(mean, deviation, strict=True))
        return lowest, max((1 - each) / by for each, by in zip(mean, deviation, strict=True))

    def changed(self, **fields: object) -> Preprocessing:
        """Return the same with other fields; numbers that are given and not among them follow colour and inversion."""
        after = {**self.model_dump(), **fields}
        if self.normalization == after["normalization"] == "given":
            count = 1 if after["colour"] == "grey" else 3
            mean, deviation = (_for_channels(each, count) for each in (self.mean, self.standard_deviation))
            if after["invert"] != self.invert:
                mean = tuple(round(1 - each, 6) for each in mean)
            after |= {"mean": mean, "standard_deviation": deviation} | fields
        elif self.normalization == "given":
            after |= {"mean": (), "standard_deviation": ()}
        return Preprocessing.model_validate(after)


def _for_channels(numbers: tuple[float, ...], count: int) -> tuple[float, ...]:
    """Return a number for each channel: grey takes the mean of three, colour one for all."""
    return numbers if len(numbers) == count else (round(sum(numbers) / len(numbers), 4),) * count


class RandomSplit(Settings):
    """Classes dealt at random; the same seed gives the same split."""

    kind: Literal["random"] = "random"
    meta_train: float = option(0.64, title="Meta-train", help="Share of the classes to learn from.", gt=0, le=1)
    meta_val: float = option(0.16, title="Meta-val", help="Share that chooses the best checkpoint.", ge=0, lt=1)
    meta_test: float = option(0.20, title="Meta-test", help="Share kept for the final number.", ge=0, lt=1)
    seed: int = option(0, title="Split seed", help="Another seed deals the classes differently.", ge=0)
    whole_groups: bool = option(
        False,
        title="Keep groups whole",
        help="Deals alphabets, domains and other folders of classes whole, so that none lies in two parts; the shares "
        "are met less closely.",
    )

    @model_validator(mode="after")
    def _shares_add_up(self) -> RandomSplit:
        total = self.meta_train + self.meta_val + self.meta_test
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the three shares add up to {total:g}, they must add up to 1")
        return self


class ListedSplit(Settings):
    """Classes named by files: JSON ({alphabet: [character]} or a list of names) or text, one class a line."""

    kind: Literal["lists"] = "lists"
    meta_train: str = option(title="Meta-train list", help="File that names the classes to learn from.")
    meta_val: str = option("", title="Meta-val list", help="File that names the validation classes.")
    meta_test: str = option("", title="Meta-test list", help="File that names the test classes.")


class FolderSplit(Settings):
    """The folders themselves say it: train, val and test; so may the column of a list, or lists of these names."""

    kind: Literal["folders"] = "folders"


class ManualSplit(Settings):
    """Every class placed by hand."""

    kind: Literal["manual"] = "manual"
    parts: dict[str, Part] = option(title="Parts", help="The part of each class.", default_factory=dict)


Split = Annotated[RandomSplit | ListedSplit | FolderSplit | ManualSplit, Field(discriminator="kind")]


class DataSpec(Settings):
    """Which images, how they are read, and how their classes are split."""

    folders: tuple[str, ...] = option(
        (), title="Folders", help="Folders of images, a class is a folder; or .csv lists of them."
    )
    layout: Layout = option(
        Layout.AUTO,
        title="Layout",
        help="What names classes: folders, or a .csv list beside the pictures; 'auto' looks at what is there.",
        advanced=True,
    )
    class_depths: dict[str, Annotated[int, Field(ge=1)]] = option(
        title="Class depth",
        help="For a folder, how many folders below it name a class; without a number all of them do, down to the "
        "pictures. Fewer make larger classes: alphabets instead of characters.",
        advanced=True,
        default_factory=dict,
    )
    excluded_classes: tuple[str, ...] = option((), title="Excluded classes", help="Classes left out.", advanced=True)
    excluded_files: tuple[str, ...] = option((), title="Excluded files", help="Pictures left out.", advanced=True)
    merged_classes: dict[str, str] = option(
        title="Merged classes",
        help="Classes whose pictures count for another class, which is named behind each.",
        advanced=True,
        default_factory=dict,
    )
    moved_files: dict[str, str] = option(
        title="Moved files",
        help="Pictures that count for another class than their folder says, which is named behind each.",
        advanced=True,
        default_factory=dict,
    )
    preprocessing: Preprocessing = Preprocessing()
    split: Split = RandomSplit()
    rotations_as_classes: bool = option(
        False,
        title="Rotations as classes",
        help="Every meta-train class counts four times, turned by 0, 90, 180 and 270 degrees; right for characters, "
        "wrong for things that look the same turned.",
    )

    @model_validator(mode="after")
    def _merging_takes_one_step(self) -> DataSpec:
        for name, into in self.merged_classes.items():
            if name == into:
                raise ValueError(f"class '{name}' cannot be merged into itself")
            if further := self.merged_classes.get(into):
                raise ValueError(
                    f"class '{name}' is merged into '{into}', which is merged into '{further}' itself; "
                    f"name the class that keeps its name"
                )
        return self
