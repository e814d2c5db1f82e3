"""Second-order MAML: tasks per second through our `Trainer`, beside `higher`, `torchopt` and a plain autograd loop.

Run by hand: ``python -m tests.benchmarks.second_order_maml [--setups ABCD] [--rounds 5] [--seconds 6]``; peers that
cannot be imported are left out and named (``PYTHONPATH`` may point at them, and at unpacked sources of learn2learn,
whose package does not build on present Pythons but whose MAML is Python alone). Each side is a process of its own that
waits while another runs; they take turns, and ratios are of medians. Ours runs as the worker does, with its allocator
settings and its default tracing, drawing its episodes; peers get episodes made beforehand, and torch's defaults, as
their users run them. All normalise with the statistics of each batch.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from metastudio.catalog.data_spec import Part
from metastudio.catalog.episode_spec import EpisodeSpec
from metastudio.catalog.experiment import ExperimentConfig
from metastudio.catalog.validation import parse_experiment
from metastudio.cli.app import _ALLOCATOR
from metastudio.engine.learner import build_learner
from metastudio.engine.tasks.episode import Episode, LabelledImages
from metastudio.engine.training.executor import chosen_executor, executor_named
from metastudio.engine.training.trainer import Trainer

PEERS = ("plain loop", "higher", "torchopt", "learn2learn")
WARM_UP_S = 25.0


@dataclass(frozen=True)
class SetUp:
    """What is trained: sizes as everywhere, E tasks an outer step."""

    title: str
    size: int
    channels: int
    filters: int
    stride: int
    shots: int
    queries: int
    steps: int
    tasks: int


SETUPS = {
    "A": SetUp("Omniglot 5w1s, 64 filters, 1 step, 5 queries, 32 tasks", 28, 1, 64, 2, 1, 5, 1, 32),
    "B": SetUp("Omniglot 5w1s, 64 filters, 5 steps, 15 queries, 16 tasks", 28, 1, 64, 2, 1, 15, 5, 16),
    "C": SetUp("84x84 colour 5w1s, 32 filters, 5 steps, 15 queries, 4 tasks", 84, 3, 32, 1, 1, 15, 5, 4),
    "D": SetUp("84x84 colour 5w5s, 32 filters, 5 steps, 15 queries, 4 tasks", 84, 3, 32, 1, 5, 15, 5, 4),
}
INNER_LR = 0.05


class RandomEpisodes:
    """Episodes of noise, made when asked for, with the interface of a source of episodes by class."""

    def __init__(self, setup: SetUp) -> None:
        self.setup = setup

    def class_count(self, part: Part) -> int:
        return 0 if part is Part.META_VAL else 100

    def can_give(self, part: Part, spec: EpisodeSpec) -> bool:  # noqa: ARG002
        return True

    def episodes(self, part: Part, numbers: Sequence[int], spec: EpisodeSpec) -> list[Episode]:
        return [self.episode(part, number, spec) for number in numbers]

    def episode(self, part: Part, number: int, spec: EpisodeSpec) -> Episode:  # noqa: ARG002
        random = torch.Generator().manual_seed(number % 64)

        def drawn(count: int) -> LabelledImages:
            side, channels = self.setup.size, self.setup.channels
            images = torch.rand(5 * count, side, side, channels, generator=random).permute(0, 3, 1, 2)
            return LabelledImages(images, torch.arange(5).repeat_interleave(count))

        return Episode(drawn(self.setup.shots), drawn(self.setup.queries), tuple("abcde"))


def experiment_of(setup: SetUp, **algorithm: object) -> ExperimentConfig:
    """Return the experiment of a set-up; `algorithm` are more options of MAML."""
    return parse_experiment(
        {
            "episodes": {"n_way": 5, "n_shot": setup.shots, "n_query": setup.queries},
            "algorithm": {"name": "maml", "inner_lr": INNER_LR, "inner_steps": setup.steps, **algorithm},
            "backbone": {
                "name": "conv4",
                "filters": setup.filters,
                "downsampling": "stride" if setup.stride == 2 else "max_pool",
                "normalization": "batch",
            },
            "training": {
                "iterations": 10**6,
                "meta_batch_size": setup.tasks,
                "validate_every": 10**6,
                "checkpoint_every": 10**6,
            },
            "data": {
                "preprocessing": {"image_size": setup.size, "colour": "grey" if setup.channels == 1 else "colour"}
            },
        }
    )


def ours(setup: SetUp) -> Iterator[int]:
    """Yield the number of tasks of each outer step of the real trainer."""
    experiment = experiment_of(setup)
    learner = build_learner(experiment, train_classes=100)
    name, threads = chosen_executor(torch.device("cpu"), setup.tasks)
    with executor_named(name, threads) as executor:
        source: object = RandomEpisodes(setup)
        trainer = Trainer(experiment, learner, source, executor=executor, save=lambda *_: Path())  # type: ignore[arg-type]
        for event in trainer.run():
            if event.kind == "outer_step":
                yield setup.tasks


def peer_network(setup: SetUp) -> nn.Sequential:
    """Return Conv4 as it is usually written."""
    layers: list[nn.Module] = []
    channels, side = setup.channels, setup.size
    for _ in range(4):
        layers += [
            nn.Conv2d(channels, setup.filters, 3, stride=setup.stride, padding=1),
            nn.BatchNorm2d(setup.filters, track_running_stats=False),
            nn.ReLU(),
        ]
        if setup.stride == 1:
            layers.append(nn.MaxPool2d(2))
        channels = setup.filters
        side = (side + 1) // 2 if setup.stride == 2 else side // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(setup.filters * side * side, 5))


def peer(setup: SetUp, query_gradient: Callable[[nn.Module, Episode], None]) -> Iterator[int]:
    """Yield the number of tasks of each outer step of a peer."""
    network = peer_network(setup)
    outer = torch.optim.Adam(network.parameters(), lr=1e-3)
    source = RandomEpisodes(setup)
    spec = EpisodeSpec(n_way=5, n_shot=setup.shots, n_query=setup.queries)
    episodes = [source.episode(Part.META_TRAIN, number, spec) for number in range(64)]
    for each in episodes:  # plain memory, as a data loader gives it
        for part in (each.support, each.query):
            object.__setattr__(part, "images", part.images.contiguous())
    first = 0
    while True:
        outer.zero_grad()
        for offset in range(setup.tasks):
            query_gradient(network, episodes[(first + offset) % len(episodes)])
        outer.step()
        first += setup.tasks
        yield setup.tasks


def plain_loop(setup: SetUp) -> Callable[[nn.Module, Episode], None]:
    """Differentiate through `autograd.grad` with a stored graph."""

    def query_gradient(network: nn.Module, episode: Episode) -> None:
        weights: dict[str, Tensor] = dict(network.named_parameters())
        for _ in range(setup.steps):
            logits = torch.func.functional_call(network, weights, (episode.support.images,))
            loss = F.cross_entropy(logits, episode.support.labels)
            inner = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
            weights = {name: value - INNER_LR * g for (name, value), g in zip(weights.items(), inner, strict=True)}
        logits = torch.func.functional_call(network, weights, (episode.query.images,))
        (F.cross_entropy(logits, episode.query.labels) / setup.tasks).backward()

    return query_gradient


def with_higher(setup: SetUp) -> Callable[[nn.Module, Episode], None]:
    import higher

    def query_gradient(network: nn.Module, episode: Episode) -> None:
        inner = torch.optim.SGD(network.parameters(), lr=INNER_LR)
        with higher.innerloop_ctx(network, inner, copy_initial_weights=False) as (fast, steps):
            for _ in range(setup.steps):
                steps.step(F.cross_entropy(fast(episode.support.images), episode.support.labels))
            (F.cross_entropy(fast(episode.query.images), episode.query.labels) / setup.tasks).backward()

    return query_gradient


def with_torchopt(setup: SetUp) -> Callable[[nn.Module, Episode], None]:
    import torchopt

    def query_gradient(network: nn.Module, episode: Episode) -> None:
        inner = torchopt.MetaSGD(network, lr=INNER_LR)
        start = torchopt.extract_state_dict(network, by="reference")
        for _ in range(setup.steps):
            inner.step(F.cross_entropy(network(episode.support.images), episode.support.labels))
        (F.cross_entropy(network(episode.query.images), episode.query.labels) / setup.tasks).backward()
        torchopt.recover_state_dict(network, start)

    return query_gradient


def with_learn2learn(setup: SetUp) -> Callable[[nn.Module, Episode], None]:
    found = importlib.util.find_spec("learn2learn")
    assert found is not None
    for name, place in (("learn2learn", ""), ("learn2learn.algorithms", "algorithms")):
        package = ModuleType(name)  # not the package's own, which imports extensions and other packages
        package.__path__ = [str(Path(each, place)) for each in found.submodule_search_locations or ()]
        sys.modules[name] = package
    from learn2learn.algorithms.maml import MAML

    def query_gradient(network: nn.Module, episode: Episode) -> None:
        task = MAML(network, lr=INNER_LR, first_order=False).clone()
        for _ in range(setup.steps):
            task.adapt(F.cross_entropy(task(episode.support.images), episode.support.labels))
        (F.cross_entropy(task(episode.query.images), episode.query.labels) / setup.tasks).backward()

    return query_gradient


GRADIENTS = dict(zip(PEERS, (plain_loop, with_higher, with_torchopt, with_learn2learn), strict=True))


def side(name: str, setup: SetUp) -> None:
    """Be one side: step until told to, then answer every line of seconds with tasks per second."""
    steps = ours(setup) if name == "ours" else peer(setup, GRADIENTS[name](setup))
    began = time.monotonic()
    next(steps)
    while time.monotonic() - began < (WARM_UP_S if name == "ours" else 2):
        next(steps)  # ours starts its processes after some seconds of training
    print("ready", flush=True)
    for line in sys.stdin:
        began, tasks = time.monotonic(), 0
        while time.monotonic() - began < float(line):
            tasks += next(steps)
        print(json.dumps(tasks / (time.monotonic() - began)), flush=True)


class Side:
    """A side's process."""

    def __init__(self, name: str, key: str) -> None:
        self.name = name
        environment = os.environ | (_ALLOCATOR if name == "ours" else {})
        command = [sys.executable, "-m", "tests.benchmarks.second_order_maml", "--side", name, "--setups", key]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{name} did not start")

    def measured(self, seconds: float) -> float:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--setups", default="ABCD")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=6)
    parser.add_argument("--side")
    arguments = parser.parse_args()
    if arguments.side:
        side(arguments.side, SETUPS[arguments.setups])
        return
    names = ["ours", *(name for name in PEERS if name == "plain loop" or importlib.util.find_spec(name))]
    print("not importable here:", ", ".join(sorted({*PEERS} - {*names})) or "none")
    for key in arguments.setups:
        sides = [Side(name, key) for name in names]
        rates: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(arguments.rounds):
            for each in sides:
                rates[each.name].append(each.measured(arguments.seconds))
        for each in sides:
            each.end()
        medians = {name: statistics.median(values) for name, values in rates.items()}
        best = max(medians[name] for name in names[1:])
        print(f"{key}: {SETUPS[key].title}")
        print("   ", ", ".join(f"{name} {median:.2f}" for name, median in medians.items()), "tasks/s")
        print(f"    ours is {medians['ours'] / best:.2f} times the best peer", flush=True)


if __name__ == "__main__":
    main()
