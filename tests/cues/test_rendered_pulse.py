"""The pulse that the rendered world gives a live person is found by the colour preset."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.signal
from moving_pictures import sine_fit

from bonafide.cues.magnification import magnify_clip
from bonafide.cues.magnification_settings import PRESETS
from bonafide.simulator.actor import build_actor
from bonafide.simulator.capture_clip import capture_clip
from bonafide.simulator.carrier import Staging
from bonafide.simulator.identity import draw_identity
from bonafide.simulator.motion import Sway, draw_motion
from bonafide.simulator.session import Clip, plan_capture

RATE_HZ, SECONDS, SIDE_PX = 15.0, 8.0, 96
STILL = Sway(*np.zeros((3, 1)))


def filmed(seed, pulse_hz, *, alive):
    """(T, side, side, 3), times and landmarks of a person who holds still; not alive: a photo."""
    rng = np.random.default_rng(seed)
    plan = replace(plan_capture(rng, SIDE_PX, SIDE_PX, adverse=False), tremor=(STILL,) * 6)
    motion = draw_motion(rng, talking=False, still=0.0)
    motion = replace(motion, pulse_hz=pulse_hz, pulse_level=0.01)
    gesture = motion if alive else (lambda _: motion(0.0))
    staged = Staging("bona_fide", "live", build_actor(draw_identity(rng)), (), gesture)
    count = int(RATE_HZ * SECONDS)
    frames = list(capture_clip(Clip(plan, staged), count, RATE_HZ, modalities=False))
    times_s = np.array([frame.time_s for frame in frames])
    return np.stack([frame.rgb for frame in frames]), times_s, frames[0].landmarks


def cheeks(clip, landmarks):
    """Mean green of a patch on each cheek, (T,)."""
    half = SIDE_PX // 24
    patches = []
    for side in (0, 1):
        x, y = ((landmarks[side] + landmarks[3 + side]) / 2).round().astype(int)
        patches.append(clip[:, y - half : y + half, x - half : x + half, 1].mean((1, 2)))
    return scipy.signal.detrend(np.mean(patches, 0))


def peak_hz(signal):
    spectrum = np.abs(np.fft.rfft(signal * np.hanning(len(signal)), 4096))
    frequency = np.fft.rfftfreq(4096, 1 / RATE_HZ)
    band = (frequency > 0.6) & (frequency < 4.2)
    return frequency[band][spectrum[band].argmax()]


@pytest.mark.parametrize(
    ("seed", "pulse_hz"), [(1, 1.0), pytest.param(2, 1.5, marks=pytest.mark.slow)]
)
def test_the_pulse_of_a_rendered_face_is_found_and_grows(seed, pulse_hz):
    settings = replace(PRESETS["face-pulse"], level=3)  # a face of 40 px
    clip, times_s, landmarks = filmed(seed, pulse_hz, alive=True)
    before = cheeks(clip, landmarks)
    after = cheeks(magnify_clip(clip, times_s, settings), landmarks)
    assert peak_hz(after) == pytest.approx(pulse_hz, abs=0.06)
    grown = abs(sine_fit(after, times_s, pulse_hz)) / abs(sine_fit(before, times_s, pulse_hz))
    assert 10 < grown < 60  # 51 where nothing is clipped and all around the patch is skin


@pytest.mark.slow
def test_a_face_held_still_as_in_a_photo_has_no_pulse():
    settings = replace(PRESETS["face-pulse"], level=3)
    swings = {True: 0.0, False: 0.0}  # of three people: what is left of one is the camera's noise
    for alive in swings:
        for seed in (1, 2, 3):
            clip, times_s, landmarks = filmed(seed, 1.0, alive=alive)
            after = cheeks(magnify_clip(clip, times_s, settings), landmarks)
            swings[alive] += abs(sine_fit(after, times_s, 1.0))
    assert swings[True] > 5 * swings[False]
