"""The second camera: ONE code for live people and for attacks.

Light arrives as linear radiance on a working grid; lens, exposure, colour filter mosaic, photon
and read noise, denoising, tone curve, sharpening, scaling and JPEG follow, in the order of a
phone's pipeline. `CameraSettings` is what belongs to a device, `Shot` what belongs to one capture.
The bands are wide on purpose: they are drawn alike for both labels, so none of them may tell.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import cv2
import numpy as np

from bonafide.simulator.develop import (
    DARK_PERCENT,
    TONE_REACH,
    clear_colors,
    denoise_and_sharpen,
    glance,
    metered,
    tone,
)
from bonafide.simulator.linear_light import Light, box_downsample
from bonafide.types import BonafideError, RgbImage

SUBSAMPLING = {
    "4:4:4": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "4:2:2": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422,
    "4:2:0": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """One camera device.

    Attributes:
        name: how tables call it.
        sensor_oversampling: sensor samples per working px along a side; sets moire, see structure.
        sensor_fill: side of the area that a sample integrates, in sample spacings; below 1 when
            lines are skipped (video, previews) or a large picture is scaled without a filter.
        working_ratio: working px per output px along a side; below 1 is digital zoom.
        lens_sigma_px: Gaussian sigma of the lens at best focus, in sample spacings.
        mosaic: whether noise passes a Bayer mosaic and its interpolation.
        photon_noise: noise variance per unit of signal (signal 1 = white).
        read_noise: standard deviation at black.
        chroma_blur_px: colour denoising, Gaussian sigma on the working grid.
        coring: luma denoising: detail below this 0..1 amplitude is removed.
        sharpen_amount, sharpen_radius_px: unsharp mask on luma.
        contrast: strength of the S-shaped tone curve, 0 none.
        black_point: share of the haze that automatic levels remove, 0..1.
        shoulder: linear value where highlight compression starts, 0..1; 1 means a hard clip.
        saturation: scale of the distance from grey in linear light.
        white_adaptation: share of the light's colour that automatic white balance removes, 0..1.
        vignette: loss of light in the corners, 0..1.
        flare: share of the mean light spread evenly over the picture.
        metering_target: linear luminance that exposure brings the metered mean to.
        jpeg_quality: 1..100; jpeg_subsampling: a key of SUBSAMPLING.
        dark_percent: of the picture that may become black when levels remove haze, 0..100.
    """

    name: str
    sensor_oversampling: float
    sensor_fill: float
    working_ratio: float
    lens_sigma_px: float
    mosaic: bool
    photon_noise: float
    read_noise: float
    chroma_blur_px: float
    coring: float
    sharpen_amount: float
    sharpen_radius_px: float
    contrast: float
    black_point: float
    shoulder: float
    saturation: float
    white_adaptation: float
    vignette: float
    flare: float
    metering_target: float
    jpeg_quality: int
    jpeg_subsampling: str
    dark_percent: float = DARK_PERCENT


@dataclass(frozen=True, slots=True)
class Shot:
    """What changes from one capture to the next.

    Attributes:
        defocus_px: Gaussian sigma on the working grid, beyond the lens.
        motion_px, motion_deg: length and direction of the shake, working grid.
        exposure_ev: exposure error in stops.
        white_error: (red, blue) gain errors, 1 is none.
        gain: noise gain over the base sensitivity (1 in daylight, more in the dark).
        resend_quality: JPEG quality of a later recompression by an app, 0 for none.
        resend_scale: scale of the picture when it was resent, 1 for none.
    """

    defocus_px: float
    motion_px: float
    motion_deg: float
    exposure_ev: float
    white_error: tuple[float, float]
    gain: float
    resend_quality: int
    resend_scale: float


PERFECT_CAMERA = CameraSettings(
    "perfect", 1.0, 1.0, 1.0, 0.0, False, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0,
    0.0, 0.0, 0.0, 100, "4:4:4",
)  # fmt: skip
"""Changes nothing but JPEG at quality 100; a metering target of 0 means unit exposure."""
PERFECT_SHOT = Shot(0.0, 0.0, 0.0, 0.0, (1.0, 1.0), 1.0, 0, 1.0)


@dataclass(frozen=True, slots=True)
class Capture:
    """A finished picture: ``rgb`` is exactly what a reader decodes from ``jpeg``."""

    rgb: RgbImage
    jpeg: bytes


def draw_camera(rng: np.random.Generator, name: str = "camera") -> CameraSettings:
    """One camera device from the room's distribution: phones mostly, some webcams."""
    webcam = rng.random() < 0.25
    # A phone's photo has many more pixels than the face picture cut from it. Scaling it down reads
    # some of them only (line skipping, bilinear scaling), unless it integrates the whole area.
    native = (
        float(np.exp(rng.uniform(np.log(1.3), np.log(3.0))))
        if webcam
        else float(np.exp(rng.uniform(np.log(2.0), np.log(9.0))))
    )
    sampled = min(native, float(rng.uniform(1.2, 2.4)))
    skipped = sampled / native
    fill = min(skipped * float(rng.uniform(1.0, 2.0)), 1.0) if rng.random() < 0.75 else 1.0
    return CameraSettings(
        name=f"{name} ({'webcam' if webcam else 'phone'})",
        sensor_oversampling=sampled,
        sensor_fill=fill,
        working_ratio=float(np.clip(rng.lognormal(0.12, 0.15), 0.85, 1.5)),
        lens_sigma_px=float(rng.uniform(0.25, 0.7)) * skipped,
        mosaic=bool(rng.random() < 0.35),
        photon_noise=float(np.exp(rng.uniform(np.log(1e-5), np.log(6e-4)))),
        read_noise=float(np.exp(rng.uniform(np.log(3e-4), np.log(4e-3)))),
        chroma_blur_px=float(rng.uniform(0.0, 2.0)),
        coring=float(max(0.0, rng.uniform(-0.006, 0.012))),
        sharpen_amount=float(rng.uniform(0.4, 2.2)),
        sharpen_radius_px=float(rng.uniform(0.6, 1.4)),
        contrast=float(rng.uniform(0.0, 0.6)),
        black_point=float(rng.uniform(0.5, 1.0)),
        shoulder=float(rng.uniform(0.45, 0.9)),
        saturation=float(rng.uniform(0.72, 1.12)),
        white_adaptation=float(rng.uniform(0.7, 1.0)),
        vignette=float(max(0.0, rng.uniform(-0.05, 0.25))),
        flare=float(rng.uniform(0.0, 0.03)),
        metering_target=float(np.exp(rng.normal(np.log(0.24), 0.12))),
        jpeg_quality=int(rng.integers(72, 99)),
        jpeg_subsampling=str(rng.choice(["4:2:0", "4:2:2", "4:4:4"], p=[0.65, 0.1, 0.25])),
    )


