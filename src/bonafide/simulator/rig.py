"""Three registered sensors: colour, near infrared with its own illuminator, and depth in mm.

ONE code for every surface: nothing here knows what stands before the rig. Depth is measured by
triangulation, z = f b / d, so its noise and its steps grow with the distance squared; a point is
lost where the projector cannot see it, where the surface is nearly edge-on, where too little or
too much infrared comes back, and at random.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from bonafide.simulator.camera import CameraSettings, Shot, capture, draw_camera, draw_shot
from bonafide.simulator.picture import Radiance
from bonafide.types import RgbImage

Float = npt.NDArray[np.float32]
MAX_GAIN = 5.0
"""Noise gain of the darkest session; beyond it a face drowns, and nothing is left to judge."""


@dataclass(frozen=True, slots=True)
class InfraredSettings:
    """The infrared camera and its illuminator.

    Attributes:
        flash: irradiance of the illuminator at 500 mm, 1 as bright as white paper in the sun.
        beside_mm: (x, y) of the illuminator from the camera; it sets where glass mirrors it.
        mirrored: share of the illuminator's mirrored light that reaches the camera; crossed
            polarisers, as some devices have, leave little.
        gain: picture value of white paper at unit irradiance; exposure adapts around it.
        adapt: share of the scene's brightness that automatic exposure removes, 0..1.
        target: mean picture value that it aims at, 0..1.
        photon_noise, read_noise: see `camera.CameraSettings`.
        blur_px: Gaussian sigma.
    """

    flash: float
    beside_mm: tuple[float, float]
    mirrored: float
    gain: float
    adapt: float
    target: float
    photon_noise: float
    read_noise: float
    blur_px: float


@dataclass(frozen=True, slots=True)
class DepthSettings:
    """The depth sensor.

    Attributes:
        baseline_mm: between projector and camera, horizontal; focal_px: at this picture's width.
        disparity_noise_px: deviation at full signal; disparity_step_px: quantisation.
        correlation_px: how far noise is alike.
        least_signal: infrared return (illuminator only) below which a point is lost.
        glare: infrared radiance above which it is lost.
        grazing: cosine to the surface below which it is lost.
        dropout: share of points lost at random, in small clusters.
    """

    baseline_mm: float
    focal_px: float
    disparity_noise_px: float
    disparity_step_px: float
    correlation_px: float
    least_signal: float
    glare: float
    grazing: float
    dropout: float


@dataclass(frozen=True, slots=True)
class Rig:
    """One device with its three sensors, and one session's circumstances."""

    camera: CameraSettings
    shot: Shot
    infrared: InfraredSettings
    depth: DepthSettings


def draw_rig(rng: np.random.Generator, width: int) -> Rig:
    """Draw a device and a session; never looks at what it will film.

    Args:
        width: of the picture, px.
    """
    camera_rng, shot_rng, other = rng.spawn(3)
    infrared = InfraredSettings(
        flash=float(np.exp(other.uniform(np.log(0.25), np.log(1.2)))),
        beside_mm=(
            float(other.choice([-1, 1]) * other.uniform(15, 150)),
            float(other.normal(0, 25)),
        ),
        mirrored=0.01 if other.random() < 0.35 else 1.0,
        gain=float(np.exp(other.normal(0.0, 0.3))),
        adapt=float(other.uniform(0.35, 0.95)),
        target=float(other.uniform(0.22, 0.42)),
        photon_noise=float(np.exp(other.uniform(np.log(2e-5), np.log(8e-4)))),
        read_noise=float(np.exp(other.uniform(np.log(1e-3), np.log(1e-2)))),
        blur_px=float(other.uniform(0.3, 1.0)),
    )
    depth = DepthSettings(
        baseline_mm=float(other.uniform(30, 75)),
        focal_px=width * float(other.uniform(0.9, 1.3)),
        disparity_noise_px=float(np.exp(other.uniform(np.log(0.02), np.log(0.09)))) * width / 224,
        disparity_step_px=float(other.choice([1 / 8, 1 / 16, 1 / 32])) * width / 224,
        correlation_px=float(other.uniform(0.8, 1.8)),
        least_signal=float(other.uniform(0.004, 0.03)),
        glare=float(other.uniform(1.6, 4.0)),
        grazing=float(other.uniform(0.08, 0.25)),
        dropout=float(other.uniform(0.0, 0.015)),
    )
    # A resent picture may be scaled; the three sensors stay registered, so here it is not.
    shot = draw_shot(shot_rng)
    shot = replace(shot, resend_scale=1.0, gain=min(shot.gain, MAX_GAIN))
    return Rig(draw_camera(camera_rng), shot, infrared, depth)


