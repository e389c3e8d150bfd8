"""The store under real power cuts: what was acknowledged is there afterwards, and nothing else ever is.

Ten cuts; ``LABKIT_TEST_FULL=1`` makes it five hundred.
"""

from __future__ import annotations

import os
import random
import re
from pathlib import Path

import pytest

import labkit
from labkit.guest import Guest

pytestmark = [pytest.mark.live, pytest.mark.slow]

CUTS = 500 if os.environ.get("LABKIT_TEST_FULL") == "1" else 10
REMOVES = 10  # of each eleven numbers, this one removes its key

State = dict[str, int]
"""The number that each key was set to last."""


def after(state: State, key: str, number: int) -> State:
    """What the store holds after one operation of tests/images/keeper."""
    changed = dict(state)
    if number % 11 == REMOVES:
        changed.pop(key, None)
    else:
        changed[key] = number
    return changed


def told(guest: Guest) -> State:
    """What the guest finds in its store when it boots."""
    before = guest.console.expect("all told", timeout=60).before
    assert "wrong" not in before, before
    return {key: int(number) for key, number in re.findall(r"has (\d+) (\d+)", before)}


def test_power_cuts(root: Path, tmp_path: Path) -> None:
    image = labkit.build(root / "tests" / "images" / "keeper")
    disk = labkit.Disk.create(tmp_path / "store.img", "512 KiB")  # small: the log goes round and round
    chance = random.Random(4)  # noqa: S311  what cuts, and when, is to be the same each time
    possible: list[State] = [{}]
    number = 0
    for cut in range(CUTS):
        with labkit.boot(
            image, arguments=[f"--first={number}"], disks={"storage": disk.with_cache()}
        ) as guest:
            found = told(guest)
            assert found in possible, f"after cut {cut}"
            guest.console.expect(f"done {(number + chance.randrange(60)) * 7 % 40} ", timeout=60)
            guest.power_cut(lose="some", seed=cut)
            lines = guest.console.text().partition("all told")[2]
        done = re.findall(r"^done (\d+) (\d+)\r?$", lines, re.MULTILINE)
        begun = re.findall(r"^setting (\d+) (\d+)\r?$", lines, re.MULTILINE)
        state = found
        for key, which in done:
            state = after(state, key, int(which))
        possible = [state]
        if len(begun) > len(done):  # it may have been done, and not have been told
            possible.append(after(state, begun[-1][0], int(begun[-1][1])))
        number += len(begun)
    with labkit.boot(image, arguments=[f"--first={number}"], disks={"storage": disk}) as guest:
        assert told(guest) in possible
