"""Images compared: every figure is there, from real guests, and says where it is from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit.build.builder import build
from labkit.compare.figures import Comparison, Figure, Subject
from labkit.compare.inside import system_calls_in
from labkit.compare.serving import least_memory, memory_of, served
from labkit.errors import GuestError, UsageError
from labkit.events import step
from labkit.ui import comparison, contents
from labkit.ui.pictures.contents import linux_part

FIGURES = {
    "image_bytes",
    "contents",
    "first_answer",
    "least_memory",
    "requests",
    "half_answered",
    "open_ports",
    "devices",
    "processes",
    "kernel_threads",
    "programs",
    "libraries",
    "system_calls",
    "intruder",
}


@pytest.fixture(scope="module")
def found() -> Comparison:
    return labkit.compare("web", "lean-linux", least_memory=False, boots=1, ports=range(1, 1025))


@pytest.mark.live
@pytest.mark.slow
def test_every_figure_is_there_and_says_where_it_is_from(found: Comparison) -> None:
    for subject in (found.one, found.other):
        assert subject.figures.keys() == FIGURES
        for name, figure in subject.figures.items():
            assert name == "least_memory" or figure.value is not None, name
            assert figure.how or figure.note, name
    assert found.seconds > 0


@pytest.mark.live
@pytest.mark.slow
def test_they_are_what_they_should_be(found: Comparison) -> None:
    web, lean = found.one, found.other
    assert (web.kind, lean.kind) == ("unikernel", "Linux")
    assert web["open_ports"].value == [80]
    assert lean["open_ports"].value == [22, 80]
    assert web["image_bytes"].value == build("web").bytes
    assert lean["image_bytes"].value == build("lean-linux").bytes
    assert found.ratio("first_answer") > 0
    assert lean["processes"].value == 4, "init, its shell, two servers; not who asks"
    assert int(str(lean["kernel_threads"].value)) > 10
    assert int(str(lean["programs"].value)) > 200
    assert "virtio-net" in str(web["devices"].value)
    assert "virtio-net" in str(lean["devices"].value)
    assert float(str(web["requests"].value)) > 10
    assert float(str(lean["requests"].value)) > 1
    assert 300 < int(str(lean["system_calls"].value)) < 600
    assert 10 < int(str(web["system_calls"].value)) < 100
    assert web["intruder"].value == 0


@pytest.mark.live
@pytest.mark.slow
def test_it_shows_itself(found: Comparison) -> None:
    text = str(found)
    assert "open TCP ports" in text
    assert "22, 80" in text
    picture = comparison(found)
    assert "22, 80" in picture.html
    assert picture.alternative == text
    assert repr(picture) == "<web and lean-linux compared>"
    told: dict[str, Any] = found.describe()
    assert told["b"]["figures"]["open_ports"]["value"] == [22, 80]


def test_contents_are_drawn_to_one_scale() -> None:
    picture = contents(build("web"), build("lean-linux"))
    assert "lean-linux: vmlinuz" in picture.alternative
    assert "web: OCaml runtime" in picture.alternative
    parts = ["vmlinuz", "lib/modules/", "lib/libc.so.6", "bin/busybox", "www"]
    assert [linux_part(path) for path in parts] == [2, 2, 1, 4, 0]
    with pytest.raises(ValueError, match="nothing is known"):
        contents()


@pytest.mark.live
def test_the_least_memory_is_the_least(root: Path) -> None:
    image = build("web")
    with step("look", "web") as doing:
        usual = served(image)
        least = least_memory(image, usual, doing)
    assert 2 < least < memory_of(image)
    served(image, least)
    with pytest.raises((GuestError, UsageError)):
        served(image, least // 2, 5.0)


@pytest.mark.live
def test_a_guest_that_serves_nothing(root: Path) -> None:
    with pytest.raises(GuestError, match="serves no page on port 80"):
        served(build(root / "tests" / "images" / "services"), limit=2.0)


def test_what_cannot_be_compared() -> None:
    with pytest.raises(UsageError, match="has no network device"):
        labkit.compare("hello", "web")
    with pytest.raises(UsageError, match="built for the target unix"):
        labkit.compare(labkit.build("hello", "unix"), "web")


def test_system_calls_are_found_in_code() -> None:
    calls = system_calls_in(build("hello"))
    assert {1, 60} & set(calls) or {20, 231} & set(calls), "write or writev, exit or exit_group"
    assert len(calls) < 100


def test_figures_in_words() -> None:
    assert str(Figure("a", None)) == "–"
    assert str(Figure("a", 1234, "bytes")) == "1,234 bytes"
    assert str(Figure("a", 0.5, "s")) == "0.50 s"
    assert str(Figure("a", [22, 80])) == "22, 80"
    assert str(Figure("a", [])) == "none"
    assert str(Figure("a", {"x": 1})) == "1 parts"
    one, other = (Subject(name, "Linux", {"n": Figure("n", value)}) for name, value in (("a", 0), ("b", 2)))
    with pytest.raises(ValueError, match="no ratio"):
        Comparison(one, other, "qemu").ratio("n")
    assert Comparison(other, one, "qemu").ratio("n") == 0