def take_color(
    radiance: Radiance,
    white: npt.ArrayLike,
    rig: Rig,
    rng: np.random.Generator,
    structure: Float | None = None,
) -> RgbImage:
    """(h, w, 3) uint8 R, G, B through the rig's colour camera and its JPEG."""  # fmt: skip
    light = cv2.cvtColor(radiance.light, cv2.COLOR_BGRA2BGR)  # drops the last of four channels
    size = (light.shape[1], light.shape[0])
    return capture(
        light, np.asarray(white, np.float32), rig.camera, rig.shot, size, rng, structure
    ).rgb


def take_infrared(radiance: Radiance, rig: Rig, rng: np.random.Generator) -> npt.NDArray[np.uint8]:
    """(h, w) uint8 near-infrared picture with automatic exposure."""
    settings = rig.infrared
    light = cv2.GaussianBlur(radiance.light[..., 3], (0, 0), settings.blur_px)
    height, width = light.shape
    middle = light[height // 5 : -height // 5 or None, width // 5 : -width // 5 or None]
    mean = max(float(np.sqrt(np.maximum(middle, 0)).mean()) ** 2, 1e-3)
    auto = settings.target / mean
    fixed = 0.8 * settings.gain / max(settings.flash, 0.2)
    exposure = auto**settings.adapt * fixed ** (1 - settings.adapt)
    signal = np.clip(light * min(exposure, 12.0), 0, 1.6)
    # Gain that lifts a dark scene lifts its noise too.
    gain = max(exposure / fixed, 0.5)
    variance = signal * settings.photon_noise * gain + (settings.read_noise * gain) ** 2
    noisy = signal + np.sqrt(variance) * rng.standard_normal(light.shape, dtype=np.float32)
    return np.rint(np.clip(noisy, 0, 1) ** 0.62 * 255).astype(np.uint8)


def take_depth(radiance: Radiance, rig: Rig, rng: np.random.Generator) -> npt.NDArray[np.uint16]:
    """(h, w) uint16 depth along the axis in mm; 0 where nothing was measured."""
    s, z = rig.depth, radiance.depth_mm
    reach = s.focal_px * s.baseline_mm
    disparity = reach / z
    signal = np.maximum(radiance.light[..., 3], 1e-4)
    noise = rng.standard_normal(z.shape, dtype=np.float32)
    # Blurred noise is scaled back to unit deviation: a Gaussian of sigma s keeps 1 / (2 s sqrt pi).
    noise = cv2.GaussianBlur(noise, (0, 0), s.correlation_px) * (2 * s.correlation_px * 1.7725)
    weak = np.sqrt(1 + 0.08 / signal)
    measured = disparity + s.disparity_noise_px * weak * noise
    measured = np.rint(measured / s.disparity_step_px) * s.disparity_step_px
    lost = (signal < s.least_signal) | (signal > s.glare) | shadowed(disparity)
    lost |= facing(z, s.focal_px) < s.grazing
    lost |= _dropouts(z.shape, s.dropout, rng)
    millimetres = reach / np.maximum(measured, reach / 60000)
    return np.where(lost, 0, np.rint(millimetres)).astype(np.uint16)


def shadowed(disparity: Float) -> npt.NDArray[np.bool_]:
    """(h, w) points that the projector, a baseline to the left, cannot see.

    A ray of the projector lands at column x - d(x) of its own picture; a point is hidden when a
    point to its left lands further right.
    """
    column = np.arange(disparity.shape[1], dtype=np.float32)[None, :] + disparity
    return column < np.maximum.accumulate(column, axis=1) - 0.75


def facing(depth_mm: Float, focal_px: float) -> Float:
    """(h, w) cosine between surface and axis, from the depth's own slope; 0 at jumps."""
    slope_x = cv2.Sobel(depth_mm, cv2.CV_32F, 1, 0, scale=0.125)
    slope_y = cv2.Sobel(depth_mm, cv2.CV_32F, 0, 1, scale=0.125)
    per_mm = focal_px / depth_mm
    return 1 / np.sqrt(1 + (slope_x**2 + slope_y**2) * per_mm**2)


def _dropouts(
    shape: tuple[int, int], share: float, rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    if share <= 0:
        return np.zeros(shape, np.bool_)
    field = cv2.GaussianBlur(rng.standard_normal(shape, dtype=np.float32), (0, 0), 1.2)
    # Deviation of blurred white noise, see `take_depth`.
    return field > ndtri(1 - share) / (2 * 1.2 * 1.7725)
