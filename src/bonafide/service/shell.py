"""Around every request: its id, its headers, its log line, its counts, and its errors as JSON."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bonafide.service.logs import LOGGER, log
from bonafide.service.metrics import labelled
from bonafide.service.refusal import Refusal, internal
from bonafide.service.request_id import HEADER, bad_request_id, is_request_id, new_request_id
from bonafide.service.state import Service
from bonafide.service.uploads import judge_upload
from bonafide.service.wire import Wish

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(), geolocation=()"),
    (b"content-security-policy", PAGE_POLICY.encode()),
]
_HEADER = HEADER.encode()
_NO_STORE = (b"cache-control", b"no-store")
PLAIN = {"/v1/photo": "photo", "/v1/clip": "clip", "/v1/multimodal": "multimodal"}
"""Uploads that go to be judged at once when they ask for nothing besides: the framework's way from
the address to the function costs a tenth of a service's own processor time."""

UPLOADS = ("/v1/photo", "/v1/clip", "/v1/multimodal", "/v1/guidance")
SMALL_BYTES = 64 * 1024
QUIET = ("/health", "/ready", "/metrics")
"""Asked every few seconds by machines; they get no log line unless they fail."""


class Shell:
    """ASGI middleware, the outermost layer."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began = time.perf_counter()
        given = [value for name, value in scope["headers"] if name == _HEADER]
        ids = [value.decode("latin-1") for value in given]
        valid = len(ids) == 1 and is_request_id(ids[0])
        request_id = ids[0] if valid else new_request_id()
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        sent: dict[str, Any] = {"status": 0, "code": None}

        async def reply(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent["status"] = message["status"]
                message["headers"] = _with_headers(message["headers"], request_id)
            await send(message)

        refusal: Refusal | None = None
        try:
            if given and not valid:
                raise bad_request_id()
            kind = PLAIN.get(scope["path"])
            if kind and scope["method"] == "POST" and not scope["query_string"]:
                state["route"] = scope["path"]
                answer = await judge_upload(self.service, Request(scope, receive), Wish(kind))
                await _send_json(reply, 200, answer, {})
            else:
                await self.app(scope, self._bounded(scope, receive), reply)
        except Refusal as error:
            refusal = error
        except HTTPException as error:
            refusal = state.get("refused") or _of_framework(error)
        # The last line of defence: the client gets a stated refusal, the log the place.
        except Exception:  # noqa: BLE001
            LOGGER.exception("failed", extra={"fields": {"request_id": request_id}})
            refusal = internal()
        if refusal is not None:
            sent["code"] = refusal.code
            if sent["status"] == 0:
                await _refuse(reply, refusal, request_id)
        self._note(scope, state, sent, time.perf_counter() - began)

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        """Bodies that are no uploads: small and in time. Uploads bound themselves."""
        if scope["path"] in UPLOADS:
            return receive
        seen = 0
        seconds = self.service.settings.header_s

        async def bounded() -> Message:
            nonlocal seen
            refusal = None
            try:
                message = await asyncio.wait_for(receive(), seconds)
            except TimeoutError:
                problem = f"the request took more than {seconds:g} s."
                refusal = Refusal("upload_too_slow", problem, "Send it faster.")
            else:
                seen += len(message.get("body", b""))
                if seen <= SMALL_BYTES:
                    return message
                problem = "this address takes no uploads."
                refusal = Refusal("upload_too_large", problem, "See /openapi.json.")
            scope["state"]["refused"] = refusal  # the framework words it as an error of its own
            raise refusal

        return bounded

    def _note(
        self, scope: Scope, state: dict[str, Any], sent: dict[str, Any], seconds: float
    ) -> None:
        metrics = self.service.metrics
        route = state.get("route") or getattr(scope.get("route"), "path", None) or "other"
        labelled(metrics.requests, route, str(sent["status"])).inc()
        labelled(metrics.seconds, route).observe(seconds)
        if sent["code"]:
            labelled(metrics.refusals, sent["code"]).inc()
        if route in QUIET and sent["status"] < 400:
            return
        fields = {
            "request_id": state["request_id"],
            "method": scope["method"] if scope["method"] in _METHODS else "other",
            "route": route,
            "status": sent["status"],
            "ms": round(1e3 * seconds, 1),
        }
        for name in ("client", "upload_bytes", "decision"):
            if state.get(name) is not None:
                fields[name] = state[name]
        if sent["code"]:
            fields["code"] = sent["code"]
        log("request", fields, logging.WARNING if sent["status"] >= 500 else logging.INFO)


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY")


def _with_headers(headers: list[tuple[bytes, bytes]], request_id: str) -> list[Any]:
    more = [*_ALWAYS, (_HEADER, request_id.encode())]
    if not any(name == b"cache-control" for name, _ in headers):
        more.append(_NO_STORE)
    return [*headers, *more]


def _of_framework(error: HTTPException) -> Refusal:
    """Routing errors of the framework, in the service's words."""
    if error.status_code == 404:
        return Refusal("not_found", "nothing lies at this address.", "See /openapi.json.")
    if error.status_code == 405:
        return Refusal(
            "method_not_allowed", "this address does not take this method.", "See /openapi.json.",
            allow=(error.headers or {}).get("Allow"),
        )  # fmt: skip
    return Refusal("bad_request", "the request cannot be read.", "See /openapi.json.")


async def _refuse(send: Send, refusal: Refusal, request_id: str) -> None:
    await _send_json(send, refusal.status, refusal.to_json(request_id), refusal.headers())


async def _send_json(send: Send, status: int, content: Any, more: dict[str, str]) -> None:
    """Answer as the framework's JSONResponse does, without its mutable headers and cookies."""
    body = _encode(content).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers += [(k.lower().encode(), v.encode()) for k, v in more.items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


_encode = json.JSONEncoder(allow_nan=False, check_circular=False, separators=(",", ":")).encode
"""Made once: `json.dumps` makes one for every call that is not its plain one."""
