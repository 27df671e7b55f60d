from dataclasses import replace

import numpy as np
import pytest

from bonafide.simulator import presentations
from bonafide.simulator.camera import PERFECT_CAMERA, PERFECT_SHOT, capture
from bonafide.simulator.demo import contact_sheet, demo_recaptures
from bonafide.simulator.display import DisplaySettings, Showing
from bonafide.simulator.illumination import Illumination
from bonafide.simulator.portraits import (
    find_portraits,
    read_photo,
    rough_face,
    trim_border,
)
from bonafide.simulator.presentations import KINDS
from bonafide.simulator.printer import PrinterSettings, Sheet
from bonafide.simulator.recapture import recapture
from bonafide.simulator.scene import Framing
from bonafide.simulator.stage import Stage, draw_devices
from bonafide.types import BonafideError, Box

PERFECT_PRINTER = PrinterSettings("ideal", 0.0, 0.0, 1e-4, (1, 1, 1), 1.0, 0.0, 0.0, 0.0, 0.0)
PERFECT_SHEET = Sheet(face_mm=100.0, bend=0.0, waves=0.0, crease=0.0, band_mm=5.0)
# A pixel pitch whose frequency falls on a zero of the sensor's aperture: no grid to be seen.
PERFECT_DISPLAY = DisplaySettings(
    "ideal", "rgb stripe", 25.4, 0.8, 1.0, (1, 1, 1), 1.0, 0.0, 0.0, 0.0, (0, 0, 0), (50, 50)
)
PERFECT_SHOWING = Showing(100.0, 1e9, 1.0, 0.0, 0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_generators_give_equal_bytes(portrait, kind):
    first = recapture(portrait, kind, np.random.default_rng(11))
    again = recapture(portrait, kind, np.random.default_rng(11))
    other = recapture(portrait, kind, np.random.default_rng(12))
    assert first.jpeg == again.jpeg
    assert first.parameters == again.parameters
    assert first.jpeg != other.jpeg


def test_kinds_share_framing_camera_light_and_jpeg(portrait):
    made = [recapture(portrait, kind, np.random.default_rng(5)) for kind in KINDS]
    for shared in ("framing", "camera", "shot", "light"):
        assert made[0].parameters[shared] == made[1].parameters[shared]
        assert made[0].parameters[shared] == made[2].parameters[shared]
    assert len({m.rgb.shape for m in made}) == 1
    assert len({m.face for m in made}) == 1
    assert len({m.jpeg for m in made}) == 3


def perfect_stage(portrait, face):
    height, width = portrait.shape[:2]
    framing = Framing(
        width - 40, height - 40, face.width, (face.center[0] - 20, face.center[1] - 20),
        0.0, 0.0, 0.0, 3.0,
    )  # fmt: skip
    return Stage(framing, PERFECT_CAMERA, PERFECT_SHOT, Illumination((1, 1, 1), 0.0, 0.0))


@pytest.mark.parametrize("medium", ["print", "screen"])
def test_a_perfect_medium_gives_the_live_picture(portrait, medium, monkeypatch):
    # Live and attack share camera, framing and light: only the medium may make a difference.
    face = rough_face(portrait)
    stage = perfect_stage(portrait, face)
    whole = Box(-0.5, -0.5, portrait.shape[1], portrait.shape[0])
    monkeypatch.setattr(presentations, "earlier_capture", lambda photo, rng: (photo, {}))
    monkeypatch.setattr(presentations, "draw_content", lambda rng, size, box: whole)
    rng = np.random.default_rng(0)
    live = KINDS["bona_fide"](portrait, face, stage, draw_devices(rng, 1, 1, 1), rng)
    if medium == "print":
        shown = presentations.print_and_hold(
            portrait, face, stage, PERFECT_PRINTER, PERFECT_SHEET, rng
        )
    else:
        display = replace(PERFECT_DISPLAY, pixels_per_inch=25.4 * face.width / 100.0)
        shown = presentations.show_and_hold(portrait, face, stage, display, PERFECT_SHOWING, rng)
    size = (stage.framing.width, stage.framing.height)
    pictures = [
        capture(
            seen.radiance, seen.illuminant, stage.camera, stage.shot, size,
            np.random.default_rng(1), seen.structure,
        ).rgb.astype(int)
        for seen in (live, shown)
    ]  # fmt: skip
    assert np.abs(pictures[0] - pictures[1]).max() <= 4


def test_prints_lift_black_and_screens_lift_it_by_reflection(portrait):
    dark = np.zeros_like(portrait)
    face = Box(70, 60, 90, 90)
    stage = perfect_stage(portrait, face)
    printer = replace(PERFECT_PRINTER, black=0.04)
    rng = np.random.default_rng(0)
    sheet = presentations.print_and_hold(dark, face, stage, printer, PERFECT_SHEET, rng)
    center = sheet.radiance[100:160, 80:140]
    assert center.mean() == pytest.approx(0.04, rel=0.05)
    display = replace(PERFECT_DISPLAY, reflectance=0.05)
    lit = presentations.show_and_hold(
        dark, face, stage, display, replace(PERFECT_SHOWING, brightness=1.0), rng
    )
    assert 0.0005 < lit.radiance[100:160, 80:140].mean() < 0.07


@pytest.mark.parametrize(
    ("photo", "kind", "message"),
    [
        (np.zeros((200, 200, 3), np.uint8), "mask", "unknown kind"),
        (np.zeros((200, 200), np.uint8), "print", "R, G, B"),
        (np.zeros((200, 200, 3), np.float32), "print", "uint8"),
        (np.zeros((40, 200, 3), np.uint8), "replay", "64 px"),
    ],
)
def test_errors_are_typed_and_say_what_to_do(photo, kind, message):
    with pytest.raises(BonafideError, match=message):
        recapture(photo, kind, np.random.default_rng(0))


def test_rough_face_finds_the_astronaut(portrait):
    # Her face spans about x 82..182, y 60..190 of this crop.
    face = rough_face(portrait)
    assert face.center[0] == pytest.approx(132, abs=25)
    assert face.center[1] == pytest.approx(120, abs=30)


def test_a_scan_frame_is_cut_off_and_nothing_else(portrait):
    framed = np.full((340, 300, 3), 70, np.uint8)
    framed[6:-6, 6:-6] = 235
    framed[20:320, 20:280] = portrait
    trimmed = trim_border(framed)
    assert trimmed.shape[0] <= 300
    assert trimmed.shape[1] <= 260
    assert trimmed.shape[0] >= 280
    assert trim_border(portrait) is portrait


def test_folders_are_read_by_manifest_subfolder_or_file(tmp_path, portrait):
    import cv2

    for name in ("a/1.jpg", "a/2.jpg", "b.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(path), portrait[..., ::-1])
    assert [p.subject for p in find_portraits(tmp_path)] == ["a", "a", "b"]
    (tmp_path / "manifest.csv").write_text("file,subject\nb.png,007\n")
    assert [(p.subject, p.path.name) for p in find_portraits(tmp_path)] == [("007", "b.png")]
    assert np.array_equal(read_photo(tmp_path / "b.png"), portrait)
    (tmp_path / "manifest.csv").write_text("file,subject\ngone.png,007\n")
    with pytest.raises(BonafideError, match=r"gone\.png"):
        find_portraits(tmp_path)
    (tmp_path / "manifest.csv").write_text("name\nx\n")
    with pytest.raises(BonafideError, match="columns file and subject"):
        find_portraits(tmp_path)


def test_missing_and_broken_files_are_typed_errors(tmp_path):
    with pytest.raises(BonafideError, match="no such folder"):
        find_portraits(tmp_path / "nowhere")
    with pytest.raises(BonafideError, match="no photo"):
        find_portraits(tmp_path)
    (tmp_path / "x.jpg").write_bytes(b"not a picture")
    with pytest.raises(BonafideError, match="not a readable picture"):
        read_photo(tmp_path / "x.jpg")
    with pytest.raises(BonafideError, match="cannot be read"):
        read_photo(tmp_path / "gone.jpg")


def test_demo_makes_three_attacks_again_and_again(portrait):
    first = demo_recaptures(portrait, np.random.default_rng(1))
    again = demo_recaptures(portrait, np.random.default_rng(1))
    assert list(first) == ["print", "phone replay", "monitor replay"]
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_contact_sheet_has_a_row_per_kind(portrait):
    sheet = contact_sheet([portrait, portrait[:, ::-1].copy()], np.random.default_rng(0), 64)
    assert sheet.shape == (3 * 64, 2 * 64, 3)
