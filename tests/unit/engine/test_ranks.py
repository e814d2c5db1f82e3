"""Processes that share a run meet, hear one another's errors, and compute the bits of one alone."""

from __future__ import annotations

import json
import socket

import pytest
import torch.distributed as dist

from metastudio.engine.training.ranks import Ranks
from metastudio.errors import ConfigurationError, ResourceError
from tests.processes_of_a_run import endings, ranks

MEETINGS = """
import json, os
import torch
from metastudio.engine.training.ranks import Ranks
from metastudio.errors import DataError, MetaStudioError, NumericError

class BuiltInItsOwnWay(NumericError):
    def __init__(self, row):
        super().__init__("The loss of a task is not a number.", where=f"row {row}")

with Ranks(os.environ) as ranks:
    said = {"each": ranks.each(lambda: 10 * ranks.rank), "first": ranks.first(lambda: f"of {ranks.rank}")}
    said["together"] = ranks.together(lambda: 7 + ranks.rank)
    said["gathered"] = ranks.gathered(torch.full((1, 2), float(ranks.rank))).tolist()

    def heard(call):
        try:
            ranks.each(call)
        except Exception as error:
            return [type(error).__name__, str(error)]

    def broken():
        if ranks.rank == 1:
            raise DataError("The picture '{name}' is gone.", name="a.png", where="class b")

    def bug():
        return 1 / ranks.rank if ranks.rank == 0 else 1

    def no_number():
        if ranks.rank == 1:
            raise BuiltInItsOwnWay(3)

    said["data"], said["bug"], said["number"] = heard(broken), heard(bug), heard(no_number)
    try:
        ranks.require_alike({"images": ranks.rank, "program": 1})
    except MetaStudioError as error:
        said["alike"] = str(error)
    print(json.dumps(said), flush=True)
    if ranks.rank == 1:
        raise DataError("It gave up.")
    ranks.each(lambda: None)
"""

SHARED = """
import os
import torch
from metastudio.engine.training.executor import OneByOne
from metastudio.engine.training.ranks import Ranks
from metastudio.engine.training.shared_tasks import SharedTasks
from tests.unit.engine.episodes import make_episode, make_learner

METHODS = {"alpha_maml": {}, "reptile": {}, "meta_transfer": {"algorithm__adds_hard_tasks": True}}
with Ranks(os.environ) as ranks:
    for name, values in METHODS.items():
        learner = make_learner(name, backbone__normalization="running", **values)
        for count in (3, 1):
            episodes = [make_episode(seed=seed) for seed in range(count)]
            with OneByOne() as alone:
                expected = learner.outer_step(episodes, alone)
            with SharedTasks(OneByOne(), ranks) as shared:
                found = learner.outer_step(episodes, shared)
                doubled = list(shared.map(lambda number: 2 * number, range(count)))
            assert doubled == [2 * number for number in range(count)]
            assert found.losses == expected.losses and found.accuracies == expected.accuracies
            assert all(torch.equal(found.gradients[each], value) for each, value in expected.gradients.items()), name
            assert len(found.moments) == len(expected.moments)
            for ours, theirs in zip(found.moments, expected.moments):
                assert all(torch.equal(a, b) for layer in theirs for a, b in zip(ours[layer], theirs[layer]))
    print("the same bits")
"""

LATE = """
import os, time
time.sleep(float(os.environ["LATE_S"]) * int(os.environ["RANK"]))
from metastudio.engine.training.ranks import Ranks
with Ranks(os.environ) as ranks:
    print(ranks.each(lambda: ranks.rank), flush=True)
    os._exit(0)  # as one that is killed, which takes back nothing that it said
"""

HANGING = """
import os, time
from metastudio.engine.training.ranks import Ranks
with Ranks(os.environ) as ranks:
    ranks.each(lambda: 1)
    if ranks.rank == 1:
        def stuck_here():
            time.sleep(60)
        stuck_here()
    ranks.each(lambda: 2)
"""


