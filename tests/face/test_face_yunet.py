"""YuNet through OpenCV, with a stand-in for OpenCV's network: the model file is the user's."""

import hashlib

import cv2
import numpy as np
import pytest

from bonafide.face.yunet import PUBLISHED_SHA256, YunetDetector, YunetModelError


class Network:
    """Answers with one row per face, in OpenCV's layout, and remembers what it was given."""

    def __init__(self, rows):
        self.rows, self.size, self.picture = rows, None, None

    def setInputSize(self, size):  # noqa: N802
        self.size = size

    def detect(self, bgr):
        assert (bgr.shape[1], bgr.shape[0]) == self.size
        self.picture = bgr
        return 1, self.rows


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(b"a model")
    return path


def detector_with(monkeypatch, model, rows, **options):
    network = Network(rows)
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *arguments: network)
    return YunetDetector(model, None, **options), network


ROW = [10, 20, 30, 40, 15, 30, 35, 31, 25, 40, 17, 50, 33, 51, 0.9]


def test_rows_become_faces_in_the_order_of_landmarks(monkeypatch, model):
    small = [v / 2 for v in ROW[:14]] + [0.95]
    rows = np.array([small, ROW], dtype=np.float32)
    detector, network = detector_with(monkeypatch, model, rows)
    rgb = np.zeros((80, 100, 3), dtype=np.uint8)
    rgb[..., 0] = 200
    faces = detector.detect(rgb)
    assert [face.confidence for face in faces] == pytest.approx([0.9, 0.95])  # largest first
    face = faces[0]
    assert (face.box.left, face.box.top, face.box.width, face.box.height) == (10, 20, 30, 40)
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks.tolist()
    assert left_eye == [15, 30]
    assert right_eye == [35, 31]
    assert nose == [25, 40]
    assert (left_mouth, right_mouth) == ([17, 50], [33, 51])
    assert network.picture[0, 0].tolist() == [0, 0, 200]  # OpenCV wants B, G, R


def test_large_pictures_are_shrunk_and_mapped_back(monkeypatch, model):
    rows = np.array([ROW], dtype=np.float32)
    detector, network = detector_with(monkeypatch, model, rows, max_side_px=100)
    face = detector.detect(np.zeros((400, 200, 3), dtype=np.uint8))[0]
    assert network.size == (50, 100)
    # pixel 15 of the small picture covers 60..63 of the large one: its centre is 61.5
    np.testing.assert_allclose(face.landmarks[0], [61.5, 121.5])
    assert (face.box.width, face.box.height) == (120, 160)


def test_no_rows_are_no_faces(monkeypatch, model):
    detector, _ = detector_with(monkeypatch, model, None)
    assert detector.detect(np.zeros((10, 10, 3), dtype=np.uint8)) == []


def test_the_file_is_held_to_its_hash(monkeypatch, model, tmp_path):
    with pytest.raises(YunetModelError, match=f"expected {PUBLISHED_SHA256}"):
        YunetDetector(model)
    monkeypatch.setattr(cv2.FaceDetectorYN, "create", lambda *arguments: Network(None))
    YunetDetector(model, hashlib.sha256(b"a model").hexdigest().upper())
    with pytest.raises(YunetModelError, match=r"missing\.onnx.*OpenCV Zoo"):
        YunetDetector(tmp_path / "missing.onnx")


def test_a_file_that_is_no_model_is_a_typed_error(model):
    with pytest.raises(YunetModelError, match="cannot read it"):
        YunetDetector(model, None)
