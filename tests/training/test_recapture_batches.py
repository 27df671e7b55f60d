"""What a batch of the recapture network is made of, and that pictures vary as their ranges say."""

import itertools
import math

import cv2
import numpy as np
import pytest
import torch

from bonafide.training import recapture_batches
from bonafide.training.recapture_batches import Pool, augment, counts_of, training_batch
from bonafide.training.recapture_settings import RecaptureSettings
from bonafide.types import BonafideError

SMALL = RecaptureSettings(live=4, attacks=3, sources=7)


def pools(*sizes):
    names = ("live", "print", "replay", "clips", "large", "small")
    ends = np.cumsum(sizes)
    return [
        Pool(name, np.arange(end - size, end))
        for name, size, end in zip(names, sizes, ends, strict=False)
    ]


@pytest.fixture
def numbered(monkeypatch):
    """Crops that carry their row in every pixel, and no augmentation that would hide it."""
    monkeypatch.setattr(recapture_batches, "augment", lambda crop, rng: crop[:112, :112])
    return np.arange(200, dtype=np.uint8)[:, None, None, None, None] * np.ones(
        (1, 1, 128, 128, 3), np.uint8
    )


def rows_of(batch):
    return batch[0][:, 0, 0, 0].numpy().astype(int)


def test_a_batch_holds_20_live_12_of_each_attack_and_10_8_8_of_the_sources(numbered):
    drawn = pools(30, 30, 30, 20, 20, 50)
    settings = RecaptureSettings()
    assert counts_of(drawn, settings) == [20, 12, 12, 8, 8, 10]
    batch = training_batch(numbered, drawn, settings, 0)
    assert len(batch[0]) == settings.batch == 70
    for number, pool in enumerate(drawn):
        found = rows_of(batch)[batch[1].numpy() == number]
        assert len(found) == counts_of(drawn, settings)[number]
        assert set(found) <= set(pool.rows)


def test_without_sources_a_batch_is_what_is_taught(numbered):
    batch = training_batch(numbered, pools(30, 30, 30), RecaptureSettings(), 0)
    assert np.bincount(batch[1]).tolist() == [20, 12, 12]


def test_every_row_of_a_pool_comes_up_alike(numbered):
    drawn = pools(10, 5, 5, 4)
    seen = np.concatenate([rows_of(training_batch(numbered, drawn, SMALL, n)) for n in range(500)])
    counts = np.bincount(seen, minlength=24)
    expected = np.repeat([4 / 10, 3 / 5, 3 / 5, 7 / 4], [10, 5, 5, 4]) * 500
    assert np.abs(counts - expected).max() < 5 * math.sqrt(expected.max())


def test_processes_share_a_batch(numbered):
    drawn = pools(30, 30, 30, 20)
    whole = training_batch(numbered, drawn, SMALL, 5)
    shares = [training_batch(numbered, drawn, SMALL, 5, rank=r, world=3) for r in range(3)]
    pairs = [sorted(zip(rows_of(b), b[1].tolist(), strict=True)) for b in (whole, *shares)]
    assert sorted(itertools.chain(*pairs[1:])) == pairs[0]
    assert all(set(share[1].tolist()) == {0, 1, 2, 3} for share in shares)
    with pytest.raises(BonafideError, match="fewer than the 4 processes"):
        training_batch(numbered, drawn, SMALL, 5, world=4)


@pytest.fixture(scope="module")
def face(astronaut):
    return cv2.resize(astronaut[:220, 110:330], (128, 128), interpolation=cv2.INTER_AREA)


