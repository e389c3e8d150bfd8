"""Running unikernels: start them, read and answer their consoles, wait for their end, find those that run."""

from labkit.guest.attached import AttachedGuest, attach, stop_guest
from labkit.guest.boot import boot, boot_process, boot_tended
from labkit.guest.bootlinux import boot_linux
from labkit.guest.console import Console, Found
from labkit.guest.guest import Exit, Guest, GuestEvent, Reason, State
from labkit.guest.registry import Collected, GuestInfo, find_guest, gc, list_guests

__all__ = [
    "AttachedGuest",
    "Collected",
    "Console",
    "Exit",
    "Found",
    "Guest",
    "GuestEvent",
    "GuestInfo",
    "Reason",
    "State",
    "attach",
    "boot",
    "boot_linux",
    "boot_process",
    "boot_tended",
    "find_guest",
    "gc",
    "list_guests",
    "stop_guest",
]
