"""Every network of the catalogue exports, answers as torch does, and is judged without torch."""

import doctest
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from rival_makers import untrained, write_rival

from bonafide.capture.limits import Limits
from bonafide.capture.sources import expand_sources
from bonafide.deploy import view_clips
from bonafide.deploy.captures import load_capture_detector
from bonafide.deploy.export import export_onnx, write_checked
from bonafide.deploy.files import answer_source
from bonafide.deploy.graph import graph_of
from bonafide.deploy.load import CLIP_EXPORTS, FACE_EXPORTS, load_detector
from bonafide.deploy.machine_file import KIND_FAMILIES as MACHINE_FAMILIES
from bonafide.deploy.model_list import all_names
from bonafide.deploy.package import EXPORTERS, export_run
from bonafide.deploy.rival_export import (
    FORM,
    RivalScorer,
    cached_views,
    linear_head,
    rival_difference,
    sample_views,
)
from bonafide.deploy.rival_file import CAPTURE_FAMILY, KIND_FAMILIES
from bonafide.deploy.rival_run import load_judge, network_scores
from bonafide.deploy.runtime import OnnxModel
from bonafide.models.catalogue import MACHINES, NETWORKS
from bonafide.models.catalogue_entry import FRAMES, MODALITIES, SCALES, Views
from bonafide.models.ms_fans import MsFans
from bonafide.models.support_machine import SupportMachine
from bonafide.training.crop_cache import CropSettings, _cut_sample
from bonafide.types import BonafideError, Decision, Label, Presentation, Split

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_every_network_agrees_with_torch_at_every_batch_size(name, record, tmp_path):
    """At the smallest side; a batch of 1, 3 and all 5 is part of the check that the verb makes."""
    network, views = untrained(name)
    pictures = sample_views(views, 5)
    model = graph_of(RivalScorer(network, None).eval(), pictures[:2], FORM)
    about = replace(record, family=KIND_FAMILIES[views.kind])
    out = tmp_path / "model.onnx"
    difference = write_checked(
        model,
        about,
        out,
        lambda runtime: rival_difference(lambda p: network_scores(network, p), runtime, pictures),
    )
    assert difference <= 1e-4
    assert np.ptp(network_scores(network, pictures)) > 1e-3
    score, alpha = OnnxModel(out).run(pictures[:2])
    assert score.shape == (2,)
    np.testing.assert_allclose(alpha, 1 / views.count)
    assert alpha.shape == (2, views.count)


def test_the_deep_ms_fans_too(record, tmp_path):
    torch.manual_seed(0)
    network = MsFans(2, "cnn_d").eval()
    crops = sample_views(Views(SCALES, (1.0, 1.2), 128), 4)
    assert export_onnx(network, record, tmp_path / "deep.onnx", probe=crops) <= 1e-4


def test_every_model_that_is_listed_is_exported():
    """The cascade and the motion models, which the list leaves to their pages, are beside it."""
    assert set(all_names()) == {*NETWORKS, *MACHINES, "ms-fans", "ms-fans-deep"}
    assert {*EXPORTERS} == {
        "ms_fans", "skin_colour", "motion_cnn_lstm", "texture_svm", "rival", "rival_machine",
        "recapture_net", "recapture_fusion",
    }  # fmt: skip
    assert {*FACE_EXPORTS, *CLIP_EXPORTS, CAPTURE_FAMILY, "cascade"} == {
        *EXPORTERS,
        *KIND_FAMILIES.values(),
        *MACHINE_FAMILIES.values(),
        "cascade",
    }


def test_places_are_spread_evenly():
    assert doctest.testmod(view_clips).failed == 0


@pytest.fixture(scope="module")
def machine_run(tmp_path_factory):
    return write_rival(tmp_path_factory.mktemp("alex") / "run", "alex_net_svm")


@pytest.fixture(scope="module")
def machine_file(machine_run):
    out = machine_run.parent / "alex.onnx"
    assert export_run(machine_run, out, version="3") <= 1e-4
    return out


def test_a_machine_on_a_network_is_part_of_the_graph(machine_run, machine_file):
    judge = load_judge(machine_run)
    pictures = sample_views(judge.views, 5)
    expected = judge.scores(pictures)  # by numpy, in float64
    assert np.ptp(expected) > 1e-2
    np.testing.assert_allclose(OnnxModel(machine_file).run(pictures)[0], expected, atol=1e-4)


