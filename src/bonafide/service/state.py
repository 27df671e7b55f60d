"""What the routes share: settings, workers, database, callers, counts."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from starlette.requests import Request

from bonafide.service import store
from bonafide.service.clients import Caller, Gate
from bonafide.service.database import Database, StoreError
from bonafide.service.keys import hash_secret, is_token, key_id_of, matches
from bonafide.service.ledger import Ledger, T, Values
from bonafide.service.metrics import Metrics
from bonafide.service.pool import WorkerPool
from bonafide.service.refusal import Refusal
from bonafide.service.settings import ServiceSettings
from bonafide.service.store import KeyRow

KEYS_FRESH_S = 5.0
"""For how long a key that was looked up is believed; a revoked one ends after that."""

MOST_KEYS = 10_000


class Service:
    """A running service.

    Attributes:
        settings: as started.
        pool: the workers.
        ledger: the database.
        gate: what each caller may ask for.
        metrics: what is counted.
        looking: ids of sessions with a guidance frame in hand.
    """

    def __init__(self, settings: ServiceSettings) -> None:
        """Open the database; `pool.start` is left to the application's start.

        Raises:
            StoreError: the database cannot be opened.
        """
        self.settings = settings
        self.metrics = Metrics()
        self.pool = WorkerPool(settings, lambda cause: self.metrics.lost.labels(cause).inc())
        self.metrics.ready.set_function(lambda: self.pool.ready)
        self.metrics.inside.set_function(lambda: self.pool.inside)
        self.ledger = Ledger(settings.store)
        self.gate = Gate()
        self.looking: set[str] = set()
        self._keys: dict[str, tuple[float, KeyRow | None]] = {}

    async def caller_of(self, request: Request) -> Caller:
        """Who sends a request, by its Authorization header.

        Raises:
            Refusal: no key where one is required, or one that is not valid.
        """
        header = request.headers.get("authorization")
        if header is None:
            if self.settings.require_key:
                raise Refusal(
                    "key_required",
                    "this service needs an API key.",
                    "Send it as: Authorization: Bearer KEY.",
                )
            return self._caller(f"address:{_network_of(request)}", None)
        scheme, _, credential = header.partition(" ")
        if scheme.lower() == "bearer" and is_token(credential):
            return await self._caller_of_token(credential)
        key = await self._key(credential) if scheme.lower() == "bearer" else None
        if key is None:
            raise Refusal(
                "key_invalid", "the API key is not valid.", "Ask the operator for a new one."
            )
        return self._caller(f"key:{key.key_id}", key)

    async def _caller_of_token(self, token: str) -> Caller:
        digest = hash_secret(token)
        session = await self.call(store.session_of_token, digest)
        if session is None:
            raise Refusal(
                "session_invalid", "the session token is not known.", "Start a new session."
            )
        if session.expires_at <= time.time():
            raise expired()
        maker = session.client.partition(":")
        key = await self._find(maker[2]) if maker[0] == "key" else None
        if maker[0] == "key" and (key is None or key.revoked_at is not None):
            raise Refusal(
                "session_invalid", "the key behind the session was revoked.", "Start a new session."
            )
        return replace(self._caller(session.client, key), session=session)

    async def _key(self, text: str) -> KeyRow | None:
        key_id = key_id_of(text)
        row = await self._find(key_id) if key_id else None
        valid = matches(text, row.secret_sha256 if row else None)
        return row if valid and row is not None and row.revoked_at is None else None

    async def _find(self, key_id: str) -> KeyRow | None:
        now = time.monotonic()
        known = self._keys.get(key_id)
        if known is None or now - known[0] > KEYS_FRESH_S:
            if len(self._keys) >= MOST_KEYS:
                self._keys.clear()
            row = await self.call(store.find_key, key_id)
            known = self._keys[key_id] = (now, row)
        return known[1]

    def _caller(self, client: str, key: KeyRow | None) -> Caller:
        settings = self.settings
        per_minute, concurrent = settings.per_minute, settings.concurrent
        if key is not None:
            per_minute, concurrent = key.per_minute or per_minute, key.concurrent or concurrent
        return Caller(client, per_minute, settings.burst, concurrent)

    async def call(self, work: Callable[[Database, *Values], T], *values: *Values) -> T:
        """`Ledger.call`, with the service's own refusal when the database fails."""
        try:
            return await self.ledger.call(work, *values)
        except StoreError as error:
            raise Refusal(
                "store_unavailable",
                "the database does not answer, and nothing is decided off the record.",
                "Try again shortly.",
                retry_after_s=5,
            ) from error


def expired() -> Refusal:
    """The refusal of a session whose time is over."""
    return Refusal("session_expired", "the session's time is over.", "Start a new session.")


def stamp(seconds: float) -> str:
    """A time as RFC 3339 in UTC, whole seconds."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _network_of(request: Request) -> str:
    """The caller's address; of IPv6 the /64, which one household can use up at will."""
    host = request.client.host if request.client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
