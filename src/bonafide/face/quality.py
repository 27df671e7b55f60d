"""Measure a face before any network judges it, and say what is wrong with it.

A presentation with a blocking reason is not evaluated; a remark only accompanies the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from bonafide.face.align import face_side_px, similarity_to_canonical
from bonafide.face.crop import crop_to_picture, inside_mask, multi_scale_crops
from bonafide.face.pose import estimate_pose
from bonafide.types import Face, Landmarks, Quality, Reason, ReasonCode, RgbImage

ALIGNED_PX = 128
DARK_LEVEL = 20
BRIGHT_LEVEL = 235


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """What makes a face unfit for judgement. How many ordinary pictures each default turns away
    was measured: docs/face.md.

    Attributes:
        min_size_px: least side of the scale-1.0 crop, about 16 px from eye to eye.
        max_yaw_deg, max_pitch_deg: largest turn of the head; the angles are coarse (see `pose`).
        max_roll_deg: largest tilt; alignment takes roll out, so any is allowed.
        min_brightness, max_brightness: of the mean grey level of the aligned face, 0..255.
        max_dark_share, max_bright_share: of the aligned face in black or in white, 0..1.
        min_sharpness: of the aligned face, see `types.Quality`.
        min_inside_share: of the scale-1.0 crop that must show the picture, 0..1. At 0.4 a tight
            picture may end at the brows, the cheeks and just below the mouth. Besides, all five
            landmarks must lie in the picture.
        min_confidence: detector's confidence below which a second face is not counted, 0..1.
        rival_size_ratio: a second face counts as a second person in front of the camera, and
            blocks, if its size is at least this share of the first's; a smaller one (someone
            behind, a poster) is a remark.
        largest_scale: the largest crop scale in use; if it reaches beyond the picture, a remark.
    """

    min_size_px: float = 48.0
    max_yaw_deg: float = 45.0
    max_pitch_deg: float = 45.0
    max_roll_deg: float = 180.0
    min_brightness: float = 40.0
    max_brightness: float = 230.0
    max_dark_share: float = 0.6
    max_bright_share: float = 0.5
    min_sharpness: float = 10.0
    min_inside_share: float = 0.4
    min_confidence: float = 0.9
    rival_size_ratio: float = 0.5
    largest_scale: float = 1.5


def measure_quality(rgb: RgbImage, landmarks: Landmarks) -> Quality:
    """Size, pose, sharpness and light of one face; see `types.Quality` for the units.

    Grey is 0.299 R + 0.587 G + 0.114 B. Levels and sharpness are taken where the aligned face
    lies inside the picture only; a face wholly outside has brightness and sharpness 0.

    Args:
        rgb: (height, width, 3) uint8.
        landmarks: (5, 2), see `types.Landmarks`.

    Raises:
        AlignmentError: the landmarks fit no face.
    """
    stack = multi_scale_crops(rgb, landmarks, (1.0,), ALIGNED_PX)
    inside = stack.inside[0]
    grey = np.asarray(cv2.cvtColor(stack.crops[0], cv2.COLOR_RGB2GRAY))
    edges = np.asarray(cv2.Laplacian(grey, cv2.CV_64F))
    # the step to the fill colour is no sharpness: keep one pixel away from it
    interior = cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.bool_)
    levels = grey[inside]
    return Quality(
        size_px=face_side_px(similarity_to_canonical(landmarks)),
        pose=estimate_pose(landmarks),
        sharpness=float(edges[interior].var()) if interior.any() else 0.0,
        brightness=float(levels.mean()) if levels.size else 0.0,
        dark_share=float((levels < DARK_LEVEL).mean()) if levels.size else 0.0,
        bright_share=float((levels > BRIGHT_LEVEL).mean()) if levels.size else 0.0,
        inside_share=float(inside.mean()),
    )


def reasons_for(
    faces: Sequence[Face],
    quality: Quality | None,
    picture_size: tuple[int, int],
    limits: QualityLimits | None = None,
) -> tuple[Reason, ...]:
    """What speaks against judging this picture, blocking reasons first.

    Args:
        faces: every face found; the first is the one to judge.
        quality: of the first face, or None when there is no face.
        picture_size: (width, height), px.
        limits: `QualityLimits()` when None.

    Returns:
        Empty when nothing is to be said.
    """
    limits = limits or QualityLimits()
    if not faces or quality is None:
        advice = "Show one face to the camera, upright and in light."
        return (Reason(ReasonCode.NO_FACE, advice, blocking=True),)
    found = [
        *_other_faces(faces, limits),
        *_size_and_pose(quality, limits),
        *_light(quality, limits),
        *_borders(faces[0].landmarks, quality, picture_size, limits),
    ]
    return tuple(sorted(found, key=lambda reason: not reason.blocking))


def _other_faces(faces: Sequence[Face], limits: QualityLimits) -> Iterator[Reason]:
    others = [face for face in faces[1:] if face.confidence >= limits.min_confidence]
    if not others:
        return
    largest = max(face.box.height for face in others)
    if largest >= limits.rival_size_ratio * faces[0].box.height:
        advice = "Only one person may be in front of the camera."
        yield Reason(ReasonCode.SEVERAL_FACES, advice, blocking=True)
    else:
        advice = f"{len(others)} smaller face(s) in the background; the largest face was judged."
        yield Reason(ReasonCode.SEVERAL_FACES, advice, blocking=False)


def _size_and_pose(quality: Quality, limits: QualityLimits) -> Iterator[Reason]:
    pose = quality.pose
    if quality.size_px < limits.min_size_px:
        advice = (
            f"Come closer: the face is {quality.size_px:.0f} px wide, "
            f"{limits.min_size_px:.0f} px are needed."
        )
        yield Reason(ReasonCode.FACE_TOO_SMALL, advice, blocking=True)
    if (
        abs(pose.yaw_deg) > limits.max_yaw_deg
        or abs(pose.pitch_deg) > limits.max_pitch_deg
        or abs(pose.roll_deg) > limits.max_roll_deg
    ):
        advice = "Look straight into the camera."
        yield Reason(ReasonCode.EXTREME_POSE, advice, blocking=True)


def _light(quality: Quality, limits: QualityLimits) -> Iterator[Reason]:
    if quality.brightness < limits.min_brightness or quality.dark_share > limits.max_dark_share:
        advice = "Put more light on the face, from the front."
        yield Reason(ReasonCode.TOO_DARK, advice, blocking=True)
    if quality.brightness > limits.max_brightness or quality.bright_share > limits.max_bright_share:
        advice = "Take light off the face, or lower the camera's exposure."
        yield Reason(ReasonCode.TOO_BRIGHT, advice, blocking=True)
    if quality.sharpness < limits.min_sharpness:
        advice = "Hold still, clean the lens and let the camera focus on the face."
        yield Reason(ReasonCode.BLURRED, advice, blocking=True)


def _borders(
    landmarks: Landmarks, quality: Quality, picture_size: tuple[int, int], limits: QualityLimits
) -> Iterator[Reason]:
    size = np.array(picture_size)
    seen = ((landmarks >= -0.5) & (landmarks <= size - 0.5)).all()
    if quality.inside_share < limits.min_inside_share or not seen:
        advice = "Move so that the whole face, from brow to chin, is in the picture."
        yield Reason(ReasonCode.FACE_CUT_OFF, advice, blocking=True)
        return
    grid = crop_to_picture(similarity_to_canonical(landmarks), limits.largest_scale, ALIGNED_PX)
    outside = 1 - inside_mask(grid, ALIGNED_PX, *picture_size).mean()
    if outside > 0:
        share = f"{outside:.0%}" if outside >= 0.01 else "Under 1%"
        advice = (
            f"{share} of the largest crop lies outside the picture; leave more room around "
            "the face for a surer answer."
        )
        yield Reason(ReasonCode.PADDED_SURROUNDINGS, advice, blocking=False)
