"""Standard output and progress, the way every command writes them."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TextIO

from labkit.events import Event, Kind, subscribed

__all__ = ["OutputGone", "say", "say_json", "shown_progress", "write_bytes"]

_PATIENCE = 0.2  # seconds: what is done sooner needs no progress line
_FRAME = 0.1  # seconds between two changes of the line


class OutputGone(Exception):
    """Nobody reads our standard output any more."""


def say(text: str) -> None:
    """Print a text to standard output.

    Raises:
        OutputGone: nobody reads it any more.
    """
    write_bytes(text.encode("utf-8", "surrogateescape") + b"\n")


def say_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object to standard output.

    Raises:
        OutputGone: nobody reads it any more.
    """
    say(json.dumps(value, ensure_ascii=False))


def write_bytes(data: bytes) -> None:
    """Write to standard output at once, past all buffers.

    Raises:
        OutputGone: nobody reads it any more.
    """
    sys.stdout.flush()
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(1, rest) :]
        except BlockingIOError:
            time.sleep(0.01)
        except OSError as error:
            raise OutputGone from error


def shown_progress(verbose: bool) -> AbstractContextManager[None]:
    """Show steps on standard error inside the block: one line that changes, if it is a terminal; with ``verbose``
    plain lines, wherever it goes; else nothing."""
    if verbose:
        return subscribed(_plain)
    if sys.stderr.isatty():
        return _line_on_terminal(sys.stderr)
    return nullcontext()


def _plain(event: Event) -> None:
    if event.kind is Kind.ERROR:
        words = f"failed: {event.detail}"
    else:
        words = event.detail or {"start": "begins", "stop": "done"}[event.kind.value]
    print(f"[{event.seconds:7.3f} s] {event.name} {event.subject}: {words}", file=sys.stderr, flush=True)


@contextmanager
def _line_on_terminal(stream: TextIO) -> Iterator[None]:
    line = _Line(stream)
    try:
        with subscribed(line.take):
            yield
    finally:
        line.clear()


class _Line:
    """One line of a terminal that tells of the outermost step; gone when the step is done."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._drawn = 0.0
        self._depth = 0

    def take(self, event: Event) -> None:
        """Take an event; called in any thread."""
        with self._lock:
            if event.kind is Kind.START:
                self._depth += 1
            elif event.kind is not Kind.PROGRESS:
                self._depth -= 1
                if self._depth == 0:
                    self._erase()
                return
            now = time.monotonic()
            if event.seconds < _PATIENCE or now - self._drawn < _FRAME:
                return
            self._drawn = now
            part = "" if event.fraction is None else f" {event.fraction:4.0%}"
            text = f"{event.name} {event.subject}{part} {event.detail}"
            width = max(20, os.get_terminal_size(self._stream.fileno()).columns - 1)
            self._stream.write(f"\r\x1b[K{text[:width]}")
            self._stream.flush()

    def clear(self) -> None:
        """Leave the terminal as it was."""
        with self._lock:
            self._erase()

    def _erase(self) -> None:
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._drawn = 0.0
