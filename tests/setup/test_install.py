"""setup/install.sh in a small world: its own PATH, where apt-get, sudo, dpkg-query and Python are stand-ins.

The stand-ins write down what they were asked; the script is the real one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TOOLS = """
    awk bash cat comm cp cut date df dirname env find flock grep head ln mkdir paste rm sed sh sha256sum sleep sort
    tail tr xargs
""".split()

STANDINS = {
    # Packages are installed when their names are in the file `installed`.
    "dpkg-query": """
        while read -r name; do echo "installed $name"; done <"$WORLD/installed" """,
    "dpkg": "true",
    "uname": 'echo "${MACHINE:-x86_64}"',
    "id": 'echo "${USER_ID:-0}"',
    "apt-get": """
        echo "apt-get $*" >>"$WORLD/calls"
        case "$*" in -s*) echo 'Inst make (4.3-4.1 Debian:12 [amd64])'; exit ;; esac
        if [ -n "${APT_SAYS-}" ]; then echo "$APT_SAYS" >&2; exit 100; fi
        case "$*" in *install*) for word; do echo "$word"; done >>"$WORLD/installed" ;; esac
        echo "dlstatus:1:50.0:half" >&3 """,
    "apt-cache": "printf 'Package: make\\nInstalled-Size: 29000\\nSize: 6200000\\n'",
    # A Python that makes a .venv with itself in it, and takes every pip command.
    "python3": """
        echo "python $*" >>"$WORLD/calls"
        case "$*" in
            -VV) echo "Python 3.11" ;;
            '-m venv '*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
            '-m pip install '*)
                if [ -n "${PIP_SAYS-}" ]; then echo "$PIP_SAYS"; exit 1; fi
                if [ -n "${PIP_SLEEPS-}" ]; then sleep "$PIP_SLEEPS"; fi
                case "$*" in *' -e '*) cp "$0" "${0%python}labkit" ;; esac ;;
            *prove.py) if [ -n "${PROOF_FAILS-}" ]; then echo "no proof"; exit 1; fi
                       mkdir -p "$WORLD/cache/libos" ;;
        esac """,
}

SUDO = """
    echo "sudo $*" >>"$WORLD/calls"
    case "$1" in -n|-v) exit "${SUDO_STATUS:-0}" ;; esac
    exec "$@" """

DEBIAN_12 = 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'


@dataclass
class World:
    """A folder with a copy of the project's set-up, and the stand-ins."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Path:
        return self.folder / "project"

    def add(self, name: str, body: str) -> None:
        path = self.folder / "bin" / name
        path.write_text("#!/usr/bin/env bash\nset -eu\n" + textwrap.dedent(body) + "\n")
        path.chmod(0o755)

    def os_release(self, text: str) -> None:
        (self.folder / "os-release").write_text(text)

    def has_all_packages(self) -> None:
        names = [line.split()[0] for line in package_lines(self.project)]
        (self.folder / "installed").write_text("\n".join(names) + "\n")

    def command(self, *arguments: str) -> list[str]:
        return [
            str(self.folder / "bin" / "bash"), str(self.project / "setup" / "install.sh"),
            "--os-release", str(self.folder / "os-release"),
            "--python", str(self.folder / "bin" / "python3"), *arguments,
        ]  # fmt: skip

    def environment(self, **extra: str) -> dict[str, str]:
        own = {
            "PATH": str(self.folder / "bin"),
            "HOME": str(self.folder),
            "LABKIT_CACHE": str(self.folder / "cache"),
            "WORLD": str(self.folder),
        }
        return own | self.env | extra

    def run(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.environment(**extra), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def calls(self, word: str = "") -> list[str]:
        file = self.folder / "calls"
        return [line for line in file.read_text().splitlines() if word in line] if file.exists() else []

    def forget_calls(self) -> None:
        (self.folder / "calls").unlink(missing_ok=True)


def package_lines(project: Path) -> list[str]:
    text = (project / "setup" / "debian-packages.txt").read_text()
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


@pytest.fixture
def world(tmp_path: Path, root: Path) -> World:
    """A Debian 12 that has no package of ours yet, where we are root."""
    made = World(tmp_path)
    made.project.mkdir()
    shutil.copytree(root / "setup", made.project / "setup")
    shutil.copy(root / "pyproject.toml", made.project)
    for folder in ("libos", "images/hello"):
        (made.project / folder).mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool, path="/usr/bin:/bin")
        assert found, tool
        (tmp_path / "bin" / tool).symlink_to(found)
    for name, body in STANDINS.items():
        made.add(name, body)
    made.os_release(DEBIAN_12)
    (tmp_path / "installed").touch()
    return made


