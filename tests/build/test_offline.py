"""Real builds with the offline toolchain."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import labkit
from labkit.build.builder import build
from labkit.build.image import Image
from labkit.build.manifest import Manifest
from labkit.build.tools import DEBIAN_PACKAGES
from labkit.errors import BuildError, HostError, MissingTool, SourceError, UsageError
from labkit.events import Event, Kind, subscribed

pytestmark = pytest.mark.usefixtures("cache_folder")

BUILD = "import labkit, sys; image = labkit.build(sys.argv[1]); print(image.path)"


def leftovers(cache: Path) -> list[Path]:
    """What a build that ended must not leave."""
    return [*(cache / "tmp").glob("*"), *cache.glob("work/*/tmp/*")]


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "unikernel.ml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_image_and_what_lies_beside_it(hello: Path, cache_folder: Path) -> None:
    image = build(hello)
    assert image.path.name == "hello.virtio"
    assert image.path.is_relative_to(cache_folder / "images")
    assert not image.cached
    assert Manifest.from_elf(image.path) == image.manifest == Image.load(image.path).manifest
    assert (image.toolchain.name, image.target.name) == ("offline", "virtio")
    assert "duration" in image.manifest.packages
    assert image.bytes == image.path.stat().st_size < 2 << 20
    assert image.sections[".text"] > 100_000
    assert image.libraries["lwt"] > 10_000
    assert "dune build" in image.log
    root = ET.fromstring(image.domain_xml)  # noqa: S314  ours
    assert root.findtext("os/kernel") == str(image.path)
    assert leftovers(cache_folder) == []


def test_an_unchanged_folder_is_not_built_again(hello: Path) -> None:
    first = build(hello)
    again = build(hello)
    assert again.cached
    assert again.path == first.path
    assert again.warnings == first.warnings
    assert again.log == first.log


def test_the_same_folder_elsewhere_is_the_same_image(hello: Path, tmp_path: Path) -> None:
    first = build(hello)
    shutil.copytree(hello, tmp_path / "Ünïkernel & <co>")
    other = build(tmp_path / "Ünïkernel & <co>")
    assert other.path == first.path
    assert other.source == tmp_path / "Ünïkernel & <co>"


def test_an_edit_gives_another_image_and_the_first_stays(hello: Path) -> None:
    first = build(hello)
    edit(hello, "Hello, world!", "Hello, you!")
    second = build(hello)
    assert second.path != first.path
    assert first.path.exists()
    assert b"Hello, you!" in second.path.read_bytes()
    edit(hello, "Hello, you!", "Hello, world!")
    assert build(hello).path == first.path


def test_a_changed_config_is_run_again(hello: Path) -> None:
    assert build(hello).name == "hello"
    config = hello / "config.ml"
    config.write_text(config.read_text().replace('register "hello"', 'register "other"'))
    assert build(hello).path.name == "other.virtio"


def test_files_come_go_and_turn_into_folders(hello: Path) -> None:
    (hello / "extra.ml").write_text('let word = "first"')
    edit(hello, "let start () =", "let _ = Extra.word\nlet start () =")
    assert b"first" in build(hello).path.read_bytes()
    (hello / "extra.ml").unlink()
    with pytest.raises(SourceError, match="Unbound module Extra"):
        build(hello)
    (hello / "extra.ml").mkdir()
    (hello / "extra.ml" / "note.txt").write_text("no module")
    with pytest.raises(SourceError):
        build(hello)
    shutil.rmtree(hello / "extra.ml")
    (hello / "extra.ml").write_text('let word = "second"')
    assert b"second" in build(hello).path.read_bytes()


def test_a_local_library(hello: Path) -> None:
    (hello / "greet").mkdir()
    (hello / "greet" / "dune").write_text("(library (name greet))")
    (hello / "greet" / "greet.ml").write_text('let word = "from a library"')
    config = hello / "config.ml"
    config.write_text(config.read_text().replace("job ", 'job ~local_libs:[ "greet" ] '))
    edit(hello, "let start () =", "let _ = print_string Greet.word\nlet start () =")
    assert b"from a library" in build(hello).path.read_bytes()


def test_files_of_a_folder_become_part_of_it(hello: Path) -> None:
    (hello / "config.ml").write_text(
        'open Mirage\nlet () = register "hello" [ main "Unikernel.Main" (kv_ro @-> job) $ crunch "www" ]\n'
    )
    (hello / "unikernel.ml").write_text(
        "module Main (Www : Mirage_kv.RO) = struct let start _ = Lwt.return_unit end\n"
    )
    with pytest.raises(SourceError, match="There is no folder www"):
        build(hello)
    page = hello / "www" / "deep" / "page.html"
    page.parent.mkdir(parents=True)
    page.write_text("the first")
    first = build(hello)
    assert b"the first" in first.path.read_bytes()
    page.write_text("the second")
    second = build(hello).path.read_bytes()
    assert b"the second" in second
    assert b"the first" not in second
    (page.parent / "other.html").write_text("another")
    assert b"another" in build(hello).path.read_bytes()
    (page.parent / "other.html").unlink()
    page.write_text("the first")
    assert build(hello).path == first.path


def test_for_unix_it_runs_as_a_process(hello: Path) -> None:
    image = build(hello, "unix")
    assert image.path.name == "hello.unix"
    done = subprocess.run(
        [image.path, "--count", "1"], capture_output=True, text=True, check=True, timeout=20
    )
    assert "Hello, world!" in done.stdout + done.stderr


def test_targets_and_toolchains_that_are_none(hello: Path) -> None:
    with pytest.raises(UsageError, match="no target 'arm'") as raised:
        build(hello, "arm")
    assert "virtio, unix" in raised.value.next_step
    with pytest.raises(UsageError, match="no toolchain 'nix'"):
        build(hello, toolchain="nix")
    with pytest.raises(UsageError, match="does not build for the target spt") as raised:
        build(hello, "spt")
    assert "--toolchain opam" in raised.value.next_step
    with pytest.raises(MissingTool, match=r"opam"):
        build(hello, "spt", toolchain="opam")


@pytest.mark.parametrize("tool", sorted(DEBIAN_PACKAGES))
def test_a_missing_program(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    (tmp_path / "bin").mkdir()
    for name in DEBIAN_PACKAGES:
        found = shutil.which(name)
        assert found
        if name != tool:
            (tmp_path / "bin" / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(MissingTool, match=f"program {tool} is not") as raised:
        build(hello)
    assert "make lab" in raised.value.next_step
    assert DEBIAN_PACKAGES[tool] in raised.value.next_step


def test_no_library_os(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_ROOT", str(tmp_path))
    with pytest.raises(BuildError, match="no library OS"):
        build(hello)


def test_the_library_os_names_a_package_that_the_machine_lacks(
    hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "libos").mkdir()
    (tmp_path / "libos" / "dune-project").write_text("(lang dune 2.9)\n(name l)\n(package (name l))\n")
    (tmp_path / "libos" / "dune").write_text("(library (name l) (public_name l) (libraries no-such-lib))")
    monkeypatch.setenv("LABKIT_ROOT", str(tmp_path))
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(MissingTool, match="library no-such-lib") as raised:
        build(hello)
    assert "libno-such-lib-ocaml-dev" in raised.value.next_step
    assert list((tmp_path / "cache" / "work").iterdir()) == []


def test_what_the_shell_says_of_ocaml_has_no_say(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "OCAMLPATH",
        "OCAMLFIND_CONF",
        "DUNE_BUILD_DIR",
        "DUNE_WORKSPACE",
        "OCAMLLIB",
        "CAML_LD_LIBRARY_PATH",
    ):
        monkeypatch.setenv(name, "/nonesuch")
    monkeypatch.setenv("OCAMLPARAM", "nonsense=1")
    edit(hello, "Hello, world!", "Hello, shell!")
    assert not build(hello).cached


def test_two_builds_of_one_folder_at_once(hello: Path) -> None:
    edit(hello, "Hello, world!", f"Hello, {time.time()}!")
    command = [sys.executable, "-c", BUILD, str(hello)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    paths = {process.communicate(timeout=120)[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(paths) == 1
    assert Image.load(paths.pop().strip()).name == "hello"


def test_many_folders_at_once(hello: Path, tmp_path: Path, cache_folder: Path) -> None:
    folders = []
    for number in range(4):
        folder = tmp_path / f"hello{number}"
        shutil.copytree(hello, folder)
        edit(folder, "Hello, world!", f"Hello, number {number} {time.time()}!")
        folders.append(folder)
    running = [
        subprocess.Popen([sys.executable, "-c", BUILD, str(f)], stdout=subprocess.PIPE) for f in folders
    ]
    paths = {process.communicate(timeout=120)[0] for process in running}
    assert len(paths) == len(folders)
    assert leftovers(cache_folder) == []


@pytest.mark.parametrize("delay", [0.15, 0.25, 0.35, 0.5])
def test_killed_in_the_middle(hello: Path, cache_folder: Path, delay: float) -> None:
    before = set((cache_folder / "images").glob("*"))
    edit(hello, "Hello, world!", f"Hello, {time.time()}!")
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(hello)], stdout=subprocess.DEVNULL)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for entry in set((cache_folder / "images").glob("*")) - before:
        assert (entry / "image.json").exists(), "whole or not there"
    image = build(hello)  # waits for a dune that may still be at work there
    assert Image.load(image.path).name == "hello"
    (cache_folder / "tidied").unlink(missing_ok=True)


def test_interrupted_it_takes_dune_along(hello: Path, cache_folder: Path) -> None:
    (hello / "config.ml").write_text("let () = while true do () done")
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(hello)], stderr=subprocess.PIPE, text=True)
    child = 0
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if tasks and "config.exe" in Path(f"/proc/{tasks[0]}/cmdline").read_text():
            child = int(tasks[0])
            break
        time.sleep(0.02)
    assert child
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=20)[1]
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert leftovers(cache_folder) == []


def test_a_config_that_never_ends(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labkit.build.job._CONFIG_TIME", 0.3)
    (hello / "config.ml").write_text("let () = while true do () done")
    with pytest.raises(SourceError, match=r"endless|not done"):
        build(hello)


def test_a_damaged_entry_is_built_anew(hello: Path) -> None:
    edit(hello, "Hello, world!", "Hello, damage!")
    image = build(hello)
    image.path.write_bytes(b"short")
    again = build(hello)
    assert not again.cached
    assert Image.load(again.path).name == "hello"
    (again.path.parent / "image.json").write_text("{")
    assert not build(hello).cached


def test_an_evicted_image_says_so(hello: Path) -> None:
    edit(hello, "Hello, world!", "Hello, eviction!")
    image = build(hello)
    shutil.rmtree(image.path.parent)
    with pytest.raises(labkit.LabError, match="gone"):
        _ = image.bytes


def test_steps_are_told(hello: Path) -> None:
    events: list[Event] = []
    edit(hello, "Hello, world!", "Hello, steps!")
    with subscribed(events.append):
        build(hello)
    names = [(event.kind, event.name) for event in events]
    assert names[0] == (Kind.START, "build")
    assert names[-1] == (Kind.STOP, "build")
    assert (Kind.START, "compile") in names


def test_the_package_can_be_called(hello: Path) -> None:
    image = labkit.build(hello)
    assert isinstance(image, labkit.Image)
    assert labkit.build(image.path).manifest == image.manifest


def test_a_cache_named_by_a_relative_path(
    hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABKIT_CACHE", "near")
    image = build(hello)
    assert image.path.is_absolute()
    assert image.path.is_file()
    assert repr(image) == "<Image hello for virtio>"


# The disk

needs_namespaces = pytest.mark.skipif(
    subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode != 0,
    reason="this machine lets nobody make a mount namespace",
)


def in_namespace(script: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a mount namespace of its own: its mounts are nobody else's."""
    environment = {**os.environ, "PYTHON": sys.executable, "BUILD": BUILD}
    command = ["unshare", "-rm", "sh", "-ec", script, "sh", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@needs_namespaces
@pytest.mark.parametrize("kilobytes", [64, 4000, 9000])
def test_a_full_disk(hello: Path, tmp_path: Path, kilobytes: int) -> None:
    (tmp_path / "cache").mkdir()
    done = in_namespace(
        'export LABKIT_CACHE=$1; mount -t tmpfs -o size=90000k none "$1"\n'
        'head -c "$((90000 - $3))k" /dev/zero > "$1/ballast"\n'
        'if "$PYTHON" -c "$BUILD" "$2"; then echo "it fitted"; exit 9; fi\n'
        'echo "left: $(ls "$1/images" "$1/libos" "$1/tmp" 2>/dev/null | grep -v : | tr -d "\\n")"\n'
        'rm "$1/ballast"; "$PYTHON" -c "$BUILD" "$2"',
        str(tmp_path / "cache"),
        str(hello),
        str(kilobytes),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "HostError: The cache" in done.stderr, done.stderr
    assert "cannot be written: no space left on device" in done.stderr
    assert done.stdout.rstrip().endswith("hello.virtio"), "with space it goes on"


@needs_namespaces
def test_a_read_only_cache(hello: Path, cache_folder: Path) -> None:
    first = build(hello)
    read_only = (
        'export LABKIT_CACHE=$1; mount --bind "$1" "$1"; rm -f "$1/tools.json"; mount -o remount,bind,ro "$1"\n'
        '"$PYTHON" -c "$BUILD" "$2"'
    )
    done = in_namespace(read_only, str(cache_folder), str(hello))
    assert done.stdout.strip() == str(first.path), "what is there can be used" + done.stderr
    edit(hello, "Hello, world!", "Hello, stone!")
    done = in_namespace(read_only, str(cache_folder), str(hello))
    assert done.returncode == 1
    assert "HostError: The cache" in done.stderr
    assert "read-only file system" in done.stderr


def test_a_cache_that_cannot_be(hello: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(HostError, match="cannot be written"):
        build(hello)
