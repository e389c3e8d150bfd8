"""What a notebook shows: sources, differences, a guest's console as it comes."""

from labkit.ui.console import watch
from labkit.ui.sources import changes, show

__all__ = ["changes", "show", "watch"]
