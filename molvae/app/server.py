"""The server behind `molvae app`: Streamlit on 127.0.0.1, with pictures of molecules and plotly's own script beside it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import plotly
import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from molvae.app.house import HOUSE
from molvae.app.page import TITLES
from molvae.app.sources import UPLOAD
from molvae.app.structures import ADDRESS, picture
from molvae.errors import DataError

HOST = "127.0.0.1"
#: The port where none is asked for; the next free one where it is taken.
PORT = 8501

_TRIED = 50  # ports
_PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_SAFE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "max-age=3600",
}

_SETTINGS: dict[str, Any] = {
    "browser.gatherUsageStats": False,
    "browser.serverAddress": HOST,
    "client.toolbarMode": "minimal",
    "client.showErrorDetails": "type",
    "client.showErrorLinks": False,
    "logger.hideWelcomeMessage": True,
    "logger.level": "error",
    "server.address": HOST,
    "server.allowedHosts": [HOST, "localhost"],
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.maxUploadSize": UPLOAD,
    "server.showEmailPrompt": False,
    "theme.base": "light",
    "theme.primaryColor": "#0f6e6e",
}


def serve(model: str = "moses", port: int | None = None, ready: Callable[[str], None] = print) -> None:
    """Serve the page until Ctrl-C.

    Args:
        model: the one that is chosen at first: a bundled name or a folder.
        port: where; the first free one from 8501 on when None.
        ready: told the address once the page answers.

    Raises:
        DataError: the port is taken.
    """
    chosen = free_port(port)
    address = f"http://{HOST}:{chosen}"
    threading.Thread(target=_announce, args=(address, ready), daemon=True).start()
    page = Path(__file__).with_name("page.py")
    routes = [Route(ADDRESS, _structure), Route("/molvae/plotly.js", _plotly), *(Route(f"/{name}", _turned) for name in TITLES)]
    st.App(page, routes=routes, lifespan=lambda _: _opened(model)).run(config=_SETTINGS | {"server.port": chosen})


def free_port(asked: int | None) -> int:
    """The port that was asked for, or the first free one.

    Raises:
        DataError: it is taken.
    """
    for port in range(PORT, PORT + _TRIED) if asked is None else [asked]:
        if _is_free(port):
            return port
    raise DataError(f"port {asked} is taken; choose another one with --port" if asked else f"no port from {PORT} on is free")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
        return True


@contextlib.asynccontextmanager
async def _opened(model: str) -> AsyncIterator[None]:
    workers = HOUSE.open(model)
    try:
        yield
    finally:
        workers.close()


def _announce(address: str, ready: Callable[[str], None]) -> None:
    """Say the address once the server answers."""
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=5) as answer:
            if answer.status == 200:
                return ready(address)
        time.sleep(0.05)


def _turned(request: Request) -> Response:
    """To the root, which turns to the page: opened at /map, Streamlit's script would look for the server below /map, and log two errors."""
    return RedirectResponse(f"/?page={request.url.path.strip('/')}")


def _structure(request: Request) -> Response:
    return Response(picture(request.query_params.get("smiles", "")), media_type="image/svg+xml", headers=_SAFE)


def _plotly(_: Request) -> Response:
    return FileResponse(_PLOTLY, media_type="text/javascript", headers={"Cache-Control": "max-age=3600"})
