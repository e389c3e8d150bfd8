"""The lists of packages: each is the only one, well formed, pinned, and free of any index's address."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

LOCKS = ("lab", "test")


def lock(root: Path, purpose: str) -> str:
    return (root / "setup" / f"requirements-{purpose}.lock").read_text()


def pinned(root: Path, purpose: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock(root, purpose), re.MULTILINE))


def wanted(root: Path, *extras: str) -> set[str]:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(x for e in extras for x in project["optional-dependencies"][e])]
    return {re.split(r"[<>=]", line)[0] for line in lines}


def test_each_debian_package_has_a_group_and_a_reason(root: Path) -> None:
    lines = [
        line
        for line in (root / "setup" / "debian-packages.txt").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    for line in lines:
        assert re.fullmatch(r"[a-z0-9][a-z0-9+.-]+ +(lab|test) +# \S.*", line), line
    names = [line.split()[0] for line in lines]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("purpose", LOCKS)
def test_every_pin_has_a_hash_and_no_index_is_named(root: Path, purpose: str) -> None:
    text = lock(root, purpose)
    entries = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        assert "--hash=sha256:" in entry, entry.splitlines()[0]
    assert "://" not in text
    assert "--index" not in text
    assert "--find-links" not in text


def test_the_locks_hold_what_pyproject_asks_for(root: Path) -> None:
    assert wanted(root, "lab") <= pinned(root, "lab").keys()
    assert wanted(root, "lab", "test") <= pinned(root, "test").keys()


def test_the_test_lock_widens_the_lab_lock(root: Path) -> None:
    assert pinned(root, "lab").items() <= pinned(root, "test").items()


def test_conda_gets_the_same_pins(root: Path) -> None:
    text = (root / "environment.yml").read_text()
    assert "-r setup/requirements-lab.lock" in text
    assert re.search(r"^  - python=3\.\d+$", text, re.MULTILINE)


def test_systems_are_well_formed(root: Path) -> None:
    lines = [
        line.split()
        for line in (root / "setup" / "systems.txt").read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    assert ["debian", "12", "tested"] in [line[:3] for line in lines]
    for line in lines:
        assert line[2] in ("tested", "planned"), line
        assert all(re.fullmatch(r"[a-z0-9+.-]+=[a-z0-9+.-]+", word) for word in line[3:]), line


def library_packages(root: Path) -> dict[str, str]:
    """The Debian package of each OCaml library that libos/ names and does not bring itself."""
    named: set[str] = set()
    own: set[str] = set()
    for file in (root / "libos").rglob("dune"):
        if "_build" not in file.parts:
            text = file.read_text()
            named.update(word for found in re.findall(r"\(libraries([^()]*)", text) for word in found.split())
            own.update(re.findall(r"\((?:public_name|name)\s+([^\s()]+)\)", text))
    packages = {}
    where = subprocess.run(["ocamlfind", "ocamlc", "-where"], capture_output=True, text=True, check=True)
    standard = Path(where.stdout.strip())
    for library in sorted(named - own):
        query = ["ocamlfind", "query", library]
        folder = Path(subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip())
        if folder == standard:
            continue  # it comes with the compiler
        compiled = next(folder.glob("*.cmxa"))
        owner = subprocess.run(["dpkg", "-S", compiled], capture_output=True, text=True, check=True).stdout
        packages[library] = owner.partition(":")[0]
    return packages


def test_every_library_of_the_library_os_is_in_the_list(root: Path) -> None:
    text = (root / "setup" / "debian-packages.txt").read_text()
    listed = set(re.findall(r"^([a-z0-9+.-]+) ", text, re.MULTILINE))
    found = library_packages(root)
    assert found.keys() >= {"lwt", "logs"}
    assert {library: package for library, package in found.items() if package not in listed} == {}
