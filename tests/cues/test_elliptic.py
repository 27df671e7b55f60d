"""The elliptic band-pass against scipy's."""

import numpy as np
import pytest
import scipy.signal

from bonafide.cues.elliptic import band_pass, lowest_order, response

BANDS = [(0.5, 3.0), (0.7, 4.0), (0.83, 1.0), (0.5, 10.0), (3.6, 6.2), (0.05, 0.4)]


def farthest(found, expected):
    """How far the farthest root is from its nearest, as a share of the largest."""
    apart = np.abs(found[:, None] - expected)
    return max(apart.min(0).max(), apart.min(1).max()) / np.abs(expected).max()


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("stop_db", [10.0, 20.0, 43.0, 66.0, 90.0])
@pytest.mark.parametrize("ripple_db", [5e-7, 1e-3, 0.05])
def test_order_zeros_poles_and_gain_are_scipys(band, stop_db, ripple_db):
    edges = 2 * np.pi * np.array(band)
    stop = edges * [0.5, 2]
    order = lowest_order(edges, stop, ripple_db, stop_db)
    assert order == scipy.signal.ellipord(edges, stop, ripple_db, stop_db, analog=True)[0]
    order += 1 - order % 2
    found = band_pass(order, ripple_db, stop_db, edges)
    zpk = scipy.signal.ellip(
        order, ripple_db, stop_db, edges, "bandpass", analog=True, output="zpk"
    )
    assert [len(each) for each in found[:2]] == [len(each) for each in zpk[:2]]
    assert farthest(found.zeros, zpk[0]) < 1e-10
    assert farthest(found.poles, zpk[1]) < 1e-10
    assert found.gain == pytest.approx(zpk[2], rel=1e-10)
    omega = np.geomspace(edges[0] / 20, 20 * edges[1], 300)
    np.testing.assert_allclose(
        response(found, omega), scipy.signal.freqs_zpk(*zpk, omega)[1], atol=1e-10
    )
