"""Episodes by class: N classes at random, K support and Q query images of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from metastudio.catalog.data_spec import Part, Preprocessing
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.tasks.pixels import network_input
from metastudio.images.episode_draw import DrawnEpisode, draw_episode
from metastudio.images.image_store import ImageStore

_BATCH_STREAM = 0xBA7C4
QUARTER_TURNS = 4


class EpisodesByClass:
    """Draws episodes from a store. Episode i of a part is a pure function of (seed, part, i): no state is kept.

    In `rotated_parts` every class counts four times, turned by 0, 90, 180 and 270 degrees.
    """

    def __init__(
        self,
        store: ImageStore,
        parts: Mapping[str, Part],
        preprocessing: Preprocessing,
        *,
        seed: int,
        rotated_parts: frozenset[Part] = frozenset(),
    ) -> None:
        self.store = store
        self.preprocessing = preprocessing
        self.seed = seed
        self.rotated_parts = rotated_parts
        names = [each.name for each in store.index.classes]
        self._classes = {part: [name for name in names if parts.get(name) is part] for part in Part}
        self._image_counts = {part: [len(store.rows(name)) for name in self._classes[part]] for part in Part}
        self._starts = {part: [store.rows(name).start for name in self._classes[part]] for part in Part}

    def class_count(self, part: Part) -> int:
        """Return how many classes a part has, each rotation counted as one where they are classes."""
        return len(self._classes[part]) * self._turns(part)

    def can_give(self, part: Part, spec: EpisodeSpec) -> bool:
        """Return whether a part has the classes, and each of them the images, for episodes of this shape."""
        is_large = all(count >= spec.n_shot + spec.n_query for count in self._image_counts[part])
        return is_large and self.class_count(part) >= spec.n_way

    def episode(self, part: Part, number: int, spec: EpisodeSpec) -> Episode:
        """Return episode `number` of a part.

        Raises:
            DataError: if the part has too few classes, or a drawn class too few images.
        """
        return self.episodes(part, [number], spec)[0]

    def episodes(self, part: Part, numbers: Sequence[int], spec: EpisodeSpec) -> list[Episode]:
        """Return some episodes of a part; their pictures are read at once, which takes less time.

        Raises:
            DataError: if the part has too few classes, or a drawn class too few images.
        """
        sizes, turns = self._image_counts[part], self._turns(part)
        ways, shots, queries = spec.n_way, spec.n_shot, spec.n_query
        drawn = [
            draw_episode(sizes, ways, shots, queries, seed=self.seed, part=part, number=number, rotations=turns)
            for number in numbers
        ]
        labels = np.repeat(np.tile(np.arange(ways), 2), [shots] * ways + [queries] * ways)  # support, then query
        rows = [self._rows(part, each) for each in drawn]
        images = self._images(np.concatenate(rows), np.concatenate([each.quarter_turns[labels] for each in drawn]))
        cut = shots * ways
        of_support, of_query = torch.split(torch.from_numpy(labels), [cut, len(labels) - cut])
        return [
            Episode(
                LabelledImages(seen[:cut], of_support), LabelledImages(seen[cut:], of_query), self._names(part, each)
            )
            for seen, each in zip(torch.split(images, len(labels)), drawn, strict=True)
        ]

    def labelled_batch(self, number: int, batch_size: int) -> Episode:
        """Return plain labelled images of all meta-train classes, as the queries of an episode without support.

        Labels count the classes of meta-train in the store's order, each of its rotations after the other.
        """
        part, turns = Part.META_TRAIN, self._turns(Part.META_TRAIN)
        names = self._classes[part]
        random = np.random.Generator(np.random.PCG64(np.random.SeedSequence([self.seed, _BATCH_STREAM, number])))
        labels = random.integers(len(names) * turns, size=batch_size)
        rows = [
            self.store.rows(names[label // turns])[int(random.integers(len(self.store.rows(names[label // turns]))))]
            for label in labels
        ]
        query = LabelledImages(self._images(np.asarray(rows), labels % turns), torch.from_numpy(labels))
        nothing = LabelledImages(query.images[:0], query.labels[:0])
        return Episode(nothing, query, tuple(names))

    def _turns(self, part: Part) -> int:
        return QUARTER_TURNS if part in self.rotated_parts else 1

    def _names(self, part: Part, drawn: DrawnEpisode) -> tuple[str, ...]:
        names = self._classes[part]
        return tuple(
            f"{names[position]} ↻{90 * turns}°" if turns else names[position]
            for position, turns in zip(drawn.classes.tolist(), drawn.quarter_turns.tolist(), strict=True)
        )

    def _rows(self, part: Part, drawn: DrawnEpisode) -> NDArray[np.int64]:
        """Return the rows in the store of an episode's pictures: of each class its support, then of each its query."""
        starts = [self._starts[part][position] for position in drawn.classes.tolist()]
        chosen = zip((*starts, *starts), (*drawn.support, *drawn.query), strict=True)
        return np.concatenate([start + images for start, images in chosen])

    def _images(self, rows: NDArray[np.int64], quarter_turns: NDArray[np.int64]) -> Tensor:
        """Return images (B, C, H, W) of rows (B,), each turned by its number of quarter turns (B,)."""
        pixels = self.store.images[rows]  # (B, H, W, C)
        for turns in range(1, QUARTER_TURNS):
            turned = quarter_turns == turns
            if turned.any():
                pixels[turned] = np.rot90(pixels[turned], turns, axes=(1, 2))
        return network_input(pixels, self.preprocessing)
