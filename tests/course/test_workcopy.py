"""labkit.course.workcopy: what a student writes is never lost, and never written to the original."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.course.workcopy import WorkingCopy, working_copies, working_copy
from labkit.errors import HostError, UsageError


@pytest.fixture
def copy(hello: Path) -> WorkingCopy:
    return working_copy(str(hello))


def test_writing_keeps_every_text_and_leaves_the_original(copy: WorkingCopy, hello: Path) -> None:
    original = (hello / "unikernel.ml").read_text()
    for text in ("one", "two", "two", "one"):
        copy.write("unikernel.ml", text)
    kept = [version.path.read_text() for version in copy.versions("unikernel.ml")]
    assert kept == ["one", "two", "one"]
    assert [version.number for version in copy.versions("unikernel.ml")] == [1, 2, 3]
    assert (hello / "unikernel.ml").read_text() == original
    assert copy.changed() == ["unikernel.ml"]
    assert working_copies() == ["hello"]


def test_what_was_saved_in_an_editor_is_kept_too(copy: WorkingCopy) -> None:
    copy.make()
    copy.path("unikernel.ml").write_text("typed in an editor")
    copy.write("unikernel.ml", "from a cell")
    assert [v.path.read_text() for v in copy.versions("unikernel.ml")] == [
        "typed in an editor",
        "from a cell",
    ]


def test_reset_keeps_what_it_replaces(copy: WorkingCopy, hello: Path) -> None:
    copy.write("unikernel.ml", "mine")
    copy.path("more.ml").write_text("new")
    copy.path("config.ml").write_text("edited")
    assert copy.reset() == ["config.ml", "more.ml", "unikernel.ml"]
    assert copy.changed() == []
    assert copy.files() == ["config.ml", "unikernel.ml"]
    assert [v.path.read_text() for v in copy.versions("more.ml")] == ["new"]
    assert [v.path.read_text() for v in copy.versions("config.ml")] == ["edited"]
    copy.restore("unikernel.ml", 1)
    assert copy.path("unikernel.ml").read_text() == "mine"


def test_a_missing_version_is_named(copy: WorkingCopy) -> None:
    with pytest.raises(UsageError, match="no version 4"):
        copy.make().restore("unikernel.ml", 4)


@pytest.mark.parametrize("name", ["../config.ml", "/etc/passwd", ".hidden", "a/../../b", ""])
def test_names_do_not_lead_out(copy: WorkingCopy, name: str) -> None:
    with pytest.raises(UsageError):
        copy.write(name, "x")


def test_two_copies_of_one_image_are_apart(hello: Path) -> None:
    one, two = working_copy(str(hello), "one"), working_copy(str(hello), "two")
    one.write("unikernel.ml", "1")
    two.write("unikernel.ml", "2")
    assert one.path("unikernel.ml").read_text() == "1"


def test_a_copy_stays_of_its_original(copy: WorkingCopy, hello: Path) -> None:
    copy.make()
    other = hello.with_name("other")
    hello.rename(other)
    with pytest.raises(UsageError, match="is one of hello"):
        working_copy(str(other), "hello").make()


def test_a_copy_of_a_copy_is_refused(copy: WorkingCopy) -> None:
    copy.make()
    with pytest.raises(UsageError, match="a copy of yours already"):
        working_copy(str(copy.folder))


def test_a_folder_that_cannot_be_written(copy: WorkingCopy, lab: Path) -> None:
    lab.write_text("a file is in the way")
    with pytest.raises(HostError, match="cannot be written"):
        copy.make()
