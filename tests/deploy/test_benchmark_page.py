"""The page of `bonafide benchmark`."""

from itertools import pairwise

import pytest

from bonafide.deploy.benchmark_page import scale_milliseconds
from bonafide.evaluation.drawing import new_axes


@pytest.mark.parametrize("fastest", [0.02, 0.18, 1.3])
def test_milliseconds_are_plain_numbers_that_do_not_touch(fastest):
    figure, axes = new_axes()
    scale_milliseconds(axes)
    axes.plot([fastest, 8.1], [20, 10], "o")
    figure.canvas.draw()
    left, right = axes.get_window_extent().intervalx
    drawn = [
        label
        for axis in (axes.xaxis.get_majorticklabels(), axes.xaxis.get_minorticklabels())
        for label in axis
        if label.get_text()
    ]
    boxes = sorted((label.get_window_extent() for label in drawn), key=lambda box: box.x0)
    shown = [box for box in boxes if left <= (box.x0 + box.x1) / 2 <= right]
    assert len(shown) >= 2
    assert all(float(label.get_text()) > 0 for label in drawn)  # no powers of ten
    assert all(one.x1 < other.x0 for one, other in pairwise(shown))
