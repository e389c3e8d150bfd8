"""The opam toolchain: upstream's own ``mirage`` tool. For now it says what is missing."""

from __future__ import annotations

import shutil

from labkit.build.image import Image
from labkit.build.source import ImageSource
from labkit.build.target import Target
from labkit.errors import MissingTool

__all__ = ["Opam"]

_HERE = "Until then, use --toolchain offline, or build with upstream's `mirage configure -t TARGET && make`."


class Opam:
    """Upstream's tool chain, where opam and mirage are installed."""

    name = "opam"

    def prepare(self) -> None:
        """Check that the programs are there.

        Raises:
            MissingTool: one is not.
        """
        for program, how in (
            ("opam", "install the Debian package opam"),
            ("mirage", "run `opam install mirage`"),
        ):
            if shutil.which(program) is None:
                raise MissingTool(
                    f"The toolchain opam needs the program {program}, which is not on this machine's PATH.",
                    next_step=f"To get it, {how}. {_HERE}",
                )

    def build(self, source: ImageSource, target: Target) -> Image:
        """Not there yet: it says so.

        Raises:
            MissingTool: always.
        """
        self.prepare()
        raise MissingTool(
            f"labkit cannot drive opam's mirage yet to build {source.folder.name} for {target}.",
            next_step=_HERE,
        )
