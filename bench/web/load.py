"""wrk, the load generator, in a network namespace: how quickly a server answers when it is kept busy."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.namespace import Namespace
from labkit.guest.network import load as labkit_load

__all__ = ["Load", "load"]

_REPORT = Path(labkit_load.__file__).with_name("report.lua")


@dataclass(frozen=True)
class Load:
    """What wrk saw.

    Attributes:
        one: the time of one request, of all that were answered, in microseconds.
        p99: the time within which 99 of 100 were answered, in microseconds.
    """

    one: float
    p99: float


def load(namespace: Namespace, url: str, *, connections: int, seconds: int = 1) -> Load:
    """Keep so many connections busy for so long.

    Raises:
        AssertionError: nothing came back, or something else than a page.
    """
    command = namespace.command(
        "wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds}s", "-s", _REPORT, url
    )
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told = json.loads(said.splitlines()[-1])
    assert told["requests"] > 0, said
    assert told["errors"]["status"] == 0, said
    _until_idle(namespace, url)
    return Load(told["microseconds"] / told["requests"], dict(told["percentiles"])[99])


def _until_idle(namespace: Namespace, url: str) -> None:
    """Wait until the server has done with connections that wrk left: the next contender would pay for them."""
    subprocess.run(namespace.command("curl", "--silent", "--fail", "--output", "/dev/null", url), check=True)
