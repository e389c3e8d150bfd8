"""An image: its size by library, its devices, its boot arguments, and what was linked in and why."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from labkit.ui.pictures.libraries import PARTS, part_of, reason_for
from labkit.ui.pictures.picture import QUIET, TILE_INK, TILES, Picture, svg, table, text
from labkit.ui.pictures.treemap import Tile, layout

if TYPE_CHECKING:
    from labkit.build.image import Image

__all__ = ["kib", "picture"]

WIDTH: Final = 560.0  # narrow, so that letters stay readable where it has to shrink
HEIGHT: Final = 260.0
LEAST_SHARE: Final = 0.006  # smaller ones are drawn as one
LETTER: Final = 6.7  # how wide a letter of 12 units is, about


def picture(image: Image) -> Picture:
    """Draw an image.

    Raises:
        ImageError: its file is gone or damaged.
    """
    from labkit.build.linux.image import LinuxImage

    if isinstance(image, LinuxImage) and image.contents:
        from labkit.ui.pictures.contents import contents

        return contents(image)
    manifest = image.manifest
    made = " ".join(word for word in (image.toolchain.name, image.toolchain.version) if word)
    head = f"{image.name}: {kib(image.bytes)} file for {manifest.target}"
    libraries = image.libraries
    devices = ", ".join(f"{device.name} ({device.kind})" for device in manifest.devices) or "none"
    facts = [
        ("toolchain", f"{made}, OCaml {image.toolchain.ocaml}" if image.toolchain.ocaml else made),
        ("devices", devices),
        ("boot arguments", _arguments(image)),
        ("packages", ", ".join(manifest.packages) or "none told"),
    ]
    if image.seconds:
        facts.insert(0, ("build", f"{'found ready' if image.cached else 'done'} in {image.seconds:.2f} s"))
    share = [f"{name} {kib(size)}" for name, size in libraries.items()]
    alternative = "\n".join(
        [
            head,
            *(f"  {name}: {value}" for name, value in facts),
            *(["In memory, by library:"] if share else []),
        ]
        + [f"  {line}" for line in share]
    )
    parts = [f"<figcaption><strong>{escape(head)}</strong></figcaption>"]
    if libraries:
        parts += [_treemap(image.name, libraries), _legend(libraries)]
    rows = "".join(
        f'<dt style="float:none;width:auto;margin:0;font-weight:normal;color:{QUIET}">{escape(name)}</dt>'
        f'<dd style="float:none;width:auto;margin:0;overflow-wrap:anywhere">{escape(value)}</dd>'
        for name, value in facts
    )
    parts.append(
        f'<dl style="display:grid;grid-template-columns:max-content 1fr;gap:1px 14px;margin:6px 0">{rows}</dl>'
    )
    if libraries:
        listed = [(name, kib(size), reason_for(name, manifest)) for name, size in libraries.items()]
        parts.append(
            "<details><summary>What was linked in, and why</summary>"
            + table(("library", "in memory", "why"), listed, numbers=(1,))
            + "</details>"
        )
    return Picture(f"Image {image.name} for {manifest.target}", alternative, "".join(parts))


def kib(size: int) -> str:
    """A size for people."""
    if size < 1024:
        return f"{size} bytes"
    if size < 1000 * 1024:
        return f"{size / 1024:.0f} KiB" if size >= 10 * 1024 else f"{size / 1024:.1f} KiB"
    return f"{size / 1024 / 1024:.2f} MiB"


def _arguments(image: Image) -> str:
    found = []
    for argument in image.manifest.arguments:
        names = ", ".join(f"--{name}" if len(name) > 1 else f"-{name}" for name in argument.names)
        found.append(f"{names} (unless given: {argument.default})" if argument.default else names)
    return "; ".join(found) or "none told; boot with --help to see them"


def _treemap(name: str, libraries: dict[str, int]) -> str:
    total = sum(libraries.values())
    shown = [(library, size) for library, size in libraries.items() if size >= LEAST_SHARE * total]
    rest = [(library, size) for library, size in libraries.items() if size < LEAST_SHARE * total]
    items = [(library, size, TILES[part_of(library)]) for library, size in shown]
    if rest:
        items.append((f"{len(rest)} others", sum(size for _, size in rest), TILES[5]))
    tiles = layout([float(size) for _, size, _ in items], WIDTH, HEIGHT)
    drawn = []
    for tile in tiles:
        title, size, fill = items[tile.item]
        drawn.append(
            f'<rect x="{tile.x + 1:.1f}" y="{tile.y + 1:.1f}" width="{max(0.5, tile.width - 2):.1f}" '
            f'height="{max(0.5, tile.height - 2):.1f}" fill="{fill}"/>{_words(tile, title, kib(size))}'
        )
    label = f"What {name} takes in memory, by library: " + ", ".join(
        f"{title} {size / total:.0%}" for title, size, _ in items
    )
    return svg(WIDTH, HEIGHT, label, drawn)


def _words(tile: Tile, title: str, size: str) -> str:
    """As much of a title as fits into its tile."""
    room = int((tile.width - 10) / LETTER)
    if tile.height < 18 or room < 4:
        return ""
    if len(title) > room:
        title = title[: room - 1] + "…"
    said = text(round(tile.x + 6, 1), round(tile.y + 16, 1), title, fill=TILE_INK)
    if tile.height >= 36 and len(size) <= room:
        said += text(round(tile.x + 6, 1), round(tile.y + 31, 1), size, size=11, fill=TILE_INK)
    return said


def _legend(libraries: dict[str, int]) -> str:
    sizes = [0] * len(PARTS)
    for library, size in libraries.items():
        sizes[part_of(library)] += size
    entries = "".join(
        f'<span style="white-space:nowrap;margin-right:14px"><span aria-hidden="true" style="display:inline-block;'
        f'width:10px;height:10px;background:{TILES[number]};border:1px solid {QUIET};margin-right:5px"></span>'
        f"{part} {kib(sizes[number])}</span>"
        for number, part in enumerate(PARTS)
        if sizes[number]
    )
    return f'<div style="margin:4px 0;font-size:12px">In memory:&#160; {entries}</div>'
