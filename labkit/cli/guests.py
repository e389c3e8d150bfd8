"""``labkit ps``, ``console``, ``stop`` and ``gc``: guests, whoever started them."""

from __future__ import annotations

import sys
from typing import Any

import click

from labkit.cli import options
from labkit.cli.output import say, say_json
from labkit.cli.run import status_of
from labkit.cli.terminal import follow
from labkit.errors import UsageError
from labkit.guest import GuestInfo, attach, list_guests, stop_guest
from labkit.guest import gc as collect
from labkit.host import open_host

__all__ = ["console", "gc", "ps", "stop"]


@click.command
@options.as_json
@options.verbose
def ps(as_json: bool) -> None:
    """List the guests that run."""
    guests = list_guests()
    if as_json:
        say_json({"guests": [_described(guest) for guest in guests]})
        return
    rows = [("NAME", "STATE", "MEMORY", "SINCE", "OWNER", "IMAGE")]
    rows += [
        (
            guest.name,
            "orphaned" if guest.orphaned else guest.state,
            f"{guest.memory_mib} MiB",
            guest.ownership.created.partition("+")[0].replace("T", " "),
            "itself" if guest.ownership.stay else guest.ownership.notebook or str(guest.ownership.owner.pid),
            guest.ownership.image,
        )
        for guest in guests
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@click.command
@click.argument("name", metavar="GUEST")
@options.verbose
def console(name: str) -> int:
    """Join the console of a running guest, from the first byte that is kept.

    GUEST is its name, or the beginning of it. Ctrl-C leaves it running. If it ends, its exit status is this
    command's.
    """
    with attach(name) as guest:
        try:
            ending = follow(guest)
        except KeyboardInterrupt:
            print(f"\nlabkit: left the console; {guest.name} runs on", file=sys.stderr)
            return 0
    return status_of(guest.name, ending.status, ending.reason.value, ending.detail)


@click.command
@click.argument("name", metavar="GUEST", required=False)
@click.option("--all", "everything", is_flag=True, help="Stop all guests of the lab.")
@options.verbose
def stop(name: str | None, everything: bool) -> None:
    """Stop a guest, or all: as by pulling the plug."""
    if (name is None) == (not everything):
        raise UsageError("Say which guest to stop, or --all.", next_step="`labkit ps` lists the guests.")
    if name is not None:
        say(stop_guest(name))
        return
    with open_host() as host:
        for guest in list_guests(host):
            try:
                say(stop_guest(guest.name, host))
            except UsageError:
                continue  # it ended by itself just now


@click.command
@options.as_json
@options.verbose
def gc(as_json: bool) -> None:
    """Remove guests and run folders whose owners have gone, lab hosts of no use, and what dead builds left."""
    from labkit.build.builder import open_cache
    from labkit.host import labhost
    from labkit.settings import settings

    found = collect()
    hosts = labhost.collect()
    freed = open_cache(settings()).tidy(now=True)
    if as_json:
        say_json(
            {
                "guests": list(found.guests),
                "folders": [str(path) for path in found.folders],
                "hosts": hosts,
                "bytes_freed": freed,
            }
        )
        return
    for name in found.guests:
        say(f"guest {name}")
    for kind in hosts:
        say(f"{kind} host")
    for path in found.folders:
        say(f"folder {path}")
    if freed:
        say(f"{freed >> 20} MiB of the cache")


def _described(guest: GuestInfo) -> dict[str, Any]:
    owner = guest.ownership
    return {
        "name": guest.name,
        "state": guest.state,
        "orphaned": guest.orphaned,
        "memory_mib": guest.memory_mib,
        "created": owner.created,
        "stay": owner.stay,
        "owner_pid": owner.owner.pid,
        "owner_host": owner.host,
        "notebook": owner.notebook,
        "image": owner.image,
    }
