"""The typology angle orders skin by its tone, and groups have no holes."""

import cv2
import numpy as np
import pytest

from bonafide.cues.skin_tone import TONE_EDGES_DEG, tone_group, typology_angle_deg


def face_of(light, red, yellow, side=64):
    lab = np.full((side, side, 3), (light, red, yellow), np.float32)
    return np.rint(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB) * 255).astype(np.uint8)


@pytest.mark.parametrize("lab", [(75, 10, 12), (65, 15, 18), (50, 15, 20), (35, 12, 15)])
def test_the_angle_is_that_of_its_definition(lab):
    expected = np.degrees(np.arctan((lab[0] - 50) / lab[2]))
    assert typology_angle_deg(face_of(*lab)) == pytest.approx(expected, abs=2)


def test_only_the_middle_of_the_face_counts():
    crop = face_of(65, 15, 18)
    around = np.zeros_like(crop)
    around[24:48, 12:52] = crop[24:48, 12:52]
    assert typology_angle_deg(around) == typology_angle_deg(crop)


def test_every_angle_has_one_group():
    groups = [tone_group(angle) for angle in np.linspace(-180, 180, 721)]
    assert groups == sorted(groups)
    assert set(groups) == set(range(len(TONE_EDGES_DEG) - 1))
    for number, edge in enumerate(TONE_EDGES_DEG[:-1]):
        assert tone_group(edge) == number
