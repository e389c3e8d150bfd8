"""QEMU's block layer under a disk of a running guest: nodes put between the guest's device and its file.

libvirt makes two nodes for a disk, a format (here always ``raw``) above its file. What is put between them comes
and goes while the guest runs (commands ``blockdev-add`` and ``blockdev-reopen`` of QEMU's QMP reference). libvirt,
who owns the two, need not know: they are there before and after.
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

from labkit.errors import Evidence, GuestError, HostError, LabError
from labkit.host.faults import Rules
from labkit.host.loop import libvirt

if TYPE_CHECKING:
    import libvirt as libvirt_module

__all__ = ["BlockLayer", "has_ended", "trouble"]

_numbers = itertools.count(1)  # of nodes and sets of descriptors; new to any one QEMU


class BlockLayer:
    """The nodes of one disk, the lowest first."""

    def __init__(
        self, domain: Callable[[], libvirt_module.virDomain], alias: str, *, read_only: bool
    ) -> None:
        """Look for the disk.

        Args:
            domain: gives the guest's domain, or raises where it has ended. It is not kept: a domain that is kept
                keeps libvirt's connection open.
            alias: the device's name in QEMU, such as ``virtio-disk0``.
            read_only: whether the guest may only read it.

        Raises:
            GuestError: the guest has ended.
            HostError: QEMU does not answer as it should.
        """
        self._domain = domain
        self._read_only = read_only
        self._device = f"/machine/peripheral/{alias}/virtio-backend"
        self._format: str = self._entry("query-block")["inserted"]["node-name"]
        self._nodes = [self._format.removesuffix("format") + "storage"]

    def log_writes(self, into: IO[bytes], rules: Rules | None = None) -> None:
        """Have QEMU log every write and every flush, each before the guest hears that it is done.

        Args:
            into: the log's file; its format is that of the driver ``blklogwrites``.
            rules: what goes wrong above the log. When QEMU stops a guest it flushes each node that has a name; so
                only the one above the log has one then.

        Raises:
            GuestError: the guest has ended.
            HostError: it cannot be done.
        """
        number = next(_numbers)
        node, file = f"labkit-log-{number}", f"labkit-log-file-{number}"
        self._ask("add-fd", {"fdset-id": number}, descriptor=into.fileno())
        self._ask("blockdev-add", {"driver": "file", "node-name": file, "filename": f"/dev/fdset/{number}"})
        logging = {"driver": "blklogwrites", "file": self._nodes[-1], "log": file}
        if rules is None:
            self._ask("blockdev-add", {"node-name": node, **logging})
            self._push(node)
        else:
            self._push_rules(node, logging, rules)

    def inject(self, rules: Rules) -> None:
        """Let something go wrong, besides what goes wrong already.

        Raises:
            GuestError: the guest has ended.
            HostError: it cannot be done.
        """
        self._push_rules(f"labkit-fault-{next(_numbers)}", self._nodes[-1], rules)

    def heal(self) -> None:
        """Take out what :meth:`inject` has put in.

        Raises:
            GuestError: the guest has ended.
            HostError: it cannot be done.
        """
        kept = [node for node in self._nodes if not node.startswith("labkit-fault")]
        if kept == self._nodes:
            return
        self._connect(kept[-1])
        while len(self._nodes) > len(kept):
            self._ask("blockdev-del", {"node-name": self._nodes.pop()})

    def counts(self) -> dict[str, Any]:
        """QEMU's own counts of what the guest has asked of the disk.

        Raises:
            GuestError: the guest has ended.
            HostError: QEMU does not answer as it should.
        """
        counts: dict[str, Any] = self._entry("query-blockstats")["stats"]
        return counts

    def _push_rules(self, node: str, image: str | Mapping[str, str], rules: Rules) -> None:
        options: dict[str, Any] = {"driver": "blkdebug", "node-name": node, "image": image}
        if rules.align:
            options["align"] = rules.align
        number = next(_numbers)
        file = os.memfd_create(node)
        try:
            os.write(file, rules.config.encode())
            there = self._ask("add-fd", {"fdset-id": number}, descriptor=file)["fd"]
        finally:
            os.close(file)
        self._ask("blockdev-add", {**options, "config": f"/proc/self/fd/{there}"})
        self._ask("remove-fd", {"fdset-id": number})
        self._push(node)

    def _push(self, node: str) -> None:
        """Put a node above the others. This comes last: of what the guest meets now, it may end."""
        self._connect(node)
        self._nodes.append(node)

    def _connect(self, node: str) -> None:
        """Let the format, and so the guest's device, work on a node. All its options are told anew."""
        raw = {
            "driver": "raw",
            "node-name": self._format,
            "file": node,
            "read-only": self._read_only,
            "discard": "unmap",
            "cache": {"direct": False, "no-flush": False},
        }
        self._ask("blockdev-reopen", {"options": [raw]})

    def _entry(self, command: str) -> dict[str, Any]:
        """What QEMU tells of this disk, in an answer about all."""
        for entry in self._ask(command, {}):
            if entry.get("qdev") == self._device:
                return dict(entry)
        raise HostError(
            f"QEMU has no disk at {self._device}.",
            next_step="Please report this: libvirt names it otherwise.",
        )

    def _ask(self, command: str, arguments: Mapping[str, Any], *, descriptor: int | None = None) -> Any:
        """Give QEMU a command of its monitor (QMP).

        Args:
            command: its name.
            arguments: its arguments.
            descriptor: one that goes with it.
        """
        text = json.dumps({"execute": command, "arguments": arguments})
        qemu = import_module("libvirt_qemu")
        try:
            if descriptor is None:
                said = qemu.qemuMonitorCommand(self._domain(), text, 0)
            else:
                said, _ = qemu.qemuMonitorCommandWithFiles(self._domain(), text, [descriptor], 0)
        except libvirt().libvirtError as error:
            raise trouble(error) from error
        answer = json.loads(said)
        if "error" in answer:
            raise HostError(
                "QEMU does not do what was asked of a disk.",
                next_step="Please report this: labkit asked for what this QEMU cannot do.",
                evidence=[Evidence(command, answer["error"].get("desc", said))],
            )
        return answer["return"]


def has_ended() -> GuestError:
    """The error for a guest that is no more, and so has no disks."""
    return GuestError(
        "The guest has ended, and its disks are files like others again.",
        next_step="Boot it again, and have it wait for something on its console.",
    )


def trouble(error: libvirt_module.libvirtError) -> LabError:
    """What it means that libvirt did not pass on what was asked of a disk."""
    module = libvirt()
    # The last two come when QEMU ends just now: its monitor is closed under libvirt.
    if error.get_error_code() in (
        module.VIR_ERR_NO_DOMAIN,
        module.VIR_ERR_OPERATION_INVALID,
        module.VIR_ERR_SYSTEM_ERROR,
        module.VIR_ERR_INTERNAL_ERROR,
    ):
        return has_ended()
    return HostError(
        "A disk cannot be reached in QEMU.",
        next_step="`labkit doctor` checks this machine.",
        evidence=[Evidence("libvirt's words", str(error))],
    )
