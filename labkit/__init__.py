"""Unikernel Lab: build, boot and watch MirageOS unikernels.

The names below are the public face. Each is loaded when it is first used, so that ``import labkit`` costs
next to nothing::

    import labkit

    image = labkit.build("images/hello")
    with labkit.boot(image) as guest:
        print(guest.wait())
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.build.builder import build as build
    from labkit.build.image import Image as Image
    from labkit.build.source import ImageSource as ImageSource
    from labkit.build.target import Target as Target
    from labkit.checkup import doctor as doctor
    from labkit.compare.measure import compare as compare
    from labkit.errors import LabError as LabError
    from labkit.guest import Guest as Guest
    from labkit.guest import gc as gc
    from labkit.guest import list_guests as list_guests
    from labkit.guest.network.load import load as load
    from labkit.guest.network.wire import Wire as Wire
    from labkit.host.disk import Disk as Disk
    from labkit.host.faults import Faults as Faults
    from labkit.verbs import boot as boot
    from labkit.verbs import run as run

__all__ = [
    "Disk",
    "Faults",
    "Guest",
    "Image",
    "ImageSource",
    "LabError",
    "Target",
    "Wire",
    "boot",
    "build",
    "compare",
    "doctor",
    "gc",
    "list_guests",
    "load",
    "run",
]

__version__ = "0.1.0"

_HOMES = {
    "Disk": "labkit.host.disk",
    "Faults": "labkit.host.faults",
    "Guest": "labkit.guest",
    "Image": "labkit.build.image",
    "ImageSource": "labkit.build.source",
    "LabError": "labkit.errors",
    "Target": "labkit.build.target",
    "Wire": "labkit.guest.network.wire",
    "boot": "labkit.verbs",
    "doctor": "labkit.checkup",
    "gc": "labkit.guest",
    "list_guests": "labkit.guest",
    "load": "labkit.guest.network.load",
    "run": "labkit.verbs",
}


def __getattr__(name: str) -> object:
    # Packages, which can be called: importing a module of theirs binds these names to them.
    if name in ("build", "compare"):
        return import_module(f"labkit.{name}")
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext labkit``: images, guests and progress show themselves, and the lab's magics are known."""
    from labkit.ui.extension import load
    from labkit.ui.magics import register

    load(shell)
    register(shell)


def _meet_ipython() -> None:
    """In IPython, let images, guests and progress show themselves; elsewhere nothing is loaded for that."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is not None:
        from labkit.ui.extension import load

        load(shell)


_meet_ipython()
