"""Judging an exercise: only a check that ran to its end, and stated what it expects, is a pass."""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from labkit.course import progress
from labkit.course.exercise import Exercise, Lesson
from labkit.course.trial import Trial, Unmet
from labkit.errors import LabError, WhoseTurn
from labkit.events import step

__all__ = ["Outcome", "Verdict", "judge"]


class Outcome(Enum):
    """What a check came to."""

    PASSED = "passed"
    NOT_YET = "not yet"
    NO_VERDICT = "no verdict"
    """The check itself could not be done: the machine's or the lab's fault."""


@dataclass(frozen=True)
class Verdict:
    """What a check says of an exercise.

    Attributes:
        lesson, exercise: of which exercise.
        outcome: what it came to.
        met: the expectations that were met, in order.
        expected, seen, look: the one that was not: what should be, what is, where to look.
        hints: all hints of the exercise.
    """

    lesson: str
    exercise: Exercise
    outcome: Outcome
    met: tuple[str, ...] = ()
    expected: str = ""
    seen: str = ""
    look: str = ""

    @property
    def passed(self) -> bool:
        """Whether it was passed."""
        return self.outcome is Outcome.PASSED

    @property
    def hints(self) -> tuple[str, ...]:
        """All hints of the exercise."""
        return self.exercise.hints

    def __str__(self) -> str:
        lines = [f"{self.exercise.name}: {self.outcome.value}"]
        told = [("met", item) for item in self.met]
        told += [("expected", self.expected), ("seen", self.seen), ("look", self.look)]
        for word, text in told:
            first, *more = text.splitlines() or [""]
            if first:
                lines += [f"  {word}: {first.strip()}", *(f"    {line}" for line in more)]
        if self.outcome is Outcome.NOT_YET and self.hints:
            lines.append(f'  hints: lesson.hint("{self.exercise.name}")')
        return "\n".join(lines)


def judge(lesson: Lesson, name: str, given: Sequence[object] = ()) -> Verdict:
    """Run the check of an exercise and keep what it says.

    Args:
        lesson: the lesson.
        name: the exercise's name.
        given: what the student hands to it, where it asks for something.

    Raises:
        UsageError: there is no such exercise.
        HostError: progress cannot be kept.
    """
    exercise = lesson.find(name)
    with step("check", f"{lesson.name} {name}"), Trial(given) as trial:
        verdict = _judge(lesson.name, exercise, trial)
        progress.note_verdict(lesson.name, name, verdict.outcome.value, passed=verdict.passed)
    return verdict


def _judge(lesson: str, exercise: Exercise, trial: Trial) -> Verdict:
    def verdict(outcome: Outcome, expected: str = "", seen: str = "", look: str = "") -> Verdict:
        return Verdict(lesson, exercise, outcome, tuple(trial.met), expected, seen, look)

    try:
        exercise.check(trial)
    except Unmet as unmet:
        return verdict(Outcome.NOT_YET, unmet.expected, unmet.seen, unmet.look)
    except LabError as error:
        fault = Outcome.NOT_YET if error.whose_turn is WhoseTurn.STUDENT else Outcome.NO_VERDICT
        seen = "\n".join([error.what, *(f"{item.title}: {item.text}" for item in error.evidence[:1])])
        return verdict(fault, "that it can be run", seen, error.next_step)
    except Exception as error:  # noqa: BLE001  a check that errs is never a pass
        where = traceback.extract_tb(error.__traceback__)[-1]
        return verdict(
            Outcome.NO_VERDICT,
            "that the check itself works",
            f"{type(error).__name__}: {error} ({where.name}, line {where.lineno})",
            "This is a fault of the lab, not yours: please report it.",
        )
    if not trial.met:
        return verdict(
            Outcome.NO_VERDICT,
            "that the check looks at something",
            "it looked at nothing",
            "This is a fault of the lab, not yours: please report it.",
        )
    return verdict(Outcome.PASSED)
