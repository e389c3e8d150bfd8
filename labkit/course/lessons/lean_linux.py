"""Exercises of 06-lean-linux."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from labkit.course.exercise import Exercise, Lesson
from labkit.course.trial import Trial, Unmet
from labkit.errors import GuestError, UsageError

if TYPE_CHECKING:
    from labkit.guest import Guest

__all__ = ["LESSON"]

HOST_NAME: Final = "lab-7"
GREETING: Final = "Hello from Linux"
READY_SECONDS: Final = 90.0
PATIENCE_SECONDS: Final = 10.0
RESPAWN_SECONDS: Final = 6.0  # in which process 1 would have started a server again
LOOK_SECONDS: Final = 0.5
SSH_PORT: Final = 22
HTTP_PORT: Final = 80


@contextmanager
def _linux(trial: Trial) -> Iterator[Guest]:
    """A Linux guest with the user-data that the student gave, once its first-boot script has ended."""
    from labkit.verbs import boot

    given = trial.given[0] if trial.given else None
    trial.expect(
        isinstance(given, str) and bool(given.strip()),
        "a text with user-data",
        repr(given),
        "Give the text of the cell above: `lesson.check(…, user_data)`.",
    )
    try:
        guest = boot("lean-linux", user_data=str(given), host_name="exercise", timeout=2 * READY_SECONDS)
    except UsageError as error:
        raise Unmet("user-data that cloud-init understands", error.what, error.next_step) from error
    with guest:
        try:
            guest.console.expect("ready: ", timeout=READY_SECONDS)
        except GuestError as error:
            raise Unmet(
                "that the first-boot script comes to its end",
                guest.console.last_words(),
                "A script that waits for something never ends.",
            ) from error
        yield guest


def _get(guest: Guest, path: str) -> str:
    url = guest.network.forward(HTTP_PORT).url.rstrip("/") + path
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:  # noqa: S310  a forward
            return str(response.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.reason}"
    except OSError as error:
        return f"no answer: {error}"


def first_boot(trial: Trial) -> None:
    """A host name and a page, by user-data."""
    with _linux(trial) as guest:
        name = guest.ssh.run("hostname").output.strip()
        trial.expect(
            name == HOST_NAME,
            f"that the guest calls itself `{HOST_NAME}`",
            f"`{name}`",
            "In a `#cloud-config` a line says `hostname:`; a script calls the program `hostname`.",
        )
        page = _get(guest, "/hello.txt")
        trial.expect(
            GREETING in page,
            f"that `/hello.txt` says `{GREETING}`",
            f"`{page.strip()[:200]}`",
            "Have a file `/www/hello.txt` written: by `runcmd`, or by a script.",
        )


def closed(trial: Trial) -> None:
    """No SSH, and the page still there."""
    with _linux(trial) as guest:
        open_ports = guest.network.open_ports((SSH_PORT, HTTP_PORT))
        deadline = guest.age + RESPAWN_SECONDS
        while SSH_PORT not in open_ports and guest.age < deadline:
            time.sleep(LOOK_SECONDS)  # what is to be seen is that nothing happens
            open_ports = guest.network.open_ports((SSH_PORT, HTTP_PORT))
        trial.expect(
            SSH_PORT not in open_ports,
            "that nobody listens on port 22, also some seconds later",
            f"open: {', '.join(map(str, open_ports))}",
            "Process 1 starts the server again as long as `/etc/inittab` says `respawn` for it.",
        )
        trial.expect(
            HTTP_PORT in open_ports,
            "that port 80 is still open",
            f"open: {open_ports or 'none'}",
            "Leave httpd.",
        )


LESSON = Lesson(
    "06-lean-linux",
    (
        Exercise(
            "first-boot",
            f"Write user-data for the host name `{HOST_NAME}` and a page `/hello.txt`.",
            first_boot,
            (
                "A `#cloud-config` is a list of keys: one for the name, and one for commands that are to be run.",
                "`runcmd:` is followed by lines that begin with `  - `, each a command for the shell.",
                '`hostname: lab-7`, and below `runcmd:` the line `  - echo "Hello from Linux" > /www/hello.txt`.',
            ),
        ),
        Exercise(
            "closed",
            "Let nobody listen on port 22 after the first boot, and let the page be served still.",
            closed,
            (
                "What is killed comes back. Look at the word `respawn` in `/etc/inittab`.",
                "`sed -i /dropbear/d /etc/inittab` removes the line. Who has read it already?",
                "`kill -HUP 1` has process 1 read it anew; then `killall dropbear`.",
            ),
        ),
    ),
)
