"""Image sources in, images out.

A source folder, a target and a toolchain give an image. The package itself can be called:
``labkit.build("images/hello")`` is :func:`labkit.build.builder.build`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from labkit.build.image import Image
    from labkit.build.target import Target


class _CallablePackage(ModuleType):
    def __call__(
        self,
        source: str | Path,
        target: str | Target = "virtio",
        *,
        toolchain: str | None = None,
        profile: str | None = None,
    ) -> Image:
        """Build an image; see :func:`labkit.build.builder.build`."""
        from labkit.build.builder import build

        return build(source, target, toolchain=toolchain, profile=profile)


sys.modules[__name__].__class__ = _CallablePackage
