"""What each library put into an image, read from GNU ld's link map."""

from __future__ import annotations

import re

__all__ = ["sizes_by_library"]

# ` .text.f  0x0000000000401000  0x1f /usr/lib/ocaml/lwt/lwt.a(lwt.o)`; a long section name has the line to itself,
# and the numbers follow on the next.
_PART = re.compile(
    r"^ (?P<section>\.\S+|COMMON)?\s+0x(?P<address>[0-9a-f]+)\s+0x(?P<size>[0-9a-f]+) (?P<file>/?\S.*)$"
)
_MEMBER = re.compile(r"(?P<archive>.+)\((?P<member>[^()]+)\)$")
_STARTUP = re.compile(r"camlstartup|crt[1in]\.o|crt(begin|end)\w*\.o")
# Sections that take no memory when the image runs.
_NOT_LOADED = (".debug", ".comment", ".symtab", ".strtab", ".note.GNU", ".gnu.lto")


def sizes_by_library(text: str) -> dict[str, int]:
    """Bytes that each library put into the linked image.

    Args:
        text: a link map (``ld -Map``).

    Returns:
        Bytes by library, largest first. Objects that are in no archive are the image's own, but for the
        start-up code of OCaml and C, which is under ``start-up``.
    """
    _, found, placed = text.partition("Linker script and memory map")
    sizes: dict[str, int] = {}
    if not found:
        return sizes
    pending = ""
    for line in placed.splitlines():
        if re.fullmatch(r" \.\S+", line):
            pending = line
            continue
        match = _PART.match(f"{pending} {line.lstrip()}" if pending else line)
        pending = ""
        if match is None or int(match["address"], 16) == 0:
            continue
        if (match["section"] or "").startswith(_NOT_LOADED):
            continue
        library = _library_of(match["file"])
        sizes[library] = sizes.get(library, 0) + int(match["size"], 16)
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    return {library: size for library, size in ordered if size}


def _library_of(file: str) -> str:
    member = _MEMBER.match(file)
    if member is None:
        return "start-up" if _STARTUP.search(file) else "the image itself"
    archive = member["archive"].rpartition("/")[2].removesuffix(".a").removeprefix("lib")
    return {
        "c": "C library (libc)",
        "m": "C library (libm)",
        "gcc": "compiler (libgcc)",
        "asmrun": "OCaml runtime",
        "stdlib": "OCaml standard library",
        "unix": "OCaml unix library",
    }.get(archive, archive)
