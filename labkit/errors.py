"""The errors of labkit: each says what happened, whose turn it is, what to do next, and shows its evidence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = [
    "BuildError",
    "ConsoleEnded",
    "ConsoleTimeout",
    "Evidence",
    "GuestError",
    "GuestTimeout",
    "HostError",
    "ImageError",
    "LabError",
    "MissingTool",
    "SourceError",
    "SshError",
    "UsageError",
    "WhoseTurn",
]


class WhoseTurn(Enum):
    """Who can mend it."""

    STUDENT = "your code or command"
    MACHINE = "this machine"
    LAB = "labkit itself"


@dataclass(frozen=True)
class Evidence:
    """A titled text that backs an error: console lines, a command, its standard error."""

    title: str
    text: str


class LabError(Exception):
    """Base of every error that labkit raises on purpose.

    Args:
        what: one sentence, what happened.
        next_step: one or two sentences, what to do now.
        evidence: texts that show it, most telling first.
    """

    whose_turn = WhoseTurn.LAB

    def __init__(
        self, what: str, *, next_step: str = "", evidence: tuple[Evidence, ...] | list[Evidence] = ()
    ) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step
        self.evidence = tuple(evidence)

    def __str__(self) -> str:
        parts = [self.what]
        for item in self.evidence:
            body = "\n".join("    " + line for line in item.text.rstrip().splitlines())
            parts.append(f"  {item.title}:\n{body}" if body else f"  {item.title}: (nothing)")
        if self.next_step:
            parts.append(f"  What to do: {self.next_step}")
        parts.append(f"  Whose turn: {self.whose_turn.value}")
        return "\n".join(parts)

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in a cell: the message, not the way through labkit's own code."""
        return str(self).splitlines()


class UsageError(LabError, ValueError):
    """A call or a command line that cannot be taken; nothing was changed."""

    whose_turn = WhoseTurn.STUDENT


class SourceError(LabError):
    """An image's sources do not compile, or ask for what the toolchain does not have."""

    whose_turn = WhoseTurn.STUDENT


class ImageError(LabError):
    """An image file is missing, corrupt, or not for this target."""

    whose_turn = WhoseTurn.STUDENT


class BuildError(LabError):
    """The build failed for a reason that is not in the student's sources."""

    whose_turn = WhoseTurn.LAB


class MissingTool(LabError):
    """The machine lacks a program, package or right that is needed."""

    whose_turn = WhoseTurn.MACHINE


class HostError(LabError):
    """The place where guests run failed: libvirt, QEMU, the disk."""

    whose_turn = WhoseTurn.MACHINE


class SshError(HostError):
    """A host cannot be reached by SSH, is not the one that it should be, or the connection to it was cut."""


class GuestError(LabError):
    """A guest did not do what was asked of it; its last words are in the evidence."""

    whose_turn = WhoseTurn.STUDENT


class GuestTimeout(GuestError, TimeoutError):
    """A guest did not end in the time given."""


class ConsoleTimeout(GuestError, TimeoutError):
    """An expected text did not come on a guest's console in the time given."""


class ConsoleEnded(GuestError, EOFError):
    """A guest has ended: nothing more comes on its console, and nobody reads there."""
