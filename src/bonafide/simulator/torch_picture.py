"""Pictures of a scene drawn by torch, many frames at once: the same radiance as `picture.Painter`.

For mass production on a CUDA device; torch's CPU device runs the same code and serves the tests.
Equal to `Painter` within rounding, except at the edges of triangles and hairs, where rounding may
give a sample to a neighbour. What is drawn comes back as numpy arrays, and the sensors (`rig`) go
on from there.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bonafide.simulator.lighting import Baked, Lighting
from bonafide.simulator.mesh import Scene
from bonafide.simulator.picture import SAMPLES, Backdrop, Radiance, View
from bonafide.simulator.raster import GBuffer
from bonafide.simulator.skin import OPACITY
from bonafide.simulator.torch_raster import Hairs, Mesh, project, rasterise
from bonafide.simulator.torch_shade import (
    Light,
    Surfaces,
    shade_strands,
    shade_surfaces,
    shared_px,
)

Float = npt.NDArray[np.float32]


class TorchPainter:
    """Draws pictures of one size on a device.

    Args:
        view: of every picture; device: torch's name of it, as "cuda" or "cpu".
    """

    def __init__(self, view: View, device: str) -> None:
        self.view, self.device = view, torch.device(device)

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
        """Draw one picture; see `picture.Painter.draw`."""
        return self.draw_many(scene, [(points, normals, strands, face)], baked, lighting, flash,
                              backdrop, infrared=infrared)[0]  # fmt: skip

    def draw_many(
        self,
        scene: Scene,
        poses: Sequence[tuple[Float, Float, tuple[Float, Float], Float]],
        baked: tuple[Baked, Baked, Baked],
        lighting: Lighting,
        flash: Float,
        backdrop: Backdrop,
        *,
        infrared: bool = True,
    ) -> list[Radiance]:
        """Draw several moments of one scene together.

        Args:
            poses: (points, normals, strands, face) of each; the rest as `picture.Painter.draw`.
        """
        height, width = self.view.height * SAMPLES, self.view.width * SAMPLES
        points, normals, face = (self._stack([pose[k] for pose in poses]) for k in (0, 1, 3))
        strands = [self._stack([pose[2][k] for pose in poses]) for k in (0, 1)]
        mesh, surfaces = self._mesh(scene), self._surfaces(scene, baked[0])
        hairs = self._hairs(scene, strands)
        item, bary, inverse_z = rasterise(self._project(points), mesh, hairs, height, width)
        light = self._light(lighting, flash, infrared)
        shared = shared_px(item, surfaces, face)
        fine = self._put(backdrop.light).expand(len(poses), -1, -1, -1).clone()
        _shade_triangles(surfaces, light, item, bary, shared, points, normals, face, fine)
        for hair, part, kind, lit in zip(hairs, strands, (scene.hair, scene.fuzz), baked[1:],
                                         strict=True):  # fmt: skip
            own = self._put(kind.albedo), self._put(lit.sky), self._put(lit.lamps)
            _shade_hair(light, hair, part, own, item, bary, fine)
        mean = _average(fine, shared)
        arrays = [t.cpu().numpy() for t in (mean, item.to(torch.int32), bary, inverse_z)]
        return [_radiance(*(a[k] for a in arrays), backdrop) for k in range(len(poses))]

    def _put(self, array: npt.NDArray[np.generic]) -> Tensor:
        return torch.as_tensor(np.ascontiguousarray(array), device=self.device)

    def _stack(self, arrays: Sequence[Float]) -> Tensor:
        return self._put(np.stack(arrays))

    def _project(self, points: Tensor) -> Tensor:
        center = [SAMPLES * c + (SAMPLES - 1) / 2 for c in self.view.center]
        return project(points, self.view.focal_px * SAMPLES, (center[0], center[1]),
                       self.view.distance_mm)  # fmt: skip

    def _mesh(self, scene: Scene) -> Mesh:
        return Mesh(self._put(scene.triangles).long(), self._put(scene.two_sided),
                    self._put(scene.uv), self._put(scene.material).long(), self._put(scene.cut),
                    self._put(scene.pool[:, OPACITY]))  # fmt: skip

    def _surfaces(self, scene: Scene, baked: Baked) -> Surfaces:
        return Surfaces(
            self._put(scene.triangles).long(), self._put(scene.material).long(),
            self._put(scene.uv), self._put(scene.face_xy), self._put(scene.table),
            self._put(scene.place), self._put(scene.pool), self._put(baked.sky),
            self._put(baked.lamps),
        )  # fmt: skip

    def _hairs(self, scene: Scene, strands: Sequence[Tensor]) -> tuple[Hairs, ...]:
        focal, first, out = self.view.focal_px * SAMPLES, 0, []
        for part, kind in zip(strands, (scene.hair, scene.fuzz), strict=True):
            steps = kind.points.shape[1]
            out.append(Hairs(self._project(part), steps, focal * kind.radius_mm, first))
            first += part.shape[1]
        return tuple(out)

    def _light(self, lighting: Lighting, flash: Float, infrared: bool) -> Light:
        lamps = np.array([lamp.toward for lamp in lighting.lamps], np.float32)
        powers = np.array([lamp.power for lamp in lighting.lamps], np.float32)
        eye = np.array([0, 0, self.view.distance_mm], np.float32)
        return Light(
            self._put(lamps), self._put(powers), self._put(flash), self._put(eye), infrared
        )


def _shade_triangles(
    surfaces: Surfaces,
    light: Light,
    item: Tensor,
    bary: Tensor,
    shared: Tensor,
    points: Tensor,
    normals: Tensor,
    face: Tensor,
    fine: Tensor,
) -> None:
    """Light of surfaces into ``fine`` (b, h, w, 4); a shared px has it at its first sample."""
    asked = item >= 0
    for row in (0, 1):
        for column in (0, 1):
            if row or column:
                asked[:, row::2, column::2] &= ~shared
    frame, y, x = torch.nonzero(asked, as_tuple=True)
    triangle = item[frame, y, x]
    corners = surfaces.triangles[triangle]
    fine[frame, y, x] = shade_surfaces(
        surfaces, light, triangle, bary[frame, y, x], points[frame[:, None], corners],
        normals[frame[:, None], corners], face[frame],
    )  # fmt: skip


def _shade_hair(
    light: Light,
    hair: Hairs,
    points: Tensor,
    own: tuple[Tensor, Tensor, Tensor],
    item: Tensor,
    bary: Tensor,
    fine: Tensor,
) -> None:
    """Light of one kind of strands into ``fine``; own: albedo, sky and lamps at its points."""
    number = -2 - item - hair.first
    seen = (number >= 0) & (number < points.shape[1]) & (item < -1)
    frame, y, x = torch.nonzero(seen, as_tuple=True)
    k = number[frame, y, x]
    strand = torch.div(k, hair.steps, rounding_mode="floor")
    albedo, sky, lit = own
    ends = torch.stack([k, k + 1], -1)
    fine[frame, y, x] = shade_strands(
        light, points[frame, k], points[frame, k + 1], bary[frame, y, x], albedo[strand],
        sky[ends], lit[ends],
    )  # fmt: skip


def _average(fine: Tensor, shared: Tensor) -> Tensor:
    """(b, h / 2, w / 2, 4) mean of the samples of each px; see `picture.average_samples`."""
    first = fine[:, ::2, ::2]
    mean = 0.25 * (first + fine[:, ::2, 1::2] + fine[:, 1::2, ::2] + fine[:, 1::2, 1::2])
    return torch.where(shared[..., None], first, mean)


def _radiance(
    mean: Float,
    item: npt.NDArray[np.int32],
    bary: Float,
    inverse_z: Float,
    backdrop: Backdrop,
) -> Radiance:
    near = inverse_z[::SAMPLES, ::SAMPLES]
    behind = backdrop.depth_mm[::SAMPLES, ::SAMPLES]
    depth = np.where(near > 0, 1 / np.maximum(near, 1e-6), behind).astype(np.float32)
    # As `picture.Painter` does.
    return Radiance(cv2.GaussianBlur(mean, (3, 3), 0.5), GBuffer(item, bary, inverse_z), depth)
