"""Every exercise of every lesson: what a student is given fails, and the solution passes, with live guests."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from labkit.course import progress
from labkit.course.exercise import Lesson
from labkit.course.lessons import find_lesson, lesson_modules
from labkit.course.master import masters, read, render
from labkit.course.verdict import Outcome
from labkit.errors import UsageError

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
MASTERS = masters(NOTEBOOKS)


def executed(master: Path, lab: Path, *, solution: bool) -> tuple[Any, dict[str, progress.Record]]:
    """A version of a notebook, executed, and what it left as progress."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    notebook = nbformat.from_dict(render(master.read_text(), master.stem, solution=solution))
    client = nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}}
    )
    client.execute()  # no cell may raise, in either version
    return notebook, progress.read(master.stem)


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize("master", MASTERS, ids=lambda path: path.stem)
def test_every_exercise_fails_on_the_starter(master: Path, lab: Path) -> None:
    lesson = find_lesson(master.stem)
    notebook, records = executed(master, lab, solution=False)
    outcomes = {exercise.name: records[exercise.name].last for exercise in lesson.exercises}
    assert outcomes == dict.fromkeys(outcomes, Outcome.NOT_YET.value)
    assert not any(record.passed for record in records.values())
    shown = str(notebook.cells)
    for exercise in lesson.exercises:
        assert f"✗ {exercise.name}: not yet" in shown


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.parametrize("master", MASTERS, ids=lambda path: path.stem)
def test_every_exercise_passes_on_the_solution(master: Path, lab: Path) -> None:
    lesson = find_lesson(master.stem)
    _, records = executed(master, lab, solution=True)
    outcomes = {exercise.name: records[exercise.name].last for exercise in lesson.exercises}
    assert outcomes == dict.fromkeys(outcomes, Outcome.PASSED.value)


@pytest.mark.parametrize("master", MASTERS, ids=lambda path: path.stem)
def test_a_notebook_checks_all_of_its_exercises(master: Path) -> None:
    lesson = find_lesson(master.stem)
    code = "\n".join(cell.text for cell in read(master.read_text()) if cell.kind == "code")
    checked = re.findall(r'lesson\.check\("([^"]+)"', code)
    assert checked == [exercise.name for exercise in lesson.exercises]
    assert f'open_lesson("{lesson.name}")' in code


@pytest.mark.parametrize("master", MASTERS, ids=lambda path: path.stem)
def test_a_notebook_has_its_parts(master: Path) -> None:
    text = master.read_text()
    parts = (
        "**Goal.**",
        "**Time.**",
        "](pictures/",
        "**Food for thought",
        "## Clean up",
        "## If something goes wrong",
    )
    for part in parts:
        assert part in text, part


@pytest.mark.parametrize("module", lesson_modules())
def test_exercises_are_complete(module: str) -> None:
    from importlib import import_module

    lesson: Lesson = import_module(f"labkit.course.lessons.{module}").LESSON
    assert find_lesson(lesson.name) is lesson
    names = [exercise.name for exercise in lesson.exercises]
    assert len(names) == len(set(names))
    for exercise in lesson.exercises:
        assert exercise.hints, f"{exercise.name} has no hints"
        assert exercise.task.endswith("?") or exercise.task.endswith(".")
    with pytest.raises(UsageError, match="no exercise 'nope'"):
        lesson.find("nope")


def test_an_unknown_lesson() -> None:
    with pytest.raises(UsageError, match="no lesson '99-nope'"):
        find_lesson("99-nope")


def test_the_first_exercise_begins_with_the_original(root: Path) -> None:
    cells = read((NOTEBOOKS / "masters" / "01-console.md").read_text())
    (cell,) = (cell for cell in cells if cell.id == "greeting")
    magic, _, text = cell.version(solution=False).partition("\n")
    assert magic.startswith("%%unikernel hello ")
    assert text == (root / "images" / "hello" / "unikernel.ml").read_text().rstrip("\n")
