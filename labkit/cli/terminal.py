"""A guest's console joined to this process's standard input and output."""

from __future__ import annotations

import os
import select
import threading
import time
from typing import TYPE_CHECKING

from labkit.cli.output import OutputGone
from labkit.errors import GuestError

if TYPE_CHECKING:
    from labkit.guest import Exit, Guest

__all__ = ["follow"]

_INPUT, _OUTPUT = 0, 1
_PIECE = select.PIPE_BUF  # where there is room for any, a pipe takes this much without blocking
_LOOK_UP = 200  # milliseconds between looks at whether we are still wanted, while nobody takes our output
_FULL_PAUSE = 0.05  # seconds until input is offered again to a guest that has much unread


def follow(guest: Guest) -> Exit:
    """Join a guest's console, from the first byte that is kept, until the guest ends.

    What comes is written at once. If nobody takes it, the guest waits. Standard input goes to the guest as it
    comes; its end is not passed on, since a serial line has none.

    Raises:
        OutputGone: nobody reads our standard output any more.
        HostError: the place where the guest ran failed under it.
    """
    joint = _Joint(guest)
    leave = guest.console.subscribe(joint.take)
    threading.Thread(target=joint.forward_input, name="labkit-stdin", daemon=True).start()
    try:
        joint.over.wait()
    finally:
        joint.over.set()
        leave()
    if joint.output_gone:
        raise OutputGone
    return guest.wait()


class _Joint:
    """What the threads share: the console's, standard input's and the main one."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        self.over = threading.Event()
        self.output_gone = False

    def take(self, piece: bytes) -> None:
        """The console's subscriber: write a piece, in the thread that serves the guest."""
        if not piece:
            self.over.set()
            return
        poll = select.poll()
        poll.register(_OUTPUT, select.POLLOUT)
        rest = memoryview(piece)
        while rest and not self.over.is_set():
            try:
                if poll.poll(_LOOK_UP):
                    rest = rest[os.write(_OUTPUT, rest[:_PIECE]) :]
            except BlockingIOError:
                continue
            except OSError:
                self.output_gone = True
                self.over.set()
                return

    def forward_input(self) -> None:
        """Standard input to the guest, in a thread that dies with the process."""
        while not self.over.is_set():
            try:
                if os.isatty(_INPUT) and os.tcgetpgrp(_INPUT) != os.getpgrp():
                    return  # in the background: to read the terminal would stop us
                data = os.read(_INPUT, _PIECE)
            except OSError:
                return
            if not data:
                return
            while not self.over.is_set():
                try:
                    self._guest.console.send(data)
                    break
                except GuestError:
                    time.sleep(_FULL_PAUSE)
