"""The whole menu: every algorithm and every backbone, by name."""

from __future__ import annotations

from types import MappingProxyType

from metastudio.catalog import backbones, gradient, metric, transfer
from metastudio.catalog.entry import Entry

ALGORITHMS: MappingProxyType[str, Entry] = MappingProxyType(
    {entry.name: entry for page in (gradient, metric, transfer) for entry in page.ENTRIES}
)
BACKBONES: MappingProxyType[str, Entry] = MappingProxyType({entry.name: entry for entry in backbones.ENTRIES})
