"""Sessions for the browser: made, guided, spent by one upload, and looked up afterwards."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any

from starlette.requests import Request

from bonafide.service import store
from bonafide.service.keys import hash_secret, new_token
from bonafide.service.refusal import Refusal, overloaded
from bonafide.service.settings import MIB
from bonafide.service.state import Service, stamp
from bonafide.service.store import SessionRow
from bonafide.service.upload import Form, read_upload
from bonafide.service.uploads import wrong_kind
from bonafide.service.wire import Wish

GUIDANCE = Form(("file",), MIB, MIB)


async def make_session(service: Service, request: Request, evidence: bool) -> dict[str, Any]:
    """Answer POST /v1/sessions.

    Raises:
        Refusal: no valid key, too many requests, or a token where a key belongs.
    """
    caller = await service.caller_of(request)
    if caller.session is not None:
        raise Refusal("key_invalid", "a session's token cannot make sessions.", "Use the API key.")
    service.gate.enter(caller)
    try:
        now, token = time.time(), new_token()
        session = SessionRow(
            session_id=secrets.token_hex(16),
            token_sha256=hash_secret(token),
            client=caller.shown if caller.shown == "open" else caller.client,
            created_at=now,
            expires_at=now + service.settings.session_s,
            evidence=int(evidence),
        )
        await service.call(store.add_session, session)
    finally:
        service.gate.leave(caller)
    return {
        "session_id": session.session_id,
        "token": token,
        "expires_at": stamp(session.expires_at),
        "uploads": [f"/v1/{kind}" for kind in service.pool.greeting["takes"]],
    }


async def session_state(service: Service, request: Request, session_id: str) -> dict[str, Any]:
    """Answer GET /v1/sessions/{session_id}, for whoever made the session.

    Raises:
        Refusal: there is no such session of this caller.
    """
    caller = await service.caller_of(request)
    found = await service.call(store.find_session, session_id)
    if found is None or found.client != caller.shown or caller.session is not None:
        raise Refusal("not_found", "there is no such session.", "Sessions are kept for minutes.")
    answer = json.loads(found.answer) if found.answer else None
    if found.expires_at <= time.time():
        status, answer = "expired", None
    elif answer is not None:
        status = "refused" if "problem" in answer else "done"
    else:
        status = "created" if found.spent_at is None else "in_progress"
    return {
        "session_id": found.session_id,
        "status": status,
        "expires_at": stamp(found.expires_at),
        "answer": answer,
    }


async def guide(service: Service, request: Request) -> dict[str, Any]:
    """Answer POST /v1/guidance: a quick look at one frame, for a session that is not spent.

    Verdicts go first: guidance is refused while the service is half full.

    Raises:
        Refusal: no such session, used up, or the service is busy.
    """
    caller = await service.caller_of(request)
    session = caller.session
    if session is None:
        raise Refusal(
            "session_invalid", "guidance needs a session's token.", "Start a session first."
        )
    if session.spent_at is not None:
        raise Refusal("session_spent", "the session has ended.", "Start a new session.")
    pool, looking = service.pool, service.looking
    if not pool.greeting["guides"]:
        raise wrong_kind(pool.greeting["takes"])
    if pool.inside > pool.capacity // 2:
        raise overloaded(1)
    if session.session_id in looking:
        raise Refusal(
            "too_many_at_once", "a frame of this session is being looked at.",
            "Send one frame after another.", retry_after_s=1,
        )  # fmt: skip
    looking.add(session.session_id)
    try:
        pool.enter()
        try:
            allowed = service.settings.session_looks
            if not await service.call(store.count_look, session.session_id, allowed):
                raise Refusal(
                    "rate_limited", "the session has used up its guidance frames.",
                    "Upload, or start a new session.", retry_after_s=service.settings.session_s,
                )  # fmt: skip
            parts = await read_upload(request, GUIDANCE, service.settings.upload_s)
            answer: dict[str, Any] = (await pool.judge(Wish("guidance"), parts))["answer"]
            return answer
        finally:
            pool.leave()
    finally:
        looking.discard(session.session_id)
