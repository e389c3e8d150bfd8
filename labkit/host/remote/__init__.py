"""Guests' hosts that are other machines, reached by SSH."""

from labkit.host.remote.address import Address, parse_address
from labkit.host.remote.place import KINDS, RemoteHost, open_remote
from labkit.host.remote.supervisor import Supervisor

__all__ = ["KINDS", "Address", "RemoteHost", "Supervisor", "open_remote", "parse_address"]
