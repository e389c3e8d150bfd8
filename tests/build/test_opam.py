"""The opam toolchain up to upstream's own programs: with a real opam, over a list of packages made here.

Upstream is not on the machines that run the tests. What stands in its place is there to fail, each time otherwise.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from labkit import events
from labkit.build.builder import build
from labkit.build.cache import Cache
from labkit.build.diagnostics import CompileError
from labkit.build.opam import install as installing
from labkit.build.opam.install import install
from labkit.build.opam.opam import lab_root
from labkit.build.opam.status import status
from labkit.build.opam.switch import find_switch
from labkit.build.opam.trouble import opam_error
from labkit.build.opam.versions import WINDOWS, Window
from labkit.build.tools import Finished
from labkit.cli.app import app
from labkit.errors import BuildError, HostError, LabError, MissingTool, SourceError

# What opam reads of a package, and a program that fails as the source folder says.
PACKAGE = 'opam-version: "2.0"\ndepends: [{depends}]\nbuild: ["sh" "-c" "{build}"]\n'
MIRAGE = """install: ["sh" "-c" "mkdir -p %{{bin}}%; cp {folder}/mirage %{{bin}}%/mirage"]\n"""
PROGRAM = """#!/bin/sh
test "$1" = query && exit 1
case "$PWD" in */asked) ;; *) sh ./configure.sh || exit 1 ;; esac
cp makefile.txt Makefile && mkdir -p mirage && cp config.ml mirage/image.opam
echo '{"devices": []}' > mirage/manifest.json
"""
VERSIONS = {
    "ocaml-base-compiler": "5.4.1",
    "ocaml": "5.4.1",
    "mirage": "4.11.1",
    "opam-monorepo": "0.4.3",
    "solo5": "0.12.1",
    "ocaml-solo5": "1.3.2",
}


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A list of packages."""
    folder = tmp_path_factory.mktemp("opam")
    (folder / "mirage").write_text(PROGRAM)
    (folder / "mirage").chmod(0o755)
    (folder / "repo").write_text('opam-version: "2.0"\n')
    for name in VERSIONS:
        describe(folder, name)
    return folder


def describe(folder: Path, name: str, build: str = "true", version: str = "") -> None:
    """Put a package into the list, or change it there."""
    place = folder / "packages" / name / f"{name}.{version or VERSIONS[name]}"
    place.mkdir(parents=True, exist_ok=True)
    depends = {"ocaml": '"ocaml-base-compiler"', "ocaml-base-compiler": ""}.get(name, '"ocaml"')
    text = PACKAGE.format(build=build, depends=depends)
    extra = "flags: compiler\n" if name == "ocaml-base-compiler" else ""
    (place / "opam").write_text(text + extra + (MIRAGE.format(folder=folder) if name == "mirage" else ""))


