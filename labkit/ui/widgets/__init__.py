"""What lives in a cell: widgets whose other half, in JavaScript, is in ``front/`` and is shipped in ``bundle/``.

``make widgets`` bundles it anew, and ``labextension/``, which JupyterLab itself loads. A widget's traits hold only
what never changes; everything else goes over its comm as messages, so that nothing of a guest can be saved into a
notebook.
"""

from pathlib import Path
from typing import Final

__all__ = ["BUNDLE"]

BUNDLE: Final = Path(__file__).parent / "bundle"
"""The shipped front-end."""
