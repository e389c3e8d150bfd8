"""The key-value store in real guests that write several values at a time, and power cuts.

``LABKIT_TEST_FULL=1`` makes 500 cuts of 10; ``STORE_SEED=N`` begins with another seed.
"""

from __future__ import annotations

import os
import random
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from labkit import Disk
from labkit.build.builder import build
from labkit.guest import Guest, boot
from labkit.host import diskfile

pytestmark = pytest.mark.live

CUTS = 500 if os.environ.get("LABKIT_TEST_FULL") == "1" else 10
SEED = int(os.environ.get("STORE_SEED", "1"))
GONE = 0  # the number of a removal


@dataclass
class Known:
    """What was read on the consoles: of each key, what was acknowledged last, and what was begun since."""

    acknowledged: dict[int, int] = field(default_factory=dict)
    begun: dict[int, list[int]] = field(default_factory=dict)

    def follow(self, lines: Sequence[str]) -> None:
        """Take note of what a guest did."""
        for line in lines:
            if match := re.fullmatch(r"(begin|done) (\d+) (\d+)", line):
                key, number = int(match[2]), int(match[3])
                if match[1] == "begin":
                    self.begun.setdefault(key, []).append(number)
                else:
                    self.acknowledged[key] = number
                    self.begun.pop(key, None)

    def check(self, lines: Sequence[str]) -> None:
        """Compare with what the guest has after a boot, which then is what is known."""
        found = {
            int(key): int(number)
            for key, number in re.findall(r"^have (\d+) (\d+)$", "\n".join(lines), re.MULTILINE)
        }
        for key in {*found, *self.acknowledged, *self.begun}:
            allowed = {self.acknowledged.get(key, GONE), *self.begun.get(key, [])}
            assert found.get(key, GONE) in allowed, (
                f"key {key} is {found.get(key)}, and may be one of {allowed}"
            )
        self.acknowledged, self.begun = found, {}


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A small one, so that compaction has much to do."""
    return Disk(diskfile.create(tmp_path / "store.img", 1 << 20).path)


def start(root: Path, disk: Disk, *arguments: str) -> Guest:
    image = build(root / "tests" / "images" / "store")
    return boot(image, disks={"disk": disk}, arguments=arguments, timeout=60)


def recovered(known: Known, guest: Guest) -> float:
    """Wait for the guest's look at its store, and check what it says; the seconds that connecting took."""
    found = guest.console.expect(re.compile(r"^ready\n", re.MULTILINE), timeout=30)
    known.check(found.before.splitlines())
    return (guest.stamps["start"] - guest.stamps["runtime"]) / 1e9


def cut_short(guest: Guest, choices: random.Random, seed: int) -> None:
    """Cut its power after some acknowledgements."""
    for _ in range(choices.randrange(60)):
        guest.console.expect("done ")
    guest.power_cut(seed=seed)


def live(root: Path, disk: Disk, known: Known, seed: int) -> float:
    """One life of a guest, from what was there before to its power cut; the seconds that connecting took."""
    choices = random.Random(seed)  # noqa: S311
    planned = choices.randrange(2) == 0
    used = disk.with_power_cut(choices.randrange(150), seed=seed) if planned else disk.with_cache()
    with start(root, used, f"--seed={seed}") as guest:
        seconds = recovered(known, guest)
        if planned:
            guest.wait(60)
        else:
            cut_short(guest, choices, seed)
        assert guest.cut is not None, guest.console.last_words()
    known.follow(guest.console.lines())
    return seconds


def test_power_cuts(root: Path, disk: Disk) -> None:
    known = Known()
    took = []
    for seed in range(SEED, SEED + CUTS):
        try:
            took.append(live(root, disk, known, seed))
        except Exception as error:
            error.add_note(f"After {seed - SEED} cuts: STORE_SEED={SEED}")
            raise
    with start(root, disk, "--rounds=0") as guest:
        took.append(recovered(known, guest))
        assert guest.wait(60).status == 0, guest.console.text()
    assert len(known.acknowledged) > 10, "something was written at all"
    print(f"{CUTS} cuts; connecting took {statistics.median(took):.3f} s, {max(took):.3f} s at most")


def test_a_disk_with_something_else(root: Path, disk: Disk) -> None:
    path = Path(disk)
    path.write_bytes(b"something else".ljust(512) + bytes((1 << 20) - 512))
    before = path.read_bytes()
    with start(root, disk) as guest:
        assert guest.wait(60).status == 2
    assert "there is something on the device that is no store" in guest.console.text()
    assert path.read_bytes() == before


def test_a_disk_that_is_too_small(root: Path, tmp_path: Path) -> None:
    disk = Disk(diskfile.create(tmp_path / "small.img", 64 << 10).path)
    with start(root, disk) as guest:
        assert guest.wait(60).status == 2
    assert "the device is too small for a store: it takes 263168 bytes" in guest.console.text()
