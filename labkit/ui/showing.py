"""Show: a source file, an image, a guest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, overload

from labkit.ui import sources
from labkit.ui.status import status_of, title_of

if TYPE_CHECKING:
    from labkit.build.image import Image
    from labkit.guest.guest import Guest
    from labkit.ui.pictures.picture import Picture
    from labkit.ui.widgets.card import Card

__all__ = ["PlainCard", "card", "show"]


class PlainCard:
    """A guest's card as text, as it is whenever it is shown."""

    def __init__(self, guest: Guest) -> None:
        from labkit.ui.facts import Facts

        self._facts = Facts.of(guest)

    def __repr__(self) -> str:
        guest = self._facts.guest
        head = f"{title_of(guest)}: {status_of(guest).words}"
        return "\n".join([head, *(f"  {name}: {value}" for name, value in self._facts.lines())])


@overload
def show(thing: str | Path) -> sources.Shown: ...
@overload
def show(thing: Image) -> Picture: ...
@overload
def show(thing: Guest) -> Card | PlainCard: ...


def show(thing: str | Path | Image | Guest) -> sources.Shown | Picture | Card | PlainCard:
    """Show a source file, what an image is made of, or how a guest is.

    Args:
        thing: a path, an image, or a guest.

    Raises:
        OSError: the file cannot be read.
        ImageError: the image's file is gone.
    """
    if isinstance(thing, str | Path):
        return sources.show(thing)
    from labkit.build.image import Image

    if isinstance(thing, Image):
        from labkit.ui.pictures.image import picture

        return picture(thing)
    return card(thing)


def card(guest: Guest) -> Card | PlainCard:
    """A guest's card, always the same one for a guest; as text where there are no widgets."""
    try:
        from labkit.ui.widgets.card import Card, cards
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] in ("anywidget", "ipywidgets", "traitlets"):
            return PlainCard(guest)
        raise
    return cards.of(guest, lambda: Card(guest))
