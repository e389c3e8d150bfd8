"""Running unikernels: start them, read and answer their consoles, wait for their end, find those that run."""

from labkit.guest.boot import boot
from labkit.guest.console import Console, Found
from labkit.guest.guest import Exit, Guest, GuestEvent, Reason, State

__all__ = ["Console", "Exit", "Found", "Guest", "GuestEvent", "Reason", "State", "boot"]
