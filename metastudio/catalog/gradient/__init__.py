"""The menu of methods that learn an initialisation and adapt it by gradient steps: one file a method."""

from __future__ import annotations

from metastudio.catalog.gradient import (
    alpha_maml,
    body_or_head,
    cavia,
    hypernetwork,
    imaml,
    leo,
    maml,
    maml_plus_plus,
    meta_curvature,
    meta_sgd,
    meta_transfer,
    mmaml,
    proto_maml,
    reptile,
)

ENTRIES = (
    *maml.ENTRIES,
    *reptile.ENTRIES,
    *maml_plus_plus.ENTRIES,
    *meta_sgd.ENTRIES,
    *alpha_maml.ENTRIES,
    *meta_curvature.ENTRIES,
    *body_or_head.ENTRIES,
    *cavia.ENTRIES,
    *imaml.ENTRIES,
    *mmaml.ENTRIES,
    *proto_maml.ENTRIES,
    *hypernetwork.ENTRIES,
    *leo.ENTRIES,
    *meta_transfer.ENTRIES,
)
