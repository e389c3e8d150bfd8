"""What a power cut takes, and one that is planned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from labkit.errors import UsageError

__all__ = ["Lose", "PlannedCut", "check_lose"]

Lose = Literal["some", "unflushed", "nothing"]
"""What a power cut takes of what was written and not flushed: a random part, all of it, nothing."""


@dataclass(frozen=True)
class PlannedCut:
    """A power cut that is planned for a disk.

    Attributes:
        writes: after how many of the guest's writes to it.
        lose: what it takes.
        seed: of its random choices.
    """

    writes: int
    lose: Lose
    seed: int


def check_lose(lose: str) -> None:
    """Look whether a power cut can take that.

    Raises:
        UsageError: it cannot.
    """
    if lose not in get_args(Lose):
        raise UsageError(
            f"A power cut cannot lose {lose!r}.", next_step=f"Give one of: {', '.join(get_args(Lose))}."
        )
