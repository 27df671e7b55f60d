"""The browser page: a handful of files, read once, from the package and nowhere else."""

from __future__ import annotations

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response

TYPES = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}


def add_page(app: FastAPI, folder: Path) -> None:
    """Serve ``folder``'s files by name, and index.html as /.

    No path is built from a request, so none can lead outside.
    """
    for path in sorted(folder.iterdir()):
        if path.suffix in TYPES:
            address = "/" if path.name == "index.html" else f"/page/{path.name}"
            _add(app, address, path.read_bytes(), TYPES[path.suffix])


def _add(app: FastAPI, address: str, content: bytes, media_type: str) -> None:
    async def file() -> Response:
        headers = {"Cache-Control": "no-cache"}
        return Response(content, media_type=f"{media_type}; charset=utf-8", headers=headers)

    app.add_api_route(address, file, methods=["GET", "HEAD"], include_in_schema=False)
