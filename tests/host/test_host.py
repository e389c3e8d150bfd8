"""Where guests run: the daemon, as whom it runs, what the machine can do."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from labkit import events
from labkit.errors import HostError, UsageError
from labkit.guest import boot
from labkit.host import capabilities, open_host, warm
from labkit.host.daemon import Daemon
from labkit.host.identity import Identity, Manner, identity
from labkit.host.probe import KVM_DEVICE, probe, probe_kernel, proven
from labkit.host.qemu import find_qemu
from labkit.settings import Settings

ROOT = Path(__file__).resolve().parents[2]

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody")


def allowed(manner: Manner) -> Identity:
    """The identity, or a skip where this machine (a container, say) forbids that way to it."""
    try:
        return identity(manner)
    except HostError as error:
        pytest.skip(error.evidence[0].text.strip())


class TestProbe:
    """KVM is proven by booting."""

    @pytest.mark.live
    def test_emulation_passes(self, own_settings: Settings) -> None:
        verdict = probe(own_settings, find_qemu(), "tcg", identity())
        assert verdict.proven, verdict.reason
        assert verdict.seconds < 1.5

    @pytest.mark.live
    @pytest.mark.parametrize("manner", list(Manner))
    @root_only
    def test_it_runs_as_guests_do(self, own_settings: Settings, manner: Manner) -> None:
        assert probe(own_settings, find_qemu(), "tcg", allowed(manner)).proven

    @pytest.mark.live
    def test_the_verdict_is_kept(self, own_settings: Settings) -> None:
        seen: list[events.Event] = []
        with events.subscribed(seen.append):
            first = proven(own_settings, find_qemu(), identity())
            booted = len(seen)
            assert proven(own_settings, find_qemu(), identity()) == first
        assert len(seen) == booted
        assert booted > 0 or not os.access(KVM_DEVICE, os.R_OK | os.W_OK)
        assert first.reason

    def test_another_emulator_is_probed_again(self, own_settings: Settings, tmp_path: Path) -> None:
        if not os.access(KVM_DEVICE, os.R_OK | os.W_OK):
            pytest.skip("/dev/kvm does not open here, so there is nothing to keep")
        proven(own_settings, find_qemu(), identity())
        before = list((own_settings.cache / "probe").glob("kvm-*"))
        other = tmp_path / "qemu"
        other.write_text("#!/bin/sh\nexit 1\n")
        other.chmod(0o755)
        verdict = proven(own_settings, type(find_qemu())(other), identity())
        assert not verdict.proven
        assert len(list((own_settings.cache / "probe").glob("kvm-*"))) == len(before) + 1

    def test_the_kernel_is_assembled_once(self, own_settings: Settings) -> None:
        made = probe_kernel(own_settings)
        when = made.stat().st_mtime_ns
        assert probe_kernel(own_settings).stat().st_mtime_ns == when


def test_capabilities_have_reasons() -> None:
    found = capabilities()
    assert found.tcg
    assert found.cores >= 1
    assert found.memory_mib > 0
    assert all(
        [found.kvm.reason, found.tcg.reason, found.xen.reason, found.memory_reason, found.cores_reason]
    )


class TestIdentity:
    def test_an_ordinary_user_stays_himself(self) -> None:
        if os.geteuid() == 0:
            pytest.skip("we are root")
        assert identity() == Identity(Manner.SELF)

    @root_only
    @pytest.mark.parametrize("manner", [Manner.NAMESPACE, Manner.NOBODY])
    def test_root_becomes_an_ordinary_user(self, manner: Manner) -> None:
        who = allowed(manner)
        done = subprocess.run([*who.prefix, "id", "-u"], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "65534"


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder with a short path that everybody may pass through."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="l-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.mark.live
@root_only
@pytest.mark.parametrize("manner", [Manner.NAMESPACE, Manner.NOBODY])
def test_a_guest_boots_in_either_manner(
    short_folder: Path, manner: Manner, own_settings: Settings, kernels: Path
) -> None:
    allowed(manner)
    found = Settings(root=own_settings.root, cache=own_settings.cache, run=short_folder / "r")
    private = own_settings.cache.parent / "private"
    private.mkdir(mode=0o700)
    image = private / "hello"
    image.write_bytes((kernels / "hello").read_bytes())
    image.chmod(0o600)
    with open_host(found, manner=manner) as host:
        with boot(SimpleNamespace(path=image, name="hello"), host=host) as guest:
            assert guest.wait(20).status == 7
        assert not list(host.folder.iterdir())
        daemon = host.daemon
    assert daemon is not None
    end(daemon)


@pytest.mark.live
def test_a_host_opens_quickly_once_warm() -> None:
    warm()
    with open_host() as host:
        assert host.alive
        assert host.connection.isAlive()
    assert not host.alive
    host.close()


@pytest.mark.live
def test_folders_are_private() -> None:
    with open_host() as host:
        assert stat.S_IMODE(host.folder.stat().st_mode) == 0o700


def test_a_run_folder_with_a_long_path_is_refused(tmp_path: Path, own_settings: Settings) -> None:
    found = Settings(root=own_settings.root, cache=own_settings.cache, run=tmp_path / ("x" * 60))
    with pytest.raises(UsageError, match="too long"):
        open_host(found)


def test_an_address_that_leads_nowhere_is_told(own_settings: Settings) -> None:
    found = Settings(
        root=own_settings.root, cache=own_settings.cache, run=own_settings.run, uri="qemu+unix:///x?socket=/x"
    )
    with pytest.raises(HostError, match="cannot be reached"):
        open_host(found)


@pytest.mark.live
def test_another_libvirt_can_be_named(
    short_folder: Path, kernels: Path, own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not identity().sees_all_files:
        pytest.skip("the daemon at hand runs as nobody, and cannot serve root's folders")
    with open_host() as host:
        monkeypatch.setenv("LABKIT_LIBVIRT_URI", host.uri)
        monkeypatch.setenv("LABKIT_RUN", str(short_folder / "other"))
        with boot(SimpleNamespace(path=kernels / "hello", name="hello")) as guest:
            assert guest.wait(20).status == 7
            assert guest.host.daemon is None
            assert guest.folder.is_relative_to(short_folder)


def test_a_daemon_that_does_not_start_is_told(short_folder: Path, own_settings: Settings) -> None:
    found = Settings(root=own_settings.root, cache=own_settings.cache, run=short_folder / "r")
    home = Daemon.of(found, identity()).home
    (home / "c" / "libvirt").mkdir(parents=True)
    (home / "r").write_text("a file where libvirt wants a folder")
    with pytest.raises(HostError):
        open_host(found)


@pytest.mark.live
def test_a_full_disk_is_told(own_settings: Settings, short_folder: Path, kernels: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    small = short_folder / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=12", "none", small], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        found = Settings(root=own_settings.root, cache=own_settings.cache, run=small / "r")
        with pytest.raises(HostError) as caught, open_host(found) as host:
            boot(SimpleNamespace(path=kernels / "hello", name="hello"), host=host)
        assert caught.value.next_step
    finally:
        daemon = Daemon.of(found, identity())
        end(daemon)
        subprocess.run(["umount", "-l", small], check=True)


def test_importing_labkit_is_quick() -> None:
    program = "import labkit, sys; sys.exit('libvirt' in sys.modules)"
    subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )


def test_guest_and_host_import_no_libvirt() -> None:
    program = "import labkit.guest, labkit.host, sys; sys.exit('libvirt' in sys.modules)"
    subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])},
    )


def end(daemon: Daemon) -> None:
    """End a daemon, and wait for it."""
    number = daemon.process()
    if number is not None:
        os.kill(number, 15)
        assert daemon.await_end(10)
