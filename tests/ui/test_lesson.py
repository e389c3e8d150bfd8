"""What a lesson shows: verdicts, hints, progress."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from labkit.course.exercise import Exercise, Lesson
from labkit.course.verdict import Outcome, Verdict
from labkit.errors import HostError, UsageError
from labkit.ui.lesson import LessonView, open_lesson
from labkit.ui.verdicts import VerdictShown

EXERCISE = Exercise(
    "one", "Do `it`.", lambda trial: trial.expect(False, "a < b", "b & a"), ("First.", "Second.", "Third.")
)


@pytest.fixture
def lesson(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LessonView:
    monkeypatch.setenv("LABKIT_LAB", str(tmp_path / "lab"))
    return LessonView(Lesson("try", (EXERCISE,)))


def html(shown: object) -> ET.Element:
    """What is shown, parsed; so it is well-formed."""
    return ET.fromstring(shown._repr_html_())  # type: ignore[attr-defined]  # noqa: S314


def test_a_verdict_is_shown_escaped_with_hints_inside_of_each_other(lesson: LessonView) -> None:
    shown = lesson.check("one")
    assert not shown.passed
    root = html(shown)
    said = " ".join("".join(root.itertext()).split())
    assert "✗ one: not yet" in said
    assert "Expected: a < b" in said
    assert "Seen: b & a" in said
    assert root.get("role") == "status"
    (outer,) = root.findall("details")
    assert outer.findtext("summary") == "Hint 1 of 3"
    assert outer.findtext("details/details/summary") == "Hint 3 of 3"
    assert repr(shown).startswith("✗ one: not yet")


def test_console_lines_and_code_look_like_themselves() -> None:
    verdict = Verdict("try", EXERCISE, Outcome.NOT_YET, (), "that `x --y` logs\n  a\n  b", "  <c>\n  d", "")
    root = html(VerdictShown(verdict))
    assert [code.text for code in root.iter("code")] == ["x --y"]
    assert [pre.text for pre in root.iter("pre")] == ["  a\n  b", "  <c>\n  d"]


def test_a_pass_shows_no_hints() -> None:
    root = html(VerdictShown(Verdict("try", EXERCISE, Outcome.PASSED, ("it is so",))))
    assert root.find("details") is None
    assert "✓ it is so" in "".join(root.itertext())


def test_what_could_not_be_checked_does_not_look_like_a_failure() -> None:
    shown = VerdictShown(Verdict("try", EXERCISE, Outcome.NO_VERDICT, (), "that it runs", "no libvirt"))
    assert "could not be checked" in "".join(html(shown).itertext())
    assert html(shown).find("details") is None


def test_hints_come_one_by_one_and_are_remembered(lesson: LessonView) -> None:
    assert repr(lesson.hint("one")) == "Hint 1 of 3: First."
    assert repr(lesson.hint("one")).splitlines()[-1] == "Hint 2 of 3: Second."
    lesson.hint("one")
    assert len(repr(lesson.hint("one")).splitlines()) == 3


def test_progress(lesson: LessonView) -> None:
    assert repr(lesson.progress()) == "try: 0 of 1 exercises\n  · one: Do `it`."
    passing = Exercise("one", "Do `it`.", lambda trial: trial.expect(True, "it", ""), ("A hint.",))
    again = LessonView(Lesson("try", (passing,)))
    assert again.check("one").passed
    assert again.progress().done == 1
    assert "✓" in "".join(html(again.progress()).itertext())


def test_a_disk_of_a_lesson_is_empty_whenever_it_is_asked_for(lesson: LessonView, tmp_path: Path) -> None:
    disk = lesson.disk("scores", "4 KiB")
    assert disk.path == tmp_path / "lab" / "disks" / "try" / "scores.img"
    disk.write(3, b"x" * 512)
    again = lesson.disk("scores", 4096)
    assert (again.path, again.sectors, again.read(3)) == (disk.path, 8, bytes(512))


def test_a_lab_folder_that_cannot_be(
    lesson: LessonView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("LABKIT_LAB", str(tmp_path / "file"))
    with pytest.raises(HostError, match="cannot be made"):
        lesson.disk("scores", 4096)


def test_unknown_names(lesson: LessonView) -> None:
    with pytest.raises(UsageError, match="no exercise 'two'"):
        lesson.check("two")
    with pytest.raises(UsageError, match="no lesson 'x'"):
        open_lesson("x")


def test_a_lesson_opens_without_jupyter(root: Path) -> None:
    code = (
        "import sys\n"
        "class Refuse:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name.partition('.')[0] in {'IPython', 'ipykernel', 'nbformat', 'ipywidgets', 'traitlets'}:\n"
        "            raise ModuleNotFoundError(name, name=name)\n"
        "sys.meta_path.insert(0, Refuse())\n"
        "from labkit.ui import open_lesson\n"
        "print(open_lesson('01-console').progress())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("01-console: ")
