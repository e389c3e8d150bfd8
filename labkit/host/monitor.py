"""The monitor of a running QEMU, reached through libvirt.

Commands are those of https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html. What they change is not known to
libvirt, so only what libvirt does not look after is changed here: filters, forwards, character devices, what is
between a disk and its file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from labkit.errors import Evidence, GuestError, HostError
from labkit.host.loop import libvirt

if TYPE_CHECKING:
    import libvirt as libvirt_module

__all__ = ["Monitor", "MonitorError"]


_THEIR_NAMES = re.compile("__?")


class MonitorError(HostError):
    """QEMU refuses a command of its monitor."""


class Monitor:
    """Asks one QEMU; from any thread."""

    def __init__(self, name: str, domain: Callable[[], libvirt_module.virDomain | None]) -> None:
        """Make it.

        Args:
            name: the guest's name, for messages.
            domain: gives the guest's domain; None once it has ended.
        """
        self._name = name
        self._domain = domain

    def ask(self, command: str, *, descriptor: int | None = None, **arguments: Any) -> Any:
        """Give a QMP command and return its result.

        Args:
            command: its name.
            descriptor: that of a file that goes with it.
            arguments: its arguments, in their names ``_`` for ``-``, and ``__`` for ``_``.

        Raises:
            MonitorError: QEMU refuses it.
            GuestError: the guest has ended.
        """
        named = {_THEIR_NAMES.sub(_their_name, key): value for key, value in arguments.items()}
        said = self._pass_on(json.dumps({"execute": command, "arguments": named}), descriptor, 0)
        answer: dict[str, Any] = json.loads(said)
        if "error" in answer:
            raise MonitorError(
                f"QEMU refuses {command} for {self._name}.",
                next_step="Please report this: labkit asked for what this QEMU cannot do.",
                evidence=[Evidence("QEMU's words", answer["error"].get("desc", said))],
            )
        return answer["return"]

    def say(self, line: str) -> str:
        """Give a line to the monitor for people (HMP), and return what it prints.

        Raises:
            GuestError: the guest has ended.
        """
        qemu = import_module("libvirt_qemu")
        return self._pass_on(line, None, qemu.VIR_DOMAIN_QEMU_MONITOR_COMMAND_HMP).strip()

    def _pass_on(self, command: str, descriptor: int | None, flags: int) -> str:
        qemu = import_module("libvirt_qemu")
        domain = self._domain()
        if domain is None:
            raise self._gone()
        try:
            if descriptor is None:
                said: str = qemu.qemuMonitorCommand(domain, command, flags)
            else:
                said, _ = qemu.qemuMonitorCommandWithFiles(domain, command, [descriptor], flags)
        except libvirt().libvirtError as error:
            raise self._gone(error) from error
        return said

    def _gone(self, error: BaseException | None = None) -> GuestError:
        return GuestError(
            f"{self._name} has ended, and its disks and networks can be changed no more.",
            next_step="Boot it again, and have it wait for something on its console.",
            evidence=[Evidence("libvirt's words", str(error))] if error else [],
        )


def _their_name(match: re.Match[str]) -> str:
    return "_" if match[0] == "__" else "-"
