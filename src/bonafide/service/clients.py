"""Who is calling, and how much one caller may ask for."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from bonafide.service.refusal import Refusal
from bonafide.service.store import SessionRow

REMEMBERED = 10_000
"""Callers whose use is remembered; the one unheard of for longest is forgotten first."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request.

    Attributes:
        client: "key:ID", "address:IP" or the maker of the session; logs and the audit store show it
            without the address.
        per_minute, burst, concurrent: this caller's limits.
        session: when a session's token came instead of a key.
    """

    client: str
    per_minute: float
    burst: int
    concurrent: int
    session: SessionRow | None = None

    @property
    def shown(self) -> str:
        """For logs and the audit store; an address is personal data and stays out."""
        return "open" if self.client.startswith("address:") else self.client


@dataclass(slots=True)
class _Use:
    tokens: float
    at: float
    inside: int = 0


class Gate:
    """A token bucket and a count of open requests for each caller."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    def enter(self, caller: Caller) -> None:
        """Count a request in; `leave` counts it out.

        Raises:
            Refusal: the caller has too many open requests, or sent too many of late.
        """
        now = self._clock()
        use = self._uses.setdefault(caller.client, _Use(caller.burst, now))
        self._uses.move_to_end(caller.client)
        rate = caller.per_minute / 60
        use.tokens = min(use.tokens + (now - use.at) * rate, caller.burst)
        use.at = now
        if use.inside >= caller.concurrent:
            raise Refusal(
                "too_many_at_once",
                f"{use.inside} requests of this client are open; {caller.concurrent} may be.",
                "Wait for an answer before sending the next request.",
                retry_after_s=1,
            )
        if use.tokens < 1:
            raise Refusal(
                "rate_limited",
                f"this client sent more than {caller.per_minute:g} requests a minute.",
                "Send fewer, or ask the operator for a higher limit.",
                retry_after_s=(1 - use.tokens) / rate,
            )
        use.tokens -= 1
        use.inside += 1
        self._forget()

    def leave(self, caller: Caller) -> None:
        """Count a request out."""
        use = self._uses.get(caller.client)
        if use is not None:
            use.inside = max(use.inside - 1, 0)

    def _forget(self) -> None:
        while len(self._uses) > REMEMBERED:
            oldest = next(iter(self._uses))
            if self._uses[oldest].inside:
                self._uses.move_to_end(oldest)
            else:
                del self._uses[oldest]
