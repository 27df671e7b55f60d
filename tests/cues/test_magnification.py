"""Magnification on clips whose motion and colour are known."""

import itertools
import tracemalloc

import cv2
import numpy as np
import pytest
import scipy.signal
from moving_pictures import (
    RATE_HZ,
    even_times,
    jittered_times,
    sine_fit,
    sway_px,
    swaying_grating,
)

from bonafide.cues import add_change, band_pass, band_pass_plain, pyramid
from bonafide.cues.magnification import (
    RGB_FROM_YIQ,
    STREAMING,
    YIQ_FROM_RGB,
    Magnifier,
    magnify_clip,
)
from bonafide.cues.magnification_settings import (
    PRESETS,
    BeyondNyquistError,
    ClipTooShortError,
    ColourSettings,
    MagnificationError,
    MotionSettings,
    SettingsError,
    TimeStampError,
    check_band,
)

BAND = {"low_hz": 0.5, "high_hz": 3.0}
ONE_DB = 10 ** (1 / 20)


def motion(alpha=10.0, cutoff_px=4.0, chroma=0.0):
    return MotionSettings(alpha=alpha, cutoff_px=cutoff_px, chroma=chroma, **BAND)


def growth(settings, frequency_hz, temporal, amplitude_px, seconds=12.0, settle_s=6.0):
    """How much the sway grew, once the filter has settled."""
    times = even_times(seconds)
    clip = swaying_grating(times, frequency_hz, amplitude_px)
    after = magnify_clip(clip, times, settings, temporal=temporal)
    kept = (times >= settle_s / 2) & (times <= seconds - settle_s / 2)
    if temporal == "causal":  # only the beginning is there to settle from
        kept = times >= settle_s
    return sway_px(after[kept], times[kept], frequency_hz) / sway_px(
        clip[kept], times[kept], frequency_hz
    )


@pytest.mark.parametrize("alpha", [5.0, 10.0, 30.0])
@pytest.mark.parametrize("frequency_hz", [0.55, 1.2, 2.0, 2.8])
def test_sub_pixel_sway_in_the_band_grows_by_one_plus_alpha(alpha, frequency_hz):
    # A third of the bound (1 + alpha) delta < lambda / 8, at most 0.17 px.
    delta_px = 24 / 8 / (1 + alpha) / 3
    grown = growth(motion(alpha), frequency_hz, "zero_phase", delta_px)
    assert grown == pytest.approx(1 + alpha, rel=0.1)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.85, 1.0])
def test_growth_up_to_the_bound_is_that_of_eq_4_itself(share):
    # Eq. 4 adds m cos(kx) to sin(kx), m = k (1 + alpha) delta: a shift of atan(m), not of m. A sway
    # m sin(wt) so becomes atan(m sin(wt)), whose part at w is 2 / (1 + sqrt(1 + m^2)) of m.
    m = share * np.pi / 4  # pi / 4 is the bound: (1 + alpha) delta = lambda / 8
    delta_px = share * 24 / 8 / 11
    expected = 2 / (1 + np.sqrt(1 + m**2))
    assert growth(motion(), 1.2, "zero_phase", delta_px) / 11 == pytest.approx(expected, abs=0.03)


def test_eq_4_itself_loses_a_tenth_at_nine_tenths_of_the_bound():
    share = np.sqrt((2 / 0.9 - 1) ** 2 - 1) / (np.pi / 4)
    assert share == pytest.approx(0.895, abs=0.001)
    assert 2 / (1 + np.sqrt(1 + (np.pi / 4) ** 2)) == pytest.approx(0.880, abs=0.001)


@pytest.mark.parametrize("frequency_hz", [0.8, 1.2, 2.0, 2.6])
def test_the_causal_sway_grows_by_alpha_give_or_take_one(frequency_hz):
    # Its band has the right size but lags, and a lag of half a period takes the motion off.
    grown = growth(motion(), frequency_hz, "causal", 0.08, seconds=14, settle_s=9)
    assert 9 * 0.95 < grown < 11 * 1.02
    assert growth(motion(30.0), frequency_hz, "causal", 0.03, 14, 9) == pytest.approx(31, rel=0.1)


@pytest.mark.parametrize("temporal", ["zero_phase", "causal", "ideal"])
@pytest.mark.parametrize("frequency_hz", [0.125, 0.25, 6.0, 9.0])
@pytest.mark.parametrize("alpha", [50.0])
def test_an_octave_outside_the_band_sway_changes_by_less_than_a_decibel(
    temporal, frequency_hz, alpha
):
    grown = growth(motion(alpha), frequency_hz, temporal, 0.05, seconds=28, settle_s=18)
    assert 1 / ONE_DB < grown < ONE_DB


