"""Where an experiment computes is one word, which is taken apart in one place."""

from __future__ import annotations

import pytest

from metastudio.catalog.device_name import DeviceName, may_share, parse_device


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("auto", DeviceName("auto")),
        ("cpu", DeviceName("cpu")),
        ("cuda:12", DeviceName("cuda", 12)),
        ("cuda*4", DeviceName("cuda", None, 4)),
        ("cpu*2", DeviceName("cpu", None, 2)),
    ],
)
def test_a_name_is_taken_apart(name: str, device: DeviceName) -> None:
    assert parse_device(name) == device


@pytest.mark.parametrize("name", ["", "gpu", "cpu:1", "cuda:1*2", "cuda*0", "cuda*", "auto*2", "mps*2", "cuda*1000"])
def test_what_is_no_device_is_none(name: str) -> None:
    assert parse_device(name) is None


@pytest.mark.parametrize(
    ("first", "second", "may"),
    [
        ("cpu", "cpu*2", True),
        ("cpu", "cuda", False),
        ("cuda", "cuda:0", True),
        ("cuda", "cuda:1", False),
        ("cuda*2", "cuda:1", True),
        ("cuda*2", "cuda:2", False),
        ("auto", "mps", True),
        ("toaster", "cpu", True),
    ],
)
def test_jobs_share_a_device_where_one_takes_what_the_other_does(first: str, second: str, may: bool) -> None:
    assert may_share(first, second) is may
    assert may_share(second, first) is may
