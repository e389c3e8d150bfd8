"""Exercises of 04-web."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from labkit.build.image import Image
from labkit.course.exercise import Exercise, Lesson
from labkit.course.trial import Trial

__all__ = ["LESSON"]

HTTP_PORT: Final = 80
PATIENCE_SECONDS: Final = 10.0
HEADING: Final = "About this unikernel"


@dataclass(frozen=True)
class _Answer:
    """What a server said: 0 stands for no answer, with the reason as its text."""

    status: int
    text: str

    def __str__(self) -> str:
        return f"{self.status}: {self.text.strip()[:200]!r}" if self.status else f"no answer: {self.text}"


@contextmanager
def _server(trial: Trial, image: Image) -> Iterator[str]:
    """A guest of an image that is given time to begin to serve; its address."""
    with trial.guest(image) as guest:
        guest.network.wait_for_address()
        yield guest.network.forward(HTTP_PORT).url


def _get(url: str, path: str) -> _Answer:
    try:
        with urllib.request.urlopen(url.rstrip("/") + path, timeout=PATIENCE_SECONDS) as response:  # noqa: S310  a forward
            return _Answer(response.status, response.read().decode(errors="replace"))
    except urllib.error.HTTPError as error:
        return _Answer(error.code, error.read().decode(errors="replace"))
    except OSError as error:
        return _Answer(0, str(error))


def page(trial: Trial) -> None:
    """A page at `/`, and only there."""
    with _server(trial, trial.image("web", "first-page")) as url:
        found = _get(url, "/")
        trial.expect(
            found.status == 200 and bool(found.text.strip()),
            "that `/` is answered with status 200 and a text",
            found,
            'A case for it looks like `| "/" -> …`, and stands before the others.',
        )
        other = _get(url, "/elsewhere")
        trial.expect(
            other.status == 404,
            "that `/elsewhere` is still not found (404)",
            other,
            "Leave the last case as it is.",
        )


def visits(trial: Trial) -> None:
    """The server counts."""
    image = trial.image("web", "visits")
    for most in (3, 2):  # another boot begins anew
        with _server(trial, image) as url:
            for number in range(1, most + 1):
                found = _get(url, "/")
                trial.expect(
                    found.status == 200 and re.search(rf"\bvisit {number}\b", found.text) is not None,
                    f"`visit {number}`",
                    found,
                    "`visits` is a reference: `!visits` is its value. Who changes it?",
                )


def about(trial: Trial) -> None:
    """A page of the site, made without OCaml."""
    with _server(trial, trial.image("web", "site")) as url:
        found = _get(url, "/about.html")
        heading = re.search(r"<h1[^>]*>(.*?)</h1>", found.text, re.DOTALL | re.IGNORECASE)
        trial.expect(
            found.status == 200 and heading is not None and HEADING in heading[1],
            f"that `/about.html` has a heading `{HEADING}`",
            found,
            "Run the cell above that begins with `%%unikernel web/htdocs/about.html`: it is the file.",
        )
        front = _get(url, "/")
        trial.expect(
            front.status == 200, "that the front page is still there", front, "Leave the other files."
        )


LESSON = Lesson(
    "04-web",
    (
        Exercise(
            "page",
            "Answer `/` with status 200 and a text of your own.",
            page,
            (
                "`answer` looks at the path. Its one case is for all paths: yours has to come before it.",
                "`Server.respond_string ~status:… ~body:… ()` answers. Which status says that all is well?",
                '`| "/" -> Server.respond_string ~status:`OK ~body:"My first page.\\n" ()`',
            ),
        ),
        Exercise(
            "visits",
            "Let each answer say which visit it is.",
            visits,
            (
                "Nobody changes `visits`, so it stays 0.",
                "`incr visits` adds 1 to a reference; a `;` stands between it and what comes next.",
                "`incr visits;` as the first line of `answer`.",
            ),
        ),
        Exercise(
            "about",
            "Give the site a page about.html with the heading `About this unikernel`.",
            about,
            (
                "The cell is the file. A heading of HTML stands between `<h1>` and `</h1>`.",
                "`<h1>About this unikernel</h1>`",
            ),
        ),
    ),
)
