"""Run by :mod:`labkit.host.daemon` as a program of its own: starts a daemon that belongs to nobody's terminal.

It leaves its parent and its session, becomes the one to whom orphans below it fall (``PR_SET_CHILD_SUBREAPER``,
prctl(2)), and turns into a shell that starts the daemon and collects whatever falls to it. QEMU detaches itself
from libvirt's daemon; where process 1 collects slowly, libvirt would take 1.5 s to see that a guest has gone.
"""

import ctypes
import os
import sys

PR_SET_CHILD_SUBREAPER = 36


def main() -> None:
    """Become ``sh``, which runs the command in our arguments until it ends."""
    if os.fork():
        os._exit(0)
    os.setsid()
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")
    os.execv("/bin/sh", ["sh", "-c", '"$@" & wait $!', "labkit-host", *sys.argv[1:]])  # noqa: S606  it is one


if __name__ == "__main__":
    main()
