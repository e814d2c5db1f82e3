"""Who may import whom: the table of the architecture page, read from the source, and held in real processes."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
PACKAGE = PROJECT / "metastudio"
# Libraries that import torch themselves: barred wherever torch is.
TORCH = ("torch", "torchvision", "transformers", "timm", "onnxscript")
QT = ("PySide6", "shiboken6", "pyqtgraph", "qtawesome")
QT_WITHOUT_CORE = ("PySide6.QtWidgets", "PySide6.QtGui", "pyqtgraph", "qtawesome")
GROUND = ("errors", "logs", "paths")


@dataclass(frozen=True)
class Layer:
    """What one part of the package may import of ours, and what it never imports."""

    ours: tuple[str, ...]
    never: tuple[str, ...]


LAYERS = {
    "errors": Layer((), TORCH + QT),
    "logs": Layer((), TORCH + QT),
    "paths": Layer((), TORCH + QT),
    "catalog": Layer(("catalog",), TORCH + QT),
    "images": Layer(("images", "catalog"), TORCH + QT),
    "runs": Layer(("runs", "catalog", "images"), TORCH + QT),
    "engine": Layer(("engine", "catalog", "images", "runs"), QT),
    "jobs": Layer(("jobs", "catalog", "images", "runs"), TORCH + QT_WITHOUT_CORE),
    "gui": Layer(("gui", "jobs", "catalog", "images", "runs"), TORCH),
    # The command line opens engine and window inside the command that needs them, never at the top of the file.
    "cli": Layer(("cli", "catalog", "images", "runs"), TORCH + QT),
    "__main__": Layer(("cli",), TORCH + QT),
}
INSIDE_A_FUNCTION = {"cli": ("engine", "gui"), "__main__": ("cli", "engine", "gui")}
ALGORITHMS_MAY_USE = ("inner_loop", "backbones", "tasks.episode", "tasks.pixels", "algorithms.base")
# Files of `engine/algorithms` that belong to no family: what every algorithm builds on.
SHARED_BY_ALGORITHMS = ("base", "adapted_network", "gradient_learner", "judged", "prototypes")


@dataclass(frozen=True)
class Import:
    """One imported module, by its full name, and whether it is imported when the file is."""

    module: str
    line: int
    at_the_top: bool


def _only_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)


def _walk(node: ast.AST, *, at_the_top: bool) -> Iterator[tuple[ast.stmt, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, at_the_top
        elif _only_for_types(child):
            continue
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from _walk(child, at_the_top=at_the_top and not inside)


@cache
def imports_of(file: Path) -> tuple[Import, ...]:
    """Return every module that `file` imports; ``from a import b`` counts as ``a.b``."""
    found: list[Import] = []
    package = file.relative_to(PROJECT).with_suffix("").parts[:-1]
    for node, at_the_top in _walk(ast.parse(file.read_text(encoding="utf-8")), at_the_top=True):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, node.lineno, at_the_top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            found += [Import(f"{base}.{alias.name}", node.lineno, at_the_top) for alias in node.names]
    return tuple(found)


def _is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == name or module.startswith(f"{name}.") for name in packages)


def layer_of(file: Path) -> str:
    return file.relative_to(PACKAGE).with_suffix("").parts[0]


def sources() -> list[Path]:
    return [file for file in sorted(PACKAGE.rglob("*.py")) if file != PACKAGE / "__init__.py"]


def test_every_part_of_the_package_has_its_line_in_the_table() -> None:
    assert sorted({layer_of(file) for file in sources()} - set(LAYERS)) == []


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_file_imports_only_what_its_layer_may(file: Path) -> None:
    layer = layer_of(file)
    rule = LAYERS[layer]
    offences = []
    for each in imports_of(file):
        late = () if each.at_the_top else INSIDE_A_FUNCTION.get(layer, ())
        ours = each.module.removeprefix("metastudio.")
        if each.module.startswith("metastudio.") and not _is_in(ours, (*GROUND, *rule.ours, *late, "__version__")):
            offences.append(f"line {each.line}: {layer} may not import {each.module}")
        if _is_in(each.module, rule.never):
            offences.append(f"line {each.line}: {layer} never imports {each.module}")
    assert offences == []


@pytest.mark.parametrize(
    "file", sorted((PACKAGE / "engine" / "algorithms").glob("[a-z]*.py")), ids=lambda file: file.stem
)
def test_an_algorithm_uses_the_common_ground_and_no_other_family(file: Path) -> None:
    allowed = (*ALGORITHMS_MAY_USE, *(f"algorithms.{name}" for name in SHARED_BY_ALGORITHMS))
    engine = "metastudio.engine."
    used = [each.module.removeprefix(engine) for each in imports_of(file) if each.module.startswith(engine)]
    assert [module for module in used if not _is_in(module, allowed)] == []


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import metastudio.gui.app", "torch"),
        ("import metastudio.jobs.job_queue", "torch"),
        ("import metastudio.engine.training.trainer", "PySide6"),
        ("import metastudio.engine.serve", "PySide6"),
    ],
)
def test_a_fresh_process_never_loads_the_other_side(statement: str, absent: str) -> None:
    _run(f"{statement}\nimport sys\nassert {absent!r} not in sys.modules")


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["new", "--set", "no.such.option=1"]])
def test_help_and_wrong_options_load_neither_torch_nor_qt(arguments: list[str]) -> None:
    _run(
        f"import sys, atexit\nsys.argv = ['metastudio', *{arguments!r}]\nimport metastudio.__main__ as program\n"
        "try:\n    program.main()\nexcept SystemExit:\n    pass\n"
        "assert not {'torch', 'PySide6'} & set(sys.modules), sorted({'torch', 'PySide6'} & set(sys.modules))"
    )


def _run(code: str) -> None:
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
