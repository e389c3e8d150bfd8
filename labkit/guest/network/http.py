"""One HTTP request, and what comes of it where that is not HTTP."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final

__all__ = ["Failure", "Response", "get"]

SECONDS: Final = 3.0
SHOWN_BYTES: Final = 40


@dataclass(frozen=True)
class Response:
    """An answer: its status line and how many bytes its body has."""

    status: int
    reason: str
    size: int


class Failure(Exception):
    """There is no answer, or it is not HTTP; the text says what came of the request."""


def get(address: tuple[str, int], path: str = "/", *, seconds: float = SECONDS) -> Response:
    """GET a page (RFC 9110), within so many seconds for each step.

    Raises:
        Failure: no answer, or none of HTTP.
    """
    import http.client  # here, since it takes longer to load than all the rest

    with contextlib.closing(http.client.HTTPConnection(*address, timeout=seconds)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            size = len(answer.read())
        except http.client.RemoteDisconnected:
            raise Failure("the guest takes a request and closes the connection without an answer") from None
        except http.client.BadStatusLine as error:
            begin = str(error)[:SHOWN_BYTES]
            raise Failure(f"what answers does not speak HTTP: it began with {begin!r}") from None
        except (http.client.HTTPException, ValueError) as error:
            raise Failure(f"the guest's answer is not whole HTTP: {error!r}") from None
        except TimeoutError:
            raise Failure(f"the guest takes a request and does not answer it in {seconds:g} s") from None
        except OSError as error:
            raise Failure(f"the connection breaks: {error.strerror or error}") from None
    return Response(answer.status, answer.reason, size)
