"""Load on a guest's web server, by wrk (https://github.com/wg/wrk), and what it measured."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from labkit import events
from labkit.errors import Evidence, HostError, MissingTool, UsageError

if TYPE_CHECKING:
    from labkit.guest.guest import Guest

__all__ = ["Load", "load"]

MOST_CONNECTIONS: Final = 1000
MOST_SECONDS: Final = 60
TIMEOUT_SECONDS: Final = 3  # of a request
_REPORT: Final = Path(__file__).with_name("report.lua")


@dataclass(frozen=True)
class Load:
    """What came of a load.

    Attributes:
        name: what the guest runs.
        port: the guest's port.
        connections: how many connections asked, each one request after another.
        seconds: how long.
        requests: how many were answered.
        bytes: how many bytes the answers had.
        latency: how long answers took, in seconds, by percentile from 0 to 100: half were no slower than
            ``latency[50]``.
        errors: how often it failed, by what failed: ``connect``, ``read``, ``write``, ``timeout``, and ``status``
            for answers of 400 and above.
    """

    name: str
    port: int
    connections: int
    seconds: float
    requests: int
    bytes: int
    latency: dict[float, float]
    errors: dict[str, int]

    @property
    def per_second(self) -> float:
        """Requests answered a second."""
        return self.requests / self.seconds

    @property
    def failures(self) -> int:
        """How often it failed, whatever failed."""
        return sum(self.errors.values())

    def __str__(self) -> str:
        over = f"{self.connections} connection{'' if self.connections == 1 else 's'}"
        answered = f"{self.per_second:,.0f} requests/s over {over}"
        half, most = self.latency[50] * 1e3, self.latency[99] * 1e3
        failed = ", ".join(f"{count:,} {what}" for what, count in self.errors.items() if count)
        return f"{answered}; half in {half:.2f} ms, 99 % in {most:.2f} ms; errors: {failed or 'none'}"


def load(
    guest: Guest,
    port: int = 80,
    *,
    connections: int = 10,
    seconds: int = 3,
    path: str = "/",
    network: str = "",
) -> Load:
    """Ask a guest's web server for a page, again and again, over connections that stay open.

    The load takes processor time from the guest on a small machine: compare only what was measured alike. Emits
    the step ``load``.

    Args:
        guest: the guest.
        port: its TCP port.
        connections: how many ask at the same time, 1 to 1000.
        seconds: how long, 1 to 60.
        path: what is asked for.
        network: the name of its network, where it has more than one.

    Raises:
        GuestError: it cannot be reached there, or does not speak HTTP; the evidence says which layer fails.
        UsageError: an argument makes no sense.
        MissingTool: wrk is not installed.
    """
    if not 1 <= connections <= MOST_CONNECTIONS or not 1 <= seconds <= MOST_SECONDS:
        raise UsageError(
            f"{connections} connections for {seconds} s make no load.",
            next_step=f"Take 1 to {MOST_CONNECTIONS} connections, and 1 to {MOST_SECONDS} whole seconds.",
        )
    if not path.startswith("/") or any(letter <= " " for letter in path):
        raise UsageError(
            f"{path!r} is no path.", next_step="Give one that begins with /, such as /index.html."
        )
    program = shutil.which("wrk")
    if program is None:
        raise MissingTool(
            "The load generator wrk is not installed.",
            next_step="Run `make lab`, or install the package wrk.",
        )
    where = guest.networks[network] if network else guest.network
    forward = where.reach(port)
    with events.step("load", f"{guest.name}, port {port}"):
        command = [
            *("setpriv", "--pdeathsig", "KILL", program),  # it ends with us
            *(
                "-t",
                "1",
                "-c",
                str(connections),
                "-d",
                f"{int(seconds)}s",
                "--timeout",
                f"{TIMEOUT_SECONDS}s",
            ),
            *("-s", str(_REPORT), forward.url.rstrip("/") + path),
        ]
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds + 10 * TIMEOUT_SECONDS,
        )
    try:
        told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise HostError(
            "wrk measured nothing.",
            next_step="Its own words tell why.",
            evidence=[Evidence(" ".join(command[4:]), done.stdout + done.stderr)],
        ) from None
    return Load(
        guest.name.rpartition("-")[0],
        port,
        connections,
        told["microseconds"] / 1e6,
        told["requests"],
        told["bytes"],
        {percent: microseconds / 1e6 for percent, microseconds in told["percentiles"]},
        told["errors"],
    )
