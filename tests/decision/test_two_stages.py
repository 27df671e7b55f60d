"""The cascade's one score decides as its two stages do."""

import doctest

from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.decision import two_stages
from bonafide.decision.two_stages import cascade_score


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_cascades_score_decides_as_its_two_stages_do(d_net, m_net, d_threshold, m_threshold):
    passed = d_net >= d_threshold
    score = cascade_score(d_net, m_net if passed else None)
    assert (score >= m_threshold) == (passed and m_net >= m_threshold)
    assert -1 <= score <= 1
    assert passed == (score >= 0)


def test_the_docstring_runs():
    assert doctest.testmod(two_stages).failed == 0
