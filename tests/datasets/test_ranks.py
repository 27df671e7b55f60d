"""Ranks are scipy's."""

import numpy as np
import pytest
from scipy.stats import rankdata

from bonafide.datasets.ranks import column_ranks


@pytest.mark.parametrize("levels", [1, 4, 1000])
def test_ranks_are_scipys(levels):
    values = np.random.default_rng(levels).integers(0, levels, (300, 5)).astype(float)
    np.testing.assert_array_equal(column_ranks(values), rankdata(values, axis=0))
