"""One upload from its first byte to its answer: admitted, read, judged, recorded, answered."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request

from bonafide.service import store
from bonafide.service.clients import Caller
from bonafide.service.database import Database
from bonafide.service.metrics import labelled
from bonafide.service.refusal import Refusal
from bonafide.service.settings import Retention
from bonafide.service.state import Service, expired
from bonafide.service.store import SessionRow, VerdictRow
from bonafide.service.upload import Form, read_upload
from bonafide.service.wire import PARTS, Parts, Wish

DAY_S = 86_400.0
HASHED_AT_ONCE = 1 << 20
"""Bytes up to which hashing does not hold the event loop noticeably."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is known once a worker has answered."""

    request_id: str
    caller: Caller
    kind: str
    answer: dict[str, Any]
    kept: str | None
    digest: str
    size: int
    milliseconds: float


@asynccontextmanager
async def place(service: Service, caller: Caller) -> AsyncIterator[None]:
    """Room for one request, of the caller's and of the service's; given back at the end.

    Raises:
        Refusal: there is none.
    """
    service.gate.enter(caller)
    try:
        service.pool.enter()
        try:
            yield
        finally:
            service.pool.leave()
    finally:
        service.gate.leave(caller)


async def judge_upload(service: Service, request: Request, wish: Wish) -> dict[str, Any]:
    """Answer POST /v1/photo, /v1/clip and /v1/multimodal.

    Raises:
        Refusal: whatever prevents a verdict.
    """
    caller = await service.caller_of(request)
    request.state.client = caller.shown
    _check_wish(service, wish)
    session = caller.session
    async with place(service, caller):
        if session is None:
            return await _judge(service, request, caller, wish)
        await _spend(service, session)
        try:
            wish = replace(wish, evidence=wish.evidence and bool(session.evidence))
            return await _judge(service, request, caller, wish)
        except Refusal as refusal:
            answer = refusal.to_json(request.state.request_id)
            await service.call(store.answer_session, session.session_id, answer)
            raise


def _check_wish(service: Service, wish: Wish) -> None:
    """Refuse, before a byte is read or a token spent, what this model cannot do."""
    takes = service.pool.greeting["takes"]
    if wish.kind not in takes:
        raise wrong_kind(takes)
    known: Sequence[str] = list(service.pool.greeting["operating_points"])
    if wish.point is not None and wish.point not in known:
        raise Refusal(
            "unknown_operating_point",
            "no operating point has this name.",
            f"Name one of these: {', '.join(known)}.",
        )


def wrong_kind(takes: Sequence[str]) -> Refusal:
    """The refusal of an upload that the model does not judge, with what it wants instead."""
    told = [f"{_KINDS[kind]} to /v1/{kind}" for kind in takes]
    return Refusal(
        "wrong_kind",
        "the model that runs here does not judge this kind of upload.",
        f"Send {' or '.join(told)}.",
    )


_KINDS = {
    "photo": "a photo",
    "clip": "a clip",
    "multimodal": "colour, depth and infrared of one moment as the parts rgb, depth and infrared",
}


async def _spend(service: Service, session: SessionRow) -> None:
    now = time.time()
    if await service.call(store.spend_session, session.session_id, now):
        return
    if session.expires_at <= now:
        raise expired()
    raise Refusal(
        "session_spent",
        "the session's one upload has been made.",
        "Start a new session; its token is good for one upload.",
    )


async def _judge(service: Service, request: Request, caller: Caller, wish: Wish) -> dict[str, Any]:
    settings = service.settings
    parts = await read_upload(request, _form(service, wish.kind), settings.upload_s)
    size = sum(len(content) for content in parts.values())
    request.state.upload_bytes = size
    wish = replace(wish, keep=settings.retention is Retention.PICTURE)
    began = time.perf_counter()
    reply = await service.pool.judge(wish, parts)
    milliseconds = 1e3 * (time.perf_counter() - began)
    digest = "" if settings.retention is Retention.NONE else await _digest(parts)
    judged = _Judged(
        request.state.request_id, caller, wish.kind, reply["answer"], reply["kept"],
        digest, size, milliseconds,
    )  # fmt: skip
    answer = await _record(service, judged)
    _count(service, wish.kind, answer)
    request.state.decision = answer["decision"]
    return answer


def _form(service: Service, kind: str) -> Form:
    """The files of an upload; those of a capture are together no larger than a clip."""
    photo, clip = service.settings.photo.max_bytes, service.settings.clip.max_bytes
    if kind == "multimodal":
        return Form(PARTS[kind], photo, max(photo, clip))
    largest = photo if kind == "photo" else clip
    return Form(PARTS[kind], largest, largest)


async def _digest(parts: Parts) -> str:
    """SHA-256 of every file, in hexadecimal, separated by spaces."""
    if sum(len(content) for content in parts.values()) <= HASHED_AT_ONCE:
        return _digest_now(parts)
    return await asyncio.to_thread(_digest_now, parts)


def _digest_now(parts: Parts) -> str:
    return " ".join(hashlib.sha256(content).hexdigest() for content in parts.values())


async def _record(service: Service, judged: _Judged) -> dict[str, Any]:
    """Complete the answer; what is to be kept is on the disk before anyone hears it."""
    settings, session = service.settings, judged.caller.session
    retained = settings.retention is not Retention.NONE
    audit_id = str(uuid.uuid4()) if retained else None
    answer = {
        "request_id": judged.request_id,
        **judged.answer,
        "audit_id": audit_id,
        "retained": settings.retention.value,
    }
    if not retained and session is None:
        return answer
    now = time.time()
    row = _row(judged, audit_id, now) if audit_id else None
    expires_at = now + DAY_S * settings.picture_days
    jpeg = base64.b64decode(judged.kept) if judged.kept else None

    def write(database: Database) -> None:
        if row is not None:
            store.add_verdict(database, row)
            if jpeg is not None:
                store.add_picture(database, row.audit_id, expires_at, jpeg)
        if session is not None:
            told = {name: value for name, value in answer.items() if name != "evidence"}
            store.answer_session(database, session.session_id, told)

    await service.call(write)
    return answer


def _row(judged: _Judged, audit_id: str, now: float) -> VerdictRow:
    answer, session = judged.answer, judged.caller.session
    return VerdictRow(
        audit_id=audit_id,
        request_id=judged.request_id,
        client=judged.caller.shown,
        session_id=session.session_id if session else None,
        kind=judged.kind,
        decided_at=now,
        decision=answer["decision"],
        score=answer["score"],
        threshold=answer["threshold"],
        operating_point=answer["operating_point"],
        reasons=json.dumps([reason["code"] for reason in answer["reasons"]]),
        input_sha256=judged.digest,
        input_bytes=judged.size,
        model=f"{answer['model']['name']} {answer['model']['version']}",
        model_sha256=answer["model"]["sha256"],
        judged_ms=round(judged.milliseconds, 3),
    )


def _count(service: Service, kind: str, answer: dict[str, Any]) -> None:
    metrics = service.metrics
    labelled(metrics.verdicts, kind, answer["decision"]).inc()
    for reason in answer["reasons"]:
        labelled(metrics.reasons, reason["code"]).inc()
    for stage, milliseconds in answer["timing_ms"].items():
        labelled(metrics.stages, stage).observe(milliseconds / 1e3)
    if answer["score"] is not None:
        labelled(metrics.scores, kind).observe(answer["score"])
