"""A z-buffer rasteriser for triangles and strands of hair, compiled by numba.

Camera space: x to the right, y down, z forward, mm; pixel centres at whole numbers. Everything is
drawn into one G-buffer, which colour, near infrared and depth are then read from, so the three
modalities are registered by construction. Barycentrics are perspective-correct.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Int = npt.NDArray[np.int32]

NOTHING = -1
"""Value of `GBuffer.item` where no surface was hit; strand segment k is stored as -2 - k."""


@dataclass(frozen=True, slots=True)
class GBuffer:
    """What each sample of the picture sees.

    Attributes:
        item: (h, w) int32: triangle index >= 0, `NOTHING`, or -2 - segment of a strand.
        bary: (h, w, 2) float32: weights of the triangle's second and third corner; for a strand
            the position along the segment 0..1 and across it -1..1.
        inverse_z: (h, w) float32 1/mm; 0 where nothing was hit.
    """

    item: Int
    bary: Float
    inverse_z: Float


def empty_buffer(height: int, width: int) -> GBuffer:
    """A G-buffer that has seen nothing."""
    return GBuffer(
        np.full((height, width), NOTHING, np.int32),
        np.zeros((height, width, 2), np.float32),
        np.zeros((height, width), np.float32),
    )


def clear(buffer: GBuffer) -> None:
    """Make a buffer empty again, in place."""
    buffer.item.fill(NOTHING)
    buffer.inverse_z.fill(0.0)


@numba.njit(cache=True, fastmath=True, nogil=True)
def project(points, focal, cx, cy, out):
    """Write (x px, y px, 1/z) of (n, 3) camera-space points to ``out``; focal and centre in px."""
    for i in range(points.shape[0]):
        inverse = np.float32(1.0) / points[i, 2]
        out[i, 0] = focal * points[i, 0] * inverse + cx
        out[i, 1] = focal * points[i, 1] * inverse + cy
        out[i, 2] = inverse


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def draw_triangles(screen, triangles, two_sided, uv, material, cut, pool, item, bary, zbuf):
    """Draw triangles with a depth test; those that reach behind the camera are left out.

    Args:
        screen: (n, 3) float32 from `project`; triangles: (m, 3) int32, front faces run
            clockwise on the screen (y down) and only these are drawn unless ``two_sided``.
        two_sided: (m,) bool.
        uv: (n, 2) texture coordinates; material: (m,) int32.
        cut: (materials, 3) int64: offset, width, height of an alpha texture in ``pool``, width 0
            for none; a sample is dropped where the nearest texel's last channel is below 0.5.
        pool: (texels, channels) float32.
        item, bary, zbuf: a `GBuffer`, in place.
    """
    height, width = item.shape
    for t in range(triangles.shape[0]):
        i0, i1, i2 = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        x0, y0, w0 = screen[i0, 0], screen[i0, 1], screen[i0, 2]
        x1, y1, w1 = screen[i1, 0], screen[i1, 1], screen[i1, 2]
        x2, y2, w2 = screen[i2, 0], screen[i2, 1], screen[i2, 2]
        if w0 <= 0.0 or w1 <= 0.0 or w2 <= 0.0:
            continue
        area = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
        if area == 0.0 or (area > 0.0 and not two_sided[t]):
            continue
        left = max(int(np.ceil(min(x0, x1, x2))), 0)
        right = min(int(np.floor(max(x0, x1, x2))), width - 1)
        top = max(int(np.ceil(min(y0, y1, y2))), 0)
        bottom = min(int(np.floor(max(y0, y1, y2))), height - 1)
        if left > right or top > bottom:
            continue
        inv = np.float32(1.0) / area
        ax, ay = (y2 - y0) * inv, (x0 - x2) * inv
        bx, by = (y0 - y1) * inv, (x1 - x0) * inv
        mat = material[t]
        masked = cut[mat, 1] > 0
        for y in range(top, bottom + 1):
            b = ax * (left - x0) + ay * (y - y0)
            c = bx * (left - x0) + by * (y - y0)
            for x in range(left, right + 1):
                if b >= 0.0 and c >= 0.0 and b + c <= 1.0:
                    z = w0 + b * (w1 - w0) + c * (w2 - w0)
                    if z > zbuf[y, x]:
                        pb, pc = b * w1 / z, c * w2 / z
                        keep = True
                        if masked:
                            u = (
                                uv[i0, 0]
                                + pb * (uv[i1, 0] - uv[i0, 0])
                                + pc * (uv[i2, 0] - uv[i0, 0])
                            )
                            v = (
                                uv[i0, 1]
                                + pb * (uv[i1, 1] - uv[i0, 1])
                                + pc * (uv[i2, 1] - uv[i0, 1])
                            )
                            col = min(max(int(u * cut[mat, 1]), 0), cut[mat, 1] - 1)
                            row = min(max(int(v * cut[mat, 2]), 0), cut[mat, 2] - 1)
                            texel = cut[mat, 0] + row * cut[mat, 1] + col
                            keep = pool[texel, pool.shape[1] - 1] >= 0.5
                        if keep:
                            zbuf[y, x] = z
                            item[y, x] = t
                            bary[y, x, 0] = pb
                            bary[y, x, 1] = pc
                b += ax
                c += bx


@numba.njit(cache=True, fastmath=True, nogil=True, error_model="numpy")
def draw_strands(screen, steps, radius, first, item, bary, zbuf):
    """Draw strands of hair as lines that are at least one sample wide, with a depth test.

    Args:
        screen: (strands * steps, 3) float32 from `project`, the points of each strand in order.
        steps: points a strand.
        radius: (strands,) float32 half breadth, in focal lengths * mm: px at z are radius / z.
        first: number of the batch's first point, for telling batches apart in ``item``.
        item, bary, zbuf: a `GBuffer`, in place.
    """
    height, width = item.shape
    items, depths, places = item.reshape(-1), zbuf.reshape(-1), bary.reshape((-1, 2))
    for s in range(radius.shape[0]):
        for k in range(steps - 1):
            i = s * steps + k
            x0, y0, w0 = screen[i, 0], screen[i, 1], screen[i, 2]
            x1, y1, w1 = screen[i + 1, 0], screen[i + 1, 1], screen[i + 1, 2]
            dx, dy = x1 - x0, y1 - y0
            steep = abs(dy) > abs(dx)
            length = max(abs(dx), abs(dy))
            if length < 1e-4 or length > 400.0:
                continue
            # Half breadth along the minor axis, thinner towards the tip.
            taper = np.float32(1.0) - np.float32(0.45) * k / steps
            wide = max(radius[s] * w0 * taper, np.float32(0.5))
            start, end, base, lean = (y0, y1, x0, dx) if steep else (x0, x1, y0, dy)
            limit, last = (height, width - 1) if steep else (width, height - 1)
            along, across = (width, 1) if steep else (1, width)
            near = max(int(np.ceil(min(start, end))), 0)
            far = min(int(np.floor(max(start, end))), limit - 1)
            for major in range(near, far + 1):
                f = (major - start) / (end - start)
                z = w0 + f * (w1 - w0)
                middle = base + f * lean
                low = max(int(np.ceil(middle - wide)), 0)
                high = min(int(np.floor(middle + wide)), last)
                if low > high:
                    continue
                # Most hair is hidden, and one or two samples wide: one branch that is rarely taken.
                at = major * along + low * across
                beside = at + min(high - low, 1) * across
                if (z > depths[at]) | (z > depths[beside]) | (high > low + 1):
                    for minor in range(low, high + 1):
                        at = major * along + minor * across
                        if z > depths[at]:
                            depths[at], items[at] = z, -2 - first - i
                            places[at, 0], places[at, 1] = f, (minor - middle) / wide
