"""The command line as a user meets it: statuses, streams, words. What boots guests is marked live."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

LABKIT = [sys.executable, "-m", "labkit"]


def labkit(*words: str | Path, timeout: float = 120, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LABKIT, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **{"stdin": subprocess.DEVNULL, **options},
    )


def unikernel(folder: Path, start: str) -> Path:
    """Give a copy of hello another start."""
    (folder / "unikernel.ml").write_text(start)
    return folder


@pytest.fixture(autouse=True)
def project_on_path(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(root))


# Without guests


def test_help_names_every_verb() -> None:
    done = labkit("--help")
    assert done.returncode == 0
    for verb in (
        "doctor",
        "build",
        "run",
        "disk",
        "compare",
        "ps",
        "console",
        "stop",
        "gc",
        "host",
        "notebooks",
        "lab",
    ):
        assert re.search(rf"^  {verb} ", done.stdout, re.MULTILINE)
        assert labkit(verb, "--help").returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ["frobnicate"],
        ["build"],
        ["build", "--frob", "images/hello"],
        ["build", "nonesuch"],
        ["build", "images/hello", "--target", "arm"],
        ["build", "images/hello", "--toolchain", "nix"],
        ["run", "images/hello", "--memory", "much"],
        ["run", "images/hello", "--host", "elsewhere"],
        ["run", "images/hello", "--disk", "x.img"],
        ["run", "images/hello", "--forward", "80:80"],
        ["run", "images/hello", "--timeout", "-1"],
        ["run", "images/hello", "--memory", "1"],
        ["run", "images/hello", "--target", "unix", "--stay"],
        ["run", "images/hello", "--", "a\nb"],
        ["run", "images/hello", "--user-data", "/nowhere"],
        ["run", "/bin/true", "--profile", "nope"],
        ["run", "images/lean-linux", "--stay"],
        ["run", "images/lean-linux", "--seed", "/nowhere.iso"],
        ["build", "images/lean-linux", "--target", "unix"],
        ["compare", "images/web"],
        ["compare", "images/hello", "images/web"],
        ["disk", "frob"],
        ["disk", "create", "/nowhere/disk.img"],
        ["disk", "create", "disk.img", "--size", "tiny"],
        ["disk", "create", "disk.img", "--from", "/nowhere"],
        ["disk", "hex", "nonesuch.img"],
        ["stop"],
        ["stop", "x", "--all"],
        ["host", "up"],
        ["host", "up", "xen", "--forget"],
        ["host", "frob"],
    ],
)
def test_failures_of_our_own_are_125_and_say_what_to_do(words: list[str]) -> None:
    done = labkit(*words)
    assert done.returncode == 125, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("labkit: ")
    assert "What to do: " in done.stderr
    assert "Traceback" not in done.stderr


def test_a_disk_is_made_and_looked_at(tmp_path: Path) -> None:
    done = labkit("disk", "create", "a disk.img", cwd=tmp_path)
    assert done.stdout == "a disk.img: 2048 sectors of 512 bytes, 1 MiB\n", done.stderr
    assert labkit("disk", "create", "a disk.img", cwd=tmp_path).returncode == 125, "not a second time"
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "hello").write_text("world")
    made = labkit("disk", "create", "b.img", "--size", "64 KiB", "--from", "files", cwd=tmp_path)
    assert made.stdout.startswith("b.img: 128 sectors")
    done = labkit("disk", "hex", "b.img", "1", "2", cwd=tmp_path)
    assert done.stdout == (
        "b.img, now: sectors 1 to 2\n"
        "sector 1\n"
        "  000  77 6f 72 6c 64 00 00 00  00 00 00 00 00 00 00 00  world...........\n"
        "  010 to 1ff: zero\n"
        "sector 2: zero\n"
    )
    assert labkit("disk", "hex", "a disk.img", cwd=tmp_path).stdout.endswith("sectors 0 to 2047: zero\n")


def test_no_device_no_option() -> None:
    done = labkit("run", "images/hello", "--disk", "x.img")
    assert "--disk x.img is for a block device, and hello has none" in done.stderr


def test_build_prints_the_path_and_json_one_object(hello: Path) -> None:
    done = labkit("build", hello)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_file()
    value = json.loads(labkit("build", hello, "--json").stdout)
    assert value["path"] == done.stdout.strip()
    assert value["target"] == "virtio"
    assert value["toolchain"] == "offline"
    assert value["bytes"] == Path(value["path"]).stat().st_size
    assert 0 < value["seconds"] < 10
    assert value["cached"] is True


def test_build_of_a_built_file_looks_at_it(hello: Path) -> None:
    path = labkit("build", hello).stdout.strip()
    value = json.loads(labkit("build", path, "--json").stdout)
    assert (value["path"], value["name"]) == (path, "hello")


def test_build_output(hello: Path, tmp_path: Path) -> None:
    done = labkit("build", hello, "-o", tmp_path / "out")
    assert done.stdout.strip() == str(tmp_path / "out" / "hello.virtio")
    assert str(tmp_path / "out" / "hello.virtio") in (tmp_path / "out" / "domain.xml").read_text()


def test_build_output_for_xen(hello: Path, tmp_path: Path) -> None:
    done = labkit("build", hello, "--target", "xen", "-o", tmp_path / "out")
    assert done.stdout.strip() == str(tmp_path / "out" / "hello.xen")
    assert 'kernel = "hello.xen"' in (tmp_path / "out" / "hello.xl").read_text()
    assert str(tmp_path / "out" / "hello.xen") in (tmp_path / "out" / "domain.xml").read_text()


def test_errors_as_json_are_one_object_too(hello: Path) -> None:
    unikernel(hello, "let start () = foo")
    done = labkit("build", hello, "--json")
    assert done.returncode == 125
    assert done.stderr == ""
    error = json.loads(done.stdout)["error"]
    assert error["type"] == "CompileError"
    assert error["whose_turn"] == "your code or command"
    assert error["diagnostics"][0]["path"] == str(hello / "unikernel.ml")
    assert error["diagnostics"][0]["line"] == 1
    for words in (["build", "--json"], ["build", "nonesuch", "--json"], ["frob", "--json"]):
        done = labkit(*words)
        assert done.returncode == 125
        assert json.loads(done.stdout)["error"]["type"] == "UsageError"


def test_a_compile_error_for_people(hello: Path) -> None:
    done = labkit("build", unikernel(hello, 'let start () = print_int "a"; Lwt.return ()'))
    assert done.returncode == 125
    assert f"{hello}/unikernel.ml:1:26" in done.stderr
    assert '1 | let start () = print_int "a"' in done.stderr
    assert "^^^" in done.stderr
    assert "int_of_string" in done.stderr


def test_progress_goes_to_a_terminal_or_is_asked_for(hello: Path) -> None:
    assert labkit("build", hello).stderr.count("\n") == 1
    for words in (["-v", "build", hello], ["build", "-v", hello]):
        assert "build hello: begins" in labkit(*words).stderr
    (hello / "note.txt").write_text(str(time.time()))
    ours, theirs = os.openpty()
    process = subprocess.Popen([*LABKIT, "build", str(hello)], stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    assert process.wait(60) == 0
    os.close(ours)
    if process.stdout:
        process.stdout.close()
    assert b"\r\x1b[K" in shown, "a line that changes"


def test_corrupt_images(tmp_path: Path) -> None:
    for content in (b"", b"\x7fELF", b"#!/bin/sh\n", os.urandom(4096)):
        (tmp_path / "broken.virtio").write_bytes(content)
        done = labkit("run", tmp_path / "broken.virtio")
        assert done.returncode == 125
        assert "broken.virtio" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_bad_setting_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_MEMORY", "lots")
    done = labkit("build", "images/hello")
    assert done.returncode == 125
    assert "LABKIT_MEMORY" in done.stderr


def test_import_is_quick() -> None:
    code = "import time; t = time.perf_counter(); import labkit; print(time.perf_counter() - t)"
    best = min(
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(5)
    )
    assert best < 0.15


def test_public_names() -> None:
    import labkit as package

    for name in package.__all__:
        assert getattr(package, name) is not None
        assert name in dir(package)
    with pytest.raises(AttributeError, match="nonesuch"):
        _ = package.nonesuch


# With guests


@pytest.mark.live
def test_run_passes_console_and_status() -> None:
    done = labkit("run", "images/hello", "--", "--count", "2", "--hello", 'a "b" \\ c')
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('a "b" \\ c') == 2


@pytest.mark.live
@pytest.mark.parametrize("status", [3, 124, 125, 255])
def test_the_guests_own_status_passes_through(hello: Path, status: int) -> None:
    done = labkit("run", unikernel(hello, f"let start () = exit {status}"))
    assert done.returncode == status, done.stderr


@pytest.mark.live
def test_an_uncaught_exception_names_the_line(hello: Path) -> None:
    text = 'let check n =\n  if n > 0 then failwith "too many"\n\nlet start () =\n  check 3;\n  Lwt.return_unit\n'
    done = labkit("run", unikernel(hello, text))
    assert done.returncode not in {0, 125}
    assert "too many" in done.stdout
    assert re.search(r"unikernel\.ml.* line 2", done.stdout)


FOREVER = """
let rec start () =
  print_endline "tick";
  Lwt.bind (Mirage_sleep.ns 50_000_000L) start
