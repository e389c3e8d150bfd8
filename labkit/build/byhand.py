"""The files beside a built image by which it is started without labkit: libvirt's XML and, for Xen, xl's."""

from __future__ import annotations

import json
from pathlib import Path

from labkit.build.image import DOMAIN_XML, XL_SUFFIX
from labkit.build.manifest import Device, Manifest

__all__ = ["by_hand"]


def by_hand(manifest: Manifest, image: Path) -> dict[str, str]:
    """Each file's text, by its name.

    Args:
        manifest: what the image says of itself.
        image: where it will be. Its disks are files in that folder, which whoever tries it makes.
    """
    if manifest.target == "virtio":
        return {DOMAIN_XML: _for_qemu(manifest, image)}
    if manifest.target == "xen":
        return {
            DOMAIN_XML: _for_xen(manifest, image),
            f"{manifest.name}{XL_SUFFIX}": _for_xl(manifest, image),
        }
    return {}


def _of_kind(manifest: Manifest, kind: str) -> list[tuple[int, Device]]:
    """The devices of a kind, each with its place among all."""
    return [(place, device) for place, device in enumerate(manifest.devices) if device.kind == kind]


def _disk_file(device: Device) -> str:
    return f"{device.name}.img"


def _for_qemu(manifest: Manifest, image: Path) -> str:
    from labkit.build.domainxml import DomainDisk, DomainNetwork, domain_xml

    disks = [
        DomainDisk(place, device.name, image.with_name(_disk_file(device)))
        for place, device in _of_kind(manifest, "block")
    ]
    networks = [
        DomainNetwork(place, device.name, number)
        for number, (place, device) in enumerate(_of_kind(manifest, "network"))
    ]
    return domain_xml(json.loads(manifest.to_json()), image, disks=disks, networks=networks)


def _for_xen(manifest: Manifest, image: Path) -> str:
    from labkit.build.xenxml import xen_domain_xml
    from labkit.build.xl import XenDisk, XenNetwork

    disks = [
        XenDisk(number, device.name, str(image.with_name(_disk_file(device))))
        for number, (_, device) in enumerate(_of_kind(manifest, "block"))
    ]
    networks = [XenNetwork(device.name) for _, device in _of_kind(manifest, "network")]
    return xen_domain_xml(json.loads(manifest.to_json()), image, disks=disks, networks=networks)


def _for_xl(manifest: Manifest, image: Path) -> str:
    from labkit.build.xl import XenDisk, XenNetwork, xl_configuration

    disks = [
        XenDisk(number, device.name, _disk_file(device))
        for number, (_, device) in enumerate(_of_kind(manifest, "block"))
    ]
    networks = [XenNetwork(device.name) for _, device in _of_kind(manifest, "network")]
    return xl_configuration(json.loads(manifest.to_json()), image.name, disks=disks, networks=networks)
