"""Fine periodic structure (pixel grids, halftone screens) sampled by a camera's sensor.

A display's pixels and a press's dots are finer than a picture can hold, yet they show as moire
because a sensor samples them. Rendering them at many times the sensor's resolution would cost
seconds; instead ONE period of the structure is blurred exactly, in the Fourier domain, by the
lens (a Gaussian) and by the sensor pixel's own area (a box), and then looked up at the centre of
every sensor pixel. This is true sampling: a structure of frequency f_s seen by a sensor of
frequency f shows at |f_s - k f|, and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.simulator.linear_light import Light

TILE = 32
"""Samples along one period of a tile. Harmonics above TILE / 2 are lost; the lens and the
sensor pixel let almost nothing above the third through."""


def prefilter_tile(tile: Light, lens_sigma: float, aperture: float) -> Light:
    """Blur one period of a structure by lens and sensor pixel, without leaving the period.

    Args:
        tile: (TILE, TILE, channels) float32, one period of the structure.
        lens_sigma: Gaussian sigma of the lens, in periods.
        aperture: side of the square sensor pixel, in periods.

    Returns:
        The blurred tile, same shape. The mean of every channel is unchanged.
    """
    frequency = np.fft.fftfreq(tile.shape[0], 1 / tile.shape[0])
    transfer = np.exp(-2 * (np.pi * lens_sigma * frequency) ** 2) * np.sinc(aperture * frequency)
    spectrum = np.fft.fft2(tile, axes=(0, 1)) * transfer[:, None, None] * transfer[None, :, None]
    return np.fft.ifft2(spectrum, axes=(0, 1)).real.astype(np.float32)


@dataclass(frozen=True, slots=True)
class PlaneMap:
    """Where each point of a picture lies on the carrier's plane.

    Attributes:
        to_plane: (3, 3) homography from picture px to plane coordinates; pixel centres lie at
            whole numbers in both.
        bend: cylindrical bend. On a sheet curled to radius R the point seen at distance x from the
            axis lies at R asin(x / R) = x (1 + x^2 / (6 R^2) + ...) on the sheet; ``bend`` is that
            second term at x = ``bend_reach``.
        bend_center, bend_reach: the axis and a reference distance, plane units.
    """

    to_plane: np.ndarray
    bend: float = 0.0
    bend_center: float = 0.0
    bend_reach: float = 1.0

    def coordinates(
        self,
        width: int,
        height: int,
        *,
        step: tuple[float, float] = (1.0, 1.0),
        offset: tuple[float, float] = (0.0, 0.0),
    ) -> tuple[Light, Light]:
        """(height, width) plane x and plane y, for picture points offset + step * (column, row)."""
        h = self.to_plane.astype(np.float64)
        x = (offset[0] + step[0] * np.arange(width)).astype(np.float32)[None, :]
        y = (offset[1] + step[1] * np.arange(height)).astype(np.float32)[:, None]
        rows = [np.float32(r[0]) * x + np.float32(r[1]) * y + np.float32(r[2]) for r in h]
        inverse = 1.0 / rows[2]
        plane_x, plane_y = rows[0] * inverse, rows[1] * inverse
        if self.bend:
            away = plane_x - np.float32(self.bend_center)
            plane_x = plane_x + np.float32(self.bend / self.bend_reach**2) * away**3
        return plane_x, plane_y


@dataclass(frozen=True, slots=True)
class SensorGrid:
    """The sensor's own sampling, finer than the working picture.

    Attributes:
        width, height: of the working picture, px.
        oversampling: sensor samples per working px along a side.
        lens_sigma_px: Gaussian sigma of lens and defocus, in sample spacings.
        fill: side of the area that a sample integrates, in sample spacings; below 1 where lines
            are skipped or the picture was scaled without a filter, which is when moire is strong.
    """

    width: int
    height: int
    oversampling: float
    lens_sigma_px: float
    fill: float = 1.0

    def sites(self, channel: int) -> tuple[int, int, tuple[float, float], tuple[float, float]]:
        """Columns, rows, spacing and offset (working px) of one colour's sites of an RGGB mosaic.

        Red sits at (0, 0), blue at (1, 1) of every 2x2 block; of the two greens the one at (1, 0)
        is taken.
        """
        columns = max(2, round(self.width * self.oversampling / 2))
        rows = max(2, round(self.height * self.oversampling / 2))
        step = self.width / columns, self.height / rows
        place = ((0, 0), (1, 0), (1, 1))[channel]
        first = tuple(step[axis] * (0.25 + 0.5 * place[axis]) - 0.5 for axis in (0, 1))
        return columns, rows, step, (first[0], first[1])

    def to_working(self, plane: Light) -> Light:
        """One colour's sites brought to the working picture, with area integration."""
        shrinks = plane.shape[1] >= self.width
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return cv2.resize(plane, (self.width, self.height), interpolation=method)


def tile_index(side: int, u: Light, v: Light) -> npt.NDArray[np.int32]:
    """Flat index of the nearest entry of a periodic (side, side) tile at coordinates in periods."""
    column = (u * np.float32(side) + np.float32(65536 * side)).astype(np.int32) & (side - 1)
    row = (v * np.float32(side) + np.float32(65536 * side)).astype(np.int32) & (side - 1)
    return row * side + column


def look_up(tile: Light, u: Light, v: Light) -> Light:
    """Nearest entry of a periodic (TILE, TILE) tile at coordinates in periods."""
    return tile.ravel()[tile_index(tile.shape[0], u, v)]