def draw_shot(rng: np.random.Generator) -> Shot:
    """One capture's circumstances."""
    sharp = rng.random() < 0.85
    moved = rng.random() < 0.1
    resent = rng.random() < 0.25
    return Shot(
        defocus_px=float(rng.exponential(0.05) if sharp else rng.uniform(0.2, 1.3)),
        motion_px=float(rng.uniform(1.0, 4.0)) if moved else 0.0,
        motion_deg=float(rng.uniform(0, 180)),
        exposure_ev=float(rng.normal(0, 0.28)),
        white_error=(float(np.exp(rng.normal(0, 0.04))), float(np.exp(rng.normal(0, 0.05)))),
        gain=float(np.exp(rng.exponential(0.7))),
        resend_quality=int(rng.integers(50, 92)) if resent else 0,
        resend_scale=float(rng.uniform(0.7, 1.0)) if resent and rng.random() < 0.5 else 1.0,
    )


def capture(
    radiance: Light,
    illuminant: Light,
    camera: CameraSettings,
    shot: Shot,
    size: tuple[int, int],
    rng: np.random.Generator,
    structure: Light | None = None,
) -> Capture:
    """Take the picture.

    Args:
        radiance: (h, w, 3) float32 linear light on the working grid, any positive scale.
        illuminant: (3,) colour of the light that white balance should remove; (1, 1, 1) is neutral.
        size: (width, height) of the output, px.
        rng: for the noise alone.
        structure: (h, w, 3) gain of fine structure that lens and sensor have already sampled (see
            `structure`), or None.
    """
    light = through_lens(radiance, camera, shot)
    if structure is not None:
        light = light * structure
    gains = _exposure_and_white(light, illuminant, camera, shot)
    light = cv2.transform(light, np.diag(gains))
    light = add_sensor_noise(light, camera, shot, rng)
    light = cv2.transform(light, clear_colors(light, camera.black_point, camera.saturation,
                                                camera.dark_percent))  # fmt: skip
    encoded = tone(light, camera.shoulder, camera.contrast)
    encoded = denoise_and_sharpen(encoded, camera.chroma_blur_px, camera.coring,
                                  camera.sharpen_amount, camera.sharpen_radius_px)  # fmt: skip
    if (encoded.shape[1], encoded.shape[0]) != size:
        encoded = box_downsample(encoded, *size)
    rgb = cv2.convertScaleAbs(np.maximum(encoded, 0), alpha=255.0)
    return compress(rgb, camera, shot)


def through_lens(light: Light, camera: CameraSettings, shot: Shot) -> Light:
    """Lens blur, defocus, shake, vignette and veiling flare on the working grid."""
    # The lens is given in sensor pixels, which are finer than the working grid.
    sigma = float(np.hypot(camera.lens_sigma_px / camera.sensor_oversampling, shot.defocus_px))
    if sigma > 0.15:
        light = cv2.GaussianBlur(light, (0, 0), sigma)
    if shot.motion_px > 0:
        light = cv2.filter2D(light, -1, _shake_kernel(shot.motion_px, shot.motion_deg))
    if camera.vignette > 0:
        light = light * _falloff(light.shape[0], light.shape[1], camera.vignette)
    if camera.flare > 0:
        haze = np.float32(camera.flare) * np.array(cv2.mean(light)[:3], np.float32)
        light = cv2.transform(light, np.column_stack([np.eye(3, dtype=np.float32), haze]))
    return light


