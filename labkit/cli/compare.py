"""``labkit compare``."""

from __future__ import annotations

import click

from labkit.cli import options
from labkit.cli.output import say, say_json
from labkit.compare.measure import compare as measure

__all__ = ["compare"]

_FEW = range(1, 1025)


@click.command
@click.argument("one", metavar="A")
@click.argument("other", metavar="B")
@click.option(
    "--quick",
    is_flag=True,
    help="One boot each, few ports, and not the least memory.",
)
@options.as_json
@options.verbose
def compare(one: str, other: str, quick: bool, as_json: bool) -> None:
    """Measure two images that serve a page on port 80, and print the figures side by side.

    A and B are what `labkit run` takes: unikernels, Linux, or one of each. Each is booted some ten times.
    """
    found = measure(one, other, boots=1, least_memory=False, ports=_FEW) if quick else measure(one, other)
    if as_json:
        say_json(found.describe())
    else:
        say(str(found))
