"""What lies beside an image in its cache entry, whichever toolchain built it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.build.byhand import by_hand
from labkit.build.diagnostics import Diagnostic
from labkit.build.image import BUILD_LOG, MANIFEST, RECORD
from labkit.build.manifest import Manifest

__all__ = ["complete_entry"]


def complete_entry(
    entry: Path,
    image: Path,
    final: Path,
    manifest: Manifest,
    *,
    log: str,
    seconds: float,
    warnings: Sequence[Diagnostic],
) -> None:
    """Write all that lies beside an image: its manifest, log, XML, and the cache's own record.

    Args:
        entry: the folder that is to become the entry.
        image: the image in it.
        final: where the image will be.
        manifest: what it says of itself.
        log: what the build's programs printed.
        seconds: how long its build took.
        warnings: what the compiler said of the sources without refusing them.
    """
    (entry / MANIFEST).write_text(manifest.to_json())
    (entry / BUILD_LOG).write_text(log)
    for name, text in by_hand(manifest, final).items():
        (entry / name).write_text(text)
    record: dict[str, Any] = {
        "file": image.name,
        "bytes": image.stat().st_size,
        "seconds": seconds,
        "manifest": json.loads(manifest.to_json()),
        "warnings": [warning.describe() for warning in warnings],
    }
    (entry / RECORD).write_text(json.dumps(record))
