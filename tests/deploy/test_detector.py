"""The detector answers, refuses with a reason, and never takes no answer for bona fide."""

from dataclasses import replace

import numpy as np
import psutil
import pytest

import bonafide
from bonafide.deploy.clip import REPLACED
from bonafide.deploy.detector import Detector
from bonafide.deploy.runtime import CropScores
from bonafide.face.detect import MtcnnDetector
from bonafide.types import BonafideError, Decision, Frame, ReasonCode


class ScriptedScorer:
    """Stands in for a network: gives the next scores of a list."""

    sha256 = "0" * 64

    def __init__(self, record, scores):
        self.record = record
        self.scores = iter(scores)
        self.batches = []

    def score(self, crops):
        self.batches.append(len(crops))
        score = np.array([next(self.scores) for _ in crops], np.float32)
        return CropScores(score, np.tile(np.float32([0.25, 0.75]), (len(crops), 1)))


@pytest.fixture(scope="module")
def faces():
    return MtcnnDetector()


def detector(record, faces, scores):
    return Detector(ScriptedScorer(record, scores), faces)


def clip(*pictures, step_s=0.2):
    return [Frame(rgb, i, i * step_s, "clip") for i, rgb in enumerate(pictures)]


BLACK = np.zeros((512, 512, 3), np.uint8)


@pytest.mark.parametrize(
    ("score", "decision"), [(0.5, Decision.BONA_FIDE), (0.49, Decision.ATTACK)]
)
def test_a_photo_is_accepted_from_the_threshold_on(record, faces, astronaut, score, decision):
    verdict = detector(record, faces, [score])(astronaut)
    assert verdict.decision is decision
    assert verdict.score == pytest.approx(score)
    assert verdict.scale_weights == {1.0: 0.25, 1.2: 0.75}
    assert len(verdict.faces) == 1
    assert set(verdict.timing_ms) == {"detect", "crop", "score"}


@pytest.mark.parametrize("shape", [(1, 1), (20, 300), (480, 640)])
def test_no_face_is_no_answer(record, faces, shape):
    verdict = detector(record, faces, [])(np.zeros((*shape, 3), np.uint8))
    assert verdict.decision is Decision.NOT_EVALUATED
    assert verdict.score is None
    assert verdict.reasons[0].code is ReasonCode.NO_FACE
    assert verdict.reasons[0].blocking


def test_two_people_are_no_answer(record, faces, astronaut):
    head = astronaut[0:300, 100:400]
    verdict = detector(record, faces, [])(np.hstack([head, head[:, ::-1]]))
    assert verdict.decision is Decision.NOT_EVALUATED
    assert ReasonCode.SEVERAL_FACES in {reason.code for reason in verdict.reasons}
    assert len(verdict.faces) == 2


def test_a_model_of_ours_runs_without_being_told_anything(untrained_model, astronaut):
    loaded = bonafide.Detector.load(untrained_model)
    verdict = loaded(astronaut)
    assert verdict.decision in (Decision.BONA_FIDE, Decision.ATTACK)
    assert loaded(astronaut).score == verdict.score
    assert loaded.model_id.version == "test"


def test_the_network_sees_the_same_crops_in_training_and_in_use(record, faces, astronaut, tmp_path):
    """Law 5: one preprocessing."""
    from PIL import Image

    from bonafide.training.crop_cache import CropSettings, crop_cache
    from bonafide.types import Label, Presentation, Split

    Image.fromarray(astronaut).save(tmp_path / "a.png")
    sample = Presentation(
        "a", str(tmp_path / "a.png"), Label.BONA_FIDE, "bona_fide", "p", Split.TRAIN, "made up"
    )
    cache = crop_cache([sample], tmp_path / "crops", CropSettings(record.scales))
    examination = detector(record, faces, [0.5]).examine(astronaut)
    np.testing.assert_array_equal(cache.crops[0], examination.crops.crops)


