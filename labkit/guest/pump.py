"""One thread that does a guest's input and output: sockets, timers, and what other threads ask for."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

__all__ = ["READ_BYTES", "Link", "Pump", "Watchable"]

READ_BYTES: Final = 1 << 16
UNSENT_BYTES: Final = 1 << 20


class Watchable(Protocol):
    """A socket, or another descriptor that tells when something has happened."""

    def fileno(self) -> int:
        """The descriptor."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class Pump:
    """A thread with a selector. All callbacks run in it; :meth:`post` may be called from any thread.

    It ends when :meth:`stop` was called, and then closes what it was given to watch.
    """

    def __init__(self, name: str) -> None:
        self._selector = selectors.DefaultSelector()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._posted: deque[Callable[[], None]] = deque()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._watched: list[Watchable] = []
        self._running = True
        self._lock = threading.Lock()
        self._open = True
        self._selector.register(self._wake, selectors.EVENT_READ, self._woken)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the callback that runs now."""
        self.post(self._halt)

    @property
    def is_here(self) -> bool:
        """Whether the calling thread is the pump's."""
        return threading.current_thread() is self._thread

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until the thread has ended; True if it has. A thread that was never started has."""
        if self.is_here:
            return False
        if self._thread.ident is None:
            self._close()
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def post(self, callback: Callable[[], None]) -> None:
        """Have ``callback`` called soon; dropped if the pump has ended."""
        with self._lock:
            if self._open:
                self._posted.append(callback)
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_write(self._wake, 1)

    def at(self, deadline: float, callback: Callable[[], None]) -> None:
        """Have ``callback`` called at a time of the monotonic clock. In the pump's thread, or before it starts."""
        heapq.heappush(self._timers, (deadline, next(self._numbers), callback))

    def watch(self, sock: Watchable, callback: Callable[[int], None], interest: int) -> None:
        """Have ``callback`` called when ``sock`` is ready for ``interest``; again to change the interest."""
        if sock in self._selector.get_map():
            self._selector.modify(sock, interest, callback)
        else:
            self._selector.register(sock, interest, callback)
            self._watched.append(sock)

    def forget(self, sock: Watchable) -> None:
        """Watch ``sock`` no longer, and close it."""
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)
            self._watched.remove(sock)
        sock.close()

    def _run(self) -> None:
        try:
            while self._running:
                wait = max(0.0, self._timers[0][0] - time.monotonic()) if self._timers else None
                for key, mask in self._selector.select(wait):
                    known = self._selector.get_map().get(key.fd)
                    if known is not None and known.fileobj is key.fileobj:  # no callback before has closed it
                        key.data(mask)
                while self._timers and self._timers[0][0] <= time.monotonic():
                    heapq.heappop(self._timers)[2]()
        finally:
            self._close()

    def _halt(self) -> None:
        self._running = False

    def _woken(self, _mask: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        while self._posted:
            self._posted.popleft()()

    def _close(self) -> None:
        with self._lock:
            if not self._open:
                return
            self._open = False
            self._posted.clear()
            for watched in self._watched:
                watched.close()
            self._watched.clear()
            self._selector.close()
            os.close(self._wake)


class Link:
    """A connected stream socket on a pump: bytes in by a callback, bytes out by :meth:`send` from any thread."""

    def __init__(
        self,
        pump: Pump,
        sock: socket.socket,
        on_data: Callable[[bytes], None],
        on_end: Callable[[], None],
        on_sent: Callable[[], None] = lambda: None,
    ) -> None:
        self._pump = pump
        self._on_sent = on_sent
        self._socket = sock
        self._on_data = on_data
        self._on_end = on_end
        self._unsent = bytearray()
        self._lock = threading.Lock()
        self.open = True
        sock.setblocking(False)
        pump.watch(sock, self._ready, selectors.EVENT_READ)

    @property
    def unsent(self) -> int:
        """How many bytes wait to be sent."""
        return len(self._unsent)

    def send(self, data: bytes) -> bool:
        """Send ``data``, now or when the other side takes it; False if too much waits already."""
        with self._lock:
            if len(self._unsent) + len(data) > UNSENT_BYTES:
                return False
            self._unsent += data
        self._pump.post(self._flush)
        return True

    def end(self) -> None:
        """Close it; tells its owner. Only in the pump's thread."""
        if self.open:
            self.open = False
            self._pump.forget(self._socket)
            self._on_end()

    def _flush(self) -> None:
        if not self.open:
            return
        with self._lock:
            sent = 0
            if self._unsent:
                try:
                    sent = self._socket.send(self._unsent)
                except BlockingIOError:
                    pass
                except OSError:
                    self._unsent.clear()  # the other side has gone; reading will show it
                del self._unsent[:sent]
            interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._unsent else 0)
            left = len(self._unsent)
        self._pump.watch(self._socket, self._ready, interest)
        if sent or not left:
            self._on_sent()

    def _ready(self, mask: int) -> None:
        if mask & selectors.EVENT_READ:
            try:
                data = self._socket.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.end()
                return
            self._on_data(data)
        if mask & selectors.EVENT_WRITE:
            self._flush()
