"""Light of hair, beard and brows: the model of Kajiya and Kay 1989, two terms a lamp."""

from __future__ import annotations

import math

import numba
import numpy as np

from bonafide.simulator.shade import FLASH_REFERENCE_MM, normalise


@numba.njit(cache=True, fastmath=True, nogil=True)
def shade_strands(
    item, bary, first, points, steps, albedo, lit, sky, eye, lamps, powers, flash, infrared, out,
):  # fmt: skip
    """Shade every sample that a strand covers: Kajiya-Kay diffuse and two highlights.

    Args:
        first: index of this batch's first point in the buffer's numbering.
        points: (strands * steps, 3) world; albedo: (strands, 4); lit, sky: per point.
        infrared: whether the illuminator is computed; the rest as in `shade.shade_samples`.
    """
    count = points.shape[0]
    tangent, to, torch = np.empty((3, 3), np.float32)
    for y in range(item.shape[0]):
        for x in range(item.shape[1]):
            i = -2 - item[y, x] - first
            if item[y, x] >= -1 or i < 0 or i >= count:
                continue
            f, s = bary[y, x, 0], i // steps
            for q in range(3):
                tangent[q] = points[i + 1, q] - points[i, q]
                to[q], torch[q] = eye[q] - points[i, q], flash[q] - points[i, q]
            normalise(tangent)
            normalise(to)
            # Strands are round: their flanks are darker, and so are their roots.
            round_ = np.float32(1.0) - np.float32(0.35) * bary[y, x, 1] * bary[y, x, 1]
            for q in range(4):
                out[y, x, q] = albedo[s, q] * round_ * (sky[i, q] + f * (sky[i + 1, q] - sky[i, q]))
            for lamp in range(lamps.shape[0]):
                seen = (lit[i, lamp] + f * (lit[i + 1, lamp] - lit[i, lamp])) * round_
                diffuse, shine = _kajiya(tangent, to, lamps[lamp])
                for q in range(4):
                    own = albedo[s, q] * (diffuse + np.float32(0.9) * shine)
                    out[y, x, q] += seen * powers[lamp, q] * (own + np.float32(0.014) * shine)
            if not infrared:
                continue
            ratio = np.float32(FLASH_REFERENCE_MM) * normalise(torch)
            diffuse, shine = _kajiya(tangent, to, torch)
            out[y, x, 3] += round_ * flash[3] * ratio * ratio * (
                albedo[s, 3] * diffuse + np.float32(0.012) * shine)  # fmt: skip


@numba.njit(cache=True, fastmath=True, nogil=True)
def _kajiya(tangent, to, lamp):
    """(diffuse, highlight) of a hair with this tangent."""
    along = tangent[0] * lamp[0] + tangent[1] * lamp[1] + tangent[2] * lamp[2]
    view = tangent[0] * to[0] + tangent[1] * to[1] + tangent[2] * to[2]
    sin_l = math.sqrt(max(1 - along * along, np.float32(0.0)))
    sin_v = math.sqrt(max(1 - view * view, np.float32(0.0)))
    cos = max(sin_l * sin_v - along * view, np.float32(0.0))
    cos2 = cos * cos
    cos8 = cos2 * cos2 * cos2 * cos2
    return np.float32(0.62) * sin_l, cos8 * cos8 * cos8
