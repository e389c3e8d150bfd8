"""The keeper: a small process of its own that owns a guest which is to outlive the process that asked for it.

``python -m labkit.guest.keeper`` reads what to start from standard input, starts it, tells the result on standard
output, and stays until the guest has ended. Everybody, also who asked for it, sees the guest through its relay.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from labkit import errors, events
from labkit.build.arguments import quote
from labkit.build.domainxml import DomainDisk, DomainNetwork
from labkit.errors import Evidence, HostError, LabError
from labkit.guest.attached import AttachedGuest
from labkit.guest.checks import read_manifest
from labkit.guest.disks import PlannedDisk, check_reach
from labkit.guest.owned import RELAY_SOCKET, OwnedGuest, Plan
from labkit.host.connection import open_host
from labkit.host.disk import Disk
from labkit.settings import Settings, settings

__all__ = ["keep"]

START_SECONDS: Final = 120.0  # libvirt may have to find out about QEMU first


@dataclass(frozen=True)
class _Order:
    """What a keeper is asked to start; goes to it as JSON."""

    path: str
    name: str
    memory_mib: int
    arguments: list[str]
    disks: list[dict[str, Any]]
    networks: list[dict[str, Any]]
    forwards: list[tuple[int, int]]
    timeout: float | None
    output_limit: int | None


def keep(
    path: Path,
    name: str,
    memory_mib: int,
    arguments: list[str],
    disks: Sequence[DomainDisk],
    networks: Sequence[DomainNetwork],
    forwards: Mapping[int, int],
    *,
    timeout: float | None,
    output_limit: int | None,
    found: Settings,
) -> AttachedGuest:
    """Have a keeper start a guest, and attach to it.

    Raises:
        LabError: what the keeper met.
    """
    order = _Order(
        str(path),
        name,
        memory_mib,
        arguments,
        [{**vars(disk), "path": str(disk.path)} for disk in disks],
        [vars(network) for network in networks],
        list(forwards.items()),
        timeout,
        output_limit,
    )
    with events.step("boot", name):
        keeper = subprocess.run(
            [sys.executable, "-m", "labkit.guest.keeper"],
            input=json.dumps(vars(order)),
            capture_output=True,
            text=True,
            cwd="/",
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_package_root()), *_python_path()])},
            timeout=START_SECONDS,
            start_new_session=True,
        )
        try:
            answer: dict[str, Any] = json.loads(keeper.stdout)
        except ValueError:
            raise HostError(
                f"The keeper of {name} did not start.",
                next_step="Its own words tell why.",
                evidence=[Evidence("its words", keeper.stdout + keeper.stderr)],
            ) from None
        if "error" in answer:
            raise _as_error(answer["error"])
        return AttachedGuest(
            answer["name"], path, Path(answer["folder"]) / RELAY_SOCKET, found.console_bytes, networks
        )


def main() -> None:
    """Be a keeper."""
    order = _Order(**json.load(sys.stdin))
    reader, writer = os.pipe()
    if os.fork():  # who asked waits for the answer, and for no more
        os.close(writer)
        with os.fdopen(reader) as answer:
            sys.stdout.write(answer.read())
        sys.stdout.flush()
        os._exit(0)
    os.close(reader)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    _own(order, writer)


def _own(order: _Order, answer: int) -> None:
    from labkit.guest.boot import hypervisor

    try:
        found = settings()
        host = open_host(found)
        plan = Plan(
            path=Path(order.path),
            name=order.name,
            memory_mib=order.memory_mib,
            command_line=quote(order.arguments),
            hypervisor=hypervisor(found, host.identity),
            stay=True,
            timeout=order.timeout,
            output_limit=order.output_limit,
            console_bytes=found.console_bytes,
            disks=tuple(
                PlannedDisk(DomainDisk(**{**disk, "path": Path(disk["path"])}), Disk(disk["path"]))
                for disk in order.disks
            ),
            networks=tuple(DomainNetwork(**network) for network in order.networks),
            forwards=dict(order.forwards),
            abi=read_manifest(Path(order.path)).get("abi", ""),
        )
        check_reach((disk.place for disk in plan.disks), host.identity)
        guest = OwnedGuest(plan, host, closes_host=True)
        guest.start()
    except LabError as error:
        _tell(answer, {"error": _as_json(error)})
        return
    _tell(answer, {"name": guest.name, "folder": str(guest.folder)})
    guest.settled()


def _tell(answer: int, content: dict[str, Any]) -> None:
    with os.fdopen(answer, "w") as pipe:
        json.dump(content, pipe)


def _as_json(error: LabError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "what": error.what,
        "next_step": error.next_step,
        "evidence": [[item.title, item.text] for item in error.evidence],
    }


def _as_error(told: dict[str, Any]) -> LabError:
    kind = getattr(errors, told["kind"], HostError)
    evidence = [Evidence(title, text) for title, text in told["evidence"]]
    error: LabError = kind(told["what"], next_step=told["next_step"], evidence=evidence)
    return error


def _package_root() -> Path:
    """The folder from which this labkit was imported."""
    return Path(__file__).resolve().parents[2]


def _python_path() -> list[str]:
    return [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]


if __name__ == "__main__":
    main()
