"""A web server's speed, beside Linux guests that serve the same page, in one run and over the same ways.

wrk, on this machine, keeps connections busy. Everything is in a network namespace of the benchmark's own.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import count

from bench.namespace import Namespace
from bench.rounds import Stopwatch, in_turns
from bench.table import Row, Sample
from bench.web.load import load
from bench.web.servers import Running, Server, Way, linux_servers, our_server, slirp, tap
from labkit.build.cache import Cache
from labkit.settings import settings

__all__ = ["rows"]

_OURS = "ours"
_CONNECTIONS = (1, 30, 100)
_FIRST_ANSWER = "start of QEMU to the first answer"
_MEMORY_MIB = 256
_TOO_LITTLE_MIB, _ENOUGH_MIB = 1, 128


def rows(rounds: int) -> list[Row]:
    """The lines of the table."""
    found = settings()
    numbers = count(1)
    with Namespace() as namespace, Cache(found.cache, found.cache_mib << 20).staging() as folder:
        servers = {_OURS: our_server(folder), **linux_servers(folder)}
        ways: dict[str, Callable[[], Way]] = {"slirp": lambda: slirp(next(numbers))}
        if namespace.has_tap:
            ways["TAP"] = lambda: tap(namespace, next(numbers))
        else:
            print("/dev/net/tun cannot be opened: no TAP.")
        contest = _Contest(namespace, servers, rounds)
        table = []
        for name, way in ways.items():
            table += contest.boots(name, way) + contest.loads(name, way)
        return table + contest.boots_by_dhcp(ways["slirp"]) + contest.memory(ways["slirp"])


@dataclass(frozen=True)
class _Contest:
    """The servers, by name, and how often each is measured."""

    namespace: Namespace
    servers: dict[str, Server]
    rounds: int

    def boots(self, name: str, way: Callable[[], Way]) -> list[Row]:
        contenders = {who: partial(self._boot, server, way()) for who, server in self.servers.items()}
        return _rows(f"{name}: {_FIRST_ANSWER}", in_turns(contenders, self.rounds), "at most 150 ms")

    def boots_by_dhcp(self, way: Callable[[], Way]) -> list[Row]:
        """Ours again, without an address on its command line, beside itself with one."""
        told = self.servers[_OURS]
        asking = Server(told.what, lambda _address, _gateway: "")
        taken = in_turns(
            {"asking": partial(self._boot, asking, way()), "told": partial(self._boot, told, way())},
            self.rounds,
        )
        what = f"slirp, by DHCP: {_FIRST_ANSWER}"
        return [Row(what, taken["asking"], "told its address", taken["told"], "at most 300 ms")]

    def loads(self, name: str, way: Callable[[], Way]) -> list[Row]:
        places = {who: way() for who in self.servers}
        late: dict[tuple[int, str], list[float]] = {}

        def loaded(connections: int, who: str, watch: Stopwatch) -> None:
            seen = load(self.namespace, places[who].url, connections=connections)
            watch.milliseconds = seen.one / 1000
            late.setdefault((connections, who), []).append(seen.p99)

        with ExitStack() as stack:
            for who, place in places.items():
                running = stack.enter_context(self._running(self.servers[who], place))
                assert running.milliseconds is not None
            cells = [(connections, who) for connections in _CONNECTIONS for who in places]
            taken = in_turns({cell: partial(loaded, *cell) for cell in cells}, self.rounds)
        table = []
        for connections in _CONNECTIONS:
            what = f"{name}, {connections} connection{'s' if connections > 1 else ''}"
            one = {who: taken[connections, who].microseconds() for who in places}
            most = {who: Sample(late[connections, who][-self.rounds :], "us") for who in places}
            table += _rows(f"{what}: a request", one, "ratio at most 1")
            table += _rows(f"{what}: 99 % within", most, "ratio at most 1")
        return table

    def memory(self, way: Callable[[], Way]) -> list[Row]:
        least = {who: Sample([self._least(server, way())], "MiB") for who, server in self.servers.items()}
        return _rows("the least memory that serves", least, "at most 32 MiB")

    def _least(self, server: Server, place: Way) -> int:
        too_little, enough = _TOO_LITTLE_MIB, _ENOUGH_MIB
        while enough - too_little > 1:
            middle = (too_little + enough) // 2
            with self._running(server, place, memory_mib=middle, quiet=True) as running:
                if running.milliseconds is None:
                    too_little = middle
                else:
                    enough = middle
        return enough

    def _boot(self, server: Server, place: Way, watch: Stopwatch) -> None:
        with self._running(server, place) as running:
            assert running.milliseconds is not None
            watch.milliseconds = running.milliseconds

    def _running(
        self, server: Server, place: Way, *, memory_mib: int = _MEMORY_MIB, quiet: bool = False
    ) -> Running:
        return Running(self.namespace, server, place, memory_mib=memory_mib, quiet=quiet)


def _rows(what: str, samples: dict[str, Sample], goal: str) -> list[Row]:
    return [Row(what, samples[_OURS], who, sample, goal) for who, sample in samples.items() if who != _OURS]
