"""What an exercise is: a task, its hints, and a check that runs what the student made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from labkit.errors import UsageError

if TYPE_CHECKING:
    from labkit.course.trial import Trial

__all__ = ["Check", "Exercise", "Lesson"]

Check = Callable[["Trial"], None]
"""Runs what the student made and judges what it does; raises :class:`labkit.course.trial.Unmet` where it fails."""


@dataclass(frozen=True)
class Exercise:
    """An exercise of a lesson.

    Attributes:
        name: short and unique in its lesson, as in ``lesson.check("greeting")``.
        task: what to do, in one sentence.
        check: judges it.
        hints: what to try, from a nudge to nearly the answer.
    """

    name: str
    task: str
    check: Check
    hints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Lesson:
    """The exercises of one notebook.

    Attributes:
        name: the notebook's, without its ending.
        exercises: in the order of the notebook.
    """

    name: str
    exercises: tuple[Exercise, ...] = field(default=())

    def find(self, name: str) -> Exercise:
        """An exercise by its name.

        Raises:
            UsageError: there is none of that name.
        """
        for exercise in self.exercises:
            if exercise.name == name:
                return exercise
        known = ", ".join(exercise.name for exercise in self.exercises) or "none"
        raise UsageError(f"{self.name} has no exercise {name!r}.", next_step=f"There are: {known}.")
