"""The lab's own hosts: from nothing, booted, and resumed, each to its first answer over SSH."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.rounds import Stopwatch, in_turns
from bench.table import Row, Sample
from labkit.build.cache import Cache
from labkit.host import labhost
from labkit.host.labhost.snapshot import forget_snapshots
from labkit.host.ssh import Session
from labkit.settings import Settings, settings

__all__ = ["rows"]

_NAMES = {"xen": "Xen", "kvm": "KVM"}


def rows(rounds: int) -> list[Row]:
    """The lines of the table. Nothing is taken from the cache, and nothing is left in it."""
    usual = settings()
    with (
        tempfile.TemporaryDirectory(dir=_parent(usual.cache)) as cache,
        tempfile.TemporaryDirectory(prefix="b-", dir="/tmp") as run,
    ):
        found = Settings(root=usual.root, cache=Path(cache), run=Path(run))
        place = Cache(found.cache, found.cache_mib << 20)
        nothing = _once("xen", found)
        lines = []
        for kind in labhost.KINDS:
            forget_snapshots(place, kind)
            booted = _once(kind, found)
            resumed = in_turns({kind: lambda watch, kind=kind: _up(kind, found, watch)}, rounds)[kind]
            name = _NAMES[kind]
            lines.append(
                Row(
                    f"{name} host resumed, to an answer",
                    resumed,
                    "the same, booted and proven",
                    booted,
                    "3 s",
                )
            )
            if kind == "xen":
                lines.append(
                    Row("from nothing, to an answer", nothing, "booted and proven", booted, "3 minutes")
                )
        return lines


def _once(kind: labhost.Kind, found: Settings) -> Sample:
    watch = Stopwatch()
    _up(kind, found, watch)
    return Sample([watch.milliseconds], "ms")


def _up(kind: labhost.Kind, found: Settings, watch: Stopwatch) -> None:
    try:
        with watch.running(), Session(labhost.up(kind, found=found).login) as session:
            assert session.run("true").status == 0
    finally:
        labhost.down(kind, found=found)


def _parent(folder: Path) -> Path:
    """The folder in which a cache beside this one has the same disk."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder.parent