def test_components_before_the_machine_are_too(tmp_path):
    """DPCNN's own network is 134 M weights: the same road on a small one."""
    rng = np.random.default_rng(1)
    features = rng.normal(3, 2, (7, 20))
    learned = {"pca_mean": rng.normal(size=20), "pca_axes": rng.normal(size=(5, 20))}
    machine = SupportMachine(
        rng.normal(size=5), rng.uniform(0.5, 2, 5), rng.normal(size=(1, 5)) / 9,
        np.ones(1), 0.3, 0.0, -1.2, 0.4,
    )  # fmt: skip
    parts = (features - learned["pca_mean"]) @ learned["pca_axes"].T
    head = linear_head(machine, learned)
    found = 1 / (1 + np.exp(-(features @ head.weight + head.bias)))
    np.testing.assert_allclose(found, machine.probability(parts), atol=1e-12)
    with pytest.raises(BonafideError, match="not linear"):
        linear_head(replace(machine, gamma=0.1), learned)


def test_the_file_judges_photos_as_the_run_does(machine_run, machine_file, astronaut, tmp_path):
    ours, theirs = load_detector(machine_file), load_detector(machine_run)
    assert ours.model_id.name == theirs.model_id.name == "alex_net_svm"
    assert ours.model_id.version == "3"
    expected, found = theirs(astronaut), ours(astronaut)
    assert found.score == pytest.approx(expected.score, abs=1e-4)
    assert found.decision == expected.decision != Decision.NOT_EVALUATED
    record = OnnxModel(machine_file).record
    assert record.preprocessing == theirs.scorer.record.preprocessing
    assert record.preprocessing["kind"] == SCALES
    assert record.operating_point == theirs.scorer.record.operating_point


def test_a_rival_of_clips_judges_files_as_its_run_does(write_clip, astronaut, tmp_path):
    run = write_rival(tmp_path / "run", "lstm_cnn", 32)
    export_run(run, tmp_path / "clip.onnx", version="1")
    frames = [np.roll(astronaut, 3 * i, axis=1) for i in range(9)]
    clip = write_clip(tmp_path / "clip.mp4", frames)
    [source] = expand_sources([str(clip)])
    answers = [
        answer_source(load_detector(model), source, Limits(), 5.0)
        for model in (tmp_path / "clip.onnx", run)
    ]
    (ours, seen), (theirs, _) = answers
    assert ours.verdict.score == pytest.approx(theirs.verdict.score, abs=1e-4)
    assert ours.verdict.frames_evaluated == NETWORKS["lstm_cnn"].views.frames == 6
    assert seen.clip.frames.shape == (6, 32, 32, 3)
    still = load_detector(tmp_path / "clip.onnx").examine(astronaut).verdict
    assert still.frames_evaluated == 1
    empty = load_detector(tmp_path / "clip.onnx").examine(np.zeros_like(astronaut)).verdict
    assert empty.decision == Decision.NOT_EVALUATED
    assert empty.reasons


@pytest.fixture(scope="module")
def capture_models(tmp_path_factory):
    """A rival of three modalities: its export and its run."""
    folder = tmp_path_factory.mktemp("capture")
    run = write_rival(folder / "run", "casia_surf_fusion", 32)
    export_run(run, folder / "capture.onnx", version="1")
    return folder / "capture.onnx", run


def test_a_rival_of_three_modalities_judges_files_as_its_run_does(
    capture_models, astronaut, tmp_path
):
    paths = [tmp_path / f"{name}.png" for name in ("rgb", "depth", "infrared")]
    for path, picture in zip(paths, (astronaut, *np.moveaxis(astronaut, 2, 0)[:2]), strict=True):
        Image.fromarray(np.ascontiguousarray(picture)).save(path)
    detectors = [load_capture_detector(model) for model in capture_models]
    ours, theirs = (each.answer_files(*paths, Limits())[0].verdict for each in detectors)
    assert ours.score == pytest.approx(theirs.score, abs=1e-4)
    assert ours.decision != Decision.NOT_EVALUATED
    Image.fromarray(astronaut[:100, :, 0]).save(paths[1])
    for depth, code in ((paths[1], "misregistered"), (None, "missing_modality")):
        answer, examination = detectors[0].answer_files(paths[0], depth, paths[2], Limits())
        assert examination is None
        assert [reason.code.value for reason in answer.verdict.reasons] == [code]
    for model in capture_models:
        with pytest.raises(BonafideError, match="judges colour, depth and infrared together"):
            load_detector(model)


