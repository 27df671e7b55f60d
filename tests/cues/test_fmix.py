"""FMix: the mask holds lambda to a pixel and is smooth; the mix is Eq. 20."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.cues.fmix import PAPER_SHARE, fmix_mask, mix
from bonafide.types import BonafideError


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.floats(0, 1), st.integers(0, 9))
def test_the_mask_holds_lambda_to_a_pixel(height, width, share, seed):
    mask = fmix_mask(height, width, np.random.default_rng(seed), share)
    assert mask.shape == (height, width)
    assert abs(mask.mean() - share) <= 1 / (height * width)


def edges(mask):
    return (mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum()


def test_the_mask_is_spatially_smooth():
    """A random mask of 80 % has 32 % of neighbours that differ; a smooth one a few per cent."""
    for seed in range(5):
        smooth = fmix_mask(64, 64, np.random.default_rng(seed))
        white = fmix_mask(64, 64, np.random.default_rng(seed), decay_power=0.0)
        assert white.mean() == smooth.mean() == round(PAPER_SHARE * 4096) / 4096
        assert edges(smooth) < edges(white) / 6


def test_equal_seeds_give_equal_masks():
    first, again, other = (fmix_mask(16, 20, np.random.default_rng(s)) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_the_mix_takes_each_px_from_one_picture():
    mask = np.array([[True, False]])
    first = np.uint8([[[1, 2, 3], [4, 5, 6]]])
    assert mix(mask, first, first + 100).tolist() == [[[1, 2, 3], [104, 105, 106]]]


def test_a_share_beyond_one_is_an_error():
    with pytest.raises(BonafideError, match="lambda within"):
        fmix_mask(4, 4, np.random.default_rng(0), 1.2)
