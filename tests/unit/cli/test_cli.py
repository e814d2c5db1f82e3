"""The program's front door."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from metastudio.cli import app, overview
from metastudio.errors import ResourceError

PROJECT = Path(__file__).resolve().parents[3]
COMMANDS = (
    *("new", "train", "forecast", "evaluate", "adapt", "export", "compare", "runs", "devices", "catalog"),
    *("pause", "finish", "discard", "restore", "extend", "serve", "demo"),
)
HEAVY = "[name for name in ('torch', 'PySide6') if name in sys.modules]"


def in_a_process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the program, and let it end with 99 if torch or Qt were imported."""
    script = (
        "import sys; from metastudio.__main__ import main; code = main(sys.argv[1:]);"
        f"sys.stderr.write(str({HEAVY})); sys.exit(99 if {HEAVY} else code)"
    )
    return subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS), ("images",), ("images", "scan")])
def test_every_command_explains_itself(command: tuple[str, ...], metastudio: Callable[..., object]) -> None:
    said = metastudio(*command, "--help")
    assert said.code == 0
    assert "Usage" in said.out
    if command and command != ("images",):
        assert "Example" in said.out or command == ("devices",)
    if len(command) < 2 and command != ("images",):
        assert "Exit codes" in said.out


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--help",), 0),
        (("train", "--help"), 0),
        (("catalog", "maml"), 0),
        (("trian",), 2),
        (("train", "missing.toml"), 2),
        (("train", "--images", ".", "--set", "seeed=1"), 2),
        (("new", "x.toml", "--recipe", "nothing"), 2),
        (("images", "scan", "missing"), 3),
    ],
)
def test_help_and_wrong_usage_import_neither_torch_nor_qt(arguments: tuple[str, ...], code: int) -> None:
    ended = in_a_process(*arguments)
    assert ended.returncode == code, ended.stderr


def test_help_is_there_in_a_moment() -> None:
    times = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "metastudio", "--help"], cwd=PROJECT, check=True, capture_output=True)
        times.append(time.monotonic() - began)
    assert min(times) < 4  # 0.4 s on an idle machine; torch alone takes longer than this on a busy one


def test_an_unknown_command_gets_a_did_you_mean(metastudio: Callable[..., object]) -> None:
    said = metastudio("trian")
    assert said.code == 2
    assert "Did you mean 'train'?" in said.err


def test_an_error_says_its_code_and_what_to_do(metastudio: Callable[..., object]) -> None:
    said = metastudio("catalog", "mamll")
    assert said.code == 2
    assert said.err == (
        "MS-200 The catalogue has nothing called 'mamll'. Did you mean 'maml'? `metastudio catalog` lists everything.\n"
    )
    assert said.out == ""


def test_an_error_as_json_is_a_failed_event(metastudio: Callable[..., object]) -> None:
    said = metastudio("catalog", "mamll", "--json")
    [line] = said.lines
    assert (line["kind"], line["code"], line["exit_code"]) == ("failed", "MS-200", 2)
    assert said.err == ""


def test_a_bug_leaves_a_crash_report(metastudio: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(folder: Path) -> list[object]:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(overview, "list_runs", broken)
    said = metastudio("runs", "ü")
    assert said.code == 70
    assert "ZeroDivisionError: on purpose" in said.err
    report = Path(said.err.split("The crash report lies in ")[1].strip())
    text = report.read_text(encoding="utf-8")
    assert "arguments: ['runs', 'ü']" in text
    assert "in broken" in text
    assert "torch 2" in text


def test_signals_outside_training_end_with_their_code(
    metastudio: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    import os
    import signal

    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):

        def interrupted(folder: Path, number: int = number) -> list[object]:
            os.kill(os.getpid(), number)
            time.sleep(5)
            raise AssertionError("the signal did not arrive")

        before = signal.getsignal(number)
        monkeypatch.setattr(overview, "list_runs", interrupted)
        assert metastudio("runs").code == code
        assert signal.getsignal(number) is before


@pytest.mark.parametrize("arguments", [[], ["--sample"], ["{project}"], ["{project}/project.toml"]])
def test_the_studio_opens_without_a_command(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metastudio: Callable[..., object]
) -> None:
    (tmp_path / "project.toml").write_text("")
    asked = [each.format(project=tmp_path) for each in arguments]
    opened: list[list[str]] = []
    monkeypatch.setattr(app, "_studio", lambda given: opened.append(given) or 0)
    assert metastudio(*asked).code == 0
    assert opened == [asked]


def test_a_studio_without_a_screen_ends_with_5(
    monkeypatch: pytest.MonkeyPatch, metastudio: Callable[..., object]
) -> None:
    def no_screen(_: list[str]) -> int:
        raise ResourceError("There is no screen.", todo="Take the commands.")

    monkeypatch.setattr(app, "_studio", no_screen)
    said = metastudio()
    assert said.code == 5
    assert "MS-500 There is no screen. Take the commands." in said.err


def test_the_better_allocator_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(app.os, "execve", lambda program, argv, env: started.append((argv, env)))
    monkeypatch.setattr(app.sys, "orig_argv", ["python", "-m", "metastudio", "train", "x"])
    for name in app._ALLOCATOR:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(app.sys, "platform", "win32")
    app._take_better_allocator()
    assert started == []
    monkeypatch.setattr(app.sys, "platform", "linux")
    app._take_better_allocator()
    [(argv, env)] = started
    assert argv == [sys.executable, "-m", "metastudio", "train", "x"]
    assert env["MALLOC_MMAP_MAX_"] == "0"
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "0")
    app._take_better_allocator()
    assert len(started) == 1, "no process starts itself over again and again"
