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
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

from labkit.build import solo5 as solo5_abi
from labkit.build.domainparts import Boot, DomainDisk, DomainNetwork
from labkit.errors import UsageError

__all__ = [
    "LAB_NAMESPACE",
    "MOST_DEVICES",
    "Boot",
    "DomainDisk",
    "DomainNetwork",
    "check_xml",
    "domain_name",
    "domain_xml",
    "printed",
    "text_element",
]

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
  {name}: {kind} as a libvirt domain, written by Unikernel Lab.

  Try it without labkit:   virsh -c qemu:///session create THIS-FILE
  {console}

  {start}
  cpu              everything that the {by} can offer, random numbers (RDRAND) included
  {ports}
  {panic}
  model='none'     what {kind} has no driver for is left out, and so costs no time at the start
"""

_STARTS: Final = {
    "unikernel": "loader, kernel   qboot, a 64 KiB firmware, starts the ELF file by its PVH note; no disk, "
    "no boot loader\n  cmdline          the unikernel's arguments",
    "kernel": "loader, kernel   qboot, a 64 KiB firmware, starts the kernel; no disk, no boot loader\n"
    "  initrd           the file system that it finds in memory\n"
    "  cmdline          the kernel's arguments",
    "bios": "kernel           SeaBIOS, the firmware of a PC, starts the ELF file by its multiboot header\n"
    "  cmdline          the unikernel's arguments",
    "disk": "boot             SeaBIOS, the firmware of a PC, reads the boot loader from the first disk",
}

_PANICS: Final = {
    False: "panic            through this the kernel tells libvirt that it crashed",
    True: "panic            Solo5 ends by writing to port 0x501: so libvirt is told, whatever the end",
}

SOLO5_END_PORT: Final = "0x501"
"""Port to which Solo5 writes 41 at its end. QEMU's isa-debug-exit would end there with status 83, of which libvirt
does not tell. A pvpanic device in its place tells libvirt, since 41 has bit 0 set."""


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
    pipes: bool = False,
    owner: Mapping[str, str] | None = None,
    disks: Sequence[DomainDisk] = (),
    networks: Sequence[DomainNetwork] = (),
    boot: Boot | None = None,
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
        pipes: whether these two are pairs of named pipes instead, their names with ``.in`` and ``.out`` added.
        owner: attributes of the ownership element in the metadata; without it there is none.
        disks: its disks.
        networks: its network interfaces, in the order of their numbers.
        boot: how what is no PVH kernel by itself is started.

    A Solo5 image gets what upstream's launcher gives it: multiboot, no ACPI, a serial console, virtio as it was
    before version 1, and something at the port by which it ends.

    Raises:
        UsageError: a text holds characters that XML cannot.
    """
    called = name or domain_name(str(manifest.get("name", image.stem)))
    texts = {"image's path": str(image), "command line": command_line, "name": called}
    texts |= {f"path of the disk {disk.name}": str(disk.path) for disk in disks}
    check_xml(texts)
    solo5 = manifest.get("abi") == solo5_abi.ABI
    if solo5:  # its drivers are for virtio as it was before version 1
        boot = boot or Boot("a unikernel", bios=True)
        disks = [replace(disk, transitional=True) for disk in disks]
        networks = [replace(network, transitional=True) for network in networks]
    ET.register_namespace("lab", LAB_NAMESPACE)
    domain = ET.Element("domain", type=hypervisor)
    text_element(domain, "name", called)
    if owner is not None:
        ET.SubElement(ET.SubElement(domain, "metadata"), f"{{{LAB_NAMESPACE}}}guest", dict(owner))
    text_element(domain, "memory", str(memory_mib), unit="MiB")
    text_element(domain, "vcpu", "1")
    _system(domain, image, command_line, boot)
    if not solo5:
        ET.SubElement(ET.SubElement(domain, "features"), "acpi")
    ET.SubElement(domain, "cpu", mode="host-passthrough" if hypervisor == "kvm" else "maximum", check="none")
    clock = ET.SubElement(domain, "clock", offset="utc")
    ET.SubElement(clock, "timer", name="hpet", present="no")
    for event in ("on_poweroff", "on_reboot", "on_crash"):
        text_element(domain, event, "destroy")
    devices = ET.SubElement(domain, "devices")
    text_element(devices, "emulator", EMULATOR)
    ET.SubElement(devices, "controller", type="usb", index="0", model="none")
    for number, disk in enumerate(sorted(disks, key=lambda disk: disk.last)):
        _disk(devices, number, disk, emulated=hypervisor == "qemu")
    for network in networks:
        _interface(devices, network)
    has_port = console_socket is not None and _drives_virtio_console(manifest)
    if console_socket is not None and has_port:
        ET.SubElement(devices, "controller", type="virtio-serial", index="0", ports="2", vectors="2")
        _port(devices, console_socket, pipes=pipes)
    else:
        _serial(devices, 0, console_socket, pipes=pipes)
    if control_socket is not None:
        _serial(devices, 1, control_socket, pipes=pipes)
    ET.SubElement(devices, "memballoon", model="none")
    panic = ET.SubElement(devices, "panic", model="isa")
    if solo5:
        ET.SubElement(panic, "address", type="isa", iobase=SOLO5_END_PORT)
    console = (
        f"Its console:             the {'pipes' if pipes else 'Unix socket'} {console_socket}"
        if console_socket
        else f"Its console:             virsh -c qemu:///session console {called}"
    )
    ports = ["channel          the console"] if has_port else ["serial 0         the console"]
    if control_socket and not solo5:
        ports.append("serial 1         the kernel says here how far it is and how it ended")
    ports.extend(
        f"disk             {disk.name}: "
        + (
            f"the bytes of {disk.path} are its sectors"
            if disk.format == "raw"
            else f"{disk.path}, {disk.format}"
        )
        for disk in disks
    )
    ports.extend(
        f"interface        {network.name}: a network in QEMU itself, {network.subnet}/24"
        for network in networks
    )
    words = {
        "name": called,
        "console": console,
        "ports": "\n  ".join(ports),
        "panic": _PANICS[solo5],
        "by": "processor" if hypervisor == "kvm" else "emulator",
        "kind": boot.kind if boot else "a unikernel",
        "start": _STARTS["unikernel" if boot is None else boot.start],
    }
    return printed(domain, _COMMENT.format(**words))


