"""Step events: every public action says when it starts, how far it is, and how it ended.

Progress bars, logs, transcripts and timelines subscribe; the code that does the work knows no screen.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["Event", "Kind", "Step", "step", "subscribed"]


class Kind(Enum):
    """What an event tells of its step."""

    START = "start"
    PROGRESS = "progress"
    STOP = "stop"
    ERROR = "error"


@dataclass(frozen=True)
class Event:
    """One thing that happened in a step.

    Attributes:
        kind: start, progress, stop or error.
        step: number of the step, unique in this process.
        parent: number of the step around it, or None.
        name: a verb, such as ``build`` or ``boot``.
        subject: what it is done to, such as an image's name.
        seconds: since the step's start (monotonic clock).
        detail: progress or result in words.
        fraction: how much is done, 0.0 to 1.0, where known.
        error: the exception, for kind ERROR.
    """

    kind: Kind
    step: int
    parent: int | None
    name: str
    subject: str
    seconds: float
    detail: str = ""
    fraction: float | None = None
    error: BaseException | None = None


Subscriber = Callable[[Event], None]

_numbers = itertools.count(1)
_current: ContextVar[int | None] = ContextVar("labkit_step", default=None)
_subscribers: list[Subscriber] = []
_lock = threading.Lock()


@contextmanager
def subscribed(subscriber: Subscriber) -> Iterator[None]:
    """Call ``subscriber`` with every event of this process inside the ``with`` block.

    It runs in the thread that does the work and must return quickly. What it raises is dropped: a broken
    screen must not break a build.
    """
    with _lock:
        _subscribers.append(subscriber)
    try:
        yield
    finally:
        with _lock:
            _subscribers.remove(subscriber)


@dataclass
class Step:
    """An action under way; made by :func:`step`."""

    name: str
    subject: str
    number: int = field(default_factory=lambda: next(_numbers))
    parent: int | None = None
    started: float = field(default_factory=time.monotonic)

    def progress(self, detail: str, fraction: float | None = None) -> None:
        """Tell how far the step is: in words, and as a fraction (0.0 to 1.0) where known."""
        self._emit(Kind.PROGRESS, detail=detail, fraction=fraction)

    def _emit(
        self,
        kind: Kind,
        detail: str = "",
        fraction: float | None = None,
        error: BaseException | None = None,
    ) -> None:
        with _lock:
            listeners = list(_subscribers)
        if not listeners:
            return
        event = Event(
            kind,
            self.number,
            self.parent,
            self.name,
            self.subject,
            time.monotonic() - self.started,
            detail,
            fraction,
            error,
        )
        for listener in listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001, S112  a broken screen must not break the work
                continue


@contextmanager
def step(name: str, subject: str) -> Iterator[Step]:
    """Run a block as a step: START before it, STOP after it, ERROR if it raises."""
    this = Step(name, subject, parent=_current.get())
    token = _current.set(this.number)
    this._emit(Kind.START)
    try:
        yield this
    except BaseException as error:
        this._emit(Kind.ERROR, detail=str(error).partition("\n")[0], error=error)
        raise
    else:
        this._emit(Kind.STOP)
    finally:
        _current.reset(token)
