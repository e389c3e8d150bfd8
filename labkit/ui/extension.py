"""What IPython learns from the lab: how images and guests show themselves, and where progress goes."""

from __future__ import annotations

from typing import Any

__all__ = ["load"]

_LOADED = "labkit_loaded"

Bundle = tuple[dict[str, Any], dict[str, Any]]


def load(shell: Any) -> None:
    """Teach a shell; harmless if done before. It is cheap: what is needed is loaded when it is needed.

    The classes are named, not imported: the layers below know nothing of this.
    """
    if getattr(shell, _LOADED, False):
        return
    setattr(shell, _LOADED, True)
    bundles = shell.display_formatter.mimebundle_formatter
    bundles.for_type_by_name("labkit.build.image", "Image", _image)
    bundles.for_type_by_name("labkit.guest.guest", "Guest", _guest)
    bundles.for_type_by_name("labkit.guest.guest", "Exit", _timeline)
    bundles.for_type_by_name("labkit.verbs", "Outcome", _timeline)
    bundles.for_type_by_name("labkit.host.hexdump", "HexView", _bytes)
    bundles.for_type_by_name("labkit.host.difference", "Difference", _changes)
    bundles.for_type_by_name("labkit.guest.powercut", "PowerCut", _losses)
    bundles.for_type_by_name("labkit.guest.network.capture", "Capture", _ladder)
    bundles.for_type_by_name("labkit.guest.network.capture", "Frame", _frame)
    bundles.for_type_by_name("labkit.guest.network.load", "Load", _latency)
    bundles.for_type_by_name("labkit.compare.figures", "Comparison", _comparison)
    if hasattr(shell, "kernel"):
        from labkit.ui.progress import CellProgress

        CellProgress(shell).start()


def _image(image: Any) -> Bundle:
    from labkit.ui.pictures.image import picture

    return picture(image)._repr_mimebundle_()


def _guest(guest: Any) -> Bundle:
    from labkit.ui.showing import card

    shown = card(guest)
    found: Bundle | dict[str, Any] | None = None
    if hasattr(shown, "_repr_mimebundle_"):
        found = shown._repr_mimebundle_()
    if isinstance(found, tuple):
        return found
    return found or {"text/plain": repr(shown)}, {}


def _bytes(view: Any) -> Bundle:
    from labkit.ui.pictures.hexview import hex_table

    return {"text/plain": str(view), "text/html": hex_table(view)}, {}


def _changes(difference: Any) -> Bundle:
    return _bytes(difference.view())


def _losses(cut: Any) -> Bundle:
    from labkit.ui.pictures.hexview import power_cut_table

    return {"text/plain": str(cut), "text/html": power_cut_table(cut)}, {}


def _timeline(ending: Any) -> Bundle:
    from labkit.ui.pictures.timeline import timeline

    return timeline(ending)._repr_mimebundle_()


def _ladder(capture: Any) -> Bundle:
    from labkit.ui.pictures.ladder import ladder

    return ladder(capture)._repr_mimebundle_()


def _latency(load: Any) -> Bundle:
    from labkit.ui.pictures.latency import latency

    return latency(load)._repr_mimebundle_()


def _comparison(found: Any) -> Bundle:
    from labkit.ui.pictures.comparison import comparison

    return comparison(found)._repr_mimebundle_()


def _frame(frame: Any) -> Bundle:
    from labkit.ui.pictures.frame import frame_view

    return frame_view(frame)._repr_mimebundle_()
