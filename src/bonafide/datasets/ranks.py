"""Ranks with ties, without scipy, which the base install does without."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def column_ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The rank of each value in its column, from 1; equal values share the mean of their ranks.

    Args:
        values: (n, k).

    Returns:
        (n, k) float64.

    >>> column_ranks(np.array([[0.3], [0.1], [0.3]])).ravel().tolist()
    [2.5, 1.0, 2.5]
    """
    ranks = np.empty(values.shape)
    for column in range(values.shape[1]):
        _, place, count = np.unique(values[:, column], return_inverse=True, return_counts=True)
        ranks[:, column] = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks
