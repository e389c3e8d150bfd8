"""A guest that is no unikernel of the lab's: Linux, or whatever a profile knows how to boot."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from labkit.build.linux import qemuimg
from labkit.build.linux.domain import linux_domain_xml
from labkit.build.linux.ignition import FIRMWARE_NAMES, ignition
from labkit.build.linux.image import LinuxImage
from labkit.build.linux.seed import Seed, write_seed
from labkit.errors import Evidence, GuestError, HostError, SshError, UsageError
from labkit.guest.guest import CRASHED, Exit, Reason
from labkit.guest.keys import lab_key
from labkit.guest.owned import OwnedGuest, Plan
from labkit.guest.shell import Shell
from labkit.host.connection import Host
from labkit.host.ssh import Login

__all__ = ["SSH_SECONDS", "LinuxGuest"]

SSH_SECONDS: Final = 60.0
"""How long is waited for a guest's SSH server."""

_SSH_PORT: Final = 22
_PAUSE_SECONDS: Final = 0.05
_FIRST_PATIENCE: Final = 0.5  # seconds; what was asked before the guest could answer is never answered
_LAST_PATIENCE: Final = 8.0
_SHOWN_KEYS = re.compile(
    r"-----BEGIN SSH HOST KEY KEYS-----(?P<keys>.*?)-----END SSH HOST KEY KEYS-----", re.DOTALL
)
_KEY = re.compile(r"^\s*((?:ssh|ecdsa)-[a-z0-9-]+ [A-Za-z0-9+/=]+)", re.MULTILINE)


