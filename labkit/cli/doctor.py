"""``labkit doctor``."""

from __future__ import annotations

import click

from labkit.checkup import Check
from labkit.checkup import doctor as look
from labkit.cli import options
from labkit.cli.output import say, say_json

__all__ = ["doctor"]

_FAILED = 125


@click.command
@options.as_json
@options.verbose
def doctor(as_json: bool) -> int:
    """Say what this machine can do; really builds and boots something.

    Ends with 0 if unikernels can be built and booted here, else with 125.
    """
    diagnosis = look(seen=None if as_json else _tell)
    if as_json:
        say_json(diagnosis.describe())
    else:
        kind = {"kvm": "on the processor (KVM)", "emulation": "by emulation"}.get(
            diagnosis.virtualisation, "not at all"
        )
        say(
            f"\nUnikernels run here {kind}."
            if diagnosis.ok
            else "\nSomething is missing: see the lines with NO."
        )
    return 0 if diagnosis.ok else _FAILED


def _tell(check: Check) -> None:
    say(f"{'ok' if check.ok else 'NO'}  {check.name}: {check.reason}  ({check.seconds:.2f} s)")
    if check.cure:
        say(f"    -> {check.cure}")
