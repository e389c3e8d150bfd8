"""What a power cut did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labkit.host.hexdump import runs
from labkit.host.plannedcut import Lose
from labkit.host.writelog import Loss

__all__ = ["PowerCut"]


@dataclass(frozen=True, repr=False)
class PowerCut:
    """A power cut that has happened. It shows itself: as a table in a notebook, as text anywhere.

    Attributes:
        lose: what it was to take.
        seed: of its random choices; the same guest at the same moment with the same seed loses the same.
        disks: what each disk with a cache has lost, by device.
        plain: the disks without a cache: nothing of them is lost, since this machine's memory lost no power.
    """

    lose: Lose
    seed: int
    disks: Mapping[str, Loss]
    plain: tuple[str, ...] = ()

    @property
    def lost(self) -> dict[str, tuple[int, ...]]:
        """The sectors that are not as they were written last, by device."""
        return {name: loss.lost for name, loss in self.disks.items()}

    def __str__(self) -> str:
        head = "The power was cut" + (f" (seed {self.seed})." if self.lose == "some" and self.disks else ".")
        lines = [head]
        for name, loss in self.disks.items():
            if not loss.unflushed:
                lines.append(f"{name}: all that was written had been flushed, and is there.")
                continue
            lines.append(f"{name}: not flushed: {runs(loss.unflushed)}.")
            lines.append(f"  lost:  {runs(loss.lost)}")
            lines.append(f"  there: {runs(loss.kept)}")
        lines.extend(
            f"{name}: has no cache, so all that was written is there (Disk.with_cache() gives it one)."
            for name in self.plain
        )
        return "\n".join(lines)

    __repr__ = __str__
