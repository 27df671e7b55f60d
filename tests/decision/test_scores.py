import numpy as np
import pytest

from bonafide.decision.scores import Category, DevelopmentScores, TestScores, check_disjoint
from bonafide.types import BonafideError
from tests.decision.tables import development, judged, table


def test_a_category_drops_words_that_no_row_has():
    column = Category.of(["print", "mask", "print", ""])
    assert column.take(np.array([3, 0])).names == ("print", "")
    assert [column.take(np.array([3, 0])).at(i) for i in (0, 1)] == ["", "print"]
    assert column.mask("nothing").tolist() == [False] * 4
    assert column.take(column.mask("mask")).counts() == {"mask": 1}


def test_species_are_kept_apart_and_an_unanswered_one_stays_visible():
    scores = table([("bona_fide", "a", 0.9), ("print", "a", 0.1), ("mask", "b", None)])
    by_species = scores.attack_scores_by_species()
    assert list(by_species) == ["mask", "print"]
    assert by_species["mask"].size == 0
    assert scores.attack_scores.tolist() == [0.1]
    assert scores.bona_fide_scores.tolist() == [0.9]


@pytest.mark.parametrize("score", [float("inf"), -float("inf")])
def test_infinite_scores_are_refused(score):
    with pytest.raises(BonafideError, match=r"row 1 .*infinite"):
        table([("print", "a", 0.1), ("print", "a", score)])


def test_nan_without_a_reason_is_refused():
    with pytest.raises(BonafideError, match="NaN"):
        table([("print", "a", float("nan"))])


def test_a_bona_fide_row_of_an_attack_species_is_refused():
    good = table([("print", "a", 0.1)])
    with pytest.raises(BonafideError, match="contradicts the label"):
        type(good)(**{**vars(good), "attack": np.array([False])})


def test_frames_and_presentations_do_not_mix():
    with pytest.raises(BonafideError, match="frame of row 1"):
        table([("print", "a", 0.1, "p", 0), ("print", "a", 0.1, "p", -1)])


def test_the_split_column_is_believed():
    with pytest.raises(BonafideError, match="'test' \\(1 rows\\)"):
        development([("print", "a", 0.1)], split=["test"])
    with pytest.raises(BonafideError, match="'development' \\(1 rows\\)"):
        judged([("print", "a", 0.1)], split=["development"])
    development([("print", "a", 0.1)], split=[""])


def test_shared_people_are_an_error():
    with pytest.raises(BonafideError, match=r"1 capture subjects .*: b"):
        check_disjoint(
            development([("print", "a", 0.1), ("print", "b", 0.2)]),
            judged([("print", "b", 0.1, "q1"), ("print", "c", 0.1, "q2")]),
        )


def test_shared_presentations_are_an_error_unless_the_data_sets_differ():
    one = development([("print", "", 0.1, "clip7")], dataset=["x"])
    check_disjoint(one, judged([("print", "", 0.1, "clip7")], dataset=["y"]))
    with pytest.raises(BonafideError, match="clip7"):
        check_disjoint(one, judged([("print", "", 0.1, "clip7")], dataset=["x"]))


def test_a_table_declared_one_thing_stays_it():
    rows = table([("print", "a", 0.1)])
    with pytest.raises(BonafideError, match="cannot become test"):
        TestScores.from_table(DevelopmentScores.from_table(rows))
