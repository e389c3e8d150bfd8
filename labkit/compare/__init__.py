"""What two images cost and offer, measured on this machine: ``labkit.compare("web", "lean-linux")``.

Every figure comes from a running guest or from the image itself, and says which. The package itself can be called.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from labkit.build.image import Image
    from labkit.compare.figures import Comparison


class _CallablePackage(ModuleType):
    def __call__(
        self,
        one: Image | str | os.PathLike[str],
        other: Image | str | os.PathLike[str],
        *,
        least_memory: bool = True,
        boots: int = 3,
        seconds: int = 3,
        ports: Sequence[int] = range(1, 65536),
    ) -> Comparison:
        """Compare two images; see :func:`labkit.compare.measure.compare`."""
        from labkit.compare.measure import compare

        return compare(one, other, least_memory=least_memory, boots=boots, seconds=seconds, ports=ports)


sys.modules[__name__].__class__ = _CallablePackage
