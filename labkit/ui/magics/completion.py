"""Tab in a cell of OCaml: the words of the cell and OCaml's own, and none of Python's."""

from __future__ import annotations

import re
from typing import Any, Final

__all__ = ["install"]

KEYWORDS: Final = (
    "and as assert begin do done downto else end exception external false for fun function functor if in include "
    "lazy let match method module mutable new object of open or private rec sig struct then to true try type val "
    "when while with"
).split()

_OCAML: Final = re.compile(r"\s*%%(ocaml|unikernel)(?!\S)")
_WORD: Final = re.compile(r"[A-Za-z_][\w']*")


def install(shell: Any) -> None:
    """Have a shell complete OCaml; harmless if done before."""
    matchers = shell.Completer.custom_matchers
    if _matcher not in matchers:
        matchers.append(_matcher)


def words(text: str, begun: str) -> list[str]:
    """How a word that is begun can go on: as another word of the cell, or as a keyword."""
    known = {word for word in _WORD.findall(text) if word != begun} | set(KEYWORDS)
    return sorted(word for word in known if begun and word.startswith(begun))


def _matcher(context: Any) -> dict[str, Any]:
    """A matcher of IPython's completer, version 2 of that interface."""
    from IPython.core.completer import SimpleCompletion

    if not _OCAML.match(context.full_text):
        return {"completions": []}
    line = context.text_until_cursor.rpartition("\n")[2]
    begun = re.search(r"[\w']*$", line)[0]  # type: ignore[index]  # it matches always, if only nothing
    # Others are kept away only where there is a completion: hence the word itself where there is none.
    found = words(context.full_text.partition("\n")[2], begun) or [begun] * bool(begun)
    return {
        "completions": [
            SimpleCompletion(text=word, type="keyword" if word in KEYWORDS else "name") for word in found
        ],
        "matched_fragment": begun,
        "suppress": True,
    }


for _name, _value in {"api_version": 2, "priority": 1000, "identifier": "labkit.ocaml"}.items():
    setattr(_matcher, f"matcher_{_name}", _value)