@pytest.mark.parametrize("preset", ["face-motion", "face-pulse"])
@pytest.mark.parametrize("temporal", ["zero_phase", "causal", "ideal"])
def test_a_still_clip_comes_back_unchanged(preset, temporal):
    still = np.random.default_rng(0).integers(0, 256, (1, 48, 64, 3), dtype=np.uint8)
    frames = np.repeat(still, 100, 0)
    after = magnify_clip(frames, jittered_times(100 / RATE_HZ), PRESETS[preset], temporal=temporal)
    assert np.abs(after.astype(int) - frames).max() <= 1


@pytest.mark.parametrize("temporal", ["zero_phase", "causal", "ideal"])
def test_variable_frame_rate_gives_the_same_answer_as_constant(temporal):
    # Of two sways at once. At 2.6 Hz 30 frames a second draw it within 4 %, at 1.3 Hz within 1 %.
    even, uneven = even_times(10), jittered_times(10)
    results = {}
    for name, times in {"even": even, "uneven": uneven}.items():
        clip = swaying_grating(times, 1.3, 0.1) + swaying_grating(times, 2.6, 0.05) - 128
        row = magnify_clip(clip, times, motion(), temporal=temporal)[:, 36, 16:48, 0]
        change = row - clip[:, 36, 16:48, 0]
        results[name] = [sine_fit(change[90:-90], times[90:-90], f) for f in (1.3, 2.6)]
    for sway, allowed in ((0, 0.012), (1, 0.04)):
        of_even, of_uneven = results["even"][sway], results["uneven"][sway]
        assert np.abs(of_even - of_uneven).max() < allowed * np.abs(of_even).max()


def test_stamps_count_and_not_frame_numbers():
    # The same pictures said to come at half the rate: the sway is then 0.6 Hz, out of 1..3 Hz.
    clip = swaying_grating(even_times(10), 1.2, 0.1)
    settings = MotionSettings(alpha=10, low_hz=1.2, high_hz=3.0, cutoff_px=10)
    slow = magnify_clip(clip, even_times(20, RATE_HZ / 2), settings)[90:-90]
    times = even_times(20, RATE_HZ / 2)[90:-90]
    assert sway_px(slow, times, 0.6) / sway_px(clip[90:-90], times, 0.6) < ONE_DB


def test_a_dropped_frame_does_no_harm():
    times = even_times(12)
    clip = swaying_grating(times, 1.2, 0.1)
    kept = np.delete(np.arange(len(times)), [100, 101, 180])
    whole = magnify_clip(clip, times, motion())[kept]
    holed = magnify_clip(clip[kept], times[kept], motion())
    assert np.abs(whole - holed).max() < 0.05 * np.abs(whole - clip[kept]).max()


@pytest.mark.parametrize("pulse_hz", [0.9, 1.2, 2.5])
@pytest.mark.parametrize("temporal", ["zero_phase", "causal", "ideal"])
def test_a_pulse_too_weak_to_see_is_found_and_grows_in_colour(pulse_hz, temporal):
    # Skin whose green swings by a third of a grey level, below rounding, under camera noise.
    times = jittered_times(12)
    rng = np.random.default_rng(1)
    skin = np.array([190, 140, 120.0])
    swing = np.array([0.1, 0.33, 0.15])
    clean = skin + swing * np.sin(2 * np.pi * pulse_hz * times)[:, None, None, None]
    noisy = clean + rng.normal(0, 2.0, (len(times), 64, 64, 3))
    frames = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    after = magnify_clip(frames, times, PRESETS["face-pulse"], temporal=temporal)
    green = after[:, 16:48, 16:48, 1].mean((1, 2))
    grid = even_times(11.9)
    spectrum = np.abs(np.fft.rfft(scipy.signal.detrend(np.interp(grid, times, green)), 8192))
    peak_hz = np.fft.rfftfreq(8192, 1 / RATE_HZ)[spectrum.argmax()]
    assert peak_hz == pytest.approx(pulse_hz, abs=0.05)
    part = slice(150, None) if temporal == "causal" else slice(60, -60)
    assert abs(sine_fit(green[part], times[part], pulse_hz)) == pytest.approx(51 * 0.33, rel=0.15)


@pytest.mark.parametrize("temporal", sorted(STREAMING))
@pytest.mark.parametrize("preset", ["face-motion", "face-pulse"])
def test_stream_and_batch_agree_and_keep_every_frame_and_stamp(temporal, preset):
    times = jittered_times(8)
    frames = np.clip(swaying_grating(times, 1.0, 0.3, side=50), 0, 255).astype(np.uint8)
    magnifier = Magnifier(PRESETS[preset], temporal)
    streamed = []
    for frame, time_s in zip(frames, times, strict=True):
        ready = magnifier.push(frame, time_s)
        assert temporal != "causal" or len(ready) == 1
        streamed += ready
    streamed += magnifier.finish()
    assert [time_s for _, time_s in streamed] == list(times)
    batch = magnify_clip(frames, times, PRESETS[preset], temporal=temporal)
    np.testing.assert_array_equal(np.stack([frame for frame, _ in streamed]), batch)


