"""Options that several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from labkit.cli.output import shown_progress

__all__ = ["as_json", "image", "target", "toolchain", "verbose"]

_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

image: _Decorator = click.argument("image", metavar="IMAGE")
as_json: _Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else."
)
target: _Decorator = click.option(
    "--target",
    "-t",
    default="virtio",
    show_default=True,
    metavar="T",
    help="What to build for: virtio, unix, …",
)
toolchain: _Decorator = click.option(
    "--toolchain",
    default=None,
    metavar="NAME",
    help="What to build with: offline or opam.  [default: offline]",
)


def verbose(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``-v``, here or before the verb, and show progress while the verb runs."""

    @click.option("-v", "--verbose", is_flag=True, help="Tell each step on standard error.")
    @click.pass_context
    def wrapped(context: click.Context, /, *arguments: Any, verbose: bool, **options: Any) -> Any:
        with shown_progress(verbose or bool(context.obj)):
            return context.invoke(function, *arguments, **options)

    wrapped.__doc__ = function.__doc__
    wrapped.__name__ = function.__name__
    wrapped.__click_params__ = getattr(function, "__click_params__", []) + wrapped.__click_params__  # type: ignore[attr-defined]
    return wrapped
