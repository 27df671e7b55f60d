"""Small square patches cut from one picture at many places and scales, cheaply.

The picture is halved again and again by area averaging; a patch is sampled bilinearly from the
level on which it is one to two times its target size, so that large faces are not aliased and
the cost does not depend on the size of the face.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.face.boxes import FloatArray
from bonafide.types import RgbImage

BORDER_GREY = (127.0, 127.0, 127.0)
"""Outside the picture: the middle grey that the networks see as zero."""


class HalvingPyramid:
    """A picture and its halvings, made when first asked for."""

    def __init__(self, rgb: RgbImage) -> None:
        self._levels = [np.ascontiguousarray(rgb)]

    def level(self, number: int) -> RgbImage:
        """The picture halved ``number`` times (sides rounded up, at least 1 px)."""
        while len(self._levels) <= number:
            last = self._levels[-1]
            size = ((last.shape[1] + 1) // 2, (last.shape[0] + 1) // 2)
            self._levels.append(resize_area(last, size))
        return self._levels[number]

    def resized(self, width: int, height: int) -> RgbImage:
        """The whole picture at a smaller size, from the nearest level that is large enough."""
        rgb = self._levels[0]
        ratio = min(rgb.shape[1] / width, rgb.shape[0] / height)
        source = self.level(max(int(np.log2(max(ratio, 1.0))), 0))
        return resize_area(source, (width, height))

    def patches(self, boxes: FloatArray, side: int) -> npt.NDArray[np.uint8]:
        """Square patches (n, side, side, 3) of the boxes; what lies outside is middle grey.

        Args:
            boxes: (n, 4), square, px from the edge of the original picture.
            side: of a patch, px.
        """
        out = np.empty((len(boxes), side, side, 3), dtype=np.uint8)
        widths = np.maximum(boxes[:, 2] - boxes[:, 0], 1e-3)
        levels = np.clip(np.log2(widths / side), 0, 12).astype(int)
        rows, columns = self._levels[0].shape[:2]
        for number, (box, width, level) in enumerate(zip(boxes, widths, levels, strict=True)):
            source = self.level(int(level))
            across, down = source.shape[1] / columns, source.shape[0] / rows
            # patch pixel centre i lies at left + (i + 0.5) * width / side px from the edge
            step = width / side
            matrix = np.array(
                [
                    [step * across, 0, (box[0] + step / 2) * across - 0.5],
                    [0, step * down, (box[1] + step / 2) * down - 0.5],
                ]
            )
            cv2.warpAffine(
                source,
                matrix,
                (side, side),
                dst=out[number],
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=BORDER_GREY,
            )
        return out


def resize_area(rgb: RgbImage, size: tuple[int, int]) -> RgbImage:
    """Shrink to (width, height) by area averaging; enlarge bilinearly."""
    shrinks = size[0] <= rgb.shape[1] and size[1] <= rgb.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(rgb, size, interpolation=method), dtype=np.uint8)
