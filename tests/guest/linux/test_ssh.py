"""SSH into a real Linux guest: programs, files, a terminal; and guests that cannot be entered."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from labkit import boot, list_guests
from labkit.build.linux.image import LinuxImage
from labkit.build.linux.seed import Seed, write_seed
from labkit.errors import GuestError, SshError, UsageError
from labkit.guest import Reason
from labkit.guest.keys import lab_key
from labkit.guest.linux import LinuxGuest
from labkit.settings import settings
from labkit.ui import terminal

pytestmark = pytest.mark.live


def test_programs_run_and_tell_their_status(guest: LinuxGuest) -> None:
    assert guest.ssh.run("true").exit_status == 0
    assert guest.ssh.run("false").exit_status == 1
    assert guest.ssh.run("exit 7").exit_status == 7
    assert guest.ssh.run("nonesuch").exit_status == 127
    ran = guest.ssh.run("echo out; echo err >&2; hostname")
    assert (ran.output, ran.errors) == ("out\nweb-1\n", "err\n")


def test_words_arrive_as_they_are(guest: LinuxGuest) -> None:
    words = ["a b", "$HOME", "'", '"', "*", "", "é"]
    assert guest.ssh.run("printf", "%s\n", *words).output.splitlines() == words
    assert guest.ssh.run("cat", "-", input="in\n").output == "in\n"


def test_output_comes_live(guest: LinuxGuest) -> None:
    came: list[tuple[float, str]] = []
    guest.ssh.run("echo 1; sleep 0.7; echo 2", each=lambda text: came.append((time.monotonic(), text)))
    assert "".join(text for _, text in came) == "1\n2\n"
    assert came[-1][0] - came[0][0] > 0.3


def test_a_program_that_takes_too_long(guest: LinuxGuest) -> None:
    with pytest.raises(SshError, match="has not answered in"):
        guest.ssh.run("sleep 60", timeout=0.5)
    assert guest.ssh.run("true").exit_status == 0, "the connection stays of use"


def test_files_go_both_ways(guest: LinuxGuest, tmp_path: Path) -> None:
    sent = bytes(range(256)) * 999
    (tmp_path / "sent").write_bytes(sent)
    guest.ssh.upload(tmp_path / "sent", "/tmp/there")
    assert guest.ssh.run("wc", "-c", "/tmp/there").output.split()[0] == str(len(sent))
    guest.ssh.download("/tmp/there", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == sent
    with pytest.raises(SshError, match="cannot be read"):
        guest.ssh.download("/nowhere", tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_terminal_is_a_console(guest: LinuxGuest) -> None:
    with guest.ssh.terminal() as shell:
        shell.console.send("tty; echo $((6*7))\n")
        assert shell.console.expect("/dev/pts/", timeout=20)
        assert shell.console.expect("\n42", timeout=20)
        assert "terminal of" in repr(terminal(shell, by_key=True))
        shell.console.send("exit 3\n")
        ending = shell.wait(20)
    assert (ending.status, ending.reason) == (3, Reason.EXIT)
    with guest.ssh.terminal() as shell:
        assert shell.stop().reason is Reason.STOPPED


def test_a_guest_is_a_guest(guest: LinuxGuest) -> None:
    assert guest.name in [info.name for info in list_guests()]
    assert str(guest.network.wait_for_address(30)) == "10.0.2.15"
    assert guest.network.check(80).ok
    assert {"init", "network", "start"} <= guest.stamps.keys()


def test_it_is_told_from_others_by_its_key(guest: LinuxGuest) -> None:
    known = guest.ssh.login.known_hosts
    assert known
    assert guest.seed
    assert guest.seed.host_key
    assert guest.seed.host_key[1].split()[1] in known.read_text()
    assert guest.seed.host_key[1].split()[1] in guest.console.text(), (
        "the guest shows the key that it was given"
    )


def test_another_in_its_place_is_found_out(lean: LinuxImage) -> None:
    with boot(lean, timeout=120) as first, boot(lean, timeout=120) as second:
        assert isinstance(first, LinuxGuest)
        assert isinstance(second, LinuxGuest)
        first.seed, second.seed = second.seed, first.seed
        with pytest.raises(SshError, match="not the one that is known"):
            _ = first.ssh


def test_it_powers_itself_off(lean: LinuxImage) -> None:
    with boot(lean, timeout=120) as guest:
        guest.ssh.run("poweroff")
        ending = guest.wait(60)
    assert (ending.status, ending.reason) == (0, Reason.EXIT)
    with pytest.raises(GuestError):
        guest.ssh.run("true")


def test_a_panic_is_a_crash(lean: LinuxImage) -> None:
    with boot(lean, timeout=120) as guest:
        guest.console.expect("ready", timeout=60)
        guest.console.send("\necho c >/proc/sysrq-trigger\n")
        ending = guest.wait(60)
    assert (ending.status, ending.reason) == (255, Reason.CRASH)
    assert "Kernel panic" in guest.console.text()


def test_a_guest_without_ssh(variant, root: Path) -> None:  # type: ignore[no-untyped-def]
    inittab = (root / "images/lean-linux/root/etc/inittab").read_text()
    lines = [line for line in inittab.splitlines() if "dropbear" not in line]
    image = variant("linux", etc__inittab="\n".join(lines) + "\n")
    with boot(image, timeout=120) as guest:
        assert isinstance(guest, LinuxGuest)
        guest.console.expect("ready", timeout=60)
        with pytest.raises(GuestError, match="nothing listens on port 22") as raised:
            guest.enter(timeout=1)
    assert "it does on 80" in str(raised.value)
    with pytest.raises(GuestError, match="was stopped"):
        guest.enter(timeout=1)


def test_a_missing_key(lean: LinuxImage, tmp_path: Path) -> None:
    write_seed(Seed("alien", "i-1"), tmp_path / "seed.iso")
    with (
        boot(lean, seed=tmp_path / "seed.iso", timeout=120) as guest,
        pytest.raises(SshError, match="does not take the lab's SSH key") as raised,
    ):
        _ = guest.ssh
    assert lab_key(settings())[1] in str(raised.value)


def test_a_seed_of_the_students_own(lean: LinuxImage, tmp_path: Path) -> None:
    write_seed(Seed("mine", "i-1", (lab_key(settings())[1],)), tmp_path / "seed.iso")
    with boot(lean, seed=tmp_path / "seed.iso", timeout=120) as guest:
        assert guest.ssh.run("hostname").output == "mine\n", "its host key was read from the console"


def test_a_unikernel_has_no_ssh(kernel) -> None:  # type: ignore[no-untyped-def]
    with boot(kernel("forever"), timeout=60) as guest, pytest.raises(UsageError, match="has no SSH"):
        _ = guest.ssh
