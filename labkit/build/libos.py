"""The library OS: built and installed into the cache once for each content of ``libos/``."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from labkit.build.cache import Cache
from labkit.build.dune import check_space, run_dune
from labkit.build.source import SourceFile, digest
from labkit.build.tools import Tools, debian_package_of_library
from labkit.build.workspace import Workspace, workspace
from labkit.errors import BuildError, Evidence, MissingTool
from labkit.events import Step, step

__all__ = ["InstalledLibOS", "find_libos", "install_libos"]

_NO_LIBRARY = re.compile(r'Library "([^"]+)" not found')
_LEAST_FREE = 16 << 20  # a command that fails for want of space gives some of it back
_USUAL_COMMANDS = 190  # that a build from nothing takes, roughly: for the progress bar only


@dataclass(frozen=True)
class InstalledLibOS:
    """A library OS: its content key, and the folder with its findlib packages."""

    key: str
    libraries: Path


def find_libos(cache: Cache, root: Path, tools: Tools) -> tuple[InstalledLibOS, bool]:
    """The library OS of the project as it is now, and whether it is installed in the cache.

    Raises:
        BuildError: the project has none.
    """
    key = _key(digest(_sources(root)), tools)
    return _installed(cache, key), cache.find("libos", key) is not None


def install_libos(cache: Cache, root: Path, tools: Tools) -> InstalledLibOS:
    """Build and install the library OS, unless it is installed.

    Raises:
        MissingTool: an OCaml library that it needs is not installed.
        BuildError: it does not compile.
        HostError: the disk is full or cannot be written.
    """
    this, ready = find_libos(cache, root, tools)
    if ready:
        return this
    place = hashlib.blake2b(os.fsencode(root), digest_size=8).hexdigest()
    with (
        step("build", "library OS") as doing,
        workspace(
            cache, f"libos-{place}", lambda: doing.progress("another labkit builds it: waiting")
        ) as space,
    ):
        key = _key(space.synchronise(_sources(root)), tools)
        if cache.find("libos", key) is not None:
            return _installed(cache, key)
        environment = tools.environment(temporary=space.temporary)
        _compile(tools, space, environment, doing)
        with cache.staging() as staging:
            doing.progress("installing", 0.95)
            entry = staging / "entry"
            installed = run_dune(
                tools,
                space,
                ["install", "--display", "quiet", "--prefix", str(entry), "--libdir", str(entry / "lib")],
                environment,
            )
            if installed.status:
                raise BuildError(
                    "The library OS cannot be installed into the cache.",
                    next_step=_REPORT,
                    evidence=[Evidence("dune's output", installed.output)],
                )
            cache.publish(entry, "libos", key)
        return _installed(cache, key)


_REPORT = "If you changed libos/, mend it there; if not, this is a fault of the lab's: please report it."


def _installed(cache: Cache, key: str) -> InstalledLibOS:
    return InstalledLibOS(key, cache.path("libos", key) / "lib")


def _key(content: str, tools: Tools) -> str:
    return hashlib.blake2b(f"libos\n{content}\n{tools.fingerprint}".encode(), digest_size=12).hexdigest()


def _sources(root: Path) -> list[SourceFile]:
    folder = root / "libos"
    found = []
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "_build"))]
        for name in names:
            if not name.startswith("."):
                path = Path(here, name)
                found.append(SourceFile(path.relative_to(folder).as_posix(), path))
    if not any(file.name == "dune-project" for file in found):
        raise BuildError(
            f"There is no library OS in {folder}.",
            next_step="Run labkit from a whole copy of the project, or set LABKIT_ROOT to one.",
        )
    return sorted(found, key=lambda file: file.name)


def _compile(tools: Tools, space: Workspace, environment: dict[str, str], doing: Step) -> None:
    commands = 0

    def line(text: str) -> None:
        nonlocal commands
        if text.startswith("  "):  # dune's `      ocamlopt lib/foo.cmxa`
            commands += 1
            doing.progress(" ".join(text.split()), min(0.9, commands / _USUAL_COMMANDS))

    done = run_dune(
        tools, space, ["build", "--profile", "release", "--display", "short", "@install"], environment, line
    )
    if not done.status:
        return
    said = "\n".join(line for line in done.output.splitlines() if not re.match(r" {6,}\w+ \S+$", line))
    missing = _NO_LIBRARY.search(said)
    if missing:
        package = debian_package_of_library(missing[1])
        raise MissingTool(
            f"The OCaml library {missing[1]} is not installed.",
            next_step=f"Run `make lab` in the project's folder, or install the Debian package {package}.",
            evidence=[Evidence("dune's output", said)],
        )
    check_space(said, space.folder, space.cache, _LEAST_FREE)
    raise BuildError(
        "The library OS does not compile.", next_step=_REPORT, evidence=[Evidence("dune's output", said)]
    )
