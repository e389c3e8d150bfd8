"""Which network each network device of a guest gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labkit.build.domainxml import DomainNetwork
from labkit.errors import UsageError
from labkit.guest.network.wire import Wire

__all__ = ["Networks", "plan_networks"]

Networks = Wire | Mapping[str, Wire]
"""A wire for a guest's only network device, or wires by the devices' names in ``config.ml``."""


def plan_networks(
    name: str, manifest: Mapping[str, Any], networks: Networks | None
) -> tuple[tuple[DomainNetwork, ...], dict[str, Wire]]:
    """The network interfaces of a guest, each at its place on the bus, and the wires for them.

    Args:
        name: the image's, for messages.
        manifest: what :func:`labkit.guest.checks.read_manifest` gives. An image of another origin, whose devices
            nobody knows, gets none.
        networks: the wires; a device without one gets a network of its own.

    Raises:
        UsageError: a wire has no device, or a device's name is wrong.
    """
    devices = manifest.get("devices", [])
    places = {device["name"]: place for place, device in enumerate(devices) if device["kind"] == "network"}
    wires = _wires(name, networks, places) if networks is not None else {}
    planned = []
    for number, (device, place) in enumerate(places.items()):
        plug = wires[device].reserve() if device in wires else 0
        planned.append(DomainNetwork(place, device, number, plug))
    return tuple(planned), wires


def _wires(name: str, networks: object, places: Mapping[str, int]) -> dict[str, Wire]:
    if isinstance(networks, Wire):
        if len(places) != 1:
            known = f"{len(places)} network devices ({', '.join(places)})" if places else "no network device"
            raise UsageError(
                f"{name} has {known}; a wire is for one.",
                next_step=f"Name it: network={{{next(iter(places))!r}: wire}}."
                if places
                else "Leave out network=, or give the unikernel such a device in config.ml.",
            )
        return {next(iter(places)): networks}
    if not isinstance(networks, Mapping) or not all(isinstance(wire, Wire) for wire in networks.values()):
        raise UsageError(
            f"network={networks!r} is no wire.",
            next_step="Give a labkit.Wire(), or {'service': labkit.Wire()}; or leave it out.",
        )
    for device in networks:
        if device not in places:
            raise UsageError(
                f"{name} has no network device {device}; it has "
                + (f"these: {', '.join(places)}." if places else "none at all."),
                next_step="Use the name of a device in config.ml.",
            )
    return dict(networks)
