"""A boot's timeline: firmware, kernel, runtime, start, from the guest's own stamps."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from labkit.ui.pictures.picture import PANEL, QUIET, TILE_INK, TILES, Picture, svg, text

if TYPE_CHECKING:
    from labkit.guest.guest import Exit, Guest
    from labkit.verbs import Outcome

__all__ = ["Stage", "boot_stages", "stages", "timeline"]

WIDTH: Final = 560.0
LINE: Final = 26.0
LEFT: Final = 110.0
RIGHT: Final = 70.0
PATIENCE: Final = 3.0  # seconds for a guest that boots just now

_BEFORE: Final = "firmware"
_TOLD: Final = {
    "kernel": ("kernel", "memory, traps, clock, devices"),
    "runtime": ("OCaml runtime", "and the modules, one after another"),
}


@dataclass(frozen=True)
class Stage:
    """A stretch of a boot.

    Attributes:
        name: what runs.
        about: what it does.
        begin: when it began, in milliseconds.
        end: when the next one began.
    """

    name: str
    about: str
    begin: float
    end: float


def stages(stamps: dict[str, int], firmware: float | None = None) -> list[Stage]:
    """The stretches between stamps, in the order of their time.

    Args:
        stamps: nanoseconds after the kernel's entry.
        firmware: milliseconds before that, by the host's clock; None where they were not measured.
    """
    shift = firmware or 0.0
    found = [] if firmware is None else [Stage(_BEFORE, "and the hypervisor: load the image", 0.0, firmware)]
    ordered = sorted(stamps.items(), key=lambda stamp: stamp[1])
    for (name, begin), (_, end) in pairwise(ordered):
        title, about = _TOLD.get(name, (name, ""))
        found.append(Stage(title, about, shift + begin / 1e6, shift + end / 1e6))
    return found


def boot_stages(guest: Guest) -> list[Stage]:
    """How a guest has booted; one that boots just now is given a moment to get through.

    Only a guest of this process tells how long it took before its first instruction. A process has no kernel of
    its own: what Linux did to start it, dynamic linking included, comes before the program.
    """
    from labkit.guest.owned import OwnedGuest
    from labkit.guest.process import ProcessGuest

    _wait_for_start(guest)
    stamps = guest.stamps
    if isinstance(guest, ProcessGuest):
        if "start" not in stamps:
            return []
        took, told = stamps["start"] / 1e6, _heard(guest, "start")
        before = max(0.0, told - took) if told is not None else 0.0
        return [
            Stage("Linux", "makes the process, links it", 0.0, before),
            Stage("the program", "OCaml's runtime, and the modules", before, before + took),
        ]
    # an attached one heard of it later than it was
    return stages(stamps, _heard(guest, "kernel") if isinstance(guest, OwnedGuest) else None)


def _heard(guest: Guest, stamp: str) -> float | None:
    """When this process heard of a stamp, in milliseconds after the guest began to run."""
    told = (event for event in guest.events if event.kind == "stamp" and event.detail.startswith(f"{stamp} "))
    return next((event.seconds * 1e3 for event in told), None)


def timeline(thing: Guest | Exit | Outcome) -> Picture:
    """Draw how a guest booted; one that boots just now is given a moment to get through.

    Args:
        thing: a guest, or how one ended. Only a guest of this process tells how long the firmware took.
    """
    from labkit.guest.guest import Exit, Guest

    firmware: float | None = None
    if isinstance(thing, Guest):
        found, name = boot_stages(thing), f"Boot of {thing.image.stem}"
        stamps, ending = thing.stamps, thing.exit
        firmware = found[0].end if found and found[0].name == _BEFORE else None
    else:
        ending = thing if isinstance(thing, Exit) else thing.exit
        stamps, name = ending.stamps, "Boot"
        found = stages(stamps)
    told = f"The guest {ending.detail}." if ending else ""
    if not found:
        words = f"{name}: no stages were told. {told}".rstrip()
        return Picture(name, words, f"<figcaption>{escape(words)}</figcaption>")
    end = found[-1].end
    reached = "start" in stamps
    head = f"{name}: {'start is called' if reached else 'start is not reached'} after {end:.1f} ms"
    lines = [f"{stage.name}: {stage.end - stage.begin:.1f} ms ({stage.about})" for stage in found]
    alternative = "\n".join([head, *(f"  {line}" for line in lines), *([told] if told else [])])
    drawing = _drawn(found, f"{head}. " + "; ".join(lines))
    html = f"<figcaption><strong>{escape(head)}</strong></figcaption>{drawing}"
    notes = [told] if told else []
    if firmware is not None:
        notes.append("The firmware's time is by the host's clock, the others are by the guest's own.")
    if notes:
        html += f'<div style="font-size:12px;color:{QUIET}">{escape(" ".join(notes))}</div>'
    return Picture(name, alternative, html)


def _wait_for_start(guest: Guest) -> None:
    """Until the guest has called start, or has ended, or takes too long for either."""
    deadline = time.monotonic() + PATIENCE
    happened = threading.Event()
    leave = guest.subscribe(lambda _event: happened.set())
    try:
        while "start" not in guest.stamps and guest.exit is None and time.monotonic() < deadline:
            happened.wait(deadline - time.monotonic())
            happened.clear()
    finally:
        leave()


def _drawn(found: list[Stage], label: str) -> str:
    end = found[-1].end or 1.0
    scale = (WIDTH - LEFT - RIGHT) / end
    drawn = [f'<rect width="{WIDTH:g}" height="{len(found) * LINE + 6:g}" rx="3" fill="{PANEL}"/>']
    for number, stage in enumerate(found):
        y = number * LINE + 4
        x, width = LEFT + stage.begin * scale, max(1.5, (stage.end - stage.begin) * scale)
        took = f"{stage.end - stage.begin:.1f} ms"
        drawn.append(
            text(LEFT - 10, y + 14, stage.name, more=' text-anchor="end"')
            + f'<rect x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="20" rx="2" fill="{TILES[number % 5]}"/>'
            + (
                text(round(x + 6, 1), y + 14, stage.about, size=11, fill=TILE_INK)
                if width > 6.2 * len(stage.about) + 10
                else ""
            )
            + text(round(x + width + 6, 1), y + 14, took, size=11)
        )
    return svg(WIDTH, len(found) * LINE + 6, label, drawn)
