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
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from bonafide.service import store
from bonafide.service.clients import Caller
from bonafide.service.database import Database
from bonafide.service.judge import Wish
from bonafide.service.refusal import Refusal
from bonafide.service.settings import Retention
from bonafide.service.state import Service, expired
from bonafide.service.store import SessionRow, VerdictRow
from bonafide.service.upload import read_upload

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


async def judge_upload(
    service: Service, request: Request, kind: str, point: str | None, evidence: bool
) -> dict[str, Any]:
    """Answer POST /v1/photo and /v1/clip.

    Raises:
        Refusal: whatever prevents a verdict.
    """
    caller = await service.caller_of(request)
    request.state.client = caller.shown
    known: Sequence[str] = list(service.pool.greeting["operating_points"])
    if point is not None and point not in known:
        raise Refusal(
            "unknown_operating_point",
            "no operating point has this name.",
            f"Name one of these: {', '.join(known)}.",
        )
    session = caller.session
    async with place(service, caller):
        if session is None:
            return await _judge(service, request, caller, Wish(kind, point, evidence))
        await _spend(service, session)
        try:
            wish = Wish(kind, point, evidence and bool(session.evidence))
            return await _judge(service, request, caller, wish)
        except Refusal as refusal:
            answer = refusal.to_json(request.state.request_id)
            await service.call(store.answer_session, session.session_id, answer)
            raise


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
    limits = settings.photo if wish.kind == "photo" else settings.clip
    upload = await read_upload(request, limits.max_bytes, settings.upload_s)
    request.state.upload_bytes = len(upload)
    keep = settings.retention is Retention.PICTURE
    began = time.perf_counter()
    reply = await service.pool.judge(Wish(wish.kind, wish.point, wish.evidence, keep), upload)
    judged = _Judged(
        request.state.request_id, caller, wish.kind, reply["answer"], reply["kept"],
        await _digest(upload), len(upload), 1e3 * (time.perf_counter() - began),
    )  # fmt: skip
    answer = await _record(service, judged)
    _count(service, wish.kind, answer)
    request.state.decision = answer["decision"]
    return answer


async def _digest(upload: bytes | bytearray) -> str:
    if len(upload) <= HASHED_AT_ONCE:
        return hashlib.sha256(upload).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, upload)).hexdigest()


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
    metrics.verdicts.labels(kind, answer["decision"]).inc()
    for reason in answer["reasons"]:
        metrics.reasons.labels(reason["code"]).inc()
    for stage, milliseconds in answer["timing_ms"].items():
        metrics.stages.labels(stage).observe(milliseconds / 1e3)
    if answer["score"] is not None:
        metrics.scores.labels(kind).observe(answer["score"])
