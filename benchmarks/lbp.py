"""LBP u2 (8, 1) of a 112 px face, and LBP-TOP of 30 such frames, beside scikit-image.

    OMP_NUM_THREADS=1 python benchmarks/lbp.py

Alternating rounds in one run; the fastest time of each is kept. scikit-image has no LBP-TOP: the
rival runs its LBP over every plane.
"""

import time

import cv2
import numpy as np
from skimage import data
from skimage.feature import local_binary_pattern

from bonafide.cues.lbp import grey_of, lbp_histogram, multi_scale_histogram
from bonafide.cues.lbp_top import lbp_top_histogram


def rival(grey, points=8, radius=1):
    codes = local_binary_pattern(grey, points, radius, "nri_uniform")[
        radius:-radius, radius:-radius
    ]
    counts = np.bincount(codes.astype(np.intp).ravel(), minlength=points * (points - 1) + 3)
    return counts / counts.sum()


def rival_multi_scale(grey):
    return np.concatenate([rival(grey, 8, 1), rival(grey, 8, 2), rival(grey, 16, 2)])


def rival_top(clip):
    stacks = clip[1:-1], clip.transpose(1, 0, 2)[1:-1], clip.transpose(2, 0, 1)[1:-1]
    return np.concatenate([np.mean([rival(plane) for plane in stack], 0) for stack in stacks])


def fastest_ms(functions, argument, rounds):
    times = [[] for _ in functions]
    for _ in range(rounds):
        for function, kept in zip(functions, times, strict=True):
            start = time.perf_counter()
            function(argument)
            kept.append(1e3 * (time.perf_counter() - start))
    return [min(kept) for kept in times]


def main():
    cv2.setNumThreads(1)
    face = grey_of(np.ascontiguousarray(data.astronaut()[0:224, 112:336]))
    face = cv2.resize(face, (112, 112), interpolation=cv2.INTER_AREA)
    clip = np.stack([np.roll(face, shift, 1) for shift in range(30)])
    print(f"{'':22} {'ours ms':>9} {'skimage ms':>11} {'ratio':>7}")
    for name, ours, theirs, argument, rounds in (
        ("LBP u2 (8,1), 112 px", lbp_histogram, rival, face, 200),
        ("multi-scale, 112 px", multi_scale_histogram, rival_multi_scale, face, 50),
        ("LBP-TOP, 30 x 112 px", lbp_top_histogram, rival_top, clip, 3),
    ):
        np.testing.assert_allclose(ours(argument), theirs(argument), atol=1e-6)
        mine, other = fastest_ms((ours, theirs), argument, rounds)
        print(f"{name:22} {mine:9.3f} {other:11.3f} {other / mine:7.1f}")


if __name__ == "__main__":
    main()
