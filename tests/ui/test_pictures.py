"""labkit.ui.pictures: drawings in proportion, with all of it in words, and the same for the same image."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.build.manifest import Argument, Device, Manifest, ToolchainInfo
from labkit.guest.guest import Exit, Reason
from labkit.ui.pictures.image import kib, picture
from labkit.ui.pictures.libraries import PARTS, part_of
from labkit.ui.pictures.picture import TILE_INK, TILES
from labkit.ui.pictures.timeline import stages, timeline
from labkit.ui.pictures.treemap import layout

LIBRARIES = {
    "OCaml standard library": 489075,
    "lwt": 76766,
    "<evil & co>": 20000,
    "the image itself": 5772,
    "x": 1,
}


@dataclass
class PretendImage:
    """As much of an image as its picture needs."""

    name: str = "hello"
    bytes: int = 1_091_696
    seconds: float = 0.5
    cached: bool = False
    libraries: dict[str, int] = field(default_factory=lambda: dict(LIBRARIES))
    path: Path = Path("/somewhere/secret/hello.virtio")
    manifest: Manifest = field(
        default_factory=lambda: Manifest(
            "hello",
            "virtio",
            ToolchainInfo("offline", "2", "4.13.1"),
            devices=(Device("storage", "block"),),
            packages=("lwt", "duration"),
            arguments=(Argument(("l", "logs"), "how much", "info"),),
        )
    )

    @property
    def toolchain(self) -> ToolchainInfo:
        return self.manifest.toolchain


@given(
    st.lists(st.floats(1, 1e6), min_size=1, max_size=40).map(lambda sizes: sorted(sizes, reverse=True)),
    st.floats(50, 1000),
    st.floats(50, 1000),
)
def test_a_treemap_is_in_proportion_and_fills_its_place(
    sizes: list[float], width: float, height: float
) -> None:
    tiles = layout(sizes, width, height)
    assert [tile.item for tile in tiles] == list(range(len(sizes)))
    for tile, size in zip(tiles, sizes, strict=True):
        assert tile.width * tile.height == pytest.approx(size / sum(sizes) * width * height, rel=1e-6)
        assert -1e-6 <= tile.x <= tile.x + tile.width <= width * (1 + 1e-9) + 1e-6
        assert -1e-6 <= tile.y <= tile.y + tile.height <= height * (1 + 1e-9) + 1e-6
    for one in tiles:
        for other in tiles[one.item + 1 :]:
            apart_x = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            apart_y = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert min(apart_x, apart_y) < 1e-6


def test_a_treemap_refuses_nothing() -> None:
    assert layout([], 10, 10) == []
    with pytest.raises(ValueError, match="above 0"):
        layout([1.0, 0.0], 10, 10)


def html_of(shown: Any) -> str:
    data, _ = shown._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html"}
    ET.fromstring(data["text/html"])  # noqa: S314  well formed
    for drawing in re.findall(r"data:image/svg\+xml;base64,([^\"]+)", data["text/html"]):
        root = ET.fromstring(base64.b64decode(drawing))  # noqa: S314
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return str(data["text/html"])


def test_an_image_tells_all_in_words_and_in_the_drawing() -> None:
    shown = picture(PretendImage())
    html = html_of(shown)
    assert repr(shown) == "<Image hello for virtio>"
    for words in (
        "1.04 MiB",
        "storage (block)",
        "-l, --logs (unless given: info)",
        "lwt, duration",
        "done in 0.50 s",
    ):
        assert words in html, words
        assert words in str(shown), words
    assert 'alt="What hello takes in memory' in html
    assert "<evil" not in html
    assert "&lt;evil &amp; co&gt;" in html
    assert "secret" not in html + str(shown), "no path of a machine"
    assert "1 others" in html, "what is too small to see is drawn as one"
    for library in LIBRARIES:
        assert library in str(shown)


def test_an_image_without_a_link_map_has_no_drawing_but_its_facts() -> None:
    html = html_of(picture(PretendImage(libraries={})))
    assert "<img" not in html
    assert "offline 2, OCaml 4.13.1" in html


def test_the_same_image_is_drawn_the_same() -> None:
    assert html_of(picture(PretendImage())) == html_of(picture(PretendImage()))


def test_letters_on_tiles_have_contrast() -> None:
    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert len(TILES) > len(PARTS)
    for tile in TILES:
        assert (light(tile) + 0.05) / (light(TILE_INK) + 0.05) >= 7, tile
        assert (light(tile) + 0.05) / (light("#111111") + 0.05) >= 4.5, "stands out from a dark page"


@pytest.mark.parametrize(
    ("size", "words"), [(12, "12 bytes"), (5000, "4.9 KiB"), (50_000, "49 KiB"), (5 << 20, "5.00 MiB")]
)
def test_sizes_for_people(size: int, words: str) -> None:
    assert kib(size) == words


def test_parts() -> None:
    assert PARTS[part_of("the image itself")] == "your program"
    assert PARTS[part_of("mirage_sleep")] == "library OS"
    assert PARTS[part_of("mirage_crypto")] == "libraries"


def test_a_timeline_is_in_order_and_adds_up() -> None:
    found = stages({"start": 21_000_000, "kernel": 0, "runtime": 16_000_000}, firmware=11.0)
    assert [(stage.name, stage.begin, stage.end) for stage in found] == [
        ("firmware", 0.0, 11.0),
        ("kernel", 11.0, 27.0),
        ("OCaml runtime", 27.0, 32.0),
    ]


def test_a_boot_in_words_and_in_the_drawing() -> None:
    ending = Exit(
        0,
        Reason.EXIT,
        "exited with status 0",
        stamps={"kernel": 0, "runtime": 16_000_000, "start": 21_000_000},
    )
    shown = timeline(ending)
    assert repr(shown) == "<Boot>"
    assert str(shown).splitlines()[0] == "Boot: start is called after 21.0 ms"
    html = html_of(shown)
    assert re.search(r"kernel: 16\.0 ms .*OCaml runtime: 5\.0 ms", html)
    assert "The guest exited with status 0." in html


@pytest.mark.parametrize("stamps", [{}, {"kernel": 0}])
def test_a_boot_that_got_nowhere(stamps: dict[str, int]) -> None:
    shown = timeline(Exit(255, Reason.CRASH, "crashed", stamps=stamps))
    assert "no stages were told. The guest crashed." in str(shown)
    html_of(shown)


def test_a_boot_that_did_not_reach_start() -> None:
    shown = timeline(
        Exit(255, Reason.PANIC, "panicked: no memory", stamps={"kernel": 0, "runtime": 5_000_000})
    )
    assert "start is not reached after 5.0 ms" in str(shown)
