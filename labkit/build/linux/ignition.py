"""Ignition configurations: what Flatcar Container Linux and its like read once, at their first boot.

The format is that of https://coreos.github.io/ignition/configuration-v3_3/; QEMU hands it over by
its device fw_cfg.
"""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import quote

from labkit.build.linux.seed import Seed
from labkit.errors import UsageError

__all__ = ["FIRMWARE_NAMES", "ignition"]

FIRMWARE_NAMES: Final = ("opt/org.flatcar-linux/config", "opt/com.coreos/config")
"""Where Ignition looks in fw_cfg: Flatcar's name, and that of Container Linux and Fedora CoreOS."""

_VERSION: Final = "3.3.0"


def ignition(seed: Seed, user: str) -> str:
    """The configuration that says the same as a seed.

    Args:
        seed: what the guest is told. Its user-data may be such a configuration itself, which is extended.
        user: who may log in with its keys.

    Raises:
        UsageError: the user-data are something else.
    """
    given: dict[str, Any] = {}
    if seed.user_data.strip():
        try:
            given = json.loads(seed.user_data)
            version = given["ignition"]["version"]
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(
                "The user-data are no Ignition configuration, and this guest reads nothing else.",
                next_step='Begin with {"ignition": {"version": "3.3.0"}}; butane makes such JSON of YAML.',
            ) from error
    else:
        version = _VERSION
    users = given.setdefault("passwd", {}).setdefault("users", [])
    users.append({"name": user, "sshAuthorizedKeys": list(seed.keys)})
    files = given.setdefault("storage", {}).setdefault("files", [])
    files.append(_file("/etc/hostname", seed.host_name + "\n", 0o644))
    if seed.host_key is not None:
        private, public = seed.host_key
        files.append(_file("/etc/ssh/ssh_host_ed25519_key", private, 0o600))
        files.append(_file("/etc/ssh/ssh_host_ed25519_key.pub", public + "\n", 0o644))
    return json.dumps({**given, "ignition": {**given.get("ignition", {}), "version": version}})


def _file(path: str, text: str, mode: int) -> dict[str, Any]:
    contents = {"source": f"data:,{quote(text)}"}
    return {"path": path, "mode": mode, "overwrite": True, "contents": contents}
