"""What opam says when it fails, as errors: whose turn it is, and the lines that matter."""

from __future__ import annotations

import re
from typing import Final

from labkit.build.tools import Finished
from labkit.errors import BuildError, Evidence, HostError, LabError, MissingTool, SourceError

__all__ = ["opam_error", "telling"]

_NO_SOLUTION: Final = 20  # opam's exit statuses: `opam --help`
_SYNC_ERROR: Final = 40

_NETWORK: Final = re.compile(
    r"Curl failed|wget failed|Could not resolve host|Temporary failure in name resolution|Network is unreachable|"
    r"Download_fail|Fetch_fail|Failed to get sources of|Could not update repository|Failed to connect|"
    r"Connection refused|Connection timed out|unable to access"
)
_FAILED: Final = re.compile(r"The (?:compilation|installation) of (\S+?) failed")
_SYSTEM: Final = re.compile(r"conf-([a-z0-9+-]+)")
_CONFLICT: Final = re.compile(
    r"No solution found|Package conflict|Missing dependency|unmet availability|No package"
)
_TELLING: Final = re.compile(r"^\[ERROR\]|^#|^ {2,}[*-] |Error")
_MOST_LINES: Final = 30


def telling(output: str) -> str:
    """The lines of opam's output that matter: its errors and what a failed package printed; else the last ones."""
    lines = [line for line in output.splitlines() if line.strip()]
    wanted = [line for line in lines if _TELLING.search(line)]
    return "\n".join((wanted or lines)[-_MOST_LINES:])


def opam_error(done: Finished, doing: str, *, student: bool = False) -> LabError:
    """The error that fits a failed run of opam, or of make that ran it.

    Args:
        done: how it ended.
        doing: what it was to do, in words that go on: ``cannot``.
        student: whether the packages are those that a student's config.ml asks for.
    """
    evidence = [Evidence("opam's words", telling(done.output))]
    if done.status == _SYNC_ERROR or _NETWORK.search(done.output):
        return HostError(
            f"opam cannot {doing}: it does not reach what it wants to download.",
            next_step="Look whether this machine is on the network, and give the same command again: what is "
            "there already is kept. Without a network, use --toolchain offline.",
            evidence=evidence,
        )
    if (failed := _FAILED.search(done.output)) is not None:
        package = failed[1]
        if (system := _SYSTEM.match(package)) is not None:
            return MissingTool(
                f"opam cannot {doing}: its package {package} does not find {system[1]} on this machine.",
                next_step="Install that library of the system, with its headers; its Debian package is often "
                f"named lib{system[1]}-dev. Then give the same command again.",
                evidence=evidence,
            )
        return BuildError(
            f"opam cannot {doing}: its package {package} does not build.",
            next_step="See the package's own words. Giving the same command again goes on where it stopped.",
            evidence=evidence,
        )
    if done.status == _NO_SOLUTION or _CONFLICT.search(done.output):
        kind: type[LabError] = SourceError if student else BuildError
        return kind(
            f"opam cannot {doing}: it finds no versions that go together.",
            next_step="Look at the packages and versions that config.ml asks for."
            if student
            else "`opam update` may bring newer ones; if it does not, please report this.",
            evidence=evidence,
        )
    return BuildError(
        f"opam cannot {doing} (status {done.status}).",
        next_step="See its words; giving the same command again goes on where it stopped.",
        evidence=evidence,
    )
