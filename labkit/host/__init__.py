"""Where guests run: libvirt on this machine, and what this machine can do."""

from labkit.host.capabilities import Ability, Capabilities, capabilities
from labkit.host.connection import Host, open_host, warm

__all__ = ["Ability", "Capabilities", "Host", "capabilities", "open_host", "warm"]
