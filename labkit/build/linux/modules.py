"""A kernel's modules, in the order in which they need each other."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from elftools.elf.elffile import ELFFile

from labkit.errors import SourceError

__all__ = ["in_order"]


def in_order(tree: Path, names: Iterable[str]) -> list[Path]:
    """The files of modules and of all that they need, each behind what it needs.

    Args:
        tree: the folder with all modules, :attr:`labkit.build.linux.kernel.Kernel.modules`.
        names: the modules that are wanted, such as ``virtio_net``.

    Raises:
        SourceError: there is no such module.
    """
    files = {_plain(path.stem): path for path in tree.rglob("*.ko")}
    ordered: dict[str, Path] = {}

    def add(name: str) -> None:
        if name in ordered:
            return
        if name not in files:
            raise SourceError(
                f"The kernel has no module {name}.",
                next_step="Take a name of `lsmod`; what is built into the kernel needs none.",
            )
        for needed in _needed(files[name]):
            add(needed)
        ordered[name] = files[name]

    for name in names:
        add(_plain(name))
    return list(ordered.values())


def _needed(module: Path) -> list[str]:
    """What a module says in its section ``.modinfo``, as ``depends=a,b``."""
    with module.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".modinfo")
        entries = section.data().split(b"\0") if section else []
    said = [entry.removeprefix(b"depends=") for entry in entries if entry.startswith(b"depends=")]
    return [_plain(name) for names in said for name in names.decode().split(",") if name]


def _plain(name: str) -> str:
    return name.replace("-", "_")
