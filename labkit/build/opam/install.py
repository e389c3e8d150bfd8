"""Making a switch of the lab's own: opam's root, the compiler, and upstream's packages, each once."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from labkit.build.cache import Cache, Lock, explained
from labkit.build.opam.opam import LAB_SWITCH, Program, find_opam, lab_root, needs
from labkit.build.opam.switch import Switch, look
from labkit.build.opam.trouble import opam_error
from labkit.build.opam.versions import COMPILER, PACKAGES
from labkit.build.tools import Finished, run_tool
from labkit.errors import BuildError, Evidence, HostError, LabError
from labkit.events import Step, step

__all__ = ["FREE_BYTES", "forewarning", "install"]

FREE_BYTES: Final = 3 << 30
"""Free space that an installation must find, in bytes."""

_SHARES: Final = {"root": 0.05, "compiler": 0.45, "packages": 0.5}  # of the progress bar
_TO_DO: Final = re.compile(r"^=+ .*?(\d+) to install")
_INSTALLED: Final = re.compile(r"(?:->|\*) installed (\S+)")
_USUAL_PACKAGES: Final = 60  # where opam does not count


def forewarning(cache: Path) -> str:
    """What an installation will do, take and need, to be told before it begins."""
    return (
        f"Makes a switch of the lab's own, in {lab_root(cache)}: opam's list of packages, {COMPILER} compiled "
        f"from its sources, {', '.join(PACKAGES)}. All of it is downloaded. Upstream's tools took 315 MB and two "
        "minutes where they were measured, with the sources at hand; list, compiler and network add to that. "
        f"{FREE_BYTES >> 30} GB of disk must be free. Ctrl-C interrupts it; the same command goes on from there. "
        "Deleting that folder removes it all."
    )


@dataclass(frozen=True)
class _Work:
    opam: Program
    root: Path
    lock: Lock
    step: Step

    def run(self, doing: str, *words: str, switch: str | None = None, said: Callable[[str], None]) -> None:
        """Run opam, and raise what fits if it fails."""
        done = self.opam.run(*words, root=self.root, switch=switch, lock=self.lock, each_line=said)
        if done.status:
            raise opam_error(done, doing)


def install(cache: Cache, repository: str | None = None) -> Switch:
    """Make the lab's own switch, or what is missing in it. The student's own is not touched.

    Emits the step ``install``.

    Args:
        cache: in whose folder it is made.
        repository: address or folder of the list of packages; opam's own choice unless given.

    Raises:
        MissingTool: opam, or what it needs, is not installed.
        HostError: no network, or no space.
        BuildError: a package does not build.
    """
    opam = find_opam()
    needs("make", "gcc", "curl", "tar", "unzip", "bzip2", "patch")
    root = lab_root(cache.folder)
    with explained(cache.folder):
        root.parent.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(root.parent).free
    with (
        step("install", "opam toolchain") as doing,
        cache.lock("opam", waiting=lambda: doing.progress("another labkit installs it: waiting")) as lock,
    ):
        found = look(opam, cache.folder)
        if found is not None and found.ours and _complete(found):
            doing.progress("it is there already", 1.0)
            return found
        if free < FREE_BYTES:
            raise HostError(
                f"Only {free >> 20} MiB are free at {root.parent}, and the opam toolchain needs "
                f"{FREE_BYTES >> 20} MiB.",
                next_step="Free some space, or set LABKIT_CACHE to a folder on another disk.",
            )
        work = _Work(opam, root, lock, doing)
        _make_root(work, repository)
        _make_switch(work)
        _install_packages(work)
        found = look(opam, cache.folder)
        if found is None or not _complete(found):
            has = "" if found is None else "\n".join(f"{k} {v}" for k, v in found.versions.items())
            raise _incomplete(has)
        return found


def _complete(switch: Switch) -> bool:
    return not switch.missing and all(package in switch.versions for package in PACKAGES)


def _incomplete(has: str) -> LabError:
    return BuildError(
        "opam has installed everything, but not in versions that labkit works with.",
        next_step="`labkit toolchain status` says which; please report this.",
        evidence=[Evidence("What is in the switch", has)],
    )


def _make_root(work: _Work, repository: str | None) -> None:
    if (work.root / "config").is_file():  # an earlier attempt's: what failed then may have been mended since
        work.step.progress("updating opam's list of packages", 0.0)
        work.run(
            "update its list of packages",
            "update",
            said=lambda line: work.step.progress(_plain(line), _SHARES["root"] / 2),
        )
        return
    shutil.rmtree(work.root, ignore_errors=True)  # what an interrupted beginning left
    work.step.progress("downloading opam's list of packages", 0.0)
    sandbox = () if _sandbox_works() else ("--disable-sandboxing",)
    source = ("default", repository) if repository else ()
    work.run(
        "make the lab's own root",
        *("init", "--bare", "--no-setup", *sandbox, *source),
        said=lambda line: work.step.progress(_plain(line), _SHARES["root"] / 2),
    )


def _sandbox_works() -> bool:
    """Whether opam can keep a package's build from the rest of the machine: in most containers it cannot."""
    bwrap = shutil.which("bwrap")
    return bwrap is not None and not run_tool([bwrap, "--ro-bind", "/", "/", "--dev", "/dev", "true"]).status


def _make_switch(work: _Work) -> None:
    name, _, version = COMPILER.partition(".")
    if (work.root / LAB_SWITCH / ".opam-switch").is_dir():
        if _is_installed(work, name):
            return
        command: tuple[str, ...] = ("install", COMPILER)  # an interruption left it empty
    else:
        command = ("switch", "create", LAB_SWITCH, "--packages", COMPILER)
    work.step.progress(f"compiling OCaml {version}, which takes some minutes", _SHARES["root"])
    work.run(
        f"compile OCaml {version}",
        *command,
        switch=LAB_SWITCH if command[0] == "install" else None,
        said=lambda line: work.step.progress(_plain(line), _SHARES["root"] + _SHARES["compiler"] / 2),
    )


def _is_installed(work: _Work, package: str) -> bool:
    listed: Finished = work.opam.run(
        "list", "--installed", "--short", package, root=work.root, switch=LAB_SWITCH
    )
    return not listed.status and package in listed.output.split()


def _install_packages(work: _Work) -> None:
    begun = _SHARES["root"] + _SHARES["compiler"]
    total, finished = _USUAL_PACKAGES, 0

    def said(line: str) -> None:
        nonlocal total, finished
        if (count := _TO_DO.match(line)) is not None:
            total = int(count[1])
        elif (done := _INSTALLED.search(line)) is not None:
            finished += 1
            part = min(1.0, finished / max(total, 1))
            work.step.progress(f"installed {done[1]}", begun + _SHARES["packages"] * part)

    work.step.progress(f"installing {', '.join(PACKAGES)}", begun)
    work.run("install upstream's packages", "install", *PACKAGES, switch=LAB_SWITCH, said=said)


def _plain(line: str) -> str:
    return " ".join(line.strip("<>[] ").split())[:100]
