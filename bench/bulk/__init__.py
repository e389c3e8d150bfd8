"""TCP in bulk, both ways, and ping: our stack beside that of a Linux guest, in one run and over the same ways.

A guest listens on port 80. The first line of a connection says what it is for: ``give BYTES``, and the guest sends
so many; ``take BYTES``, and the guest says ``go on``, reads so many, and says ``taken``; whatever else is answered
as HTTP, so that it can be seen when the guest serves.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from itertools import count
from pathlib import Path

from bench.linux import NETWORK, linux_guest
from bench.namespace import Namespace
from bench.rounds import Stopwatch, in_turns
from bench.table import Row
from bench.web.servers import LINUX_NETWORK, Running, Server, Way, slirp, tap
from labkit.build.builder import build
from labkit.build.cache import Cache
from labkit.settings import settings

__all__ = ["rows"]

_HERE = Path(__file__).parent
_MEMORY_MIB = 256
_BYTES = 32 << 20
_PINGS = 200
_ROUNDS_MOST = 7


def rows(rounds: int) -> list[Row]:
    """The lines of the table."""
    found = settings()
    numbers = count(1)
    with Namespace() as namespace, Cache(found.cache, found.cache_mib << 20).staging() as folder:
        servers = {"ours": _ours(), "Linux": _linux(folder)}
        ways: dict[str, Callable[[], Way]] = {"slirp": lambda: slirp(next(numbers))}
        if namespace.has_tap:
            ways["TAP"] = lambda: tap(namespace, next(numbers))
        table = []
        for name, way in ways.items():
            verbs = {"give": _BYTES, "take": _BYTES} | ({"ping": _PINGS} if name == "TAP" else {})
            table += _measured(namespace, servers, name, way, verbs, min(rounds, _ROUNDS_MOST))
        return table


def _ours() -> Server:
    return Server(build(_HERE / "image").path, "--ipv4={} --ipv4-gateway={}".format)


def _linux(folder: Path) -> Server:
    peer = folder / "peer"
    subprocess.run(
        ["gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-static", "-o", peer, _HERE / "peer.c"], check=True
    )
    guest = linux_guest(folder, modules=NETWORK, script=LINUX_NETWORK + "/bin/peer", files={"bin/peer": peer})
    return Server(guest, "address={} gateway={}".format)


def _measured(
    namespace: Namespace,
    servers: dict[str, Server],
    name: str,
    way: Callable[[], Way],
    verbs: dict[str, int],
    rounds: int,
) -> list[Row]:
    with ExitStack() as stack:
        clients = {}
        for who, server in servers.items():
            place = way()
            running = stack.enter_context(Running(namespace, server, place, memory_mib=_MEMORY_MIB))
            assert running.milliseconds is not None
            client = subprocess.Popen(
                namespace.command(sys.executable, "-m", "bench.bulk.client", place.host, place.port),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=_HERE.parents[1],
            )
            stack.callback(client.communicate)
            clients[who] = client
        contenders = {
            (verb, who): partial(_ask, client, verb, amount)
            for verb, amount in verbs.items()
            for who, client in clients.items()
        }
        taken = in_turns(contenders, rounds)
    words = {
        "give": f"{_BYTES >> 20} MiB from the guest",
        "take": f"{_BYTES >> 20} MiB to the guest",
        "ping": "ping",
    }
    table = []
    for verb in verbs:
        ours, theirs = taken[verb, "ours"], taken[verb, "Linux"]
        if verb == "ping":
            ours, theirs = ours.microseconds(), theirs.microseconds()
        goal = "ratio at most 1" if verb == "ping" else "ratio at most 1.25"
        table.append(Row(f"{name}: {words[verb]}", ours, "Linux", theirs, goal))
    return table


def _ask(client: subprocess.Popen[str], verb: str, amount: int, watch: Stopwatch) -> None:
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(f"{verb} {amount}\n")
    client.stdin.flush()
    watch.milliseconds = statistics.median(map(float, client.stdout.readline().split()))
