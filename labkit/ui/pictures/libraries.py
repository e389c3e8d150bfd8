"""Which part of an image a library belongs to, and why it was linked in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from labkit.build.manifest import Manifest

__all__ = ["PARTS", "part_of", "reason_for"]

PARTS: Final = ("your program", "libraries", "library OS", "OCaml", "C")
"""The parts of an image, in the order of the colours."""

_PARTS: Final = {
    "the image itself": 0,
    "platform": 2,
    "OCaml runtime": 3,
    "OCaml standard library": 3,
    "OCaml unix library": 3,
    "start-up": 3,
    "C library (libc)": 4,
    "C library (libm)": 4,
    "compiler (libgcc)": 4,
}

_REASONS: Final = {
    "the image itself": "your modules, and the entry module that was made from config.ml",
    "start-up": "the table of the OCaml modules, which start one after another",
    "OCaml runtime": "memory management and exceptions, in C, for every OCaml program",
    "OCaml standard library": "lists, texts, printing: every OCaml program uses it",
    "OCaml unix library": "a library asks for it; the library OS answers its calls",
    "C library (libc)": "the OCaml runtime is written in C",
    "C library (libm)": "the OCaml runtime computes with it",
    "compiler (libgcc)": "helpers that the C compiler calls",
    "unikernel_kernel": "boots the machine: memory, traps, clock, console",
    "unikernel_xen": "boots the domain: memory, traps, clock, and Xen's devices",
    "unikernel_unix_stubs": "asks Linux: for time, events, disks, sockets",
    "tcpip_stack_socket": "TCP and UDP by this machine's sockets",
    "unikernel_os": "the main loop: runs what is ready, then sleeps",
    "platform": "OCaml's face of the kernel",
    "mirage_runtime": "boot arguments, and what is called at the end",
    "mirage_logs": "prints log lines with their time",
    "mirage_sleep": "waiting for a span of time",
    "mirage_mtime": "time since boot",
    "mirage_ptime": "the time of day",
    "lwt": "promises: every MirageOS program waits with them",
    "logs": "log lines, before they are printed",
    "cmdliner": "reads the boot arguments",
    "cmdliner_stdlib": "boot arguments that every unikernel takes",
}


def part_of(library: str) -> int:
    """The number of the part, in ``PARTS``."""
    if library in _PARTS:
        return _PARTS[library]
    return 2 if library.startswith(("unikernel_", "mirage_")) and "crypto" not in library else 1


def reason_for(library: str, manifest: Manifest) -> str:
    """Why it is in the image."""
    if library in _REASONS:
        return _REASONS[library]
    if _plain(library) in {_plain(package) for package in manifest.packages}:
        return "config.ml asks for it, or a device of it does"
    return "another library needs it"


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
