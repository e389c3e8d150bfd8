"""One frame: its layers, its bytes, and what they mean, side by side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from labkit.guest.network.scapy import scapy
from labkit.guest.network.telling import DHCP_MESSAGES
from labkit.ui.pictures.picture import QUIET, TILE_INK, TILES, Picture

if TYPE_CHECKING:
    from labkit.guest.network.capture import Frame

__all__ = ["Part", "frame_view", "parts"]

BYTES_A_LINE: Final = 8
MOST_BYTES: Final = 512  # of one part

# JupyterLab has styles of its own for tables and code.
_ROW: Final = "background:none"
_CELL: Final = "text-align:left;vertical-align:top;white-space:pre;padding:1px 4px;line-height:1.3"
_BARE: Final = "background:none;color:inherit;padding:0;white-space:pre"
_TCP_FLAGS: Final = {"F": "FIN", "S": "SYN", "R": "RST", "P": "PSH", "A": "ACK", "U": "URG"}

_LAYERS: Final = {
    "IP": "IPv4",
    "BOOTP": "BOOTP",
    "DHCP options": "DHCP",
    "Raw": "content",
    "Padding": "padding",
}
_FIELDS: Final = {
    "dst": "destination",
    "src": "source",
    "len": "length",
    "plen": "length",
    "ihl": "header, in 4 bytes",
    "dataofs": "header, in 4 bytes",
    "tos": "type of service",
    "id": "identification",
    "frag": "fragment offset",
    "ttl": "time to live",
    "proto": "protocol",
    "nh": "next header",
    "hlim": "hop limit",
    "chksum": "checksum",
    "cksum": "checksum",
    "sport": "source port",
    "dport": "destination port",
    "seq": "sequence number",
    "ack": "acknowledged",
    "urgptr": "urgent pointer",
    "hwtype": "hardware",
    "ptype": "protocol",
    "hwlen": "hardware address, bytes",
    "plen_arp": "protocol address, bytes",
    "op": "operation",
    "hwsrc": "sender's hardware",
    "psrc": "sender's address",
    "hwdst": "target's hardware",
    "pdst": "target's address",
    "load": "as text",
    "hlen": "hardware address, bytes",
    "htype": "hardware",
    "xid": "transaction",
    "secs": "seconds",
    "ciaddr": "client's address",
    "yiaddr": "your address",
    "siaddr": "server's address",
    "giaddr": "relay's address",
    "chaddr": "client's hardware",
    "sname": "server's name",
    "file": "boot file",
}


@dataclass(frozen=True)
class Part:
    """Bytes of a frame that belong together.

    Attributes:
        layer: the layer that they belong to.
        at: where they begin.
        data: they.
        name: what they are.
        value: what they mean.
    """

    layer: str
    at: int
    data: bytes
    name: str
    value: str


def parts(frame: Frame) -> list[Part]:
    """A frame, taken apart; the parts are in order and leave no byte out.

    Raises:
        MissingTool: scapy is not installed.
    """
    known = scapy()
    found: list[Part] = []
    layer, at = frame.packet, 0
    while not isinstance(layer, known.NoPayload):
        size = len(layer.original or bytes(layer)) - len(layer.payload.original or bytes(layer.payload))
        title = _LAYERS.get(layer.name, layer.name)
        inside = _fields(layer, title, at, frame.data[at : at + size])
        found += inside
        at += size
        layer = layer.payload
    if at < len(frame.data):
        found.append(Part("rest", at, frame.data[at:], "bytes", ""))
    return found


def frame_view(frame: Frame) -> Picture:
    """Show one frame: bytes at the left, what they mean at the right, layer by layer.

    Raises:
        MissingTool: scapy is not installed.
    """
    found = parts(frame)
    way = "sent by the guest" if frame.sent else "sent to the guest"
    head = f"Frame {frame.number}: {len(frame.data)} bytes, {way}{', LOST' if frame.lost else ''}"
    lines = [head]
    rows = []
    for number, (layer, group) in enumerate(groupby(found, lambda part: part.layer)):
        fill = TILES[number % len(TILES)]
        inside = list(group)
        size = sum(len(part.data) for part in inside)
        lines.append(f"{layer}, {size} bytes")
        rows.append(
            f'<tr style="{_ROW}"><td></td><td colspan="3" style="{_CELL};padding-top:6px;font-weight:bold">'
            f'{escape(layer)} <span style="font-weight:normal;color:{QUIET}">{size} bytes</span></td></tr>'
        )
        for part in inside:
            for at, data, meaning in _rows(part):
                said = f"{part.name}: {meaning}" if part.value and at == part.at else meaning
                lines.append(f"{at:>5}  {data:<{BYTES_A_LINE * 3 - 1}}  {said}".rstrip())
                cells = (
                    f'<td style="{_CELL};text-align:right;color:{QUIET}">{at}</td>',
                    f'<td style="{_CELL};background:{fill};color:{TILE_INK}">',
                    f'<code style="{_BARE}">{data}</code></td>',
                    f'<td style="{_CELL};color:{QUIET}">{escape(part.name if at == part.at else "")}</td>',
                    f'<td style="{_CELL};white-space:pre-wrap">{escape(meaning)}</td>',
                )
                rows.append(f'<tr style="{_ROW}">{"".join(cells)}</tr>')
    html = (
        f"<figcaption><strong>{escape(head)}</strong></figcaption>"
        '<div style="overflow-x:auto">'
        '<table style="margin:4px 0;color:inherit;font-size:12px;border-collapse:separate;border-spacing:6px 1px">'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )
    return Picture("Frame", "\n".join(lines), html)


def _rows(part: Part) -> Iterator[tuple[int, str, str]]:
    """The lines that show a part: where, bytes, meaning. Bytes without another meaning are shown as text."""
    most = MOST_BYTES if any(part.data) else BYTES_A_LINE
    for begin in range(0, min(len(part.data), most), BYTES_A_LINE):
        data = part.data[begin : begin + BYTES_A_LINE]
        yield part.at + begin, data.hex(" "), ("" if begin else part.value) if part.value else _letters(data)
    if len(part.data) > most:
        yield part.at + most, f"… {len(part.data) - most} more", "" if any(part.data) else "all 0"


def _fields(layer: Any, title: str, at: int, data: bytes) -> list[Part]:
    """The fields of a layer; those that share a byte are one part."""
    found: list[Part] = []
    begin, bits = 0, 0
    names: list[str] = []
    values: list[str] = []

    def close(end: int) -> None:
        nonlocal begin
        if names and end > begin:
            found.append(Part(title, at + begin, data[begin:end], ", ".join(names), ", ".join(values)))
        begin = end
        names.clear()
        values.clear()

    for field in layer.fields_desc:
        size = _bits(layer, field)
        if size == 0:
            continue
        names.append(
            _FIELDS.get("plen_arp" if (title, field.name) == ("ARP", "plen") else field.name, field.name)
        )
        values.append(_value(layer, field))
        bits += size
        if bits % 8 == 0:
            close(min(bits // 8, len(data)))
    close(min((bits + 7) // 8, len(data)))
    if begin < len(data):
        found.append(Part(title, at + begin, data[begin:], "bytes", ""))
    return found


def _bits(layer: Any, field: Any) -> int:
    """How many bits a field takes in this frame."""
    size = getattr(field, "size", None)
    if isinstance(size, int) and hasattr(field, "rev"):  # scapy's BitField and its kinds
        return size
    try:
        return 8 * len(field.addfield(layer, b"", layer.getfieldval(field.name)))
    except Exception:  # noqa: BLE001  what scapy cannot put together again is shown as bytes
        return 0


def _value(layer: Any, field: Any) -> str:
    """What a field says, in words; a checksum also whether it is right."""
    value = layer.getfieldval(field.name)
    if field.name == "load":
        return ""
    if field.name in ("sport", "dport"):
        return str(value)  # scapy would ask this machine what it calls that port
    if (layer.name, field.name) == ("TCP", "flags"):
        return " ".join(_TCP_FLAGS[flag] for flag in str(value) if flag in _TCP_FLAGS) or "none"
    if field.name in ("sname", "file"):
        return _letters(value.rstrip(b"\0")) or "empty"
    if layer.name == "DHCP options":
        return ", ".join(_option(option) for option in value if option != "pad")
    if isinstance(value, bytes) and field.name != "chaddr":
        return "0x" + value.hex()
    said = str(field.i2repr(layer, value)).strip("'")
    if field.name in ("chksum", "cksum") and value is not None:
        right = _right_checksum(layer, field.name)
        return f"{value:#06x}" + (
            "" if right is None else ", right" if right == value else f", WRONG: {right:#06x}"
        )
    return said or "none"


def _option(option: Any) -> str:
    """One of DHCP's options."""
    if not isinstance(option, tuple):
        return str(option)
    name, *values = (part.decode("latin-1") if isinstance(part, bytes) else str(part) for part in option)
    if name == "message-type":
        values = [DHCP_MESSAGES.get(int(value), value) for value in values]
    return f"{name} {' '.join(values)}"


def _right_checksum(layer: Any, name: str) -> int | None:
    """What a checksum should be; None where that cannot be told."""
    whole = layer
    while whole.underlayer is not None:
        whole = whole.underlayer
    copy = whole.copy()
    inside = copy.getlayer(type(layer))
    if inside is None or getattr(copy.getlayer(scapy().IP), "frag", False):
        return None
    delattr(inside, name)
    again = type(whole)(bytes(copy)).getlayer(type(layer))
    value = None if again is None else getattr(again, name, None)
    return value if isinstance(value, int) else None


def _letters(data: bytes) -> str:
    return "".join(letter if " " <= letter <= "~" else "·" for letter in data.decode("latin-1"))
