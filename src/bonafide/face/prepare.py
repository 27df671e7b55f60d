"""From the faces of one picture to the crops of the one that is judged, or the reason for none.

Training, evaluation and deployment all come through here, so that a network meets the same pixels
everywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.capture.errors import SizeMismatchError
from bonafide.capture.multimodal import ASPECT_LIMIT
from bonafide.face.crop import CropStack, multi_scale_crops, sample
from bonafide.face.quality import QualityLimits, measure_quality, reasons_for
from bonafide.types import Face, FaceReport, Reason, RgbImage


@dataclass(frozen=True, slots=True)
class PreparedFace:
    """What a picture gives to the network.

    Attributes:
        faces: every face found, the judged one first.
        face: the judged face; None when there is none.
        reasons: blocking ones first; a blocking reason means no crops.
        crops: of the judged face, or None.
    """

    faces: tuple[FaceReport, ...]
    face: Face | None
    reasons: tuple[Reason, ...]
    crops: CropStack | None


def prepare_face(
    rgb: RgbImage,
    faces: Sequence[Face],
    scales: Sequence[float],
    crop_px: int,
    limits: QualityLimits,
) -> PreparedFace:
    """Measure the faces, say what speaks against judging, and crop the judged one.

    The judged face has the largest box; whether a second one prevents judging, `reasons_for` says.

    Args:
        rgb: (height, width, 3) uint8.
        faces: of a detector or tracker, in px of ``rgb``.
        scales: of the crops, in the network's order.
        crop_px: side of the crops.
        limits: of quality.
    """
    ordered = sorted(faces, key=lambda face: -face.box.width * face.box.height)
    qualities = [measure_quality(rgb, face.landmarks) for face in ordered]
    reports = tuple(
        FaceReport(face.box, face.confidence, quality)
        for face, quality in zip(ordered, qualities, strict=True)
    )
    fitting = replace(limits, largest_scale=max(scales))
    size = rgb.shape[1], rgb.shape[0]
    reasons = reasons_for(ordered, qualities[0] if qualities else None, size, fitting)
    if not ordered or any(reason.blocking for reason in reasons):
        return PreparedFace(reports, ordered[0] if ordered else None, reasons, None)
    crops = multi_scale_crops(rgb, ordered[0].landmarks, scales, crop_px)
    return PreparedFace(reports, ordered[0], reasons, crops)


def modality_crops(
    rgb: RgbImage, others: Sequence[tuple[str, RgbImage]], stack: CropStack
) -> npt.NDArray[np.uint8]:
    """The first crop's place in a colour picture and in pictures registered to it.

    Args:
        rgb: (height, width, 3) uint8, that the crops were cut from.
        others: name for messages, and picture; such as depth and infrared, their levels repeated.
        stack: crops of ``rgb``.

    Returns:
        (1 + len(others), size, size, 3) uint8.

    Raises:
        SizeMismatchError: a picture is of another form than ``rgb``; see `at_size_of`.
    """
    cut = [stack.crops[0]]
    for name, picture in others:
        placed = at_size_of(rgb, picture, name)
        cut.append(sample(placed, stack.to_picture[0], stack.crops.shape[1])[0])
    return np.stack(cut)


def at_size_of(
    rgb: npt.NDArray[np.uint8], picture: npt.NDArray[np.uint8], path: str
) -> npt.NDArray[np.uint8]:
    """A modality at the size of the RGB picture: of that form, but perhaps of another resolution.

    As in CASIA-SURF. Each px is the nearest one, because a mean of two depths is neither.

    Raises:
        SizeMismatchError: its form is another, so it shows another part of the scene.
    """
    (height, width), (rows, columns) = rgb.shape[:2], picture.shape[:2]
    if abs(np.log(width * rows / (height * columns))) > ASPECT_LIMIT:
        raise SizeMismatchError(
            f"is {columns} x {rows} px, the RGB picture {width} x {height} px.",
            where=path,
            remedy="Register the modalities to the RGB picture.",
        )
    if (height, width) == (rows, columns):
        return picture
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(resized, np.uint8)
