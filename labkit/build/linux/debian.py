"""Files of Debian packages that are not installed: downloaded and unpacked into the cache."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from labkit.build.cache import Cache
from labkit.errors import Evidence, HostError
from labkit.settings import settings

__all__ = ["dependency", "made_once", "package_files", "unpacked"]

_KIND: Final = "debian"
_NOTES: Final = "apt"
_LISTS: Final = Path("/var/lib/apt/lists")


@cache
def unpacked(*packages: str) -> Path:
    """A folder with the files of packages, as they would lie under ``/``. Needs no root.

    Args:
        packages: their names; what they depend on is not added.

    Raises:
        HostError: apt does not know them, or cannot fetch them.
    """
    names = package_files(*packages)

    def make(folder: Path) -> None:
        if packages:  # apt fails where it is asked for none
            _apt("apt-get", "download", *packages, folder=folder)
        for name in names:
            archive = folder / name
            subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
            archive.unlink()

    return made_once(" ".join(sorted(names)), make)


@cache
def package_files(*packages: str) -> tuple[str, ...]:
    """The names of packages' files, which tell their versions.

    Raises:
        HostError: apt does not know them.
    """

    def ask() -> list[str]:
        return re.findall(r"' (\S+\.deb) ", _apt("apt-get", "--print-uris", "download", *packages))

    return tuple(_known("files " + " ".join(packages), ask)) if packages else ()


@cache
def dependency(package: str, pattern: str) -> str:
    """The package that ``package`` depends on and whose name matches a regular expression.

    Raises:
        HostError: there is none.
    """

    def ask() -> list[str]:
        shown = _apt("apt-cache", "--no-all-versions", "show", package)
        depends = re.search(r"^Depends: (.*)", shown, re.MULTILINE)
        found = re.search(rf"(?:^|, )({pattern})\b", depends[1]) if depends else None
        if found is None:
            raise HostError(
                f"The package {package} depends on no {pattern}.",
                next_step="Look at it: apt-cache show " + package,
                evidence=[Evidence("What apt says of it", shown)],
            )
        return [found[1]]

    return _known(f"dependency {package} {pattern}", ask)[0]


def _known(question: str, ask: Callable[[], list[str]]) -> list[str]:
    """What apt answered to a question, remembered for as long as its lists are the same; longer where it fails."""
    place = _cache()
    note = place.folder / _NOTES / hashlib.sha256(question.encode()).hexdigest()[:24]
    try:
        lists = _LISTS.stat().st_mtime_ns
    except OSError:
        lists = 0
    remembered: list[str] | None = None
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        told = json.loads(note.read_bytes())
        remembered = list(told["answer"])
        if told["lists"] == lists:
            return remembered
    try:
        answer = ask()
    except HostError:
        if remembered is None:
            raise
        return remembered  # of older lists: better than nothing, such as where there is no network
    with contextlib.suppress(OSError, HostError), place.staging() as staging:
        draft = staging / note.name
        draft.write_text(json.dumps({"lists": lists, "answer": answer}))
        note.parent.mkdir(exist_ok=True)
        draft.replace(note)
    return answer


def _cache() -> Cache:
    found = settings()
    return Cache(found.cache, found.cache_mib << 20)


def made_once(what: str, make: Callable[[Path], None]) -> Path:
    """A folder of the cache that ``make`` has filled, in this run or an earlier one.

    Args:
        what: a text that changes whenever the contents would.
        make: fills an empty folder.
    """
    place = _cache()
    key = hashlib.sha256(what.encode()).hexdigest()[:24]
    with place.lock(f"{_KIND}-{key}"):
        if ready := place.find(_KIND, key):
            return ready
        with place.staging() as folder:
            make(folder)
            return place.publish(folder, _KIND, key)


def _apt(*command: str, folder: Path | None = None) -> str:
    # Downloading for root, apt would become a user who cannot write into the folder, and then say that it cannot.
    words = [command[0], "-q", "-o", "APT::Sandbox::User=root", *command[1:]]
    environment = os.environ | {"LC_ALL": "C"}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise HostError(
            "Debian packages for the Linux guest cannot be had.",
            next_step="Check the network, and run `apt-get update` as root; then start again.",
            evidence=[Evidence(" ".join(command), done.stderr)],
        )
    return done.stdout
