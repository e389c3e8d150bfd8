"""A ladder diagram: who sends what to whom, one frame after another."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from labkit.guest.network.telling import EVERYBODY, Teller
from labkit.ui.pictures.picture import PANEL, QUIET, TILE_INK, TILES, Picture, svg, text

if TYPE_CHECKING:
    from labkit.guest.network.capture import Capture, Frame
    from labkit.guest.network.telling import Names, Told

__all__ = ["MOST_SHOWN", "ladder"]

MOST_SHOWN: Final = 60
MOST_HOSTS: Final = 4
OTHERS: Final = "others"

WIDTH: Final = 640.0
HEAD: Final = 30.0
LINE: Final = 30.0
SIDE: Final = 62.0
LETTER: Final = 6.0  # how wide a letter of 11 units is, about
TIME_WIDTH: Final = 58.0

_COLOURS: Final = {
    "ARP": TILES[1],
    "ICMP": TILES[3],
    "ICMPv6": TILES[3],
    "DHCP": TILES[4],
    "DNS": TILES[4],
    "UDP": TILES[4],
    "TCP": TILES[0],
    "HTTP": TILES[2],
}
_LOST: Final = "#b3261e"
_RUNG: Final = "#57606a"


def ladder(
    frames: Capture | Sequence[Frame],
    *,
    names: Names | None = None,
    most: int = MOST_SHOWN,
    times: bool = False,
) -> Picture:
    """Draw frames as a ladder: a line for each host, an arrow for each frame.

    Args:
        frames: a capture, or frames of one.
        names: how hosts are called, by their addresses; the capture's unless given.
        most: how many frames are drawn at most, the first ones; the others are counted.
        times: whether it tells when each frame came, which differs from run to run.

    Raises:
        MissingTool: scapy is not installed.
    """
    from labkit.guest.network.capture import Capture

    if isinstance(frames, Capture):
        count, shown = len(frames.frames), frames.told(most)
    else:
        teller = Teller(names or {})
        count, shown = len(frames), tuple(map(teller.tell, frames[:most]))
    left_out = max(0, count - most)
    head = f"{count:,} frame{'' if count == 1 else 's'}"
    lines = [f"{_time(one)}  {one}" if times else str(one) for one in shown]
    more = [f"{left_out:,} more are not shown"] if left_out else []
    alternative = "\n".join([head, *lines, *more])
    if not shown:
        return Picture("Ladder diagram", "no frames", "<figcaption>No frames.</figcaption>")
    hosts = _hosts(shown)
    html = (
        f"<figcaption><strong>{escape(head)}</strong></figcaption>{_drawn(shown, hosts, alternative, times)}"
    )
    if more:
        html += f'<div style="font-size:12px;color:{QUIET}">{escape(more[0])}</div>'
    rows = "\n".join(lines)
    html += (
        f"<details><summary>The same in words</summary><pre style='font-size:11px;overflow-x:auto;margin:4px 0;"
        f"background:none;color:inherit'>{escape(rows)}</pre></details>"
    )
    return Picture("Ladder diagram", alternative, html)


def _time(told: Told) -> str:
    return f"{told.frame.seconds * 1e3:9.1f} ms"


def _hosts(told: Sequence[Told]) -> list[str]:
    """The hosts, from left to right: the guest at the right, where there is one guest."""
    found: dict[str, None] = {}
    for one in told:
        for name in (one.source, one.target):
            if name != EVERYBODY:
                found.setdefault(name)
    hosts = [name for name in found if name != "guest"] + (["guest"] if "guest" in found else [])
    if len(hosts) > MOST_HOSTS:
        kept = [*hosts[: MOST_HOSTS - 2], hosts[-1]]
        hosts = [*kept[:-1], OTHERS, kept[-1]]
    return hosts if len(hosts) > 1 else [*hosts, EVERYBODY]


def _drawn(told: Sequence[Told], hosts: list[str], label: str, times: bool) -> str:
    left = SIDE + (TIME_WIDTH if times else 0.0)
    step = (WIDTH - left - SIDE) / (len(hosts) - 1)
    places = {name: left + number * step for number, name in enumerate(hosts)}
    height = HEAD + len(told) * LINE + 10
    drawn = [f'<rect width="{WIDTH:g}" height="{height:g}" rx="3" fill="{PANEL}"/>']
    for name, x in places.items():
        drawn.append(f'<path d="M{x:.1f} {HEAD - 4:g}V{height - 6:g}" stroke="#aab2bb" stroke-width="1.5"/>')
        drawn.append(
            text(round(x, 1), HEAD - 11, _cut(name, 18), more=' text-anchor="middle" font-weight="bold"')
        )
    for number, one in enumerate(told):
        y = HEAD + number * LINE + LINE - 7
        drawn.append(text(6, y, str(one.frame.number), size=11, fill=_RUNG))
        if times:
            drawn.append(text(28, y, _time(one).strip(), size=10, fill=_RUNG))
        drawn.append(_arrow(one, places, y))
    return svg(WIDTH, height, label, drawn)


def _arrow(told: Told, places: dict[str, float], y: float) -> str:
    begin = places.get(told.source, places.get(OTHERS, SIDE))
    if told.target == EVERYBODY and EVERYBODY not in places:  # to the farthest
        end = max(places.values(), key=lambda x: abs(x - begin))
    else:
        end = places.get(told.target, places.get(OTHERS, SIDE))
    if begin == end:
        end = begin + (40 if begin < WIDTH / 2 else -40)
    towards = 1 if end > begin else -1
    lost = told.frame.lost
    if lost:
        end = begin + (end - begin) * 0.6
    colour = _LOST if lost else _RUNG
    dashes = ' stroke-dasharray="5 3"' if lost else ""
    drawn = [
        f'<path d="M{begin:.1f} {y:g}H{end - towards * 3:.1f}" stroke="{colour}" stroke-width="1.5"{dashes}/>'
    ]
    if lost:
        anchor = "" if towards > 0 else ' text-anchor="end"'
        drawn.append(
            f'<path d="M{end - 5:.1f} {y - 5:g}l10 10m0 -10l-10 10" stroke="{_LOST}" stroke-width="2"/>'
            + text(round(end + towards * 11, 1), y + 4, "lost", size=11, fill=_LOST, more=anchor)
        )
    else:
        drawn.append(
            f'<path d="M{end:.1f} {y:g}l{-towards * 8} -4v8z" fill="{colour}"/>'
            if told.target != EVERYBODY
            else f'<path d="M{end - towards * 8:.1f} {y - 4:g}l{towards * 8} 4l{-towards * 8} 4" '
            f'fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
    at = min(begin, end) + 8
    tag = told.protocol
    wide = len(tag) * LETTER + 8
    room = int((WIDTH - at - wide - 12) / LETTER)
    words = told.words if told.target != EVERYBODY else f"{told.words} (to everybody)"
    if told.detail and len(words) + len(told.detail) + 4 <= room:
        words = f"{words}  ({told.detail})"
    drawn.append(
        f'<rect x="{at:.1f}" y="{y - 17:g}" width="{wide:g}" height="13" rx="2" '
        f'fill="{_COLOURS.get(tag, TILES[5])}"/>'
        + text(round(at + 4, 1), y - 7, tag, size=10, fill=TILE_INK)
        + text(round(at + wide + 5, 1), y - 7, _cut(words, room), size=11)
    )
    return "".join(drawn)


def _cut(words: str, room: int) -> str:
    return words if len(words) <= room else words[: max(1, room - 1)] + "…"
