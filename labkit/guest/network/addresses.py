"""Which address a host has or asks for, from the frames that it sends."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Final

__all__ = ["asks_dhcp", "given_address", "own_address", "said_address", "told_address"]

_ARP: Final = b"\x08\x06"
_IPV4: Final = b"\x08\x00"
_UDP: Final = b"\x11"
_TO_SERVER: Final = b"\x00\x44\x00\x43"  # UDP ports of DHCP, RFC 2131
_TO_CLIENT: Final = b"\x00\x43\x00\x44"
_ACK: Final = b"\x35\x01\x05"  # option 53 of one byte, RFC 2132, section 9.6


def told_address(frame: bytes, mac: bytes) -> IPv4Address | None:
    """The IPv4 address of a host, where a frame tells it: its own, or the one that gives it an address.

    Args:
        frame: the frame.
        mac: the host's hardware address.
    """
    return said_address(frame, mac) or given_address(frame, mac)


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


def asks_dhcp(frame: bytes) -> bool:
    """Whether a frame is a DHCP client's, in IPv4 without options."""
    return _is_dhcp(frame, _TO_SERVER)


def given_address(frame: bytes, mac: bytes) -> IPv4Address | None:
    """The IPv4 address that a DHCP server gives to a client with this frame; None if it gives none.

    Args:
        frame: the frame.
        mac: the client's hardware address.
    """
    message = frame[42:]  # behind Ethernet, IPv4 and UDP
    if not _is_dhcp(frame, _TO_CLIENT) or message[28:34] != mac or _ACK not in message[240:]:
        return None
    packed = message[16:20]
    return IPv4Address(packed) if any(packed) else None


def own_address(network: str, mac: bytes) -> IPv6Address:
    """The address that an interface gives itself on an IPv6 network of 64 bits (RFC 4291, appendix A)."""
    number = bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
    return IPv6Address(IPv6Address(network).packed[:8] + number)


def _is_dhcp(frame: bytes, ports: bytes) -> bool:
    return frame[12:15] == _IPV4 + b"\x45" and frame[23:24] == _UDP and frame[34:38] == ports
