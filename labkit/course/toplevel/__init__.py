"""Debian's OCaml toplevel, kept between cells."""

from labkit.course.toplevel.session import Answer, Piece, PieceKind, State, Toplevel

__all__ = ["Answer", "Piece", "PieceKind", "State", "Toplevel", "shared"]

_shared: Toplevel | None = None


def shared() -> Toplevel:
    """The toplevel of this process, in which its cells run and its exercises are checked."""
    global _shared  # noqa: PLW0603  there is one
    if _shared is None:
        _shared = Toplevel()
    return _shared
