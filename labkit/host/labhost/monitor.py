"""The monitor of a QEMU of our own, on a Unix socket.

Commands are those of https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html; libvirt has no part in this QEMU.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from labkit.errors import Evidence, HostError

__all__ = ["Monitor", "MonitorGone"]


class MonitorGone(HostError):
    """QEMU has ended, or does not answer."""


class Monitor:
    """One connection to QEMU's monitor; for one thread.

    Args:
        path: its socket.
        limit: the longest that an answer or an awaited event may take, in seconds.

    Raises:
        MonitorGone: nobody answers there.
    """

    def __init__(self, path: Path, limit: float) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(limit)
        self._seen: list[dict[str, Any]] = []
        try:
            self._socket.connect(str(path))
            self._lines = self._socket.makefile("rb")
            self._next()  # its greeting
            self.ask("qmp_capabilities")
        except OSError as error:
            self._socket.close()
            raise _gone(error) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the socket; QEMU runs on."""
        self._lines.close()
        self._socket.close()

    def ask(self, command: str, *, descriptor: int | None = None, **arguments: Any) -> Any:
        """Give a command and return its result.

        Args:
            command: its name.
            descriptor: that of a file that goes with it.
            arguments: its arguments, with ``_`` for ``-`` in their names.

        Raises:
            HostError: QEMU refuses it.
            MonitorGone: QEMU has ended, or takes too long.
        """
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        try:
            words = json.dumps({"execute": command, "arguments": named}).encode() + b"\n"
            if descriptor is None:
                self._socket.sendall(words)
            else:
                socket.send_fds(self._socket, [words], [descriptor])
        except OSError as error:
            raise _gone(error) from error
        while "event" in (answer := self._next()):
            self._seen.append(answer)
        if "error" in answer:
            raise HostError(
                f"QEMU refuses {command}.",
                next_step="Please report this: labkit asked for what this QEMU cannot do.",
                evidence=[Evidence("QEMU's words", answer["error"].get("desc", ""))],
            )
        return answer["return"]

    def say(self, line: str) -> str:
        """Give a line to the monitor for people (HMP), and return what it prints."""
        said: str = self.ask("human-monitor-command", command_line=line)
        return said

    def expect(self, event: str) -> dict[str, Any]:
        """Wait for an event, which may have come already, and return its data.

        Raises:
            MonitorGone: QEMU has ended, or the event does not come in time.
        """
        for seen in self._seen:
            if seen["event"] == event:
                self._seen.remove(seen)
                return seen.get("data", {})  # type: ignore[no-any-return]
        while (answer := self._next()).get("event") != event:
            self._seen.append(answer)
        return answer.get("data", {})  # type: ignore[no-any-return]

    def _next(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except OSError as error:
            raise _gone(error) from error
        if not line:
            raise _gone(None)
        answer: dict[str, Any] = json.loads(line)
        return answer


def _gone(error: OSError | None) -> MonitorGone:
    return MonitorGone(
        "The lab host's QEMU does not answer." if error else "The lab host's QEMU has ended.",
        next_step="`labkit host down` ends what is left of it; then start it again.",
        evidence=[Evidence("its monitor", str(error))] if error else [],
    )
