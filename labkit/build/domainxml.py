"""The libvirt domain of a guest, as XML that a student can read, keep and use without labkit.

One pure function. The build writes its result as ``domain.xml``; :mod:`labkit.guest` calls it again with what only
a running guest has: a unique name, sockets, an owner. ``docs/ARCHITECTURE.md``, section 4, is the contract; the
elements are those of https://libvirt.org/formatdomain.html.
"""

from __future__ import annotations

import re
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from labkit.build import solo5 as solo5_abi
from labkit.errors import UsageError

__all__ = ["LAB_NAMESPACE", "MOST_DEVICES", "DomainDisk", "DomainNetwork", "domain_name", "domain_xml"]

LAB_NAMESPACE: Final = "urn:unikernel-lab:1"
"""XML namespace of the ownership that labkit writes into a domain's metadata."""

QBOOT: Final = "/usr/share/qemu/qboot.rom"
EMULATOR: Final = "/usr/bin/qemu-system-x86_64"

_FIRST_SLOT: Final = 0x10  # of the PCI bus, for the device at place 0; libvirt's own choices end below it
MOST_DEVICES: Final = 32 - _FIRST_SLOT
"""The most disks and networks that a domain can have, by the slots of its bus."""

_SERIAL_LENGTH: Final = 20  # VIRTIO 1.1, section 5.2.6

_NOT_IN_A_NAME = re.compile(r"(?:[^A-Za-z0-9._]|-)+")
_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_COMMENT = """
  {name}: a unikernel as a libvirt domain, written by Unikernel Lab.

  Try it without labkit:   virsh -c qemu:///session create THIS-FILE
  {console}

  {start}
  cmdline          the unikernel's arguments
  cpu              everything that the {by} can offer, random numbers (RDRAND) included
  {ports}
  {panic}
  model='none'     what a unikernel has no driver for is left out, and so costs no time at the start
"""

_PVH_START: Final = (
    "loader, kernel   qboot, a 64 KiB firmware, starts the ELF file by its PVH note; no disk, no boot loader"
)
_PVH_PANIC: Final = "panic            through this the kernel tells libvirt that it crashed"
_MULTIBOOT_START: Final = (
    "kernel           SeaBIOS, QEMU's usual firmware, starts the ELF file by its multiboot header"
)
_SOLO5_PANIC: Final = (
    "panic            Solo5 ends by writing to port 0x501: so libvirt is told, whatever the end"
)

SOLO5_END_PORT: Final = "0x501"
"""Port to which Solo5 writes 41 at its end. QEMU's isa-debug-exit would end there with status 83, of which libvirt
does not tell. A pvpanic device in its place tells libvirt, since 41 has bit 0 set."""


@dataclass(frozen=True)
class DomainDisk:
    """A disk of a domain.

    Attributes:
        place: its place among the devices of ``config.ml``, which is their order on the bus.
        name: how ``config.ml`` calls it.
        path: the raw file behind it.
        read_only: whether the guest may only read it.
        stops: whether the guest is stopped at a write that fails; else it is told, and goes on.
    """

    place: int
    name: str
    path: Path
    read_only: bool = False
    stops: bool = False


@dataclass(frozen=True)
class DomainNetwork:
    """A network interface of a domain, on a network of QEMU's own in user space: no root, nothing on the host's.

    Attributes:
        place: its place among the devices of ``config.ml``, which is their order on the bus.
        name: how ``config.ml`` calls it.
        number: which of the domain's networks it is, from 0.
        plug: its number on a wire that it shares with others; 0 on a network of its own.
    """

    place: int
    name: str
    number: int = 0
    plug: int = 0

    @property
    def mac(self) -> str:
        """Its hardware address: the same in every run, and nobody else's on its wire."""
        return f"52:54:00:00:{self.plug:02x}:{self.number + 1:02x}"

    @property
    def subnet(self) -> str:
        """Its IPv4 network, on which 2 is the gateway and 15 what DHCP gives to the guest."""
        return f"10.0.{2 + self.number}.0"


