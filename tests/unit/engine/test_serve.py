"""Every line gets an answer in the words of `runs/questions.py`, whatever it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from metastudio.engine.serve import converse
from metastudio.engine.session import Session
from metastudio.runs.questions import Reply


def ask(*lines: bytes | dict[str, Any]) -> list[dict[str, Any]]:
    written: list[str] = []
    converse((each if isinstance(each, bytes) else json.dumps(each).encode() for each in lines), written.append)
    for line in written:
        assert line.isascii()
        Reply.model_validate(json.loads(line))
    return [json.loads(each) for each in written]


def test_devices_are_listed() -> None:
    (reply,) = ask({"id": 7, "op": "devices"})
    assert reply["id"] == 7
    assert reply["result"]["devices"][0]["name"] == "cpu"


@pytest.mark.parametrize(
    ("line", "number", "what"),
    [
        (b"nonsense", -1, "no JSON"),
        (b"[" * 100_000, -1, "no JSON"),
        (b"\xff\xfe\x00", -1, "no JSON"),
        (b"[1]", -1, "no JSON object"),
        (b'{"op": "devices"}', -1, "needs an 'id'"),
        (b'{"id": true, "op": "devices"}', -1, "needs an 'id'"),
        (b'{"id": 3, "op": "device"}', 3, "Did you mean 'devices'?"),
        (b'{"id": 3}', 3, "no question called"),
        (b'{"id": 3, "op": ["devices"]}', 3, "no question called"),
        (b'{"id": 3, "op": "predict", "handle": "x", "files": [], "more": 1}', 3, "not complete"),
        (b'{"id": 3, "op": "predict", "handle": "x", "files": []}', 3, "no longer kept"),
        (b'{"id": 3, "op": "evaluate", "run": "/nowhere"}', 3, "There is no run here"),
    ],
)
def test_a_wrong_line_is_answered_and_the_next_one_too(line: bytes, number: int, what: str) -> None:
    wrong, right = ask(line, b"", b"  \n", {"id": 4, "op": "devices"})
    assert wrong["id"] == number
    assert what in wrong["error"]["what"]
    assert wrong["error"]["code"].startswith("MS-")
    assert right["result"]["devices"]


def test_all_that_is_missing_is_said_at_once() -> None:
    (reply,) = ask({"id": 1, "op": "adapt", "inner_steps": "many"})
    assert all(name in reply["error"]["why"] for name in ("run", "target", "inner_steps"))


@pytest.mark.expects_log("A question met a bug")
def test_a_bug_is_answered_and_does_not_end_the_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Session, "answer", broken)
    first, second = ask({"id": 1, "op": "predict", "handle": "x", "files": []}, {"id": 2, "op": "devices"})
    assert first["error"]["exit_code"] == 70
    assert "ZeroDivisionError: a bug" in first["error"]["why"]
    assert second["result"]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A real process that also prints where it should not."""
    code = (
        "import sys, builtins, os\n"
        "import metastudio.engine.serve as serve\n"
        "honest = serve.list_devices\n"
        "def noisy():\n"
        "    print('noise'); os.write(1, b'more noise\\n')\n"
        "    return honest()\n"
        "serve.list_devices = noisy\n"
        "sys.exit(serve.serve())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    yield process
    process.kill()
    process.communicate()


def test_nothing_but_answers_reaches_the_output_and_the_end_of_input_ends_it(served: subprocess.Popen[bytes]) -> None:
    out, err = served.communicate(b'{"id": 1, "op": "devices"}\n{"id": 2, "op": "devices"}', timeout=120)
    assert served.returncode == 0
    assert [json.loads(line)["id"] for line in out.splitlines()] == [1, 2]
    assert err.split() == [b"noise", b"more", b"noise"] * 2


@pytest.mark.skipif(torch.cuda.is_available(), reason="with a graphics processor torch is asked")
def test_devices_are_answered_before_torch_is_there() -> None:
    code = (
        "import sys\n"
        "from metastudio.engine import serve\n"
        'serve.converse([b\'{"id": 1, "op": "devices"}\'], lambda line: sys.exit(\'torch\' in sys.modules))'
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_name_that_is_no_text_comes_back_as_it_was(tmp_path: Path) -> None:
    name = os.fsdecode(b"/gone/\xff.png")
    line = json.dumps({"id": 1, "op": "adapt", "run": name, "target": {"name": "x"}}).encode()
    (reply,) = ask(line)
    assert reply["error"]["where"] == name
