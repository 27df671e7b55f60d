"""Decoded video pictures to RGB, by the colour matrix and range that the clip states."""

from __future__ import annotations

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from bonafide.capture.headers import damaged
from bonafide.capture.image import ALIKE_LEVELS
from bonafide.types import RgbImage

# FFmpeg's colour matrix tags (AVCOL_SPC_*) -> swscale's coefficient sets (SWS_CS_*). Untagged clips
# and all others are taken as BT.601, as FFmpeg and OpenCV do.
_BT601 = 5
_SWS_MATRIX = {1: 1, 4: 4, 7: 7, 9: 9, 10: 9}

# Before PyAV 17 conversion was single-threaded and took no such argument; since then it takes all
# cores unless told otherwise.
_CONVERSION_TAKES_THREADS = int(av.__version__.split(".")[0]) >= 17


def picture_to_rgb(picture: VideoFrame, threads: int) -> RgbImage:
    """Convert one picture, as stored: orientation is not applied.

    Everything is stated, because PyAV's defaults differ: 15 and 16 take a BT.709 clip for BT.601.

    Args:
        picture: any pixel format, 8 bits or more.
        threads: how many the conversion may use.

    Raises:
        av.FFmpegError: swscale cannot convert the format.
    """
    matrix = _SWS_MATRIX.get(int(picture.colorspace), _BT601)
    stated_range = int(picture.color_range)
    if _CONVERSION_TAKES_THREADS:
        rgb = picture.to_ndarray(
            format="rgb24",
            src_colorspace=matrix,
            dst_colorspace=_BT601,  # of no effect on RGB, but PyAV must be told
            src_color_range=stated_range,
            threads=threads,
        )
    else:
        rgb = picture.to_ndarray(
            format="rgb24",
            src_colorspace=matrix,
            dst_colorspace=_BT601,
            src_color_range=stated_range,
        )
    return rgb.view(np.uint8)


def picture_to_levels(picture: VideoFrame, source: str) -> npt.NDArray[np.uint8 | np.uint16]:
    """One picture's levels as stored: (h, w) uint16 of gray16, uint8 of gray.

    Of any other format the green channel, if the picture is grey: a sensor's film in H.264, say.

    Raises:
        DamagedFileError: it is a colour picture.
    """
    if picture.format.name in ("gray16le", "gray16be"):
        return np.asarray(picture.to_ndarray(format="gray16le"), np.uint16)
    if picture.format.name == "gray":
        return np.asarray(picture.to_ndarray(format="gray"), np.uint8)
    rgb = picture_to_rgb(picture, 1)
    if np.ptp(rgb.astype(np.int16), axis=2).mean() > ALIKE_LEVELS:
        raise damaged(source, "it has colours where one channel is wanted")
    return np.ascontiguousarray(rgb[..., 1])