def _system(domain: ET.Element, image: Path, command_line: str, boot: Boot | None) -> None:
    """What is started, and by which firmware."""
    files = boot.firmware_files if boot else {}
    system = ET.SubElement(domain, "os")
    text_element(system, "type", "hvm", arch="x86_64", machine="pc")
    if boot is None or not boot.from_disk:
        if boot is None or not boot.bios:
            text_element(system, "loader", QBOOT, type="rom")
        text_element(system, "kernel", str(image))
        if boot and boot.initrd:
            text_element(system, "initrd", str(boot.initrd))
        if command_line:
            text_element(system, "cmdline", command_line)
    if files:
        configuration = ET.SubElement(domain, "sysinfo", type="fwcfg")
        for name, file in files.items():
            ET.SubElement(configuration, "entry", name=name, file=str(file))


def check_xml(texts: Mapping[str, str]) -> None:
    """Look whether texts can stand in XML.

    Args:
        texts: each by what it is, for the error.

    Raises:
        UsageError: one cannot.
    """
    for title, text in texts.items():
        if found := _NOT_IN_XML.search(text):
            raise UsageError(
                f"The {title} holds the character {found.group()!r}, which cannot stand in XML.",
                next_step=f"Take it out of the {title}.",
            )


def text_element(parent: ET.Element, tag: str, text: str, **attributes: str) -> ET.Element:
    """Add an element with a text."""
    element = ET.SubElement(parent, tag, attributes)
    element.text = text
    return element


def _drives_virtio_console(manifest: Mapping[str, Any]) -> bool:
    """The offline library OS does; what a kernel of another origin does, nobody has told us."""
    toolchain = manifest.get("toolchain")
    return isinstance(toolchain, Mapping) and toolchain.get("name") == "offline"


def _disk(devices: ET.Element, number: int, disk: DomainDisk, *, emulated: bool) -> None:
    element = ET.SubElement(devices, "disk", type="file", device="disk", model=_model(disk.transitional))
    driver = {"name": "qemu", "type": disk.format, "cache": "writeback", "discard": "unmap"}
    # QEMU's own choice would stop a guest when this machine's disk is full.
    policies = {"error_policy": "stop" if disk.stops else "report", "rerror_policy": "report"}
    # An emulated guest waits less if its own thread begins a request than if it wakes another for that.
    begun = {"ioeventfd": "off"} if emulated else {}
    ET.SubElement(element, "driver", driver | policies | begun)
    ET.SubElement(element, "source", file=str(disk.path))
    letter = chr(ord("z") - number) if disk.last else chr(ord("a") + number)
    ET.SubElement(element, "target", dev=f"vd{letter}", bus="virtio")
    if disk.boots:
        ET.SubElement(element, "boot", order="1")
    if disk.read_only:
        ET.SubElement(element, "readonly")
    text_element(element, "serial", disk.name[:_SERIAL_LENGTH])
    _address(element, disk.place)


def _interface(devices: ET.Element, network: DomainNetwork) -> None:
    element = ET.SubElement(devices, "interface", type="user")
    ET.SubElement(element, "mac", address=network.mac)
    ET.SubElement(element, "ip", family="ipv4", address=network.subnet, prefix="24")
    ET.SubElement(element, "model", type=_model(network.transitional))
    ET.SubElement(element, "rom", enabled="no")  # only firmware that boots from a network wants it
    _address(element, network.place)


def _model(transitional: bool) -> str:
    return "virtio-transitional" if transitional else "virtio-non-transitional"


def _address(element: ET.Element, place: int) -> None:
    where = {"domain": "0x0000", "bus": "0x00", "slot": f"{_FIRST_SLOT + place:#04x}", "function": "0x0"}
    ET.SubElement(element, "address", {"type": "pci", **where})


def _port(devices: ET.Element, socket: Path, *, pipes: bool) -> None:
    channel = ET.SubElement(devices, "channel", type="pipe" if pipes else "unix")
    ET.SubElement(channel, "source", _source(socket, pipes))
    ET.SubElement(channel, "target", type="virtio", name="console")


def _serial(devices: ET.Element, port: int, socket: Path | None, *, pipes: bool) -> None:
    kind = "pty" if socket is None else "pipe" if pipes else "unix"
    serial = ET.SubElement(devices, "serial", type=kind)
    if socket:
        ET.SubElement(serial, "source", _source(socket, pipes))
    ET.SubElement(serial, "target", type="isa-serial", port=str(port))


def _source(socket: Path, pipes: bool) -> dict[str, str]:
    return {"path": str(socket)} if pipes else {"mode": "bind", "path": str(socket)}


def printed(domain: ET.Element, comment: str) -> str:
    """A domain as indented XML, with a comment before it."""
    ET.indent(domain)
    body = ET.tostring(domain, encoding="unicode")
    safe = re.sub("-(?=-)", "- ", comment)  # two dashes would end the comment
    return f"<!--{safe}-->\n{body}\n"
