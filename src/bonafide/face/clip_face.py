"""The one box of a clip: where its face moves, with surroundings, or why there is none.

A clip is judged whole, so one face must be there most of the time and stay the same person's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bonafide.face.crop import extended_clip_box
from bonafide.face.detect import FaceDetector
from bonafide.face.quality import QualityLimits, measure_quality, reasons_for
from bonafide.face.track import FaceTracker
from bonafide.types import Box, Face, FaceReport, Frame, Reason, ReasonCode, RgbImage

USABLE_SHARE = 0.5
"""At least this share of the looks must show one usable face."""

TRACK_SHARE = 0.2
"""A second track with this share of the usable looks is another person, or a swapped picture."""

LOST_AFTER_S = 1.0
"""A face not seen for longer than this has left. Twice what the tracker has for a verdict on every
frame: in a clip of few frames a second that is two of them, and whoever comes back must look the
same to go on with the track."""

START_CONFIDENCE = 0.7
"""Of a face that begins a track. Faces of prints with cut-out eyes are found with 0.73 to 0.93; a
model that refuses them for that would look better on the rest."""

REPLACED = Reason(
    ReasonCode.SEVERAL_FACES,
    "The face was lost or replaced on the way; record one face without a break.",
    blocking=True,
)


@dataclass(frozen=True, slots=True)
class ClipFace:
    """What a pass over a clip says of its face.

    Attributes:
        box: the extended box for every frame; None exactly when a reason is blocking.
        reasons: blocking ones first.
        picture: the first usable look, or the first look; None without any.
        face: the face in ``picture``, or None.
        faces: every face in ``picture``, the judged one first.
        looks, usable: how many frames were looked at, and how many show one usable face.
    """

    box: Box | None
    reasons: tuple[Reason, ...]
    picture: RgbImage | None
    face: Face | None
    faces: tuple[FaceReport, ...]
    looks: int
    usable: int


@dataclass
class _Looks:
    """What is remembered while looking: boxes, counts and one picture."""

    count: int = 0
    usable: int = 0
    boxes: dict[int, list[Box]] = field(default_factory=dict)
    picture: RgbImage | None = None
    face: Face | None = None
    faces: tuple[FaceReport, ...] = ()
    remarks: tuple[Reason, ...] = ()
    refusals: Counter[ReasonCode] = field(default_factory=Counter)
    blocking: dict[ReasonCode, Reason] = field(default_factory=dict)


def find_clip_face(
    frames: Iterable[Frame],
    detector: FaceDetector,
    *,
    extend: float,
    limits: QualityLimits | None = None,
) -> ClipFace:
    """Follow the face through some frames of a clip and fix one box for all of it.

    Args:
        frames: in time order, a few a second; one is held at a time.
        detector: finds the faces.
        extend: see `crop.extended_clip_box`.
        limits: of quality; `QualityLimits()` when None.
    """
    limits = replace(limits or QualityLimits(), largest_scale=1.0)
    seen = _Looks()
    tracker = FaceTracker(detector, lost_after_s=LOST_AFTER_S, start_confidence=START_CONFIDENCE)
    for frame in frames:
        _look(frame, tracker, seen, limits)
    reasons = _refusal(seen)
    box = None
    if not reasons:
        every = [box for boxes in seen.boxes.values() for box in boxes]
        box = extended_clip_box(every, extend)
        reasons = (*seen.remarks, *_surroundings(box, seen.picture))
    return ClipFace(box, reasons, seen.picture, seen.face, seen.faces, seen.count, seen.usable)


def _look(frame: Frame, tracker: FaceTracker, seen: _Looks, limits: QualityLimits) -> None:
    tracked = tracker.update(frame)  # largest first
    faces = [item.face for item in tracked]
    qualities = [measure_quality(frame.rgb, face.landmarks) for face in faces]
    size = frame.rgb.shape[1], frame.rgb.shape[0]
    reasons = reasons_for(faces, qualities[0] if qualities else None, size, limits)
    refused = [reason for reason in reasons if reason.blocking]
    seen.count += 1
    for reason in refused:
        seen.refusals[reason.code] += 1
        seen.blocking[reason.code] = reason
    if seen.picture is None or (seen.usable == 0 and not refused):
        seen.picture, seen.face = frame.rgb, faces[0] if faces else None
        seen.faces = tuple(
            FaceReport(face.box, face.confidence, quality)
            for face, quality in zip(faces, qualities, strict=True)
        )
        seen.remarks = tuple(
            reason
            for reason in reasons
            # What lies outside is counted for the clip's own box.
            if not reason.blocking and reason.code is not ReasonCode.PADDED_SURROUNDINGS
        )
    if not refused:
        seen.usable += 1
        seen.boxes.setdefault(tracked[0].track_id, []).append(faces[0].box)


def _refusal(seen: _Looks) -> tuple[Reason, ...]:
    if seen.usable < max(USABLE_SHARE * seen.count, 1):
        if not seen.refusals:
            return (Reason(ReasonCode.NO_FACE, "No frame shows a face.", blocking=True),)
        return tuple(seen.blocking[code] for code, _ in seen.refusals.most_common())
    with_a_say = [b for b in seen.boxes.values() if len(b) >= TRACK_SHARE * seen.usable]
    return (REPLACED,) if len(with_a_say) > 1 else ()


def _surroundings(box: Box, picture: RgbImage | None) -> tuple[Reason, ...]:
    if picture is None:
        return ()
    height, width = picture.shape[:2]
    # Box edges count from pixel centres: the picture reaches from -0.5 to width - 0.5.
    across = min(box.right, width - 0.5) - max(box.left, -0.5)
    down = min(box.bottom, height - 0.5) - max(box.top, -0.5)
    outside = 1 - max(across, 0) * max(down, 0) / (box.width * box.height)
    if outside < 0.01:
        return ()
    advice = (
        f"{outside:.0%} of the clip's box lies outside the picture; leave more room around the "
        "face for a surer answer."
    )
    return (Reason(ReasonCode.PADDED_SURROUNDINGS, advice, blocking=False),)
