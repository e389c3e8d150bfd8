"""The lab's own hosts: up, down, and how they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import events
from labkit.build.cache import Cache
from labkit.errors import Evidence, HostError
from labkit.host.capabilities import Ability, Capabilities, free_memory
from labkit.host.labhost.build import build_image, find_image, forget_images
from labkit.host.labhost.emulator import KINDS, NEEDED_MIB, Kind, Machine, check_kind, machine
from labkit.host.labhost.running import Running
from labkit.host.labhost.snapshot import (
    Snapshot,
    any_snapshot,
    find_snapshot,
    forget_snapshots,
    take_snapshot,
)
from labkit.host.labhost.words import command_line
from labkit.host.qemu import find_qemu
from labkit.host.ssh import Login
from labkit.settings import Settings, settings

__all__ = ["LabHost", "Status", "collect", "down", "status", "up"]


@dataclass(frozen=True)
class LabHost:
    """A lab host that runs.

    Attributes:
        kind: ``xen`` or ``kvm``.
        login: the way in, over SSH as root.
        capabilities: what it can do, proven in it.
        versions: of QEMU (``qemu``), Debian (``debian``) and each Debian package in it, by its name.
    """

    kind: Kind
    login: Login
    capabilities: Capabilities
    versions: dict[str, str]


@dataclass(frozen=True)
class Status:
    """How a lab host is.

    Attributes:
        kind: which.
        built: whether its image is there, built by the recipe of now.
        booted: whether there is a snapshot that resumes: made by this QEMU from this image.
        stale: whether there is one of another QEMU, or by another labkit's recipe.
        proof: what it was seen to do; empty if it never was booted.
        login: the way in; None if it does not run.
    """

    kind: Kind
    built: bool
    booted: bool
    stale: bool
    proof: str
    login: Login | None

    def describe(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "kind": self.kind,
            "built": self.built,
            "booted": self.booted,
            "stale": self.stale,
            "proof": self.proof,
            "running": self.login is not None,
            "login": _described(self.login) if self.login else None,
        }


def up(kind: str, *, found: Settings | None = None) -> LabHost:
    """Have a lab host run: the one that runs, or one resumed from its snapshot; the first time built and booted.

    It outlives this process; :func:`down` ends it, as does `labkit gc` if it is of no use, and it ends itself
    after two hours without a guest or an SSH connection. Of two calls at once the second waits. Emits the step
    ``up``.

    Args:
        kind: ``xen`` or ``kvm``.
        found: settings to go by, not those of the environment.

    Raises:
        UsageError: there is no such kind.
        MissingTool: a program is not installed.
        HostError: it cannot be built or does not come up.
    """
    which, found = check_kind(kind), found or settings()
    cache, place = _cache(found), Running.of(which, found)
    with (
        events.step("up", f"{which} host") as step,
        place.locked(lambda: step.progress("another process starts it")),
    ):
        image = build_image(cache)
        wanted = machine(which, image, find_qemu())
        snapshot = find_snapshot(cache, wanted)
        login = place.login(wanted) if snapshot else None
        if login is None or snapshot is None:
            place.end()  # one that is another than this, or never came up
            _check_memory()
            snapshot, login = _started(cache, place, wanted, snapshot, found, step)
        return LabHost(which, login, _capabilities(which, snapshot), snapshot.about["versions"])


def _started(
    cache: Cache,
    place: Running,
    wanted: Machine,
    snapshot: Snapshot | None,
    found: Settings,
    step: events.Step,
) -> tuple[Snapshot, Login]:
    if snapshot is not None:
        try:
            return snapshot, place.start(wanted, snapshot, cache)
        except HostError as error:
            step.progress(f"its snapshot is broken, and made anew: {error.what}")
            forget_snapshots(cache, wanted.kind)
    snapshot = take_snapshot(cache, wanted, found)
    return snapshot, place.start(wanted, snapshot, cache)


def down(kind: str, *, forget: bool = False, found: Settings | None = None) -> bool:
    """End a lab host; True if it ran. What was in it is lost.

    Args:
        kind: ``xen`` or ``kvm``.
        forget: remove its snapshot too, and the image if the other kind has no snapshot of it.
        found: settings to go by, not those of the environment.

    Raises:
        UsageError: there is no such kind.
    """
    which, found = check_kind(kind), found or settings()
    cache, place = _cache(found), Running.of(which, found)
    with (
        events.step("down", f"{which} host") as step,
        place.locked(lambda: step.progress("another process starts it")),
    ):
        ran = place.end()
        if forget:
            forget_snapshots(cache, which)
            if not any(any_snapshot(cache, other) for other in KINDS):
                forget_images(cache)
        return ran


def collect(*, found: Settings | None = None) -> list[str]:
    """End the lab hosts that are of no use to anybody, and tell their kinds.

    Those are the ones that never came up, as the process that started them was killed, and those that another
    labkit or another QEMU has started. One that is just being started is left alone.
    """
    found = found or settings()
    ended: list[str] = []
    for kind in KINDS:
        place = Running.of(kind, found)
        if place.folder.exists():
            with place.locked_if_free() as mine:
                if mine and status(kind, found=found).login is None and place.end():
                    ended.append(kind)
    return ended


def status(kind: str, *, found: Settings | None = None) -> Status:
    """How a lab host is; starts and changes nothing.

    Raises:
        UsageError: there is no such kind.
    """
    which, found = check_kind(kind), found or settings()
    cache = _cache(found)
    image = find_image(cache)
    wanted = machine(which, image, find_qemu()) if image else None
    snapshot = find_snapshot(cache, wanted) if wanted else None
    return Status(
        which,
        built=image is not None,
        booted=snapshot is not None,
        stale=snapshot is None and any_snapshot(cache, which),
        proof=snapshot.proof.reason if snapshot else "",
        login=Running.of(which, found).login(wanted) if wanted else None,
    )


def _check_memory() -> None:
    free, reason = free_memory()
    if free < NEEDED_MIB:
        raise HostError(
            f"There is too little memory for a lab host: {free} MiB are free, and it may take {NEEDED_MIB}.",
            next_step="Close other programs, or end the other lab host: `labkit host down`.",
            evidence=[Evidence("how we know", reason)],
        )


def _cache(found: Settings) -> Cache:
    return Cache(found.cache, found.cache_mib << 20)


def _capabilities(kind: Kind, snapshot: Snapshot) -> Capabilities:
    proof = snapshot.proof
    shown = Ability(proof.proven, proof.reason)
    other = Ability(False, f"this lab host is for {kind}")
    return Capabilities(
        kvm=shown if kind == "kvm" else other,
        tcg=Ability(kind == "kvm", "QEMU is there" if kind == "kvm" else "there is no QEMU in it"),
        xen=shown if kind == "xen" else other,
        memory_mib=snapshot.about["memory_mib"],
        cores=1,
        memory_reason="what was free there when it had started",
        cores_reason="the lab host has one processor",
    )


def _described(login: Login) -> dict[str, Any]:
    told = {name: str(value) if isinstance(value, Path) else value for name, value in vars(login).items()}
    return told | {"command": command_line(login)}
