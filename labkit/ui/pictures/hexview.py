"""Bytes of a disk, and what changed in them, as a table."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from labkit.host.hexdump import ROW, HexView, Line, Row, ascii_of, pieces_of, runs
from labkit.ui.pictures.picture import INK, QUIET, table

if TYPE_CHECKING:
    from labkit.guest.powercut import PowerCut

__all__ = ["hex_table", "power_cut_table"]

_FONT: Final = "var(--jp-code-font-family, monospace)"
_CELL: Final = "padding:0 8px 0 0;white-space:pre;text-align:left"
_CHANGED: Final = "background:rgba(250,170,0,0.3)"  # on light pages and dark ones; brackets say the same
_SIGNS: Final = {"": "", "-": "before", "+": "after"}


def hex_table(view: HexView) -> str:
    """A view as HTML, in the page's own colours; changed bytes stand in brackets, and on a ground of their own.

    It is no picture of :mod:`labkit.ui.pictures.picture`: it holds no times, and so is compared like text.
    """
    body = "".join(_line(item) if isinstance(item, Line) else _row(item) for item in view.body)
    columns = "".join(text for text, _ in pieces_of(Row(0, bytes(range(ROW)))))
    head = "".join(_cell(words, "th") for words in ("", "", columns, "text"))
    if not any(isinstance(item, Row) for item in view.body):
        head = ""
    return (
        f'<div class="labkit-bytes" style="overflow-x:auto;color:{INK};font-family:{_FONT};font-size:12px">'
        f'<table style="margin:4px 0;color:inherit;border-collapse:collapse">'
        f'<caption style="caption-side:top;text-align:left;font-weight:bold">{escape(view.title)}</caption>'
        f'<thead><tr style="color:{QUIET}">{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def power_cut_table(cut: PowerCut) -> str:
    """What a power cut did, as HTML."""
    seed = f", seed {cut.seed}" if cut.lose == "some" and cut.disks else ""
    rows = [
        (name, runs(loss.unflushed), runs(loss.lost), runs(loss.kept)) for name, loss in cut.disks.items()
    ]
    rows += [(name, "no cache: all that was written is there", "", "") for name in cut.plain]
    heads = ("disk", "sectors written and not flushed", "lost", "there")
    return (
        f'<div class="labkit-bytes" style="overflow-x:auto;color:{INK};font-size:13px">'
        f"<strong>The power was cut{seed}</strong>{table(heads, rows)}</div>"
    )


def _line(line: Line) -> str:
    weight = "normal" if line.about_row else "bold"
    words = f'<td colspan="4" style="{_CELL};font-weight:{weight}">{escape(line.words)}</td>'
    if line.about_row:
        words = f'<td></td><td colspan="3" style="{_CELL};color:{QUIET}">{escape(line.words)}</td>'
    return f"<tr>{words}</tr>"


def _row(row: Row) -> str:
    data = "".join(
        f'<b style="{_CHANGED}">{text}</b>' if changed else text for text, changed in pieces_of(row)
    )
    title = f' title="{_SIGNS[row.mark]}"' if row.mark else ""
    return (
        f"<tr{title}>{_cell(row.mark)}{_cell(f'{row.offset:03x}', 'th')}{_cell(data)}"
        f"{_cell(escape(ascii_of(row.data)))}</tr>"
    )


def _cell(html: str, tag: str = "td") -> str:
    weight = ";font-weight:normal" if tag == "th" else ""
    return f'<{tag} style="{_CELL}{weight}">{html}</{tag}>'
