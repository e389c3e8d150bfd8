"""Which address a host has, from the frames that it sends."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Final

__all__ = ["said_address"]

_ARP: Final = b"\x08\x06"
_IPV4: Final = b"\x08\x00"


def said_address(frame: bytes, mac: bytes) -> IPv4Address | None:
    """The IPv4 address that a frame's sender says to have; None if it says none, or is another.

    Args:
        frame: the frame.
        mac: the sender's hardware address.
    """
    if frame[6:12] != mac:
        return None
    kind = frame[12:14]
    if kind == _ARP:  # RFC 826: the sender's protocol address
        packed = frame[28:32]
    elif kind == _IPV4:  # RFC 791: the source address
        packed = frame[26:30]
    else:
        return None
    return IPv4Address(packed) if len(packed) == 4 and any(packed) else None