@pytest.mark.parametrize("temporal", sorted(STREAMING))
@pytest.mark.parametrize("preset", ["face-motion", "face-pulse"])
def test_without_a_compiler_few_values_differ_and_by_one_level(temporal, preset, monkeypatch):
    """Sums in another order: what lies at a half is rounded to the other side."""
    times, rng = jittered_times(8), np.random.default_rng(0)
    frames = swaying_grating(times, 1.0, 0.3, side=50) + rng.normal(0, 2, (len(times), 50, 50, 3))
    frames = np.clip(frames, 0, 255).astype(np.uint8)
    compiled = magnify_clip(frames, times, PRESETS[preset], temporal=temporal)
    monkeypatch.setattr(band_pass, "loops", band_pass_plain)
    monkeypatch.setattr(add_change, "compiled", None)
    plain = magnify_clip(frames, times, PRESETS[preset], temporal=temporal)
    apart = np.abs(compiled.astype(int) - plain)
    assert apart.max() <= 1
    assert (apart > 0).mean() < 1e-4
    assert (compiled != frames).mean() > 0.5


@pytest.mark.parametrize("temporal", sorted(STREAMING))
def test_memory_does_not_depend_on_the_length(temporal):
    def peak_bytes(frames):
        magnifier = Magnifier(motion(), temporal)
        tracemalloc.start()
        for index in range(frames):
            picture = np.full((40, 40, 3), index % 7, np.uint8)
            magnifier.push(picture, index / RATE_HZ)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak_bytes(200)  # compiles, and fills caches
    assert peak_bytes(700) < 1.2 * peak_bytes(200)


def by_the_book(clip, times, settings):
    """The paper's order of work, straightforwardly: a pyramid of every frame, then time, then
    collapse, with the band taken out of the spectrum."""
    rate_hz = (len(times) - 1) / (times[-1] - times[0])
    levels = pyramid.halvings(*clip.shape[1:3])
    pyramids = []
    for frame in clip @ YIQ_FROM_RGB.T:
        gaussian = [frame]
        for _ in range(levels):
            gaussian.append(cv2.pyrDown(gaussian[-1]))
        pyramids.append(
            [
                fine - cv2.pyrUp(coarse, dstsize=fine.shape[1::-1])
                for fine, coarse in itertools.pairwise(gaussian)
            ]
        )
    change = 0
    for level in reversed(range(levels)):
        bands = scipy.signal.detrend(np.stack([each[level] for each in pyramids]), axis=0)
        spectrum = np.fft.rfft(bands, axis=0)
        frequency = np.fft.rfftfreq(len(bands), 1 / rate_hz)
        spectrum[(frequency < settings.low_hz) | (frequency > settings.high_hz)] = 0
        bands = np.fft.irfft(spectrum, len(bands), axis=0).astype(np.float32)
        delta_px = settings.cutoff_px / 8 / (1 + settings.alpha)
        wavelength_px = 2.0 if level == 0 else 5 * 2.0**level
        alpha = np.clip(wavelength_px / 8 / delta_px - 1, 0, settings.alpha)
        weights = alpha * np.array([1, settings.chroma, settings.chroma])
        if np.ndim(change):
            size = bands.shape[2:0:-1]
            change = np.stack([cv2.pyrUp(each, dstsize=size) for each in change])
        change = change + bands * weights.astype(np.float32)
    return clip + change @ RGB_FROM_YIQ.T


@pytest.mark.parametrize("cutoff_px", [16.0, 40.0])
@pytest.mark.parametrize("chroma", [0.0, 0.3])
def test_filtering_before_the_pyramid_is_the_published_order(cutoff_px, chroma):
    times = even_times(4)
    rng = np.random.default_rng(3)
    texture = cv2.GaussianBlur(rng.uniform(0, 255, (61, 75, 3)).astype(np.float32), (0, 0), 2)
    swing = np.sin(2 * np.pi * 1.5 * times)[:, None, None, None]
    clip = (texture + 2 * swing * cv2.Sobel(texture, cv2.CV_32F, 1, 0) / 8).astype(np.float32)
    settings = motion(5.0, cutoff_px, chroma)
    expected = np.clip(by_the_book(clip, times, settings), 0, 255)
    found = magnify_clip(clip, times, settings, temporal="ideal")
    assert np.abs(expected - clip).max() > 5
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_luma_alone_moves_all_colours_alike():
    times = even_times(4)
    clip = swaying_grating(times, 1.2, 0.3) * np.array([1, 0.8, 0.6], np.float32)
    change = magnify_clip(clip, times, motion()) - clip
    assert np.ptp(change, axis=3).max() < 0.01


