"""What this machine can do for guests, each point with its reason."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabError
from labkit.host.identity import identity
from labkit.host.probe import proven
from labkit.host.qemu import find_qemu
from labkit.settings import Settings, settings

__all__ = ["Ability", "Capabilities", "capabilities", "free_memory"]


@dataclass(frozen=True)
class Ability:
    """One thing that a machine can or cannot do.

    Attributes:
        there: whether it can.
        reason: how we know, or what is missing.
    """

    there: bool
    reason: str

    def __bool__(self) -> bool:
        return self.there


@dataclass(frozen=True)
class Capabilities:
    """What this machine can do.

    Attributes:
        kvm: runs guests on the processor itself; true only if a guest has been seen to run so.
        tcg: runs guests by QEMU's emulation.
        xen: runs guests as Xen domains.
        memory_mib: memory that is free for guests, in MiB.
        cores: processors that this process may use.
        memory_reason: how we know the memory.
        cores_reason: how we know the cores.
    """

    kvm: Ability
    tcg: Ability
    xen: Ability
    memory_mib: int
    cores: int
    memory_reason: str
    cores_reason: str


def capabilities(found: Settings | None = None) -> Capabilities:
    """Look at this machine; boots a tiny guest to prove KVM unless the verdict is in the cache.

    Raises nothing of its own: what is missing is told in the reasons.
    """
    found = found or settings()
    memory, memory_reason = free_memory()
    cores = len(os.sched_getaffinity(0))
    try:
        qemu = find_qemu()
        tcg = Ability(True, f"QEMU {qemu.version()}")
    except LabError as error:
        kvm = tcg = Ability(False, f"{error.what} {error.next_step}")
    else:
        try:
            verdict = proven(found, qemu, identity())
        except LabError as error:
            kvm = Ability(False, f"{error.what} {error.next_step}")
        else:
            kvm = Ability(verdict.proven, verdict.reason)
    return Capabilities(
        kvm=kvm,
        tcg=tcg,
        xen=_xen(),
        memory_mib=memory,
        cores=cores,
        memory_reason=memory_reason,
        cores_reason=f"this process may run on {cores} of {os.cpu_count()}",
    )


def free_memory() -> tuple[int, str]:
    """Free memory in MiB, and how we know: what the kernel says, or less if a control group allows less."""
    free = 0
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) // 1024
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):
        limit, used = "max", 0
    if limit.isdecimal() and (int(limit) - used) >> 20 < free:
        return max(0, (int(limit) - used) >> 20), "what is left of this container's limit"
    return free, "MemAvailable in /proc/meminfo"


def _xen() -> Ability:
    """Whether we are in the control domain of a Xen machine."""
    try:
        told = Path("/proc/xen/capabilities").read_text()
    except OSError:
        return Ability(False, "this is no Xen machine: there is no /proc/xen")
    if "control_d" in told.split():
        return Ability(True, "this is the control domain of a Xen machine")
    return Ability(False, "this is a guest of a Xen machine, not its control domain")
