"""What a power cut did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labkit.host.disk import Lose
from labkit.host.writelog import Loss

__all__ = ["PowerCut", "runs"]


@dataclass(frozen=True, repr=False)
class PowerCut:
    """A power cut that has happened. It shows itself as text: ``print`` it.

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

    def __repr__(self) -> str:
        lost = sum(len(loss.lost) for loss in self.disks.values())
        return f"<power cut: {lost} sectors lost>"


def runs(sectors: tuple[int, ...], most: int = 12) -> str:
    """Numbers of sectors as runs, such as ``3, 5 to 9``; many are cut short."""
    found: list[list[int]] = []
    for sector in sectors:
        if found and sector == found[-1][1] + 1:
            found[-1][1] = sector
        else:
            found.append([sector, sector])
    words = [f"{first}" if first == last else f"{first} to {last}" for first, last in found[:most]]
    if len(found) > most:
        words.append(f"and {sum(last - first + 1 for first, last in found[most:])} more")
    return ", ".join(words) or "none"
