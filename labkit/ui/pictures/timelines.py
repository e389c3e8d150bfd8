"""Boots beside each other, on one scale."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from labkit.errors import UsageError
from labkit.ui.pictures.picture import PANEL, QUIET, TILES, Picture, svg, text
from labkit.ui.pictures.timeline import Stage, boot_stages

if TYPE_CHECKING:
    from labkit.guest.guest import Guest

__all__ = ["timelines"]

WIDTH: Final = 560.0
LINE: Final = 30.0
LEFT: Final = 110.0
RIGHT: Final = 80.0
_ORDER: Final = ("firmware", "kernel", "OCaml runtime", "Linux", "the program")


def timelines(**guests: Guest) -> Picture:
    """Draw how guests booted, one line for each, on one scale; those that boot just now are given a moment.

    Args:
        guests: guests of this process, each by what it is to be called: ``timelines(process=…, domain=…)``.

    Raises:
        UsageError: none is given.
    """
    if not guests:
        raise UsageError(
            "There is no guest to draw.", next_step="Give one or more: timelines(process=guest)."
        )
    found = {name: boot_stages(guest) for name, guest in guests.items()}
    lines = []
    for name, stages in found.items():
        if not stages:
            lines.append(f"{name}: no stages were told")
            continue
        parts = ", ".join(f"{stage.name} {stage.end - stage.begin:.1f} ms" for stage in stages)
        lines.append(f"{name}: start is called after {stages[-1].end:.1f} ms ({parts})")
    title = "Boots beside each other"
    used = [
        name for name in _ORDER if any(stage.name == name for stages in found.values() for stage in stages)
    ]
    legend = "".join(
        f'<span style="white-space:nowrap;margin-right:14px"><span aria-hidden="true" style="display:inline-block;'
        f"width:10px;height:10px;background:{TILES[_ORDER.index(name)]};border:1px solid {QUIET};"
        f'margin-right:5px"></span>{name}</span>'
        for name in used
    )
    html = (
        f"<figcaption><strong>{title}</strong></figcaption>{_drawn(found, '; '.join(lines))}"
        f'<div style="margin:4px 0;font-size:12px">{legend}</div>'
        f'<div style="font-size:12px;color:{QUIET}">{escape("; ".join(lines))}</div>'
    )
    return Picture(title, "\n".join([title, *(f"  {line}" for line in lines)]), html)


def _drawn(found: dict[str, list[Stage]], label: str) -> str:
    longest = max((stages[-1].end for stages in found.values() if stages), default=1.0) or 1.0
    scale = (WIDTH - LEFT - RIGHT) / longest
    height = len(found) * LINE + 6
    drawn = [f'<rect width="{WIDTH:g}" height="{height:g}" rx="3" fill="{PANEL}"/>']
    for number, (name, stages) in enumerate(found.items()):
        y = number * LINE + 5
        drawn.append(text(LEFT - 10, y + 14, name, more=' text-anchor="end"'))
        for stage in stages:
            fill = TILES[_ORDER.index(stage.name)] if stage.name in _ORDER else TILES[5]
            width = max(1.0, (stage.end - stage.begin) * scale)
            x = LEFT + stage.begin * scale
            drawn.append(f'<rect x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="20" fill="{fill}"/>')
        if stages:
            end = LEFT + stages[-1].end * scale
            drawn.append(text(round(end + 6, 1), y + 14, f"{stages[-1].end:.1f} ms", size=11))
    return svg(WIDTH, height, f"Boots beside each other. {label}", drawn)
