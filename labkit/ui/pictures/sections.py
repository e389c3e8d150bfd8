"""What images of one program are made of, beside each other: their ELF sections."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from labkit.errors import UsageError
from labkit.ui.pictures.image import kib
from labkit.ui.pictures.picture import Picture, table

if TYPE_CHECKING:
    from labkit.build.image import Image

__all__ = ["sections"]

LEAST_BYTES: Final = 4096  # smaller ones are one line, unless they tell something
_ABOUT: Final = {
    ".text": "code",
    ".rodata": "constants of C",
    ".data": "OCaml's constants, and variables",
    ".bss": "variables that begin with zeros",
    ".interp": "who loads it: the dynamic linker",
    ".note.Xen": "where a hypervisor is to jump to: the PVH note",
    ".rela.dyn": "places to put right when it is loaded",
    ".dynsym": "names for the dynamic linker",
    ".dynstr": "the letters of such names",
    ".gnu.hash": "an index of such names",
    ".gnu.version": "the versions of such names",
    ".eh_frame": "how to unwind C's stack",
    ".eh_frame_hdr": "an index of that",
}
_TELLING: Final = (".interp", ".note.Xen")


def sections(*images: Image) -> Picture:
    """Show the sections of images side by side: bytes in memory, and what they are for.

    Args:
        images: the images.

    Raises:
        UsageError: none is given.
        ImageError: a file is gone or damaged.
    """
    if not images:
        raise UsageError("There is no image to show.", next_step="Give one or more.")
    sizes = [image.sections for image in images]
    names = sorted(
        {name for found in sizes for name in found}, key=lambda name: -max(f.get(name, 0) for f in sizes)
    )
    shown = [name for name in names if name in _TELLING or max(f.get(name, 0) for f in sizes) >= LEAST_BYTES]
    rows = [
        (name, *(kib(found[name]) if name in found else "–" for found in sizes), _ABOUT.get(name, ""))
        for name in shown
    ]
    rest = [sum(size for name, size in found.items() if name not in shown) for found in sizes]
    rows.append(("others", *map(kib, rest), ""))
    rows.append(("in memory", *(kib(sum(found.values())) for found in sizes), "all of these"))
    rows.append(("file", *(kib(image.bytes) for image in images), "as it lies on the disk"))
    same = len({image.name for image in images}) == 1
    heads = [
        image.manifest.target if same else f"{image.name} for {image.manifest.target}" for image in images
    ]
    title = f"Sections of {images[0].name}" if same else "Sections"
    widths = [
        max(len(row[column]) for row in [("section", *heads, ""), *rows]) for column in range(len(heads) + 2)
    ]
    lines = [
        "  ".join(
            cell.rjust(w) if 0 < n <= len(heads) else cell.ljust(w)
            for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in [("section", *heads, ""), *rows]
    ]
    unbroken = [(*(cell.replace(" ", "\u00a0") for cell in row[:-1]), row[-1]) for row in rows]
    html = f"<figcaption><strong>{escape(title)}</strong></figcaption>" + table(
        ("section", *heads, "what it is for"), unbroken, numbers=tuple(range(1, len(heads) + 1))
    )
    return Picture(title, "\n".join([title, *lines]), html)
