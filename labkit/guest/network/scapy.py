"""Scapy, which knows how frames are built; loaded when it is first needed, since that takes longer than labkit."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any, Final

from labkit.errors import MissingTool

__all__ = ["scapy"]

_NAMES: Final = {
    "packet": "NoPayload Padding Raw",
    "layers.l2": "ARP Ether",
    "layers.inet": "ICMP IP TCP UDP",
    "layers.inet6": "IPv6 ICMPv6EchoReply ICMPv6EchoRequest ICMPv6ND_NA ICMPv6ND_NS ICMPv6ND_RA ICMPv6ND_RS",
    "layers.dhcp": "BOOTP DHCP",
    "layers.dns": "DNS",
    "utils": "RawPcapWriter",
}


@cache
def scapy() -> Any:
    """What is needed of scapy: its layers, and its writer of pcap files.

    Raises:
        MissingTool: it is not installed.
    """
    import logging

    for logger in ("scapy.loading", "scapy.runtime"):
        logging.getLogger(logger).setLevel(logging.ERROR)  # it would tell of this machine's interfaces
    try:
        modules = {name: import_module(f"scapy.{name}") for name in _NAMES}
    except ImportError as error:
        raise MissingTool(
            f"Frames are read with scapy, which cannot be loaded: {error}.",
            next_step="Run `make lab`, or install scapy into the Python that runs labkit.",
        ) from error
    return SimpleNamespace(
        **{name: getattr(modules[home], name) for home, names in _NAMES.items() for name in names.split()}
    )
