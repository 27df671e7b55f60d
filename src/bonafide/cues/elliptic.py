"""Elliptic band-pass filters in continuous time, without scipy.

Orfanidis, "Lecture Notes on Elliptic Filter Design", 2006: Landen's transformation takes an
elliptic modulus k down to nothing in a few steps, where the elliptic functions are circular ones;
stepping back up gives them at k. All arguments are in units of the quarter period K. The tests hold
poles, zeros and gain to scipy's.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Complexes = npt.NDArray[np.complex128]

LANDEN_STEPS = 8
"""k falls quadratically: below 1e-15 after seven steps from k = 0.999."""

NOME_TERMS = 12
"""Of the series in the nome, which is below 0.5 here: the last is below 1e-36."""


class Filter(NamedTuple):
    """H(s) = gain prod(s - zeros) / prod(s - poles), s in radians per second."""

    zeros: Complexes
    poles: Complexes
    gain: float


def lowest_order(
    edges: npt.NDArray[np.float64], stop: npt.NDArray[np.float64], ripple_db: float, stop_db: float
) -> int:
    """The lowest order of a low-pass whose band-pass keeps both bounds.

    Args:
        edges: (2,) of the pass band.
        stop: (2,) from where on, down and up, at least ``stop_db`` are wanted.
        ripple_db, stop_db: most within the band, least outside.
    """
    width, middle = edges[1] - edges[0], edges[0] * edges[1]
    selectivity = 1 / float(np.min(np.abs((stop**2 - middle) / (stop * width))))
    discrimination = math.sqrt(_ripple(ripple_db) / _ripple(stop_db))
    return math.ceil(_periods(selectivity) / _periods(discrimination) - 1e-12)


def band_pass(
    order: int, ripple_db: float, stop_db: float, edges: npt.NDArray[np.float64]
) -> Filter:
    """The elliptic band-pass of an odd order of its low-pass: twice as many poles.

    Args:
        order: odd.
        ripple_db: of the pass band.
        stop_db: attenuation of the stop bands.
        edges: (2,) of the pass band.
    """
    low = _low_pass(order, ripple_db, stop_db)
    width, middle = edges[1] - edges[0], edges[0] * edges[1]

    def both(roots: Complexes) -> Complexes:
        half = roots * width / 2
        apart = np.sqrt(half**2 - middle)
        return np.concatenate([half + apart, half - apart])

    at_rest = np.zeros(len(low.poles) - len(low.zeros))
    zeros = np.concatenate([both(low.zeros), at_rest])
    return Filter(zeros, both(low.poles), low.gain * width ** len(at_rest))


def response(design: Filter, omega: npt.NDArray[np.float64]) -> Complexes:
    """H at these frequencies, radians per second."""
    s = 1j * omega[:, None]
    return np.asarray(
        design.gain * np.prod(s - design.zeros, axis=1) / np.prod(s - design.poles, axis=1)
    )


def _low_pass(order: int, ripple_db: float, stop_db: float) -> Filter:
    """Pass band up to 1; exactly these two attenuations."""
    ripple = math.sqrt(_ripple(ripple_db))
    discrimination = ripple / math.sqrt(_ripple(stop_db))
    places = (2 * np.arange(1, order // 2 + 1) - 1) / order
    modulus = _modulus(math.exp(-math.pi / _periods(discrimination) / order))
    shift = float((-1j * _inverse_sn(1j / ripple, discrimination)).real) / order
    zeros = 1j / (modulus * _cd(places.astype(complex), modulus))
    paired = 1j * _cd(places - 1j * shift, modulus)
    single = 1j * _sn(np.array([1j * shift]), modulus)
    poles = np.concatenate([paired, paired.conj(), single])
    zeros = np.concatenate([zeros, zeros.conj()])
    gain = float((np.prod(-poles) / np.prod(-zeros)).real)
    return Filter(zeros, poles, gain)


def _ripple(loss_db: float) -> float:
    """1 / |H|^2 - 1 at a loss; no digits are lost where it is small."""
    return math.expm1(loss_db * math.log(10) / 10)


def _landen(k: float) -> list[float]:
    """k's successors, ever smaller."""
    moduli = []
    for _ in range(LANDEN_STEPS):
        k = (k / (1 + math.sqrt(1 - k * k))) ** 2
        moduli.append(k)
    return moduli


def _periods(k: float) -> float:
    """K(k) / K(sqrt(1 - k^2)), the quarter periods' ratio; by means of Gauss."""

    def mean_with_one(value: float) -> float:
        other = 1.0
        for _ in range(2 * LANDEN_STEPS):
            value, other = math.sqrt(value * other), (value + other) / 2
        return other

    return mean_with_one(k) / mean_with_one(math.sqrt(1 - k * k))


def _modulus(nome: float) -> float:
    """k from exp(-pi K' / K), by theta functions; the nome of an order is a root (its degree)."""
    steps = np.arange(1, NOME_TERMS)
    above = 1 + float((nome ** (steps * (steps + 1))).sum())
    below = 1 + 2 * float((nome ** (steps**2)).sum())
    return 4 * math.sqrt(nome) * (above / below) ** 2


def _rise(value: Complexes, k: float) -> Complexes:
    """From a circular function of the argument to the elliptic one at k."""
    for each in reversed(_landen(k)):
        value = (1 + each) * value / (1 + each * value**2)
    return value


def _cd(u: Complexes, k: float) -> Complexes:
    return _rise(np.cos(u * math.pi / 2), k)


def _sn(u: Complexes, k: float) -> Complexes:
    return _rise(np.sin(u * math.pi / 2), k)


def _inverse_sn(value: complex, k: float) -> complex:
    for each in _landen(k):
        value = 2 * value / ((1 + each) * (1 + np.sqrt(1 - (k * value) ** 2)))
        k = each
    return complex(2 / math.pi * np.arcsin(value))
