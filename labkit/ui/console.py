"""A guest's console in the cell that watches it."""

from __future__ import annotations

import codecs
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from labkit.guest.guest import Exit, Guest

__all__ = ["watch"]

SHOWN_BYTES: Final = 200_000
"""How much of a console goes into one cell: a notebook with more becomes slow."""

PAUSE: Final = 0.02  # pieces that come closer together are shown together


def watch(guest: Guest, *, stream: TextIO | None = None, limit: int = SHOWN_BYTES) -> Exit:
    """Show a guest's console here, as it comes, until the guest ends.

    Args:
        guest: the guest; its console is shown from the first byte that is kept.
        stream: where to print; this cell's output unless given.
        limit: after so many bytes it only counts, and says at the end how many more there were.

    Returns:
        How the guest ended.

    Raises:
        HostError: the place where it ran failed under it.
    """
    out = stream or sys.stdout
    changed = threading.Event()
    unsubscribe = guest.console.subscribe(lambda _piece: changed.set())
    began = time.monotonic()
    shown, skipped = 0, 0
    at_line_start = True
    decode = codecs.getincrementaldecoder("utf-8")("replace").decode
    place = 0
    try:
        while True:
            changed.wait()
            changed.clear()
            ended = guest.console.closed
            while True:
                first, piece = guest.console.read_from(place)
                skipped += first - place
                place = first + len(piece)
                if not piece:
                    break
                kept = piece[: max(0, limit - shown)]
                skipped += len(piece) - len(kept)
                if kept:
                    shown += len(kept)
                    text = decode(kept).replace("\r\n", "\n")
                    out.write(text)
                    at_line_start = text.endswith("\n")
            out.flush()
            if ended:
                break
            time.sleep(PAUSE)
    finally:
        unsubscribe()
    if not at_line_start:
        out.write("\n")
    if skipped:
        out.write(f"[{skipped:,} bytes more are not shown here]\n")
    out.flush()
    ending = guest.wait()
    words = ending.detail if ending.status is None else f"exit status {ending.status}"
    out.write(f"[{guest.image.stem} has ended: {words}, watched for {time.monotonic() - began:.1f} s]\n")
    out.flush()
    return ending
