"""What a Solo5 image says of itself, in its ELF notes: its ABI and its devices. Any tool may have built it.

The notes are those of Solo5's ``include/elf_abi.h`` and ``include/mft_abi.h`` (version 0.9 and later).
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Final

from labkit.build import elf
from labkit.build.manifest import Device, Manifest, ToolchainInfo
from labkit.build.target import TARGETS
from labkit.errors import ImageError

__all__ = ["ABI", "abi_version", "check_multiboot", "manifest_of"]

ABI: Final = "solo5"
"""A manifest's ``abi`` for such images."""

_OWNER: Final = "Solo5"
_ABI_NOTE: Final = 0x31494241  # ABI1
_DEVICES_NOTE: Final = 0x3154464D  # MFT1
_ABIS: Final = {1: "hvt", 2: "spt", 3: "virtio", 4: "muen", 5: "genode", 6: "xen"}
_KINDS: Final = {1: "block", 2: "network"}
_RESERVED: Final = 1 << 30  # type of the first entry, which is no device

_ABI_INFO: Final = struct.Struct("<IIII")  # target, its version, two reserved words
_HEAD: Final = struct.Struct("<4xII")  # padding up to eight bytes, version, number of entries
_ENTRY: Final = struct.Struct("<68sI24xB7x")  # name, type, what the host fills in, whether it is attached
_FORMAT: Final = 1
_NAME: Final = re.compile(rb"([A-Za-z0-9]{1,63})\0+")

_MULTIBOOT: Final = struct.Struct("<8I")
_MULTIBOOT_MAGIC: Final = 0x1BADB002
_MULTIBOOT_REACH: Final = 8192
_HAS_ADDRESSES: Final = 1 << 16

_AGAIN: Final = "Build the image again, or copy it again from where it came."


def manifest_of(path: Path, name: str) -> Manifest | None:
    """What the notes of an image file say; None where it is no Solo5 image.

    Args:
        path: the file.
        name: what it is to be called: the notes do not say.

    Raises:
        ImageError: no such file, not an ELF for this machine, damaged, without its list of devices, or for a
            target or with a device that labkit does not know.
    """
    notes = elf.notes(path, _OWNER)
    if not notes:
        return None
    target = _target(path, notes)
    if _DEVICES_NOTE not in notes:
        raise ImageError(
            f"{path} is a Solo5 image for {target} whose list of devices has been stripped: it has no note MFT1.",
            next_step="Build it again, and keep the section .note.solo5.manifest; `strip -g` does.",
        )
    return Manifest(name, target, ToolchainInfo("unknown"), _devices(path, notes[_DEVICES_NOTE]), abi=ABI)


def abi_version(path: Path) -> int:
    """The version of its target's ABI that an image asks for.

    Raises:
        ImageError: as :func:`manifest_of`, or it is no Solo5 image.
    """
    notes = elf.notes(path, _OWNER)
    _target(path, notes)
    return int(_ABI_INFO.unpack(notes[_ABI_NOTE])[1])


def check_multiboot(path: Path) -> None:
    """Look whether QEMU can load a virtio image: by its multiboot header, whose addresses are the file's layout.

    Raises:
        ImageError: it has no such header, or is shorter than that says.
    """
    content = path.read_bytes()
    for at in range(0, min(len(content), _MULTIBOOT_REACH) - _MULTIBOOT.size + 1, 4):
        magic, flags, check, header, start, end, _, _ = _MULTIBOOT.unpack_from(content, at)
        if magic == _MULTIBOOT_MAGIC and flags & _HAS_ADDRESSES and (magic + flags + check) % (1 << 32) == 0:
            if at - (header - start) + (end - start) > len(content):
                raise ImageError(
                    f"{path} has been stripped too far: it is shorter than its multiboot header says, and QEMU "
                    "cannot load it.",
                    next_step="Build it again; to make it smaller, take `strip -g`, which is harmless.",
                )
            return
    raise ImageError(
        f"{path} is a Solo5 image for virtio, but has no multiboot header in its first {_MULTIBOOT_REACH} bytes.",
        next_step=_AGAIN,
    )


def _target(path: Path, notes: dict[object, bytes]) -> str:
    if _ABI_NOTE not in notes:
        raise ImageError(
            f"{path} does not say for which of Solo5's targets it was built: it has no note ABI1.",
            next_step="Build it again, and keep the section .note.solo5.abi; `strip -g` does.",
        )
    if len(notes[_ABI_NOTE]) != _ABI_INFO.size:
        raise _damaged(path, f"its note ABI1 has {len(notes[_ABI_NOTE])} bytes")
    number = _ABI_INFO.unpack(notes[_ABI_NOTE])[0]
    target = _ABIS.get(number, f"target number {number}")
    known = [one.name for one in TARGETS if one.name in _ABIS.values()]
    if target not in known:
        raise ImageError(
            f"{path} is a Solo5 image for {target}, which labkit cannot run.",
            next_step=f"Build it for one of these: {', '.join(known)}.",
        )
    return target


def _devices(path: Path, content: bytes) -> tuple[Device, ...]:
    if len(content) < _HEAD.size:
        raise _damaged(path, "its list of devices is cut short")
    version, count = _HEAD.unpack_from(content)
    if version != _FORMAT:
        raise ImageError(
            f"{path} has a list of devices in format {version}; labkit reads format {_FORMAT}.",
            next_step="Build it with a Solo5 of version 0.9 or later that has that format.",
        )
    if len(content) != _HEAD.size + count * _ENTRY.size or count == 0:
        raise _damaged(path, f"its list of devices has {len(content)} bytes for {count} entries")
    first, *entries = _ENTRY.iter_unpack(content[_HEAD.size :])
    if first[1] != _RESERVED:
        raise _damaged(path, "its list of devices does not begin with the reserved entry")
    devices = []
    for name, kind, attached in entries:
        plain = _NAME.fullmatch(name)
        if plain is None or attached:
            raise _damaged(path, f"its list of devices has an entry {name.rstrip(bytes(1))!r}")
        if kind not in _KINDS:
            raise ImageError(
                f"{path} asks for a device {plain[1].decode()} of a kind that labkit does not know ({kind}).",
                next_step="Take an image that needs blocks and networks only.",
            )
        devices.append(Device(plain[1].decode(), _KINDS[kind]))
    return tuple(devices)


def _damaged(path: Path, what: str) -> ImageError:
    return ImageError(f"{path} is damaged: {what}.", next_step=_AGAIN)
