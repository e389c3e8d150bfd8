"""More room before a listening socket of another process of ours.

QEMU's user network listens on forwarded ports with a backlog of one (libslirp, ``tcpx_listen``): of connections
that come together, all but the first two wait a second until they are tried again. listen(2) may be called anew on
a socket that listens already, and pidfd_getfd(2) gives us that socket. Where that is forbidden, it stays as it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from typing import Final

__all__ = ["BACKLOG", "may_widen", "widen"]

BACKLOG: Final = 1024
SYS_PIDFD_GETFD: Final = 438  # on every machine that Linux runs on


def may_widen(process: int) -> bool:
    """Whether this machine lets us reach the sockets of a process.

    Args:
        process: one that is run as QEMU is.
    """
    with contextlib.ExitStack() as closing:
        return _copied(process, 0, closing) is not None


def widen(process: int, descriptor: int, backlog: int = BACKLOG) -> bool:
    """Give a listening socket a longer queue; False where that cannot be done.

    Args:
        process: number of the process that has it.
        descriptor: its number there.
        backlog: how many connections may wait.
    """
    with contextlib.ExitStack() as closing:
        copy = _copied(process, descriptor, closing)
        if copy is None:
            return False
        try:
            with socket.socket(fileno=os.dup(copy)) as listener:
                if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    return False
                listener.listen(backlog)
        except OSError:
            return False
    return True


def _copied(process: int, descriptor: int, closing: contextlib.ExitStack) -> int | None:
    """A descriptor of another process as one of ours; None if it cannot be had."""
    try:
        handle = os.pidfd_open(process)
    except OSError:
        return None
    closing.callback(os.close, handle)
    copy: int = ctypes.CDLL(None, use_errno=True).syscall(SYS_PIDFD_GETFD, handle, descriptor, 0)
    if copy < 0:
        return None
    closing.callback(os.close, copy)
    return copy
