"""The kernel command line: the one way arguments reach a unikernel.

Words are split at blanks; ``"`` groups; ``\\`` quotes the next character, inside and outside of groups
(docs/ARCHITECTURE.md, section 3). ``libos/kernel`` reads what :func:`quote` writes.
"""

from __future__ import annotations

from collections.abc import Iterable

from labkit.errors import UsageError

__all__ = ["LIMIT", "MOST", "quote", "split"]

LIMIT = 4095
"""Longest command line, in bytes of UTF-8 (``COMMAND_LINE_MOST`` in ``libos/kernel/main.c``, without its zero)."""

MOST = 254
"""Most arguments (``ARGUMENTS_MOST`` there, without the program's name and the final null pointer)."""

_BLANKS = " \t"


def quote(arguments: Iterable[str]) -> str:
    """The command line that a guest reads as exactly these arguments.

    Args:
        arguments: the words after the program's name; any may be empty or hold blanks, quotes, backslashes.

    Raises:
        UsageError: an argument holds a control character or what is no text, there are more than :data:`MOST`,
            or all together are longer than :data:`LIMIT` bytes.
    """
    words = [_quote_word(_checked(word)) for word in arguments]
    if len(words) > MOST:
        raise UsageError(f"There are {len(words)} arguments; a guest takes {MOST}.", next_step="Pass fewer.")
    line = " ".join(words)
    length = len(line.encode())
    if length > LIMIT:
        raise UsageError(
            f"The arguments take {length} bytes on the kernel command line; it holds {LIMIT}.",
            next_step="Pass less, or put the data on a disk of the guest.",
        )
    return line


def split(line: str) -> list[str]:
    """The arguments that a guest reads from a command line: the inverse of :func:`quote`.

    Raises:
        UsageError: a group is not closed, or the line ends in a lone backslash.
    """
    words: list[str] = []
    word: list[str] | None = None
    grouped = False
    characters = iter(line)
    for character in characters:
        if character in _BLANKS and not grouped:
            if word is not None:
                words.append("".join(word))
                word = None
            continue
        word = [] if word is None else word
        if character == '"':
            grouped = not grouped
        elif character == "\\":
            quoted = next(characters, None)
            if quoted is None:
                raise UsageError("The command line ends in a backslash that quotes nothing.")
            word.append(quoted)
        else:
            word.append(character)
    if grouped:
        raise UsageError('The command line has a " without its partner.')
    if word is not None:
        words.append("".join(word))
    return words


def _checked(word: str) -> str:
    for place, character in enumerate(word):
        code = ord(character)
        # Controls would break the line or the libvirt XML that carries it, as would lone surrogates
        # (bytes that were no UTF-8) and the two code points that XML forbids.
        if code < 0x20 or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in {0xFFFE, 0xFFFF}:
            raise UsageError(
                f"Argument {word!a} holds a character that a kernel command line cannot carry: "
                f"U+{code:04X} at position {place + 1}.",
                next_step="Leave it out; for binary data, use a disk of the guest.",
            )
    return word


def _quote_word(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    blank = any(character.isspace() for character in word)
    return f'"{escaped}"' if blank or not word else escaped