def test_first_run_goes_through_all_stages(world: World) -> None:
    done = world.run("lab")
    assert done.returncode == 0, done.stderr
    first = done.stdout.splitlines()[0]
    assert first == "Set-up of Unikernel Lab for 'lab' on Debian GNU/Linux 12 (bookworm):"
    assert "(1 in all, 7 MB to download, 30 MB on the disk)" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Ready after ")
    install = [call for call in world.calls("apt-get") if " -s " not in call]
    assert len(install) == 1
    assert "--no-install-recommends" in install[0]
    assert " qemu-system-x86" in install[0]
    assert " chromium" not in install[0], "`lab` does not install what only `test` needs"
    pip = world.calls("-m pip install")
    assert all("--require-hashes" in call for call in pip[:2])
    assert pip[-1].endswith(f"-e {world.project}")
    extension = world.project / ".venv" / "share" / "jupyter" / "labextensions" / "unikernel-lab"
    assert extension.readlink().relative_to(world.project).parts[0] == "labkit"


def test_second_run_calls_nothing(world: World) -> None:
    assert world.run("lab").returncode == 0
    world.forget_calls()
    began = time.monotonic()
    again = world.run("lab")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert time.monotonic() - began < 3
    assert [call for call in world.calls() if call != "python -VV"] == []


def test_test_covers_lab_but_not_the_other_way(world: World) -> None:
    assert world.run("lab").returncode == 0
    more = world.run("test")
    assert more.returncode == 0
    assert any(" chromium" in call for call in world.calls("apt-get"))
    assert any("requirements-test.lock" in call for call in world.calls("pip"))
    world.forget_calls()
    assert world.run("lab").stdout == ""
    assert world.calls("pip") == []


@pytest.mark.parametrize("file", ["setup/requirements-lab.lock", "pyproject.toml"])
def test_a_changed_list_is_noticed(world: World, file: str) -> None:
    assert world.run("lab").returncode == 0
    world.forget_calls()
    with (world.project / file).open("a") as changed:
        changed.write("# changed\n")
    assert world.run("lab").returncode == 0
    assert world.calls("-m pip install")
    assert not world.calls("-m venv"), "pip brings the environment up to date; it is not made anew"


def test_a_changed_library_os_is_proved_again(world: World) -> None:
    assert world.run("lab").returncode == 0
    world.forget_calls()
    (world.project / "libos" / "new.ml").write_text("let () = ()\n")
    assert world.run("lab").returncode == 0
    assert world.calls("prove.py")
    assert not world.calls("pip")


def test_a_removed_package_and_a_removed_cache_are_noticed(world: World) -> None:
    assert world.run("lab").returncode == 0
    installed = world.folder / "installed"
    installed.write_text(installed.read_text().replace("musl-tools\n", ""))
    plan = world.run("lab", "--plan").stdout
    assert "Debian packages: 1 and what they need" in plan
    assert "The Debian packages: musl-tools" in plan
    shutil.rmtree(world.folder / "cache")
    assert world.run("lab").returncode == 0
    assert (world.folder / "cache" / "libos").is_dir()


def test_plan_does_nothing(world: World) -> None:
    before = sorted(world.folder.rglob("*"))
    plan = world.run("test", "--plan")
    assert plan.returncode == 0
    assert "chromium" in plan.stdout
    assert [call for call in world.calls() if " -s " not in call and call != "python -VV"] == []
    after = [path for path in sorted(world.folder.rglob("*")) if path.name != "calls"]
    assert after == before


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('ID=fedora\nVERSION_ID=40\nPRETTY_NAME="Fedora Linux 40"\n', "Fedora Linux 40"),
        ('ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n', "Debian GNU/Linux 13"),
        ("", "where nobody has tried"),
    ],
)
def test_an_unsupported_system_is_named(world: World, text: str, named: str) -> None:
    world.os_release(text)
    done = world.run("lab")
    assert done.returncode == 1
    assert named in done.stderr
    assert "It works on: debian 12." in done.stderr
    assert not world.calls("apt-get")
    assert "--anyway" in done.stderr
    assert world.run("lab", "--anyway").returncode == 0


def test_a_system_without_apt(world: World) -> None:
    (world.folder / "bin" / "apt-get").unlink()
    done = world.run("lab")
    assert done.returncode == 1
    assert "has no apt-get" in done.stderr


def test_another_processor(world: World) -> None:
    done = world.run("lab", MACHINE="aarch64")
    assert done.returncode == 1
    assert "aarch64" in done.stderr


