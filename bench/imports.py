"""What ``import labkit`` costs."""

from __future__ import annotations

import subprocess
import sys

from bench.rounds import Stopwatch, in_turns
from bench.table import Row

__all__ = ["rows"]


def _python(code: str, watch: Stopwatch) -> None:
    with watch.running():
        subprocess.run([sys.executable, "-c", code], check=True)


def rows(rounds: int) -> list[Row]:
    """The line of the table."""
    taken = in_turns(
        {
            "labkit": lambda watch: _python("import labkit", watch),
            "python": lambda watch: _python("pass", watch),
        },
        rounds,
    )
    return [Row("import labkit", taken["labkit"], "Python by itself", taken["python"], "at most +150 ms")]
