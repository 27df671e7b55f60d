from dataclasses import astuple

import numpy as np
import pytest

from bonafide.simulator.motion import HORIZON_S, draw_motion


def numbers(gesture):
    return np.hstack([np.ravel(v) for v in astuple(gesture)]).astype(float)


@pytest.fixture(scope="module")
def motions():
    return [draw_motion(np.random.default_rng(k)) for k in range(80)]


def test_blink_rates_and_durations_are_those_of_people(motions):
    rates = np.array([len(m.blink_at_s) / (HORIZON_S / 60) for m in motions])
    assert 12 < rates.mean() < 22, "Bentivoglio et al. 1997 report a mean of 17 a minute at rest"
    assert 6 < rates.min() < rates.max() < 35
    for m in motions[:10]:
        duration = m.blink_close_s + m.blink_open_s
        assert np.all((duration > 0.15) & (duration < 0.40))
        assert m.blink_open_s.mean() > 1.4 * m.blink_close_s.mean()


def test_lids_close_fully_and_are_open_most_of_the_time(motions):
    m = motions[0]
    times = np.arange(0, 60, 0.005)
    closure = np.array([m(t).closure[0] for t in times])
    assert closure.max() > 0.99
    assert closure.min() == 0
    assert 0.01 < (closure > 0.5).mean() < 0.10
    starts = ((closure[1:] > 0.5) & (closure[:-1] <= 0.5)).sum()
    assert abs(starts - (m.blink_at_s < 60).sum()) <= 1


def test_every_movement_is_continuous(motions):
    """In a millisecond nothing moves further than a saccade (500 degrees a second) could."""
    for m in motions[:4]:
        times = np.arange(3.0, 5.0, 0.001)
        values = np.array([numbers(m(t)) for t in times])
        assert np.abs(np.diff(values, axis=0)).max() < 0.8


def test_any_frame_rate_samples_the_same_movement(motions):
    slow = [numbers(motions[1](k / 10)) for k in range(20)]
    fast = [numbers(motions[1](k / 50)) for k in range(0, 100, 5)]
    np.testing.assert_allclose(slow, fast, atol=1e-9)


def test_equal_seeds_move_alike_and_others_do_not():
    a, b, c = (numbers(draw_motion(np.random.default_rng(k))(7.3)) for k in (5, 5, 6))
    assert np.array_equal(a, b)
    assert not np.allclose(a, c)


def test_still_people_breathe_blink_and_have_a_pulse():
    m = draw_motion(np.random.default_rng(2), talking=False, still=0.0)
    gestures = [m(t) for t in np.arange(0, 20, 0.05)]
    assert np.ptp([g.yaw_deg for g in gestures]) == 0
    assert max(g.jaw for g in gestures) == 0
    assert np.ptp([g.chest_mm for g in gestures]) > 1
    assert np.ptp([g.pulse for g in gestures]) > 0.006


def test_talking_moves_the_jaw_at_syllable_rate():
    m = draw_motion(np.random.default_rng(4), talking=True)
    jaw = np.array([m(t).jaw for t in np.arange(0, 40, 0.02)])
    assert 0.15 < jaw.max() <= 0.5
    assert (jaw < 0.01).mean() > 0.2, "people pause"
