"""From rendered captures to a trained cascade to verdicts, through the command line.

Rendering and three trainings take tens of seconds, in every process that runs one of these tests;
`test_train_cascade_cli` holds the verb's form in a few.
"""

import csv
import json
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from bonafide.capture.limits import Limits
from bonafide.datasets.sample_table import read_sample_table, write_sample_table
from bonafide.decision.operating_point import load_operating_point
from bonafide.deploy.cascade import CascadeDetector, score_captures
from bonafide.evaluation.score_file import read_development, read_test
from bonafide.simulator.capture_clip import capture_clip, stage_clip
from bonafide.simulator.identity import balanced_population
from bonafide.simulator.session import plan_capture
from bonafide.training.capture_cache import AlignSettings, capture_cache
from bonafide.training.cascade_settings import CascadeSettings
from bonafide.training.settings import load_settings
from bonafide.types import BonafideError, Label, Presentation, ReasonCode, Split
from tests.device import DEVICE
from tests.verbs import run as invoke

pytestmark = pytest.mark.slow

SETTINGS = """[settings]
backbone = "small"
batch = 4
steps = 2
evaluate_every = 2
crop_px = 48
patch_px = {patch}
patch_sizes = {sizes}
cycles = 1
rounds = 2
dropout = 0.0
"""
SPLITS = (Split.TRAIN, Split.TRAIN, Split.DEVELOPMENT, Split.TEST)


