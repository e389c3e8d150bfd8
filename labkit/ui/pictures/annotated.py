"""A configuration, line by line, each with what it means."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, Literal

from labkit.errors import UsageError
from labkit.ui.pictures.explanations import explained
from labkit.ui.pictures.picture import QUIET, Picture

if TYPE_CHECKING:
    from labkit.build.image import Image

__all__ = ["explain"]

UNKNOWN: Final = "(this line is none of the lab's)"


def explain(image: Image, file: Literal["xml", "xl"] = "xml") -> Picture:
    """Show the file by which an image is started without labkit, with what each line means.

    The image's folder is shown as ``…``; ``image.domain_xml`` and ``image.xl_configuration`` are the files.

    Args:
        image: a built image.
        file: ``xml`` for libvirt's, ``xl`` for that of ``xl create``.

    Raises:
        UsageError: the image has no such file.
    """
    text = {"xml": image.domain_xml, "xl": image.xl_configuration}.get(file, "")
    if not text:
        kinds = {"virtio": "'xml'", "xen": "'xml' and 'xl'"}.get(image.manifest.target)
        raise UsageError(
            f"{image.name} for {image.manifest.target} has no file {file!r} beside it.",
            next_step=f"It has {kinds}." if kinds else "A process needs none: it is started by its name.",
        )
    lines = [
        (line.replace(f"{image.path.parent}/", "…/"), UNKNOWN if words is None else words)
        for line, words in explained(text)
    ]
    name = f"{image.name}.xl" if file == "xl" else f"domain.xml of {image.name} for {image.manifest.target}"
    width = max(len(line) for line, _ in lines)
    alternative = "\n".join(f"{line:<{min(width, 60)}}  {words}".rstrip() for line, words in lines)
    rows = "".join(
        f'<tr><td style="text-align:left;vertical-align:top;padding:0 12px 0 0"><code style="white-space:pre-wrap;'
        f'overflow-wrap:anywhere">{escape(line) or "&#160;"}</code></td>'
        f'<td style="text-align:left;vertical-align:top;padding:0;color:{QUIET}">{escape(words)}</td></tr>'
        for line, words in lines
    )
    table = (
        '<table style="margin:4px 0;color:inherit;font-size:12px;table-layout:fixed;width:100%"><thead><tr>'
        '<th style="text-align:left;width:55%">line</th><th style="text-align:left">what it means</th></tr>'
        f"</thead><tbody>{rows}</tbody></table>"
    )
    return Picture(name, alternative, f"<figcaption><strong>{escape(name)}</strong></figcaption>{table}")
