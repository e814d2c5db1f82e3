"""The processes that `torchrun` starts for one run: which of them this one is, and how they meet.

Every process ("rank") runs the same program on the same tasks; only the first writes. They meet in one kind of
exchange, in which each brings a value or an error. So an error anywhere is heard by all at their next meeting, whatever
they meet for, and none waits for one that has given up.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from metastudio.errors import ConfigurationError, MetaStudioError, ResourceError

Value = TypeVar("Value")

MEETING_S = 120.0
"""So long each waits at the start for the others to come."""
_TIMEOUT = "METASTUDIO_RANK_TIMEOUT_S"
_TIMEOUT_S = 1800
"""So long each waits at a meeting for one that is silent; preparing many images takes minutes."""
_ASK_S = 3.0
_log = logging.getLogger(__name__)


class LostRankError(ResourceError):
    """A process of the run has ended or does not answer."""


class Ranks(AbstractContextManager["Ranks"]):
    """This process among those of its run; entered, they have met, and left, they part.

    Without a launcher's variables it is alone: then every meeting is with itself and costs nothing.

    Attributes:
        rank: Its number, counted from 0 over all computers.
        count: How many processes share the run's tasks; 1 again once they have parted.
        local_rank: Its number on this computer.
        local_count: How many of them this computer has.
        will_restart: Whether the launcher starts all anew where one is lost.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Read what the launcher said.

        Args:
            environment: The variables of `torchrun`; alone where it is not given.

        Raises:
            ConfigurationError: if one is missing or no number; it is named.
        """
        self._said = dict(environment or {})
        self.count = self._number("WORLD_SIZE", 1)
        self.rank = self._number("RANK", None if self.count > 1 else 0)
        self.local_rank = self._number("LOCAL_RANK", self.rank)
        self.local_count = self._number("LOCAL_WORLD_SIZE", self.count)
        self._restarts = self._number("TORCHELASTIC_RESTART_COUNT", 0)
        self.will_restart = self._restarts < self._number("TORCHELASTIC_MAX_RESTARTS", 0)
        self.timeout_s = self._number(_TIMEOUT, _TIMEOUT_S)
        self._parent = os.getppid()
        self._store: Any = None  # a `Store` of torch
        self._heard: Exception | None = None
        self._lost: LostRankError | None = None

    @property
    def is_first(self) -> bool:
        """Whether this process writes the run's folder and says how it goes."""
        return self.rank == 0

    @property
    def is_lost(self) -> bool:
        """Whether a process is lost: there are no more meetings."""
        return self._lost is not None

    @property
    def is_orphan(self) -> bool:
        """Whether the launcher has gone, so that nobody would start or end the processes together any more."""
        return self._store is not None and os.getppid() != self._parent

    def __enter__(self) -> Self:
        if self.count > 1:
            self._meet()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            self.tell(error)
        self.part()

    def each(self, call: Callable[[], Value]) -> list[Value]:
        """Return what `call` gives in every process, in the order of ranks; what it gives can be pickled.

        Raises:
            Exception: what it raises in one of them, in all of them.
            LostRankError: if a process ended or does not answer.
        """
        if self.count == 1:
            return [call()]
        try:
            said: tuple[Any, Exception | None] = call(), None
        except LostRankError:
            raise
        except Exception as error:  # noqa: BLE001 the others hear it, and then it is raised
            own = error
            said = None, self._as_told(error)
        heard = self._exchanged(said)
        for rank, (_, failure) in enumerate(heard):
            if failure is not None:
                self._heard = own if rank == self.rank else failure
                raise self._heard
        return [value for value, _ in heard]

    def together(self, call: Callable[[], Value]) -> Value:
        """Return what `call` gives in this process, once it has succeeded in all of them.

        Raises:
            Exception: as `each`.
        """
        given: list[Value] = []
        self.each(lambda: given.append(call()))
        return given[0]

    def first(self, call: Callable[[], Value]) -> Value:
        """Return what `call` gives in the first process, which alone calls it; what it gives can be pickled.

        Raises:
            Exception: as `each`.
        """
        value = self.together(lambda: call() if self.is_first else None)
        if self.count == 1:
            return cast("Value", value)
        box: list[Any] = [value]
        with self._losing():
            dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return cast("Value", box[0])

    def gathered(self, rows: Tensor) -> Tensor:
        """Return the rows (T, P) of every process as (R, T, P); T and P are alike in all of them.

        Raises:
            LostRankError: as `each`.
        """
        has_nccl = rows.device.type == "cuda" and dist.is_nccl_available()
        ours = rows if has_nccl else rows.cpu()
        theirs = [torch.empty_like(ours) for _ in range(self.count)]
        with self._losing():
            dist.all_gather(theirs, ours)
        return torch.stack(theirs).to(rows.device)

    def require_alike(self, values: Mapping[str, object]) -> None:
        """Compare what every process has; `values` have names that a person understands.

        Raises:
            ConfigurationError: if one differs from the first; with process, computer and names.
        """
        found = self.each(lambda: (values, socket.gethostname()))
        for rank, (theirs, host) in enumerate(found):
            other = [name for name in values if theirs[name] != found[0][0][name]]
            if other:
                raise ConfigurationError(
                    "Process {rank} on {host} differs from the first one in: {names}.",
                    rank=rank,
                    host=host,
                    names=", ".join(other),
                    todo="Start all processes with the same program, run folder and images, on computers of one kind.",
                )

    def tell(self, error: Exception) -> None:
        """Let the others hear at their next meeting that this process has given up; nothing if they know."""
        if self.count == 1 or self.is_lost or self._is_known(error):
            return
        self._heard = error
        with contextlib.suppress(LostRankError):
            self._exchanged((None, self._as_told(error)))

    def part(self) -> None:
        """Let every process go on alone; each does so at the same place."""
        if self.count > 1:
            faulthandler.cancel_dump_traceback_later()
            if dist.is_initialized():
                dist.destroy_process_group()
        self.count, self.local_count, self._store = 1, 1, None

    # inside

    def _number(self, name: str, default: int | None) -> int:
        """Return what a variable says, which is a number from 0 on."""
        said = self._said.get(name, "" if default is None else str(default))
        if not said.isdecimal():
            raise ConfigurationError(
                "{name} is '{said}', and should be a number.",
                name=name,
                said=said,
                where=name,
                todo="torchrun sets it; whoever starts the processes in another way does so too.",
            )
        return int(said)

    def _meet(self) -> None:
        address, port = self._said.get("MASTER_ADDR", ""), self._number("MASTER_PORT", None)
        try:
            socket.getaddrinfo(address, port)
        except OSError as error:
            raise _no_meeting(address, port, "MASTER_ADDR", f"{error.strerror or error}.") from error
        has_agents_store = self._said.get("TORCHELASTIC_USE_AGENT_STORE") == str(True)
        try:
            store = dist.TCPStore(  # type: ignore[attr-defined]
                address,
                port,
                self.count,
                is_master=self.is_first and not has_agents_store,
                timeout=timedelta(seconds=MEETING_S),
            )
            # torchrun's own store outlives a restart: without another prefix its old entries are waited for
            prefix = f"metastudio/{self._restarts}/{self.count}"
            self._store = dist.PrefixStore(prefix, store)  # type: ignore[attr-defined]
            dist.init_process_group(
                "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo",
                store=self._store,
                rank=self.rank,
                world_size=self.count,
                timeout=timedelta(seconds=self.timeout_s),
            )
        except RuntimeError as error:
            raise _no_meeting(address, port, "MASTER_ADDR, MASTER_PORT", str(error).splitlines()[0]) from error
        self._watch()

    def _watch(self) -> None:
        """Write down where every thread stands if this process comes to no meeting for as long as others wait."""
        if hasattr(sys.stderr, "fileno"):
            faulthandler.dump_traceback_later(self.timeout_s, file=sys.__stderr__ or sys.stderr)

    def _exchanged(self, said: object) -> list[Any]:
        heard: list[Any] = [None] * self.count
        with self._losing():
            dist.all_gather_object(heard, said)
        return heard

    @contextlib.contextmanager
    def _losing(self) -> Iterator[None]:
        """Turn what the meeting itself raises into an error that says who is missing."""
        if self._lost is not None:
            raise self._lost
        faulthandler.cancel_dump_traceback_later()
        try:
            yield
        except RuntimeError as error:
            self._lost = self._lost_by(error)
            raise self._lost from error
        self._watch()

    def _is_known(self, error: BaseException | None) -> bool:
        """Return whether an error is, or comes from, the one that all of them heard."""
        while error is not None and error is not self._heard:
            error = error.__cause__ or error.__context__
        return error is not None

    def _lost_by(self, error: RuntimeError) -> LostRankError:
        missing = self._missing()
        _log.info("A meeting failed: %s", str(error).splitlines()[0])
        return LostRankError(
            "Process {who} of {count} has ended or does not answer.",
            who=", ".join(map(str, missing)) if missing else "?",
            count=self.count,
            why="The system may have ended it for lack of memory, or somebody did.",
            todo="Resume the run: it goes on from its last checkpoint.",
        )

    def _missing(self) -> list[int]:
        """Return the ranks that do not say within some seconds that they are here."""
        others = [rank for rank in range(self.count) if rank != self.rank]
        until = time.monotonic() + _ASK_S
        with contextlib.suppress(RuntimeError):
            self._store.set(f"here/{self.rank}", "")
            while others and time.monotonic() < until:
                others = [rank for rank in others if not self._store.check([f"here/{rank}"])]
                time.sleep(0.05)
        return others

    def _as_told(self, error: Exception) -> Exception:
        """Return an error as the others shall raise it: what only this process met is said to be of this process."""
        if isinstance(error, MemoryError | torch.OutOfMemoryError):
            return error
        name = f"process {self.rank} on {socket.gethostname()}"
        if not isinstance(error, MetaStudioError):
            _log.error("Process %d met a bug.", self.rank, exc_info=error)
            place = traceback.extract_tb(error.__traceback__)[-1]
            return MetaStudioError(
                "Something unexpected happened: this is a bug of MetaStudio.",
                where=f"{name}, {Path(place.filename).name}, line {place.lineno}",
                why=f"{type(error).__name__}: {error}",
                todo="The run can be resumed from its last checkpoint. The log tells more.",
            )
        can_be_pickled = (each for each in type(error).__mro__ if each.__init__ is MetaStudioError.__init__)  # type: ignore[misc]
        told: MetaStudioError = next(can_be_pickled)(error.what.template)
        vars(told).update(vars(error))
        told.where = f"{name}, {error.where}" if error.where else name
        return told


def _no_meeting(address: str, port: int, variables: str, why: str) -> ResourceError:
    return ResourceError(
        "The processes cannot meet at '{address}', port {port}.",
        address=address,
        port=port,
        where=variables,
        why=why,
        todo="Let {variables} name a computer that all can reach and a port that is free; with torchrun on one "
        "computer, --standalone chooses both.",
        variables=variables,
    )
