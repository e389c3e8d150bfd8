"""A shell in a guest, by SSH on a terminal: as something with a console, so that what shows consoles shows it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from labkit.errors import GuestError, SshError
from labkit.guest.guest import CRASHED, Exit, Guest, Reason, State
from labkit.host.ssh import Channel

__all__ = ["SshTerminal"]

CONSOLE_BYTES: Final = 1 << 20
END_SECONDS: Final = 5.0


class SshTerminal(Guest):
    """A shell. It ends with its connection, at the latest with its guest."""

    def __init__(self, name: str, image: Path, channel: Channel) -> None:
        """Made by :meth:`labkit.guest.shell.Shell.terminal`."""
        super().__init__(name, image, CONSOLE_BYTES)
        self._channel = channel
        self._stopped = False
        self._state = State.RUNNING
        self._reader = threading.Thread(target=self._read, name=f"labkit-{name}", daemon=True)
        self._note("running", "a shell by SSH")
        self._reader.start()

    def stop(self) -> Exit:
        """End it."""
        self.request_stop()
        return self.wait(END_SECONDS)

    def request_stop(self) -> None:
        """Ask for its end, and do not wait for it."""
        self._stopped = True
        threading.Thread(target=self._channel.close, name=f"labkit-{self.name}-end", daemon=True).start()

    def close(self) -> None:
        """End it. Raises nothing."""
        self.request_stop()
        if threading.current_thread() is not self._reader:
            self._reader.join(END_SECONDS)

    def _send(self, data: bytes) -> None:
        try:
            self._channel.send(data)
        except SshError as error:
            raise GuestError(
                f"{self.name} takes no input any more.", next_step="Open another one."
            ) from error

    def _read(self) -> None:
        while piece := self._channel.read():
            self.console.feed(piece)
        try:
            status, detail = self._channel.status(END_SECONDS), ""
        except SshError as error:
            status, detail = CRASHED, error.what
        reason = Reason.STOPPED if self._stopped else Reason.EXIT if not detail else Reason.CRASH
        words = "was closed" if self._stopped else detail or f"exited with status {status}"
        self._finish(Exit(None if self._stopped else status, reason, words, self.console.last_words()))
