"""A guest's web page beside its notebook, wherever the browser is."""

from __future__ import annotations

import importlib.util
import os
from html import escape
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from labkit.errors import UsageError
from labkit.ui.pictures.picture import QUIET, Picture

if TYPE_CHECKING:
    from labkit.guest.guest import Guest

__all__ = ["page"]

HEIGHT: Final = 360
_LOCAL: Final = ("127.0.0.1", "localhost", "::1", "")


def page(
    guest: Guest, port: int = 80, *, path: str = "/", height: int = HEIGHT, network: str = ""
) -> Picture:
    """Show a guest's page in this cell. It is live: what is clicked in it goes to the guest.

    The browser gets it from 127.0.0.1; or, where the browser seems to be on another machine than Jupyter, through
    Jupyter itself (jupyter-server-proxy). Both addresses stand below it.

    Args:
        guest: the guest.
        port: its TCP port.
        path: what to show first.
        height: how high, in pixels.
        network: the name of its network, where it has more than one.

    Raises:
        GuestError: it cannot be reached there, or does not speak HTTP; the evidence says which layer fails.
        UsageError: an argument makes no sense.
    """
    if not path.startswith("/"):
        raise UsageError(
            f"{path!r} is no path.", next_step="Give one that begins with /, such as /index.html."
        )
    where = guest.networks[network] if network else guest.network
    forward = where.reach(port)
    direct = forward.url.rstrip("/") + path
    server = _server()
    ways = {"this machine's own address": direct}
    if server is not None and importlib.util.find_spec("jupyter_server_proxy"):
        ways["through Jupyter"] = f"{server['base_url']}proxy/{forward.host_port}{path}"
    shown = ways.get("through Jupyter", direct) if _elsewhere(server) else direct
    label = f"Page of {guest.name.rpartition('-')[0]}, port {port}"
    links = " · ".join(
        f'{escape(name)}: <a href="{escape(url)}" target="_blank" rel="noopener" style="color:inherit">'
        f"{escape(url)}</a>"
        for name, url in ways.items()
    )
    html = (
        f'<iframe src="{escape(shown)}" title="{escape(label)}" width="100%" height="{height:d}" '
        f'style="border:1px solid {QUIET};background:#fff"></iframe>'
        f'<div style="font-size:12px;color:{QUIET}">{links}</div>'
    )
    return Picture(label, f"{label}\n" + "\n".join(f"  {name}: {url}" for name, url in ways.items()), html)


def _server() -> dict[str, Any] | None:
    """The Jupyter server whose kernel this is; None if it is none's."""
    if "JPY_SESSION_NAME" not in os.environ or importlib.util.find_spec("jupyter_server") is None:
        return None
    from jupyter_server.serverapp import list_running_servers

    servers: list[dict[str, Any]] = list(list_running_servers())
    parent = os.environ.get("JPY_PARENT_PID", str(os.getppid()))
    ours = [server for server in servers if str(server.get("pid")) == parent]
    return next(iter(ours or servers), None)


def _elsewhere(server: dict[str, Any] | None) -> bool:
    """Whether the browser seems to be on another machine: behind a hub, over SSH, at a server for all to see."""
    if server is None:
        return False
    host = urlsplit(str(server.get("url", ""))).hostname or ""
    return "JUPYTERHUB_SERVICE_PREFIX" in os.environ or "SSH_CONNECTION" in os.environ or host not in _LOCAL
