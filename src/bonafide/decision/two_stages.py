"""The one score of a presentation that two stages judged in turn."""

from __future__ import annotations


def cascade_score(d_net: float, m_net: float | None) -> float:
    """One number for a whole presentation, -1..1, higher is more bona fide.

    M-Net's score where it was asked; D-Net's less 1 where D-Net stopped. So everything that D-Net
    stopped ranks below everything that it let pass, and ``cascade_score >= M-Net's threshold``
    holds exactly when both stages accept (for thresholds of M-Net within 0..1).

    >>> cascade_score(0.75, 0.5), cascade_score(0.25, None)
    (0.5, -0.75)
    """
    return m_net if m_net is not None else min(d_net - 1.0, -1e-9)
