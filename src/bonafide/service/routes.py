"""The addresses of the service, thin: each says what it takes and hands over."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bonafide.service import schemas
from bonafide.service.refusal import Refusal
from bonafide.service.sessions import guide, make_session, session_state
from bonafide.service.state import Service
from bonafide.service.uploads import judge_upload
from bonafide.service.wire import Wish
from bonafide.version import __version__

ALWAYS = ("bad_request", "bad_request_id", "internal", "invalid_parameter")
BY_KEY = (*ALWAYS, "key_required", "key_invalid", "store_unavailable")
UPLOAD = (
    *BY_KEY, "empty_upload", "session_invalid", "session_spent", "session_expired",
    "upload_too_slow", "upload_too_large", "media_too_large", "unsupported_media",
    "damaged_media", "unknown_operating_point", "wrong_kind", "too_costly",
    "rate_limited", "too_many_at_once", "worker_lost", "overloaded", "not_ready",
)  # fmt: skip
CAPTURE = ("missing_modality", "misregistered", "depth_unit")
CAPTURE_PARTS = {
    "rgb": "Colour photo: JPEG, PNG or WebP.",
    "depth": "Depth, pixel upon pixel: 16-bit PNG in mm, or levels of a stated unit, or, for a "
    "rival, a picture of 8 bits; 0 is unknown.",
    "infrared": "Infrared photo, pixel upon pixel.",
}
Point = Annotated[
    str | None, Query(max_length=100, description="Name of an operating point; see /v1/model.")
]
Scale = Annotated[
    float | None,
    Query(ge=-1000, le=1000, allow_inf_nan=False,
          description="Millimetres of one depth level, negative where near is bright; the model's "
          "own if not given, see /v1/model. Level 0 is always \"not measured\"."),
]  # fmt: skip
Offset = Annotated[
    float,
    Query(ge=-100_000, le=100_000, allow_inf_nan=False,
          description="Millimetres at depth level 0; only with depth_mm_per_level."),
]  # fmt: skip
Evidence = Annotated[bool, Query(description="Put crops and the judged picture into the answer.")]


def add_routes(app: FastAPI, service: Service) -> None:
    """Put the routes on the application."""
    _add_uploads(app, service)
    _add_captures(app, service)
    _add_sessions(app, service)
    _add_watching(app, service)


def _add_uploads(app: FastAPI, service: Service) -> None:
    photo_types = ("image/jpeg", "image/png", "image/webp")
    clip_types = ("video/mp4", "video/webm", "video/quicktime", "video/x-msvideo")

    @app.post(
        "/v1/photo", summary="Judge a photo", tags=["verdicts"],
        responses=_verdict(schemas.PHOTO_EXAMPLES, *UPLOAD), openapi_extra=_body(*photo_types),
    )  # fmt: skip
    async def photo(
        request: Request, operating_point: Point = None, evidence: Evidence = False
    ) -> Response:
        """JPEG, PNG or WebP, as the body or as part ``file`` of a form.

        For models of faces. To one that judges a clip's frames together, a photo is a clip that
        stands still.
        """
        wish = Wish("photo", operating_point, evidence)
        return JSONResponse(await judge_upload(service, request, wish))

    @app.post(
        "/v1/clip", summary="Judge a clip", tags=["verdicts"],
        responses=_verdict(schemas.CLIP_EXAMPLES, *UPLOAD), openapi_extra=_body(*clip_types),
    )  # fmt: skip
    async def clip(
        request: Request, operating_point: Point = None, evidence: Evidence = False
    ) -> Response:
        """MP4, MOV, WebM, MKV or AVI, as the body or as part ``file`` of a form.

        A model of faces judges it frame by frame, a clip model its first seconds as a whole, a
        rival of clips some frames that are spread over all of it, together.
        """
        wish = Wish("clip", operating_point, evidence)
        return JSONResponse(await judge_upload(service, request, wish))


def _add_captures(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/multimodal", summary="Judge colour, depth and infrared", tags=["verdicts"],
        responses=_verdict(schemas.MULTIMODAL_EXAMPLES, *UPLOAD, *CAPTURE),
        openapi_extra=_form(CAPTURE_PARTS),
    )  # fmt: skip
    async def multimodal(
        request: Request,
        operating_point: Point = None,
        evidence: Evidence = False,
        depth_mm_per_level: Scale = None,
        depth_offset_mm: Offset = 0.0,
    ) -> Response:
        """Three registered pictures as parts of a form, for cascades and rivals of captures.

        Of one size; rivals, and cascades trained so, also take one view at several resolutions. To
        a rival, 8-bit depth without a stated unit is a picture, as it was in training.
        """
        if depth_mm_per_level is None and depth_offset_mm:
            raise Refusal(
                "invalid_parameter", "depth_offset_mm comes without depth_mm_per_level.",
                "State both, or neither.",
            )  # fmt: skip
        wish = Wish(
            "multimodal", operating_point, evidence,
            mm_per_level=depth_mm_per_level, offset_mm=depth_offset_mm,
        )  # fmt: skip
        return JSONResponse(await judge_upload(service, request, wish))


def _add_sessions(app: FastAPI, service: Service) -> None:
    @app.post(
        "/v1/sessions", summary="Start a session for a browser", tags=["sessions"],
        status_code=201,
        responses={201: {"model": schemas.SessionBody},
                   **schemas.refusals(*BY_KEY, "rate_limited", "too_many_at_once")},
    )  # fmt: skip
    async def start(request: Request, wish: schemas.SessionRequest | None = None) -> Response:
        """The token is good for one upload; send it as a key is sent."""
        evidence = wish.evidence if wish else False
        return JSONResponse(await make_session(service, request, evidence), 201)

    @app.get(
        "/v1/sessions/{session_id}", summary="What became of a session", tags=["sessions"],
        responses={200: {"model": schemas.SessionState},
                   **schemas.refusals(*BY_KEY, "not_found", "session_invalid", "session_expired")},
    )  # fmt: skip
    async def look_up(request: Request, session_id: str) -> Response:
        """For whoever started it: the verdict comes from here, not from the browser."""
        return JSONResponse(await session_state(service, request, session_id))

    @app.post(
        "/v1/guidance", summary="Look at one camera frame", tags=["sessions"],
        responses={200: {"model": schemas.GuidanceBody},
                   **schemas.refusals(*(set(UPLOAD) - {"unknown_operating_point"}))},
        openapi_extra=_body("image/jpeg"),
    )  # fmt: skip
    async def guidance(request: Request) -> Response:
        """Where the face is and what to do better; no verdict, and the token stays unspent."""
        return JSONResponse(await guide(service, request))


def _add_watching(app: FastAPI, service: Service) -> None:
    @app.get(
        "/v1/model", summary="What answers here", tags=["operation"],
        responses={200: {"model": schemas.AboutBody}, **schemas.refusals(*ALWAYS)},
    )  # fmt: skip
    async def model() -> Response:
        return JSONResponse(_about(service))

    @app.get(
        "/health", summary="The process answers", tags=["operation"],
        responses={200: {"model": schemas.AliveBody}, **schemas.refusals(*ALWAYS)},
    )  # fmt: skip
    async def health() -> Response:
        return JSONResponse({"status": "alive"})

    @app.get(
        "/ready", summary="Uploads can be judged", tags=["operation"],
        responses={200: {"model": schemas.ReadyBody}, 503: {"model": schemas.ReadyBody},
                   **schemas.refusals(*ALWAYS)},
    )  # fmt: skip
    async def ready() -> Response:
        pool = service.pool
        body = {"status": "ready" if pool.ready else "not_ready", "workers": pool.ready,
                "inside": pool.inside, "capacity": pool.capacity}  # fmt: skip
        return JSONResponse(body, 200 if pool.ready else 503)

    @app.get(
        "/metrics", summary="Counts for Prometheus", tags=["operation"],
        responses={200: {"content": {"text/plain": {}}}, **schemas.refusals(*BY_KEY)},
        response_class=Response,
    )  # fmt: skip
    async def metrics(request: Request) -> Response:
        """Needs a key where keys are required."""
        caller = await service.caller_of(request)
        if caller.session is not None:
            raise Refusal("key_invalid", "a session's token opens no metrics.", "Use a key.")
        return Response(service.metrics.page(), media_type="text/plain; version=0.0.4")


def _about(service: Service) -> dict[str, Any]:
    greeting, settings = service.pool.greeting, service.settings
    return {
        "version": __version__,
        "model": greeting["model"],
        "operating_points": greeting["operating_points"],
        "default_operating_point": next(iter(greeting["operating_points"])),
        "takes": greeting["takes"],
        "window_s": greeting["window_s"],
        "depth_unit": greeting["depth_unit"],
        "limits": {
            "photo_bytes": settings.photo.max_bytes,
            "photo_pixels": settings.photo.max_pixels,
            "clip_bytes": settings.clip.max_bytes,
            "clip_pixels": settings.clip.max_pixels,
            "clip_frames": settings.clip.max_frames,
            "clip_seconds": settings.clip.max_seconds,
        },
        "retention": settings.retention.value,
        "key_required": settings.require_key,
        "sealed": greeting["sealed"],
    }


def _verdict(examples: dict[str, Any], *codes: str) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI responses of an address that judges, with an answer of each sort of model."""
    named = {name: {"value": answer} for name, answer in examples.items()}
    content = {"application/json": {"examples": named}}
    return {200: {"model": schemas.VerdictBody, "content": content}, **schemas.refusals(*codes)}


def _body(*media_types: str) -> dict[str, Any]:
    """One file, for OpenAPI: the file itself, or a form around it."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    extra = _form({"file": "The photo or clip."})
    content = extra["requestBody"]["content"]
    return {
        "requestBody": {
            "required": True,
            "content": {**dict.fromkeys(media_types, binary), **content},
        }
    }


def _form(parts: dict[str, str]) -> dict[str, Any]:
    """A form of files, for OpenAPI: part -> what it is."""
    properties = {
        name: {"type": "string", "format": "binary", "description": text}
        for name, text in parts.items()
    }
    schema = {"type": "object", "required": list(parts), "properties": properties}
    return {
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": schema}}}
    }
