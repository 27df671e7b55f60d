"""`bonafide calibrate` as a user runs it."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import bonafide.cli
from bonafide.decision.operating_point import load_operating_point
from bonafide.types import BonafideError
from tests import verbs


def run(*words):
    return verbs.run("calibrate", *words)


@pytest.mark.slow
def test_a_folder_of_live_photos_gives_a_threshold_that_check_takes(
    tmp_path, astronaut, untrained_model
):
    folder = tmp_path / "live"
    for number in range(23):
        (folder / f"person{number % 4}").mkdir(parents=True, exist_ok=True)
        picture = np.clip(astronaut.astype(int) + number, 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / f"person{number % 4}" / f"{number}.jpg")
    Image.new("RGB", (200, 200)).save(folder / "black.png")
    out = tmp_path / "mine.json"
    told = run(folder, "-o", out, "--bpcer", 0.1, "--confidence", 0.9, "--model", untrained_model)
    assert "23 live presentations of 4 people" in told.stdout
    assert "black.png: no_face" in told.stderr
    point = load_operating_point(out)
    assert point.development.bona_fide == 23
    checked = CliRunner().invoke(
        bonafide.cli.app,
        ["check", str(folder / "person0"), "--operating-point", str(out), "--model",
         str(untrained_model)],
    )  # fmt: skip
    assert checked.exit_code in (0, 1)
    band = tmp_path / "band.json"
    told = run(
        folder, "-o", band, "--bpcer", 0.4, "--confidence", 0.9, "--called-attack", 0.1,
        "--model", untrained_model,
    )  # fmt: skip
    point = load_operating_point(band)
    assert point.attack_below is not None
    assert point.attack_below < point.threshold
    assert f"From {point.attack_below:.4f} up to it" in told.stdout


def test_too_few_photos_say_how_many(tmp_path, astronaut, untrained_model):
    Image.fromarray(astronaut).save(tmp_path / "one.jpg")
    with pytest.raises(BonafideError, match="at least 59"):
        run(tmp_path, "-o", tmp_path / "mine.json", "--model", untrained_model)
    with pytest.raises(BonafideError, match="not a folder"):
        run(tmp_path / "none", "-o", tmp_path / "mine.json")
