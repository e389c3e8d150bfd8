"""Exercises of 00-welcome."""

from __future__ import annotations

from labkit.course.exercise import Exercise, Lesson
from labkit.course.trial import Trial

__all__ = ["LESSON"]


def first(trial: Trial) -> None:
    """The student's own unikernel, booted."""
    ran = trial.run(trial.image("hello", "first"))
    trial.expect_status(ran, 0)
    trial.expect(
        len(ran.logged) == 1 and ran.logged[0] not in ("", "Hello, world!"),
        "one line in the log, with words of yours",
        "\n".join(f"  {line}" for line in ran.logged) or "no line",
        "Change the text between the quotes, and run the cell above again.",
    )


LESSON = Lesson(
    "00-welcome",
    (
        Exercise(
            "first",
            "Let your first unikernel say something of your own.",
            first,
            (
                "The text stands between double quotes.",
                "Write something else between them, run that cell, and then run the check again.",
            ),
        ),
    ),
)
