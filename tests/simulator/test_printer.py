import numpy as np
import pytest

from bonafide.simulator.printer import (
    TONE_LEVELS,
    PrinterSettings,
    Sheet,
    dither_gain,
    draw_printer,
    gloss_lobe,
    halftone_gain,
    halftone_tiles,
    ink_coverage,
    ink_reflectance,
    paper_relief,
    print_photo,
    tone_table,
)
from bonafide.simulator.structure import PlaneMap, SensorGrid


def laser(**changes):
    settings = {
        "name": "laser",
        "lines_per_inch": 150.0,
        "dots_per_inch": 0.0,
        "black": 0.03,
        "paper": (1.0, 1.0, 1.0),
        "saturation": 1.0,
        "dot_gain": 0.0,
        "fibre": 0.0,
        "gloss": 0.0,
        "banding": 0.0,
    }
    return PrinterSettings(**(settings | changes))


def test_without_dot_gain_tone_is_linear_above_the_black_level():
    table = tone_table(laser(), 101)
    wanted = 0.03 + 0.97 * np.linspace(0, 1, 101) ** 2
    assert table == pytest.approx(wanted, abs=1e-5)


def test_dot_gain_darkens_mid_tones_only():
    table, gained = tone_table(laser()), tone_table(laser(dot_gain=0.1))
    assert (gained <= table + 1e-6).all()
    assert gained[[0, -1]] == pytest.approx(table[[0, -1]], abs=1e-5)
    assert table[512] - gained[512] > 0.01


def test_black_and_paper_bound_the_print():
    photo = np.zeros((4, 4, 3), np.float32)
    photo[2:] = 1.0
    shown = print_photo(photo, laser(black=0.04, paper=(1.02, 1.0, 0.95)))
    assert shown[0, 0] == pytest.approx(np.array([1.02, 1.0, 0.95]) * 0.04, abs=1e-4)
    assert shown[3, 3] == pytest.approx([1.02, 1.0, 0.95], abs=1e-4)


def test_coverage_and_reflectance_are_inverse_and_end_at_the_ends():
    coverage = np.linspace(0, 1, 11).astype(np.float32)
    reflectance = ink_reflectance(coverage, 0.02)
    assert reflectance[[0, -1]] == pytest.approx([1.0, 0.02], abs=1e-6)
    assert ink_coverage(reflectance, 0.02) == pytest.approx(coverage, abs=1e-5)


def test_every_halftone_tile_keeps_the_tone():
    tiles = halftone_tiles(0.05, 0.1, 0.2)
    assert tiles.shape[0] == TONE_LEVELS
    assert tiles.mean(axis=(1, 2)) == pytest.approx(np.ones(TONE_LEVELS), abs=1e-5)
    # No dots on bare paper and none in solid ink, and a contrast in between.
    deviation = tiles.std(axis=(1, 2))
    assert deviation[[0, -1]] == pytest.approx([0, 0], abs=1e-5)
    assert deviation[TONE_LEVELS // 2] > 0.1


@pytest.mark.parametrize("level", [0.2, 0.5, 0.8])
def test_halftone_keeps_the_mean_tone_of_a_field(level):
    grid = SensorGrid(200, 200, 2.1, 0.3, 0.7)
    inked = np.full((200, 200, 3), level, np.float32)
    gain = halftone_gain(inked, laser(), 0.137, PlaneMap(np.eye(3)), grid, 1.0)
    assert gain.mean(axis=(0, 1)) == pytest.approx([1, 1, 1], abs=0.03)
    assert gain.std() > 0.1


def test_halftone_screens_lie_at_their_angles():
    side = 256
    grid = SensorGrid(side, side, 2.0, 0.2, 0.5)
    inked = np.full((side, side, 3), 0.5, np.float32)
    gain = halftone_gain(inked, laser(), 0.1, PlaneMap(np.eye(3)), grid, 1.0)
    for channel, angle_deg in enumerate((15.0, 75.0, 0.0)):
        spectrum = np.abs(np.fft.fft2(gain[..., channel] - 1))
        row, column = np.unravel_index(spectrum.argmax(), spectrum.shape)
        fx, fy = (((k + side // 2) % side - side // 2) / side for k in (column, row))
        assert np.hypot(fx, fy) == pytest.approx(0.1, abs=0.006)
        # A square screen looks the same every 90 degrees; y points down, hence the sign.
        assert (np.rad2deg(np.arctan2(-fy, fx)) - angle_deg) % 90 == pytest.approx(0, abs=4) or (
            np.rad2deg(np.arctan2(-fy, fx)) - angle_deg
        ) % 90 == pytest.approx(90, abs=4)


def test_dither_grain_falls_with_the_number_of_dots():
    half = np.full((300, 300, 3), 0.5, np.float32)
    few = dither_gain(half, laser(), 10.0, np.random.default_rng(0))
    many = dither_gain(half, laser(), 40.0, np.random.default_rng(0))
    assert few.mean() == pytest.approx(1, abs=1e-3)
    assert (few - 1).std() / (many - 1).std() == pytest.approx(4, rel=0.01)
    assert dither_gain(0 * half, laser(), 10.0, np.random.default_rng(0)).std() == 0


def test_bands_have_the_stated_period():
    y, x = np.mgrid[:400, :8].astype(np.float32)
    sheet = Sheet(face_mm=100, bend=0, waves=0.0, crease=0.0, band_mm=5.0)
    printer = laser(banding=0.01)
    relief = paper_relief(sheet, printer, x, y, 0.25, np.random.default_rng(1))
    spectrum = np.abs(np.fft.rfft(relief[:, 0] - relief[:, 0].mean()))
    assert spectrum.argmax() / 400 == pytest.approx(0.25 / 5.0, abs=1 / 400)


def test_drawn_printers_stay_within_published_densities():
    drawn = [draw_printer(np.random.default_rng(i)) for i in range(200)]
    densities = -np.log10([printer.black for printer in drawn])
    assert densities.min() >= 1.3
    assert densities.max() <= 2.2
    assert all(p.lines_per_inch == 0 or p.dots_per_inch == 0 for p in drawn)


def test_matte_paper_has_no_lamp_in_it():
    assert gloss_lobe(laser(gloss=0.0), np.random.default_rng(0), 20, 30).max() == 0
