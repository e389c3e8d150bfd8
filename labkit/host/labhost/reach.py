"""The ways to a lab host from outside: its monitor's socket, its forwarded port, its login, its disk's file."""

from __future__ import annotations

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from labkit.errors import Evidence, HostError, MissingTool
from labkit.host.labhost.build import MachineImage
from labkit.host.labhost.monitor import Monitor
from labkit.host.ssh import Login

__all__ = ["LOOPBACK", "empty_disk", "forwarded_port", "listening", "login_of"]

LOOPBACK: Final = "127.0.0.1"
_FORWARD: Final = re.compile(r"TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+22\b")


@contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """A Unix socket that listens, to be handed to QEMU: who connects waits for QEMU, and hears when it ends."""
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        yield listener


def forwarded_port(monitor: Monitor) -> int:
    """The port of this machine, on 127.0.0.1, that leads to the lab host's SSH server.

    Raises:
        HostError: QEMU tells of none.
    """
    told = monitor.say("info usernet")
    match = _FORWARD.search(told)
    if match is None:
        raise HostError(
            "QEMU does not tell which port leads to the lab host.",
            next_step="Please report this.",
            evidence=[Evidence("info usernet", told)],
        )
    return int(match[1])


def login_of(image: MachineImage, port: int, known_hosts: Path) -> Login:
    """How the machine is entered."""
    return Login(LOOPBACK, "root", port, image.keys.client, known_hosts)


def empty_disk(path: Path, mib: int) -> None:
    """Make an empty disk that takes room as it is written (qcow2).

    Raises:
        MissingTool: there is no qemu-img.
        HostError: it fails.
    """
    command = ["qemu-img", "create", "-q", "-f", "qcow2", str(path), f"{mib}M"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise MissingTool(
            "qemu-img is not installed.", next_step="Run `make lab`, or install the package qemu-utils."
        ) from error
    if done.returncode:
        raise HostError(
            "The lab host's disk cannot be made.", evidence=[Evidence(" ".join(command), done.stderr)]
        )
