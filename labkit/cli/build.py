"""``labkit build``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from labkit.build.builder import build as build_image
from labkit.build.image import DOMAIN_XML, XL_SUFFIX, Image
from labkit.cli import options
from labkit.cli.output import say, say_json
from labkit.errors import HostError

__all__ = ["build"]


@click.command
@options.image
@options.target
@options.toolchain
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Put a copy there, with its XML.",
)
@options.as_json
@options.verbose
def build(image: str, target: str, toolchain: str | None, output: Path | None, as_json: bool) -> None:
    """Build an image.

    IMAGE is a folder with a config.ml, the name of one in images/, or a built image file, which is looked at.
    """
    built = build_image(image, target, toolchain=toolchain)
    path = _copied(built, output) if output else built.path
    if as_json:
        say_json({**built.describe(), "path": str(path)})
        return
    for warning in built.warnings:
        print(warning, end="\n\n", file=sys.stderr)
    how = (
        "unchanged"
        if built.cached
        else "loaded"
        if built.source is None
        else f"built in {built.seconds:.2f} s"
    )
    say(f"{path}")
    print(f"{built.name} for {built.target}, {built.bytes >> 10} KiB, {how}", file=sys.stderr)


def _copied(image: Image, folder: Path) -> Path:
    with image.held() as path:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            copies = {part: Path(shutil.copy2(part, folder / part.name)).resolve() for part in image.parts}
            if text := image.domain_xml:
                for part, copy in copies.items():
                    text = text.replace(str(part), str(copy))
                (folder / DOMAIN_XML).write_text(text)
            if image.xl_configuration:
                (folder / f"{image.name}{XL_SUFFIX}").write_text(image.xl_configuration)
        except OSError as error:
            raise HostError(
                f"The image cannot be copied to {folder}: {error.strerror}.", next_step="Give another folder."
            ) from error
    return copies[path]
