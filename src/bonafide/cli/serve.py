"""`bonafide serve`: the HTTP service and its page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

WHERE, JUDGING, LIMITS, KEEPING = "Where", "Judging", "Limits", "Keys and records"


def _option(text: str, panel: str, *names: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel)


def serve(
    model: Annotated[
        Path | None,
        _option("An exported model, skin-colour or ms-fans; else the usual one.", JUDGING),
    ] = None,
    operating_point: Annotated[
        list[Path] | None, _option("A further point that requests may name; repeatable.", JUDGING)
    ] = None,
    min_face: Annotated[float, _option("Smallest face looked for, px.", JUDGING)] = 40.0,
    frames_per_second: Annotated[float, _option("Frames of a clip looked at.", JUDGING)] = 5.0,
    host: Annotated[str, _option("Address to listen on.", WHERE)] = "127.0.0.1",
    port: Annotated[int, _option("Port to listen on.", WHERE)] = 8000,
    page: Annotated[bool, _option("Serve the page for browsers.", WHERE)] = True,
    workers: Annotated[int, _option("Processes that decode and judge.", LIMITS)] = 2,
    queue: Annotated[int, _option("Requests that may wait for one.", LIMITS)] = 16,
    memory: Annotated[int, _option("Address space of a worker, MiB.", LIMITS)] = 2048,
    seconds: Annotated[float, _option("Longest time of one request in a worker.", LIMITS)] = 20.0,
    per_minute: Annotated[float, _option("Requests of one client.", LIMITS)] = 600.0,
    burst: Annotated[int, _option("Requests of one client in a row.", LIMITS)] = 60,
    concurrent: Annotated[int, _option("Requests of one client at once.", LIMITS)] = 8,
    store: Annotated[
        str | None, _option("sqlite:///FILE or postgresql://...; nothing if not given.", KEEPING)
    ] = None,
    retain: Annotated[str, _option("none, decision or picture.", KEEPING)] = "none",
    picture_days: Annotated[float, _option("Life of kept pictures.", KEEPING)] = 7.0,
    require_key: Annotated[bool, _option("Refuse requests without a key.", KEEPING)] = False,
    open_to_all: Annotated[
        bool, _option("Listen beyond this machine without keys.", KEEPING, "--open")
    ] = False,
) -> None:
    """Answer photos, clips or three-sensor captures over HTTP, with a page for browsers."""
    from bonafide.deploy.runtime import model_path
    from bonafide.service.serve import serve as serve_settings
    from bonafide.service.settings import MIB, ServiceSettings, parse_retention

    settings = ServiceSettings(
        model=model_path(model),
        operating_points=tuple(operating_point or ()),
        min_face_px=min_face,
        sample_hz=frames_per_second,
        workers=workers,
        queue=queue,
        memory_bytes=memory * MIB,
        wall_s=seconds,
        cpu_s=seconds,
        per_minute=per_minute,
        burst=burst,
        concurrent=concurrent,
        store=store,
        retention=parse_retention(retain),
        picture_days=picture_days,
        require_key=require_key,
        page=page,
    )
    serve_settings(settings, host, port, open_to_all=open_to_all)
