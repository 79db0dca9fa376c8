"""The web page: app."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape

from molvae.cli.common import Model, console
from molvae.errors import MissingExtraError


def app(
    model: Model = "moses",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Where the page is; the first free port from 8501 on without it.")
    ] = None,
) -> None:
    """Open the web page: sample, interpolate, neighbours, optimize, map, evaluate. It is on this machine alone and needs no network."""
    from molvae.pretrained import find_pretrained

    folder = find_pretrained(model)
    try:
        from molvae.app.server import serve
    except ImportError as error:
        raise MissingExtraError(f"the web page needs an extra: pip install 'molvae[app]' ({error})") from error
    serve(model if folder.parent.name == "pretrained" else str(folder.resolve()), port, _say)
    console.print("closed")


def _say(address: str) -> None:
    console.print(f"the page is at [bold]{escape(address)}[/bold] (Ctrl-C closes it)")
