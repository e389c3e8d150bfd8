"""How a guest is, in a word for the machine and a few for people."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.guest.guest import Exit, Guest

__all__ = ["Phase", "Status", "status_of", "title_of"]


class Phase(Enum):
    """What a status is shown as."""

    BOOTING = "booting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class Status:
    """How a guest is.

    Attributes:
        phase: what it is shown as.
        words: the same for people.
    """

    phase: Phase
    words: str

    @property
    def over(self) -> bool:
        """Whether the guest has ended."""
        return self.phase not in (Phase.BOOTING, Phase.RUNNING)

    def message(self) -> dict[str, str]:
        """As it goes to a widget."""
        return {"kind": "status", "phase": self.phase.value, "words": self.words}


def status_of(guest: Guest) -> Status:
    """How a guest is now."""
    if guest.exit is not None:
        return _ended(guest.exit)
    stamps = guest.stamps
    # A kernel that tells no stamps has booted, for all that can be seen, when it prints something.
    if "start" in stamps or guest.console.size:
        return Status(Phase.RUNNING, "running")
    stage = next((name for name in ("runtime", "kernel") if name in stamps), "firmware")
    return Status(Phase.BOOTING, f"booting: {stage}")


def title_of(guest: Guest) -> str:
    """What a guest is called on the screen: its image's name, which stays the same from run to run."""
    return guest.image.stem


def _ended(ending: Exit) -> Status:
    from labkit.guest.guest import Reason

    took = f"after {ending.seconds:.1f} s"
    if ending.reason is Reason.EXIT:
        phase = Phase.DONE if ending.status == 0 else Phase.FAILED
        return Status(phase, f"exited {ending.status} {took}")
    if ending.reason is Reason.POWER_CUT:
        return Status(Phase.STOPPED, f"lost its power {took}")
    if ending.reason in (Reason.STOPPED, Reason.TIME_LIMIT, Reason.OUTPUT_LIMIT):
        words = "stopped" if ending.reason is Reason.STOPPED else ending.detail
        return Status(Phase.STOPPED, f"{words} {took}" if ending.reason is Reason.STOPPED else words)
    why = {
        Reason.PANIC: ending.detail.removeprefix("panicked: "),
        Reason.CRASH: ending.detail if ending.detail != "crashed" else "the machine stopped without a word",
    }.get(ending.reason, ending.detail)
    return Status(Phase.FAILED, f"crashed: {why}")
