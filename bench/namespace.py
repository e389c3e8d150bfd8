"""A network of its own for a benchmark: a network namespace with TAP devices, which ends with us."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from labkit.build.linux.debian import unpacked
from labkit.errors import Evidence, HostError

__all__ = ["Namespace"]


class Namespace:
    """A network namespace. Its loopback is up; nothing of it is connected with anything outside.

    An ordinary user gets it together with a user namespace.
    """

    def __init__(self) -> None:
        """Make it.

        Raises:
            HostError: this machine does not allow it.
        """
        self._busybox = unpacked("busybox-static") / "bin" / "busybox"
        self._user = [] if os.getuid() == 0 else ["--user", "--map-root-user"]
        # It ends with us, however we end: when its standard input does.
        hold = f'"{self._busybox}" ip link set lo up && echo ready && exec cat'
        self._holder = subprocess.Popen(
            ["unshare", *self._user, "--net", "sh", "-c", hold],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self._holder.stdout is not None
        if self._holder.stdout.readline() != b"ready\n":
            _, said = self._holder.communicate()
            raise HostError(
                "A network namespace for the benchmark cannot be made.",
                next_step="Run it where namespaces are allowed, or as root.",
                evidence=[Evidence("unshare", said.decode(errors="replace"))],
            )

    def command(self, *words: str | Path) -> list[str]:
        """What runs a command in it."""
        user = ["--user", "--preserve-credentials"] if self._user else []
        return ["nsenter", "--target", str(self._holder.pid), *user, "--net", "--", *map(str, words)]

    def add_tap(self, name: str, address: str, guest: str, mac: str) -> None:
        """Make a TAP device, up, for QEMU to open.

        Args:
            name: its name.
            address: its own address with the length of its network, such as ``10.0.1.1/24``.
            guest: the address of who will be at its other end ...
            mac: ... and the hardware address, so that nobody has to ask for it while a guest boots.
        """
        self._run("tunctl", "-t", name)
        self._run("ip", "addr", "add", address, "dev", name)
        self._run("ip", "link", "set", name, "up")
        self._run("arp", "-i", name, "-s", guest, mac)

    @property
    def has_tap(self) -> bool:
        """Whether TAP devices can be made in it."""
        return os.access("/dev/net/tun", os.R_OK | os.W_OK)

    def _run(self, *applet: str) -> None:
        command: Sequence[str] = self.command(self._busybox, *applet)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise HostError(
                "The benchmark's network cannot be set up.",
                next_step="Run it as root.",
                evidence=[Evidence(" ".join(applet), done.stderr)],
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._holder.communicate()
