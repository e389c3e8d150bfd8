"""A way around a cell that runs."""

from __future__ import annotations

import contextlib
from typing import Any

__all__ = ["hear_while_busy"]


def hear_while_busy(widget: Any) -> None:
    """Have a widget's messages handled in the thread that JupyterLab asks for, even while a cell runs.

    JupyterLab sends widgets' messages to a subshell, a second loop of the kernel. But ipykernel gives them to the
    loop that wrote to the widget last, which is the one that runs cells, and they would wait for the cell. It asks
    the comm for that; a comm that does not say leaves the choice to JupyterLab. Older kernels do not ask.
    """
    with contextlib.suppress(AttributeError):
        widget.comm._reply_subshell_for = None