def test_a_batch_is_a_function_of_seed_step_and_rank(face):
    crops = np.stack([face, face[:, ::-1], face // 2, 255 - face])[:, None]
    few = RecaptureSettings(live=2, attacks=2, sources=2)

    def made(step=3, rank=0, world=1, **changes):
        settings = RecaptureSettings(live=2, attacks=2, sources=2, **changes) if changes else few
        drawn = pools(1, 1, 1, 1)
        return training_batch(crops, drawn, settings, step, rank=rank, world=world)[0]

    first = made()
    torch.manual_seed(5)
    assert torch.equal(first, made())
    assert not torch.equal(first, made(step=4))
    assert not torch.equal(first, made(seed=1))
    assert not torch.equal(made(rank=0, world=2), made(rank=1, world=2))


def test_live_and_attacks_are_changed_alike(face):
    """Who is live and who an attack may be exchanged: not one pixel of a batch depends on it."""
    crops = np.stack([face] * 6)[:, None]
    few = RecaptureSettings(live=3, attacks=3, sources=3)
    there = pools(1, 1, 1, 1)
    back = [Pool(pool.name, other.rows) for pool, other in zip(there, there[::-1], strict=True)]
    first = training_batch(crops, there, few, 0)[0]
    assert torch.equal(first, training_batch(crops, back, few, 0)[0])
    assert len({picture.numpy().tobytes() for picture in first}) == len(first)


NEUTRAL = {
    "RESAMPLED": 0.0,
    "BLURRED": 0.0,
    "SHARPENED": 0.0,
    "SATURATION": (1, 1),
    "CONTRAST": (1, 1),
    "LOG_GAMMA": (0, 0),
    "GAIN": (1, 1),
    "LOG_WHITE": 0.0,
    "NOISE": (0, 0),
    "COMPRESSED": 0.0,
}


@pytest.fixture
def only(monkeypatch, face):
    """only(NAME=value): the face, augmented by nothing but that, and float windows to compare."""

    def change(**given):
        for name, value in {**NEUTRAL, **given}.items():
            monkeypatch.setattr(recapture_batches, name, value)
        return augment(face[8:-8, 8:-8], np.random.default_rng(0)).astype(float)

    return change


@pytest.fixture
def window(only):
    return only()


def test_nothing_but_shift_and_mirror_is_left_when_all_else_is_neutral(face, monkeypatch):
    for name, value in NEUTRAL.items():
        monkeypatch.setattr(recapture_batches, name, value)
    windows = {
        np.ascontiguousarray(part[top : top + 112, left : left + 112]).tobytes()
        for part in (face, face[:, ::-1])
        for top in range(17)
        for left in range(17)
    }
    rng = np.random.default_rng(3)
    made = {augment(face, rng).tobytes() for _ in range(60)}
    assert made <= windows
    assert len(made) > 40


def test_each_range_does_what_it_is_called(only, window):
    """Closed forms, in steps of 0..255, rounded."""
    luma = window @ np.array([0.299, 0.587, 0.114])
    level = window / 255
    middle = level.mean()
    for made, expected in (
        (only(SATURATION=(0, 0)), np.repeat(luma[..., None], 3, 2)),
        (only(CONTRAST=(0.6, 0.6)), 255 * (middle + 0.6 * (level - middle))),
        (only(LOG_GAMMA=(math.log(2),) * 2), 255 * level**2),
        (only(GAIN=(0.5, 0.5)), window / 2),
        (only(GAIN=(1.4, 1.4)), np.minimum(1.4 * window, 255)),
    ):
        assert np.abs(made - expected).max() <= 0.51


def test_white_balance_scales_channels_apart_and_noise_has_its_deviation(only, window):
    cast = only(LOG_WHITE=0.1)
    dim = window < 150
    factors = [np.median((cast / np.maximum(window, 1))[..., c][dim[..., c]]) for c in range(3)]
    assert np.ptp(factors) > 0.02
    noisy = only(NOISE=(0.05, 0.05)) - window
    inner = (window > 60) & (window < 195)
    assert noisy[inner].std() == pytest.approx(0.05 * 255, rel=0.03)


def test_sharpness_and_blocks(only, window):
    def detail(picture):
        return np.abs(np.diff(picture, axis=0)).mean()

    plain = detail(window)
    assert detail(only(BLURRED=1.0)) < plain < detail(only(SHARPENED=1.0))
    assert detail(only(RESAMPLED=1.0, SHRINK=(0.35, 0.35))) < 0.9 * plain
    pressed = only(COMPRESSED=1.0, JPEG_QUALITY=(20, 21))
    assert 1 < np.abs(pressed - window).mean() < 10
