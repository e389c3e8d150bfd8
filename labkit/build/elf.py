"""Reading image files as ELF, with words for what is wrong with them. The parsing is pyelftools'."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.errors import ImageError

if TYPE_CHECKING:
    from elftools.elf.elffile import ELFFile

__all__ = ["has_pvh_entry", "notes", "opened", "section", "section_sizes"]

_PVH_NOTE = 18  # XEN_ELFNOTE_PHYS32_ENTRY
_REBUILD = "Build the image again, or copy it again from where it came."


@contextmanager
def opened(path: Path) -> Iterator[ELFFile]:
    """An image file opened as a 64-bit x86 ELF program.

    Raises:
        ImageError: no such file, not an ELF, for another machine, or damaged (also when found while reading).
    """
    from elftools.common.exceptions import ELFError, ELFParseError
    from elftools.construct import ConstructError
    from elftools.elf.elffile import ELFFile

    try:
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise ImageError(f"There is no image file {path}.", next_step="Build it first.") from error
    except OSError as error:
        raise ImageError(
            f"The image file {path} cannot be read: {error.strerror}.", next_step="Mend its permissions."
        ) from error
    with stream:
        size = path.stat().st_size
        try:
            elf: Any = ELFFile(stream)
        except (ELFError, ELFParseError, ConstructError) as error:
            raise ImageError(
                f"{path} is not an ELF file ({size} bytes): {error}.",
                next_step="Give a built image, or a folder with a config.ml.",
            ) from error
        except _PARSE_TROUBLE as error:
            raise _damaged(path, error) from error
        if elf.elfclass != 64 or elf["e_machine"] != "EM_X86_64":
            raise ImageError(
                f"{path} is a program for {elf.get_machine_arch()} ({elf.elfclass}-bit), not for x86-64.",
                next_step="Build it for this machine.",
            )
        if elf["e_type"] not in {"ET_EXEC", "ET_DYN"}:
            raise ImageError(
                f"{path} is an ELF file of type {elf['e_type']}, not a program.",
                next_step="Give the linked image, not an object file or a core dump.",
            )
        try:
            _check_extent(elf, size)
            yield elf
        except (ELFError, ELFParseError, ConstructError, *_PARSE_TROUBLE) as error:
            raise _damaged(path, error) from error


# What pyelftools lets through when offsets and lengths in a file are nonsense.
_PARSE_TROUBLE = (
    ValueError,
    OverflowError,
    MemoryError,
    AttributeError,
    IndexError,
    KeyError,
    TypeError,
    OSError,
)


def _damaged(path: Path, error: BaseException) -> ImageError:
    return ImageError(f"{path} is damaged: {error}.", next_step=_REBUILD)


def _check_extent(elf: Any, size: int) -> None:
    end = max(
        [
            elf["e_phoff"] + elf["e_phnum"] * elf["e_phentsize"],
            elf["e_shoff"] + elf["e_shnum"] * elf["e_shentsize"],
            *(part["p_offset"] + part["p_filesz"] for part in elf.iter_segments()),
        ]
    )
    if end > size:
        raise ValueError(f"it is cut short: {size} bytes instead of at least {end}")
    if elf["e_shnum"] and elf["e_shstrndx"] >= elf["e_shnum"]:
        raise ValueError("its section names are missing")


def section(path: Path, name: str) -> bytes | None:
    """The bytes of a section, or None where the file has none of that name.

    Raises:
        ImageError: as :func:`opened`.
    """
    with opened(path) as elf:
        found: Any = elf.get_section_by_name(name)
        if found is None:
            return None
        content: bytes = found.data()
        if len(content) != found["sh_size"]:
            raise ValueError(f"section {name} is cut short")
        return content


def section_sizes(path: Path) -> dict[str, int]:
    """Bytes of memory that each loaded section takes, in file order.

    Raises:
        ImageError: as :func:`opened`.
    """
    with opened(path) as elf:
        return {
            part.name: part["sh_size"]
            for part in elf.iter_sections()
            if part["sh_flags"] & 0x2 and part["sh_size"]  # SHF_ALLOC
        }


def notes(path: Path, owner: str) -> dict[object, bytes]:
    """The contents of an owner's notes in a file, by their types (names where pyelftools has them).

    Raises:
        ImageError: as :func:`opened`.
    """
    found: dict[object, bytes] = {}
    with opened(path) as elf:
        for segment in elf.iter_segments("PT_NOTE"):
            part: Any = segment  # a NoteSegment
            found |= {
                note["n_type"]: note["n_descdata"] for note in part.iter_notes() if note["n_name"] == owner
            }
    return found


def has_pvh_entry(path: Path) -> bool:
    """Whether a file has the note that makes it bootable by PVH (ELF note ``Xen``, type 18).

    Raises:
        ImageError: as :func:`opened`.
    """
    return not notes(path, "Xen").keys().isdisjoint({_PVH_NOTE, "XEN_ELFNOTE_PHYS32_ENTRY"})
