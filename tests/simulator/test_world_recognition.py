"""Is it a face, and the same person again? Judged by what knows nothing of the simulator."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from bonafide.face.detect import MtcnnDetector
from bonafide.simulator.capture_clip import capture_clip, stage_clip
from bonafide.simulator.identity import Garment, Glasses, balanced_population
from bonafide.simulator.session import plan_capture


def photo(person, seed, **changes):
    plan = replace(plan_capture(np.random.default_rng(seed), adverse=False), **changes)
    clip = stage_clip(person, "bona_fide", np.random.default_rng(seed), plan)
    return next(capture_clip(clip, 1, start_s=2.0, modalities=False))


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_real_detector_finds_95_of_100_people_and_their_landmarks():
    detector = MtcnnDetector()
    people = balanced_population(np.random.default_rng(77), 100)
    errors = []
    for number, person in enumerate(people):
        frame = photo(person, (77, number))
        truth = frame.landmarks.astype(float)
        eyes = np.linalg.norm(truth[1] - truth[0])
        for face in detector.detect(frame.rgb):
            error = np.linalg.norm(np.asarray(face.landmarks) - truth, axis=1) / eyes
            if error.mean() < 0.3:
                errors.append(error)
                break
    assert len(errors) >= 95
    # Human annotators differ by a few per cent of the distance between the eyes as well.
    assert np.all(np.median(errors, axis=0) < 0.10)


def signature(frame):
    """Locally normalised grey of the aligned inner face: no hair, no clothes, no overall light."""
    source = frame.landmarks[[0, 1, 3, 4]].astype(np.float32)
    target = np.array([[22, 24], [58, 24], [26, 64], [54, 64]], np.float32)
    warp, _ = cv2.estimateAffinePartial2D(source, target)
    face = cv2.warpAffine(cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY), warp, (80, 80))
    face = np.log(face.astype(np.float32) + 8)
    flat = face - cv2.GaussianBlur(face, (0, 0), 7)
    inner = (flat / (cv2.GaussianBlur(flat**2, (0, 0), 10) ** 0.5 + 0.02))[8:74, 10:70]
    return (inner - inner.mean()) / inner.std()


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_person_looks_more_like_themselves_than_like_others_in_another_session():
    """Frontal poses, other light, camera, noise and expression; no glasses, the same garment."""
    people = [replace(person, glasses=Glasses.NONE, garment=Garment.CREW)
              for person in balanced_population(np.random.default_rng(5), 12)]  # fmt: skip
    pose = {"yaw_deg": 0.0, "pitch_deg": 0.0, "roll_deg": 0.0}
    first, second = (
        [signature(photo(p, (session, k), **pose)) for k, p in enumerate(people)]
        for session in (1, 2)
    )
    alike = np.array([[float((a * b).mean()) for b in second] for a in first])
    same, others = np.diag(alike), alike[~np.eye(12, dtype=bool)]
    assert same.mean() > others.mean() + 0.1
    # By chance 1 of 12 would be first.
    assert (alike.argmax(1) == np.arange(12)).sum() >= 6
