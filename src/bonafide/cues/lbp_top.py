"""LBP on three orthogonal planes: the texture of a clip in space and in time.

Zhao, Pietikainen, IEEE PAMI 29(6), 2007; for presentation attacks Pereira et al., 2012. Every
voxel that is no border in any direction has a uniform LBP (8, 1) in the plane across (XY), in the
plane of its row and time (XT) and in that of its column and time (YT). The three histograms, 59
bins each, one after the other are the clip's descriptor.

Time is counted in frames here, not seconds: compare only clips of like frame rate.
"""

from __future__ import annotations

import numpy as np

from bonafide.cues.lbp import Grey, Histogram, TextureError, bins, lbp_counts, shares

LENGTH = 3 * bins(8)
"""177."""


def lbp_top_histogram(clip: Grey) -> Histogram:
    """The descriptor of a clip.

    Args:
        clip: (T, H, W), uint8, at least three each way; one box for the whole clip.

    Returns:
        (177,), float32: XY (rows are y, columns x), XT (rows are t, columns x), YT (rows are t,
        columns y); each sums to 1. Codes as `bonafide.cues.lbp.lbp_codes` gives them.

    Raises:
        TextureError: no grey uint8 clip, or too short or small.
    """
    if clip.ndim != 3 or clip.dtype != np.uint8 or min(clip.shape) < 3:
        raise TextureError(
            f"an array of shape {clip.shape} and type {clip.dtype} has no patterns in time.",
            where="clip",
            remedy="Pass (T, H, W) in uint8, at least three each way.",
        )
    xy = clip[1:-1]
    xt = np.ascontiguousarray(clip.transpose(1, 0, 2)[1:-1])
    yt = np.ascontiguousarray(clip.transpose(2, 0, 1)[1:-1])
    return np.concatenate([shares(lbp_counts(planes)) for planes in (xy, xt, yt)])
