"""A word on standard error where a port of this machine leads to nobody."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from typing import TYPE_CHECKING, Final

from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.guest import Guest
    from labkit.guest.network import Forward, Network

__all__ = ["look_in_background"]

PATIENCE_SECONDS: Final = 5.0  # until a guest listens
PAUSE_SECONDS: Final = 0.5


def look_in_background(guest: Guest) -> None:
    """Look whether somebody listens where a guest's forwards lead, and say so if not; in a thread of its own."""
    for network in guest.networks.values():
        for forward in network.forwards:
            threading.Thread(
                target=_look, args=(guest, network, forward), name="labkit-reach", daemon=True
            ).start()


def _look(guest: Guest, network: Network, forward: Forward) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with contextlib.suppress(LabError):  # it has ended, or scapy is not installed
        network.wait_for_address(PATIENCE_SECONDS)
    with contextlib.suppress(LabError):
        found = network.check(forward.guest_port, http=False)
        while not found.ok and time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
            found = network.check(forward.guest_port, http=False)
        if (failed := found.failed) is not None and guest.exit is None:
            print(
                f"labkit: {forward.url} does not answer yet: {failed.words}.\n"
                f"  What to do: {failed.next_step}\n  Whose turn: {failed.whose_turn.value}",
                file=sys.stderr,
                flush=True,
            )
