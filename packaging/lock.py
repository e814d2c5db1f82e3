"""Write the lock files anew from pyproject.toml; for maintainers, with `uv` on the path or in the environment.

Torch itself stays out of the locks, because `bootstrap.py` chooses its build; its pure dependencies are in them, so
that torch can be installed alone. Packages that need torch are locked as if they did not.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCKS = PROJECT / "packaging" / "locks"
CHOSEN_BY_BOOTSTRAP = {"torch"}
NEEDED_BY_TORCH = (
    "filelock",
    "fsspec>=0.8.5",
    "jinja2",
    "networkx>=2.5.1",
    "setuptools>=77.0.3",
    "sympy>=1.13.3",
    "typing-extensions>=4.10",
)


def name_of(requirement: str) -> str:
    """Return the bare package name of a requirement: ``"torch>=2.10"`` gives ``"torch"``."""
    return re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()


def compile_lock(requirements: list[str], lock: Path, *, constraints: Path | None = None) -> None:
    """Resolve `requirements` for Python 3.11 and later, on every system, and write them with their hashes to `lock`.

    Raises:
        SystemExit: torch came in through another package, or a line names a server.
    """
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    command = [uv, "pip", "compile", "-", "--universal", "--python-version", "3.11", "--generate-hashes", "--upgrade"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    if constraints:
        command += ["--constraints", str(constraints)]
    with tempfile.TemporaryDirectory() as folder:
        never = Path(folder) / "overrides.txt"
        never.write_text("".join(f"{name} ; sys_platform == 'never'\n" for name in CHOSEN_BY_BOOTSTRAP))
        command += ["--overrides", str(never), *(f"--no-emit-package={name}" for name in CHOSEN_BY_BOOTSTRAP)]
        run = subprocess.run(command, input="\n".join(requirements), text=True, stdout=subprocess.PIPE, check=True)
    names = {name_of(line) for line in run.stdout.splitlines() if "==" in line}
    if names & CHOSEN_BY_BOOTSTRAP or "://" in run.stdout:
        sys.exit(f"{lock.name}: a locked package drags torch in, or a line names a server.")
    lock.write_text("# Made by packaging/lock.py from pyproject.toml.\n" + run.stdout, encoding="utf-8")
    print(f"{lock.relative_to(PROJECT)}: {len(names)} packages")


def main() -> None:
    """Write runtime.txt, and test.txt with the same versions and the test tools."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    runtime = [each for each in project["dependencies"] if name_of(each) not in CHOSEN_BY_BOOTSTRAP]
    runtime += NEEDED_BY_TORCH
    compile_lock(runtime, LOCKS / "runtime.txt")
    tools = project["optional-dependencies"]["test"]
    compile_lock([*runtime, *tools], LOCKS / "test.txt", constraints=LOCKS / "runtime.txt")


if __name__ == "__main__":
    main()
