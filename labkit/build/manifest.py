"""The manifest: what an image says of itself (docs/ARCHITECTURE.md, section 2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.build import elf
from labkit.errors import ImageError

__all__ = ["FORMAT", "SECTION", "Argument", "Device", "Manifest", "ToolchainInfo"]

FORMAT = 1
"""The format written, and the newest one read."""

SECTION = ".labkit.manifest"
"""The ELF section that holds the manifest."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]{0,62}")


@dataclass(frozen=True)
class ToolchainInfo:
    """Who built an image: the toolchain's name and version, and OCaml's version ('' where unknown)."""

    name: str
    version: str = ""
    ocaml: str = ""


@dataclass(frozen=True)
class Device:
    """A device that the image expects: its name in ``config.ml``, and its kind.

    The kind is ``block``, ``network``, or for a process ``sockets``.
    """

    name: str
    kind: str


@dataclass(frozen=True)
class Argument:
    """An argument that the unikernel takes at boot: its names without dashes, its doc, its default as text."""

    names: tuple[str, ...]
    doc: str = ""
    default: str = ""


@dataclass(frozen=True)
class Manifest:
    """What an image says of itself.

    Attributes:
        name: as ``register`` in ``config.ml`` gave it; fit for file and domain names.
        target: name of the target it was built for.
        toolchain: who built it.
        devices: in the order of ``config.ml``, which is the order on the bus.
        packages: the packages that ``config.ml`` asked for.
        arguments: what it takes at boot; empty where the toolchain cannot tell.
        abi: ``solo5`` where Solo5 is below the program (:mod:`labkit.build.solo5`); empty where the contract of
            docs/ARCHITECTURE.md, section 3, holds.
    """

    name: str
    target: str
    toolchain: ToolchainInfo
    devices: tuple[Device, ...] = ()
    packages: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    abi: str = ""

    @classmethod
    def from_json(cls, text: str | bytes, *, origin: str = "The manifest") -> Manifest:
        """Read a manifest from its JSON text.

        Args:
            text: a JSON object, UTF-8.
            origin: what it was found in; error messages begin with it.

        Raises:
            ImageError: it is not JSON, lacks a field, has one of a wrong type, or is of a newer format.
        """
        try:
            value = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ImageError(f"{origin} is not JSON: {error}.", next_step=_REBUILD) from error
        fields = _Fields(value, origin)
        version = fields.whole("format")
        if version > FORMAT:
            raise ImageError(
                f"{origin} is of format {version}; this labkit reads formats up to {FORMAT}.",
                next_step="Use the labkit that built it, or a newer one.",
            )
        toolchain = fields.object("toolchain")
        return cls(
            name=fields.name("name"),
            target=fields.name("target"),
            toolchain=ToolchainInfo(
                toolchain.name("name"), toolchain.text("version", ""), toolchain.text("ocaml", "")
            ),
            devices=tuple(Device(d.name("name"), d.name("kind")) for d in fields.objects("devices")),
            packages=fields.texts("packages"),
            arguments=tuple(
                Argument(a.texts("names"), a.text("doc", ""), a.text("default", ""))
                for a in fields.objects("arguments")
            ),
            abi=fields.text("abi", ""),
        )

    @classmethod
    def from_elf(cls, path: Path) -> Manifest:
        """Read the manifest out of an image file.

        Raises:
            ImageError: no such file, not an image, damaged, or without a manifest.
        """
        content = elf.section(path, SECTION)
        if content is None:
            raise ImageError(
                f"{path} is a program, but carries no manifest: labkit did not build it.",
                next_step="Build it with labkit, or give a folder with a config.ml.",
            )
        return cls.from_json(content, origin=f"The manifest in {path}")

    def to_json(self) -> str:
        """The manifest as JSON text, as it is put into an image file."""
        abi = {"abi": self.abi} if self.abi else {}
        return json.dumps(
            {
                "format": FORMAT,
                "name": self.name,
                "target": self.target,
                "toolchain": vars(self.toolchain),
                "devices": [vars(device) for device in self.devices],
                "packages": list(self.packages),
                "arguments": [
                    {**vars(argument), "names": list(argument.names)} for argument in self.arguments
                ],
                **abi,
            },
            ensure_ascii=False,
            indent=1,
        )


_REBUILD = "Build the image again; the file is damaged or was not made by labkit."


class _Fields:
    """Typed access to a JSON object, with words for what is wrong."""

    def __init__(self, value: object, origin: str) -> None:
        if not isinstance(value, Mapping):
            raise ImageError(f"{origin} is not a JSON object.", next_step=_REBUILD)
        self._value: Mapping[str, Any] = value
        self._origin = origin

    def _wrong(self, key: str, wanted: str) -> ImageError:
        found = repr(self._value[key]) if key in self._value else "nothing"
        return ImageError(f"{self._origin} has {found} for {key!r} instead of {wanted}.", next_step=_REBUILD)

    def whole(self, key: str) -> int:
        value = self._value.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(key, "a whole number")
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value = self._value.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key, "a text")
        return value

    def name(self, key: str) -> str:
        value = self.text(key)
        if not _NAME.fullmatch(value):
            raise ImageError(
                f"{self._origin} has {value!a} for {key!r}, which is no name for a file or a domain.",
                next_step="Use 1 to 63 letters, digits and _ . + -, beginning with a letter or a digit.",
            )
        return value

    def object(self, key: str) -> _Fields:
        if not isinstance(self._value.get(key), Mapping):
            raise self._wrong(key, "an object")
        return _Fields(self._value[key], self._origin)

    def objects(self, key: str) -> list[_Fields]:
        value = self._value.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            raise self._wrong(key, "a list of objects")
        return [_Fields(item, self._origin) for item in value]

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._value.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "a list of texts")
        return tuple(value)
