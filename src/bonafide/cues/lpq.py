"""Local phase quantisation: texture that blur leaves alone.

Ojansivu, Heikkila: "Blur Insensitive Texture Classification Using Local Phase Quantization", ICISP
2008. In a window about each pixel the Fourier transform is taken at four low frequencies; the signs
of its four real and four imaginary parts are the eight bits of the pixel's code. Before the signs
are taken the eight values are decorrelated, for neighbouring pixels that correlate by `CORRELATION`
per px of distance (their section 3.2). Symmetric blur changes the size of these numbers, not their
phase.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from bonafide.cues.lbp import Grey, Histogram, checked_planes

CODES = 256
CORRELATION = 0.9
WINDOW = 7
"""Side in px; odd."""


def lpq_codes(grey: Grey, window: int = WINDOW) -> npt.NDArray[np.uint8]:
    """The code of every pixel whose window lies in the picture.

    Args:
        grey: (H, W), uint8.
        window: side of the window, odd.

    Returns:
        (H - window + 1, W - window + 1), uint8.

    Raises:
        TextureError: not a grey uint8 picture, or smaller than a window.
    """
    reach = window // 2
    plane = checked_planes(grey[None] if grey.ndim == 2 else grey, reach)[0].astype(np.float64)
    inner = slice(reach, plane.shape[0] - reach), slice(reach, plane.shape[1] - reach)
    codes = np.zeros((plane.shape[0] - 2 * reach, plane.shape[1] - 2 * reach), np.uint8)
    for bit, kernel in enumerate(_kernels(window)):
        codes |= (cv2.filter2D(plane, cv2.CV_64F, kernel)[inner] > 0).astype(np.uint8) << bit
    return codes


def lpq_histogram(grey: Grey, window: int = WINDOW) -> Histogram:
    """Share of each code in a picture: (256,), float32, sums to 1."""
    return block_histogram(lpq_codes(grey, window))


def block_histogram(codes: npt.NDArray[np.uint8]) -> Histogram:
    """Share of each code in a part of a picture: (256,), float32, sums to 1."""
    counts = np.bincount(codes.ravel(), minlength=CODES)
    return (counts / codes.size).astype(np.float32)


@lru_cache(maxsize=8)
def _kernels(window: int) -> npt.NDArray[np.float64]:
    """(8, window, window): the decorrelated filters, for correlation with the picture."""
    steps = np.arange(window) - window // 2
    down, across = (grid.ravel() for grid in np.meshgrid(steps, steps, indexing="ij"))
    low = 1 / window
    waves = [
        np.exp(-2j * np.pi * low * (u * across + v * down))
        for u, v in ((1, 0), (0, 1), (1, 1), (1, -1))
    ]
    filters = np.stack([part for wave in waves for part in (wave.real, wave.imag)])
    distance = np.hypot(down[:, None] - down, across[:, None] - across)
    covariance = filters @ CORRELATION**distance @ filters.T
    # Left and down are alike, so that eigenvalues coincide and eigenvectors would be anybody's
    # choice. Tiny weights tell them apart, as in the authors' own program; signs are fixed.
    weights = 1 + 1e-6 * np.arange(7, -1, -1)
    turn = np.linalg.eigh(covariance * weights[:, None] * weights)[1].T[::-1]
    turn *= np.sign(turn[np.arange(8), np.abs(turn).argmax(1)])[:, None]
    return (turn @ filters).reshape(8, window, window)
