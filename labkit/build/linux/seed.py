"""Seeds: small CD images from which cloud-init and its like learn what a guest is to be.

The data source is NoCloud (https://docs.cloud-init.io/en/latest/reference/datasources/nocloud.html): a file
system of ISO 9660 labelled ``cidata`` with ``meta-data``, ``user-data`` and ``vendor-data``. The meta-data is
JSON, which is YAML too, since CirrOS reads it as JSON.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from labkit.errors import UsageError

__all__ = ["LABEL", "Seed", "check_seed", "check_user_data", "write_seed"]

LABEL: Final = "cidata"
MOST_BYTES: Final = 1 << 20
_KINDS: Final = ("#!", "#cloud-config", "#include", "## template:", "Content-Type:", "MIME-Version:")
_SHORT_NAMES: Final = {"meta-data": "METADATA", "user-data": "USERDATA", "vendor-data": "VENDORDA"}


@dataclass(frozen=True)
class Seed:
    """What a guest is told.

    Attributes:
        host_name: its name.
        instance: tells this guest from all others, so that it takes this boot for its first.
        keys: public SSH keys that may log in, each as a line of ``authorized_keys``.
        user_data: a script that begins with ``#!``, or ``#cloud-config``; or nothing.
        host_key: the key by which the guest is known, in OpenSSH's format, and its public half; or nothing.
    """

    host_name: str
    instance: str
    keys: tuple[str, ...] = ()
    user_data: str = ""
    host_key: tuple[str, str] | None = None

    @property
    def files(self) -> dict[str, str]:
        """The seed's files."""
        told = {
            "instance-id": self.instance,
            "local-hostname": self.host_name,
            "public-keys": {f"key-{number}": key for number, key in enumerate(self.keys, 1)},
        }
        files = {"meta-data": json.dumps(told, indent=1) + "\n", "user-data": self.user_data}
        if self.host_key is not None:
            private, public = self.host_key
            block = "".join(f"    {line}\n" for line in private.strip().splitlines())
            files["vendor-data"] = (
                f"#cloud-config\nssh_keys:\n  ed25519_private: |\n{block}  ed25519_public: {public}\n"
            )
        return files


def write_seed(seed: Seed, path: Path) -> None:
    """Make the CD image of a seed.

    Raises:
        OSError: it cannot be written there.
    """
    import pycdlib

    disc = pycdlib.PyCdlib()
    disc.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=LABEL)
    for name, text in seed.files.items():
        data = text.encode()
        disc.add_fp(
            BytesIO(data),
            len(data),
            f"/{_SHORT_NAMES[name]}.;1",
            rr_name=name,
            joliet_path=f"/{name}",
        )
    disc.write(str(path))
    disc.close()


def check_user_data(text: str) -> str:
    """Look whether user-data are of a kind that somebody will understand.

    Raises:
        UsageError: they are not.
    """
    if len(text.encode()) > MOST_BYTES:
        raise UsageError("The user-data are larger than 1 MiB.", next_step="Let a script fetch the rest.")
    if text.strip() and not text.startswith(_KINDS):
        begin = text.splitlines()[0][:40] if text.splitlines() else ""
        raise UsageError(
            f"The user-data begin with {begin!r}: that is neither a script nor a configuration.",
            next_step="Let the first line be #!/bin/sh for a script, or #cloud-config, with nothing before it.",
        )
    return text


def check_seed(path: Path) -> Path:
    """Look whether a file is a seed.

    Raises:
        UsageError: it is not; the message says what is wrong with it.
    """
    import pycdlib
    from pycdlib.pycdlibexception import PyCdlibException

    example = (
        "Leave it out: user_data= and host_name= make one. By hand: genisoimage -volid cidata -rock -joliet …"
    )
    disc: Any = pycdlib.PyCdlib()
    try:
        disc.open(str(path))
    except (PyCdlibException, OSError, ValueError) as error:
        raise UsageError(
            f"{path} is no seed: it is no CD image (ISO 9660): {error}.", next_step=example
        ) from error
    try:
        label = disc.pvd.volume_identifier.decode("ascii", "replace").strip()
        if label.lower() != LABEL:
            raise UsageError(
                f"{path} is no seed: it is labelled {label!r}, and guests look for {LABEL!r}.",
                next_step=example,
            )
        path_kind = "rr_path" if disc.has_rock_ridge() else "joliet_path" if disc.has_joliet() else "iso_path"
        names = {_name(child, path_kind) for child in disc.list_children(**{path_kind: "/"})}
        missing = [name for name in ("meta-data", "user-data") if name not in names]
        if missing:
            raise UsageError(
                f"{path} is no seed: it has no {' and no '.join(missing)}.",
                next_step="Give it both files; an empty user-data will do. " + example,
            )
    finally:
        disc.close()
    return path


def _name(record: Any, path_kind: str) -> str:
    if path_kind == "rr_path" and record.rock_ridge is not None:
        return str(record.rock_ridge.name().decode("utf-8", "replace"))
    if path_kind == "joliet_path":
        return str(record.file_identifier().decode("utf-16-be", "replace"))
    return str(record.file_identifier().decode("ascii", "replace"))
