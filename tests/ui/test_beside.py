"""labkit.ui: images, files and boots of several targets beside each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import labkit
from labkit.errors import UsageError
from labkit.ui import explain, sections, timeline, timelines
from labkit.ui.pictures.explanations import explained

TARGETS = ("unix", "virtio", "xen")


@pytest.mark.parametrize("name", ["hello", "block", "web"])
def test_every_line_of_every_file_is_explained(root: Path, name: str) -> None:
    for target, files in (("virtio", ["xml"]), ("xen", ["xml", "xl"])):
        image = labkit.build(root / "images" / name, target)
        for file in files:
            text = image.xl_configuration if file == "xl" else image.domain_xml
            lines = explained(text)
            assert [line for line, words in lines if words is None] == []
            assert text.rstrip().endswith("\n".join(line for line, _ in lines)), "as they lie in the file"
            silent = [line.strip() for line, words in lines if words == ""]
            assert all(line == "" or line.startswith(("</", "]", "#")) for line in silent)


def test_a_guests_own_file_is_explained_too(root: Path) -> None:
    """That of a running guest has more: arguments, sockets, an owner."""
    image = labkit.build(root / "images" / "hello")
    text = image.domain_xml.replace("  </os>", "    <cmdline>--count=1</cmdline>\n  </os>")
    assert ("    <cmdline>--count=1</cmdline>", "the unikernel's arguments") in explained(text)
    assert explained(text.replace("<vcpu>1</vcpu>", "<vcpu>9</vcpu>"))[3][1] is None


def test_what_is_shown_holds_no_folder(root: Path) -> None:
    image = labkit.build(root / "images" / "web", "xen")
    shown = explain(image)
    assert str(image.path.parent) not in shown.html + str(shown)
    assert "<kernel>…/web.xen</kernel>" in str(shown)
    assert "the image, web.xen" in shown.html


def test_files_that_are_not_there(root: Path) -> None:
    with pytest.raises(UsageError, match="no file 'xl' beside it") as caught:
        explain(labkit.build(root / "images" / "hello"), "xl")
    assert "It has 'xml'" in caught.value.next_step
    with pytest.raises(UsageError, match="no file 'xml'"):
        explain(labkit.build(root / "images" / "hello", "unix"))


def test_sections_beside_each_other(root: Path) -> None:
    images = [labkit.build(root / "images" / "hello", target) for target in TARGETS]
    head, columns, *rows = str(sections(*images)).splitlines()
    assert head == "Sections of hello"
    assert columns.split() == ["section", *TARGETS]
    found = {row.split("  ")[0].strip(): row for row in rows}
    assert re.search(r"\.interp +28 bytes +– +– ", found[".interp"])
    assert re.search(r"\.note\.Xen +– +24 bytes +24 bytes ", found[".note.Xen"])
    assert ".text" in found
    assert "in memory" in found
    assert sections(*images).html.count("<tr>") == len(rows) + 1
    with pytest.raises(UsageError):
        sections()


@pytest.mark.live
def test_boots_beside_each_other(root: Path) -> None:
    guests = {t: labkit.boot(labkit.build(root / "images" / "hello", t)) for t in ("unix", "virtio")}
    try:
        picture = timelines(**guests)
        words = str(picture)
        assert re.search(
            r"unix: start is called after [\d.]+ ms \(Linux [\d.]+ ms, the program [\d.]+ ms\)", words
        )
        assert re.search(
            r"virtio: start is called after [\d.]+ ms \(firmware .*, OCaml runtime [\d.]+ ms\)", words
        )
        assert picture.html.count("<img ") == 1
        assert "the program" in str(timeline(guests["unix"]))
    finally:
        for guest in guests.values():
            guest.close()
    with pytest.raises(UsageError):
        timelines()
