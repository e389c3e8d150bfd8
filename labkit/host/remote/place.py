"""A server on which guests run: what it can do, and the files that were brought there."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self

from labkit import events
from labkit.errors import Evidence, HostError, MissingTool
from labkit.host.probe import LIMIT_SECONDS, probe_kernel, verdict_on, words_for_qemu
from labkit.host.remote.address import Address, Manager, parse_address
from labkit.host.ssh import Finished, Login, Session
from labkit.settings import Settings, settings

__all__ = ["KINDS", "RemoteHost", "open_remote"]

KINDS: Final = ("xen", "kvm")
"""The lab's own hosts (:mod:`labkit.host.labhost`), as ``--host`` takes them."""
PATIENCE_SECONDS: Final = 15.0
ANSWER_SECONDS: Final = 90.0  # for a program there; removing a dead client's guest may take a while
_SURVEY: Final = Path(__file__).with_name("survey.sh").read_text()
_LOOK: Final = """\
stat -f -c '%a %S' -- "${1%/*}"
if [ -e "$1" ]; then touch -- "$1"; sha256sum -- "$1"; fi
"""
_SPARE: Final = 16 << 20  # bytes that stay free there
_TARGETS: Final[dict[Manager, str]] = {"libvirt": "virtio", "xl": "xen"}


@dataclass(frozen=True)
class Survey:
    """What a server has said of itself.

    Attributes:
        folder: the lab's folder there.
        manager: what starts guests there.
        memory_mib: its memory; for Xen, what is free of it for guests.
        kvm: what the verdict on its KVM depends on, or None if it has none to try.
        swept: guests of dead clients that were removed.
    """

    folder: str
    manager: Manager
    memory_mib: int
    kvm: str | None
    swept: tuple[str, ...]


