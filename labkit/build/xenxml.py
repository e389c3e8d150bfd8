"""The libvirt domain of a guest of Xen, as XML that a student can read, keep and use without labkit.

One pure function, as :mod:`labkit.build.domainxml` has one for QEMU; the elements are those of
https://libvirt.org/formatdomain.html and https://libvirt.org/drvxen.html.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from labkit.build.domainxml import LAB_NAMESPACE, check_xml, domain_name, printed, text_element
from labkit.build.xl import XenDisk, XenNetwork

__all__ = ["xen_domain_xml"]

_COMMENT = """
  {name}: a unikernel as a Xen domain, written by Unikernel Lab.

  Try it without labkit:   virsh -c xen:///system create THIS-FILE      in dom0, as root
  Its console:             virsh -c xen:///system console {name}
  The paths below are dom0's, and have to be whole: put them right first if you copied the files there.

  xenpvh           hardware's protection, Xen's devices, no firmware: Xen starts the ELF file by its PVH note
  cmdline          the unikernel's arguments
  {devices}
"""


def xen_domain_xml(
    manifest: Mapping[str, Any],
    image: Path,
    *,
    name: str | None = None,
    memory_mib: int = 32,
    command_line: str = "",
    owner: Mapping[str, str] | None = None,
    disks: Sequence[XenDisk] = (),
    networks: Sequence[XenNetwork] = (),
) -> str:
    """The domain that runs an image, pretty-printed, with a comment that explains it.

    Args:
        manifest: the image's manifest (``docs/ARCHITECTURE.md``, section 2).
        image: the image file, in dom0.
        name: the domain's name; the manifest's, made fit, unless given.
        memory_mib: the guest's memory, in MiB.
        command_line: the guest's arguments, already quoted into one line.
        owner: attributes of the ownership element in the metadata; without it there is none.
        disks: its disks, in the order of their numbers; their paths are absolute.
        networks: its network interfaces, in the order of ``config.ml``.

    Raises:
        UsageError: a text holds characters that XML cannot.
    """
    called = name or domain_name(str(manifest.get("name", image.stem)))
    texts = {"image's path": str(image), "command line": command_line, "name": called}
    check_xml(texts | {f"path of the disk {disk.name}": disk.path for disk in disks})
    ET.register_namespace("lab", LAB_NAMESPACE)
    domain = ET.Element("domain", type="xen")
    text_element(domain, "name", called)
    if owner is not None:
        ET.SubElement(ET.SubElement(domain, "metadata"), f"{{{LAB_NAMESPACE}}}guest", dict(owner))
    text_element(domain, "memory", str(memory_mib), unit="MiB")
    text_element(domain, "vcpu", "1")
    system = ET.SubElement(domain, "os")
    text_element(system, "type", "xenpvh", arch="x86_64", machine="xenpvh")
    text_element(system, "kernel", str(image))
    if command_line:
        text_element(system, "cmdline", command_line)
    ET.SubElement(domain, "clock", offset="utc")
    for event in ("on_poweroff", "on_reboot", "on_crash"):
        text_element(domain, event, "destroy")
    devices = ET.SubElement(domain, "devices")
    for disk in disks:
        _disk(devices, disk)
    for network in networks:
        _interface(devices, network)
    console = ET.SubElement(devices, "console", type="pty")
    ET.SubElement(console, "target", type="xen", port="0")
    told = ["console          what it prints and what is typed, on a ring in its memory"]
    told += [f"disk             {disk.name}: the bytes of {disk.path} are its sectors" for disk in disks]
    told += [
        f"interface        {network.name}: plugged into dom0's bridge {network.bridge}"
        for network in networks
    ]
    return printed(domain, _COMMENT.format(name=called, devices="\n  ".join(told)))


def _disk(devices: ET.Element, disk: XenDisk) -> None:
    element = ET.SubElement(devices, "disk", type="file", device="disk")
    ET.SubElement(element, "driver", name="phy", type="raw")  # by dom0's kernel; no QEMU has to run
    ET.SubElement(element, "source", file=disk.path)
    ET.SubElement(element, "target", dev=disk.device, bus="xen")
    if disk.read_only:
        ET.SubElement(element, "readonly")


def _interface(devices: ET.Element, network: XenNetwork) -> None:
    element = ET.SubElement(devices, "interface", type="bridge")
    if network.mac:
        ET.SubElement(element, "mac", address=network.mac)
    ET.SubElement(element, "source", bridge=network.bridge)
