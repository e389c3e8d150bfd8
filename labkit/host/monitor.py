"""The monitor of a running QEMU, reached through libvirt.

Commands are those of https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html. What they change is not known to
libvirt, so only what libvirt does not look after is changed here: filters, forwards, character devices.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from labkit.errors import Evidence, GuestError, HostError
from labkit.host.loop import libvirt

if TYPE_CHECKING:
    import libvirt as libvirt_module

__all__ = ["Monitor", "MonitorError"]


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

    def ask(self, command: str, *, file: int | None = None, **arguments: Any) -> Any:
        """Give a QMP command and return its result.

        Args:
            command: its name.
            file: a file descriptor that goes with it.
            arguments: its arguments, ``_`` for ``-`` in their names.

        Raises:
            MonitorError: QEMU refuses it.
            GuestError: the guest has ended.
        """
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        said = self._pass_on(json.dumps({"execute": command, "arguments": named}), file, 0)
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

    def _pass_on(self, command: str, file: int | None, flags: int) -> str:
        qemu = import_module("libvirt_qemu")
        domain = self._domain()
        if domain is None:
            raise self._gone()
        try:
            if file is None:
                said: str = qemu.qemuMonitorCommand(domain, command, flags)
            else:
                said, _ = qemu.qemuMonitorCommandWithFiles(domain, command, [file], flags)
        except libvirt().libvirtError as error:
            raise self._gone(error) from error
        return said

    def _gone(self, error: BaseException | None = None) -> GuestError:
        return GuestError(
            f"{self._name} has ended, and its network with it.",
            next_step="Boot it again.",
            evidence=[Evidence("libvirt's words", str(error))] if error else [],
        )
