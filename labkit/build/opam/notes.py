"""What a work folder of the opam toolchain remembers from build to build."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["NOTES", "Notes"]

NOTES: Final = "notes.json"
"""Where a work folder keeps its :class:`Notes`."""


@dataclass(frozen=True)
class Notes:
    """What a work folder remembers.

    Attributes:
        copied: the sources' names at the last build; all else was generated or fetched.
        configured: for which inputs `mirage configure` was run.
        fetched: for which packages `make depends` was run.
        packages: what config.ml asks for.
        devices: the devices, by name and kind.
    """

    copied: frozenset[str] = frozenset()
    configured: str = ""
    fetched: str = ""
    packages: tuple[str, ...] = ()
    devices: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, path: Path) -> Notes:
        """The notes in a file; empty ones where there is none, or a damaged one."""
        try:
            value = json.loads(path.read_bytes())
            return cls(
                frozenset(map(str, value["copied"])),
                str(value["configured"]),
                str(value["fetched"]),
                tuple(map(str, value["packages"])),
                tuple((str(name), str(kind)) for name, kind in value["devices"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, path: Path) -> None:
        """Keep them in a file."""
        path.write_text(json.dumps({**vars(self), "copied": sorted(self.copied)}))
