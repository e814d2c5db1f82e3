"""The CPU is always there; what is not there is replaced with a sentence, never silently."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from metastudio.engine import devices
from metastudio.engine.devices import list_devices, resolve_device
from metastudio.errors import ConfigurationError, ResourceError
from metastudio.runs.questions import Device

GPU = Device(name="cuda:0", title="A graphics card", free_bytes=8 << 30, is_recommended=True)


@pytest.fixture
def _no_graphics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_graphics_processors", lambda: ((), "No NVIDIA driver was found."))


@pytest.fixture
def _one_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_graphics_processors", lambda: ((GPU,), ""))


@pytest.mark.usefixtures("_no_graphics")
def test_without_a_graphics_processor_the_cpu_is_recommended_and_says_why() -> None:
    cpu, all_of_them = list_devices()
    assert (all_of_them.name, all_of_them.is_usable, all_of_them.note) == ("cuda*2", False, cpu.note)
    assert (cpu.name, cpu.is_recommended, cpu.note) == ("cpu", True, "No NVIDIA driver was found.")
    assert cpu.free_bytes > 0
    assert resolve_device("auto") == (torch.device("cpu"), "")


@pytest.mark.usefixtures("_no_graphics")
@pytest.mark.parametrize("wanted", ["cuda", "cuda:1", "mps", "cuda*2"])
def test_a_device_that_is_not_here_becomes_the_cpu_with_a_sentence(wanted: str) -> None:
    device, note = resolve_device(wanted)
    assert device == torch.device("cpu")
    assert note == f"'{wanted}' cannot be used here, so the CPU computes. No NVIDIA driver was found."


@pytest.mark.usefixtures("_one_card")
def test_a_card_is_recommended_and_taken() -> None:
    assert [each.name for each in list_devices() if each.is_recommended] == ["cuda:0"]
    for wanted in ("auto", "cuda", "cuda:0"):
        assert resolve_device(wanted) == (torch.device("cuda:0"), "")
    for wanted in ("cpu", "cpu*2"):
        assert resolve_device(wanted, place=1, of=2) == (torch.device("cpu"), "")
    all_of_them = list_devices()[-1]
    assert (all_of_them.is_usable, all_of_them.note) == (False, "This computer has only one that can.")
    with pytest.raises(ResourceError, match="2 processes and 1 graphics processors"):
        resolve_device("auto", place=1, of=2)
    assert "cuda:3" in resolve_device("cuda:3").note


def test_all_cards_at_once_are_offered_and_each_process_takes_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = tuple(GPU.model_copy(update={"name": f"cuda:{number}", "free_bytes": 1 << 30}) for number in range(3))
    monkeypatch.setattr(devices, "_graphics_processors", lambda: (cards, ""))
    all_of_them = list_devices()[-1]
    assert (all_of_them.name, all_of_them.is_usable, all_of_them.free_bytes) == ("cuda*3", True, 3 << 30)
    for place in range(3):
        for wanted in ("auto", "cuda", "cuda*3"):
            assert resolve_device(wanted, place=place, of=3) == (torch.device(f"cuda:{place}"), "")


@pytest.mark.parametrize("wanted", ["cudda", "gpu", "", "cuda:-1", "cpu0", "cuda:1*2", "cpu*0", "mps*2", "auto*2"])
def test_an_unknown_device_is_refused(wanted: str) -> None:
    with pytest.raises(ConfigurationError, match="There is no device called"):
        resolve_device(wanted)


def test_a_driver_without_a_torch_for_it_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_has_nvidia_driver", lambda: True)
    monkeypatch.setattr(devices, "_cuda_of_torch", lambda: None)
    monkeypatch.setattr(sys, "platform", "linux")
    assert "built for the CPU alone" in list_devices()[0].note


def test_what_torch_was_built_for_is_read_as_torch_says() -> None:
    assert devices._cuda_of_torch() == torch.version.cuda


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a graphics processor torch is asked")
def test_listing_devices_does_not_import_torch() -> None:
    code = "import sys; from metastudio.engine import devices; devices.list_devices(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
