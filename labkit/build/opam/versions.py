"""Versions of upstream's programs, and which of them labkit works with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["COMPILER", "PACKAGES", "WINDOWS", "Window", "outside"]


@dataclass(frozen=True)
class Window:
    """The versions that are supported: from ``least`` on, and before ``below``."""

    least: str
    below: str

    def has(self, version: str) -> bool:
        """Whether a version is in it."""
        return _numbers(self.least) <= _numbers(version) < _numbers(self.below)

    def __str__(self) -> str:
        return f"{self.least} or later, before {self.below}"


WINDOWS: Final[Mapping[str, Window]] = {
    "opam": Window("2.1", "3"),  # mirage's own condition
    "mirage": Window("4.10", "5"),  # since 4.10 time and random numbers are no arguments of functors
    "ocaml": Window("4.13", "6"),
    "solo5": Window("0.9", "0.13"),  # the notes' format; mirage 4.11's own condition
}
"""Which versions labkit works with, by opam's names. Tried: mirage 4.11.1, OCaml 5.4.1, Solo5 0.12.1."""

COMPILER: Final = "ocaml-base-compiler.5.4.1"
"""The compiler of the lab's own switch: the one for which ocaml-solo5 1.3.2 is."""

PACKAGES: Final = ("mirage", "opam-monorepo", "solo5", "ocaml-solo5")
"""What is installed into it."""


def outside(versions: Mapping[str, str]) -> list[str]:
    """The programs among these whose versions are not supported."""
    return [name for name, version in versions.items() if name in WINDOWS and not WINDOWS[name].has(version)]


def _numbers(version: str) -> tuple[int, ...]:
    """What orders versions here: the numbers before the first word, so that 4.11.0~beta is 4.11.0."""
    plain = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(int(part) for part in plain[1].split(".")) if plain else ()
