"""Which switch of opam's images are built in, and what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from labkit.build.cache import Lock
from labkit.build.opam.opam import LAB_SWITCH, Program, find_opam, lab_root
from labkit.build.opam.versions import WINDOWS, outside
from labkit.build.tools import Finished
from labkit.errors import Evidence, MissingTool

__all__ = ["Switch", "find_switch", "look"]

_ASKED: Final = ("mirage", "ocaml", "opam-monorepo", "solo5", "ocaml-solo5")
_INSTALL: Final = "Run `labkit toolchain install opam`, which makes a switch of the lab's own"


@dataclass(frozen=True)
class Switch:
    """A switch of opam's.

    Attributes:
        opam: the program.
        root: opam's root if it is the lab's own; None for the student's.
        name: its name.
        prefix: its folder.
        versions: of those packages in it that matter here, by their names.
    """

    opam: Program
    root: Path | None
    name: str
    prefix: Path
    versions: Mapping[str, str]

    @property
    def ours(self) -> bool:
        """Whether it is the lab's own."""
        return self.root is not None

    @property
    def missing(self) -> list[str]:
        """What is not there, or of a version that labkit does not work with, in words."""
        absent = [name for name in ("mirage", "ocaml", "opam-monorepo") if name not in self.versions]
        wrong = [
            f"{name} {self.versions[name]} (supported: {WINDOWS[name]})" for name in outside(self.versions)
        ]
        return absent + wrong

    @property
    def fingerprint(self) -> str:
        """A hash that changes when what matters here changes."""
        known = [self.opam.version, str(self.prefix), *(f"{k} {v}" for k, v in sorted(self.versions.items()))]
        return hashlib.blake2b("\n".join(known).encode(), digest_size=12).hexdigest()

    def run(
        self,
        *command: str | Path,
        folder: Path,
        lock: Lock | None = None,
        each_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run a program of the switch, or one that uses such, to its end.

        Args:
            command: the program and its arguments.
            folder: its working folder.
            lock: kept by it too.
            each_line: called with each line of output as it comes.
        """
        return self.opam.run(
            "exec",
            "--",
            *command,
            root=self.root,
            switch=self.name,
            folder=folder,
            lock=lock,
            each_line=each_line,
        )


def look(opam: Program, cache: Path) -> Switch | None:
    """The switch to build in: the lab's own where it has been begun, else the student's, if there is one."""
    root: Path | None = lab_root(cache)
    assert root is not None  # noqa: S101  for mypy: it is None below
    name = LAB_SWITCH
    if not (root / name / ".opam-switch").is_dir():
        root = None
        shown = opam.run("switch", "show")
        if shown.status:
            return None
        name = shown.output.strip().splitlines()[-1]
    prefix = opam.run("var", "prefix", root=root, switch=name)
    listed = opam.run(
        "list", "--installed", "--short", "--columns=name,version", *_ASKED, root=root, switch=name
    )
    if prefix.status or listed.status:
        return None
    rows = [line.split() for line in listed.output.splitlines()]
    versions = {row[0]: row[1] for row in rows if len(row) == 2 and row[0] in _ASKED}
    return Switch(opam, root, name, Path(prefix.output.strip().splitlines()[-1]), versions)


def find_switch(cache: Path) -> Switch:
    """The switch to build in, ready.

    Args:
        cache: the cache's folder.

    Raises:
        MissingTool: there is no opam, no switch, or something is missing in it.
    """
    opam = find_opam()
    found = look(opam, cache)
    if found is None:
        raise MissingTool(
            "opam is installed, but there is no switch of it to build in.",
            next_step=f"{_INSTALL}. Or use --toolchain offline.",
        )
    if found.missing:
        whose = "the lab's own switch" if found.ours else f"your switch {found.name}"
        has = "\n".join(f"{name} {version}" for name, version in found.versions.items())
        raise MissingTool(
            f"Upstream's MirageOS is not complete in {whose} of opam: {'; '.join(found.missing)}.",
            next_step=f"{_INSTALL}"
            + (", and goes on where it was interrupted." if found.ours else " and leaves yours alone."),
            evidence=[Evidence("What is in it", has or "(nothing that matters here)")],
        )
    return found
