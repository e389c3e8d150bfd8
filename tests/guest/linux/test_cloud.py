"""Cloud-init data applied, disks booted by firmware, and equivalents of the profiles' images."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from labkit import Disk, boot
from labkit.build.linux.image import LinuxImage
from labkit.errors import UsageError
from labkit.guest import boot_linux
from labkit.guest.linux import LinuxGuest
from labkit.host import open_host
from labkit.host.identity import Manner

pytestmark = pytest.mark.live

CONFIG = """#cloud-config
# what CirrOS and its like are told
hostname: from-user-data
ssh_authorized_keys:
  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOther other
runcmd:
  - [touch, /tmp/a b]
  - echo "x  y" > /tmp/c
packages:
  - nginx
"""


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_cloud_config_is_applied(lean: LinuxImage, tmp_path: Path) -> None:
    (tmp_path / "user-data").write_text(CONFIG)
    with boot(lean, user_data=tmp_path / "user-data", host_name="from-meta-data", timeout=120) as guest:
        guest.console.expect("ready: from-user-data", timeout=60)
        said = guest.console.text()
        assert "left out, since this reader does not know it: packages" in said
        assert guest.ssh.run("ls /tmp; cat /tmp/c").output == "a b\nc\nx  y\n"
        keys = guest.ssh.run("cat /root/.ssh/authorized_keys").output.splitlines()
        assert len(keys) == 2
        assert keys[1].endswith("IOther other")


def test_a_script_runs_once_the_network_is_up(lean: LinuxImage) -> None:
    script = "#!/bin/sh\nip -4 address show eth0 | grep -o 'inet [0-9.]*'\nexit 5\n"
    with boot(lean, user_data=script, host_name="web-2", timeout=120) as guest:
        found = guest.console.expect("the first-boot script ended with status 5", timeout=60)
        assert "inet 10.0.2.15" in found.before
        guest.console.expect("ready: web-2", timeout=20)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"user_data": "echo hi"}, "neither a script nor a configuration"),
        ({"user_data": Path("/nowhere")}, "cannot be read"),
        ({"host_name": "no name"}, "no name for a host"),
        ({"seed": "/nowhere.iso"}, "no CD image"),
        ({"seed": "/nowhere.iso", "host_name": "a"}, "says all that there is"),
        ({"memory": 0}, "too small"),
        ({"stay": True}, "ends with the process"),
    ],
)
def test_what_cannot_be_taken_is_refused_before_anything_starts(
    lean: LinuxImage, wrong: dict[str, object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        boot(lean, **wrong)  # type: ignore[arg-type]


def test_a_unikernel_takes_no_cloud_init(hello: Path) -> None:
    with pytest.raises(UsageError, match="it has no cloud-init"):
        boot(hello, user_data="#!/bin/sh\n")


def test_guests_on_a_wire_and_with_disks(lean: LinuxImage, disk: Disk) -> None:
    disk.write(0, b"from here".ljust(512, b"\0"))
    with boot(lean, disks={"data": disk}, forward={0: 80}, timeout=120) as guest:
        assert guest.ssh.run("head -c 9 /dev/vdb").output == "from here"
        assert (
            guest.ssh.run("printf 'from there' | dd of=/dev/vdb seek=1 conv=notrunc && sync").exit_status == 0
        )
        assert guest.disks["data"].counts().writes > 0
    assert disk.read(1).startswith(b"from there")


@pytest.fixture(scope="module")
def equivalent(variant) -> LinuxImage:  # type: ignore[no-untyped-def]
    """A disk that boots as those of the profiles do, with the users that they have."""
    users = "".join(f"{name}:x:0:0:{name}:/root:/bin/sh\n" for name in ("root", "cirros", "alpine", "debian"))
    image: LinuxImage = variant("qcow2", etc__passwd=users)
    return image


@pytest.mark.parametrize(
    ("profile", "name"),
    [
        ("cirros", "cirros-0.6.2-x86_64-disk.img"),
        ("alpine", "nocloud_alpine-3.20.3-x86_64-bios-cloudinit-r0.qcow2"),
        ("debian-cloud", "debian-12-genericcloud-amd64.qcow2"),
    ],
)
def test_a_disk_is_booted_by_firmware_with_a_seed_and_never_written(
    equivalent: LinuxImage, tmp_path: Path, profile: str, name: str
) -> None:
    file = tmp_path / name
    shutil.copy(equivalent.path, file)
    before = digest(file)
    script = "#!/bin/sh\necho written | dd of=/dev/vda bs=512 seek=9 conv=notrunc\nsync\n"
    with boot(file, user_data=script, host_name="cloud-1", timeout=240) as guest:
        assert isinstance(guest, LinuxGuest)
        assert guest.linux.profile.name == profile
        found = guest.console.expect("ready: cloud-1", timeout=120)
        assert found
        assert "SYSLINUX" in guest.console.text(), "it was started by its own boot loader"
        assert (
            guest.ssh.run("dd if=/dev/vda bs=512 skip=9 count=1 2>/dev/null | head -n 1").output
            == "written\n"
        )
        assert guest.ssh.login.user == guest.linux.profile.user
        folder = guest.folder
        assert (folder / "root.qcow2").exists()
    assert digest(file) == before
    assert not folder.exists()


def test_an_ignition_configuration_is_where_ignition_looks(variant, root: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    boot_script = (root / "images/lean-linux/root/sbin/boot").read_text()
    look = "\ncat /sys/firmware/qemu_fw_cfg/by_name/opt/org.flatcar-linux/config/raw; echo\n"
    image = variant("qcow2", modules=', "qemu_fw_cfg"', sbin__boot=boot_script + look)
    file = tmp_path / "flatcar_production_qemu_image.img"
    shutil.copy(image.path, file)
    with boot(file, host_name="core-1", timeout=120, memory=128) as guest:
        guest.console.expect("ready", timeout=60)
        line = next(line for line in guest.console.lines() if line.startswith('{"'))
    told = json.loads(line)
    assert told["passwd"]["users"][0]["name"] == "core"
    assert "data:,core-1" in str(told["storage"])


def test_a_raw_disk_of_no_seed(equivalent: LinuxImage, tmp_path: Path) -> None:
    file = tmp_path / "osv.raw"
    subprocess.run(["qemu-img", "convert", "-O", "raw", equivalent.path, file], check=True)
    before = digest(file)
    with pytest.raises(UsageError, match="reads no seed"):
        boot(file, host_name="a")
    with boot(file, timeout=120) as guest:
        guest.console.expect("no seed: no disk is labelled cidata", timeout=60)
        with pytest.raises(UsageError, match="has no SSH"):
            _ = guest.ssh
    assert digest(file) == before


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run guests as nobody")
def test_guests_that_run_as_nobody(equivalent: LinuxImage) -> None:
    with open_host(manner=Manner.NOBODY) as host, boot_linux(equivalent, host=host, timeout=120) as guest:
        assert guest.ssh.run("true").exit_status == 0
