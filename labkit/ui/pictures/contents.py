"""What is in images, drawn to one scale: a treemap each, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from labkit.build.image import Image
from labkit.build.linux.image import KERNEL, LinuxImage
from labkit.ui.pictures.image import kib
from labkit.ui.pictures.libraries import part_of
from labkit.ui.pictures.picture import INK, QUIET, TILE_INK, TILES, Picture, svg, table, text
from labkit.ui.pictures.treemap import layout

__all__ = ["contents", "linux_part"]

WIDTH: Final = 560.0
HEIGHT: Final = 300.0
GAP: Final = 16.0
HEAD: Final = 20.0
LETTER: Final = 6.7
LEAST_SHARE: Final = 0.006
PARTS: Final = (
    "the program, its pages, scripts",
    "libraries",
    "operating system",
    "language runtime",
    "other programs",
)


@dataclass(frozen=True)
class _Drawn:
    """An image to draw: its name, and its items, each with its bytes and its part."""

    name: str
    items: Sequence[tuple[str, int, int]]

    @property
    def total(self) -> int:
        return sum(size for _, size, _ in self.items)


def contents(*images: Image) -> Picture:
    """Draw what is in images: areas are bytes, on one scale for all.

    Raises:
        ValueError: of one of them nothing is known.
        ImageError: a file is gone.
    """
    drawn = [_of(image) for image in images]
    if not drawn or any(not one.total for one in drawn):
        raise ValueError("nothing is known of what is in an image")
    sides = [one.total**0.5 for one in drawn]
    unit = min(HEIGHT / max(sides), (WIDTH - GAP * (len(drawn) - 1)) / sum(sides))
    parts: list[str] = []
    left, below = 0.0, HEAD + max(sides) * unit
    for one, side in zip(drawn, (side * unit for side in sides), strict=True):
        parts += _tiles(one, left, below - side, side)
        title = f"{one.name}: {kib(one.total)}"
        parts.append(text(round(left, 1), round(below - side - 6, 1), title, fill="#808890"))
        left += max(side, len(title) * LETTER) + GAP
    label = "; ".join(
        f"{one.name}: " + ", ".join(f"{name} {kib(size)}" for name, size, _ in one.items[:5]) for one in drawn
    )
    used = sorted({part for one in drawn for _, _, part in one.items})
    legend = "".join(
        f'<span style="white-space:nowrap;margin-right:14px"><span aria-hidden="true" style="display:inline-block;'
        f'width:10px;height:10px;background:{TILES[part]};border:1px solid {QUIET};margin-right:5px"></span>'
        f"{escape(PARTS[part])}</span>"
        for part in used
    )
    rows = [(one.name, name, kib(size)) for one in drawn for name, size, _ in one.items]
    html = (
        f"<figcaption><strong>What is in {escape(' and '.join(one.name for one in drawn))}</strong></figcaption>"
        + svg(max(left - GAP, 1.0), below, label, parts)
        + f'<div style="margin:4px 0;font-size:12px;color:{INK}">{legend}</div>'
        + "<details><summary>All of it</summary>"
        + table(("image", "part", "bytes"), rows, numbers=(2,))
        + "</details>"
    )
    words = "\n".join(f"{image}: {name} {size}" for image, name, size in rows)
    return Picture(f"What is in {' and '.join(one.name for one in drawn)}", words, html)


def linux_part(path: str) -> int:
    """Which part a file of a Linux image belongs to, by its place in :data:`PARTS`."""
    if path == KERNEL or path.startswith("lib/modules/"):
        return 2
    if path.startswith(("lib/", "lib64/")):
        return 1
    return 4 if path.startswith("bin/") else 0


def _of(image: Image) -> _Drawn:
    if isinstance(image, LinuxImage):
        return _Drawn(image.name, _items(_grouped(image.libraries), linux_part))
    return _Drawn(image.name, _items(image.libraries, lambda name: min(part_of(name), 3)))


def _grouped(files: Mapping[str, int]) -> dict[str, int]:
    """Files under the names that people know, small ones together."""
    sizes: dict[str, int] = {}
    for path, size in files.items():
        folder = path.partition("/")[0]
        name = (
            "lib/modules/"
            if path.startswith("lib/modules/")
            else path
            if folder in ("bin", "lib", "lib64")
            else folder
        )
        sizes[name] = sizes.get(name, 0) + size
    return dict(sorted(sizes.items(), key=lambda item: -item[1]))


def _items(sizes: Mapping[str, int], part: Callable[[str], int]) -> list[tuple[str, int, int]]:
    total = sum(sizes.values())
    shown = [(name, size, part(name)) for name, size in sizes.items() if size >= LEAST_SHARE * total]
    rest = [size for size in sizes.values() if size < LEAST_SHARE * total]
    return [*shown, *([(f"{len(rest)} others", sum(rest), 1)] if rest else [])]


def _tiles(one: _Drawn, left: float, top: float, side: float) -> list[str]:
    made = []
    for tile in layout([float(size) for _, size, _ in one.items], side, side):
        name, _, part = one.items[tile.item]
        x, y = left + tile.x, top + tile.y
        made.append(
            f'<rect x="{x + 0.5:.1f}" y="{y + 0.5:.1f}" width="{max(0.5, tile.width - 1):.1f}" '
            f'height="{max(0.5, tile.height - 1):.1f}" fill="{TILES[part]}"/>'
        )
        room = int((tile.width - 8) / LETTER)
        if tile.height >= 16 and room >= 4:
            said = name if len(name) <= room else name[: room - 1] + "…"
            made.append(text(round(x + 4, 1), round(y + 13, 1), said, size=11, fill=TILE_INK))
    return made