@functools.lru_cache(maxsize=4)
def _falloff(height: int, width: int, vignette: float) -> Light:
    """(height, width, 3) light that is left of each px; nobody may write into it."""
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    left = 1 - np.float32(vignette / 2) * (x * x + y * y)
    return np.repeat(left[..., None], 3, axis=2)


def _shake_kernel(length_px: float, angle_deg: float) -> Light:
    side = 2 * int(np.ceil(length_px / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    angle = np.deg2rad(angle_deg)
    half = length_px / 2
    step = np.array([np.cos(angle), np.sin(angle)]) * half
    ends = np.rint((side // 2 + np.stack([-step, step])) * 16).astype(int)
    cv2.line(kernel, tuple(ends[0]), tuple(ends[1]), 1.0, 1, cv2.LINE_AA, shift=4)
    return kernel / kernel.sum() if kernel.sum() > 0 else np.ones((1, 1), np.float32)


def _exposure_and_white(
    light: Light, illuminant: Light, camera: CameraSettings, shot: Shot
) -> Light:
    """(3,) gains: automatic exposure with its error, automatic white balance with its error."""
    balance = (1 / np.asarray(illuminant, np.float32)) ** camera.white_adaptation
    gains = balance * np.array([shot.white_error[0], 1.0, shot.white_error[1]], np.float32)
    if camera.metering_target <= 0:
        return gains.astype(np.float32)
    exposure = camera.metering_target / metered(glance(light) * gains) * 2.0**shot.exposure_ev
    return (gains * exposure).astype(np.float32)


def add_sensor_noise(
    light: Light, camera: CameraSettings, shot: Shot, rng: np.random.Generator
) -> Light:
    """Photon and read noise: variance photon_noise * gain * signal + (read_noise * gain)^2.

    With a mosaic, each working px measures one colour only, in an RGGB pattern, and the others are
    interpolated bilinearly, which also blurs the noise. Values below 0 are clipped as sensors do.
    """
    photon, read = camera.photon_noise * shot.gain, camera.read_noise * shot.gain
    if photon == 0 and read == 0 and not camera.mosaic:
        return light
    signal = mosaic_rggb(light) if camera.mosaic else light
    noisy = rng.standard_normal(signal.shape, dtype=np.float32)
    variance = np.maximum(signal, 0)
    variance *= np.float32(photon)
    variance += np.float32(read * read)
    noisy *= cv2.sqrt(variance)
    noisy += signal
    if not camera.mosaic:
        return np.maximum(noisy, 0, out=noisy)
    noisy *= np.float32(65535 / TONE_REACH)
    counts = np.clip(noisy, 0, 65535, out=noisy).astype(np.uint16)
    # OpenCV names the pattern by its second row: BG is RGGB read from the top left.
    rgb = cv2.demosaicing(counts, cv2.COLOR_BayerBG2RGB)
    return rgb.astype(np.float32) * np.float32(TONE_REACH / 65535)


def mosaic_rggb(light: Light) -> Light:
    """(height, width): each pixel's own colour under an RGGB colour filter array."""
    plane = light[..., 1].copy()
    plane[0::2, 0::2] = light[0::2, 0::2, 0]
    plane[1::2, 1::2] = light[1::2, 1::2, 2]
    return plane


def compress(rgb: RgbImage, camera: CameraSettings, shot: Shot) -> Capture:
    """The camera's JPEG and, if the shot was resent by an app, a second one."""
    jpeg = encode_jpeg(rgb, camera.jpeg_quality, camera.jpeg_subsampling)
    if shot.resend_quality:
        height, width = rgb.shape[:2]
        again = decode_jpeg(jpeg)
        scale = shot.resend_scale
        if scale < 1:
            smaller = (max(round(width * scale), 96), max(round(height * scale), 96))
            again = cv2.resize(again, smaller, interpolation=cv2.INTER_AREA)
        jpeg = encode_jpeg(again, shot.resend_quality, "4:2:0")
    return Capture(decode_jpeg(jpeg), jpeg)


def encode_jpeg(rgb: RgbImage, quality: int, subsampling: str) -> bytes:
    """Encode as baseline JPEG.

    Raises:
        BonafideError: the picture is not (height, width, 3) uint8, or the encoder refused it.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise BonafideError(
            f"a picture of shape {rgb.shape} and type {rgb.dtype} cannot become a JPEG.",
            where="camera",
            remedy="Give (height, width, 3) uint8 in R, G, B order.",
        )
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    flags += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SUBSAMPLING[subsampling]]
    done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), flags)
    if not done:
        raise BonafideError(
            "the JPEG encoder failed.", where="camera", remedy="Reinstall opencv-python-headless."
        )
    return data.tobytes()


def decode_jpeg(jpeg: bytes) -> RgbImage:
    """Decode our own JPEG bytes to (height, width, 3) uint8 R, G, B."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