@pytest.fixture(autouse=True)
def no_student(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No switch but those that the test makes, and no space but what is needed."""
    for name in ("OPAMSWITCH", "OPAM_SWITCH_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPAMROOT", str(tmp_path / "student"))
    monkeypatch.setattr(installing, "FREE_BYTES", 1 << 20)


@pytest.fixture(scope="module")
def installed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """A cache with the lab's own switch."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(installing, "FREE_BYTES", 1 << 20)
        cache = Cache(tmp_path_factory.mktemp("cache"), 1 << 30)
        install(cache, str(repository))
    return cache


@pytest.fixture
def ready(installed: Cache, monkeypatch: pytest.MonkeyPatch) -> Cache:
    """The same, as the settings' choice."""
    monkeypatch.setenv("LABKIT_CACHE", str(installed.folder))
    return installed


def test_windows() -> None:
    assert [
        Window("4.10", "5").has(text) for text in ("4.9.0", "4.10.0", "v4.11.1", "5.0.0~beta1", "nonsense")
    ] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert all(WINDOWS[name].has(version) for name, version in VERSIONS.items() if name in WINDOWS)


def test_no_opam(tmp_path: Path, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match="needs the program opam") as caught:
        build(hello, "spt", toolchain="opam")
    assert "labkit toolchain install opam" in caught.value.next_step
    found = status(tmp_path)
    assert not found.ready
    assert found.next_step == caught.value.next_step


def test_an_opam_that_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = tmp_path / "opam"
    old.write_text("#!/bin/sh\necho 2.0.5\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(MissingTool, match=r"is opam 2\.0\.5; labkit works with 2\.1 or later"):
        find_switch(tmp_path)


def test_no_switch(tmp_path: Path, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABKIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(MissingTool, match="there is no switch of it") as caught:
        build(hello, toolchain="opam")
    assert "labkit toolchain install opam" in caught.value.next_step


def test_it_is_installed_and_again(repository: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 1 << 30)
    told: list[events.Event] = []
    with events.subscribed(told.append):
        switch = install(cache, str(repository))
    assert {name: switch.versions[name] for name in ("mirage", "solo5")} == {
        "mirage": "4.11.1",
        "solo5": "0.12.1",
    }
    assert switch.ours
    assert switch.missing == []
    assert not (tmp_path / "student").exists()
    parts = [event.fraction for event in told if event.step == told[0].step and event.fraction is not None]
    assert parts == sorted(parts)
    assert parts[-1] == 1.0
    assert {f"installed {name}.{VERSIONS[name]}" for name in ("mirage", "ocaml-solo5")} <= {
        e.detail for e in told
    }
    told.clear()
    with events.subscribed(told.append):
        assert install(cache, str(repository)).versions == switch.versions
    assert [event.detail for event in told] == ["", "it is there already", ""]


def test_it_goes_on_where_it_stopped(repository: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 1 << 30)
    describe(repository, "ocaml-solo5", build="echo no cross compiler; false")
    told: list[events.Event] = []
    try:
        with pytest.raises(BuildError, match=r"its package ocaml-solo5\.1\.3\.2 does not build") as caught:
            install(cache, str(repository))
        assert "no cross compiler" in caught.value.evidence[0].text
        found = status(cache.folder)
        assert found.switch is not None
    finally:
        describe(repository, "ocaml-solo5")
    with events.subscribed(told.append):
        install(cache, str(repository))
    done = [event.detail for event in told if event.detail.startswith("installed ")]
    assert done == ["installed ocaml-solo5.1.3.2"]


def test_an_interrupted_beginning(repository: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 1 << 30)
    describe(repository, "ocaml-base-compiler", build="false")
    try:
        (lab_root(cache.folder) / "repo").mkdir(parents=True)  # as Ctrl-C leaves it
        with pytest.raises(BuildError, match="ocaml-base-compiler"):
            install(cache, str(repository))
    finally:
        describe(repository, "ocaml-base-compiler")
    assert not install(cache, str(repository)).missing


def test_a_system_library_is_missing(repository: Path, tmp_path: Path) -> None:
    place = repository / "packages" / "conf-gmp" / "conf-gmp.5"
    place.mkdir(parents=True)
    (place / "opam").write_text('opam-version: "2.0"\nbuild: ["false"]\n')
    text = (repository / "packages/solo5/solo5.0.12.1/opam").read_text()
    (repository / "packages/solo5/solo5.0.12.1/opam").write_text(
        text.replace('"ocaml"', '"ocaml" "conf-gmp"')
    )
    try:
        with pytest.raises(MissingTool, match=r"conf-gmp\.5 does not find gmp on this machine") as caught:
            install(Cache(tmp_path / "cache", 1 << 30), str(repository))
        assert "libgmp-dev" in caught.value.next_step
    finally:
        describe(repository, "solo5")
        shutil.rmtree(place)


def test_no_network(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="does not reach what it wants to download") as caught:
        install(Cache(tmp_path / "cache", 1 << 30), "http://127.0.0.1:9/")
    assert "--toolchain offline" in caught.value.next_step


def test_no_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "FREE_BYTES", 1 << 60)
    with pytest.raises(HostError, match="MiB are free"):
        install(Cache(tmp_path / "cache", 1 << 30))
    assert not lab_root(tmp_path / "cache").exists()


def test_a_version_that_is_not_supported(repository: Path, tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache", 1 << 30)
    describe(repository, "mirage", version="9.0.0")
    try:
        with pytest.raises(BuildError, match="not in versions that labkit works with"):
            install(cache, str(repository))
        with pytest.raises(MissingTool, match=r"mirage 9\.0\.0 \(supported: 4\.10 or later, before 5\)"):
            find_switch(cache.folder)
    finally:
        shutil.rmtree(repository / "packages/mirage/mirage.9.0.0")


def test_the_students_own_switch(installed: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPAMROOT", str(lab_root(installed.folder)))
    switch = find_switch(tmp_path)
    assert not switch.ours
    assert switch.versions["mirage"] == "4.11.1"


def test_the_commands(ready: Cache, capfd: pytest.CaptureFixture[str]) -> None:
    app(["toolchain", "status", "--json"], standalone_mode=False)
    offline, opam = json.loads(capfd.readouterr().out)["toolchains"]
    assert offline["ready"]
    assert opam["ready"]
    assert opam["switch"]["ours"]
    assert opam["switch"]["versions"]["mirage"] == "4.11.1"
    assert opam["supported"]["solo5"] == "0.9 or later, before 0.13"
    app(["toolchain", "status"], standalone_mode=False)
    assert "mirage 4.11.1" in capfd.readouterr().out
    app(["toolchain", "install", "opam"], standalone_mode=False)
    said = capfd.readouterr()
    assert said.out == f"{lab_root(ready.folder)}/lab\n"
    assert "315 MB" in said.err.splitlines()[0]


@pytest.fixture
def source(hello: Path) -> Path:
    """A source folder on which mirage does what a test says."""
    return hello


def fails(
    folder: Path, configure: str = "true", depends: str = "@true", make: str = "@true", target: str = "spt"
) -> LabError:
    """The error of a build with an upstream that fails so."""
    (folder / "configure.sh").write_text(configure)
    (folder / "makefile.txt").write_text(f"depends:\n\t{depends}\nbuild:\n\t{make}\n")
    with pytest.raises(LabError) as caught:
        build(folder, target, toolchain="opam")
    return caught.value


def test_mirage_refuses(ready: Cache, source: Path) -> None:
    error = fails(source, "echo 'mirage: unknown key'; exit 1")
    assert isinstance(error, SourceError)
    assert error.what == "mirage refuses config.ml."
    assert "unknown key" in error.evidence[0].text


def test_config_ml_does_not_compile(ready: Cache, source: Path) -> None:
    (source / "config.ml").write_text("let () = nothing\n")
    error = fails(source, "ocamlfind ocamlc -c config.ml")
    assert isinstance(error, CompileError)
    assert error.what == "config.ml, line 1: Unbound value nothing"
    assert error.diagnostics[0].path == str(source / "config.ml")


def test_the_sources_do_not_compile(ready: Cache, source: Path) -> None:
    (source / "unikernel.ml").write_text("let start () =\n  print_int true\n")
    setup = (
        "echo '(lang dune 2.9)' > dune-project; echo '(executable (name unikernel))' > dune; : > config.ml"
    )
    error = fails(source, setup, make="@dune build --profile release --root . ./unikernel.exe")
    assert isinstance(error, CompileError)
    (found,) = error.diagnostics
    assert (found.file, found.line, found.column, found.last_column) == ("unikernel.ml", 2, 13, 16)
    assert found.excerpt.splitlines()[-1].strip("| ") == "^^^^"


@pytest.mark.parametrize(
    ("output", "status", "kind", "words"),
    [
        ("[ERROR] Failed to get sources of lwt.5.9: Curl failed", 40, HostError, "does not reach"),
        ("opam-monorepo: unable to access 'x': Could not resolve host: y", 1, HostError, "does not reach"),
        ("[ERROR] Package conflict!\n  * Missing dependency:\n    - nosuch", 20, SourceError, "no versions"),
        (
            '[ERROR] The compilation of lwt.5.9 failed at "dune".\n# no',
            31,
            BuildError,
            "lwt.5.9 does not build",
        ),
        ("something else", 5, BuildError, "cannot bring the packages of hello"),
    ],
)
def test_the_packages_do_not_come(
    ready: Cache, source: Path, output: str, status: int, kind: type[LabError], words: str
) -> None:
    (source / "words.txt").write_text(output)
    error = fails(source, depends=f"@cat words.txt; exit {status}")
    assert type(error) is kind
    assert words in error.what
    assert output.splitlines()[0] in error.evidence[0].text
    # What was fetched stays for the next attempt, which needs no configuring.
    again = fails(source, depends=f"@cat words.txt; exit {status}")
    assert again.what == error.what


def test_no_image_comes(ready: Cache, source: Path) -> None:
    error = fails(source)
    assert isinstance(error, BuildError)
    assert "no image for spt in dist/" in error.what
    assert "$ make build" in error.evidence[0].text


def test_an_old_image_is_not_taken_for_a_new_one(ready: Cache, source: Path) -> None:
    once = "@mkdir -p dist; test -e once || (touch once; echo old > dist/hello.spt)"
    assert "is not an ELF file" in fails(source, make=once).what
    assert "no image for spt" in fails(source, make=once).what


def test_a_refused_config_ml_is_configured_again(ready: Cache, source: Path) -> None:
    good = (source / "config.ml").read_text()
    assert "no image" in fails(source).what
    (source / "config.ml").write_text("let")
    assert fails(source, "false").what == "mirage refuses config.ml."
    (source / "config.ml").write_text(good)
    assert fails(source, "false").what == "mirage refuses config.ml."


def test_each_step_only_when_needed(ready: Cache, source: Path) -> None:
    (source / "unikernel.ml").write_text("let start () = ()")
    done = source / "done"

    def noted() -> list[str]:
        lines = done.read_text().split()
        done.unlink()
        return lines

    def attempt() -> list[str]:
        fails(source, f"echo c >> {done}", f"@echo d >> {done}", f"@echo b >> {done}")
        return noted()

    assert attempt() == ["c", "d", "b"]
    (source / "unikernel.ml").write_text("let start () = () (* changed *)")
    assert attempt() == ["b"]
    (source / "config.ml").write_text("(* changed *)")
    assert attempt() == ["c", "d", "b"]


def test_lines_come_as_they_are_printed(ready: Cache, source: Path) -> None:
    told: list[events.Event] = []
    with events.subscribed(told.append):
        fails(source, make="@echo one; echo two; exit 1")
    details = [event.detail for event in told if event.name == "compile"]
    assert details[details.index("make build") + 1 :][:2] == ["one", "two"]


def test_an_error_of_a_kind_nobody_knows() -> None:
    error = opam_error(Finished(99, "\n".join(f"line {n}" for n in range(100))), "do it")
    assert error.what == "opam cannot do it (status 99)."
    assert error.evidence[0].text.splitlines()[0] == "line 70"
