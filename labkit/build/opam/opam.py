"""Running the program ``opam``, in the lab's own root or in the student's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from labkit.build.cache import Lock
from labkit.build.opam.versions import WINDOWS
from labkit.build.tools import Finished, run_tool
from labkit.errors import Evidence, MissingTool

__all__ = ["LAB_SWITCH", "Program", "find_opam", "lab_bin", "lab_root", "needs"]

LAB_SWITCH: Final = "lab"
"""Name of the lab's own switch."""

_KEPT: Final = (
    *("PATH", "HOME", "USER", "TMPDIR", "OPAMROOT", "OPAMSWITCH", "OPAM_SWITCH_PREFIX"),
    *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"),
)
_OURS: Final = {
    "LC_ALL": "C.UTF-8",
    "OPAMYES": "1",
    "OPAMCOLOR": "never",
    "OPAMUTF8": "never",
    "OPAMNODEPEXTS": "1",  # or it would install Debian packages by itself
    "OPAMNOENVNOTICE": "1",
    "OPAMROOTISOK": "1",
}


def lab_root(cache: Path) -> Path:
    """Opam's root of the lab's own, in a cache folder."""
    return cache / "opam"


def lab_bin(cache: Path) -> Path:
    """The programs of the lab's own switch."""
    return lab_root(cache) / LAB_SWITCH / "bin"


@dataclass(frozen=True)
class Program:
    """The program opam.

    Attributes:
        path: where it is.
        version: its version.
    """

    path: str
    version: str

    @property
    def supported(self) -> bool:
        """Whether labkit works with it."""
        return WINDOWS["opam"].has(self.version)

    def run(
        self,
        *words: str | Path,
        root: Path | None = None,
        switch: str | None = None,
        folder: Path | None = None,
        lock: Lock | None = None,
        each_line: Callable[[str], None] | None = None,
    ) -> Finished:
        """Run it to its end.

        Args:
            words: the command and its arguments.
            root: its root; the student's unless given.
            switch: the switch it is about; the student's choice unless given.
            folder: its working folder.
            lock: kept by it too.
            each_line: called with each line of output as it comes.

        Raises:
            MissingTool: it cannot be started.
        """
        return run_tool(
            [self.path, *words],
            folder=folder,
            environment=self.environment(root, switch),
            lock=lock,
            each_line=each_line,
        )

    def environment(self, root: Path | None, switch: str | None) -> dict[str, str]:
        """The environment to run it in: no question is asked, and nothing outside of opam's root is touched."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        if root is not None:
            kept["OPAMROOT"] = str(root)
        if switch is not None:
            kept["OPAMSWITCH"] = switch
        return kept | _OURS


def find_opam() -> Program:
    """The program opam on ``PATH``.

    Raises:
        MissingTool: it is not there, does not run, or is too old.
    """
    path = shutil.which("opam")
    if path is None:
        raise MissingTool(
            "The toolchain opam needs the program opam, which is not on this machine's PATH.",
            next_step="Install the Debian package opam, then run: labkit toolchain install opam. Without it, use "
            "--toolchain offline.",
            evidence=[Evidence("PATH", os.environ.get("PATH", "(not set)"))],
        )
    asked = run_tool([path, "--version"])
    if asked.status:
        raise MissingTool(
            f"{path} does not say its version.",
            next_step="Install the Debian package opam again.",
            evidence=[Evidence("Output", asked.output)],
        )
    found = Program(path, asked.output.strip())
    if not found.supported:
        raise MissingTool(
            f"{path} is opam {found.version}; labkit works with {WINDOWS['opam']}.",
            next_step="Install another opam, for instance Debian's.",
        )
    return found


def needs(*programs: str) -> None:
    """Look whether the programs that opam itself runs are there.

    Raises:
        MissingTool: one is not.
    """
    missing = [name for name in programs if shutil.which(name) is None]
    if missing:
        raise MissingTool(
            f"opam needs programs that are not on this machine's PATH: {', '.join(missing)}.",
            next_step=f"Install the Debian packages {' '.join(missing)}.",
        )
