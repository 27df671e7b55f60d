from collections import Counter
from dataclasses import fields

import numpy as np
import pytest

from bonafide.simulator.identity import (
    AGES,
    SHAPE_FIELDS,
    TONES,
    Identity,
    Sex,
    balanced_population,
    draw_identity,
)
from bonafide.types import BonafideError


def age_group(person):
    return next(k for k, (low, high) in enumerate(AGES) if low <= person.age_years < high)


def test_a_person_has_at_least_forty_parameters():
    assert len(fields(Identity)) >= 40
    assert len(SHAPE_FIELDS) >= 30


def test_equal_seeds_give_equal_people():
    first = balanced_population(np.random.default_rng(3), 7)
    assert first == balanced_population(np.random.default_rng(3), 7)
    assert first != balanced_population(np.random.default_rng(4), 7)


def test_a_round_of_48_holds_every_tone_age_and_sex_once():
    people = balanced_population(np.random.default_rng(0), 96)
    cells = Counter((p.tone, age_group(p), p.sex) for p in people)
    assert len(cells) == 48
    assert set(cells.values()) == {2}


@pytest.mark.parametrize("count", [5, 20, 50, 77])
def test_any_number_is_balanced_to_within_one(count):
    people = balanced_population(np.random.default_rng(1), count)
    for key in (lambda p: p.tone, age_group, lambda p: p.sex):
        counts = Counter(map(key, people))
        assert max(counts.values()) - min(counts.values()) <= 1


def test_tone_sets_melanin_and_nothing_of_the_shape():
    people = [
        draw_identity(np.random.default_rng((tone, k)), tone=TONES[tone], sex=Sex.MALE)
        for tone in (0, 5)
        for k in range(120)
    ]
    light, dark = people[:120], people[120:]
    assert max(p.melanin for p in light) < min(p.melanin for p in dark)
    for name in ("nose_breadth_mm", "upper_lip_mm", "face_breadth_mm", "eye_opening_mm"):
        a, b = (np.array([getattr(p, name) for p in group]) for group in (light, dark))
        # Two means of 120 draws of one distribution differ by more than this once in 10,000.
        assert abs(a.mean() - b.mean()) < 3.9 * np.hypot(a.std(), b.std()) / np.sqrt(120)


def test_an_unknown_tone_is_an_error_that_lists_the_known_ones():
    with pytest.raises(BonafideError, match="very light"):
        draw_identity(np.random.default_rng(0), tone="green")
