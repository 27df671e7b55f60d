"""One picture of a scene: project, rasterise, shade, put the room behind it, average samples."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numba
import numpy as np
import numpy.typing as npt

from bonafide.simulator.lighting import Baked, Lighting
from bonafide.simulator.mesh import Scene
from bonafide.simulator.raster import (
    GBuffer,
    clear,
    draw_strands,
    draw_triangles,
    empty_buffer,
    project,
)
from bonafide.simulator.shade import LIT, list_samples, move_points, pack_points, shade_samples
from bonafide.simulator.shade_hair import shade_strands

Float = npt.NDArray[np.float32]
SAMPLES = 2
"""Samples along a side of a pixel; edges are averaged over SAMPLES squared."""


@dataclass(frozen=True, slots=True)
class View:
    """A pinhole that looks along -z at the world's origin.

    Attributes:
        width, height: of the picture, px.
        focal_px: focal length, px; distance_mm: of the pinhole from the origin.
    """

    width: int
    height: int
    focal_px: float
    distance_mm: float

    @property
    def center(self) -> tuple[float, float]:
        """(x, y) px where the axis meets the picture."""
        return (self.width - 1) / 2, (self.height - 1) / 2

    def to_picture(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
        """(n, 2) px of (n, 3) world points."""
        scale = self.focal_px / (self.distance_mm - points[:, 2])
        return np.stack([self.center[0] + scale * points[:, 0],
                         self.center[1] - scale * points[:, 1]], 1).astype(np.float64)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Radiance:
    """What the sensors look at, before any sensor.

    Attributes:
        light: (h, w, 4) float32 linear R, G, B, NIR, averaged over the samples of each px.
        buffer: the G-buffer, ``SAMPLES`` times finer.
        depth_mm: (h, w) float32 along the axis at each px's first sample, background included.
    """

    light: Float
    buffer: GBuffer
    depth_mm: Float


@dataclass(frozen=True, slots=True)
class Backdrop:
    """The room behind: (h, w, 4) light and (h, w) depth in mm, at sample resolution."""

    light: Float
    depth_mm: Float


@numba.njit(cache=True, fastmath=True, nogil=True)
def vertex_normals(points, triangles, out):
    """Area-weighted unit normals of (n, 3) points, written to ``out``."""
    out[:] = 0
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = (points[j, 0] - points[i, 0], points[j, 1] - points[i, 1],
                      points[j, 2] - points[i, 2])  # fmt: skip
        bx, by, bz = (points[k, 0] - points[i, 0], points[k, 1] - points[i, 1],
                      points[k, 2] - points[i, 2])  # fmt: skip
        nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
        for v in (i, j, k):
            out[v, 0] += nx
            out[v, 1] += ny
            out[v, 2] += nz
    for v in range(points.shape[0]):
        length = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2) + np.float32(1e-12)
        out[v, 0] /= length
        out[v, 1] /= length
        out[v, 2] /= length


@numba.njit(cache=True, fastmath=True, nogil=True)
def to_camera(points, distance, out):
    """World (y up, z to the camera) to camera space (y down, z forward)."""
    for i in range(points.shape[0]):
        out[i, 0] = points[i, 0]
        out[i, 1] = -points[i, 1]
        out[i, 2] = distance - points[i, 2]


@numba.njit(cache=True, fastmath=True, nogil=True)
def average_samples(item, shared, light, backdrop, out):
    """Mean of the 2x2 samples of each px, with the room where nothing stands before it.

    Args:
        item: (2h, 2w) of a `GBuffer`; light, backdrop: (2h, 2w, 4).
        shared: (h, w), not 0 where the first sample of ``light`` stands for all four.
        out: (h, w, 4).
    """
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            row, col = 2 * y, 2 * x
            if shared[y, x]:
                for c in range(4):
                    out[y, x, c] = light[row, col, c]
                continue
            bare0, bare1 = item[row, col] == -1, item[row, col + 1] == -1
            bare2, bare3 = item[row + 1, col] == -1, item[row + 1, col + 1] == -1
            for c in range(4):
                seen0 = backdrop[row, col, c] if bare0 else light[row, col, c]
                seen1 = backdrop[row, col + 1, c] if bare1 else light[row, col + 1, c]
                seen2 = backdrop[row + 1, col, c] if bare2 else light[row + 1, col, c]
                seen3 = backdrop[row + 1, col + 1, c] if bare3 else light[row + 1, col + 1, c]
                out[y, x, c] = np.float32(0.25) * (seen0 + seen1 + seen2 + seen3)


@numba.njit(cache=True, nogil=True)
def first_depth(inverse_z, behind, out):
    """Depth in mm at the first sample of each px, and the room's where nothing stands before it.

    Args:
        inverse_z, behind: (2h, 2w) of `GBuffer` and `Backdrop`; out: (h, w).
    """
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            near = inverse_z[SAMPLES * y, SAMPLES * x]
            far = behind[SAMPLES * y, SAMPLES * x]
            out[y, x] = np.float32(1.0) / max(near, np.float32(1e-6)) if near > 0 else far


class Painter:
    """Draws pictures of one size, reusing its buffers."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._fine = empty_buffer(view.height * SAMPLES, view.width * SAMPLES)
        self._light = np.zeros((*self._fine.item.shape, 4), np.float32)
        self._shared = np.zeros((view.height, view.width), np.uint8)
        self._where = np.empty((self._fine.item.size, 2), np.int32)
        self._packed: tuple[Baked | None, Float] = None, np.empty((0, LIT), np.float32)

    def draw(
        self,
        scene: Scene,
        points: Float,
        normals: Float,
        strands: tuple[Float, Float],
        face: Float,
        baked: tuple[Baked, Baked, Baked],
        lighting: Lighting,
        flash: Float,
        backdrop: Backdrop,
        *,
        infrared: bool = True,
    ) -> Radiance:
        """Draw one picture.

        Args:
            points, normals: (n, 3) posed, of ``scene``; strands: of hair and fuzz.
            face: see `eyes`; baked: of surfaces, hair, fuzz; flash: see `shade`.
            infrared: whether the illuminator's light is computed.
        """  # fmt: skip
        self._rasterise(scene, points, strands)
        buffer, light = self._fine, self._light
        eye = np.array([0, 0, self.view.distance_mm], np.float32)
        lamps = np.array([lamp.toward for lamp in lighting.lamps], np.float32)
        powers = np.array([lamp.power for lamp in lighting.lamps], np.float32)
        packed = self._pack(scene, baked[0], points, normals)
        count = list_samples(buffer.item, scene.triangles, scene.material, scene.table, packed,
                             face, self._shared, self._where)  # fmt: skip
        shade_samples(self._where, count, buffer.item, buffer.bary, eye, scene.triangles, packed,
                      scene.material, scene.table, scene.place, scene.pool, lamps, powers, flash,
                      face, infrared, light)  # fmt: skip
        first = 0
        for part, kind, lit in zip(strands, (scene.hair, scene.fuzz), baked[1:], strict=True):
            if len(part):
                shade_strands(buffer.item, buffer.bary, first, part, kind.points.shape[1],
                              kind.albedo, lit.lamps, lit.sky, eye, lamps, powers,
                              flash, infrared, light)  # fmt: skip
            first += len(part)
        mean = np.empty((self.view.height, self.view.width, 4), np.float32)
        average_samples(buffer.item, self._shared, light, backdrop.light, mean)
        # No lens resolves a pixel's own edges; without this, hair would glitter.
        mean = cv2.GaussianBlur(mean, (3, 3), 0.5)
        depth = np.empty(mean.shape[:2], np.float32)
        first_depth(buffer.inverse_z, backdrop.depth_mm, depth)
        return Radiance(mean, buffer, depth)

    def _pack(self, scene: Scene, baked: Baked, points: Float, normals: Float) -> Float:
        """What every vertex knows; of a scene drawn before, only what moves is written."""
        last, packed = self._packed
        if last is not baked:
            packed = np.empty((len(points), LIT + baked.lamps.shape[1]), np.float32)
            pack_points(points, normals, scene.uv, scene.face_xy, baked.sky, baked.lamps, packed)
            self._packed = baked, packed
        else:
            move_points(points, normals, packed)
        return packed

    def _rasterise(self, scene: Scene, points: Float, strands: tuple[Float, Float]) -> None:
        buffer, view = self._fine, self.view
        clear(buffer)
        focal = np.float32(view.focal_px * SAMPLES)
        # Sample k of a px lies at (k + 0.5) / SAMPLES - 0.5 px from its centre.
        cx, cy = (np.float32(SAMPLES * c + (SAMPLES - 1) / 2) for c in view.center)
        flipped, screen = np.empty_like(points), np.empty_like(points)
        to_camera(points, np.float32(view.distance_mm), flipped)
        project(flipped, focal, cx, cy, screen)
        draw_triangles(screen, scene.triangles, scene.two_sided, scene.uv, scene.material,
                       scene.cut, scene.pool, buffer.item, buffer.bary,
                       buffer.inverse_z)  # fmt: skip
        shift = 0
        for part, kind in zip(strands, (scene.hair, scene.fuzz), strict=True):
            if len(part):
                flipped, screen = np.empty_like(part), np.empty_like(part)
                to_camera(part, np.float32(view.distance_mm), flipped)
                project(flipped, focal, cx, cy, screen)
                radius = np.full(len(kind.points), focal * kind.radius_mm, np.float32)
                draw_strands(screen, kind.points.shape[1], radius, np.int32(shift), buffer.item,
                             buffer.bary, buffer.inverse_z)  # fmt: skip
            shift += len(part)
