"""The verb that trains the cascade, on captures drawn from noise; `test_cascade_cli` renders."""

from pathlib import Path

import pytest

from bonafide.datasets.mipd import mipd
from bonafide.datasets.sample_table import write_sample_table
from bonafide.decision.operating_point import load_operating_point
from bonafide.evaluation.score_file import read_development, read_test
from bonafide.training import capture_cache
from bonafide.training.cascade_settings import CascadeSettings
from bonafide.training.settings import load_settings
from bonafide.types import BonafideError
from tests.device import DEVICE
from tests.papers.mipd_miniature import drawn_capture, write_miniature
from tests.verbs import run

SETTINGS = """[settings]
backbone = "small"
batch = 4
steps = 2
evaluate_every = 2
crop_px = 48
patch_px = {patch}
patch_sizes = []
cycles = 1
rounds = 2
"""


def train(table, out, stage, patch, *more):
    file = table.parent / f"{stage}.toml"
    file.write_text(SETTINGS.format(patch=patch))
    words = ["train", "cascade", "--data", table, "-o", out, "--stage", stage, "--settings", file,
             "--device", DEVICE, "--workers", 1, *more]  # fmt: skip
    return run(*words).output


@pytest.fixture
def table(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(capture_cache, "align_sample", drawn_capture)
    root = write_miniature(tmp_path / "mipd")
    write_sample_table(tmp_path / "samples.csv", mipd(root, protocol="mip-3d"))
    return tmp_path / "samples.csv"


@pytest.mark.slow
def test_two_stages_are_trained_and_scored_and_a_third_goes_on(table, tmp_path):
    out = tmp_path / "run"
    printed = train(table, out, "d_net", 0, "--target", "threshold=0.5")
    assert "operating point threshold=0.5" in printed
    assert load_operating_point(out / "d_net" / "operating_point.json").threshold == 0.5
    first = load_settings(CascadeSettings, out / "d_net" / "run.toml")
    assert 0 < first.scale_low < first.scale_high
    train(table, out, "m_net", 24)
    train(table, out, "fine_tune", 24)
    second, tuned = (
        load_settings(CascadeSettings, out / stage / "run.toml") for stage in ("m_net", "fine_tune")
    )
    assert tuned.attenuation_per_m == second.attenuation_per_m
    # the miniature darkens by exp(-distance / m)
    assert second.attenuation_per_m == pytest.approx(1.0, abs=0.2)
    assert "(simulated)" in (out / "m_net" / "run.toml").read_text()
    assert len(read_test(out / "fine_tune" / "scores_test.csv")) == 12
    assert len(read_development(out / "fine_tune" / "scores_development.csv")) == 4


def test_a_run_is_not_mixed_with_another(table, tmp_path):
    train(table, tmp_path / "run", "d_net", 0)
    with pytest.raises(BonafideError, match="holds a run already"):
        train(table, tmp_path / "run", "d_net", 0)
