"""The exercises of each notebook, one module for each; docs/AUTHORS.md says how to add one."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

from labkit.course.exercise import Lesson
from labkit.errors import UsageError

__all__ = ["find_lesson", "lesson_modules"]


def lesson_modules() -> list[str]:
    """Names of the modules in here."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find_lesson(name: str) -> Lesson:
    """The exercises of a notebook: ``01-console`` has those in ``console.py``.

    Args:
        name: the notebook's, without its ending.

    Raises:
        UsageError: no module is for it.
    """
    module = re.sub(r"^\d+-", "", name).replace("-", "_")
    if module in lesson_modules():
        lesson: Lesson = import_module(f"{__name__}.{module}").LESSON
        if lesson.name == name:
            return lesson
    raise UsageError(
        f"There is no lesson {name!r}.",
        next_step="Give the name of a notebook without its ending, such as 01-console.",
    )
