"""`make test`: every check, test and notebook, phase by phase, then a look at what was left behind.

    tests/run.py [PHASE...]     only these phases; `lint` stands for all that run nothing but tools

A phase that fails does not stop the next ones. The last line counts tests; a phase that is no pytest run counts
as one.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from leftovers import leftovers

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.prefix) / "bin"


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Phase:
    """A named command; `lint` phases run no guest and none of the project's code."""

    name: str
    command: tuple[str, ...]
    what_to_do: str
    lint: bool = False
    pytest: bool = False
    minutes: int = 5


@dataclass
class Result:
    phase: str
    ok: bool
    seconds: float
    tally: Tally = field(default_factory=Tally)
    what_to_do: str = ""


def shell_scripts() -> list[str]:
    """The project's shell scripts: told by their first line."""
    scripts = []
    for folder in (".ci", "bench", "images", "labkit", "libos", "setup", "tests"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and "_build" not in path.parts:
                with path.open("rb") as file:
                    first = file.readline(80)
                if first.startswith(b"#!") and (b"bash" in first or first.rstrip().endswith(b"/sh")):
                    scripts.append(str(path.relative_to(ROOT)))
    return scripts


def phases() -> list[Phase]:
    tool = str(BIN)
    python = sys.executable
    return [
        Phase("ruff", (f"{tool}/ruff", "check", "."), "make format mends most of it", lint=True),
        Phase("format", (f"{tool}/ruff", "format", "--check", "."), "make format", lint=True),
        Phase("types", (f"{tool}/mypy", "--strict", "labkit"), "mend the types it names", lint=True),
        Phase("shell", ("shellcheck", *shell_scripts()), "mend the lines it names", lint=True),
        Phase("ocaml", ("dune", "build", "--root", "libos", "@check"), "mend what dune names", lint=True),
        Phase("ocaml-tests", ("dune", "test", "--root", "libos"), "dune test --root libos", minutes=10),
        Phase(
            "tests",
            (python, "-m", "pytest", "tests"),
            ".venv/bin/pytest NODE-ID runs one",
            pytest=True,
            minutes=45,
        ),
        Phase(
            "notebooks",
            (f"{tool}/labkit", "notebooks"),
            "open the notebook in `labkit lab` and run all of it",
            pytest=True,
            minutes=15,
        ),
    ]


def read_tally(report: Path) -> Tally:
    """The counts in a JUnit report; an unreadable or empty one is a failure: no test ran."""
    try:
        suites = list(ET.parse(report).getroot().iter("testsuite"))  # noqa: S314  pytest wrote it just now
    except (OSError, ET.ParseError):
        return Tally(failed=1)
    total = Tally()
    for suite in suites:
        tests, skipped = int(suite.get("tests", 0)), int(suite.get("skipped", 0))
        failed = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        total.skipped += skipped
        total.failed += failed
        total.passed += max(0, tests - skipped - failed)
    return total if total.passed + total.failed else Tally(failed=1)


def wait(process: subprocess.Popen[bytes], minutes: int) -> int:
    """The exit status of a phase, whose processes are a group: they end with us, or at their limit."""
    try:
        return process.wait(60 * minutes)
    except subprocess.TimeoutExpired:
        print(f"\nStill not done after {minutes} minutes: ended.", flush=True)
        return 124
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)


def run(phase: Phase, env: dict[str, str], scratch: Path) -> Result:
    print(f"\n=== {phase.name}: {' '.join(phase.command)}".replace(str(ROOT) + "/", ""), flush=True)
    report = scratch / f"{phase.name}.xml"
    if phase.pytest:
        env = env | {"PYTEST_ADDOPTS": f"{env.get('PYTEST_ADDOPTS', '')} --junitxml={report}"}
    began = time.monotonic()
    try:
        with subprocess.Popen(
            phase.command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, start_new_session=True
        ) as process:
            status = wait(process, phase.minutes)
    except FileNotFoundError:
        print(f"{phase.command[0]} is not installed: run `make test`, which installs it.")
        status = 127
    seconds = time.monotonic() - began
    tally = read_tally(report) if phase.pytest else Tally(passed=int(status == 0), failed=int(status != 0))
    if status != 0 and tally.failed == 0:
        tally.failed = 1
    return Result(phase.name, status == 0, seconds, tally, phase.what_to_do)


def check_leftovers(base: Path, temp: Path) -> Result:
    print("\n=== leftovers: no guest, domain, process, socket or folder of the lab is left", flush=True)
    began = time.monotonic()
    found = leftovers(base, temp)
    for line in found:
        print("  left behind:", line)
    tally = Tally(passed=int(not found), failed=int(bool(found)))
    return Result("leftovers", not found, time.monotonic() - began, tally, "find the test that made it")


def main(names: list[str], say: Callable[[str], None] = print) -> int:
    known = phases()
    wrong = set(names) - {phase.name for phase in known} - {"lint"}
    if wrong:
        print(
            f"No such phase: {', '.join(sorted(wrong))}. There are: lint, {', '.join(p.name for p in known)}."
        )
        return 2
    chosen = [p for p in known if not names or p.name in names or (p.lint and "lint" in names)]

    # Everything that a test makes goes to two folders of this run, so that what is left can be found.
    base = Path(tempfile.mkdtemp(prefix="lkr-", dir="/tmp"))  # short: socket paths end at 107 bytes
    base.chmod(0o711)  # as root, the daemon may have to run as nobody, in a folder beside the run folder
    temp = Path(tempfile.mkdtemp(prefix="lkt-", dir="/tmp"))
    scratch = Path(tempfile.mkdtemp(prefix="labkit-reports-"))
    env = os.environ | {
        "LABKIT_RUN": str(base / "r"),
        "TMPDIR": str(temp),
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    try:
        results = [run(phase, env, scratch) for phase in chosen]
        if not all(phase.lint for phase in chosen):
            results.append(check_leftovers(base, temp))
    finally:
        for folder in (base, temp, scratch):
            shutil.rmtree(folder, ignore_errors=True)

    say("")
    for result in results:
        end = "ok" if result.ok else f"FAILED   ({result.what_to_do})"
        say(f"  {result.phase:<12} {result.seconds:7.1f} s   {end}")
    total = Tally(
        sum(r.tally.passed for r in results),
        sum(r.tally.failed for r in results),
        sum(r.tally.skipped for r in results),
    )
    say("")
    say(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
