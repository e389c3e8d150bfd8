"""A lesson in its notebook: magics, exercises, hints and progress."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.build.linux.source import find_linux_source
from labkit.build.source import ImageSource
from labkit.course import progress
from labkit.course.exercise import Lesson
from labkit.course.lessons import find_lesson
from labkit.course.verdict import Verdict, judge
from labkit.errors import HostError
from labkit.host.disk import Disk
from labkit.settings import settings
from labkit.ui.verdicts import Hinted, ProgressShown, VerdictShown

__all__ = ["LessonView", "open_lesson"]


def open_lesson(name: str) -> LessonView:
    """Make a notebook ready: its exercises, the magics, and the lab's errors shown in words.

    Args:
        name: the notebook's, without its ending.

    Raises:
        UsageError: there is no such lesson.
    """
    lesson = find_lesson(name)
    if (shell := _shell()) is not None:
        from labkit.ui.magics import register

        register(shell)
    return LessonView(lesson)


@dataclass(frozen=True, repr=False)
class LessonView:
    """A lesson as a notebook uses it."""

    lesson: Lesson

    def __repr__(self) -> str:
        return f"<lesson {self.lesson.name}: {len(self.lesson.exercises)} exercises>"

    def sources(self, image: str) -> Path:
        """The folder of an image's original sources.

        Raises:
            UsageError: there is no such image.
        """
        root = settings().root
        linux = find_linux_source(image, root)
        return linux.folder if linux else ImageSource.find(image, root=root).folder

    def disk(self, name: str, size: int | str) -> Disk:
        """A new disk of this lesson, empty: ``disks/LESSON/NAME.img`` in the lab folder.

        What a disk of this name held before is gone.

        Args:
            name: what to call it.
            size: in bytes, or such as ``1 MiB``.

        Raises:
            UsageError: a guest has the disk of this name, or the size makes no sense.
            HostError: it cannot be made.
        """
        folder = settings().lab / "disks" / self.lesson.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HostError(
                f"The folder {folder} cannot be made: {error.strerror}.",
                next_step="Free some space there, or set LABKIT_LAB to a folder that you may write to.",
            ) from error
        return Disk.create(folder / f"{name}.img", size, replace=True)

    def check(self, exercise: str, *given: object) -> VerdictShown:
        """Run what you made for an exercise, and say what is right and what is not.

        Args:
            exercise: its name.
            given: your answer, where the exercise asks for one.

        Raises:
            UsageError: there is no such exercise.
            HostError: progress cannot be kept.
        """
        verdict: Verdict = judge(self.lesson, exercise, given)
        return VerdictShown(verdict)

    def hint(self, exercise: str) -> Hinted:
        """One hint more for an exercise; each time a more telling one.

        Raises:
            UsageError: there is no such exercise.
            HostError: progress cannot be kept.
        """
        found = self.lesson.find(exercise)
        taken = progress.note_hint(self.lesson.name, exercise, len(found.hints)).hints
        return Hinted(exercise, found.hints, taken)

    def progress(self) -> ProgressShown:
        """What is done and what is left of this lesson."""
        return ProgressShown(self.lesson, progress.read(self.lesson.name))


def _shell() -> Any:
    """The IPython that runs this, or None."""
    import sys

    module: Any = sys.modules.get("IPython")  # a notebook has it loaded; nothing else needs it
    return module.get_ipython() if module is not None else None
