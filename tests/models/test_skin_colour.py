"""Colour statistics are what their names say, and the classifier is what it claims to be."""

import numpy as np
import pytest
import torch

from bonafide.models.skin_colour import (
    DARK,
    NAMES,
    POOLED_PX,
    SATURATION_QUANTILES,
    SkinColour,
    SkinColourScorer,
    colour_statistics,
)


@pytest.fixture(scope="module")
def crops():
    rng = np.random.default_rng(3)
    coarse = rng.integers(0, 256, (4, 16, 16, 3), dtype=np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, axis=1).repeat(8, axis=2))  # 128 px


def named(crop):
    values = colour_statistics(torch.from_numpy(crop[None]))[0]
    return dict(zip(NAMES, values.tolist(), strict=True))


def test_statistics_agree_with_numpy(crops):
    found = named(crops[0])
    small = crops[0].astype(float).reshape(POOLED_PX, 2, POOLED_PX, 2, 3).mean((1, 3))
    red, green, blue = np.moveaxis(small, -1, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    planes = {"Cr": (red - luma) / 1.402, "Cb": (blue - luma) / 1.772}  # T.871's definition
    for name, plane in planes.items():
        assert found[f"{name} mean"] == pytest.approx(plane.mean(), abs=0.02)
        assert found[f"{name} deviation"] == pytest.approx(plane.std(), abs=0.02)
        skew = ((plane - plane.mean()) ** 3).mean() / (plane.std() ** 3 + 1)
        assert found[f"{name} skew"] == pytest.approx(skew, abs=0.01)
        expected = np.quantile(plane, 0.1) - plane.mean()
        assert found[f"{name} q0.10"] == pytest.approx(expected, abs=0.05)
        middle = plane[16:52, 16:48]
        assert found[f"middle {name} mean"] == pytest.approx(middle.mean(), abs=0.02)
        assert found[f"middle {name} deviation"] == pytest.approx(middle.std(), abs=0.02)
    saturation = np.hypot(planes["Cr"], planes["Cb"]) / (luma + DARK)
    for share in SATURATION_QUANTILES:
        expected = np.quantile(saturation, share)
        assert found[f"saturation q{share:.2f}"] == pytest.approx(expected, abs=1e-3)


def test_grey_has_no_colour_and_red_has_red():
    grey = named(np.full((128, 128, 3), 90, np.uint8))
    assert all(value == pytest.approx(0, abs=0.02) for value in grey.values())
    red = named(np.full((128, 128, 3), (200, 60, 60), np.uint8))
    assert red["Cr mean"] == pytest.approx(0.5 * 140, abs=0.1)
    assert red["Cb mean"] < 0
    assert red["Cr deviation"] == pytest.approx(0, abs=0.02)


def test_size_and_fine_noise_hardly_move_them(crops):
    half = np.ascontiguousarray(crops[0][::2, ::2])
    torch.testing.assert_close(
        colour_statistics(torch.from_numpy(crops[:1])),
        colour_statistics(torch.from_numpy(half[None])),
        atol=1e-3,
        rtol=1e-4,
    )


def test_an_untrained_network_does_not_know(crops):
    score, weights = SkinColourScorer(SkinColour())(torch.from_numpy(crops[:, None]))
    np.testing.assert_allclose(score.detach(), 0.5)
    np.testing.assert_array_equal(weights, np.ones((len(crops), 1)))


def test_standardising_centres_and_scales(crops):
    statistics = colour_statistics(torch.from_numpy(crops))
    network = SkinColour()
    network.standardise_by(statistics)
    standard = (statistics - network.centre) / network.spread
    torch.testing.assert_close(standard.mean(0), torch.zeros(len(NAMES)), atol=1e-4, rtol=0)
    torch.testing.assert_close(
        standard.std(0, correction=0), torch.ones(len(NAMES)), atol=1e-3, rtol=0
    )
