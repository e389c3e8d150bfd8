"""Files to and from another machine, by SFTP: copied under a name of its own, and renamed when whole."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from labkit.errors import Evidence, HostError, SshError

if TYPE_CHECKING:
    import paramiko

    from labkit.host.ssh.session import Session

__all__ = ["PARTIAL", "download", "upload"]

PARTIAL: Final = ".part-"
"""What stands in the name of a file that is not whole yet."""
STALL_SECONDS: Final = 30.0  # without any answer


def upload(
    session: Session, source: Path, target: str, mode: int, progress: Callable[[int, int], None] | None
) -> None:
    """Copy a file there; see :meth:`labkit.host.ssh.Session.upload`."""
    partial = f"{target}{PARTIAL}{secrets.token_hex(4)}"
    with _sftp(session, f"{target} cannot be written on {session.login}") as sftp:
        try:
            with _ours(source, "read"):
                file = source.open("rb")
            with file:
                size = os.fstat(file.fileno()).st_size
                sftp.putfo(file, partial, size, callback=progress)
            sftp.chmod(partial, mode)
            sftp.posix_rename(partial, target)
        except BaseException:
            with contextlib.suppress(OSError, EOFError):
                sftp.remove(partial)
            raise


def download(session: Session, source: str, target: Path) -> None:
    """Copy a file here; see :meth:`labkit.host.ssh.Session.download`."""
    partial = target.with_name(f"{target.name}{PARTIAL}{secrets.token_hex(4)}")
    with _sftp(session, f"{source} cannot be read on {session.login}") as sftp:
        with _ours(target, "written"):
            file = partial.open("xb")
        try:
            with file:
                told = sftp.stat(source).st_size
                size = sftp.getfo(source, file)
            if size != told:
                raise SshError(
                    f"{source} on {session.login} changed while it was read: {told} bytes became {size}.",
                    next_step="Try again when nobody writes it.",
                )
            with _ours(target, "written"):
                if target.exists():
                    partial.chmod(target.stat().st_mode & 0o7777)
                partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def _sftp(session: Session, what: str) -> Iterator[paramiko.SFTPClient]:
    import paramiko

    channel = session.open("session")
    try:
        channel.settimeout(STALL_SECONDS)
        channel.invoke_subsystem("sftp")
        yield paramiko.SFTPClient(channel)
    except HostError:
        raise
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise SshError(
            f"{what}: {getattr(error, 'strerror', None) or str(error) or 'the connection was cut'}.",
            next_step="Look at its folder, permissions, the room on its disk, and whether the server has SFTP.",
            evidence=[Evidence("words of the connection", repr(error))],
        ) from error
    finally:
        channel.close()


@contextmanager
def _ours(path: Path, verb: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HostError(
            f"{path} cannot be {verb} here: {error.strerror}.",
            next_step="Look at its folder and permissions.",
        ) from error