def test_alpha_zero_changes_nothing():
    times = even_times(4)
    clip = np.clip(swaying_grating(times, 1.2, 0.5), 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(magnify_clip(clip, times, motion(0.0)), clip)


def test_yiq_keeps_grey_grey_and_comes_back():
    np.testing.assert_allclose(YIQ_FROM_RGB @ np.ones(3), [1, 0, 0], atol=1e-4)
    np.testing.assert_allclose(RGB_FROM_YIQ @ YIQ_FROM_RGB, np.eye(3), atol=1e-5)


@pytest.mark.parametrize("temporal", ["zero_phase", "causal", "ideal"])
def test_a_band_beyond_nyquist_is_refused(temporal):
    clip = np.zeros((20, 16, 16, 3), np.uint8)
    with pytest.raises(BeyondNyquistError, match="below half"):
        magnify_clip(clip, even_times(4, 5), motion(), temporal=temporal)


def test_a_stream_notices_a_band_beyond_nyquist_before_its_end():
    magnifier = Magnifier(motion(), "causal")
    picture = np.zeros((16, 16, 3), np.uint8)
    for index in range(8):
        magnifier.push(picture, index / 5)
    with pytest.raises(BeyondNyquistError):
        magnifier.push(picture, 8 / 5)


@pytest.mark.parametrize("frames", [1, 2, 40])
@pytest.mark.parametrize("temporal", ["zero_phase", "causal", "ideal"])
def test_a_clip_too_short_for_the_band_is_refused(frames, temporal):
    clip = np.zeros((frames, 16, 16, 3), np.uint8)
    with pytest.raises(ClipTooShortError, match=r"no full period of 0\.5 Hz"):
        magnify_clip(clip, even_times(frames / RATE_HZ + 1e-3), motion(), temporal=temporal)


def test_a_band_between_two_lines_of_the_spectrum_is_refused():
    settings = ColourSettings(alpha=10, low_hz=0.55, high_hz=0.6, level=2)
    with pytest.raises(ClipTooShortError, match="none falls into"):
        magnify_clip(np.zeros((90, 16, 16, 3), np.uint8), even_times(3), settings, temporal="ideal")


@pytest.mark.parametrize("bad", [[0, 0.1, 0.1], [0, 0.2, 0.1], [0, np.nan, 0.1], [np.nan, 1, 2]])
@pytest.mark.parametrize("temporal", ["zero_phase", "ideal"])
def test_missing_and_unordered_time_stamps_are_refused(bad, temporal):
    with pytest.raises(TimeStampError):
        magnify_clip(np.zeros((3, 16, 16, 3), np.uint8), bad, motion(), temporal=temporal)


@pytest.mark.parametrize(
    "frame",
    [np.zeros((16, 16), np.uint8), np.zeros((16, 16, 3)), np.zeros((5, 99, 3), np.uint8)],
    ids=["grey", "float64", "tiny"],
)
def test_what_is_no_rgb_picture_is_refused(frame):
    with pytest.raises(MagnificationError):
        Magnifier(motion()).push(frame, 0.0)


def test_frames_must_keep_their_size():
    magnifier = Magnifier(motion())
    magnifier.push(np.zeros((16, 16, 3), np.uint8), 0.0)
    with pytest.raises(MagnificationError, match="one box"):
        magnifier.push(np.zeros((16, 18, 3), np.uint8), 0.1)


def test_a_level_that_leaves_nothing_is_refused():
    settings = ColourSettings(alpha=10, low_hz=1, high_hz=2, level=6)
    with pytest.raises(SettingsError, match="at most 5"):
        Magnifier(settings).push(np.zeros((48, 48, 3), np.uint8), 0.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [("alpha", -1), ("alpha", np.nan), ("low_hz", 0), ("low_hz", 3.0), ("cutoff_px", -1)],
)
def test_settings_out_of_range_are_refused(field, value):
    good = {"alpha": 10, "low_hz": 0.5, "high_hz": 3.0, "cutoff_px": 80}
    with pytest.raises(SettingsError) as caught:
        MotionSettings(**{**good, field: value})
    assert caught.value.where == field


def test_check_band_says_what_length_would_do():
    with pytest.raises(ClipTooShortError, match=r"at least 2\.00 s"):
        check_band(motion(), rate_hz=30, duration_s=1.0)
    check_band(motion(), rate_hz=30, duration_s=2.0)
