"""The words after a magic: options, and where its text stands in the cell."""

from __future__ import annotations

import shlex
from typing import Any

from labkit.errors import UsageError

__all__ = ["first_line", "parse"]


def parse(line: str, usage: str, flags: tuple[str, ...] = (), values: tuple[str, ...] = ()) -> Words:
    """Part the words of a magic's line.

    Args:
        line: what stands after the magic's name.
        usage: shown if it cannot be taken.
        flags: options without a value, such as ``--expect-error``.
        values: options with one.

    Raises:
        UsageError: an option is not known, or has no value.
    """
    try:
        pending = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"{line!r} cannot be read: {error}.", next_step=usage) from error
    words = Words([], set(), {}, usage)
    while pending:
        word = pending.pop(0)
        if word in flags:
            words.flags.add(word)
        elif word in values:
            if not pending:
                raise UsageError(f"{word} needs a value.", next_step=usage)
            words.values[word] = pending.pop(0)
        elif word.startswith("-"):
            raise UsageError(f"There is no option {word}.", next_step=usage)
        else:
            words.plain.append(word)
    return words


class Words:
    """What :func:`parse` gives: plain words, flags, and options with their values."""

    def __init__(self, plain: list[str], flags: set[str], values: dict[str, str], usage: str) -> None:
        self.plain = plain
        self.flags = flags
        self.values = values
        self._usage = usage

    def need(self, least: int, most: int) -> list[str]:
        """The plain words, of which there must be so many.

        Raises:
            UsageError: there are fewer or more.
        """
        if not least <= len(self.plain) <= most:
            raise UsageError("There are too few or too many words.", next_step=self._usage)
        return self.plain


def first_line(shell: Any, magic: str) -> int:
    """The number of a cell's first line below its magic, as an editor counts."""
    try:
        code = shell.get_parent()["content"]["code"]
    except (AttributeError, KeyError, TypeError):
        return 2
    for number, line in enumerate(str(code).splitlines(), 1):
        if line.strip():
            return number + 1 if line.startswith(f"%%{magic}") else 2
    return 2
