"""A guest that one thread of this process serves: its pump."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar, Final

from labkit.errors import Evidence, GuestError, UsageError
from labkit.guest.guest import Exit, Guest, Reason, State
from labkit.guest.pump import Link, Pump

__all__ = ["STOP_SECONDS", "ServedGuest", "refuse_here"]

STOP_SECONDS: Final = 30.0


class ServedGuest(Guest):
    """A guest of this process. Every way to its end meets in its pump's thread.

    Attributes:
        stop_seconds: how long its end may take once it is asked for.
    """

    stop_seconds: ClassVar[float] = STOP_SECONDS

    _console_link: Link

    def __init__(self, name: str, image: Path, console_bytes: int) -> None:
        super().__init__(name, image, console_bytes)
        self._pump = Pump(f"labkit-{self.name}")
        self._wanted: Reason | None = None  # the end that we brought about ourselves

    def stop(self) -> Exit:
        """End it now, as by pulling its plug; returns when it is gone. Harmless if it has ended.

        Raises:
            HostError: the place where it ran failed under it.
            UsageError: called by a subscriber.
        """
        refuse_here(self._pump, self.name)
        self.request_stop()
        self._pump.join(self.stop_seconds)
        return self.wait(0 if self._state is State.ENDED else self.stop_seconds)

    def request_stop(self) -> None:
        """Ask for its end and do not wait for it; subscribers may call this."""
        self._pump.post(lambda: self._request(Reason.STOPPED))

    def close(self) -> None:
        """End it if it runs, and wait until nothing of it is left. Raises nothing."""
        if self._state is State.STARTING:
            return
        self.request_stop()
        self._pump.join(self.stop_seconds)

    def settled(self, timeout: float | None = None) -> bool:
        """Wait until nothing is left of an ended guest, its thread included."""
        return self._pump.join(timeout)

    def _send(self, data: bytes) -> None:
        if not self._console_link.send(data):
            raise GuestError(
                f"{self.name} does not read its console: a megabyte waits for it.",
                next_step="Send less, or wait for its answers.",
                evidence=[Evidence("its last words", self.console.last_words())],
            )

    @abstractmethod
    def _request(self, reason: Reason) -> None:
        """Bring about the end; in the pump's thread."""


def refuse_here(pump: Pump, name: str) -> None:
    """Refuse to wait for a guest in the thread that serves it.

    Raises:
        UsageError: this is that thread.
    """
    if pump.is_here:
        raise UsageError(
            f"stop() was called by a subscriber of {name}, and would wait for itself.",
            next_step="Call request_stop() there, or stop() elsewhere.",
        )
