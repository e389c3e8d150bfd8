"""wrk, the load generator: how many requests a second, and how long each takes."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from bench.linux.debian import unpacked
from bench.namespace import Namespace

__all__ = ["Load", "Wrk"]

_UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6}


@dataclass(frozen=True)
class Load:
    """What wrk saw.

    Attributes:
        rate: requests a second.
        p99: the time within which 99 of 100 were answered, in microseconds.
    """

    rate: float
    p99: float


class Wrk:
    """wrk in a network namespace; unpacked from Debian's package, not installed."""

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._tree = unpacked("wrk", "libluajit-5.1-2", "libssl3")

    def run(self, url: str, *, connections: int, seconds: int = 1) -> Load:
        """Keep so many connections busy for so long.

        Raises:
            AssertionError: nothing came back, or something else than a page.
        """
        libraries = self._tree / "usr" / "lib" / "x86_64-linux-gnu"
        command = self._namespace.command(
            "env", f"LD_LIBRARY_PATH={libraries}", self._tree / "usr" / "bin" / "wrk",
            "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency", url,
        )  # fmt: skip
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rate = re.search(r"^Requests/sec: +([\d.]+)", said, re.MULTILINE)
        p99 = re.search(r"^ +99% +([\d.]+)(us|ms|s|m) *$", said, re.MULTILINE)
        assert rate, said
        assert p99, said
        assert "Non-2xx" not in said, said
        return Load(float(rate[1]), float(p99[1]) * _UNITS[p99[2]])
