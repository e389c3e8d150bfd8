"""Guests that libvirt runs with QEMU on another machine, by its own ``virsh``."""

from __future__ import annotations

import dataclasses
import re
import shlex
from pathlib import Path
from typing import Final

from labkit.build.domainxml import domain_xml
from labkit.errors import Evidence, HostError
from labkit.guest.ownership import Ownership
from labkit.guest.remote.driver import Driver

__all__ = ["LibvirtDriver"]

_PIPES: Final = Path(__file__).with_name("pipes.sh").read_text()
_END: Final = """\
while there=$(virsh list --all --name); do
    printf '%s\\n' "$there" | grep -qxF {name} || exit 0
    timeout 15 virsh destroy {name}
    sleep 0.2
done
exit 1
"""
_USUAL: Final = "15"  # what QEMU's DHCP server gives first
_LISTENER: Final = re.compile(
    r"^\s*TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+(\S+)\s+(\d+)\s", re.MULTILINE
)


class LibvirtDriver(Driver):
    """A domain, whose console and control channel are named pipes in its folder."""

    def configuration(self, image: str) -> str:
        """The domain, as XML."""
        disks = [
            dataclasses.replace(planned.place, path=Path(self.disk(planned.place.name)))
            for planned in self.plan.disks
        ]
        return domain_xml(
            self.plan.manifest,
            Path(image),
            name=self.plan.name,
            memory_mib=self.plan.memory_mib,
            command_line=self.plan.command_line,
            hypervisor=self.host.hypervisor(),
            console_socket=Path(self.folder, "console"),
            control_socket=Path(self.folder, "control"),
            pipes=True,
            owner=Ownership.now(self.plan.path, stay=False).attributes(),
            disks=disks,
            networks=self.plan.networks,
        )

    @property
    def begin(self) -> str:
        """Create the domain, which lives as long as it runs.

        Paused first: libvirt calls it a failure if a guest ends while it is being created. One call of virsh for
        both, whose status is the second's.
        """
        return (
            f"{self._where}virsh {shlex.quote(f'create --paused configuration; resume {self.plan.name}')}\n"
        )

    @property
    def end(self) -> str:
        """Destroy the domain, and look whether it has gone."""
        return self._where + _END.format(name=shlex.quote(self.plan.name))

    @property
    def console(self) -> str:
        """QEMU's pipes."""
        return _PIPES

    def lead(self, port: int, number: int) -> tuple[str, int]:
        """A port that QEMU there opens on 127.0.0.1."""
        network = self.plan.networks[number]
        address = self.plan.address or f"{network.subnet.rpartition('.')[0]}.{_USUAL}"
        commands = (f"hostfwd_add hostnet{number} tcp:127.0.0.1:0-{address}:{port}", "info usernet")
        listening = self._say(*commands)
        for there, target, target_port in _LISTENER.findall(listening):
            if (target, int(target_port)) == (str(address), port):
                return "127.0.0.1", int(there)
        raise HostError(
            f"QEMU on {self.host.name} does not lead to port {port} of {self.plan.name}.",
            next_step="Look whether the guest runs.",
            evidence=[Evidence("QEMU's words", listening)],
        )

    @property
    def _where(self) -> str:
        uri = self.host.address.uri
        return f"LIBVIRT_DEFAULT_URI={shlex.quote(uri)}\nexport LIBVIRT_DEFAULT_URI\n" if uri else ""

    def _say(self, *lines: str) -> str:
        """What QEMU's monitor answers to lines, by one call of virsh."""
        uri = ("-c", self.host.address.uri) if self.host.address.uri else ()
        commands = "; ".join(f'qemu-monitor-command --hmp {self.plan.name} "{line}"' for line in lines)
        done = self.host.run("virsh", *uri, commands)
        return (done.output + done.errors).decode("utf-8", "replace").strip()
