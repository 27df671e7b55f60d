import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonafide.decision.aggregate import to_presentations
from bonafide.decision.scores import DevelopmentScores
from bonafide.types import BonafideError
from tests.decision.tables import development, table


def test_the_mean_is_over_evaluated_frames_and_none_means_no_response():
    rows = [
        ("bona_fide", "a", 0.2, "live", 0),
        ("print", "a", None, "photo", 0),
        ("bona_fide", "a", None, "live", 1),
        ("bona_fide", "a", 0.6, "live", 2),
        ("print", "a", None, "photo", 1),
    ]
    result = to_presentations(development(rows))
    assert isinstance(result, DevelopmentScores)
    assert result.unit == "presentation"
    assert [result.presentation.at(i) for i in range(2)] == ["live", "photo"]
    assert result.score[0] == pytest.approx(0.4)
    assert np.isnan(result.score[1])
    assert result.reason.at(1) == "no_face"
    assert result.attack.tolist() == [False, True]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.one_of(st.none(), st.floats(-5, 5))), min_size=1))
def test_against_a_loop_over_presentations(frames):
    rows = [("print", "a", score, f"p{clip}", i) for i, (clip, score) in enumerate(frames)]
    result = to_presentations(table(rows))
    names = list(dict.fromkeys(row[3] for row in rows))
    assert [result.presentation.at(i) for i in range(len(result))] == names
    for i, name in enumerate(names):
        scores = [row[2] for row in rows if row[3] == name and row[2] is not None]
        if scores:
            assert result.score[i] == pytest.approx(np.mean(scores), abs=1e-12)
        else:
            assert np.isnan(result.score[i])


def test_equal_frames_give_exactly_that_score_so_that_ties_survive():
    rows = [("print", "a", 0.1, "p", i) for i in range(3)]
    rows += [("print", "a", 0.1, "q", i) for i in range(7)]
    assert to_presentations(table(rows)).score.tolist() == [0.1, 0.1]


def test_the_most_frequent_reason_is_kept():
    rows = [("print", "a", None, "p", i) for i in range(3)]
    scores = table(rows)
    words = ["blurred", "no_face", "no_face"]
    scores = type(scores)(**{**vars(scores), "reason": type(scores.reason).of(words)})
    assert to_presentations(scores).reason.at(0) == "no_face"


def test_conditions_that_change_within_a_clip_are_mixed_and_the_path_is_the_first():
    rows = [("print", "a", 0.1, "p", 0), ("print", "a", 0.2, "p", 1), ("print", "a", 0.2, "q", 0)]
    result = to_presentations(
        table(rows, light=["day", "night", "day"], path=["1.jpg", "2.jpg", "3.jpg"])
    )
    assert [result.conditions["light"].at(i) for i in (0, 1)] == ["mixed", "day"]
    assert [result.conditions["path"].at(i) for i in (0, 1)] == ["1.jpg", "3.jpg"]


def test_frames_that_disagree_are_refused():
    rows = [("print", "a", 0.1, "p", 0), ("print", "b", 0.2, "p", 1)]
    with pytest.raises(BonafideError, match="'p' disagree about capture_subject"):
        to_presentations(table(rows))
    with pytest.raises(BonafideError, match="which presentation"):
        to_presentations(table([("print", "b", 0.2, "", 1)]))
