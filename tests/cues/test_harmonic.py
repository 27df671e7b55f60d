"""Regions and harmonic surfaces against scipy, which the base install does without."""

import numpy as np
import pytest
from scipy import ndimage, sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import spsolve

from bonafide.cues.harmonic import enclosed_by, grow, harmonic, label_regions, linked_regions

CROSS = ndimage.generate_binary_structure(2, 1)


def same_partition(ours, theirs):
    """Equal up to the names of the regions."""
    pairs = {(int(a), int(b)) for a, b in zip(ours.ravel(), theirs.ravel(), strict=True)}
    return len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.55, 1.0])
def test_regions_are_scipys(share):
    mask = np.random.default_rng(0).random((31, 40)) < share
    labels, count = label_regions(mask)
    theirs, expected = ndimage.label(mask)
    assert count == expected
    assert same_partition(labels, theirs)
    assert np.array_equal(grow(mask), ndimage.binary_dilation(mask, CROSS))
    assert np.array_equal(enclosed_by(mask), ndimage.binary_fill_holes(mask) & ~mask)


def test_links_join_what_they_join_and_nothing_else():
    rng = np.random.default_rng(1)
    known = rng.random((17, 23)) < 0.8
    across = (rng.random((17, 22)) < 0.6) & known[:, :-1] & known[:, 1:]
    down = (rng.random((16, 23)) < 0.6) & known[:-1] & known[1:]
    number = np.arange(known.size).reshape(known.shape)
    start = np.concatenate([number[:, :-1][across], number[:-1][down]])
    end = np.concatenate([number[:, 1:][across], number[1:][down]])
    links = sparse.coo_matrix((np.ones(len(start)), (start, end)), (known.size,) * 2)
    _, theirs = connected_components(links, directed=False)
    ours = linked_regions(known, across, down)
    assert (ours[~known] == 0).all()
    assert same_partition(ours[known], theirs.reshape(known.shape)[known])


def solved_directly(values, hole):
    """The same equations by scipy's direct solver, px by px."""
    cells = {tuple(at): i for i, at in enumerate(np.argwhere(hole))}
    matrix, right = sparse.lil_matrix((len(cells),) * 2), np.zeros(len(cells))
    for (y, x), i in cells.items():
        for v, u in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
            if (v, u) in cells:
                matrix[i, i] += 1
                matrix[i, cells[v, u]] = -1
            elif 0 <= v < values.shape[0] and 0 <= u < values.shape[1]:
                matrix[i, i] += 1
                right[i] += values[v, u]
    filled = values.astype(float)
    filled[hole] = spsolve(matrix.tocsc(), right)
    return filled


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_surface_is_that_of_a_direct_solver(seed):
    rng = np.random.default_rng(seed)
    values = rng.normal(600, 40, (40, 50)).astype(np.float32)
    hole = np.zeros(values.shape, bool)
    for _ in range(6):  # some reach the border, some join
        y, x = rng.integers(0, 40), rng.integers(0, 50)
        hole[y : y + rng.integers(1, 20), x : x + rng.integers(1, 20)] = True
    values[hole] = np.nan
    assert np.abs(harmonic(values, hole) - solved_directly(values, hole)).max() < 1e-3


def test_a_plane_is_continued_through_a_wide_hole_and_nothing_is_made_of_nothing():
    y, x = np.indices((120, 120))
    plane = (600 + 0.7 * x - 0.4 * y).astype(np.float32)
    holed = plane.copy()
    holed[10:110, 10:110] = np.nan
    assert np.abs(harmonic(holed, np.isnan(holed)) - plane).max() < 1e-3
    nothing = np.full((9, 9), np.nan, np.float32)
    assert np.isnan(harmonic(nothing, np.isnan(nothing))).all()
    island = nothing.copy()
    island[0, 0] = 600.0
    hole = np.zeros((9, 9), bool)
    hole[4:6, 4:6] = True  # touches nothing known
    assert np.isnan(harmonic(island, hole)[4:6, 4:6]).all()