class LinuxGuest(OwnedGuest):
    """A Linux guest of this process.

    Attributes:
        linux: the image that it was booted from.
        seed: what it was told by labkit; None if by a seed of the student's own, or by none.
    """

    def __init__(
        self,
        plan: Plan,
        linux: LinuxImage,
        seed: Seed | None,
        own_seed: Path | None,
        host: Host,
        *,
        closes_host: bool,
    ) -> None:
        super().__init__(plan, host, closes_host=closes_host)
        self.linux = linux
        self.seed = seed
        self._own_seed = own_seed
        self._shell: Shell | None = None
        self._entering = threading.Lock()

    @property
    def ssh(self) -> Shell:
        """Its SSH server, entered; see :attr:`labkit.Guest.ssh`."""
        return self.enter()

    def enter(self, timeout: float = SSH_SECONDS) -> Shell:
        """Wait until its SSH server is up, and log in.

        Args:
            timeout: the longest wait, in seconds.

        Raises:
            UsageError: the guest has no SSH, by what is known of it.
            GuestError: it has ended, or its server does not answer; the evidence says which layer fails.
            SshError: it does not let us in, or is not the one that it should be.
        """
        profile = self.linux.profile
        if not profile.user:
            raise UsageError(
                f"{self.linux.name} has no SSH: {profile.what} has none.", next_step="Use its console."
            )
        with self._entering:
            if self.exit is not None:
                raise self._no_server()
            if self._shell is None:
                deadline = time.monotonic() + timeout
                port = self._await_server(deadline)
                key, _ = lab_key(self.host.settings)
                shell = Shell(
                    self, Login("127.0.0.1", profile.user, port, key, self._known_hosts(port, deadline))
                )
                try:
                    shell.connect()
                except SshError as error:
                    shell.close()
                    raise self._refused(error) from error
                self._shell = shell
            return self._shell

    # Its SSH server

    def _await_server(self, deadline: float) -> int:
        """The port of this machine that leads to its server, once that speaks."""
        self.wait_for_address(self.network.name, deadline - time.monotonic())
        forward = next((known for known in self.network.forwards if known.leads_to(_SSH_PORT)), None)
        forward = forward or self.network.forward(_SSH_PORT)
        patience = _FIRST_PATIENCE
        while self.exit is None:
            if self.network.address is not None and _speaks_ssh(forward.address, patience):
                return forward.host_port
            patience = min(patience * 1.2, _LAST_PATIENCE)
            if time.monotonic() > deadline:
                break
            time.sleep(_PAUSE_SECONDS)  # a server that begins to listen tells nobody
        raise self._no_server()

    def _no_server(self) -> GuestError:
        evidence = [Evidence("its last words", self.console.last_words())]
        if self.exit is not None:
            return GuestError(
                f"{self.linux.name} cannot be entered by SSH: it {self.exit.detail}.",
                next_step="Its last words tell why it ended; boot it again.",
                evidence=evidence,
            )
        found = self.network.check(_SSH_PORT, http=False)
        why = found.failed.words if found.failed else "what listens on port 22 does not speak SSH"
        return GuestError(
            f"{self.linux.name} has no SSH server that answers: {why}.",
            next_step="Look at its console whether it is up, and whether it starts an SSH server.",
            evidence=[*evidence, Evidence("what was looked at", repr(found))],
        )

    def _known_hosts(self, port: int, deadline: float) -> Path:
        """A file with the guest's own key: the one that the seed gave it, or that it shows on its console."""
        if self.seed is not None and self.seed.host_key is not None:
            keys = [" ".join(self.seed.host_key[1].split()[:2])]
        else:
            keys = self._shown_keys(deadline)
        path = self.folder / "known_hosts"
        path.write_text("".join(f"[127.0.0.1]:{port} {key}\n" for key in keys))
        return path

    def _shown_keys(self, deadline: float) -> list[str]:
        came = threading.Event()

        def look(_piece: bytes) -> None:
            if _SHOWN_KEYS.search(self.console.text()):
                came.set()

        leave = self.console.subscribe(look)
        try:
            came.wait(max(0.0, deadline - time.monotonic()))
        finally:
            leave()
        shown = _SHOWN_KEYS.search(self.console.text())
        if shown is None:
            raise SshError(
                f"{self.linux.name} has not shown its SSH host key on its console: it cannot be told from others.",
                next_step="Let labkit make the seed (leave out seed=), where that guest reads ssh_keys; "
                "or use its console.",
                evidence=[Evidence("its last words", self.console.last_words())],
            )
        return _KEY.findall(shown["keys"])

    def _refused(self, error: SshError) -> SshError:
        """The same error, in words for a guest whose keys are labkit's business."""
        import paramiko

        if self.seed is not None or not isinstance(error.__cause__, paramiko.AuthenticationException):
            return error
        return SshError(
            f"{self.linux.name} does not take the lab's SSH key.",
            next_step="Put this line among the keys of your seed, or let labkit make the seed (leave out seed=): "
            + lab_key(self.host.settings)[1],
            evidence=[Evidence("why", str(error))],
        )

    # Its start and end

    def _xml(self, **domain: Any) -> str:
        image = self.linux
        kernel = self._seen_by_qemu(image.kernel) if image.kernel else None
        initrd = self._seen_by_qemu(image.initrd) if image.initrd else None
        disk, seed = None, None
        firmware_files: dict[str, Path] = {}
        try:
            if image.disk is not None:
                disk = self.folder / "root.qcow2"
                qemuimg.overlay(self._seen_by_qemu(image.disk), image.disk_format, disk)
            if self._own_seed is not None:
                seed = self._seen_by_qemu(self._own_seed)
            elif self.seed is not None and image.profile.seed == "ignition":
                file = self.folder / "ignition.json"
                file.write_text(ignition(self.seed, image.profile.user))
                firmware_files = dict.fromkeys(FIRMWARE_NAMES, file)
            elif self.seed is not None:
                seed = self.folder / "seed.iso"
                write_seed(self.seed, seed)
            for made in (disk, seed, *firmware_files.values()):
                if made is not None and made.is_relative_to(self.folder):
                    self._give(made)
        except OSError as error:
            raise HostError(
                f"What {self.name} starts from cannot be put into {self.folder}: {error.strerror}.",
                next_step="Free some space there, or set LABKIT_RUN to another folder.",
            ) from error
        placed = replace(image, path=kernel or image.path, kernel=kernel, initrd=initrd)
        return linux_domain_xml(placed, disk=disk, seed=seed, firmware_files=firmware_files, **domain)

    def _give(self, path: Path) -> None:
        """Let QEMU have a file of ours, as whom it runs."""
        if (owner := self.host.identity.owner) is not None:
            os.chown(path, owner, owner)

    def _how_it_ended(self) -> Exit:
        ending = super()._how_it_ended()
        if (
            ending.reason is Reason.CRASH
            and ending.status == CRASHED
            and self._shutdown
            and not self._crashed
        ):
            return replace(ending, status=0, reason=Reason.EXIT, detail="powered itself off")
        return ending

    def _release(self) -> None:
        if self._shell is not None:
            self._shell.close()
        super()._release()


def _speaks_ssh(address: tuple[str, int], seconds: float) -> bool:
    """Whether an SSH server answers in that time (RFC 4253, section 4.2)."""
    with contextlib.suppress(OSError), socket.create_connection(address, timeout=seconds) as connection:
        connection.settimeout(seconds)
        return connection.recv(4) == b"SSH-"
    return False
