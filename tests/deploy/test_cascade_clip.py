"""One verdict from the frames of a three-stream clip; the nets are scripted, the rest is real."""

from types import SimpleNamespace

import numpy as np
import pytest

from bonafide.capture.multimodal import MultimodalCapture
from bonafide.capture.multimodal_clip import CaptureFrame
from bonafide.cues.aligned_capture import CaptureLimits
from bonafide.decision.operating_point import OperatingPoint
from bonafide.deploy.cascade import CascadeDetector
from bonafide.deploy.cascade_clip import examine_capture_clip, mean_answers
from bonafide.training.capture_cache import AlignSettings
from bonafide.types import Box, Decision, Face, ReasonCode, StageAnswer

MARKS = np.float32([[201, 105], [245, 105], [226, 135], [208, 157], [244, 156]])
FACE = Face(Box(180, 60, 95, 125), MARKS, 0.99)
"""The astronaut's, by hand."""


class Seen:
    """A face detector that sees the astronaut where the picture has contrast in its place."""

    def detect(self, rgb):
        whole = rgb.shape[0] == 512  # and not one of the further attempts at a black one
        return [FACE] if whole and rgb[100:160, 200:250].std() > 20 else []


def stage(name, threshold):
    point = OperatingPoint("by hand", "set by hand", threshold, None)
    return SimpleNamespace(name=name, point=point)


def detector(scores):
    """A cascade whose stages answer, frame by frame, what is written."""
    made = object.__new__(CascadeDetector)
    made.stages = stage("d_net", 0.5), stage("m_net", 0.6)
    made.operating_point = made.stages[1].point
    made.faces, made.limits = Seen(), CaptureLimits()
    made.model = SimpleNamespace(align=AlignSettings(crop_scale=1.3, crop_px=64))
    script = iter(scores)

    def ask(_aligned, _watch):
        first, second = next(script)
        asked = second if first >= 0.5 else None
        return {"d_net": StageAnswer(first, 0.5), "m_net": StageAnswer(asked, 0.6)}, {}

    made.ask = ask
    return made


@pytest.fixture
def frames(astronaut):
    """Four instants of a still face, 0.2 s apart; a black picture at the second."""
    y, x = np.mgrid[:512, :512]
    depth = (600 + np.hypot(x - 224, y - 125) ** 2 / 90).astype(np.float32)
    grey = astronaut.mean(2).astype(np.uint8)

    def at(number):
        rgb = astronaut * (number != 1)
        capture = MultimodalCapture(rgb, depth, grey * np.uint8(number != 1), "made up")
        return CaptureFrame(capture, 5 * number, 0.2 * number)

    return [at(number) for number in range(4)]


def test_the_stages_means_decide_and_refused_frames_do_not_count(frames):
    examination = examine_capture_clip(detector([(0.9, 0.9), (0.4, 0.9), (0.8, 0.5)]), frames)
    verdict = examination.verdict
    assert verdict.decision is Decision.BONA_FIDE
    assert (verdict.frames_evaluated, verdict.frames_seen) == (3, 4)
    assert verdict.stages["d_net"].score == pytest.approx(0.7)
    assert verdict.stages["m_net"].score == verdict.score == pytest.approx(0.7)  # of two frames
    scored = [(frame.index, frame.score, frame.reason) for frame in examination.frames]
    assert scored[0] == (0, 0.9, None)
    assert scored[1] == (5, None, ReasonCode.NO_FACE)
    assert scored[2][:2] == (10, pytest.approx(-0.6))  # D-Net stopped that frame
    assert examination.face.box == FACE.box


def test_either_stage_can_reject_a_clip(frames):
    stopped = examine_capture_clip(detector([(0.1, 1), (0.2, 1), (0.9, 1)]), frames).verdict
    assert stopped.decision is Decision.ATTACK
    assert stopped.score == pytest.approx(0.4 - 1)
    assert stopped.stages["m_net"].score is None
    masked = examine_capture_clip(detector([(0.9, 0.7), (0.9, 0.5), (0.9, 0.5)]), frames).verdict
    assert masked.decision is Decision.ATTACK
    assert masked.score == pytest.approx(1.7 / 3)


def test_a_clip_without_a_face_is_not_evaluated(frames):
    verdict = examine_capture_clip(detector([]), [frames[1]] * 3).verdict
    assert verdict.decision is Decision.NOT_EVALUATED
    assert verdict.reasons[0].code is ReasonCode.NO_FACE
    assert (verdict.frames_evaluated, verdict.frames_seen) == (0, 3)
    nothing = examine_capture_clip(detector([]), []).verdict
    assert nothing.decision is Decision.NOT_EVALUATED


def test_a_face_that_is_replaced_counts_by_its_worse_part(frames, astronaut):
    """The second half shows another face in another place: its low scores are not averaged away."""
    moved = Face(Box(20, 300, 95, 125), MARKS + np.float32([-160, 240]), 0.99)
    rgb = np.ascontiguousarray(np.roll(astronaut[:, ::-1], (240, -127), (0, 1)))
    other = frames[0].capture
    late = MultimodalCapture(rgb, other.depth_mm, rgb.mean(2).astype(np.uint8), "made up")
    after = [CaptureFrame(late, 50 + n, 3.0 + 0.2 * n) for n in range(2)]

    made = detector([(0.9, 0.9), (0.9, 0.9), (0.9, 0.1), (0.9, 0.3)])
    made.faces = SimpleNamespace(detect=lambda picture: [moved if picture is rgb else FACE])
    verdict = examine_capture_clip(made, [frames[0], frames[2], *after]).verdict
    assert verdict.score == pytest.approx(0.2)
    assert verdict.decision is Decision.ATTACK
    assert any(reason.code is ReasonCode.SEVERAL_FACES for reason in verdict.reasons)


def test_means_stop_where_a_stage_rejects():
    frames = [{"one": StageAnswer(score, 0.5)} for score in (0.2, 0.6)]
    assert mean_answers(frames)["one"].score == pytest.approx(0.4)