class RemoteHost:
    """A server, over one SSH connection that is made anew after cuts. From any thread; a context manager.

    Attributes:
        address: how it was named.
        session: the connection.
        patience: how long a guest's supervisor there lets it run without a sign of life from here, in seconds.
        settings: those in force.
    """

    def __init__(
        self, address: Address, *, patience: float = PATIENCE_SECONDS, found: Settings | None = None
    ) -> None:
        self.address = address
        self.session = Session(address.login)
        self.patience = patience
        self.settings = found or settings()
        self._survey: Survey | None = None
        self._hypervisor: Literal["kvm", "qemu"] | None = None

    @property
    def name(self) -> str:
        """What it is called, for messages."""
        return str(self.address.login)

    @property
    def survey(self) -> Survey:
        """What it is, asked once."""
        return self._survey or self.look()

    @property
    def manager(self) -> Manager:
        """What starts guests there."""
        return self.survey.manager

    @property
    def target(self) -> str:
        """What images must have been built for, to run there."""
        return _TARGETS[self.manager]

    def run(self, *words: str, input: bytes = b"") -> Finished:  # noqa: A002
        """Run a program there.

        Raises:
            SshError: the connection fails, or it does not end.
        """
        return self.session.run(*words, input=input, timeout=ANSWER_SECONDS)

    def look(self) -> Survey:
        """Ask it what it can do; guests whose clients have died are removed there.

        Raises:
            SshError: it cannot be reached.
            MissingTool: it has neither libvirt with QEMU nor Xen's ``xl``.
            HostError: the lab's folder cannot be made there.
        """
        with events.step("look", self.name) as step:
            asked = ("", self.address.uri or "", self.address.manager or "")
            done = self.run("sh", "-c", _SURVEY, "labkit-survey", *asked)
            told: dict[str, str] = {}
            swept = []
            for line in done.output.decode("utf-8", "replace").splitlines():
                name, _, value = line.partition(" ")
                told[name] = value
                if name == "swept":
                    swept.append(value)
            evidence = [Evidence("its words", done.errors.decode("utf-8", "replace") or "(none)")]
            if done.status or "folder" not in told or told["folder"] == "no":
                raise HostError(
                    f"The lab's folder cannot be made on {self.name}.",
                    next_step="Look at TMPDIR and at the permissions of /var/tmp there.",
                    evidence=evidence,
                )
            manager = self._manager(told, evidence)
            memory = told["xl"] if manager == "xl" else told.get("memory", "0")
            kvm = told.get("kvm") if manager == "libvirt" else None
            self._survey = Survey(told["folder"], manager, int(memory), kvm, tuple(swept))
            step.progress(f"guests run there by {manager}", 1.0)
            return self._survey

    def forget(self) -> None:
        """Have it asked anew before the next guest: something of one may have been left there."""
        self._survey = None

    def _manager(self, told: dict[str, str], evidence: list[Evidence]) -> Manager:
        can: list[Manager] = []
        if "xl" in told:
            can.append("xl")
        if "libvirt" in told:
            can.append("libvirt")
        wanted = self.address.manager
        if told.get("machine") != "x86_64":
            raise MissingTool(
                f"{self.name} is a machine of the kind {told.get('machine')}; the unikernels are made for x86_64.",
                next_step="Use another host.",
            )
        if wanted in can or (can and wanted is None):
            return wanted or can[0]
        lacks = {
            "libvirt": "libvirt with QEMU",
            "xl": "a running Xen with xl",
            None: "neither libvirt nor Xen",
        }
        raise MissingTool(
            f"{self.name} has no {lacks[wanted]} that works."
            if wanted
            else f"{self.name} has {lacks[None]}.",
            next_step="Install there, on Debian: libvirt-daemon-system and qemu-system-x86, or xen-system-amd64. "
            "And its user must be allowed to use them: for libvirt the group libvirt, for Xen root.",
            evidence=evidence,
        )

    # Files

    def bring(
        self, source: Path, *, also: int = 0, progress: Callable[[int, int], None] | None = None
    ) -> str:
        """Have a file there, under a name that tells its content; copied only if it is not there already.

        Args:
            source: the file here.
            also: for how many bytes more the disk there must have room.
            progress: called with the bytes that are there, and all, while it is copied.

        Returns:
            Its path there.

        Raises:
            SshError: it cannot be copied.
            HostError: there is no room, or it cannot be read here.
        """
        digest = _digest(source)
        target = f"{self.survey.folder}/images/{digest}"
        there = self.run("sh", "-c", _LOOK, "labkit-look", target)
        room, _, found = there.output.decode("utf-8", "replace").partition("\n")
        is_there = found.startswith(digest)
        self._check_room(room, also + (0 if is_there else source.stat().st_size), there)
        if not is_there:
            self.session.upload(source, target, 0o644, progress=progress)
        return target

    def _check_room(self, room: str, wanted: int, told: Finished) -> None:
        blocks, _, size = room.partition(" ")
        if not blocks.isdecimal() or not size.isdecimal():
            raise HostError(
                f"{self.name} does not tell how much room its disk has.",
                next_step=f"Look whether {self.survey.folder} is there still.",
                evidence=[Evidence("its words", (told.output + told.errors).decode("utf-8", "replace"))],
            )
        if (free := int(blocks) * int(size)) < wanted + _SPARE:
            raise HostError(
                f"The disk of {self.name} has no room: {free >> 20} MiB are free in {self.survey.folder}, "
                f"and {math.ceil(wanted / (1 << 20))} MiB and some spare are needed.",
                next_step="Make room there, or use another host.",
            )

    # Its processor

    def hypervisor(self) -> Literal["kvm", "qemu"]:
        """What guests of libvirt run on there: ``kvm`` where a guest has proven it, else ``qemu``.

        Raises:
            SshError: the connection failed.
        """
        if self._hypervisor is None:
            self._hypervisor = "kvm" if self._kvm_works() else "qemu"
        return self._hypervisor

    def _kvm_works(self) -> bool:
        if self.survey.kvm is None:
            return False
        kept = f"{self.survey.folder}/kvm-{self.survey.kvm}"
        known = self.run("cat", "--", kept)
        if known.status == 0:
            return known.output == b"yes"
        with events.step("probe", f"kvm on {self.name}") as step:
            kernel = self.bring(probe_kernel(self.settings))
            words = words_for_qemu("qemu-system-x86_64", "kvm", kernel)
            began = time.monotonic()
            said = self.run("timeout", "-k", "1", f"{LIMIT_SECONDS:g}", *words)
            complaint = said.errors.decode("utf-8", "replace").strip().partition("\n")[0]
            verdict = verdict_on(said.output, complaint, time.monotonic() - began)
            self.run("sh", "-c", 'cat >"$1"', "labkit-keep", kept, input=b"yes" if verdict.proven else b"no")
            step.progress(verdict.reason, 1.0)
            return verdict.proven

    def close(self) -> None:
        """End the connection; guests that were started over it end. Raises nothing."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<RemoteHost {self.name}>"


def open_remote(text: str, *, patience: float = PATIENCE_SECONDS) -> RemoteHost:
    """The host of a name, asked what it can do.

    Args:
        text: as :func:`labkit.host.remote.parse_address` takes it; or ``xen`` or ``kvm``, for the lab's own host
            of that kind, which is built or resumed if it does not run.
        patience: how long guests there outlive the connection, in seconds.

    Raises:
        UsageError: it names none.
        SshError: it cannot be reached.
        HostError: it cannot run guests.
    """
    host = RemoteHost(_lab_host(text) if text in KINDS else parse_address(text), patience=patience)
    try:
        host.look()
    except BaseException:
        host.close()
        raise
    return host


def _lab_host(kind: str) -> Address:
    from labkit.host import labhost

    login = labhost.up(kind).login
    return Address(
        Login(login.host, login.user, login.port, login.key, login.known_hosts),
        "xl" if kind == "xen" else "libvirt",
    )


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise HostError(
            f"{path} cannot be read: {error.strerror}.", next_step="Look at its permissions."
        ) from error
