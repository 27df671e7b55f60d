"""Papers are as white as published, and brightened ones turn skin cooler."""

import numpy as np
import pytest
from skimage.color import lab2xyz, xyz2rgb

from bonafide.simulator.linear_light import LUMINANCE_WEIGHTS, srgb_to_linear
from bonafide.simulator.paper import (
    PROCESSES,
    draw_paper_printer,
    draw_paper_white,
    lab_to_linear,
)
from bonafide.simulator.printer import print_photo


@pytest.mark.parametrize("lab", [(95, 1.5, -6), (93.5, 2.5, -10), (82, 0, 3), (16, 0, 0)])
def test_cielab_is_converted_as_scikit_image_does(lab):
    """Its own conversion, after the same adaptation of D50 to D65 by equal CIELAB values."""
    encoded = xyz2rgb(lab2xyz(np.array([[lab]], float)))[0, 0]  # D65: a CIELAB relative to white
    np.testing.assert_allclose(lab_to_linear(lab), srgb_to_linear(encoded), atol=0.02)


def test_white_is_white_and_black_black():
    np.testing.assert_allclose(lab_to_linear((100, 0, 0)), 1, atol=1e-3)
    np.testing.assert_allclose(lab_to_linear((0, 0, 0)), 0, atol=1e-6)


def test_office_paper_is_bluer_than_newsprint_and_ultraviolet_makes_it_so():
    rng = np.random.default_rng(0)
    blue = {
        name: np.mean([draw_paper_white(process, rng)[2] for _ in range(300)])
        for name, process in PROCESSES.items()
    }
    assert blue["office laser"] > 1.05 > 1.0 > blue["newspaper"]


def test_prints_of_skin_are_less_red_and_bluer_on_the_whole():
    """Mean over printers, seen under the light that the photo was made for."""
    skin = np.full((1, 1, 3), srgb_to_linear(np.array([0.80, 0.60, 0.50])), np.float32)
    luminance = skin[0, 0] @ LUMINANCE_WEIGHTS
    shades = []
    for seed in range(200):
        shade = print_photo(skin, draw_paper_printer(np.random.default_rng(seed)))[0, 0]
        shades.append(shade / (shade @ LUMINANCE_WEIGHTS))
    red, _, blue = np.mean(shades, axis=0)
    assert red < skin[0, 0, 0] / luminance
    assert blue > skin[0, 0, 2] / luminance


def test_every_process_is_drawn_with_settings_in_range():
    drawn = [draw_paper_printer(np.random.default_rng(i)) for i in range(200)]
    assert {printer.name for printer in drawn} == set(PROCESSES)
    assert all(0 < printer.black < 0.2 for printer in drawn)
    assert all(0.7 < part < 1.5 for printer in drawn for part in printer.paper)
    assert sum(process.share for process in PROCESSES.values()) == pytest.approx(1)
