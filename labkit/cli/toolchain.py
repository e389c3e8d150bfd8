"""``labkit toolchain``: what images are built with."""

from __future__ import annotations

import sys
from typing import Any

import click

from labkit.build.builder import open_cache
from labkit.build.tools import find_tools
from labkit.cli import options
from labkit.cli.output import say, say_json
from labkit.errors import MissingTool
from labkit.settings import settings

__all__ = ["toolchain"]


@click.group
def toolchain() -> None:
    """The toolchains: what there is of them, and installing upstream's.

    offline is this project's own, from Debian packages; opam is upstream MirageOS.
    """


@toolchain.command
@options.as_json
@options.verbose
def status(as_json: bool) -> None:
    """Tell what there is of each toolchain, which versions, and what is missing."""
    from labkit.build.opam.status import status as opam_status

    cache = open_cache(settings())
    told = [_offline(), opam_status(cache.folder).describe()]
    if as_json:
        say_json({"toolchains": told})
        return
    for one in told:
        say(f"{one['name']}: {'ready' if one['ready'] else 'not ready'}")
        for line in _lines(one):
            say(f"  {line}")


@toolchain.command
@click.argument("name", metavar="opam", type=click.Choice(["opam"]))
@options.verbose
def install(name: str) -> None:  # noqa: ARG001  there is but one
    """Install upstream MirageOS into a switch of opam's that is the lab's own; yours stay as they are."""
    from labkit.build.opam.install import forewarning
    from labkit.build.opam.install import install as install_opam

    found = settings()
    cache = open_cache(found)
    print(f"labkit: {forewarning(cache.folder)}", file=sys.stderr, flush=True)
    switch = install_opam(cache, found.opam_repository)
    say(f"{switch.prefix}")
    has = ", ".join(f"{package} {version}" for package, version in sorted(switch.versions.items()))
    print(f"The opam toolchain is there: {has}.", file=sys.stderr)


def _offline() -> dict[str, Any]:
    try:
        tools = find_tools(open_cache(settings()))
    except MissingTool as error:
        return {"name": "offline", "ready": False, "missing": [error.what], "next_step": error.next_step}
    return {
        "name": "offline",
        "ready": True,
        "versions": {"ocaml": tools.ocaml},
        "missing": [],
        "next_step": "",
    }


def _lines(told: dict[str, Any]) -> list[str]:
    lines = []
    if told.get("opam"):
        lines.append(f"opam {told['opam']['version']}, {told['opam']['path']}")
    if switch := told.get("switch"):
        whose = "the lab's own" if switch["ours"] else "yours"
        lines.append(f"switch {switch['name']} ({whose}), {switch['folder']}")
    versions = told.get("versions") or (told.get("switch") or {}).get("versions", {})
    lines += [f"{package} {version}" for package, version in versions.items()]
    lines += [f"missing: {what}" for what in told["missing"]]
    if told["next_step"]:
        lines.append(f"What to do: {told['next_step']}")
    if supported := told.get("supported"):
        lines.append("supported: " + "; ".join(f"{name} {window}" for name, window in supported.items()))
    return lines
