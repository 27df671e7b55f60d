"""The third paper's published counts and percentages, recomputed.

The percentages come out of the evaluation itself: score lists with that many errors.
"""

import numpy as np
import pytest

from bonafide.decision.scores import WHOLE, Category, TestScores
from bonafide.evaluation.rates import evaluate
from bonafide.papers.cascade_tables import (
    ACER,
    CASIA_SURF_TEST,
    FN,
    FP,
    MIP_3D_TEST,
    MIPD_TEST,
    RATES,
    TABLE_IV,
    TABLE_V,
    TABLE_VI,
    TABLE_X,
    TABLE_XI,
)
from tests.evaluation.test_rates import at

# table, its test set, and the columns that its counts are held against
COUNTED = (
    (TABLE_V, MIP_3D_TEST, RATES),
    (TABLE_VI, CASIA_SURF_TEST, ("", "", ACER)),
    (TABLE_X, MIPD_TEST, RATES),
    (TABLE_XI, MIPD_TEST, RATES),
)
ROWS = [
    pytest.param(row, sizes, columns, id=f"{table.key} {row.name}")
    for table, sizes, columns in COUNTED
    for row in table.rows
]


def recomputed(sizes, accepted, rejected):
    """(APCER, NPCER, ACER) in percent, from score lists with these errors."""
    attacks, bona_fide = sizes
    score = np.r_[
        np.full(accepted, 0.9), np.full(attacks - accepted, 0.1),
        np.full(rejected, 0.4), np.full(bona_fide - rejected, 0.5),
    ]  # fmt: skip
    attack = np.arange(attacks + bona_fide) < attacks
    n = len(score)
    test = TestScores(
        score=score,
        attack=attack,
        species=Category(("attack", "bona_fide"), (~attack).astype(np.int64)),
        presentation=Category(tuple(map(str, range(n))), np.arange(n)),
        subject=Category.constant("", n),
        reason=Category.constant("", n),
        frame=np.full(n, WHOLE),
    )
    rates = evaluate(test, at(0.5))  # the paper's threshold
    return 100 * rates.apcer.value, 100 * rates.npcer.value, 100 * rates.acer


def agrees(printed, value):
    """Rounded or cut to the digits printed; an ACER of cut rates may lose one more."""
    digits = max(3, len(f"{printed:.4f}".rstrip("0").split(".")[1]))
    return printed is None or abs(printed - value) < 1.06 * 10**-digits


@pytest.mark.parametrize(("row", "sizes", "columns"), ROWS)
def test_exactly_the_rows_that_are_marked_do_not_follow_from_their_counts(row, sizes, columns):
    printed = [row.value(column) if column else None for column in columns]
    values = recomputed(sizes, int(row.printed[FP]), int(row.printed[FN]))
    fits = all(p is None or agrees(p, v) for p, v in zip(printed, values, strict=True))
    assert fits == (row.flaw == "")


def test_the_numbers_in_the_explanations():
    assert recomputed(MIP_3D_TEST, 50, 36) == pytest.approx((4.5045, 2.6608, 3.5826), abs=1e-4)
    assert recomputed(MIP_3D_TEST, 15, 551) == pytest.approx((1.3514, 40.7243, 21.0378), abs=1e-4)
    assert recomputed((1108, 1355), 140, 80)[:2] == pytest.approx((12.635, 5.904), abs=1e-3)
    assert recomputed(CASIA_SURF_TEST, 119, 811)[2] == pytest.approx(14.443, abs=1e-3)
    assert recomputed(CASIA_SURF_TEST, 142, 4)[2] == pytest.approx(1.140, abs=1e-3)
    assert recomputed(CASIA_SURF_TEST, 33, 5)[2] == pytest.approx(0.333, abs=1e-3)
    assert recomputed(MIPD_TEST, 64, 57)[:2] == pytest.approx((0.8526, 1.1522), abs=1e-4)
    assert recomputed(MIPD_TEST, 7, 6)[0] == pytest.approx(0.0932, abs=1e-4)
    assert recomputed(MIPD_TEST, 8, 6)[0] == pytest.approx(0.1066, abs=1e-4)
    numbers = [table.row(name).printed for table, name in REPEATED]
    assert numbers[0] == numbers[1]


REPEATED = ((TABLE_V, "FaceBagNet [29]"), (TABLE_X, "CDCN [16]"))


@pytest.mark.parametrize("row", TABLE_IV.rows, ids=lambda row: row.name)
def test_table_iv_means(row):
    apcer, npcer, acer = (row.value(column) for column in RATES)
    assert (abs((apcer + npcer) / 2 - acer) < 1.1e-4) == (row.flaw == "")
