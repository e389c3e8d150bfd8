"""Run the benchmarks and print their table: ``python -m bench [--rounds N] [NAME…]``."""

from __future__ import annotations

import argparse
import os
import platform

from bench import block, boot, bulk, edit, hosts, imports, remote, size, targets, web
from bench.table import print_table

SUBJECTS = {
    "boot": ("Boot to the first line", boot.rows),
    "edit": ("Edit to running", edit.rows),
    "size": ("Size of hello", size.rows),
    "block": ("A disk: one request, cache=writeback", block.rows),
    "web": ("A page of 612 bytes", web.rows),
    "bulk": ("TCP in bulk, and ping", bulk.rows),
    "targets": ("Each target on each host", targets.rows),
    "hosts": ("The lab's own hosts", hosts.rows),
    "remote": ("A host reached by SSH", remote.rows),
    "import": ("import labkit", imports.rows),
}


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="bench", description="Speeds and sizes beside a peer, in one run.")
    parser.add_argument("subjects", nargs="*", metavar="NAME", help=f"of: {', '.join(SUBJECTS)} (all)")
    parser.add_argument("--rounds", type=int, default=15, help="how often each is measured (15)")
    arguments = parser.parse_args()
    unknown = set(arguments.subjects) - set(SUBJECTS)
    if unknown or arguments.rounds < 1:
        parser.error(
            f"no such benchmark: {', '.join(sorted(unknown))}" if unknown else "--rounds: at least 1"
        )
    print(f"{platform.machine()}, {os.cpu_count()} processors; values are median (least).")
    for name in arguments.subjects or SUBJECTS:
        title, rows = SUBJECTS[name]
        print_table(title, rows(arguments.rounds))


if __name__ == "__main__":
    main()
