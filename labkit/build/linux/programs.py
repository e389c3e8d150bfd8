"""Dynamically linked programs of Debian packages, for a guest that has nothing but what it is given."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile

from labkit.errors import SourceError

__all__ = ["program"]

_LOADER: Final = "ld-linux-x86-64.so.2"


def program(tree: Path, inside: str) -> dict[str, Path]:
    """The files that a program needs to start: itself, its loader, and every library; a static one itself only.

    Args:
        tree: what :func:`labkit.build.linux.debian.unpacked` gave, for packages that hold all of them.
        inside: where the program is in it, such as ``usr/sbin/nginx``; in the guest it is in ``bin/``.

    Raises:
        SourceError: a library is in none of the packages.
    """
    found = {f"bin/{Path(inside).name}": (tree / inside).resolve()}
    if _needed(tree / inside):
        found[f"lib64/{_LOADER}"] = _find(tree, _LOADER)
    pending = [tree / inside]
    while pending:
        for name in _needed(pending.pop()):
            if name != _LOADER and f"lib/{name}" not in found:
                found[f"lib/{name}"] = _find(tree, name)
                pending.append(found[f"lib/{name}"])
    return found


def _needed(path: Path) -> list[str]:
    with path.open("rb") as file:
        sections = ELFFile(file).iter_sections()
        return [
            tag.needed  # type: ignore[attr-defined]
            for section in sections
            if isinstance(section, DynamicSection)
            for tag in section.iter_tags("DT_NEEDED")
        ]


def _find(tree: Path, name: str) -> Path:
    found = next(tree.rglob(name), None)
    if found is None:
        raise SourceError(
            f"A program needs {name}, and no package that was given has it.",
            next_step="Name the Debian package with it too: `apt-file search` or packages.debian.org knows it.",
        )
    return found.resolve()
