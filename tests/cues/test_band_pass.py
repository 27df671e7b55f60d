"""The temporal filter alone, against closed forms and scipy's own simulation."""

import numpy as np
import pytest
import scipy.signal
from moving_pictures import even_times, jittered_times, sine_fit

from bonafide.cues import band_pass as module
from bonafide.cues import band_pass_compiled, band_pass_plain
from bonafide.cues.band_pass import (
    BandPass,
    Frames,
    _coefficients,
    design,
    group_delay_s,
    partial_fractions,
    response,
)
from bonafide.cues.magnification_settings import TimeStampError

BANDS = [(0.5, 3.0), (0.7, 4.0), (0.83, 1.0), (0.5, 10.0), (3.6, 6.2)]


def run(poles, signal, times):
    band_pass = BandPass(poles)
    return np.array(
        [
            band_pass.push(np.array([value], np.float32), time_s)[0]
            for value, time_s in zip(signal, times, strict=True)
        ]
    )


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("alpha", [1.0, 10.0, 20.0, 150.0])
@pytest.mark.parametrize("passes", [1, 2])
def test_the_design_keeps_its_promise(band, alpha, passes):
    low, high = band
    poles = design(low, high, alpha, passes)
    inside = np.abs(response(poles, np.linspace(low, high, 400))) ** passes
    outside = np.r_[np.linspace(0, low / 2, 100), np.geomspace(2 * high, 100 * high, 300)]
    leak = alpha * np.abs(response(poles, outside)) ** passes
    assert 10 ** (-0.051 / 20) < inside.min() <= inside.max() < 1.0001
    assert leak.max() < 0.0701
    assert abs(response(poles, 0.0)[0]) < 1e-9  # odd order: no rest of the constant
    assert (poles.pole.real < 0).all()


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("order", [3, 5])
def test_partial_fractions_are_the_filter_they_were_made_from(band, order):
    # With order 3 the two widest bands have a pair of real poles.
    edges = 2 * np.pi * np.array(band)
    zpk = scipy.signal.ellip(order, 0.05, 40, edges, "bandpass", analog=True, output="zpk")
    frequency = np.geomspace(band[0] / 10, band[1] * 10, 200)
    _, expected = scipy.signal.freqs_zpk(*zpk, 2 * np.pi * frequency)
    np.testing.assert_allclose(response(partial_fractions(*zpk), frequency), expected, atol=1e-9)


def test_a_straight_line_is_followed_exactly_at_any_spacing():
    # 1 / (s - p) answers the ramp 10 t with 10 (exp(p t) - 1 - p t) / p^2.
    poles = design(0.5, 3.0, 10.0)
    times = jittered_times(4, share=0.45)
    pt = poles.pole * times[:, None]
    expected = 2 * (10 * poles.residue * (np.exp(pt) - 1 - pt) / poles.pole**2).sum(1).real
    found = run(poles, 10 * times, times)
    # The first step but one still feels the stillness before the clip: its parabola bends.
    np.testing.assert_allclose(found, expected, atol=0.01)
    assert np.abs(expected).max() > 0.5


@pytest.mark.parametrize("loops", [band_pass_compiled, band_pass_plain])
@pytest.mark.parametrize("band", [(0.5, 3.0), (0.5, 10.0)])
@pytest.mark.parametrize("alpha", [1.0, 10.0])
def test_frames_anywhere_in_memory_give_the_sum_over_the_poles_written_out(
    alpha, band, loops, monkeypatch
):
    """The wide band has real poles too."""
    monkeypatch.setattr(module, "loops", loops)
    poles, rng = design(*band, alpha), np.random.default_rng(0)
    times, values = jittered_times(1), rng.normal(0, 1, (40, 1300)).astype(np.float32)
    rows, gains = rng.permutation(40)[:30], rng.uniform(0, 2, 30).astype(np.float32)
    to = np.where(np.arange(30) % 3 == 0, -1, np.arange(30))
    bands = np.full((30, 1300), 7, np.float32)
    band_pass = BandPass(poles)
    for part in (slice(0, 11), slice(11, 30)):
        frames = Frames(values, rows[part], gains[part])
        band_pass.advance(frames, times[:30][part].tolist(), bands, to[part])
    moved = gains[:, None].astype(float) * values[rows]
    moved -= moved[0]
    expected = [np.zeros(1300)]
    state = np.zeros((len(poles.pole), 1300), complex)
    steps = np.r_[np.diff(times)[0], np.diff(times)]
    for n in range(1, 30):
        table = _coefficients(poles, steps[n], steps[n - 1]).astype(float).view(complex)
        weights = table[:, 1:] @ np.stack([moved[max(n - 2, 0)], moved[n - 1], moved[n]])
        state = table[:, :1] * state + weights
        expected.append(state.real.sum(0))
    wanted = to >= 0
    np.testing.assert_allclose(bands[wanted], np.stack(expected)[wanted], atol=1e-4)
    assert (bands[~wanted] == 7).all()


@pytest.mark.parametrize("frequency_hz", [0.5, 1.2, 3.0, 5.0])
def test_uneven_steps_answer_as_even_ones(frequency_hz):
    poles = design(0.5, 6.0, 10.0)
    found = []
    for times in (even_times(16), jittered_times(16)):
        band = run(poles, np.sin(2 * np.pi * frequency_hz * times), times)
        found.append(sine_fit(band[240:], times[240:], frequency_hz))
    assert abs(found[0] - found[1]) < 0.012
    assert abs(found[0] - response(poles, frequency_hz)[0]) < 0.05


def test_frames_that_nearly_coincide_do_not_blow_up():
    times = np.sort(np.r_[even_times(6), even_times(6)[30:150:7] + 1e-4])
    noise = np.random.default_rng(0).normal(0, 1, len(times))
    assert np.abs(run(design(0.5, 3.0, 10.0), noise, times)).max() < 3


def test_the_group_delay_is_where_a_burst_comes_out():
    poles = design(0.5, 3.0, 10.0)
    times = even_times(16)
    envelope = np.exp(-(((times - 6) / 1.5) ** 2))
    band = run(poles, envelope * np.sin(2 * np.pi * 1.5 * times), times)
    centre = (times * band**2).sum() / (band**2).sum()
    assert centre - 6 == pytest.approx(group_delay_s(poles, 1.5), abs=0.03)


def test_a_long_stream_does_not_drift():
    # Float32 state over 100 seconds of a steady picture after a burst of motion.
    times = even_times(100)
    signal = np.where(times < 5, 100 * np.sin(2 * np.pi * times), 37.0)
    assert np.abs(run(design(0.5, 3.0, 10.0), signal, times)[-300:]).max() < 1e-3


def test_time_must_go_on():
    band_pass = BandPass(design(0.5, 3.0, 10.0))
    band_pass.push(np.zeros(3, np.float32), 1.0)
    with pytest.raises(TimeStampError, match="follows 1 s"):
        band_pass.push(np.zeros(3, np.float32), 1.0)
