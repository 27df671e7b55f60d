"""Cut the face out: aligned crops at several scales, and one fixed box for a whole clip.

Every crop is resampled from the original pixels, never from another crop. Where the picture is
finer than the crop, plain bilinear sampling would alias, and moire is exactly what betrays a
screen. So each pixel of the crop is then the mean of n x n bilinear samples, n growing with the
ratio; from a ratio of 8 on, whole blocks of the picture are averaged first. Up to a ratio of 1.25
it is one plain bilinear `cv2.warpAffine`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.face.align import Matrix, inverse, similarity_to_canonical
from bonafide.types import BonafideError, Box, Landmarks, RgbImage

FILL = 127
"""Grey level of R, G and B where a crop reaches beyond the picture. Nothing is invented there."""

PLAIN_RATIO = 1.25
"""Picture px per sample that bilinear sampling bridges without visible aliasing."""

BLOCK_RATIO = 8.0
"""Picture px per crop px from which blocks are averaged before sampling."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class CropStack:
    """One face at several scales.

    Attributes:
        crops: (n, size, size, 3) uint8 RGB, one per scale, in the order of ``scales``.
        inside: (n, size, size) bool, True where the crop shows the picture, False where it is
            `FILL` because it reaches beyond the picture's border.
        scales: the n scales; the crop of scale s has s times the side of the canonical face.
        to_picture: (n, 2, 3) float64, px of the crop -> px of the picture, pixel centres whole.
    """

    crops: npt.NDArray[np.uint8]
    inside: Mask
    scales: tuple[float, ...]
    to_picture: npt.NDArray[np.float64]

    @property
    def inside_share(self) -> npt.NDArray[np.float64]:
        """(n,): the share of each crop that lies inside the picture, 0..1."""
        return np.asarray(self.inside.mean(axis=(1, 2)), dtype=np.float64)


def multi_scale_crops(
    rgb: RgbImage, landmarks: Landmarks, scales: Sequence[float], size_px: int = 128
) -> CropStack:
    """Align the face to the canonical one and crop it at each scale (MS-FANS, section IV-A).

    Args:
        rgb: (height, width, 3) uint8.
        landmarks: (5, 2), see `types.Landmarks`.
        scales: such as (0.9, 1.0, 1.1); 1.0 is the tight face, larger ones take in surroundings.
        size_px: side of every crop.

    Raises:
        BonafideError: no scale, or one that is not above 0, or the size is not above 0.
        AlignmentError: the landmarks fit no face.
    """
    if not scales or size_px < 1 or not all(math.isfinite(s) and s > 0 for s in scales):
        raise BonafideError(
            f"cannot crop at scales {tuple(scales)} to {size_px} px.",
            where="scales",
            remedy="Give at least one scale above 0 and a size of 1 px or more.",
        )
    to_canonical = similarity_to_canonical(landmarks)
    matrices = [crop_to_picture(to_canonical, scale, size_px) for scale in scales]
    sampled = [sample(rgb, matrix, size_px) for matrix in matrices]
    return CropStack(
        crops=np.stack([crop for crop, _ in sampled]),
        inside=np.stack([inside for _, inside in sampled]),
        scales=tuple(scales),
        to_picture=np.stack(matrices),
    )


def crop_to_picture(to_canonical: Matrix, scale: float, size_px: int) -> Matrix:
    """(2, 3): px of the crop -> px of the picture, pixel centres at whole numbers in both."""
    step = scale / size_px
    start = 0.5 - scale / 2 + step / 2  # where the centre of crop pixel 0 lies, canonical units
    to_unit = np.array([[step, 0, start], [0, step, start], [0, 0, 1]])
    return np.asarray(inverse(to_canonical) @ to_unit, dtype=np.float64)


def extended_clip_box(boxes_over_time: Sequence[Box], factor: float) -> Box:
    """One box for a whole clip, extended to take in background (motion paper, section III).

    A box that followed the face would take the motion out, so it stays. It is the square about
    the region that the face sweeps, enlarged. Of every side the outermost tenth of the boxes is
    left out, so that a stray detection does not move it.

    Args:
        boxes_over_time: the face's box in the frames where it was found, at least one.
        factor: side of the result as a multiple of the swept square's, such as 1.6.

    Raises:
        BonafideError: no boxes, or a factor not above 0.
    """
    if not boxes_over_time or not factor > 0:
        raise BonafideError(
            f"{len(boxes_over_time)} boxes and factor {factor} make no clip box.",
            where="boxes_over_time",
            remedy="Give the boxes of the frames in which the face was found, and a factor > 0.",
        )
    left = float(np.percentile([box.left for box in boxes_over_time], 10))
    top = float(np.percentile([box.top for box in boxes_over_time], 10))
    right = float(np.percentile([box.right for box in boxes_over_time], 90))
    bottom = float(np.percentile([box.bottom for box in boxes_over_time], 90))
    side = max(right - left, bottom - top) * factor
    return Box((left + right - side) / 2, (top + bottom - side) / 2, side, side)


