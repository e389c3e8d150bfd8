"""Run by :mod:`labkit.host.labhost.build` as a program of its own: a command that ends with whoever asked for it.

Its standard input is the leash: once that is closed, as by the end of the process that holds the other end, all
processes of the command are asked to end, and killed if they take too long to tidy up. What they say goes through
here to standard error; when nobody reads there any more, they need not know.
"""

import contextlib
import os
import select
import signal
import subprocess
import sys

PATIENCE = 60.0  # seconds: a tree of files may have to be removed


def main() -> int:
    """Run the command in our arguments in a process group of its own; its exit status is ours."""
    with subprocess.Popen(
        sys.argv[1:], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, process_group=0
    ) as command:
        assert command.stderr is not None  # noqa: S101  for mypy
        words = command.stderr.fileno()
        watched, patience = [0, words], None
        while True:
            ready, _, _ = select.select(watched, [], [], patience)
            if words in ready:
                said = os.read(words, 65536)
                if not said:  # the last process has ended
                    return command.wait()
                pass_on(said)
            else:
                end(command.pid, signal.SIGTERM if ready else signal.SIGKILL)
                watched, patience = [words], PATIENCE


def pass_on(said: bytes) -> None:
    """Write to standard error, if anybody reads it."""
    with contextlib.suppress(OSError):
        os.write(2, said)


def end(group: int, number: int) -> None:
    """Signal all processes of the command."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    sys.exit(main())
