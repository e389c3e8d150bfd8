"""A line that frames go along in one direction, as good or bad as it is told to be."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from labkit.errors import UsageError
from labkit.guest.pump import Pump

__all__ = ["PERFECT", "Conditions", "Counts", "Line"]

QUEUE_BYTES: Final = 1 << 16
"""How much may wait before a line that has a rate; what comes then is lost, as before a router's slow link."""
MOST_WAITING: Final = 1 << 15  # frames on a line with a delay
OVERTAKING: Final = 3
"""A frame that is reordered is overtaken by one to so many others ..."""
HELD_SECONDS: Final = 0.03
"""... or, where none come, is late by so much."""


@dataclass(frozen=True)
class Conditions:
    """What a line does to frames.

    Attributes:
        loss: the share of frames that are lost, 0 to 1.
        delay: how long a frame is under way, in seconds.
        reorder: the share of frames that are overtaken by later ones, 0 to 1.
        rate: how many bits a second it carries; None for no limit.
        lose: asked about each frame (its bytes); true loses it. Once it raises, it is asked no longer.
        seed: two lines with the same seed lose and reorder frames at the same places.
    """

    loss: float = 0.0
    delay: float = 0.0
    reorder: float = 0.0
    rate: float | None = None
    lose: Callable[[bytes], bool] | None = None
    seed: int | str = 0

    def checked(self) -> Conditions:
        """These, if they make sense.

        Raises:
            UsageError: they do not.
        """
        for name in ("loss", "reorder"):
            share = getattr(self, name)
            if not 0 <= share <= 1:
                raise UsageError(
                    f"{name}={share} is no share of frames.",
                    next_step="Give a number from 0 (none) to 1 (all), such as 0.05 for 5 %.",
                )
        if not 0 <= self.delay < math.inf:
            raise UsageError(
                f"delay={self.delay} is no delay.", next_step="Give seconds, such as 0.02 for 20 ms."
            )
        if self.rate is not None and not 0 < self.rate < math.inf:
            raise UsageError(
                f"rate={self.rate} is no rate.",
                next_step="Give bits a second, such as 1e6, or None for no limit.",
            )
        return self


PERFECT: Final = Conditions()
"""The conditions of a line that does nothing to frames."""


@dataclass
class Counts:
    """What a line has done.

    Attributes:
        frames: how many came.
        lost: how many of them it lost.
        reordered: how many of them were overtaken.
    """

    frames: int = 0
    lost: int = 0
    reordered: int = 0


@dataclass
class _Held:
    """A frame that lets others overtake it."""

    frame: bytes
    others: int


@dataclass
class Line:
    """One direction. All methods run in the pump's thread.

    Attributes:
        pump: whose timers it uses.
        deliver: called with each frame at the line's end.
        lost: called with each frame that gets lost.
        counts: what it did since its conditions were set.
        trouble: what the function raised that was asked which frames to lose.
    """

    pump: Pump
    deliver: Callable[[bytes], None]
    lost: Callable[[bytes], None]
    counts: Counts = field(default_factory=Counts)
    trouble: Exception | None = None

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._under_way: list[tuple[float, int, bytes]] = []
        self._held: list[_Held] = []
        self._alarm = math.inf
        self._free_at = 0.0
        self.set(PERFECT)

    def set(self, conditions: Conditions) -> None:
        """Have other conditions from the next frame on; what was decided stays."""
        self._conditions = conditions
        self._perfect = replace(conditions, seed=PERFECT.seed) == PERFECT
        self._random = random.Random(conditions.seed)  # noqa: S311  not a secret
        self.counts = Counts()
        self.trouble = None

    def send(self, frame: bytes) -> None:
        """Let a frame onto the line."""
        self.counts.frames += 1
        if self._perfect and not self._under_way and not self._held:
            self.deliver(frame)
            return
        found = self._conditions
        # Always all three: whether a frame is lost depends on its number, not on what happened to others.
        luck, patience, others = (
            self._random.random(),
            self._random.random(),
            self._random.randint(1, OVERTAKING),
        )
        unlucky, overtaken = luck < found.loss, patience < found.reorder
        if unlucky or (found.lose is not None and self._chosen(found.lose, frame)):
            self._lose(frame)
        elif overtaken:
            self.counts.reordered += 1
            held = _Held(frame, others)
            self._held.append(held)
            self.pump.at(time.monotonic() + HELD_SECONDS, lambda: self._let_go(held))
        else:
            self._go(frame)
            for held in list(self._held):
                held.others -= 1
                if not held.others:
                    self._let_go(held)

    def flush(self) -> None:
        """Deliver at once what is under way."""
        for held in list(self._held):
            self._let_go(held)
        while self._under_way:
            self.deliver(heapq.heappop(self._under_way)[2])

    def _go(self, frame: bytes) -> None:
        found, now = self._conditions, time.monotonic()
        arrival = now + found.delay
        if found.rate is not None:
            begin = max(now, self._free_at)
            if (begin - now) * found.rate / 8 > QUEUE_BYTES:
                self._lose(frame)
                return
            self._free_at = begin + len(frame) * 8 / found.rate
            arrival += self._free_at - now
        if arrival <= now and not self._under_way:
            self.deliver(frame)
        elif len(self._under_way) >= MOST_WAITING:
            self._lose(frame)
        else:
            heapq.heappush(self._under_way, (arrival, next(self._numbers), frame))
            self._set_alarm()

    def _chosen(self, lose: Callable[[bytes], bool], frame: bytes) -> bool:
        try:
            return lose(frame)
        except Exception as error:  # noqa: BLE001  a fault of the student's must not stop the network
            self.trouble = error
            self._conditions = replace(self._conditions, lose=None)
            return False

    def _lose(self, frame: bytes) -> None:
        self.counts.lost += 1
        self.lost(frame)

    def _let_go(self, held: _Held) -> None:
        if held in self._held:
            self._held.remove(held)
            self._go(held.frame)

    def _set_alarm(self) -> None:
        if self._under_way and self._under_way[0][0] < self._alarm:
            self._alarm = self._under_way[0][0]
            self.pump.at(self._alarm, self._arrive)

    def _arrive(self) -> None:
        self._alarm = math.inf
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            self.deliver(heapq.heappop(self._under_way)[2])
        self._set_alarm()