def crop_box(rgb: RgbImage, box: Box, size_px: int) -> tuple[npt.NDArray[np.uint8], Mask]:
    """Cut an upright box out and resize it to size_px x size_px; a box not square is stretched.

    Returns:
        The crop (size, size, 3) uint8 and its mask (size, size): see `CropStack`.

    Raises:
        BonafideError: the box or the size is empty.
    """
    if not (box.width > 0 and box.height > 0 and size_px > 0):
        raise BonafideError(
            f"a box of {box.width} x {box.height} px cannot be cropped to {size_px} px.",
            where="box",
            remedy="Give a box with positive width and height, and a size of 1 px or more.",
        )
    across, down = box.width / size_px, box.height / size_px
    matrix = np.array([[across, 0, box.left + across / 2], [0, down, box.top + down / 2]])
    return sample(rgb, matrix, size_px)


def sample(rgb: RgbImage, to_picture: Matrix, size_px: int) -> tuple[npt.NDArray[np.uint8], Mask]:
    """Resample the picture on a square grid, without aliasing.

    Args:
        rgb: (height, width, 3) uint8.
        to_picture: (2, 3), px of the crop -> px of the picture.
        size_px: side of the crop.

    Returns:
        The crop (size, size, 3) uint8, `FILL` outside the picture, and the mask (size, size) of
        the pixels whose centre lies inside. Pixels inside mix only pixels of the picture.
    """
    inside = inside_mask(to_picture, size_px, rgb.shape[1], rgb.shape[0])
    if not inside.any():
        return np.full((size_px, size_px, 3), FILL, dtype=np.uint8), inside
    source, matrix = _region(rgb, to_picture, size_px)
    ratio = float(np.linalg.norm(matrix[:, :2], axis=0).max())
    if ratio >= BLOCK_RATIO:
        source, matrix = _average_blocks(source, matrix, int(ratio * 2 / BLOCK_RATIO))
        ratio = float(np.linalg.norm(matrix[:, :2], axis=0).max())
    fine = math.ceil(ratio / PLAIN_RATIO)
    # sample (i, j) of the n x n within a pixel lies at (i + 0.5) / n - 0.5 from its centre
    shift = 0.5 / fine - 0.5
    finer = matrix @ np.array([[1 / fine, 0, shift], [0, 1 / fine, shift], [0, 0, 1]])
    warped = cv2.warpAffine(
        source,
        finer,
        (size_px * fine, size_px * fine),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    if fine > 1:
        warped = cv2.resize(warped, (size_px, size_px), interpolation=cv2.INTER_AREA)
    crop: npt.NDArray[np.uint8] = np.asarray(warped, dtype=np.uint8)
    crop[~inside] = FILL
    return crop, inside


def inside_mask(to_picture: Matrix, size_px: int, width: int, height: int) -> Mask:
    """Which crop pixels have their centre within the picture's outer edge."""
    steps = np.arange(size_px)
    x = to_picture[0, 0] * steps + to_picture[0, 1] * steps[:, None] + to_picture[0, 2]
    y = to_picture[1, 0] * steps + to_picture[1, 1] * steps[:, None] + to_picture[1, 2]
    mask: Mask = (x >= -0.5) & (x <= width - 0.5) & (y >= -0.5) & (y <= height - 0.5)
    return mask


def _region(rgb: RgbImage, to_picture: Matrix, size_px: int) -> tuple[RgbImage, Matrix]:
    """The part of the picture that the crop needs, and the map into it."""
    last = size_px - 0.5
    corners = np.array([[-0.5, -0.5, 1], [last, -0.5, 1], [-0.5, last, 1], [last, last, 1]])
    low = np.floor((corners @ to_picture.T).min(axis=0)).astype(int) - 2
    high = np.ceil((corners @ to_picture.T).max(axis=0)).astype(int) + 3
    left, top = max(int(low[0]), 0), max(int(low[1]), 0)
    region = rgb[top : max(int(high[1]), top + 1), left : max(int(high[0]), left + 1)]
    return np.ascontiguousarray(region), to_picture - np.array([[0, 0, left], [0, 0, top]])


def _average_blocks(rgb: RgbImage, matrix: Matrix, block: int) -> tuple[RgbImage, Matrix]:
    """Replace block x block px by their mean; the last row and column are repeated to fill up."""
    height, width = rgb.shape[:2]
    padded = cv2.copyMakeBorder(
        rgb, 0, -height % block, 0, -width % block, borderType=cv2.BORDER_REPLICATE
    )
    size = padded.shape[1] // block, padded.shape[0] // block
    small = np.asarray(cv2.resize(padded, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    scaled = matrix / block
    scaled[:, 2] = (matrix[:, 2] + 0.5) / block - 0.5
    return small, scaled
