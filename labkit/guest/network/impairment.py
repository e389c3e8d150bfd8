"""A network that was made worse."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from labkit.guest.network.line import Conditions, Counts
from labkit.guest.network.passage import Passage

__all__ = ["Impairment"]


class Impairment:
    """What :meth:`Network.impair` has done. A context manager: at its end the network is perfect again.

    Attributes:
        conditions: how bad it is.
    """

    def __init__(self, conditions: Conditions, passage: Passage, heal: Callable[[], None]) -> None:
        self.conditions = conditions
        self._passage = passage
        self.heal = heal

    @property
    def counts(self) -> dict[str, Counts]:
        """How many frames came, were lost and were reordered, ``from guest`` and ``to guest``."""
        return self._passage.counts

    @property
    def trouble(self) -> Exception | None:
        """What the function raised that was asked which frames to lose; it is asked no longer then."""
        return self._passage.outward.trouble or self._passage.inward.trouble

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.heal()

    def __repr__(self) -> str:
        found = self.conditions
        said = [
            f"{found.loss:.3g} lost" if found.loss else "",
            "some lost by choice" if found.lose else "",
            f"{found.delay * 1e3:g} ms delay" if found.delay else "",
            f"{found.reorder:.3g} reordered" if found.reorder else "",
            f"{found.rate / 1e6:g} Mbit/s" if found.rate else "",
        ]
        if self.trouble:
            said.append(f"lose() raised {self.trouble!r}")
        return f"<Impairment: {', '.join(filter(None, said)) or 'none'}>"
