"""The menu of networks that turn an image into features."""

from __future__ import annotations

from typing import Literal

from metastudio.catalog.entry import Entry, Family, Paper
from metastudio.catalog.settings import Settings, option

Statistics = Literal["support", "batch", "running"]
"""Where normalisation takes mean and variance from: the support images, all images of the batch, or training."""

_FOUR_HALVINGS_PX = 16


class Conv4Config(Settings):
    """Settings of the four-block convolutional network."""

    name: Literal["conv4"] = "conv4"
    filters: int = option(
        64,
        title="Filters",
        help="Channels of each block; more can tell finer things apart and cost time and memory.",
        unit="filters",
        ge=1,
        le=1024,
    )
    downsampling: Literal["max_pool", "average_pool", "stride"] = option(
        "max_pool",
        title="Downsampling",
        help="How each block halves the image; strided convolutions are fastest, max-pooling usually learns best.",
    )
    pooled_features: bool = option(
        False,
        title="Average features over the image",
        help="Averages the last feature map instead of keeping where things are; smaller, and blind to position.",
        advanced=True,
    )
    normalization: Statistics = option(
        "support",
        title="Normalisation in training",
        help="Where mean and variance come from: 'support' answers each picture alone, 'batch' is what most papers "
        "report and sees all queries together, 'running' uses averages from training.",
    )
    activation: Literal["relu", "softplus"] = option(
        "relu",
        title="Activation",
        help="The bend between layers; softplus is smooth, which only proofs of gradients need.",
        advanced=True,
    )

    @property
    def smallest_image_px(self) -> int:
        """Side of the smallest image of which the halvings leave something."""
        return 1 if self.downsampling == "stride" else _FOUR_HALVINGS_PX


class ResNet12Config(Settings):
    """Settings of the residual network of twelve layers."""

    name: Literal["resnet12"] = "resnet12"
    filters: int = option(
        64,
        title="Filters",
        help="Channels of the first block; the next have 2.5, 5 and 10 times as many. More can tell finer things apart "
        "and cost time and memory.",
        unit="filters",
        ge=1,
        le=512,
    )
    pooled_features: bool = option(
        True,
        title="Average features over the image",
        help="Averages the last feature map instead of keeping where things are; smaller, and blind to position.",
        advanced=True,
    )
    normalization: Statistics = option(
        "support",
        title="Normalisation in training",
        help="Where mean and variance come from: 'support' answers each picture alone, 'batch' is what most papers "
        "report and sees all queries together, 'running' uses averages from training.",
    )

    @property
    def smallest_image_px(self) -> int:
        """Side of the smallest image of which the halvings leave something."""
        return _FOUR_HALVINGS_PX


ENTRIES = (
    Entry(
        name="conv4",
        title="Conv4",
        family=Family.CONVOLUTIONAL,
        summary="Four small convolutional blocks: the classic of few-shot learning, quick on any machine.",
        paper=Paper(
            "Vinyals, Blundell, Lillicrap, Kavukcuoglu, Wierstra",
            "Matching Networks for One Shot Learning",
            "NeurIPS",
            2016,
            "arXiv:1606.04080",
        ),
        config_type=Conv4Config,
        runs="metastudio.engine.backbones.conv4:Conv4",
    ),
    Entry(
        name="resnet12",
        title="ResNet-12",
        family=Family.CONVOLUTIONAL,
        summary="Twelve layers in four residual blocks: sees much more than Conv4, and takes many times as long.",
        paper=Paper(
            "Lee, Maji, Ravichandran, Soatto",
            "Meta-Learning with Differentiable Convex Optimization",
            "CVPR",
            2019,
            "arXiv:1904.03758",
        ),
        config_type=ResNet12Config,
        runs="metastudio.engine.backbones.resnet12:ResNet12",
    ),
)
