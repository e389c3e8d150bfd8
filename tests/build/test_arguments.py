"""The kernel command line: what `quote` writes, a reader of the contract reads back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.build.arguments import LIMIT, MOST, quote, split
from labkit.errors import UsageError

# What a command line can carry: everything but controls, surrogates and what XML forbids.
_words = st.lists(
    st.text(
        st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
        | st.sampled_from(' "\\'),
        max_size=20,
    ),
    max_size=12,
)


def contract(line: bytes) -> list[bytes]:
    """docs/ARCHITECTURE.md, section 3, letter by letter; bytes, as the kernel reads them."""
    words: list[bytes] = []
    at = 0
    while at < len(line):
        if line[at : at + 1] in b" \t\n":
            at += 1
            continue
        word, grouped = b"", False
        while at < len(line) and (grouped or line[at : at + 1] not in b" \t\n"):
            byte = line[at : at + 1]
            if byte == b'"':
                grouped = not grouped
            elif byte == b"\\":
                at += 1
                word += line[at : at + 1]
            else:
                word += byte
            at += 1
        words.append(word)
    return words


@given(_words)
def test_a_reader_of_the_contract_gets_the_same_words(words: list[str]) -> None:
    assert contract(quote(words).encode()) == [word.encode() for word in words]


@given(_words)
def test_split_is_the_inverse(words: list[str]) -> None:
    assert split(quote(words)) == words


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ([], ""),
        (["a", "b"], "a b"),
        ([""], '""'),
        (["a b"], '"a b"'),
        (['say "x"'], r'"say \"x\""'),
        (["back\\slash"], r"back\\slash"),
        (["--hello=Grüße, 世界"], '"--hello=Grüße, 世界"'),
    ],
)
def test_what_is_written(words: list[str], line: str) -> None:
    assert quote(words) == line


@pytest.mark.parametrize("bad", ["\0", "a\nb", "\t", "\x1b[31m", "\x7f", "\x85", "\udcff", "\ufffe"])
def test_what_a_command_line_cannot_carry(bad: str) -> None:
    with pytest.raises(UsageError, match=r"U\+[0-9A-F]{4} at position"):
        quote(["fine", bad])


def test_limits() -> None:
    assert len(quote(["x" * LIMIT])) == LIMIT
    with pytest.raises(UsageError, match=f"holds {LIMIT}"):
        quote(["x" * (LIMIT + 1)])
    with pytest.raises(UsageError, match=f"holds {LIMIT}"):
        quote(["ü" * (LIMIT // 2 + 1)])  # bytes count, not characters
    assert len(split(quote(["x"] * MOST))) == MOST
    with pytest.raises(UsageError, match=f"a guest takes {MOST}"):
        quote(["x"] * (MOST + 1))


@pytest.mark.parametrize("line", ['"open', "end\\"])
def test_lines_that_nobody_wrote(line: str) -> None:
    with pytest.raises(UsageError):
        split(line)
