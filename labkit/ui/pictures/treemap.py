"""Squarified treemaps: areas in proportion to sizes, as near to squares as they can be."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Tile", "layout"]


@dataclass(frozen=True)
class Tile:
    """A rectangle for one item.

    Attributes:
        item: its place in the list that was given.
        x, y, width, height: where it is.
    """

    item: int
    x: float
    y: float
    width: float
    height: float


def layout(sizes: list[float], width: float, height: float) -> list[Tile]:
    """Divide a rectangle among items, in the order given; largest first looks best.

    Items are put in rows along the shorter side of what is left; a row takes another item as long as its worst
    tile gets no longer and thinner by that.
    """
    if any(size <= 0 for size in sizes):
        raise ValueError("every size must be above 0")
    tiles: list[Tile] = []
    if not sizes:
        return tiles
    scale = width * height / sum(sizes)
    areas = [size * scale for size in sizes]
    x = y = 0.0
    begin = 0
    while begin < len(areas):
        side = min(width, height)
        end = begin + 1
        while end < len(areas) and _worst(areas[begin : end + 1], side) <= _worst(areas[begin:end], side):
            end += 1
        row = areas[begin:end]
        depth = sum(row) / side
        along = 0.0
        for number, area in enumerate(row, begin):
            length = area / depth
            if width >= height:
                tiles.append(Tile(number, x, y + along, depth, length))
            else:
                tiles.append(Tile(number, x + along, y, length, depth))
            along += length
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
        begin = end
    return tiles


def _worst(row: list[float], side: float) -> float:
    """How far from a square the worst tile of a row is; 1 is a square."""
    total = sum(row)
    return max(side * side * max(row) / (total * total), total * total / (side * side * min(row)))
