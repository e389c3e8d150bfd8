"""``labkit host``."""

from __future__ import annotations

import click

from labkit.errors import UsageError

__all__ = ["host"]


@click.command
@click.argument("verb", metavar="up|down|status", type=click.Choice(["up", "down", "status"]))
@click.argument("kind", metavar="[xen|kvm]", required=False, type=click.Choice(["xen", "kvm"]))
def host(verb: str, kind: str | None) -> None:
    """The lab's own Xen and KVM hosts, emulated on this machine. They are not there yet."""
    asked = " ".join(word for word in ("labkit host", verb, kind) if word)
    raise UsageError(
        f"`{asked}`: this labkit has no lab hosts yet, only this machine.",
        next_step="Run guests on this machine: `labkit run IMAGE`. `labkit doctor` says what it can do.",
    )
