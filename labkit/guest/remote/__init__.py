"""Guests on other machines, reached by SSH."""

from labkit.guest.remote.boot import boot_remote
from labkit.guest.remote.guest import RemoteGuest

__all__ = ["RemoteGuest", "boot_remote"]
