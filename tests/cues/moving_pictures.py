"""Clips whose motion and colour are known, and how much of them is found in a clip."""

import numpy as np

RATE_HZ = 30.0


def even_times(seconds, rate_hz=RATE_HZ):
    return np.arange(int(seconds * rate_hz)) / rate_hz


def jittered_times(seconds, rate_hz=RATE_HZ, share=0.35, seed=0):
    """Every stamp off by up to ``share`` of a frame, the two ends exact."""
    times = even_times(seconds, rate_hz)
    shift = np.random.default_rng(seed).uniform(-share, share, len(times)) / rate_hz
    shift[[0, -1]] = 0
    return times + shift


def swaying_grating(times_s, frequency_hz, amplitude_px, wavelength_px=24.0, side=72):
    """(T, side, side, 3) float32: a vertical grating swaying by ``amplitude_px`` sideways."""
    shift = amplitude_px * np.sin(2 * np.pi * frequency_hz * times_s)
    x = np.arange(side)[None] + shift[:, None]
    row = 128 + 50 * np.sin(2 * np.pi * x / wavelength_px)
    shape = (len(times_s), side, side, 3)
    return np.broadcast_to(row[:, None, :, None], shape).astype(np.float32)


def sine_fit(values, times_s, frequency_hz):
    """Complex amplitude of a sine of known frequency in (T, ...), beside a constant."""
    angle = 2 * np.pi * frequency_hz * times_s
    basis = np.stack([np.sin(angle), np.cos(angle), np.ones_like(angle)], 1)
    flat = np.asarray(values, float).reshape(len(times_s), -1)
    found = np.linalg.lstsq(basis, flat, rcond=None)[0]
    return (found[0] + 1j * found[1]).reshape(np.shape(values)[1:])


def sway_px(clip, times_s, frequency_hz, wavelength_px=24.0):
    """Amplitude of the grating's sway, px, by the phase of its row in each frame (an independent
    measurement: it knows nothing of temporal filters). Borders are left out."""
    row = np.asarray(clip, float)[:, clip.shape[1] // 2, :, 0]
    width = row.shape[1]
    whole = int(int(width / 2 / wavelength_px) * wavelength_px)
    start = (width - whole) // 2
    x = np.arange(start, start + whole)
    turn = row[:, start : start + whole] @ np.exp(-2j * np.pi * x / wavelength_px)
    shift = np.unwrap(np.angle(turn)) * wavelength_px / (2 * np.pi)
    return abs(sine_fit(shift, times_s, frequency_hz))
