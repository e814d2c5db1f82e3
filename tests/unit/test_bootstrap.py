"""The set-up of a bare machine, as far as it can be tried without being one."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGING = PROJECT / "packaging"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """`packaging/environment.py`, with an environment of its own in `tmp_path`."""
    monkeypatch.syspath_prepend(str(PACKAGING))
    import environment as module

    venv = tmp_path / ".venv"
    monkeypatch.setattr(module, "VENV", venv)
    monkeypatch.setattr(module, "STAMP", venv / "metastudio-setup.json")
    return module


@pytest.fixture
def torch_build(environment: ModuleType) -> ModuleType:
    return environment.torch_build


@pytest.fixture
def qt_libraries(environment: ModuleType) -> ModuleType:
    import qt_libraries as module

    return module


def bootstrap(*arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """Run bootstrap.py; `code` is run before it in the same process."""
    program = f"import sys, runpy\nsys.argv = ['bootstrap.py', *{list(arguments)!r}]\n{code}\n"
    program += f"runpy.run_path({str(PACKAGING / 'bootstrap.py')!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False, cwd=PACKAGING
    )


def test_a_wrong_python_is_told_which_one_is_needed() -> None:
    run = bootstrap("run", code="sys.version_info = (3, 9, 2, 'final', 0)")
    assert run.returncode == 1
    assert "needs Python 3.11, 3.12 or 3.13, and this is 3.9" in run.stderr


def test_an_unknown_command_shows_the_known_ones() -> None:
    run = bootstrap("start")
    assert run.returncode == 1
    assert "Unknown command 'start'" in run.stderr
    assert "bootstrap.py test" in run.stderr


def test_the_entry_parses_on_an_old_python() -> None:
    source = (PACKAGING / "bootstrap.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    with pytest.raises(SyntaxError):
        ast.parse("(a := 1)", feature_version=(3, 6))


@pytest.mark.parametrize("name", ["runtime", "test"])
def test_a_lock_has_hashes_and_neither_torch_nor_a_server(name: str) -> None:
    text = (PACKAGING / "locks" / f"{name}.txt").read_text(encoding="utf-8")
    packages = [line.split("==")[0] for line in text.splitlines() if "==" in line]
    assert packages
    assert "torch" not in packages
    assert not [each for each in packages if each.startswith(("nvidia", "triton", "torch"))]
    assert "://" not in text
    blocks = re.split(r"\n(?=\S)", text.split("\n", 1)[1].strip())
    assert [block.split("\n")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_test_lock_holds_the_runtime_lock_in_the_same_versions() -> None:
    def versions(name: str) -> set[str]:
        lines = (PACKAGING / "locks" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        return {line.rstrip(" \\") for line in lines if "==" in line}

    assert versions("runtime") < versions("test")


def test_every_dependency_of_the_project_is_locked_or_chosen(environment: ModuleType) -> None:
    import tomllib

    import lock

    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = {lock.name_of(line) for line in (lock.LOCKS / "test.txt").read_text().splitlines() if "==" in line}
    wanted = {lock.name_of(each) for each in project["dependencies"] + project["optional-dependencies"]["test"]}
    assert wanted - locked == lock.CHOSEN_BY_BOOTSTRAP


def test_torch_is_the_cpus_first_and_cuda_last_without_a_driver(torch_build: ModuleType) -> None:
    ways = torch_build.ways(system="Linux", has_nvidia_driver=False)
    assert ["cpu" in " ".join(way.arguments) for way in ways] == [True, True, False]
    assert "2.7 GB" in ways[-1].sentence


def test_torch_is_cudas_first_with_a_driver(torch_build: ModuleType) -> None:
    ways = torch_build.ways(system="Linux", has_nvidia_driver=True)
    assert ways[0].arguments == (f"torch==={torch_build.VERSION}",)
    assert len(ways) == 3


def test_the_next_way_to_torch_is_tried_when_one_fails(
    torch_build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[list[str]] = []
    monkeypatch.setattr(torch_build, "importable", lambda python: len(tried) == 2)
    monkeypatch.setattr(torch_build, "has_nvidia_driver", lambda: False)
    monkeypatch.setattr(torch_build.platform, "system", lambda: "Linux")
    said: list[str] = []

    def try_install(arguments: list[str]) -> tuple[bool, str]:
        tried.append(arguments)
        return len(tried) == 2, "no such build"

    torch_build.ensure(Path("python"), try_install, said.append)
    assert len(tried) == 2
    assert "PyTorch's own index" in said[-1]


def test_without_any_torch_the_machine_is_named(
    torch_build: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch_build, "importable", lambda python: False)
    monkeypatch.setattr(torch_build, "has_nvidia_driver", lambda: False)
    with pytest.raises(SystemExit, match="could be installed for"):
        torch_build.ensure(Path("python"), lambda arguments: (False, "the last words of pip"), lambda sentence: None)
    assert "the last words of pip" in capsys.readouterr().err


def test_an_older_torch_than_the_floor_does_not_count(torch_build: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("__version__ = '2.9.1'", encoding="utf-8")
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    assert not torch_build.importable(program)
    (tmp_path / "torch.py").write_text("__version__ = '2.10.0+cu130'", encoding="utf-8")
    assert torch_build.importable(program)


def make_environment(environment: ModuleType, *, stamped_with: dict[str, str]) -> Path:
    """Put what looks like a finished environment where `environment` expects it."""
    python = environment.python_of(environment.VENV)
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (environment.VENV / "pyvenv.cfg").write_text("version = 3.11.7\n", encoding="utf-8")
    environment.STAMP.write_text(json.dumps(environment._signatures("test") | stamped_with), encoding="utf-8")
    return Path(python)


@pytest.mark.parametrize("lock", ["runtime", "test"])
def test_an_environment_that_is_set_up_is_used_at_once(environment: ModuleType, lock: str) -> None:
    python = make_environment(environment, stamped_with={})
    assert environment.ensure(lock) == python


@pytest.mark.parametrize("changed", ["runtime", "python", "torch", "project"])
def test_a_changed_lock_python_torch_or_place_is_set_up_again(
    environment: ModuleType, changed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_environment(environment, stamped_with={changed: "another"})
    installed: list[str] = []
    monkeypatch.setattr(environment, "_ensure_venv", lambda: None)
    monkeypatch.setattr(environment, "install", lambda pip, arguments: installed.extend(arguments))
    monkeypatch.setattr(environment.torch_build, "ensure", lambda *arguments: None)
    environment.ensure("runtime")
    assert any(word.endswith("runtime.txt") for word in installed)
    installed.clear()
    environment.ensure("runtime")
    assert installed == []


def test_an_environment_whose_python_is_gone_is_made_anew(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = make_environment(environment, stamped_with={})
    python.unlink()
    assert environment._stamp() == {}
    monkeypatch.setattr(environment, "_has", lambda module: module == "pip")
    environment._ensure_venv()
    is_outside = "import sys; sys.exit(sys.prefix == sys.base_prefix)"
    assert subprocess.run([python, "-c", is_outside], check=False).returncode == 0
    assert "does not run any more" in capsys.readouterr().out


def test_a_python_without_pip_and_ensurepip_is_told_what_to_install(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "_has", lambda module: False)
    with pytest.raises(SystemExit, match="apt-get install python3-pip"):
        environment._ensure_venv()
    assert not environment.VENV.exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("WARNING: Retrying ... NewConnectionError(...)", "no network"),
        ("OSError: [Errno 28] No space left on device", "is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that was locked"),
        ("no such option: --python", "too old"),
        ("anything else", "its last lines above say why"),
    ],
)
def test_a_failed_installation_says_why(environment: ModuleType, words: str, sentence: str) -> None:
    pip = [sys.executable, "-c", f"import sys; sys.exit({words!r})"]
    with pytest.raises(SystemExit, match=sentence):
        environment.install(pip, [])


def test_libraries_that_load_are_not_missed_and_others_are(
    qt_libraries: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(qt_libraries, "_is_linux", lambda: True)
    assert qt_libraries.missing({"libnothing-of-the-kind.so.9": "libnothing9"}) == {
        "libnothing-of-the-kind.so.9": "libnothing9"
    }
    monkeypatch.setattr(qt_libraries, "_loads", lambda name: name == "libGL.so.1")
    assert "libgl1" not in qt_libraries.missing(qt_libraries.WITHOUT_A_SCREEN).values()
    assert "libegl1" in qt_libraries.missing(qt_libraries.WITHOUT_A_SCREEN).values()


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="asks for root's number")
def test_root_gets_missing_libraries_and_others_get_the_line_to_run(
    qt_libraries: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = set(qt_libraries.WITHOUT_A_SCREEN) - {"libEGL.so.1"}
    monkeypatch.setattr(qt_libraries, "_is_linux", lambda: True)
    monkeypatch.setattr(qt_libraries, "_loads", lambda name: name in there)
    monkeypatch.setattr(qt_libraries.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(qt_libraries, "_apt_install", lambda packages: there.add("libEGL.so.1"))
    monkeypatch.setattr(qt_libraries.os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match=r"sudo apt-get install -y libegl1$"):
        qt_libraries.ensure(with_a_screen=False)
    monkeypatch.setattr(qt_libraries.os, "geteuid", lambda: 0)
    qt_libraries.ensure(with_a_screen=False)


def test_the_suite_fails_when_one_check_fails_and_says_which(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import launch

    monkeypatch.setattr(launch.qt_libraries, "ensure", lambda **needs: None)
    checks = [("one", ["a_module_that_is_absent"]), ("two", ["this"])]
    monkeypatch.setattr(launch, "_checks", lambda arguments: checks)
    assert launch.suite(Path(sys.executable), []) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "» Failed: one"


@pytest.mark.parametrize(
    ("display", "opens", "expected"), [("", True, "demo"), (":9", False, "demo"), (":9", True, "--sample")]
)
def test_without_a_display_the_job_runs_in_the_terminal(
    environment: ModuleType, monkeypatch: pytest.MonkeyPatch, display: str, opens: bool, expected: str
) -> None:
    import launch

    called: list[str] = []
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr(launch.platform, "system", lambda: "Linux")
    monkeypatch.setattr(launch.qt_libraries, "ensure", lambda **needs: None)
    monkeypatch.setattr(launch, "_can_open_a_window", lambda python: opens)
    monkeypatch.setattr(launch, "_become", lambda command: called.extend(command) or 0)
    assert launch.studio(Path("python"), []) == 0
    assert called[-1] == expected
