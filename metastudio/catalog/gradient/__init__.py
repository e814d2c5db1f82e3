"""The menu of methods that learn an initialisation and adapt it by gradient steps: one file a method."""

from __future__ import annotations

from metastudio.catalog.gradient import maml, reptile

ENTRIES = (*maml.ENTRIES, *reptile.ENTRIES)
