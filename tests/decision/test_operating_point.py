"""The third answer: between the two thresholds nothing is decided, and nothing is accepted."""

import json
import math

import pytest

from bonafide.decision.operating_point import (
    DevelopmentEvidence,
    OperatingPoint,
    load_operating_point,
)
from bonafide.types import BonafideError, Decision, ReasonCode

EVIDENCE = DevelopmentEvidence("made up", "photo", 1, 1, 2)


def point(threshold=0.6, attack_below=None):
    return OperatingPoint("test", "by hand", threshold, EVIDENCE, attack_below)


@pytest.mark.parametrize(
    ("score", "decision"),
    [
        (0.0, Decision.ATTACK),
        (math.nextafter(0.3, 0), Decision.ATTACK),
        (0.3, Decision.NOT_EVALUATED),
        (math.nextafter(0.6, 0), Decision.NOT_EVALUATED),
        (0.6, Decision.BONA_FIDE),
        (1.0, Decision.BONA_FIDE),
    ],
)
def test_each_score_has_one_of_three_answers(score, decision):
    ruling = point(attack_below=0.3).rule(score)
    assert ruling.decision is decision
    uncertain = decision is Decision.NOT_EVALUATED
    assert ruling.score == (None if uncertain else score)
    codes = [(reason.code, reason.blocking) for reason in ruling.reasons]
    assert codes == ([(ReasonCode.UNCERTAIN, True)] if uncertain else [])
    # The band takes from the attacks alone: whoever is accepted is so without it, and no other.
    assert point(attack_below=0.3).accepts(score) == point().accepts(score)
    assert (decision is Decision.BONA_FIDE) == (point().rule(score).decision is Decision.BONA_FIDE)


def test_without_a_band_the_threshold_alone_decides():
    assert point().rule(math.nextafter(0.6, 0)).decision is Decision.ATTACK
    assert point(attack_below=0.3).without_doubt() == point()


@pytest.mark.parametrize("lower", [0.6, 0.7, math.nan, -math.inf])
def test_a_band_that_is_none_is_refused(lower):
    with pytest.raises(BonafideError, match="attack_below"):
        point(attack_below=lower)


def test_the_band_travels_in_the_file_and_older_files_have_none(tmp_path):
    path = tmp_path / "point.json"
    point(attack_below=0.25).save(path)
    assert load_operating_point(path) == point(attack_below=0.25)
    older = json.loads(path.read_text())
    del older["attack_below"]
    path.write_text(json.dumps(older))
    assert load_operating_point(path) == point()