"""


@pytest.mark.live
def test_the_time_limit_is_124_and_leaves_nothing(hello: Path) -> None:
    done = labkit("run", "--timeout", "1", unikernel(hello, FOREVER))
    assert done.returncode == 124, done.stderr
    assert "tick" in done.stdout
    assert json.loads(labkit("ps", "--json").stdout) == {"guests": []}


@pytest.mark.live
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signals_stop_the_guest(hello: Path, number: signal.Signals, status: int) -> None:
    process = subprocess.Popen([*LABKIT, "run", str(unikernel(hello, FOREVER))], stdout=subprocess.PIPE)
    assert process.stdout
    with process.stdout as out:
        out.readline()
        process.send_signal(number)
        assert process.wait(20) == status
    assert json.loads(labkit("ps", "--json").stdout) == {"guests": []}


@pytest.mark.live
def test_the_console_is_live(hello: Path) -> None:
    slow = 'let start () = print_endline "first"; Mirage_sleep.ns 3_000_000_000L'
    process = subprocess.Popen([*LABKIT, "run", str(unikernel(hello, slow))], stdout=subprocess.PIPE)
    assert process.stdout
    with process.stdout as out:
        assert out.readline().strip() == b"first"
        assert process.poll() is None, "the line came while the guest runs"
        assert process.wait(20) == 0


@pytest.mark.live
def test_nobody_reads_any_more(hello: Path) -> None:
    process = subprocess.Popen(
        [*LABKIT, "run", str(unikernel(hello, FOREVER))], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(20) == 141
    assert process.stderr
    with process.stderr as complaints:
        assert complaints.read() == b""
    assert json.loads(labkit("ps", "--json").stdout) == {"guests": []}


@pytest.mark.live
def test_a_reader_that_stands_still_does_not_keep_us_from_ending(hello: Path) -> None:
    text = "let rec start () = print_endline (String.make 4000 'x'); Lwt.bind (Lwt.pause ()) start"
    process = subprocess.Popen([*LABKIT, "run", str(unikernel(hello, text))], stdout=subprocess.PIPE)
    assert process.stdout
    with process.stdout as out:
        out.read(1)
        time.sleep(1)  # the pipe is full now
        process.terminate()
        assert process.wait(20) == 143


@pytest.mark.live
def test_standard_input_reaches_the_guest(root: Path) -> None:
    image = root / "tests" / "images" / "echo"
    process = subprocess.Popen(
        [*LABKIT, "run", "--timeout", "30", str(image)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    seen = b""
    with process.stdin as typed, process.stdout as out:
        typed.write(b"well met\n")
        typed.flush()
        deadline = time.monotonic() + 20
        while b"well met" not in seen and time.monotonic() < deadline:
            if select.select([out], [], [], 0.5)[0]:
                seen += os.read(out.fileno(), 4096)
        process.terminate()
        process.wait(20)
    assert b"well met" in seen


@pytest.mark.live
def test_a_guest_that_stays(hello: Path) -> None:
    done = labkit("run", "--stay", unikernel(hello, FOREVER))
    assert done.returncode == 0, done.stderr
    name = done.stdout.strip()
    try:
        assert name in labkit("ps").stdout
        (guest,) = json.loads(labkit("ps", "--json").stdout)["guests"]
        assert (guest["name"], guest["stay"], guest["orphaned"]) == (name, True, False)
        process = subprocess.Popen(
            [*LABKIT, "console", name], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        assert process.stdout
        with process.stdout as out:
            assert out.readline().strip() == b"tick"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
        assert labkit("console", "nonesuch").returncode == 125
        assert labkit("gc").returncode == 0
        assert name in labkit("ps").stdout, "leaving its console does not end it, nor does gc"
    finally:
        stopped = labkit("stop", name)
    assert stopped.stdout.strip() == name
    assert json.loads(labkit("ps", "--json").stdout) == {"guests": []}
    assert labkit("stop", name).returncode == 125
    assert labkit("stop", "--all").returncode == 0


@pytest.mark.live
def test_the_doctor_boots_something() -> None:
    done = labkit("doctor", "--json")
    value = json.loads(done.stdout)
    checks = {check["name"]: check for check in value["checks"]}
    assert done.returncode == 0, checks
    assert value["ok"] is True
    assert value["virtualisation"] in {"kvm", "emulation"}
    for target in ("virtio", "unix"):
        assert "greeted" in checks[f"target {target}"]["reason"]
    assert "hello" in checks["target xen"]["reason"], "greeted on a Xen host, or why it did not"
    assert "ok  target virtio: " in labkit("doctor").stdout


@pytest.mark.live
def test_the_doctor_on_a_machine_that_lacks_something(tmp_path: Path) -> None:
    done = labkit("doctor", "--json", env={**os.environ, "PATH": str(tmp_path)})
    value = json.loads(done.stdout)
    assert done.returncode == 125
    checks = {check["name"]: check for check in value["checks"]}
    assert not checks["programs"]["ok"]
    assert "make lab" in checks["programs"]["cure"]
    assert not checks["target virtio"]["ok"]
    assert not checks["target unix"]["ok"]


@pytest.mark.live
def test_a_linux_guest_on_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "user-data").write_text("#!/bin/sh\necho hello from $(hostname)\npoweroff\n")
    done = labkit("run", "images/lean-linux", "--user-data", tmp_path / "user-data", "--host-name", "web-9")
    assert done.returncode == 0, done.stderr
    assert "hello from web-9" in done.stdout


@pytest.mark.live
def test_images_are_compared(root: Path) -> None:
    done = labkit("compare", "--quick", "images/web", "images/web", "--json")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    one, other = value["a"]["figures"], value["b"]["figures"]
    for name in ("image_bytes", "contents", "open_ports", "devices", "system_calls", "libraries"):
        assert one[name] == other[name], name
    assert one["open_ports"]["value"] == [80]
    assert one["first_answer"]["value"] > 0


def test_linux_is_built_and_put_somewhere(tmp_path: Path) -> None:
    done = labkit("build", "images/lean-linux", "--output", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    value = json.loads(done.stdout)
    assert value["path"] == str((tmp_path / "out" / "lean-linux.vmlinuz").resolve())
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert files == ["domain.xml", "lean-linux.initrd", "lean-linux.vmlinuz"]
    xml = (tmp_path / "out" / "domain.xml").read_text()
    assert f"<initrd>{tmp_path}/out/lean-linux.initrd</initrd>" in xml
    assert value["bytes"] == sum(path.stat().st_size for path in (tmp_path / "out").glob("lean-linux.*"))
