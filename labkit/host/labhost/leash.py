"""Run by :mod:`labkit.host.labhost.build` as a program of its own: a command that ends with whoever asked for it.

Its standard input is the leash: once that is closed, as by the end of the process that holds the other end, all
processes of the command are asked to end, so that they tidy up, and killed if they do not.
"""

import os
import select
import signal
import subprocess
import sys

PATIENCE = 10.0  # seconds


def main() -> int:
    """Run the command in our arguments in a process group of its own; its exit status is ours."""
    ended, theirs = os.pipe()  # their side closes when the last process of the command ends
    with subprocess.Popen(
        sys.argv[1:], stdin=subprocess.DEVNULL, process_group=0, pass_fds=[theirs]
    ) as command:
        os.close(theirs)
        ready, _, _ = select.select([0, ended], [], [])
        if ended not in ready:
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(command.pid, number)
                except ProcessLookupError:
                    break
                if select.select([ended], [], [], PATIENCE)[0]:
                    break
        return command.wait()


if __name__ == "__main__":
    sys.exit(main())
