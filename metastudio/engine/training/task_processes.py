"""Tasks of a meta-batch in processes of their own, which share the learner's memory.

On threads, tasks wait for one another's interpreter lock: a task is thousands of small operations. Processes do not,
and give the same gradients bit for bit, so a run may move from threads to them at any step.
"""

from __future__ import annotations

import gc
import itertools
import os
import signal
import threading
from collections.abc import Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, NamedTuple, cast

import torch
import torch.multiprocessing
from torch import Tensor

from metastudio.engine.algorithms.base import MetaLearner
from metastudio.engine.backbones.network import Weights
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.training.gradient_rows import Told, empty_rows, put, taken
from metastudio.engine.training.task_gradient import TaskGradient, task_gradient
from metastudio.errors import ResourceError

_READY = "ready"
_END_S = 5.0
_COLLECT_EVERY = 64


class _Answer(NamedTuple):
    """What a process says of the task whose gradient lies in a shared row."""

    row: int
    told: Told


class TaskProcesses:
    """Processes that compute tasks of one learner, whose parameters and buffers they read where they lie.

    Making it starts them; `are_ready` turns true when each has imported what it needs. They end with `close`, and by
    themselves when this process dies, because their pipe ends.
    """

    def __init__(self, learner: MetaLearner, count: int, rows: int) -> None:
        learner.share_memory()
        self._learner = learner
        self._places = _places(learner)
        parameters: Weights = dict(learner.named_parameters())
        self._gradients = empty_rows(rows, parameters).share_memory_()  # type: ignore[no-untyped-call]
        context = torch.multiprocessing.get_context("spawn")
        self._processes: list[BaseProcess] = []
        self._connections: list[Connection] = []
        for number in range(count):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_serve, args=(theirs, learner, self._gradients), name=f"task-{number}", daemon=True
            )
            process.start()
            theirs.close()
            self._processes.append(process)
            self._connections.append(ours)
        self._waiting_for = set(self._connections)

    @property
    def pids(self) -> tuple[int, ...]:
        """Process numbers, for their memory."""
        return tuple(each.pid for each in self._processes if each.pid is not None)

    def can_serve(self, learner: MetaLearner, rows: int) -> bool:
        """Return whether they work for this learner, whose tensors still lie where they did."""
        return learner is self._learner and rows <= len(self._gradients) and _places(learner) == self._places

    def are_ready(self) -> bool:
        """Return whether every process has said so.

        Raises:
            ResourceError: if one ended instead.
        """
        for ready in wait(list(self._waiting_for), timeout=0):
            connection = cast("Connection", ready)
            if self._received(connection) == _READY:
                self._waiting_for.discard(connection)
        return not self._waiting_for

    def gradients(self, method: str, episodes: Sequence[Episode], parameters: Weights) -> list[TaskGradient]:
        """Return the gradient of each episode by the learner's `method`, in their order.

        Raises:
            ResourceError: if a process died.
        """
        waiting = list(enumerate(episodes))[::-1]
        answers: dict[int, Told] = {}
        for connection in self._connections[: len(episodes)]:
            self._send(connection, method, *waiting.pop())
        while len(answers) < len(episodes):
            for ready in wait(self._connections):
                connection = cast("Connection", ready)
                answer = self._received(connection)
                if isinstance(answer, BaseException):
                    raise answer
                answers[answer.row] = answer.told
                if waiting:
                    self._send(connection, method, *waiting.pop())
        return [taken(answers[row], self._gradients[row], parameters) for row in range(len(episodes))]

    def close(self) -> None:
        """End the processes."""
        for connection in self._connections:
            connection.close()
        for process in self._processes:
            process.join(_END_S)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        self._processes.clear()
        self._connections.clear()

    def _received(self, connection: Connection) -> Any:
        try:
            return connection.recv()
        except (EOFError, OSError) as error:
            raise self._has_ended(connection) from error

    def _send(self, connection: Connection, method: str, row: int, episode: Episode) -> None:
        try:
            connection.send((method, row, _packed(episode)))
        except OSError as error:
            raise self._has_ended(connection) from error

    def _has_ended(self, connection: Connection) -> ResourceError:
        return ResourceError(
            "A process that computes tasks has ended.",
            where=f"process {self._processes[self._connections.index(connection)].pid}",
            why="The system may have ended it for lack of memory.",
            todo="Resume the run; if it happens again, lower tasks per step, filters or image size.",
        )


def _places(learner: MetaLearner) -> tuple[int, ...]:
    return tuple(value.data_ptr() for value in (*learner.parameters(), *learner.buffers()))


def _packed(episode: Episode) -> tuple[Any, ...]:
    """Return an episode as plain arrays: tensors would travel through files of shared memory."""
    parts = [(_flat(each.images), each.labels.numpy()) for each in (episode.support, episode.query)]
    descriptor = None if episode.descriptor is None else episode.descriptor.numpy()
    return parts, episode.classes, episode.source, descriptor, episode.changes


def _unpacked(parts: Sequence[Any], classes: tuple[str, ...], source: str, descriptor: Any, changes: Any) -> Episode:
    support, query = (LabelledImages(_laid_out(*images), torch.from_numpy(labels)) for images, labels in parts)
    descriptor = None if descriptor is None else torch.from_numpy(descriptor)
    return Episode(support, query, classes, source, descriptor, changes)


def _flat(images: Tensor) -> tuple[Any, torch.Size, tuple[int, ...]]:
    """Return the numbers of images in the order of memory, shape and strides: another layout gives other last bits."""
    if not (images.is_contiguous() or images.is_contiguous(memory_format=torch.channels_last)):
        images = images.contiguous(memory_format=torch.channels_last)
    return images.as_strided((images.numel(),), (1,)).numpy(), images.shape, images.stride()


def _laid_out(numbers: Any, shape: torch.Size, strides: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(numbers).as_strided(shape, strides)


def _serve(connection: Connection, learner: MetaLearner, rows: Tensor) -> None:
    """Compute tasks until the pipe ends. Ctrl-C and torchrun's signals are for the process that started this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # torchrun signals whole groups
    threading.current_thread().name = "task"
    torch.set_num_threads(1)
    gc.freeze()
    gc.disable()  # a look through all objects in the middle of a task costs a twentieth of its time
    parameters: Weights = dict(learner.named_parameters())
    try:
        connection.send(_READY)
        for done in itertools.count(1):
            method, row, packed = connection.recv()
            try:
                answer: Any = _answer(getattr(learner, method), row, _unpacked(*packed), parameters, rows)
            except Exception as error:  # noqa: BLE001 the process that asked raises it
                answer = error
            connection.send(answer)
            if done % _COLLECT_EVERY == 0:
                gc.collect()
    except (EOFError, OSError):
        return


def _answer(task_loss: Any, row: int, episode: Episode, parameters: Weights, rows: Tensor) -> _Answer:
    return _Answer(row, put(task_gradient(task_loss, episode, parameters), rows[row], parameters))
