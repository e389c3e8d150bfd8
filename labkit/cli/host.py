"""``labkit host``."""

from __future__ import annotations

import shlex

import click

from labkit.cli import options
from labkit.cli.output import say, say_json
from labkit.errors import UsageError

__all__ = ["host"]


@click.command
@click.argument("verb", metavar="up|down|status", type=click.Choice(["up", "down", "status"]))
@click.argument("kind", metavar="[xen|kvm]", required=False, type=click.Choice(["xen", "kvm"]))
@click.option("--forget", is_flag=True, help="With down: remove what was built and kept of it, too.")
@options.as_json
@options.verbose
def host(verb: str, kind: str | None, forget: bool, as_json: bool) -> None:
    """The lab's own Xen and KVM hosts, emulated on this machine.

    The first `up` builds the machine from Debian packages and boots it, which takes minutes; the next ones resume
    it. It runs until `down`, or until nobody has used it for two hours. `down` and `status` without a kind are for
    both.
    """
    if forget and verb != "down":
        raise UsageError("--forget goes with down only.", next_step="See `labkit host --help`.")
    if verb == "up":
        _up(kind, as_json)
    elif verb == "down":
        _down(kind, forget, as_json)
    else:
        _status(kind, as_json)


def _up(kind: str | None, as_json: bool) -> None:
    from labkit.host import labhost

    if kind is None:
        raise UsageError(
            "Say which host shall be up: xen or kvm.", next_step="For example: labkit host up xen"
        )
    labhost.up(kind)
    found = labhost.status(kind)
    if as_json:
        say_json(found.describe())
    else:
        _tell(found.describe())


def _down(kind: str | None, forget: bool, as_json: bool) -> None:
    from labkit.host import labhost

    kinds = [kind] if kind else list(labhost.KINDS)
    ended = [each for each in kinds if labhost.down(each, forget=forget)]
    if as_json:
        say_json({"ended": ended})
        return
    for each in kinds:
        say(f"{each}: {'ended' if each in ended else 'did not run'}")


def _status(kind: str | None, as_json: bool) -> None:
    from labkit.host import labhost

    found = [labhost.status(each).describe() for each in ([kind] if kind else labhost.KINDS)]
    if as_json:
        say_json({"hosts": found})
        return
    for each in found:
        _tell(each)


def _tell(status: dict[str, object]) -> None:
    if status["login"]:
        words = "runs"
    elif status["booted"]:
        words = "does not run; `labkit host up` resumes it"
    elif status["stale"]:
        words = "was made by another QEMU or another labkit; `labkit host up` makes it anew"
    elif status["built"]:
        words = "is built, and was not booted yet"
    else:
        words = "is not built yet"
    say(f"{status['kind']}: {words}" + (f"; {status['proof']}" if status["proof"] else ""))
    login = status["login"]
    if isinstance(login, dict):
        say(f"    {shlex.join(login['command'])}")