def test_a_clip_has_one_verdict_the_mean_of_its_frames(record, faces, astronaut):
    examination = detector(record, faces, [0.9, 0.1, 0.8]).examine_clip(clip(*3 * [astronaut]))
    verdict = examination.verdict
    assert verdict.score == pytest.approx(0.6)
    assert (verdict.frames_evaluated, verdict.frames_seen) == (3, 3)
    assert [round(frame.score, 3) for frame in examination.frames] == [0.9, 0.1, 0.8]


def test_frames_without_a_face_are_counted_not_scored(record, faces, astronaut):
    pictures = [BLACK, astronaut, BLACK, astronaut]
    examination = detector(record, faces, [0.9, 0.7]).examine_clip(clip(*pictures))
    verdict = examination.verdict
    assert verdict.score == pytest.approx(0.8)
    assert (verdict.frames_evaluated, verdict.frames_seen) == (2, 4)
    assert [frame.score is None for frame in examination.frames] == [True, False, True, False]
    assert [frame.reason for frame in examination.frames] == [ReasonCode.NO_FACE, None] * 2
    np.testing.assert_array_equal(examination.picture, astronaut)


@pytest.mark.parametrize("pictures", [[], [BLACK] * 3])
def test_a_clip_without_a_face_is_no_answer(record, faces, pictures):
    verdict = detector(record, faces, []).check_clip(clip(*pictures))
    assert verdict.decision is Decision.NOT_EVALUATED
    assert verdict.reasons[0].code is ReasonCode.NO_FACE
    assert verdict.frames_seen == len(pictures)


def test_a_face_that_is_replaced_cannot_borrow_the_first_ones_score(record, faces, astronaut):
    left, right = BLACK.copy(), BLACK.copy()
    left[100:356, 0:200], right[100:356, 312:512] = (astronaut[0:256, 120:320],) * 2
    pictures = [left] * 6 + [right] * 3
    verdict = detector(record, faces, [0.9] * 6 + [0.1] * 3).check_clip(clip(*pictures))
    assert verdict.score == pytest.approx(0.1)
    assert verdict.decision is Decision.ATTACK
    assert REPLACED in verdict.reasons


def test_a_long_clip_goes_through_the_network_in_bounded_batches(record, faces, astronaut):
    judge = detector(record, faces, [0.5] * 40)
    judge.check_clip(clip(*[astronaut] * 40))
    assert sum(judge.scorer.batches) == 40
    assert max(judge.scorer.batches) <= 16


def test_another_operating_point_moves_the_decision_not_the_score(record, faces, astronaut):
    strict = replace(record.operating_point, name="strict", threshold=0.95)
    judge = Detector(ScriptedScorer(record, [0.9]), faces, strict)
    verdict = judge(astronaut)
    assert verdict.decision is Decision.ATTACK
    assert (verdict.score, verdict.operating_point) == (pytest.approx(0.9), "strict")


def test_a_face_lost_in_every_frame_is_still_judged_by_all_of_them(record, faces, astronaut):
    pictures, scores = [astronaut] * 8, [0.2, 0.4, 0.6, 0.8] * 2
    verdict = detector(record, faces, scores).check_clip(clip(*pictures, step_s=10))
    assert verdict.score == pytest.approx(0.5)


def test_a_yunet_file_of_the_users_takes_the_place_of_the_detector(untrained_model, tmp_path):
    with pytest.raises(BonafideError, match=r"yunet\.onnx"):
        Detector.load(untrained_model, yunet=tmp_path / "yunet.onnx")


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length_of_a_clip(record, faces, astronaut):
    def peak_mib(frames):
        judge = detector(record, faces, iter(lambda: 0.5, None))
        stream = (Frame(astronaut.copy(), i, i * 0.2, "clip") for i in range(frames))
        peaks = []

        def watched():
            for frame in stream:
                peaks.append(psutil.Process().memory_info().rss / 2**20)
                yield frame

        assert judge.check_clip(watched()).frames_evaluated == frames
        return max(peaks)

    short = peak_mib(20)
    assert peak_mib(180) - short < 40  # 160 frames more would be 120 MiB
