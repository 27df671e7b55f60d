"""Every way in which the service says no: a code, an HTTP status, a problem and a remedy.

Nothing else leaves the service as an error; docs/service.md lists the same table, and a test holds
the two together.
"""

from __future__ import annotations

import math
from typing import Any

from bonafide.types import BonafideError

STATUS: dict[str, int] = {
    "bad_request": 400,
    "bad_request_id": 400,
    "empty_upload": 400,
    "key_required": 401,
    "key_invalid": 401,
    "session_invalid": 401,
    "not_found": 404,
    "method_not_allowed": 405,
    "upload_too_slow": 408,
    "session_spent": 409,
    "session_expired": 410,
    "upload_too_large": 413,
    "media_too_large": 413,
    "unsupported_media": 415,
    "invalid_parameter": 422,
    "unknown_operating_point": 422,
    "wrong_kind": 422,
    "missing_modality": 422,
    "misregistered": 422,
    "depth_unit": 422,
    "damaged_media": 422,
    "too_costly": 422,
    "rate_limited": 429,
    "too_many_at_once": 429,
    "internal": 500,
    "worker_lost": 500,
    "overloaded": 503,
    "not_ready": 503,
    "store_unavailable": 503,
}
"""code -> HTTP status."""


class Refusal(BonafideError):  # noqa: N818 a refusal is an answer, too
    """A request that gets no verdict.

    Attributes:
        code: a key of `STATUS`.
        retry_after_s: when trying again makes sense; None when it does not.
        allow: the methods that an address takes, when another was used.
    """

    def __init__(
        self,
        code: str,
        problem: str,
        remedy: str,
        *,
        retry_after_s: float | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(problem, remedy=remedy)
        self.code = code
        self.retry_after_s = retry_after_s
        self.allow = allow

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.code]

    def headers(self) -> dict[str, str]:
        """What goes with the status: Retry-After in whole seconds, WWW-Authenticate, Allow."""
        headers = {}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(max(math.ceil(self.retry_after_s), 1))
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if self.allow is not None:
            headers["Allow"] = self.allow
        return headers

    def to_json(self, request_id: str) -> dict[str, Any]:
        """The body of the response. ``accepted`` is there for callers that look at nothing else."""
        return {
            "request_id": request_id,
            "accepted": False,
            "code": self.code,
            "problem": self.problem,
            "remedy": self.remedy,
        }


def overloaded(retry_after_s: float) -> Refusal:
    """All workers are busy and the queue is full, or the wait in it took too long."""
    return Refusal(
        "overloaded",
        "the service is busy.",
        "Send the request again after the seconds that Retry-After names.",
        retry_after_s=retry_after_s,
    )


def internal() -> Refusal:
    """A mistake of ours; the log holds the rest."""
    return Refusal(
        "internal", "a mistake of the service.", "Report the request id to its operator."
    )
