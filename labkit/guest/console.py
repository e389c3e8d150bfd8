"""A guest's console: its bytes in order, none lost, the last of them kept."""

from __future__ import annotations

import codecs
import re
import threading
import time
from collections.abc import Callable
from typing import Final

from labkit.errors import ConsoleEnded, ConsoleTimeout, Evidence, GuestError, UsageError

__all__ = ["Console", "Found"]

LAST_WORDS_LINES: Final = 15
SEND_BYTES: Final = 1 << 20  # how much may wait for a guest that does not read

Subscriber = Callable[[bytes], None]
Pattern = str | bytes | re.Pattern[str] | re.Pattern[bytes]


class Found:
    """What :meth:`Console.expect` found.

    Attributes:
        text: what matched.
        before: what came between the match before and this one.
        groups: the pattern's groups; empty for a plain text.
    """

    def __init__(self, text: str, before: str, groups: tuple[str | None, ...]) -> None:
        self.text = text
        self.before = before
        self.groups = groups

    def __repr__(self) -> str:
        return f"Found({self.text!r})"


class Console:
    """What a guest prints, and the way to answer it.

    The owner of the guest's socket calls :meth:`feed` and :meth:`close`, from one thread; everything else may be
    called from any thread. At most ``limit`` bytes are kept; what was cut is counted and said.
    """

    def __init__(self, name: str, limit: int, write: Callable[[bytes], None]) -> None:
        self._name = name
        self._limit = limit
        self._write = write
        self._kept = bytearray()
        self._start = 0  # place in the whole stream of the first byte kept
        self._seen = 0  # place up to which expect() has matched
        self._closed = False
        self._ending = ""
        self._changed = threading.Condition()
        self._subscribers: list[Subscriber] = []

    # What came

    @property
    def size(self) -> int:
        """How many bytes the guest has printed in all."""
        with self._changed:
            return self._start + len(self._kept)

    @property
    def cut(self) -> int:
        """How many of the first bytes are no longer kept."""
        return self._start

    @property
    def closed(self) -> bool:
        """Whether the guest can print no more."""
        return self._closed

    def raw(self) -> bytes:
        """The bytes that are kept."""
        with self._changed:
            return bytes(self._kept)

    def text(self) -> str:
        """The text that is kept; if its beginning was cut, the first line says how much."""
        with self._changed:
            kept, cut = bytes(self._kept), self._start
        text = kept.decode("utf-8", "replace").replace("\r\n", "\n")
        return f"[{cut:,} bytes were cut here]\n{text}" if cut else text

    def lines(self) -> list[str]:
        """The text that is kept, by lines; the last may be one that is not finished."""
        return self.text().splitlines()

    def last_words(self, count: int = LAST_WORDS_LINES) -> str:
        """The last lines."""
        return "\n".join(self.lines()[-count:])

    def read_from(self, place: int, most: int = 1 << 16) -> tuple[int, bytes]:
        """Bytes from a place in the whole stream on: the place of the first one that is kept, and they."""
        with self._changed:
            place = max(place, self._start)
            at = place - self._start
            return place, bytes(self._kept[at : at + most])

    def subscribe(self, subscriber: Subscriber, *, backlog: bool = True) -> Callable[[], None]:
        """Call ``subscriber`` with every piece that comes, and with an empty one at the end.

        It runs in the thread that reads the console, and as long as it takes, the guest waits; for what was
        printed already it runs here. What it raises ends its subscription.

        Args:
            subscriber: the function to call.
            backlog: whether it first gets what is kept already.

        Returns:
            What ends the subscription.
        """
        place = 0 if backlog else self.size
        while True:
            with self._changed:  # not held while the subscriber runs, which may want the console itself
                place = max(place, self._start)
                backlog_left = bytes(self._kept[place - self._start :])
                closed = self._closed
                if not backlog_left and not closed:
                    self._subscribers.append(subscriber)
                    break
            subscriber(backlog_left)
            if not backlog_left:
                break
            place += len(backlog_left)

        def end() -> None:
            with self._changed:
                if subscriber in self._subscribers:
                    self._subscribers.remove(subscriber)

        return end

    # Talking

    def send(self, text: str | bytes) -> None:
        """Send text to the guest's console, as typed by somebody.

        Raises:
            ConsoleEnded: the guest has ended.
            GuestError: it has left a megabyte unread.
        """
        if self._closed:
            raise self._ended("reads nothing any more")
        self._write(text.encode() if isinstance(text, str) else text)

    def expect(self, pattern: Pattern, timeout: float = 10.0) -> Found:
        """Wait until the guest prints something, looking behind the match before.

        Args:
            pattern: a plain text, or a compiled regular expression.
            timeout: the longest wait, in seconds.

        Raises:
            ConsoleTimeout: it did not come in that time.
            ConsoleEnded: the guest ended without it.
            UsageError: the pattern is empty.
        """
        compiled = _compiled(pattern)
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                at = max(self._seen - self._start, 0)
                if match := compiled.search(self._kept, at):
                    before = bytes(self._kept[at : match.start()])
                    found = Found(
                        match[0].decode("utf-8", "replace"),
                        before.decode("utf-8", "replace"),
                        tuple(None if g is None else g.decode("utf-8", "replace") for g in match.groups()),
                    )
                    self._seen = self._start + match.end()
                    del match  # it holds on to the buffer, which then could not grow
                    return found
                if self._closed or not self._changed.wait(deadline - time.monotonic()):
                    break
        raise self._missing(pattern, timeout)

    # Its feeder's side

    def feed(self, data: bytes) -> None:
        """Take what the guest printed."""
        with self._changed:
            self._kept += data
            if (surplus := len(self._kept) - self._limit) > 0:
                del self._kept[:surplus]
                self._start += surplus
            subscribers = list(self._subscribers)
            self._changed.notify_all()
        self._tell(subscribers, data)

    def close(self, ending: str = "") -> None:
        """Take note that nothing more will come.

        Args:
            ending: how the guest ended, in words, for those who still want something of it.
        """
        with self._changed:
            if self._closed:
                return
            self._closed, self._ending = True, ending
            subscribers, self._subscribers = self._subscribers, []
            self._changed.notify_all()
        self._tell(subscribers, b"")

    def _tell(self, subscribers: list[Subscriber], data: bytes) -> None:
        for subscriber in subscribers:
            try:
                subscriber(data)
            except Exception:  # noqa: BLE001  a broken listener must not stop the guest
                with self._changed:
                    if subscriber in self._subscribers:
                        self._subscribers.remove(subscriber)

    def _missing(self, pattern: Pattern, timeout: float) -> GuestError:
        wanted = pattern.pattern if isinstance(pattern, re.Pattern) else pattern
        if self._closed:
            return self._ended(f"did not print {wanted!r}")
        return ConsoleTimeout(
            f"{self._name} did not print {wanted!r} in {timeout:g} s.",
            next_step="Compare what it printed with what you expect, or wait longer.",
            evidence=[Evidence("its last words", self.last_words())],
        )

    def _ended(self, lacking: str) -> ConsoleEnded:
        ending = f" ({self._ending})" if self._ending else ""
        return ConsoleEnded(
            f"{self._name} has ended{ending}, and {lacking}.",
            next_step="Look at what it does after its last words, and boot it again.",
            evidence=[Evidence("its last words", self.last_words())],
        )


def _compiled(pattern: Pattern) -> re.Pattern[bytes]:
    if isinstance(pattern, re.Pattern):
        if isinstance(pattern.pattern, bytes):
            return re.compile(pattern.pattern, pattern.flags)
        return re.compile(pattern.pattern.encode(), pattern.flags & ~re.UNICODE)
    if not pattern:
        raise UsageError("expect() was given an empty text.", next_step="Give the text that should come.")
    return re.compile(re.escape(pattern.encode() if isinstance(pattern, str) else pattern))


def decoder() -> codecs.IncrementalDecoder:
    """Turns pieces of a console into text, for subscribers; a character may be split between two pieces."""
    return codecs.getincrementaldecoder("utf-8")("replace")