@pytest.mark.slow
def test_every_process_hears_every_value_and_every_error() -> None:
    with ranks([["-c", MEETINGS]] * 2) as processes:
        (code0, out0, err0), (code1, out1, _) = endings(processes)
    assert (code0, code1) == (1, 1), err0
    first, second = json.loads(out0), json.loads(out1)
    host = socket.gethostname()
    assert first["each"] == second["each"] == [0, 10]
    assert first["first"] == second["first"] == "of 0"
    assert (first["together"], second["together"]) == (7, 8)
    assert first["gathered"] == [[[0, 0]], [[1, 1]]]
    assert first["data"] == ["DataError", f"The picture 'a.png' is gone. (process 1 on {host}, class b)"]
    assert second["data"] == ["DataError", "The picture 'a.png' is gone. (class b)"]
    assert second["bug"][0] == "MetaStudioError"
    assert "ZeroDivisionError" in second["bug"][1]
    assert f"process 0 on {host}, <string>" in second["bug"][1]
    assert first["number"][0] == "NumericError"
    assert first["number"][1].endswith("row 3)")
    assert first["alike"] == second["alike"]
    assert f"Process 1 on {host} differs from the first one in: images." in first["alike"]
    assert f"It gave up. (process 1 on {host})" in err0, "told on leaving"


@pytest.mark.slow
def test_shared_tasks_give_the_bits_of_one_process_and_so_do_more_processes_than_tasks() -> None:
    with ranks([["-c", SHARED]] * 2) as processes:
        for code, out, err in endings(processes):
            assert code == 0, err
            assert out == "the same bits\n"


@pytest.mark.slow
def test_processes_started_anew_meet_at_a_store_that_remembers_those_before() -> None:
    store = dist.TCPStore("localhost", 0, is_master=True, wait_for_workers=False)
    said = {"MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True", "METASTUDIO_RANK_TIMEOUT_S": "20"}
    for restarts, late in (("0", "0"), ("1", "4")):
        with ranks([["-c", LATE]] * 2, TORCHELASTIC_RESTART_COUNT=restarts, LATE_S=late, **said) as processes:
            assert [(code, out) for code, out, _ in endings(processes)] == [(0, "[0, 1]\n")] * 2


@pytest.mark.slow
def test_a_process_that_hangs_is_named_after_the_time_limit_and_says_where_it_stands() -> None:
    with ranks([["-c", HANGING]] * 2, METASTUDIO_RANK_TIMEOUT_S="3") as processes:
        _, err = processes[0].communicate(timeout=60)
        assert processes[0].returncode == 1
        assert "Process 1 of 2 has ended or does not answer." in err
        assert "LostRankError" in err
        processes[1].kill()
        _, stuck = processes[1].communicate()
    assert "Timeout" in stuck
    assert "in stuck_here" in stuck


def test_alone_every_meeting_is_with_oneself() -> None:
    with Ranks({"PATH": "/bin"}) as alone:
        assert alone.is_first
        assert alone.each(lambda: 3) == [3]
        assert alone.first(lambda: 4) == alone.together(lambda: 4) == 4
        alone.require_alike({"program": 1})
        alone.tell(ValueError())
        with pytest.raises(ZeroDivisionError):
            alone.each(lambda: 1 // 0)


def said_by_launcher(**changes: object) -> dict[str, str]:
    said = {"RANK": 0, "WORLD_SIZE": 2, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 2, "MASTER_ADDR": "localhost"}
    return {name: str(value) for name, value in {**said, "MASTER_PORT": 29500, **changes}.items()}


@pytest.mark.parametrize(("name", "value"), [("RANK", "first"), ("WORLD_SIZE", "-1"), ("LOCAL_RANK", "")])
def test_a_variable_that_is_no_number_is_named(name: str, value: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} is '{value}'") as caught:
        Ranks(said_by_launcher(**{name: value}))
    assert caught.value.where == name


def test_a_computer_that_nobody_knows_is_named_with_its_variable() -> None:
    with pytest.raises(ResourceError, match=r"'nobody\.invalid'") as caught:
        Ranks(said_by_launcher(MASTER_ADDR="nobody.invalid")).__enter__()
    assert caught.value.where == "MASTER_ADDR"


def test_a_port_in_use_is_named_with_its_variable() -> None:
    with socket.socket() as taken:
        taken.bind(("", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ResourceError, match=str(port)) as caught:
            Ranks(said_by_launcher(MASTER_PORT=port)).__enter__()
    assert "MASTER_PORT" in caught.value.where
    assert "MASTER_PORT" in str(caught.value.todo)
