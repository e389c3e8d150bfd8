"""libvirt's event loop: one thread of this process runs it, started before the first connection is opened."""

from __future__ import annotations

import threading
from importlib import import_module
from types import ModuleType

from labkit.errors import MissingTool

__all__ = ["libvirt"]

_lock = threading.Lock()
_thread: threading.Thread | None = None


def libvirt() -> ModuleType:
    """The module ``libvirt``, with its event loop running.

    It is imported here and not before: that takes longer than the rest of labkit.

    Raises:
        MissingTool: the Python package is not there.
    """
    global _thread  # noqa: PLW0603  libvirt has one loop a process, whoever asks for it
    try:
        module = import_module("libvirt")
    except ImportError as error:
        raise MissingTool(
            f"Python's libvirt package cannot be loaded: {error}.",
            next_step="Run `make lab`, or install libvirt-python into the Python that runs labkit.",
        ) from error
    with _lock:
        if _thread is None:
            module.virEventRegisterDefaultImpl()
            module.registerErrorHandler(_quiet, None)
            _thread = threading.Thread(target=_run, args=(module,), name="labkit-libvirt", daemon=True)
            _thread.start()
    return module


def _quiet(_context: object, _error: object) -> None:
    """Errors are raised as exceptions; libvirt need not print them as well."""


def _run(module: ModuleType) -> None:
    while True:
        try:
            module.virEventRunDefaultImpl()
        except module.libvirtError:  # a callback of a connection that has just gone
            continue
