"""QEMU's block layer under a disk of a running guest: nodes put between the guest's device and its file.

libvirt makes two nodes for a disk, a format (here always ``raw``) above its file. What is put between them comes
and goes while the guest runs (commands ``blockdev-add`` and ``blockdev-reopen`` of QEMU's QMP reference). libvirt,
who owns the two, need not know: they are there before and after.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from typing import IO, Any

from labkit.errors import HostError
from labkit.host.faults import Rules
from labkit.host.monitor import Monitor

__all__ = ["BlockLayer"]

_numbers = itertools.count(1)  # of nodes and sets of descriptors; new to any one QEMU


class BlockLayer:
    """The nodes of one disk, the lowest first."""

    def __init__(self, monitor: Monitor, alias: str, *, read_only: bool) -> None:
        """Look for the disk.

        Args:
            monitor: the guest's QEMU.
            alias: the device's name in QEMU, such as ``virtio-disk0``.
            read_only: whether the guest may only read it.

        Raises:
            GuestError: the guest has ended.
            HostError: QEMU does not answer as it should.
        """
        self._monitor = monitor
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
        self._monitor.ask("add-fd", fdset_id=number, descriptor=into.fileno())
        self._monitor.ask("blockdev-add", driver="file", node_name=file, filename=f"/dev/fdset/{number}")
        logging: dict[str, Any] = {"driver": "blklogwrites", "file": self._nodes[-1], "log": file}
        if rules is None:
            self._monitor.ask("blockdev-add", node_name=node, **logging)
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
            self._monitor.ask("blockdev-del", node_name=self._nodes.pop())

    def limit(self, requests: int, rate: int) -> None:
        """Let the disk serve no more than so many requests, and move no more than so many bytes, in a second.

        Args:
            requests: how many; 0 for no limit.
            rate: bytes; 0 for no limit.

        Raises:
            GuestError: the guest has ended.
            HostError: it cannot be done.
        """
        each = {"bps__rd": 0, "bps__wr": 0, "iops__rd": 0, "iops__wr": 0}
        self._monitor.ask("block_set_io_throttle", id=self._device, bps=rate, iops=requests, **each)

    def counts(self) -> dict[str, Any]:
        """QEMU's own counts of what the guest has asked of the disk.

        Raises:
            GuestError: the guest has ended.
            HostError: QEMU does not answer as it should.
        """
        counts: dict[str, Any] = self._entry("query-blockstats")["stats"]
        return counts

    def _push_rules(self, node: str, image: str | Mapping[str, str], rules: Rules) -> None:
        options: dict[str, Any] = {"driver": "blkdebug", "node_name": node, "image": image}
        if rules.align:
            options["align"] = rules.align
        number = next(_numbers)
        file = os.memfd_create(node)
        try:
            os.write(file, rules.config.encode())
            there = self._monitor.ask("add-fd", fdset_id=number, descriptor=file)["fd"]
        finally:
            os.close(file)
        self._monitor.ask("blockdev-add", config=f"/proc/self/fd/{there}", **options)
        self._monitor.ask("remove-fd", fdset_id=number)
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
        self._monitor.ask("blockdev-reopen", options=[raw])

    def _entry(self, command: str) -> dict[str, Any]:
        """What QEMU tells of this disk, in an answer about all."""
        for entry in self._monitor.ask(command):
            if entry.get("qdev") == self._device:
                return dict(entry)
        raise HostError(
            f"QEMU has no disk at {self._device}.",
            next_step="Please report this: libvirt names it otherwise.",
        )
