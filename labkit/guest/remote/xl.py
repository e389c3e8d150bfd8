"""Guests that Xen runs on another machine, by its own ``xl``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from labkit.build.xl import BRIDGE, XenDisk, XenNetwork, xl_configuration
from labkit.errors import GuestTimeout, HostError
from labkit.guest.network.addresses import own_address
from labkit.guest.remote.driver import Driver

__all__ = ["XlDriver"]

_TTY: Final = Path(__file__).with_name("tty.sh").read_text()
_BEGIN: Final = """\
xl create -p configuration || exit
domain=$(xl domid {name}) || exit
for _ in $(seq 100); do
    terminal=$(xenstore-read "/local/domain/$domain/console/tty" 2>/dev/null) && [ -n "$terminal" ] && break
    sleep 0.05
done
[ -n "$terminal" ] || {{ echo 'Xen made no console for it' >&2; exit 1; }}
echo "$terminal" >control.in
read -r _ <control.out
xl unpause {name}
"""
_END: Final = """\
while there=$(xl list); do
    printf '%s\\n' "$there" | grep -q {line} || exit 0
    timeout 15 xl destroy {name}
    sleep 0.2
done
exit 1
"""
_IPV4_ONLY: Final = "--ipv4-only"
_ADDRESS: Final = """\
{ ip neigh; busybox dumpleases -d; cat /var/lib/misc/dnsmasq.leases; } 2>/dev/null | awk -v mac="$1" '
    index(tolower($0), mac) {
        for (field = 1; field <= NF; field++)
            if ($field ~ /^[0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+$/) { print $field; exit }
    }'
"""


class XlDriver(Driver):
    """A PVH domain, whose console is the terminal that Xen's console daemon keeps for it."""

    in_band = True

    def configuration(self, image: str) -> str:
        """The domain, as xl.cfg(5) has it."""
        return xl_configuration(
            self.plan.manifest,
            image,
            name=self.plan.name,
            memory_mib=self.plan.memory_mib,
            command_line=self.plan.command_line,
            disks=[
                XenDisk(number, disk.place.name, self.disk(disk.place.name), disk.place.read_only)
                for number, disk in enumerate(self.plan.disks)
            ],
            networks=[
                XenNetwork(network.name, mac=self._mac(network.number)) for network in self.plan.networks
            ],
        )

    @property
    def begin(self) -> str:
        """Create the domain paused, have its console opened, and let it run."""
        return _BEGIN.format(name=shlex.quote(self.plan.name))

    @property
    def end(self) -> str:
        """Destroy the domain, and look whether it has gone."""
        return _END.format(name=shlex.quote(self.plan.name), line=shlex.quote(f"^{self.plan.name} "))

    @property
    def console(self) -> str:
        """The console daemon's terminal."""
        return _TTY

    def lead(self, port: int, number: int) -> tuple[str, int]:
        """The guest's address on the server's bridge.

        It is the one that its arguments tell, or the one that IPv6 makes of its hardware address (RFC 4291,
        appendix A), for which nobody has to be asked; only a guest without IPv6 is looked for in the server's
        tables.
        """
        if self.plan.address is not None:
            return str(self.plan.address), port
        mac = self._mac(number)
        if _IPV4_ONLY not in self.plan.command_line:
            return f"{own_address('fe80::', bytes.fromhex(mac.replace(':', '')))}%{BRIDGE}", port
        found = self.host.run("sh", "-c", _ADDRESS, "labkit-address", mac)
        if not (address := found.output.decode("ascii", "replace").strip()):
            raise GuestTimeout(
                f"{self.host.name} knows no address of {self.plan.name} yet.",
                next_step="Wait until the guest has one from DHCP, or give it one: --ipv4=ADDRESS/24.",
            )
        return address, port

    def refusal(self, error: HostError) -> HostError:
        """Xen's own words for a lack of memory are hard to read."""
        if self.plan.memory_mib <= self.host.survey.memory_mib:
            return error
        return HostError(
            f"{self.host.name} has not enough memory for {self.plan.name}: Xen had "
            f"{self.host.survey.memory_mib} MiB left for guests, and this one wants {self.plan.memory_mib} MiB.",
            next_step="Give it less, or end other guests there: xl list shows them.",
            evidence=error.evidence,
        )

    def _mac(self, number: int) -> str:
        """A hardware address of Xen's own range, the same for the same guest."""
        return f"00:16:3e:{':'.join(self.plan.name[-6:][at : at + 2] for at in (0, 2))}:{number:02x}"