def write_capture(folder, person, holder, species, seed):
    plan = plan_capture(np.random.default_rng(seed), 144, 144, adverse=False,
                        face_share=(0.5, 0.52))  # fmt: skip
    plan = replace(plan, yaw_deg=0.0, pitch_deg=0.0, roll_deg=0.0)
    clip = stage_clip(person, species, np.random.default_rng(seed), plan, holder=holder)
    frame = next(capture_clip(clip, 1))
    folder.mkdir(parents=True)
    Image.fromarray(frame.rgb).save(folder / "rgb.png")
    Image.fromarray(frame.depth_mm).save(folder / "depth.png")
    Image.fromarray(frame.infrared).save(folder / "infrared.png")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Four rendered people, two live sessions and a print each; one test capture has no depth."""
    root = tmp_path_factory.mktemp("captures")
    people = balanced_population(np.random.default_rng(2), 4)
    rows = []
    for number, split in enumerate(SPLITS):
        for session, species in enumerate(("bona_fide", "bona_fide", "print_flat")):
            name = f"{number}_{session}"
            write_capture(root / name, people[number], people[number - 1], species,
                          100 + 10 * number + session)  # fmt: skip
            label = Label.BONA_FIDE if species == "bona_fide" else Label.ATTACK
            rows.append(
                Presentation(
                    name, str(root / name / "rgb.png"), label, species, f"p{number}", split,
                    "made up (simulated)", depth_path=str(root / name / "depth.png"),
                    infrared_path=str(root / name / "infrared.png"),
                )
            )  # fmt: skip
    rows[-2] = replace(rows[-2], depth_path="")
    write_sample_table(root / "samples.csv", rows)
    return root / "samples.csv"


@pytest.fixture(scope="module")
def model(table):
    """A cascade of three stages after two steps each: its answers mean nothing, its form does."""
    root = table.parent
    out = root / "run"
    for stage, patch, sizes in (("d_net", 0, []), ("m_net", 24, [24]), ("fine_tune", 24, [])):
        file = root / f"{stage}.toml"
        file.write_text(SETTINGS.format(patch=patch, sizes=sizes))
        done = invoke("train", "cascade", "--data", table, "-o", out, "--stage", stage,
                      "--settings", file, "--device", DEVICE, "--workers", 1,
                      "--target", "threshold=0.5")  # fmt: skip
        assert done.exit_code == 0, done.output
        assert "operating point threshold=0.5" in done.output
    return out


def modalities(table, name):
    folder = table.parent / name
    return ("--rgb", folder / "rgb.png", "--depth", folder / "depth.png",
            "--infrared", folder / "infrared.png")  # fmt: skip


def test_runs_record_what_deployment_needs(model, table):
    first = load_settings(CascadeSettings, model / "d_net" / "run.toml")
    second = load_settings(CascadeSettings, model / "m_net" / "run.toml")
    tuned = load_settings(CascadeSettings, model / "fine_tune" / "run.toml")
    assert 0 < first.scale_low < first.scale_high
    assert not second.estimate_attenuation
    assert tuned.attenuation_per_m == second.attenuation_per_m != 0
    assert load_operating_point(model / "m_net" / "operating_point.json").threshold == 0.5
    assert len(read_development(model / "d_net" / "scores_development.csv")) == 3
    test = read_test(model / "d_net" / "scores_test.csv")
    assert test.reason.names[test.reason.codes.max()] == "missing_modality"
    assert "(simulated)" in (model / "m_net" / "run.toml").read_text()


def test_check_answers_with_both_stages(model, table, tmp_path):
    out = invoke("check", *modalities(table, "3_0"), "--model", model, "--json",
                 "--evidence", tmp_path / "page")  # fmt: skip
    answer = json.loads(out.output)
    stages = answer["stages"]
    assert list(stages) == ["d_net", "m_net"]
    assert stages["d_net"]["threshold"] == stages["m_net"]["threshold"] == 0.5
    passed = stages["d_net"]["score"] >= 0.5
    assert (stages["m_net"]["score"] is not None) == passed
    assert answer["score"] == pytest.approx(
        stages["m_net"]["score"] if passed else stages["d_net"]["score"] - 1
    )
    assert out.exit_code == (0 if answer["decision"] == "bona_fide" else 1)
    page = (tmp_path / "page" / "index.html").read_text()
    assert "F3: angle" in page
    assert ("difference" in page) == passed
    folder = invoke("check", "--rgb", table.parent / "3_0", "--model", model, "--json")
    assert json.loads(folder.output)["score"] == answer["score"]


def with_thresholds(model, d_net, m_net):
    """The detector at other thresholds, so that either stage can be made to reject."""
    detector = CascadeDetector.load(model)
    first, second = detector.stages
    stages = (
        replace(first, point=replace(first.point, threshold=d_net)),
        replace(second, point=replace(second.point, threshold=m_net)),
    )
    return CascadeDetector(replace(detector.model, stages=stages), detector.faces)


def test_m_net_is_not_run_when_d_net_rejects(model, table):
    from bonafide.capture.multimodal import read_presentation

    sample = next(s for s in read_sample_table(table) if s.presentation == "3_0")
    capture = read_presentation(sample)
    for d_net, m_net, decision, asked in (
        (2.0, 0.0, "attack", 0),
        (0.0, 2.0, "attack", 1),
        (0.0, 0.0, "bona_fide", 1),
    ):
        detector = with_thresholds(model, d_net, m_net)
        calls = []
        network = detector.stages[1].scores.__self__.scorer.network
        network.register_forward_pre_hook(lambda *_, calls=calls: calls.append(1))
        examination = detector.examine(capture)
        verdict = examination.verdict
        assert verdict.decision == decision
        assert len(calls) == asked
        assert (verdict.score < 0) == (asked == 0)
        assert (verdict.stages["m_net"].score is None) == (asked == 0)
        assert len(examination.panels) == (9 if asked else 3)


def test_a_stage_in_doubt_leaves_the_whole_in_doubt(model, table):
    from bonafide.capture.multimodal import read_presentation

    sample = next(s for s in read_sample_table(table) if s.presentation == "3_0")
    capture = read_presentation(sample)
    for d_net, m_net, asked in ((2.0, 0.0, False), (0.0, 2.0, True)):
        detector = with_thresholds(model, d_net, m_net)
        banded = tuple(
            replace(stage, point=replace(stage.point, attack_below=-1.0))
            for stage in detector.stages
        )
        doubtful = CascadeDetector(replace(detector.model, stages=banded), detector.faces)
        verdict = doubtful(capture)
        assert (verdict.decision, verdict.score) == ("not_evaluated", None)
        assert [r.code for r in verdict.reasons if r.blocking] == ["uncertain"]
        assert (verdict.stages["m_net"].score is None) == (not asked)
        certain = doubtful.without_doubt()(capture)
        assert certain.decision == "attack"
        assert certain.score is not None


def test_score_writes_a_row_a_capture_as_training_did(model, table, tmp_path):
    """Deployment and training come to the same scores by two roads."""
    scored = invoke("score", model / "d_net", table, "-o", tmp_path / "s.csv", "--split", "test")
    assert scored.exit_code == 0, scored.output
    deployed = list(csv.DictReader((tmp_path / "s.csv").open()))
    trained = {
        row["presentation"]: row
        for row in csv.DictReader((model / "d_net" / "scores_test.csv").open())
    }
    assert len(deployed) == len(trained) == 3
    for row in deployed:
        other = trained[row["presentation"]]
        assert row["reason"] == other["reason"]
        if row["score"]:
            assert float(row["score"]) == pytest.approx(float(other["score"]), abs=1e-5)
    whole = invoke("score", model, table, "-o", tmp_path / "w.csv", "--split", "test")
    assert whole.exit_code == 0


def test_faults_are_answered_with_their_codes(model, table, tmp_path):
    detector = CascadeDetector.load(model)
    sample = next(s for s in read_sample_table(table) if s.presentation == "3_0")
    levels = np.asarray(Image.open(sample.depth_path))
    Image.fromarray((levels // 4).clip(0, 255).astype(np.uint8)).save(tmp_path / "eight.png")
    Image.fromarray(levels[:, :100]).save(tmp_path / "narrow.png")
    Image.fromarray(np.zeros_like(levels)).save(tmp_path / "nothing.png")
    (tmp_path / "text.png").write_text("no picture")
    wanted = {
        "eight.png": ReasonCode.DEPTH_UNIT,
        "narrow.png": ReasonCode.MISREGISTERED,
        "nothing.png": ReasonCode.NO_DEPTH,
        "text.png": ReasonCode.UNREADABLE,
    }
    rows = [replace(sample, depth_path=str(tmp_path / name)) for name in wanted]
    scored = list(score_captures(detector, rows, Limits()))
    assert [row.reason for row in scored] == list(wanted.values())
    without = invoke("check", "--rgb", sample.path, "--model", model)
    assert without.exit_code == 3
    assert "missing_modality" in without.output
    assert "comes without depth and infrared" in " ".join(without.output.split())
    eight = invoke("check", "--rgb", sample.path, "--depth", tmp_path / "eight.png", "--infrared",
                   sample.infrared_path, "--depth-scale", 4, "--model", model)  # fmt: skip
    assert eight.exit_code in (0, 1)


def write_levels(path, levels, pix_fmt, count=6):
    """A clip without loss of one picture, over and over, at 10 Hz."""
    with av.open(str(path), "w") as muxer:
        stream = muxer.add_stream("ffv1", rate=10)
        stream.height, stream.width = levels.shape[:2]
        stream.pix_fmt = "bgr0" if levels.ndim == 3 else pix_fmt
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(levels, pix_fmt)
            frame.pts = number
            muxer.mux(stream.encode(frame))
        muxer.mux(stream.encode())


def test_check_judges_a_clip_of_three_streams(model, table, tmp_path):
    """A clip of one picture over and over is answered as that picture is, from all its frames."""
    folder = table.parent / "3_0"
    for name, pix_fmt in (("rgb", "rgb24"), ("depth", "gray16le"), ("infrared", "gray")):
        levels = np.asarray(Image.open(folder / f"{name}.png"))
        levels = levels.astype(np.uint16) if name == "depth" else levels
        write_levels(tmp_path / f"{name}.mkv", levels, pix_fmt)
    photo = json.loads(
        invoke("check", *modalities(table, "3_0"), "--model", model, "--json").output
    )
    asked = ("check", "--rgb", tmp_path, "--model", model, "--json")
    clip = json.loads(invoke(*asked, "--frames-per-second", 5).output)
    assert clip["frames"] == {"seen": 3, "evaluated": 3}
    assert clip["decision"] == photo["decision"]
    assert clip["score"] == pytest.approx(photo["score"], abs=0.02)
    assert clip["stages"]["d_net"]["score"] == pytest.approx(photo["stages"]["d_net"]["score"],
                                                              abs=0.02)  # fmt: skip
    write_levels(tmp_path / "depth.mkv", np.full((144, 144), 600, np.uint16), "gray16le", count=15)
    unmatched = json.loads(invoke(*asked).output)
    assert unmatched["decision"] == "not_evaluated"
    assert unmatched["reasons"][0]["code"] == "misregistered"
    assert "differ in length" in unmatched["reasons"][0]["advice"]


def test_wrong_use_is_told(model, table, tmp_path):
    photo = table.parent / "3_0" / "rgb.png"
    with pytest.raises(BonafideError, match="needs a model of the three"):
        invoke("check", "--rgb", photo)
    with pytest.raises(BonafideError, match="either paths, --camera or --rgb"):
        invoke("check", photo, "--rgb", photo)
    with pytest.raises(BonafideError, match="is a folder, and single files"):
        invoke("check", "--rgb", photo.parent, "--depth", photo, "--model", model)
    with pytest.raises(BonafideError, match="judges colour, depth and infrared together"):
        invoke("check", photo, "--model", model)
    with pytest.raises(BonafideError, match="judges no such capture"):
        invoke("check", "--rgb", photo, "--model", tmp_path)


def test_a_cache_is_cut_once_and_made_anew_for_other_settings(table, tmp_path):
    samples = [s for s in read_sample_table(table) if s.split is Split.TEST]
    folder = tmp_path / "cache"
    calls = []
    settings = AlignSettings(crop_px=32)
    first = capture_cache(samples, folder, settings, on_sample=lambda: calls.append(1))
    assert len(calls) == 3
    assert [s.presentation for s in first.samples] == ["3_0", "3_2"]
    assert first.missed == [("3_1", "missing_modality")]
    again = capture_cache(samples, folder, settings, on_sample=lambda: calls.append(1))
    assert len(calls) == 3
    assert np.array_equal(again.aligned(1).depth, first.aligned(1).depth, equal_nan=True)
    assert again.arrays["rgb"].shape == (2, 32, 32, 3)
    capture_cache(samples, folder, replace(settings, crop_px=40), on_sample=lambda: calls.append(1))
    assert len(calls) == 6
    made = []

    def make(aligned):
        made.append(1)
        return aligned.rgb

    cache = capture_cache(samples, folder, replace(settings, crop_px=40))
    for meta in ({"c": 1.0}, {"c": 1.0}, {"c": 2.0}):
        planes = cache.planes("test", meta, make)
        assert np.array_equal(planes[1], cache.arrays["rgb"][1])
    assert len(made) == 4  # two rows, twice
    with pytest.raises(BonafideError, match="no capture is usable: missing_modality"):
        capture_cache([replace(samples[1])], Path(tmp_path / "none"), settings)
