"""A word with a lab host over SSH, and the command line that enters it."""

from __future__ import annotations

from labkit.errors import Evidence, HostError
from labkit.host.ssh import Login, Session

__all__ = ["ask", "command_line"]


def command_line(login: Login) -> list[str]:
    """The words of OpenSSH's command line that enters the machine."""
    return [
        "ssh", "-i", str(login.key), "-p", str(login.port),
        "-o", f"UserKnownHostsFile={login.known_hosts}", "-o", "IdentitiesOnly=yes", f"{login.user}@{login.host}",
    ]  # fmt: skip


def ask(session: Session, script: str, *, limit: float, input: bytes = b"") -> str:  # noqa: A002  as Session.run's
    """Run a script by the machine's shell and return what it prints.

    Args:
        session: with the machine.
        script: what to run.
        limit: the longest that it may take, in seconds.
        input: what the script reads.

    Raises:
        HostError: it fails.
        SshError: the machine does not answer, or not in time.
    """
    done = session.run("sh", "-c", script, input=input, timeout=limit)
    if done.status:
        raise HostError(
            f"A command in the lab host failed with status {done.status}.",
            next_step="`labkit host down --forget` has the lab host built anew.",
            evidence=[Evidence(script, (done.output + done.errors).decode(errors="replace"))],
        )
    return done.output.decode(errors="replace")