def test_renamed_packages(world: World) -> None:
    with (world.project / "setup" / "systems.txt").open("a") as systems:
        systems.write("debian 99 tested musl-tools=musl-gcc-tools\n")
    world.os_release('ID=debian\nVERSION_ID="99"\nPRETTY_NAME="Debian 99"\n')
    plan = world.run("lab", "--plan").stdout
    assert " musl-gcc-tools" in plan
    assert " musl-tools" not in plan


def test_ordinary_user_with_sudo(world: World) -> None:
    world.add("sudo", SUDO)
    done = world.run("lab", USER_ID="1000")
    assert done.returncode == 0, done.stderr
    assert any("apt-get" in call for call in world.calls("sudo "))
    assert not any("pip" in call or "prove" in call for call in world.calls("sudo "))


def test_ordinary_user_without_sudo(world: World) -> None:
    done = world.run("lab", USER_ID="1000")
    assert done.returncode == 1
    assert "you are not root, and there is no sudo here" in done.stderr
    assert "apt-get install --no-install-recommends" in done.stderr
    assert "qemu-system-x86" in done.stderr


def test_sudo_that_nobody_can_answer(world: World) -> None:
    world.add("sudo", SUDO)
    done = world.run("lab", USER_ID="1000", SUDO_STATUS="1")
    assert done.returncode == 1
    assert "nobody there to type it" in done.stderr


def test_no_sudo_is_needed_when_the_packages_are_there(world: World) -> None:
    world.has_all_packages()
    done = world.run("test", USER_ID="1000")
    assert done.returncode == 0, done.stderr
    assert not world.calls("apt-get")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("E: Could not resolve 'some-mirror'", "no connection to the package server"),
        ("E: You don't have enough free space in /var/cache/apt/archives/.", "The disk is full"),
        ("E: Unable to locate package qemu-system-x86", "Unable to locate package qemu-system-x86"),
    ],
)
def test_apt_get_fails(world: World, said: str, words: str) -> None:
    done = world.run("lab", APT_SAYS=said)
    assert done.returncode == 1
    assert words in done.stderr
    assert any("update" in call for call in world.calls("apt-get")), "old lists are renewed before giving up"
    assert world.run("lab").returncode == 0, "the next run goes on"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (
            "Failed to establish a new connection: Temporary failure in name resolution",
            "no connection to the package",
        ),
        ("ERROR: Could not install packages: No space left on device", "The disk is full"),
        ("ERROR: something else", "ERROR: something else"),
    ],
)
def test_pip_fails(world: World, said: str, words: str) -> None:
    done = world.run("lab", PIP_SAYS=said)
    assert done.returncode == 1
    assert words in done.stderr
    world.forget_calls()
    assert world.run("lab").returncode == 0
    assert world.calls("-m venv"), "an unfinished .venv is made anew"


def test_proof_fails(world: World) -> None:
    done = world.run("lab", PROOF_FAILS="1")
    assert done.returncode == 1
    assert "Ready" not in done.stdout
    world.forget_calls()
    assert world.run("lab").returncode == 0
    assert world.calls("prove.py")
    assert not world.calls("-m pip")


def test_a_run_that_was_killed_is_taken_up(world: World) -> None:
    world.has_all_packages()
    with subprocess.Popen(
        world.command("lab"), env=world.environment(PIP_SLEEPS="30"),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    ) as first:  # fmt: skip
        deadline = time.monotonic() + 20
        while not world.calls("-m pip"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.killpg(first.pid, 9)
    world.forget_calls()
    done = world.run("lab")
    assert done.returncode == 0, done.stderr
    assert world.calls("-m venv")


def test_two_runs_at_once_do_the_work_once(world: World) -> None:
    world.has_all_packages()
    both = [
        subprocess.Popen(
            world.command("lab"), env=world.environment(PIP_SLEEPS="0.3"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len(world.calls("-m venv")) == 1
    assert len(world.calls("prove.py")) == 1


def test_a_venv_of_somebody_else_is_left_alone(world: World) -> None:
    world.has_all_packages()
    (world.project / ".venv").mkdir()
    done = world.run("lab")
    assert done.returncode == 1
    assert "that this set-up did not make" in done.stderr
    assert list((world.project / ".venv").iterdir()) == []


def test_a_moved_project_gets_a_new_venv(world: World) -> None:
    assert world.run("lab").returncode == 0
    moved = world.folder / "elsewhere"
    world.project.rename(moved)
    world.forget_calls()
    command = [word.replace(str(world.project), str(moved)) for word in world.command("lab")]
    done = subprocess.run(command, env=world.environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert world.calls("-m venv")


def test_an_unknown_word(world: World) -> None:
    done = world.run("everything")
    assert done.returncode == 1
    assert "I do not know 'everything'." in done.stderr
