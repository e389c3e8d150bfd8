"""Verdicts, hints and progress, as text and as HTML that follows JupyterLab's theme and needs no kernel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import Final

from labkit.course.exercise import Lesson
from labkit.course.progress import Record
from labkit.course.verdict import Outcome, Verdict

__all__ = ["Hinted", "ProgressShown", "VerdictShown"]

_SIGNS: Final = {Outcome.PASSED: "✓", Outcome.NOT_YET: "✗", Outcome.NO_VERDICT: "?"}
_COLOURS: Final = {
    Outcome.PASSED: "var(--jp-success-color1, #2e7d32)",
    Outcome.NOT_YET: "var(--jp-error-color1, #c62828)",
    Outcome.NO_VERDICT: "var(--jp-warn-color1, #b26a00)",
}
_HEADS: Final = {
    Outcome.PASSED: "passed",
    Outcome.NOT_YET: "not yet",
    Outcome.NO_VERDICT: "could not be checked",
}
_PRE: Final = "margin:2px 0;white-space:pre-wrap;font-family:var(--jp-code-font-family,monospace)"


@dataclass(frozen=True, repr=False)
class VerdictShown:
    """A verdict that a notebook shows."""

    verdict: Verdict

    @property
    def passed(self) -> bool:
        """Whether the exercise was passed."""
        return self.verdict.passed

    def __repr__(self) -> str:
        return f"{_SIGNS[self.verdict.outcome]} {self.verdict}"

    def _repr_html_(self) -> str:
        verdict = self.verdict
        outcome = verdict.outcome
        rows = [
            f"<strong>{_SIGNS[outcome]} {escape(verdict.exercise.name)}: {_HEADS[outcome]}</strong>",
            "".join(f"<div>✓ {_text(item)}</div>" for item in verdict.met),
        ]
        told = (("Expected", verdict.expected), ("Seen", verdict.seen), ("Where to look", verdict.look))
        rows += [f"<div><em>{title}:</em> {_text(text)}</div>" for title, text in told if text]
        if outcome is Outcome.NOT_YET:
            rows.append(_layers(verdict.hints))
        return _box("".join(rows), _COLOURS[outcome])


@dataclass(frozen=True, repr=False)
class Hinted:
    """The hints that a student has asked for, the last one last."""

    exercise: str
    hints: tuple[str, ...]
    taken: int

    def __repr__(self) -> str:
        if not self.hints:
            return f"{self.exercise} has no hints."
        lines = [
            f"Hint {number} of {len(self.hints)}: {hint}"
            for number, hint in enumerate(self.hints[: self.taken], 1)
        ]
        return "\n".join(lines)


@dataclass(frozen=True, repr=False)
class ProgressShown:
    """A lesson's exercises, and which are done."""

    lesson: Lesson
    records: Mapping[str, Record]

    @property
    def done(self) -> int:
        """How many are passed."""
        return sum(bool(self._record(exercise.name).passed) for exercise in self.lesson.exercises)

    def _record(self, name: str) -> Record:
        return self.records.get(name, Record())

    def __repr__(self) -> str:
        lines = [f"{self.lesson.name}: {self.done} of {len(self.lesson.exercises)} exercises"]
        for exercise in self.lesson.exercises:
            sign = "✓" if self._record(exercise.name).passed else "·"
            lines.append(f"  {sign} {exercise.name}: {exercise.task}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        total = len(self.lesson.exercises)
        rows = [f"<strong>{escape(self.lesson.name)}: {self.done} of {total} exercises</strong>"]
        for exercise in self.lesson.exercises:
            sign, word = ("✓", "done") if self._record(exercise.name).passed else ("·", "open")
            rows.append(
                f'<div><span aria-label="{word}">{sign}</span> <code>{escape(exercise.name)}</code>: '
                f"{_text(exercise.task)}</div>"
            )
        return _box("".join(rows), "var(--jp-brand-color1, #1976d2)")


def _layers(hints: tuple[str, ...]) -> str:
    """Each hint inside of the one before: opened one by one, without a kernel."""
    inner = ""
    for number, hint in reversed(list(enumerate(hints, 1))):
        inner = (
            f'<details style="margin:4px 0 0 12px"><summary>Hint {number} of {len(hints)}</summary>'
            f"<div>{_text(hint)}</div>{inner}</details>"
        )
    return inner


def _text(text: str) -> str:
    """Escaped; one line as it is, more as they stand."""
    first, *more = text.splitlines()
    if first.startswith(" "):  # lines of a console
        return f'<pre style="{_PRE}">{escape(text)}</pre>'
    shown = _coded(first)
    if more:
        lines = "\n".join(more)
        shown += f'<pre style="{_PRE}">{escape(lines)}</pre>'
    return shown


def _coded(line: str) -> str:
    """What stands between backquotes is code."""
    parts = escape(line).split("`")
    if len(parts) % 2 == 0:
        return escape(line)
    return "".join(f"<code>{part}</code>" if at % 2 else part for at, part in enumerate(parts))


def _box(content: str, colour: str) -> str:
    return (
        f'<div role="status" style="border-left:4px solid {colour};padding:4px 10px;overflow-wrap:anywhere;'
        f'color:var(--jp-content-font-color1,inherit)">{content}</div>'
    )
