"""What the lines of a guest's configuration mean: libvirt's XML and xl's file, as labkit writes them.

The sources are libvirt's formatdomain.html and drvxen.html, and xl.cfg(5), xl-disk-configuration(5),
xl-network-configuration(5).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["explained"]

Rules = Sequence[tuple[str, str]]

# The first that fits is taken; {1} is what its first group matched.
_COMMON: Final[Rules] = (
    (r"<name>(.+)</name>", "its name, which no other guest on that host may have"),
    (r'<memory unit="MiB">(\d+)</memory>', "{1} MiB of memory for all: code, stack and heap"),
    (r"<vcpu>1</vcpu>", "one processor: a MirageOS program has one thread"),
    (r"<os>", "what is started:"),
    (r"<kernel>(?:.*/)?([^/]+)</kernel>", "the image, {1}: an ELF file is all there is"),
    (r"<cmdline>(.*)</cmdline>", "the unikernel's arguments"),
    (r"<on_poweroff>destroy</on_poweroff>", "when it powers off, the guest goes away"),
    (r"<on_reboot>destroy</on_reboot>", "the same instead of a reboot"),
    (r"<on_crash>destroy</on_crash>", "the same when it crashes"),
    (r"<devices>", "and nothing else is in the machine but these:"),
    (r"</.+>", ""),
)
_QEMU: Final[Rules] = (
    (r'<domain type="qemu">', "a guest of QEMU, which translates its instructions"),
    (r'<domain type="kvm">', "a guest of KVM: its instructions run on the processor"),
    (r'<type arch="x86_64" machine="pc">hvm</type>', "a whole PC, with the buses and ports that one has"),
    (
        r'<loader type="rom">(?:.*/)?([^/]+)</loader>',
        "{1} is its firmware: it sets up the PC and jumps into the kernel",
    ),
    (r"<features>", "what else a PC has:"),
    (r"<acpi />", "a port to power itself off by"),
    (r'<cpu mode="maximum" check="none" />', "all that the emulator offers, random numbers included"),
    (r'<cpu mode="host-passthrough" check="none" />', "the processor of this machine, as it is"),
    (r'<clock offset="utc">', "its clock tells UTC; of the PC's timers"),
    (r'<timer name="hpet" present="no" />', "one is left out: nobody here reads it"),
    (r"<emulator>(.+)</emulator>", "the program that is the machine: a process of the host"),
    (r'<controller type="usb" .*model="none" />', "no USB: there is no driver for it"),
    (r'<interface type="user">', "a network card, on a network inside QEMU: no rights are needed"),
    (r'<mac address="(.+)" />', "its address on that network"),
    (r'<ip family="ipv4" address="(.+)" prefix="24" />', "the network; its .2 is this machine"),
    (r'<model type="virtio-non-transitional" />', "a card made for guests: virtio, in its newer form only"),
    (r'<rom enabled="no" />', "without the firmware to boot from a network"),
    (
        r'<address type="pci" .*slot="0x(\w+)".*/>',
        "in slot 0x{1} of the PCI bus: the order there is that of config.ml",
    ),
    (r'<disk type="file" .*>', "a disk, by virtio, whose sectors are a file's bytes:"),
    (r"<driver name=\"qemu\" .*/>", "raw: no format of its own; errors are the guest's to bear"),
    (r'<source file="(?:.*/)?([^/]+)" />', "the file: {1}"),
    (r'<target dev="(\w+)" bus="virtio" />', "libvirt's word for it: {1}"),
    (r"<serial>(.+)</serial>", "its serial number is the name in config.ml: {1}"),
    (r'<serial type="pty">', "a serial port: what the program prints"),
    (r'<target type="isa-serial" port="(\d)" />', "port {1}, which PCs call COM1"),
    (r'<memballoon model="none" />', "memory is not given back: no driver"),
    (r'<panic model="isa" />', "a port by which the kernel tells that it crashed"),
)
_XEN: Final[Rules] = (
    (r'<domain type="xen">', "a guest of Xen, which runs below all systems of its machine"),
    (
        r'<type arch="x86_64" machine="xenpvh">xenpvh</type>',
        "no PC at all: the processor's protection, and Xen's own devices",
    ),
    (r'<clock offset="utc" />', "its clock tells UTC: Xen's page of times says so"),
    (r'<interface type="bridge">', "a network interface, by shared memory with dom0"),
    (r'<source bridge="(.+)" />', "dom0 plugs its other end into the bridge {1}"),
    (r'<disk type="file" .*>', "a disk, by shared memory with dom0:"),
    (r'<driver name="phy" type="raw" />', "dom0's kernel reads and writes it; no QEMU runs"),
    (r'<source file="(?:.*/)?([^/]+)" />', "the file: {1}, in dom0"),
    (r'<target dev="(\w+)" bus="xen" />', "Xen's name for it: {1}"),
    (r'<console type="pty">', "what the program prints: bytes on a ring in its memory"),
    (r'<target type="xen" port="0" />', "read by Xen's daemon in dom0"),
)
_XL: Final[Rules] = (
    (r"#.*", ""),
    (r'name = "(.+)"', "its name, for xl list, xl console {1}, xl destroy {1}"),
    (r'type = "pvh".*', "no PC at all: the processor's protection, and Xen's own devices; no firmware"),
    (r'kernel = "(.+)"', "the image, in the folder where xl is called: {1}"),
    (r'cmdline = "(.*)".*', "the unikernel's arguments"),
    (r"memory = (\d+).*", "{1} MiB of memory for all: code, stack and heap"),
    (r"vcpus = 1", "one processor: a MirageOS program has one thread"),
    (r"on_poweroff = .*", "when it powers off, the domain goes away"),
    (r"on_reboot = .*", "the same instead of a reboot"),
    (r"on_crash = .*", "the same when it crashes"),
    (r"disk = \[", "its disks, one a line:"),
    (r'"format=raw, vdev=(\w+), access=rw, target=(.+)",', "{1}: the bytes of {2} are its sectors"),
    (r'"format=raw, vdev=(\w+), access=ro, target=(.+)",', "{1}: the bytes of {2}, to be read only"),
    (r"vif = \[", "its network interfaces, one a line:"),
    (r'"(?:mac=.+, )?bridge=(.+)",', "dom0 plugs the other end into the bridge {1}"),
    (r"\]", ""),
    (r"", ""),
)


def explained(text: str) -> list[tuple[str, str | None]]:
    """Each line of a configuration that labkit wrote, with what it means.

    Args:
        text: libvirt's XML for QEMU or Xen, or xl's file.

    Returns:
        Line and words, without the comment before the first line that says something. Words are empty where a line
        only closes what another began, and None where nothing is known of it.
    """
    lines = text.rstrip().splitlines()
    first = next((n for n, line in enumerate(lines) if line.startswith(("<domain", "name = "))), 0)
    rules = (
        _XL if not lines[first].startswith("<") else (*(_XEN if '"xen"' in lines[first] else _QEMU), *_COMMON)
    )
    return [(line, _words(line.strip(), rules)) for line in lines[first:]]


def _words(line: str, rules: Rules) -> str | None:
    for pattern, words in rules:
        if match := re.fullmatch(pattern, line):
            return words.format(line, *(group or "" for group in match.groups()))
    return None