class Watching:
    """A scorer that keeps what it is shown."""

    def __init__(self, scorer):
        self.record, self.sha256, self.shown = scorer.record, scorer.sha256, None
        self._scorer = scorer

    def score(self, crops):
        self.shown = crops
        return self._scorer.score(crops)


@pytest.mark.parametrize("rotation_deg", [0, 90])
def test_a_check_shows_the_model_what_training_cut(
    capture_models, astronaut, tmp_path, rotation_deg
):
    """Depth of 16 bits: its levels are counted from the face in both."""
    y, x = np.indices(astronaut.shape[:2])
    depth = (700 + np.hypot(x - 226, y - 132) / 2).astype(np.uint16)
    light = np.ascontiguousarray(astronaut[..., 0])
    pictures = {"path": astronaut, "depth_path": depth, "infrared_path": light}
    paths = {column: str(tmp_path / f"{column}.png") for column in pictures}
    for column, picture in pictures.items():
        turned = np.ascontiguousarray(np.rot90(picture, rotation_deg // 90))
        Image.fromarray(turned).save(paths[column])
    sample = Presentation(
        "p", label=Label.BONA_FIDE, pai_species="bona_fide", capture_subject="1",
        split=Split.TEST, dataset="made up (simulated)", rotation_deg=rotation_deg, **paths,
    )  # fmt: skip
    detector = load_capture_detector(capture_models[0])
    detector.scorer = watching = Watching(detector.scorer)
    [row] = detector.rows([sample], Limits())
    assert row.score is not None
    settings = CropSettings(watching.record.scales, watching.record.crop_px, 1, modalities=True)
    [cut] = _cut_sample(sample, settings).rows
    np.testing.assert_array_equal(watching.shown[0], cut)
    assert len(np.unique(cut[1])) > 30


def test_a_model_that_was_shown_depth_otherwise_is_refused(capture_models, tmp_path):
    model = onnx.load(capture_models[0])
    told = model.metadata_props[0]
    assert '"depth"' in told.value
    told.value = told.value.replace('"depth"', '"width"')
    onnx.save(model, tmp_path / "older.onnx")
    with pytest.raises(BonafideError, match="depth in another form"):
        load_capture_detector(tmp_path / "older.onnx")


def test_a_users_own_crops_may_be_the_probe(machine_run, tmp_path):
    judge = load_judge(machine_run)
    np.save(tmp_path / "crops.npy", sample_views(judge.views, 3))
    assert export_run(machine_run, tmp_path / "m.onnx", probe=tmp_path / "crops.npy", version="1")
    np.save(tmp_path / "other.npy", np.zeros((4, 1, 9, 9, 3), np.uint8))
    with pytest.raises(BonafideError, match=r"holds uint8 of shape \(4, 1, 9, 9, 3\)"):
        export_run(machine_run, tmp_path / "n.onnx", probe=tmp_path / "other.npy", version="1")
    assert not (tmp_path / "n.onnx").exists()


def test_frames_of_a_cache_become_clips(tmp_path):
    rows = np.arange(12, dtype=np.uint8)[:, None, None, None, None] * np.ones((1, 1, 4, 4, 3))
    np.save(tmp_path / "crops.npy", rows.astype(np.uint8))
    clips = cached_views(tmp_path / "crops.npy", Views(FRAMES, (1.2,), 4, 3))
    assert clips.shape == (4, 3, 4, 4, 3)
    assert clips[:, :, 0, 0, 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    np.save(tmp_path / "three.npy", np.zeros((5, 3, 4, 4, 3), np.uint8))
    assert cached_views(tmp_path / "three.npy", Views(MODALITIES, (1.2,), 4)).shape[:2] == (5, 3)
