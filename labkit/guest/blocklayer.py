"""QEMU's block layer under a disk of a running guest: nodes put between the guest's device and its file.

libvirt makes two nodes for a disk, a format (here always ``raw``) above its file. What is put between them goes in
and out while the guest runs (``blockdev-add``, ``blockdev-reopen``: https://qemu.readthedocs.io/en/v7.2.22/interop/
qemu-qmp-ref.html#block-devices), and libvirt, who owns both, need not know: they are there before and after.
"""

from __future__ import annotations

import itertools
import json
from importlib import import_module
from typing import IO, TYPE_CHECKING, Any

from labkit.errors import Evidence, HostError
from labkit.host.loop import libvirt

if TYPE_CHECKING:
    import libvirt as libvirt_module

__all__ = ["BlockLayer"]

_numbers = itertools.count(1)  # of nodes and sets of descriptors; only the first must be new to its QEMU


class BlockLayer:
    """The nodes of one disk, from below to above."""

    def __init__(self, domain: libvirt_module.virDomain, alias: str, *, read_only: bool) -> None:
        """Look for the disk.

        Args:
            domain: the guest's.
            alias: the device's name in QEMU, such as ``virtio-disk0``.
            read_only: whether the guest may only read it.

        Raises:
            HostError: QEMU does not answer as it should.
        """
        self._domain = domain
        self._read_only = read_only
        self._device = f"/machine/peripheral/{alias}/virtio-backend"
        found = [entry for entry in self.ask("query-block") if entry.get("qdev") == self._device]
        if not found:
            raise HostError(f"QEMU has no disk {alias}.", next_step="`labkit doctor` checks this machine.")
        self._format = str(found[0]["inserted"]["node-name"])
        self._nodes = [self._format.removesuffix("format") + "storage"]
        self._beside: dict[str, str] = {}

    def ask(self, command: str, *, descriptor: int | None = None, **arguments: Any) -> Any:
        """Give QEMU a command of its monitor (QMP).

        Args:
            command: its name.
            descriptor: one that goes with it.
            arguments: its arguments, ``_`` for ``-`` in their names.

        Raises:
            HostError: QEMU refuses it, or libvirt does not pass it on.
        """
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        text = json.dumps({"execute": command, "arguments": named})
        qemu = import_module("libvirt_qemu")
        try:
            if descriptor is None:
                said = qemu.qemuMonitorCommand(self._domain, text, 0)
            else:
                said, _ = qemu.qemuMonitorCommandWithFiles(self._domain, text, [descriptor], 0)
        except libvirt().libvirtError as error:
            raise HostError(
                "The guest's disk cannot be reached in QEMU.",
                next_step="Look whether the guest runs still.",
                evidence=[Evidence("libvirt's words", str(error))],
            ) from error
        answer = json.loads(said)
        if "error" in answer:
            raise HostError(
                "QEMU does not do what was asked of a disk.",
                next_step="Please report this: labkit asked for what this QEMU cannot do.",
                evidence=[Evidence(command, answer["error"].get("desc", said))],
            )
        return answer["return"]

    def log_writes(self, into: IO[bytes], rules: dict[str, Any] | None = None) -> None:
        """Have QEMU log every write and every flush, each before the guest hears that it is done.

        Args:
            into: the log's file; its format is that of the driver ``blklogwrites``.
            rules: options of a ``blkdebug`` above it. When QEMU stops a guest it flushes each node that has a
                name; so here only this one has.

        Raises:
            HostError: it cannot be done.
        """
        number = next(_numbers)
        log = f"labkit-log-file-{number}"
        self.ask("add-fd", descriptor=into.fileno(), fdset_id=number)
        self.ask("blockdev-add", driver="file", node_name=log, filename=f"/dev/fdset/{number}")
        logging = {"file": self._nodes[-1], "log": log}
        if rules is None:
            self._push("blklogwrites", logging)
        else:
            self._push("blkdebug", {"image": {"driver": "blklogwrites", **logging}, **rules})

    def inject(self, rules: dict[str, Any]) -> None:
        """Put a node of the driver ``blkdebug`` above the others.

        Raises:
            HostError: it cannot be done.
        """
        self._push("blkdebug", {"image": self._nodes[-1], **rules}, fault=True)

    def heal(self) -> None:
        """Take out what :meth:`inject` has put in.

        Raises:
            HostError: it cannot be done.
        """
        kept = [node for node in self._nodes if not node.startswith("labkit-fault")]
        if kept == self._nodes:
            return
        self._connect(kept[-1])
        for node in reversed(self._nodes[len(kept) :]):
            self.ask("blockdev-del", node_name=node)
        self._nodes = kept

    def counts(self) -> dict[str, int]:
        """QEMU's own counts of what the guest has asked of the disk.

        Raises:
            HostError: QEMU does not answer.
        """
        for entry in self.ask("query-blockstats"):
            if entry.get("qdev") == self._device:
                return {name: value for name, value in entry["stats"].items() if isinstance(value, int)}
        raise HostError("QEMU does not count this disk's requests.", next_step="Please report this.")

    def _push(self, driver: str, options: dict[str, Any], *, fault: bool = False) -> None:
        node = f"labkit-{'fault' if fault else 'log'}-{next(_numbers)}"
        self.ask("blockdev-add", driver=driver, node_name=node, **options)
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
        self.ask("blockdev-reopen", options=[raw])
