"""A place at a guest's network interface where all its frames are seen."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from labkit.errors import GuestError
from labkit.guest.network.filters import Mirror
from labkit.guest.network.passage import in_pump
from labkit.guest.network.stream import FrameStream
from labkit.guest.pump import Pump
from labkit.host.monitor import Monitor

__all__ = ["Tap"]


class Tap:
    """Copies of the frames that a guest sends and gets, in their order, until it is stopped."""

    def __init__(
        self,
        monitor: Monitor,
        network: str,
        pump: Pump,
        take: Callable[[list[bytes]], None],
        *,
        far: bool = False,
    ) -> None:
        """Begin.

        Args:
            monitor: the guest's QEMU.
            network: the network's name there.
            pump: in whose thread frames are taken.
            take: called with frames that came together.
            far: whether it is at the network's end rather than at the guest's.

        Raises:
            GuestError: the guest has ended.
            MonitorError: QEMU refuses.
        """
        self._mirror = Mirror(monitor, network, far=far)
        self._pump = pump
        with self._mirror.undone_on_error():
            self._stream = in_pump(pump, lambda: FrameStream(pump, self._mirror.frames, take))

    def stop(self) -> None:
        """End it; what was on its way is taken still. Not in the pump's thread: it waits for QEMU."""
        self._mirror.remove()
        with contextlib.suppress(GuestError):
            in_pump(self._pump, self._stream.finish)
