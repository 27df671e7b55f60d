"""The third paper's published counts and percentages, recomputed.

Sizes of the test sets: MIPD from the paper's Tables I and II (2176 + 2771 bona fide and 3278 +
4228 attacks); CASIA-SURF from the public description of its validation part (2994 of 9608 bona
fide), which is what Table VI's counts fit; MIP-3D is not stated in a way that fits (Table II's
total, 4228 attacks, is not what the percentages of Tables IV and V divide by), so 1110 attacks and
1353 bona fide are derived from Table V's own last two rows.

The percentages come out of the evaluation itself: score lists with that many errors.
"""

import numpy as np
import pytest

from bonafide.decision.scores import WHOLE, Category, TestScores
from bonafide.evaluation.rates import evaluate
from tests.evaluation.test_rates import at

MIPD = (7506, 4947)
MIP_3D = (1110, 1353)
CASIA_SURF = (6614, 2994)

# name -> (attacks, bona fide), FP, FN, printed APCER, NPCER, ACER in percent
ROWS = {
    "V patch": (MIP_3D, 50, 36, 3.584, 4.512, 2.656),
    "V ML-LPQ": (MIP_3D, 15, 551, 37.712, 1.444, 19.578),
    "V LiveNet": (MIP_3D, 140, 80, 12.635, 5.904, 9.269),
    "V FaceBagNet": (MIP_3D, 12, 11, 1.081, 0.813, 0.947),
    "V Ours+": (MIP_3D, 1, 1, 0.090, 0.073, 0.082),
    "VI ResNet-18": (CASIA_SURF, 119, 811, None, None, 14.40),
    "VI FeatherNet": (CASIA_SURF, 225, 0, None, None, 1.700),
    "VI FaceBagNet": (CASIA_SURF, 166, 12, None, None, 1.455),
    "VI Ours": (CASIA_SURF, 142, 4, None, None, 1.114),
    "VI Ours+": (CASIA_SURF, 33, 5, None, None, 0.296),
    "X ResNet-18": (MIPD, 64, 57, 0.858, 1.115, 0.983),
    "X FeatherNet": (MIPD, 26, 34, 0.346, 0.687, 0.517),
    "X FaceBagNet": (MIPD, 63, 10, 0.839, 0.202, 0.521),
    "X CDCN": (MIPD, 12, 11, 1.081, 0.813, 0.947),
    "X Ours+": (MIPD, 45, 6, 0.599, 0.121, 0.301),
    "XI ResNet-18": (MIPD, 32, 20, 0.4263, 0.4042, 0.4152),
    "XI FeatherNet": (MIPD, 15, 24, 0.1998, 0.4851, 0.3425),
    "XI FaceBagNet": (MIPD, 12, 3, 0.1598, 0.0606, 0.1102),
    "XI Ours+": (MIPD, 8, 6, 0.0932, 0.1211, 0.1071),
}

INCONSISTENT = {
    "V patch": "the three columns are one place off: 50 / 1110 = 4.5 % stands under NPCER, "
    "36 / 1353 = 2.66 % under ACER, and their mean, 3.58 %, under APCER",
    "V ML-LPQ": "APCER and NPCER are swapped, and neither fits its count (15 / 1110 = 1.35 %, "
    "551 / 1353 = 40.7 %)",
    "V LiveNet": "140 / 1110 = 12.61 % and 80 / 1353 = 5.91 %, printed 12.635 and 5.904: "
    "as if of 1108 and 1355",
    "VI ResNet-18": "119 / 6614 and 811 / 2994 give an ACER of 14.44 %, printed 14.40",
    "VI Ours": "142 / 6614 and 4 / 2994 give 1.140 %, printed 1.114",
    "VI Ours+": "33 / 6614 and 5 / 2994 give 0.333 %, printed 0.296",
    "X ResNet-18": "64 / 7506 = 0.853 % and 57 / 4947 = 1.152 %, printed 0.858 and 1.115; the "
    "printed ACER is not the mean of the printed rates (0.987)",
    "X CDCN": "repeats Table V's row of FaceBagNet, on another test set",
    "X Ours+": "the mean of 0.599 and 0.121 is 0.360, printed 0.301",
    "XI Ours+": "8 / 7506 = 0.1066 %, printed 0.0932, which is 7 / 7506; 6 / 4947 = 0.1213 %, "
    "printed 0.1211",
}

# Rows without counts: printed APCER, NPCER, ACER (Table IV, MIP-3D), and whether they agree.
TABLE_IV = {
    "RGB": (0.1802, 0.8130, 0.4966, True),
    "IR": (1.0811, 0.8130, 0.9740, False),  # the mean is 0.9470
    "Fusion": (0.9100, 0.0963, 0.0857, False),  # the mean is 0.5032
    "Aug Fusion": (0.0903, 0.0738, 0.0820, True),
}


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


def consistent(name):
    sizes, accepted, rejected, *printed = ROWS[name]
    values = recomputed(sizes, accepted, rejected)
    return all(p is None or agrees(p, v) for p, v in zip(printed, values, strict=True))


def test_the_inconsistent_rows_are_exactly_these():
    assert {name for name in ROWS if not consistent(name)} == set(INCONSISTENT)


def test_the_numbers_in_the_explanations():
    assert recomputed(MIP_3D, 50, 36) == pytest.approx((4.5045, 2.6608, 3.5826), abs=1e-4)
    assert recomputed(MIP_3D, 15, 551) == pytest.approx((1.3514, 40.7243, 21.0378), abs=1e-4)
    assert recomputed((1108, 1355), 140, 80)[:2] == pytest.approx((12.635, 5.904), abs=1e-3)
    assert recomputed(CASIA_SURF, 119, 811)[2] == pytest.approx(14.443, abs=1e-3)
    assert recomputed(CASIA_SURF, 142, 4)[2] == pytest.approx(1.140, abs=1e-3)
    assert recomputed(CASIA_SURF, 33, 5)[2] == pytest.approx(0.333, abs=1e-3)
    assert recomputed(MIPD, 64, 57)[:2] == pytest.approx((0.8526, 1.1522), abs=1e-4)
    assert recomputed(MIPD, 7, 6)[0] == pytest.approx(0.0932, abs=1e-4)
    assert recomputed(MIPD, 8, 6)[0] == pytest.approx(0.1066, abs=1e-4)
    assert ROWS["X CDCN"][1:] == ROWS["V FaceBagNet"][1:]


@pytest.mark.parametrize(("row", "printed"), TABLE_IV.items())
def test_table_iv_means(row, printed):
    apcer, npcer, acer, expected = printed
    assert (abs((apcer + npcer) / 2 - acer) < 1.1e-4) == expected
