"""What there is of the opam toolchain on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.build.opam.opam import Program, find_opam
from labkit.build.opam.switch import Switch, look
from labkit.build.opam.versions import WINDOWS
from labkit.errors import MissingTool

__all__ = ["Status", "status"]


@dataclass(frozen=True)
class Status:
    """What there is, and what is missing.

    Attributes:
        opam: the program, if it is there and supported.
        switch: the switch to build in, if there is one.
        missing: what is missing, in words; empty where images can be built.
        next_step: what to do about it.
    """

    opam: Program | None
    switch: Switch | None
    missing: tuple[str, ...]
    next_step: str

    @property
    def ready(self) -> bool:
        """Whether images can be built."""
        return not self.missing

    def describe(self) -> dict[str, Any]:
        """As a JSON object."""
        switch = self.switch
        return {
            "name": "opam",
            "ready": self.ready,
            "opam": None if self.opam is None else {"path": self.opam.path, "version": self.opam.version},
            "switch": None
            if switch is None
            else {
                "name": switch.name,
                "ours": switch.ours,
                "folder": str(switch.prefix),
                "versions": dict(switch.versions),
            },
            "supported": {name: str(window) for name, window in WINDOWS.items()},
            "missing": list(self.missing),
            "next_step": self.next_step,
        }


def status(cache: Path) -> Status:
    """Look what there is.

    Args:
        cache: the cache's folder, in which the lab's own switch would be.
    """
    try:
        opam = find_opam()
    except MissingTool as error:
        return Status(None, None, (error.what,), error.next_step)
    switch = look(opam, cache)
    missing = ("a switch",) if switch is None else tuple(switch.missing)
    return Status(opam, switch, missing, "Run: labkit toolchain install opam" if missing else "")
