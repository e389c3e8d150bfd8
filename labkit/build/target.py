"""Targets: what an image can be built for, and which toolchain builds for it."""

from __future__ import annotations

from dataclasses import dataclass

from labkit.errors import UsageError

__all__ = ["DEFAULT", "TARGETS", "Target", "target_named"]


@dataclass(frozen=True)
class Target:
    """What an image is built for.

    Attributes:
        name: as ``--target`` takes it, and the suffix of image files.
        summary: what the result is and what runs it, in a few words.
        toolchains: names of the toolchains that build for it.
    """

    name: str
    summary: str
    toolchains: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


TARGETS = (
    Target("virtio", "PVH ELF for QEMU and KVM, run as a libvirt domain", ("offline", "opam")),
    Target("unix", "ordinary Linux process", ("offline", "opam")),
    Target("xen", "PVH ELF for Xen, run by xl or libvirt", ("offline", "opam")),
    Target("hvt", "Solo5 image for the hvt tender", ("opam",)),
    Target("spt", "Solo5 image for the spt tender", ("opam",)),
    Target("linux", "Linux kernel with a file system in memory, of a folder with an image.toml", ()),
    Target("qcow2", "disk that boots Linux by itself, of a folder with an image.toml", ()),
)
DEFAULT = TARGETS[0]


def target_named(name: str | Target) -> Target:
    """The target of this name.

    Raises:
        UsageError: there is none.
    """
    if isinstance(name, Target):
        return name
    for target in TARGETS:
        if target.name == name:
            return target
    known = ", ".join(target.name for target in TARGETS)
    raise UsageError(f"There is no target {name!r}.", next_step=f"Take one of: {known}.")
