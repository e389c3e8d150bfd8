"""Measuring in turns: each round runs every contender once, so that a noisy moment hits all of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from bench.table import Sample

__all__ = ["Stopwatch", "in_turns"]

Name = TypeVar("Name", bound=Hashable)


class Stopwatch:
    """Milliseconds between :meth:`start` and :meth:`stop`, so that a contender can leave its set-up out."""

    def __init__(self) -> None:
        self._began = 0.0
        self.milliseconds = 0.0

    def start(self) -> None:
        """The clock runs from here."""
        self._began = time.perf_counter()

    def stop(self) -> None:
        """The clock stood still here."""
        self.milliseconds = (time.perf_counter() - self._began) * 1000

    @contextmanager
    def running(self) -> Iterator[None]:
        """Time a block."""
        self.start()
        yield
        self.stop()


def in_turns(contenders: Mapping[Name, Callable[[Stopwatch], None]], rounds: int) -> dict[Name, Sample]:
    """Run every contender ``rounds`` times, in turns, after one round that does not count."""
    values: dict[Name, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, contender in contenders.items():
            watch = Stopwatch()
            contender(watch)
            if number > 0:
                values[name].append(watch.milliseconds)
    return {name: Sample(taken, "ms") for name, taken in values.items()}
