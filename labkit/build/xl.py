"""The configuration of a Xen domain for ``xl create``, which a student can read, keep and use without labkit.

One pure function, as :mod:`labkit.build.domainxml` has one for libvirt. The words are those of xl.cfg(5),
xl-disk-configuration(5) and xl-network-configuration(5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from labkit.build.domainxml import domain_name
from labkit.errors import UsageError

__all__ = ["BRIDGE", "XenDisk", "XenNetwork", "check_texts", "xl_configuration"]

BRIDGE: Final = "xenbr0"
"""The bridge of dom0 to which a guest's networks are connected unless told otherwise."""

_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f]")

_COMMENT = """\
# {name}: a unikernel as a Xen domain, written by Unikernel Lab.
#
# Try it without labkit, in dom0, as root, in the folder with this file:   xl create -c {file}
# Its console ends with it; Ctrl-] leaves it, xl console {name} comes back, xl destroy {name} ends it.
"""


@dataclass(frozen=True)
class XenDisk:
    """A disk of a Xen domain.

    Attributes:
        number: which of the domain's disks it is, from 0, in the order of ``config.ml``.
        name: how ``config.ml`` calls it.
        path: the raw file behind it, in dom0.
        read_only: whether the guest may only read it.
    """

    number: int
    name: str
    path: str
    read_only: bool = False

    @property
    def device(self) -> str:
        """What Xen calls it: ``xvda`` is the first."""
        return f"xvd{chr(ord('a') + self.number)}"


@dataclass(frozen=True)
class XenNetwork:
    """A network interface of a Xen domain.

    Attributes:
        name: how ``config.ml`` calls it.
        bridge: the bridge of dom0 to which it is connected.
        mac: its hardware address; Xen's tools choose one unless given.
    """

    name: str
    bridge: str = BRIDGE
    mac: str | None = None


def check_texts(texts: Mapping[str, str]) -> None:
    """Look whether texts can stand in a line.

    Args:
        texts: each by what it is, for the error.

    Raises:
        UsageError: one cannot.
    """
    for title, text in texts.items():
        if found := _NOT_IN_A_LINE.search(text):
            raise UsageError(
                f"The {title} holds the character {found.group()!r}, which cannot stand in a line.",
                next_step=f"Take it out of the {title}.",
            )


def xl_configuration(
    manifest: Mapping[str, Any],
    image: str,
    *,
    name: str | None = None,
    memory_mib: int = 32,
    command_line: str = "",
    disks: Sequence[XenDisk] = (),
    networks: Sequence[XenNetwork] = (),
) -> str:
    """The configuration of the domain that runs an image, with a comment that explains it.

    Args:
        manifest: the image's manifest (``docs/ARCHITECTURE.md``, section 2).
        image: the image file, in dom0; a path that is not absolute is one in the folder where ``xl`` is called.
        name: the domain's name; the manifest's, made fit, unless given.
        memory_mib: the guest's memory, in MiB.
        command_line: the guest's arguments, already quoted into one line.
        disks: its disks, in the order of their numbers.
        networks: its network interfaces, in the order of ``config.ml``.

    Raises:
        UsageError: a text holds what cannot stand in a line.
    """
    called = name or domain_name(str(manifest.get("name", Path(image).stem)))
    check_texts(
        {"image's path": image, "command line": command_line, "name": called}
        | {f"path of the disk {disk.name}": disk.path for disk in disks}
    )
    lines = [_COMMENT.format(name=called, file=f"{Path(image).stem}.xl")]
    lines += _setting("name", called)
    lines += _setting(
        "type", "pvh", "hardware's protection, Xen's devices, no firmware: Xen starts the ELF file itself"
    )
    lines += _setting("kernel", image)
    if command_line:
        lines += _setting("cmdline", command_line, "the unikernel's arguments")
    lines += [f"memory = {memory_mib}  # MiB", "vcpus = 1"]
    for event in ("on_poweroff", "on_reboot", "on_crash"):
        lines += _setting(event, "destroy")
    if disks:
        lines += ["", *_comment_of_disks(disks), *_list("disk", [_disk(disk) for disk in disks])]
    if networks:
        what = ", ".join(network.name for network in networks)
        lines += [
            "",
            f"# Networks, in the order of config.ml: {what}; each is plugged into a bridge of dom0.",
        ]
        lines += _list("vif", [_network(network) for network in networks])
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _setting(key: str, text: str, comment: str = "") -> list[str]:
    return [f"{key} = {_quoted(text)}" + (f"  # {comment}" if comment else "")]


def _list(key: str, texts: Sequence[str]) -> list[str]:
    return [f"{key} = [", *(f"    {_quoted(text)}," for text in texts), "]"]


def _comment_of_disks(disks: Sequence[XenDisk]) -> list[str]:
    return ["# Disks, in the order of config.ml:"] + [
        f"#   {disk.device}  {disk.name}: the bytes of {disk.path} are its sectors" for disk in disks
    ]


def _disk(disk: XenDisk) -> str:
    # target= comes last: it takes the rest of the text, commas and blanks included.
    return f"format=raw, vdev={disk.device}, access={'ro' if disk.read_only else 'rw'}, target={disk.path}"


def _network(network: XenNetwork) -> str:
    return ", ".join(([f"mac={network.mac}"] if network.mac else []) + [f"bridge={network.bridge}"])
