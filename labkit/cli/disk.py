"""``labkit disk``: disks as files, made and looked at."""

from __future__ import annotations

import click

from labkit.cli.output import say
from labkit.host.disk import Disk
from labkit.host.diskfile import SECTOR
from labkit.host.sizes import words_of

__all__ = ["disk"]

SIZE = "1 MiB"


@click.group
def disk() -> None:
    """Make a disk for a guest, look at its sectors."""


@disk.command
@click.argument("file", metavar="FILE")
@click.option("--size", "-s", metavar="SIZE", help=f"Such as 64KiB, 1MiB, 2GiB.  [default: {SIZE}]")
@click.option("--from", "folder", metavar="FOLDER", help="Put these files on it, as a tar archive.")
def create(file: str, size: str | None, folder: str | None) -> None:
    """Make an empty disk: FILE must not be there yet. It takes space only as it is written."""
    made = Disk.create(file, size if size or folder else SIZE, folder=folder)
    say(f"{file}: {made.sectors} sectors of {SECTOR} bytes, {words_of(made.size)}")


@disk.command("hex")
@click.argument("file", metavar="FILE")
@click.argument("sector", type=int, required=False)
@click.argument("count", type=int, default=1)
def show(file: str, sector: int | None, count: int) -> None:
    """Show sectors in hexadecimal: COUNT of them from SECTOR on, or the beginning of what is on the disk."""
    say(str(Disk(file).hex(sector, count)))
