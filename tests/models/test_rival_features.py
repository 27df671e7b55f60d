"""The machines' features: Fisher vectors against sums by hand, LPQ levels, magnified videolets."""

import numpy as np
import pytest

from bonafide.cues.lpq import lpq_histogram
from bonafide.models import fisher_texture, ml_lpq, videolet


def picture(seed, side=64):
    return np.random.default_rng(seed).integers(0, 256, (1, side, side, 3), dtype=np.uint8)


def test_a_fisher_vector_is_the_normalised_gradient_by_means_and_deviations():
    """Perronnin et al., Eqs. 3-5, place by place and component by component."""
    rng = np.random.default_rng(0)
    places, values, components = 5, 3, 2
    learned = {
        "pca_mean": np.zeros(values),
        "pca_axes": np.eye(values),
        "weights": np.array([0.3, 0.7]),
        "means": rng.normal(size=(components, values)),
        "variances": rng.uniform(0.5, 2, (components, values)),
    }
    x = rng.normal(size=(places, values))
    by_mean = np.zeros((components, values))
    by_deviation = np.zeros((components, values))
    for place in x:
        density = [
            w * np.prod(np.exp(-0.5 * (place - m) ** 2 / v) / np.sqrt(2 * np.pi * v))
            for w, m, v in zip(
                learned["weights"], learned["means"], learned["variances"], strict=True
            )
        ]
        for k in range(components):
            share = density[k] / sum(density)
            apart = (place - learned["means"][k]) / np.sqrt(learned["variances"][k])
            by_mean[k] += share * apart / np.sqrt(learned["weights"][k]) / places
            by_deviation[k] += share * (apart**2 - 1) / np.sqrt(2 * learned["weights"][k]) / places
    expected = np.concatenate([by_mean.ravel(), by_deviation.ravel()])
    expected = np.sign(expected) * np.sqrt(np.abs(expected))
    expected /= np.linalg.norm(expected)
    np.testing.assert_allclose(fisher_texture.encode(x, learned), expected, atol=1e-6)


def test_what_is_learned_decorrelates_the_descriptors_and_the_seed_decides_it():
    described = [fisher_texture.describe(picture(seed)) for seed in range(12)]
    assert described[0].shape == (81, 768)
    first, again = (fisher_texture.learn(described, 3) for _ in range(2))
    for name in first:
        np.testing.assert_array_equal(first[name], again[name])
    reduced = (np.concatenate(described) - first["pca_mean"]) @ first["pca_axes"].T
    np.testing.assert_allclose(np.cov(reduced.T), np.eye(fisher_texture.KEPT), atol=0.02)
    vector = fisher_texture.encode(described[0], first)
    assert vector.shape == (2 * fisher_texture.COMPONENTS * fisher_texture.KEPT,)
    assert np.linalg.norm(vector) == pytest.approx(1)


def test_level_one_of_ml_lpq_is_the_whole_face_and_every_block_sums_to_1():
    views = picture(1)
    found = ml_lpq.describe(views).reshape(14, 256)
    from bonafide.cues.lbp import grey_of

    np.testing.assert_allclose(found[0], lpq_histogram(grey_of(views[0])), atol=1e-6)
    np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)


def test_magnifying_keeps_stillness_and_multiplies_what_moves():
    still = np.full((4, 6, 6), 100, np.uint8)
    np.testing.assert_array_equal(videolet.magnified(still), still)
    clip = still.copy()
    clip[0, 2, 2], clip[1, 2, 2] = 108, 92
    magnified = videolet.magnified(clip, alpha=4.0)
    assert magnified[:, 2, 2].tolist() == [140, 60, 100, 100]
    described = videolet.describe(np.repeat(picture(2, 96), 8, axis=0))
    assert described.shape == (361 + 81,)
    assert np.abs(described[361:]).max() == 0  # nothing moves
