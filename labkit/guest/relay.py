"""The owner's side of a guest's relay socket: passes the console on, each reader at its own pace."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from labkit.errors import GuestError
from labkit.guest import wire
from labkit.guest.guest import Exit, Guest, GuestEvent, as_json
from labkit.guest.pump import Link, Pump

__all__ = ["Relay"]

CLIENTS: Final = 32
PIECE: Final = 1 << 16
PATIENCE_SECONDS: Final = 1.0
AHEAD: Final = 2 * PIECE  # how much may wait in a client's socket before it gets more


class _Stoppable(Protocol):
    def request_stop(self) -> None: ...


class Relay:
    """Listens on a socket and serves the guest's console to whoever connects.

    A reader that is slower than the guest misses what the console no longer keeps, and is told how much; nothing
    is kept for it besides. All methods run in the pump's thread.
    """

    def __init__(self, pump: Pump, path: Path, guest: Guest, owner: _Stoppable) -> None:
        self._pump = pump
        self._guest = guest
        self._owner = owner
        self._clients: list[_Client] = []
        self._then: Callable[[], None] | None = None
        self._listener = socket.socket(socket.AF_UNIX)
        try:
            self._listener.bind(str(path))
            path.chmod(0o600)
            self._listener.listen(CLIENTS)
            self._listener.setblocking(False)
        except OSError:
            self._listener.close()
            raise
        pump.watch(self._listener, self._accept, selectors.EVENT_READ)

    def console_came(self) -> None:
        """Pass on what the console has got."""
        for client in list(self._clients):
            client.serve()

    def event_came(self, event: GuestEvent) -> None:
        """Pass on an event."""
        for client in list(self._clients):
            client.tell(event)

    def close(self, ending: Exit, then: Callable[[], None]) -> None:
        """Tell everybody how the guest ended, listen no longer; ``then`` is called when all know or time is up."""
        self._pump.forget(self._listener)
        self._then = then
        for client in list(self._clients):
            client.finish(ending)
        if self._clients:
            self._pump.at(time.monotonic() + PATIENCE_SECONDS, self._all_told)
        else:
            self._all_told()

    def _all_told(self) -> None:
        then, self._then = self._then, None
        if then:
            then()

    def _gone(self, client: _Client) -> None:
        if client in self._clients:
            self._clients.remove(client)
        if not self._clients:
            self._all_told()

    def _accept(self, _mask: int) -> None:
        try:
            sock, _ = self._listener.accept()
        except OSError:
            return
        peer = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        uid = int.from_bytes(peer[4:8], "little")
        if len(self._clients) >= CLIENTS or uid not in (os.getuid(), 0):
            sock.close()
            return
        client = _Client(self._pump, sock, self._guest, self._owner, self._gone)
        self._clients.append(client)
        client.begin()


class _Client:
    """One who reads a guest's console."""

    def __init__(
        self,
        pump: Pump,
        sock: socket.socket,
        guest: Guest,
        owner: _Stoppable,
        gone: Callable[[_Client], None],
    ) -> None:
        self._guest = guest
        self._owner = owner
        self._gone = gone
        self._place = 0
        self._ending: Exit | None = None
        self._told = False
        self._frames = wire.FrameReader()
        self._link = Link(pump, sock, self._came, lambda: self._gone(self), self.serve)

    def begin(self) -> None:
        self._link.send(
            wire.json_frame(wire.HELLO, {"name": self._guest.name, "image": str(self._guest.image)})
        )
        for event in self._guest.events:
            self.tell(event)
        self.serve()

    def serve(self) -> None:
        """Send as much as the client's socket should hold; called again when that has gone."""
        while self._link.open and self._link.unsent < AHEAD:
            place, data = self._guest.console.read_from(self._place, PIECE)
            if place > self._place:
                self._link.send(wire.json_frame(wire.CUT, {"bytes": place - self._place}))
            self._place = place + len(data)
            if not data:
                break
            self._link.send(wire.frame(wire.CONSOLE, data))
        else:
            return
        if self._told and not self._link.unsent:
            self._link.end()
        elif self._ending and not self._told:
            self._told = True
            self._link.send(wire.json_frame(wire.END, as_json(self._ending)))

    def tell(self, event: GuestEvent) -> None:
        if self._told:
            return  # how it ended was the last word
        self._link.send(wire.json_frame(wire.EVENT, {"kind": event.kind, "detail": event.detail}))

    def finish(self, ending: Exit) -> None:
        self._ending = ending
        self.serve()

    def _came(self, data: bytes) -> None:
        try:
            frames = self._frames.feed(data)
        except wire.WireError:
            self._link.end()
            return
        for kind, content in frames:
            if kind == wire.INPUT and not self._guest.console.closed:
                with contextlib.suppress(
                    GuestError
                ):  # it does not read; the client sees that nothing comes back
                    self._guest.console.send(content)
            elif kind == wire.STOP:
                self._owner.request_stop()
