"""The command line: the verbs of the lab as ``labkit VERB``."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; see :func:`labkit.cli.outcome.run`.

    Args:
        arguments: the words after the program's name; those of this process unless given.

    Returns:
        The exit status.
    """
    from labkit.cli.outcome import run

    return run(arguments)
