"""The lab's own hosts: a Debian machine that QEMU emulates, as Xen's dom0 or as a KVM host."""

from labkit.host.labhost.emulator import KINDS, Kind
from labkit.host.labhost.lab import LabHost, Status, collect, down, status, up
from labkit.host.ssh import Login

__all__ = ["KINDS", "Kind", "LabHost", "Login", "Status", "collect", "down", "status", "up"]
