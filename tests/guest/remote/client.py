"""(Not a test.) A client that is killed while it boots or runs a guest on another machine: arguments as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from labkit.build.image import Image
from labkit.guest.remote import boot_remote
from labkit.host.remote import Address, RemoteHost
from labkit.host.ssh import Login

given = json.loads(sys.argv[1])
login = Login(given["host"], given["user"], given["port"], Path(given["key"]), Path(given["known_hosts"]))
with RemoteHost(Address(login), patience=given["patience"]) as host:
    host.look()
    print("looked", flush=True)
    with boot_remote(
        Image.load(Path(given["image"])),
        host,
        disks=given["disks"],
        forward={0: 80} if given["forward"] else {},
    ) as guest:
        print("running", flush=True)
        guest.wait()