def domain_name(text: str, *, length: int = 40) -> str:
    """A name made from ``text`` that libvirt, XML and every file system take: letters, digits, dots, dashes.

    Args:
        text: any text, such as an image's name.
        length: the most characters wanted.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_IN_A_NAME.sub("-", plain).strip("-._")[:length].rstrip("-._") or "guest"


def domain_xml(
    manifest: Mapping[str, Any],
    image: Path,
    *,
    name: str | None = None,
    memory_mib: int = 32,
    command_line: str = "",
    hypervisor: Literal["kvm", "qemu"] = "qemu",
    console_socket: Path | None = None,
    control_socket: Path | None = None,
    owner: Mapping[str, str] | None = None,
    disks: Sequence[DomainDisk] = (),
    networks: Sequence[DomainNetwork] = (),
) -> str:
    """The domain that runs an image, pretty-printed, with a comment that explains it.

    Args:
        manifest: the image's manifest (``docs/ARCHITECTURE.md``, section 2).
        image: the image file.
        name: the domain's name; the manifest's, made fit, unless given.
        memory_mib: the guest's memory, in MiB.
        command_line: the guest's arguments, already quoted into one line.
        hypervisor: ``kvm`` where it is proven to run guests, else ``qemu``.
        console_socket: Unix socket that QEMU binds for the console: a virtio port for images of the offline
            toolchain, else the first serial port; without it the console is that, on a pty (``virsh console``).
        control_socket: the same for the control channel; without it there is none.
        owner: attributes of the ownership element in the metadata; without it there is none.
        disks: its disks.
        networks: its network interfaces, in the order of their numbers.

    A Solo5 image gets what upstream's launcher gives it: multiboot, no ACPI, a serial console, virtio as it was
    before version 1, and something at the port by which it ends.

    Raises:
        UsageError: a text holds characters that XML cannot.
    """
    called = name or domain_name(str(manifest.get("name", image.stem)))
    texts = {"image's path": str(image), "command line": command_line, "name": called}
    texts |= {f"path of the disk {disk.name}": str(disk.path) for disk in disks}
    for title, text in texts.items():
        if found := _NOT_IN_XML.search(text):
            raise UsageError(
                f"The {title} holds the character {found.group()!r}, which cannot stand in XML.",
                next_step=f"Take it out of the {title}.",
            )
    ET.register_namespace("lab", LAB_NAMESPACE)
    domain = ET.Element("domain", type=hypervisor)
    _text(domain, "name", called)
    if owner is not None:
        ET.SubElement(ET.SubElement(domain, "metadata"), f"{{{LAB_NAMESPACE}}}guest", dict(owner))
    _text(domain, "memory", str(memory_mib), unit="MiB")
    _text(domain, "vcpu", "1")
    system = ET.SubElement(domain, "os")
    _text(system, "type", "hvm", arch="x86_64", machine="pc")
    solo5 = manifest.get("abi") == solo5_abi.ABI
    if not solo5:
        _text(system, "loader", QBOOT, type="rom")
    _text(system, "kernel", str(image))
    if command_line:
        _text(system, "cmdline", command_line)
    if not solo5:
        ET.SubElement(ET.SubElement(domain, "features"), "acpi")
    ET.SubElement(domain, "cpu", mode="host-passthrough" if hypervisor == "kvm" else "maximum", check="none")
    clock = ET.SubElement(domain, "clock", offset="utc")
    ET.SubElement(clock, "timer", name="hpet", present="no")
    for event in ("on_poweroff", "on_reboot", "on_crash"):
        _text(domain, event, "destroy")
    devices = ET.SubElement(domain, "devices")
    _text(devices, "emulator", EMULATOR)
    ET.SubElement(devices, "controller", type="usb", index="0", model="none")
    # Solo5's drivers are for virtio as it was before version 1.
    virtio = "virtio-transitional" if solo5 else "virtio-non-transitional"
    for number, disk in enumerate(disks):
        _disk(devices, number, disk, virtio, emulated=hypervisor == "qemu")
    for network in networks:
        _interface(devices, network, virtio)
    has_port = console_socket is not None and _drives_virtio_console(manifest)
    if console_socket is not None and has_port:
        ET.SubElement(devices, "controller", type="virtio-serial", index="0", ports="2", vectors="2")
        _port(devices, console_socket)
    else:
        _serial(devices, 0, console_socket)
    if control_socket is not None:
        _serial(devices, 1, control_socket)
    ET.SubElement(devices, "memballoon", model="none")
    panic = ET.SubElement(devices, "panic", model="isa")
    if solo5:
        ET.SubElement(panic, "address", type="isa", iobase=SOLO5_END_PORT)
    console = (
        f"Its console:             the Unix socket {console_socket}"
        if console_socket
        else f"Its console:             virsh -c qemu:///session console {called}"
    )
    ports = ["channel          the console"] if has_port else ["serial 0         the console"]
    if control_socket and not solo5:
        ports.append("serial 1         the kernel says here how far it is and how it ended")
    ports.extend(f"disk             {disk.name}: the bytes of {disk.path} are its sectors" for disk in disks)
    ports.extend(
        f"interface        {network.name}: a network in QEMU itself, {network.subnet}/24"
        for network in networks
    )
    words = {
        "start": _MULTIBOOT_START if solo5 else _PVH_START,
        "panic": _SOLO5_PANIC if solo5 else _PVH_PANIC,
        "by": "processor" if hypervisor == "kvm" else "emulator",
        "ports": "\n  ".join(ports),
    }
    return _printed(domain, _COMMENT.format(name=called, console=console, **words))


def _text(parent: ET.Element, tag: str, text: str, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _drives_virtio_console(manifest: Mapping[str, Any]) -> bool:
    """The offline library OS does; what a kernel of another origin does, nobody has told us."""
    toolchain = manifest.get("toolchain")
    return isinstance(toolchain, Mapping) and toolchain.get("name") == "offline"


def _disk(devices: ET.Element, number: int, disk: DomainDisk, virtio: str, *, emulated: bool) -> None:
    element = ET.SubElement(devices, "disk", type="file", device="disk", model=virtio)
    driver = {"name": "qemu", "type": "raw", "cache": "writeback", "discard": "unmap"}
    # QEMU's own choice would stop a guest when this machine's disk is full.
    policies = {"error_policy": "stop" if disk.stops else "report", "rerror_policy": "report"}
    # An emulated guest waits less if its own thread begins a request than if it wakes another for that.
    begun = {"ioeventfd": "off"} if emulated else {}
    ET.SubElement(element, "driver", driver | policies | begun)
    ET.SubElement(element, "source", file=str(disk.path))
    ET.SubElement(element, "target", dev=f"vd{chr(ord('a') + number)}", bus="virtio")
    if disk.read_only:
        ET.SubElement(element, "readonly")
    _text(element, "serial", disk.name[:_SERIAL_LENGTH])
    _address(element, disk.place)


def _interface(devices: ET.Element, network: DomainNetwork, virtio: str) -> None:
    element = ET.SubElement(devices, "interface", type="user")
    ET.SubElement(element, "mac", address=network.mac)
    ET.SubElement(element, "ip", family="ipv4", address=network.subnet, prefix="24")
    ET.SubElement(element, "model", type=virtio)
    ET.SubElement(element, "rom", enabled="no")  # only firmware that boots from a network wants it
    _address(element, network.place)


def _address(element: ET.Element, place: int) -> None:
    where = {"domain": "0x0000", "bus": "0x00", "slot": f"{_FIRST_SLOT + place:#04x}", "function": "0x0"}
    ET.SubElement(element, "address", {"type": "pci", **where})


def _port(devices: ET.Element, socket: Path) -> None:
    channel = ET.SubElement(devices, "channel", type="unix")
    ET.SubElement(channel, "source", mode="bind", path=str(socket))
    ET.SubElement(channel, "target", type="virtio", name="console")


def _serial(devices: ET.Element, port: int, socket: Path | None) -> None:
    serial = ET.SubElement(devices, "serial", type="unix" if socket else "pty")
    if socket:
        ET.SubElement(serial, "source", mode="bind", path=str(socket))
    ET.SubElement(serial, "target", type="isa-serial", port=str(port))


def _printed(domain: ET.Element, comment: str) -> str:
    ET.indent(domain)
    body = ET.tostring(domain, encoding="unicode")
    safe = re.sub("-(?=-)", "- ", comment)  # two dashes would end the comment
    return f"<!--{safe}-->\n{body}\n"
