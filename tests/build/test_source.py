"""Source folders, good and bad."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from labkit.build import source
from labkit.build.source import ImageSource
from labkit.errors import UsageError


def names(found: ImageSource) -> list[str]:
    return [file.name for file in found.files()]


def test_found_by_path_name_and_config(root: Path, hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    shipped = root / "images" / "hello"
    for given in ("hello", "images/hello", shipped, shipped / "config.ml"):
        assert ImageSource.find(given, root=root).folder == shipped
    monkeypatch.chdir(hello.parent)
    assert ImageSource.find("hello", root=root).folder == hello, "a path that exists wins"


@pytest.mark.parametrize("given", ["nonesuch", "", "a\0b", "nonesuch/hello", "/etc/hostname"])
def test_not_found(given: str, root: Path) -> None:
    with pytest.raises(UsageError) as raised:
        ImageSource.find(given, root=root)
    assert "hello" in raised.value.next_step, "says what there is"


def test_a_folder_without_config(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no config\.ml"):
        ImageSource.find(tmp_path)


def test_what_counts_as_source(hello: Path) -> None:
    for name in (
        "_build/x",
        ".git/config",
        ".hidden",
        "disk.img",
        "dist/hello",
        "dune-project",
        "local/dune",
        "local/dune-project",
        "web/dist/page.html",
    ):
        (hello / name).parent.mkdir(parents=True, exist_ok=True)
        (hello / name).write_text("x")
    assert names(ImageSource(hello)) == [
        *("config.ml", "local/dune", "local/dune-project", "unikernel.ml", "web/dist/page.html")
    ]


def test_the_digest_is_of_names_and_contents(hello: Path) -> None:
    def digest() -> str:
        this = ImageSource(hello)
        return this.digest_of(this.files())

    first = digest()
    os.utime(hello / "config.ml", (0, 0))
    assert digest() == first, "times do not count"
    (hello / "empty").touch()
    second = digest()
    assert second != first
    (hello / "empty").rename(hello / "other")
    assert digest() not in {first, second}


def test_links(hello: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.ml").write_text("let x = 1")
    (hello / "linked.ml").symlink_to(tmp_path / "outside.ml")
    assert "linked.ml" in names(ImageSource(hello)), "a link to a file is a way to have its content"
    (hello / "gone.ml").symlink_to("nowhere.ml")
    with pytest.raises(UsageError, match=r"gone\.ml .* link to nowhere\.ml, which does not exist"):
        ImageSource(hello).files()
    (hello / "gone.ml").unlink()
    (hello / "up").symlink_to("..")
    with pytest.raises(UsageError, match=r"up .* link to the folder \.\."):
        ImageSource(hello).files()


def test_what_is_no_file(hello: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(hello / "s"))
        with pytest.raises(UsageError, match="neither a file nor a folder"):
            ImageSource(hello).files()


@pytest.mark.parametrize("name", [b"\xff.ml", b"a\nb.ml"])
def test_names_that_are_none(hello: Path, name: bytes) -> None:
    Path(os.fsdecode(os.fsencode(hello) + b"/" + name)).touch()
    with pytest.raises(UsageError, match="Rename it"):
        ImageSource(hello).files()


def test_a_name_that_the_build_generates(hello: Path) -> None:
    (hello / "main.ml").touch()
    with pytest.raises(UsageError, match=r"main\.ml .* generates"):
        ImageSource(hello).files()


def test_too_large(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (hello / "huge.dat").open("wb") as huge:
        huge.truncate(source.MOST_BYTES + 1)
    with pytest.raises(UsageError, match="MiB"):
        ImageSource(hello).files()
    (hello / "huge.dat").unlink()
    monkeypatch.setattr(source, "MOST_FILES", 1)
    with pytest.raises(UsageError, match="more than 1 files"):
        ImageSource(hello).files()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable(hello: Path) -> None:
    (hello / "secret.ml").touch(mode=0)
    this = ImageSource(hello)
    with pytest.raises(UsageError, match="cannot be read"):
        this.digest_of(this.files())
