"""Random changes of the pictures that are trained on: what can be switched on, and how strong it is."""

from __future__ import annotations

from typing import Final, Literal

from metastudio.catalog.data_spec import Preprocessing
from metastudio.catalog.settings import Settings, option

_OF_COLOUR = ("saturation", "hue")

STRENGTHS: Final = {
    "flip": "",
    "rotate": "rotate_degrees",
    "shift": "shift_percent",
    "scale": "scale_percent",
    "crop": "crop_percent",
    "brightness": "brightness_percent",
    "contrast": "contrast_percent",
    "saturation": "saturation_percent",
    "hue": "hue_percent",
    "erase": "erase_percent",
    "blur": "blur_percent",
}
"""The option of each change that says how strong it is. Their order decides what is drawn: new ones go to the end."""


class Augmentation(Settings):
    """Random changes of pictures, in training only; every draw is another, and a function of the seed."""

    pictures: Literal["all", "support", "query"] = option(
        "all",
        title="Pictures changed",
        help="Those of a training task that are changed: all, only those to learn from, or only those asked about.",
        advanced=True,
    )
    flip: bool = option(
        False,
        title="Mirror",
        help="Mirrors every second picture, left to right, at random; a mirrored letter may be another letter.",
    )
    rotate: bool = option(False, title="Turn", help="Turns each picture a little, to either side.")
    rotate_degrees: int = option(
        15,
        title="Turned by up to",
        help="More makes the model bear more tilt, until things are taken for others.",
        unit="°",
        ge=1,
        le=45,
        advanced=True,
    )
    shift: bool = option(False, title="Shift", help="Moves each picture to a side; its edge fills the gap.")
    shift_percent: int = option(
        10,
        title="Shifted by up to",
        help="Share of the side; more moves parts of things out of the picture.",
        unit="%",
        ge=1,
        le=50,
        advanced=True,
    )
    scale: bool = option(False, title="Scale", help="Makes each picture larger or smaller about its middle.")
    scale_percent: int = option(
        20,
        title="Scaled by up to",
        help="More makes the model bear more differences of size.",
        unit="%",
        ge=1,
        le=50,
        advanced=True,
    )
    crop: bool = option(False, title="Cut out", help="Shows a part of each picture, at random, as large as the whole.")
    crop_percent: int = option(
        30,
        title="Cut off up to",
        help="Share of the side that is left out; more loses more of what is to be seen.",
        unit="%",
        ge=1,
        le=75,
        advanced=True,
    )
    brightness: bool = option(False, title="Brightness", help="Makes each picture lighter or darker.")
    brightness_percent: int = option(
        20,
        title="Brighter by up to",
        help="Share of the way from black to white; more loses light and dark parts.",
        unit="%",
        ge=1,
        le=100,
        advanced=True,
    )
    contrast: bool = option(False, title="Contrast", help="Makes each picture harder or flatter.")
    contrast_percent: int = option(
        20,
        title="Contrast by up to",
        help="At 100 a picture may become one grey.",
        unit="%",
        ge=1,
        le=100,
        advanced=True,
    )
    saturation: bool = option(False, title="Saturation", help="Makes the colours of each picture stronger or paler.")
    saturation_percent: int = option(
        30,
        title="Saturation by up to",
        help="At 100 a picture may lose its colours.",
        unit="%",
        ge=1,
        le=100,
        advanced=True,
    )
    hue: bool = option(
        False, title="Hue", help="Moves all colours of each picture round the colour wheel; wrong where colour tells."
    )
    hue_percent: int = option(
        5,
        title="Hue moved by up to",
        help="Share of the whole wheel; at 50 red may become its opposite.",
        unit="%",
        ge=1,
        le=50,
        advanced=True,
    )
    erase: bool = option(
        False,
        title="Erase",
        help="Fills a rectangle of every second picture, at random, with its mean colour, so that no one part decides.",
    )
    erase_percent: int = option(
        20,
        title="Erased up to",
        help="Share of the area; more hides more of what is to be seen.",
        unit="%",
        ge=1,
        le=50,
        advanced=True,
    )
    blur: bool = option(False, title="Blur", help="Makes each picture less sharp, some more than others.")
    blur_percent: int = option(
        3,
        title="Blurred by up to",
        help="Standard deviation as a share of the side; more leaves only coarse shapes.",
        unit="%",
        ge=1,
        le=10,
        advanced=True,
    )

    @property
    def switched_on(self) -> tuple[str, ...]:
        """The changes that are switched on, in the order in which they are made."""
        return tuple(name for name in STRENGTHS if getattr(self, name))

    def effective(self, preprocessing: Preprocessing) -> tuple[str, ...]:
        """Return the changes that are switched on and do something to pictures prepared in this way."""
        return tuple(name for name in self.switched_on if not without_effect(name, preprocessing))

    def alone(self, name: str) -> Augmentation:
        """Return these settings with one change switched on and no other."""
        return self.model_copy(update={each: each == name for each in STRENGTHS})


def without_effect(name: str, preprocessing: Preprocessing) -> str:
    """Return why a change does nothing to pictures prepared in this way, as a sentence; empty where it does."""
    if name in _OF_COLOUR and preprocessing.colour == "grey":
        return "Pictures are grey for the network: there is no colour to change."
    return ""
