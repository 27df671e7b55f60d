"""Everything about a running service that can be set, in one flat record."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from bonafide.capture.limits import Limits
from bonafide.deploy.runtime import SHIPPED_MODEL
from bonafide.types import BonafideError

MIB = 1 << 20


class Retention(StrEnum):
    """What is kept of an answered request.

    NONE keeps nothing on disk. DECISION keeps the verdict, the input's SHA-256, the model's and the
    times. PICTURE keeps, besides, the judged picture until it expires.
    """

    NONE = "none"
    DECISION = "decision"
    PICTURE = "picture"


def parse_retention(text: str) -> Retention:
    """Read a word of the command line.

    Raises:
        BonafideError: it is none of none, decision and picture.
    """
    try:
        return Retention(text)
    except ValueError as error:
        raise BonafideError(
            f"{text!r} is not one of none, decision, picture.",
            where="--retain",
            remedy="See docs/service.md for what each keeps.",
        ) from error


@dataclass(frozen=True, slots=True)
class ServiceSettings:
    """One running service. Sizes in bytes, times in seconds.

    Attributes:
        model: an ONNX file that `bonafide export` wrote.
        operating_points: files of further points that a request may name; the model's own always.
        min_face_px: smallest face looked for.
        sample_hz: frames of a clip looked at per second.
        workers: processes that decode and judge.
        queue: requests that may wait for a worker, besides those being judged.
        queue_s: longest wait for a worker before a request is refused.
        photo, clip: limits on what is decoded; ``max_bytes`` also bounds the upload.
        upload_s: longest time for one upload to arrive.
        header_s: longest time for a request's head to arrive.
        wall_s, cpu_s: longest time that one request may hold a worker, by clock and by processor.
        memory_bytes: address space of a worker.
        connections: open connections beyond which new ones are closed.
        store: database URL, ``sqlite:///FILE`` or ``postgresql://...``; None keeps it in memory.
        retention: what is kept there.
        picture_days: after which a kept picture is deleted.
        require_key: whether requests need an API key of the store, or a session made with one.
        per_minute, burst: requests of one client: refill per minute, and at once.
        concurrent: requests of one client at the same time.
        session_s: life of a session.
        session_looks: guidance frames that one session may ask for.
        page: whether the browser page is served.
    """

    model: Path = SHIPPED_MODEL
    operating_points: tuple[Path, ...] = ()
    min_face_px: float = 40.0
    sample_hz: float = 5.0
    workers: int = 2
    queue: int = 16
    queue_s: float = 10.0
    photo: Limits = field(default_factory=lambda: Limits(max_bytes=16 * MIB, max_pixels=16_000_000))
    clip: Limits = field(
        default_factory=lambda: Limits(
            max_bytes=32 * MIB, max_pixels=4_200_000, max_frames=900, max_seconds=20.0
        )
    )
    upload_s: float = 20.0
    header_s: float = 10.0
    wall_s: float = 20.0
    cpu_s: float = 15.0
    memory_bytes: int = 2048 * MIB
    connections: int = 512
    store: str | None = None
    retention: Retention = Retention.NONE
    picture_days: float = 7.0
    require_key: bool = False
    per_minute: float = 600.0
    burst: int = 60
    concurrent: int = 8
    session_s: float = 600.0
    session_looks: int = 600
    page: bool = True

    def __post_init__(self) -> None:
        for name in (
            "workers", "queue_s", "upload_s", "header_s", "wall_s", "cpu_s", "memory_bytes",
            "connections", "picture_days", "per_minute", "burst", "concurrent", "session_s",
            "sample_hz", "min_face_px",
        ):  # fmt: skip
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise BonafideError(
                    f"must be a positive number, not {value}.",
                    where=name,
                    remedy="See: bonafide serve --help.",
                )
        if self.queue < 0:
            raise BonafideError("must not be negative.", where="queue", remedy="0 is no queue.")
        if self.store is None and self.retention is not Retention.NONE:
            raise BonafideError(
                "nothing can be kept without a database.",
                where="--retain",
                remedy="Name one: --store sqlite:///bonafide.db.",
            )
        if self.store is None and self.require_key:
            raise BonafideError(
                "keys lie in a database, and none is named.",
                where="--store",
                remedy="Name the one that `bonafide keys add` wrote to.",
            )


def settings_to_json(settings: ServiceSettings) -> dict[str, Any]:
    """What a worker needs to know, for the wire."""
    return {
        "model": str(settings.model),
        "operating_points": [str(path) for path in settings.operating_points],
        "photo": asdict(settings.photo),
        "clip": asdict(settings.clip),
        "min_face_px": settings.min_face_px,
        "sample_hz": settings.sample_hz,
        "memory_bytes": settings.memory_bytes,
        "cpu_s": settings.cpu_s,
    }


def settings_of(values: dict[str, Any]) -> ServiceSettings:
    """The inverse of `settings_to_json`."""
    return ServiceSettings(
        model=Path(values["model"]),
        operating_points=tuple(Path(path) for path in values["operating_points"]),
        photo=Limits(**values["photo"]),
        clip=Limits(**values["clip"]),
        min_face_px=values["min_face_px"],
        sample_hz=values["sample_hz"],
        memory_bytes=values["memory_bytes"],
        cpu_s=values["cpu_s"],
    )
