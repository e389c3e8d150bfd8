"""What a running unikernel is to whoever watches it, wherever it runs."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from labkit.errors import Evidence, GuestTimeout, LabError, UsageError
from labkit.guest.console import Console

if TYPE_CHECKING:
    from labkit.guest.devices import Device
    from labkit.guest.guestdisk import GuestDisk
    from labkit.guest.network import Network
    from labkit.guest.powercut import PowerCut
    from labkit.guest.shell import Shell
    from labkit.host.plannedcut import Lose

__all__ = ["CRASHED", "Exit", "Guest", "GuestEvent", "Reason", "State"]

CRASHED = 255
"""The status of a guest that panicked or crashed."""


class State(Enum):
    """Where a guest is in its life."""

    STARTING = "starting"
    RUNNING = "running"
    ENDED = "ended"


class Reason(Enum):
    """Why a guest ended."""

    EXIT = "exit"
    PANIC = "panic"
    CRASH = "crash"
    STOPPED = "stopped"
    TIME_LIMIT = "time limit"
    OUTPUT_LIMIT = "output limit"
    HOST_LOST = "host lost"
    POWER_CUT = "power cut"


@dataclass(frozen=True)
class Exit:
    """How a guest ended.

    Attributes:
        status: its exit status; 255 after a panic or crash; None where it was ended from outside.
        reason: why.
        detail: the same in a sentence.
        last_words: the last lines of its console.
        stamps: boot stages, in nanoseconds after the kernel's entry.
        seconds: how long it ran.
    """

    status: int | None
    reason: Reason
    detail: str
    last_words: str = ""
    stamps: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True)
class GuestEvent:
    """Something that happened to a guest.

    Attributes:
        kind: ``running``, ``stamp``, ``address``, ``exit``, ``panic``, ``power cut``, ``ended``, ``lost``, or what
            libvirt says: ``shutdown``, ``crashed``, ``stopped``.
        detail: in words.
        seconds: since the guest began to run.
    """

    kind: str
    detail: str
    seconds: float


class Guest(ABC):
    """One running unikernel. A context manager.

    Attributes:
        name: its name, unique on its host.
        image: the image file it was started from.
        console: what it prints, and the way to answer.
        networks: its networks, by the names of the devices in ``config.ml``.
    """

    def __init__(self, name: str, image: Path, console_bytes: int) -> None:
        self.name = name
        self.image = image
        self.console = Console(name, console_bytes, self._send)
        self.networks: dict[str, Network] = {}
        self._addresses: dict[str, IPv4Address] = {}
        self._state = State.STARTING
        self._events: list[GuestEvent] = []
        self._stamps: dict[str, int] = {}
        self._exit: Exit | None = None
        self._failure: LabError | None = None
        self._changed = threading.Condition()
        self._began = time.monotonic()
        self._watchers: list[Callable[[GuestEvent], None]] = []

    @property
    def state(self) -> State:
        """Where it is in its life."""
        return self._state

    @property
    def age(self) -> float:
        """How long ago it began to run, in seconds."""
        return time.monotonic() - self._began

    @property
    def events(self) -> tuple[GuestEvent, ...]:
        """What has happened to it so far, oldest first."""
        with self._changed:
            return tuple(self._events)

    @property
    def stamps(self) -> dict[str, int]:
        """Boot stages reached so far, in nanoseconds after the kernel's entry."""
        with self._changed:
            return dict(self._stamps)

    @property
    def network(self) -> Network:
        """Its network.

        Raises:
            UsageError: it has none, or more than one.
        """
        if len(self.networks) == 1:
            return next(iter(self.networks.values()))
        if not self.networks:
            raise UsageError(
                f"{self.name} has no network device.",
                next_step="Boot a unikernel whose config.ml asks for one, such as default_network.",
            )
        raise UsageError(
            f"{self.name} has {len(self.networks)} networks: {', '.join(self.networks)}.",
            next_step=f"Name one: guest.networks[{next(iter(self.networks))!r}].",
        )

    @property
    def addresses(self) -> dict[str, IPv4Address]:
        """Its IPv4 addresses as far as it has told them, by the names of its networks."""
        with self._changed:
            return dict(self._addresses)

    def wait_for_address(self, network: str, timeout: float) -> bool:
        """Wait until it has told its address on a network; False if it has not in that time, or has ended."""
        with self._changed:
            self._changed.wait_for(
                lambda: network in self._addresses or self._state is State.ENDED, max(0.0, timeout)
            )
            return network in self._addresses

    @property
    def exit(self) -> Exit | None:
        """How it ended; None while it runs."""
        return self._exit

    def subscribe(self, watcher: Callable[[GuestEvent], None]) -> Callable[[], None]:
        """Call ``watcher`` with every event from now on, in the thread that serves the guest.

        Returns:
            What ends the subscription.
        """
        with self._changed:
            self._watchers.append(watcher)

        def end() -> None:
            with self._changed:
                if watcher in self._watchers:
                    self._watchers.remove(watcher)

        return end

    def wait(self, timeout: float | None = None) -> Exit:
        """Wait until it has ended.

        Args:
            timeout: the longest wait, in seconds; the guest goes on after it.

        Raises:
            GuestTimeout: it runs still.
            HostError: the place where it ran failed under it; its last words are in the evidence.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._state is State.ENDED, timeout):
                raise GuestTimeout(
                    f"{self.name} has not ended in {timeout:g} s.",
                    next_step="Wait longer, or stop it; its last words show where it is.",
                    evidence=[Evidence("its last words", self.console.last_words())],
                )
            if self._failure is not None:
                raise self._failure
            assert self._exit is not None  # noqa: S101  ENDED is set together with it
            return self._exit

    @property
    def ssh(self) -> Shell:
        """Its SSH server, entered: programs, files and a terminal of it. Waits until it is up.

        Raises:
            UsageError: it has none, as no unikernel has.
            GuestError: it cannot be reached, or has ended.
            SshError: it does not let us in, or is not the one that it should be.
        """
        raise UsageError(
            f"{self.name} has no SSH: there is nothing in it to log in to, no shell and no other program.",
            next_step="Look at its console, or boot a Linux guest: labkit.boot('lean-linux').ssh.run('uname').",
        )

    @abstractmethod
    def stop(self) -> Exit:
        """End it now, as by pulling its plug; returns when it is gone. Harmless if it has ended.

        Raises:
            HostError: the place where it ran failed under it.
            UsageError: called by a subscriber, which must not wait; see :meth:`request_stop`.
        """

    @property
    def disks(self) -> Mapping[str, GuestDisk]:
        """Its disks, by the names of their devices: each can be given faults, and be healed, while it runs.

        Raises:
            UsageError: it is no guest of this process that QEMU runs.
        """
        raise self._not_ours("reach the guest's disks")

    @property
    def cut(self) -> PowerCut | None:
        """What its power cut did, once its power has been cut."""
        return None

    def devices(self) -> tuple[Device, ...]:
        """The devices that its machine offers it: what it sees of the hypervisor.

        Raises:
            UsageError: it is no guest of this process that QEMU runs.
            GuestError: it has ended.
        """
        raise self._not_ours("look at the guest's devices")

    def power_cut(
        self,
        *,
        when: str | None = None,  # noqa: ARG002  of whoever owns a guest
        lose: Lose = "some",  # noqa: ARG002
        seed: int | None = None,  # noqa: ARG002
        timeout: float = 30.0,  # noqa: ARG002
    ) -> PowerCut:
        """Cut its power: now, or when a text appears on its console. Returns when it is gone.

        All that was flushed is on its disks afterwards. What was written and not flushed is there too on a plain
        disk, since it was in this machine's memory, which lost no power. A disk with a cache
        (:meth:`labkit.Disk.with_cache`) is what a real one may be: each sector that was written after the last
        flush is whole, but is as that flush found it, or as any write since then made it.

        Args:
            when: the text to wait for.
            lose: ``some`` of the sectors that were not flushed, by chance; all ``unflushed`` ones; ``nothing``.
            seed: of the choices; another one each time unless given.
            timeout: the longest wait for the text, in seconds.

        Raises:
            GuestError: it has ended by itself before.
            ConsoleTimeout: the text did not come; the guest runs on.
            UsageError: it is no guest of this process that QEMU runs, or a subscriber called.
            HostError: the place where it ran failed under it.
        """
        raise self._not_ours("cut the guest's power")

    def _not_ours(self, what: str) -> UsageError:
        return UsageError(
            f"This process cannot {what}: only the one that has {self.name} run by QEMU can.",
            next_step="Boot the guest here, for the target virtio and without stay.",
        )

    @abstractmethod
    def request_stop(self) -> None:
        """Ask for its end and do not wait for it; subscribers may call this."""

    @abstractmethod
    def close(self) -> None:
        """Let go of it: one that is ours ends, one that stays goes on without us. Raises nothing."""

    @abstractmethod
    def _send(self, data: bytes) -> None:
        """Pass input on to it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        told = self._exit
        ending = (
            f", {told.reason.value} {'' if told.status is None else told.status}".rstrip() if told else ""
        )
        return f"<{type(self).__name__} {self.name}: {self._state.value}{ending}>"

    def _note(self, kind: str, detail: str = "") -> None:
        """Record an event and tell the watchers."""
        event = GuestEvent(kind, detail, time.monotonic() - self._began)
        with self._changed:
            self._events.append(event)
            watchers = list(self._watchers)
        for watcher in watchers:
            try:
                watcher(event)
            except Exception:  # noqa: BLE001, S112  a broken listener must not stop the guest
                continue

    def _note_address(self, network: str, address: IPv4Address) -> None:
        with self._changed:
            self._addresses[network] = address
            self._changed.notify_all()
        self._note("address", f"{network} {address}")

    def _finish(self, ending: Exit, failure: LabError | None = None) -> None:
        """Record the end, once."""
        if self._state is State.ENDED:
            return
        self._note("ended", ending.detail)
        self.console.close(ending.detail)
        with self._changed:
            self._exit, self._failure = ending, failure
            self._state = State.ENDED
            self._changed.notify_all()


def as_json(ending: Exit) -> dict[str, Any]:
    """An ending as it goes over a wire."""
    return {**vars(ending), "reason": ending.reason.value}


def from_json(told: dict[str, Any]) -> Exit:
    """The inverse of :func:`as_json`.

    Raises:
        ValueError, TypeError: it is none.
    """
    return Exit(**{**told, "reason": Reason(told["reason"])})
