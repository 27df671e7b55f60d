"""The aligned face: the same place in three modalities, and reasons for having none."""

from dataclasses import replace

import numpy as np
import pytest
from captures import PX, frame

from bonafide.capture.multimodal import MultimodalCapture
from bonafide.cues import spectral
from bonafide.cues.aligned_capture import (
    D_PLANES,
    M_PLANES,
    CaptureLimits,
    _block_medians,
    align_capture,
    depth_planes,
    level_and_distance,
    prepare_capture,
    registration_of,
    scale_of,
    spectral_planes,
)
from bonafide.cues.depth import scale_range
from bonafide.face.align import CANONICAL_FACE
from bonafide.face.pose import HEAD, rotation
from bonafide.types import Box, Face, Pose, ReasonCode

SIDE = 64


@pytest.fixture(scope="module")
def live():
    return frame("bona_fide")


def codes(prepared):
    return [reason.code for reason in prepared.reasons if reason.blocking]


def prepare(capture, face):
    return prepare_capture(capture, [face], 1.3, SIDE)


def test_a_live_face_is_aligned_and_fits_the_canonical_one(live):
    prepared = prepare(*live)
    assert codes(prepared) == []
    aligned = prepared.aligned
    expected = ((CANONICAL_FACE - 0.5) / 1.3 + 0.5) * SIDE - 0.5
    assert np.abs(aligned.landmarks - expected).max() < 0.12 * SIDE
    assert aligned.rgb.shape == (SIDE, SIDE, 3)
    assert aligned.infrared.shape == aligned.depth.shape == (SIDE, SIDE)
    share = np.isfinite(aligned.depth).mean()
    assert 0.3 < share < 0.95
    low, high = scale_of(aligned)
    area = aligned.area_px
    assert low * area == pytest.approx(np.nanmin(aligned.depth))
    assert high * area == pytest.approx(np.nanmax(aligned.depth))
    level, distance_m = level_and_distance(aligned)
    assert 0 < level < 255
    assert 0.4 < distance_m < 0.9


def test_depth_is_resampled_without_mixing_face_and_background(live):
    aligned = prepare(*live).aligned
    known = aligned.depth[np.isfinite(aligned.depth)]
    assert known.max() - known.min() < 300  # the wall is a metre behind


def test_all_three_modalities_are_cut_by_one_map():
    """A ramp in every modality comes out as the same ramp."""
    y, x = np.indices((120, 140)).astype(np.float32)
    ramp = (40 + x).astype(np.uint8)
    capture = MultimodalCapture(np.stack([ramp] * 3, 2), 600 + x + y, ramp, "ramp")
    marks = ((CANONICAL_FACE) * 60 + [40.3, 20.7]).astype(np.float32)
    aligned = align_capture(capture, marks, 1.0, 60)
    assert np.abs(aligned.rgb[..., 0].astype(int) - aligned.infrared).max() == 0
    column = np.arange(60) + 40.3 + 0.5  # of the canonical square, in px of the picture
    expected = 600 + column[None, :] + (np.arange(60) + 20.7 + 0.5)[:, None]
    assert np.abs(aligned.depth - expected).max() < 0.02
    assert np.abs(aligned.rgb[30, :, 0] - (40 + column)).max() <= 1
    assert aligned.area_px == pytest.approx(3600, rel=1e-4)
    assert aligned.mm_per_px == pytest.approx(185 / 60)
    focal = align_capture(capture, marks, 1.0, 60, focal_px=500)
    assert focal.mm_per_px == pytest.approx(np.median(expected) / 500, rel=1e-3)


def test_blocks_are_medians_of_what_is_known():
    nan = np.nan
    depth = np.array([[1, 2, nan, nan, 9], [3, nan, nan, 7, 9]], np.float32)
    small = _block_medians(depth, 2)
    assert small.tolist() == [[2, 7]]
    assert _block_medians(depth, 1) is depth


def test_planes_are_laid_out_as_told(live):
    aligned = prepare(*live).aligned
    planes = spectral_planes(aligned, 0.7)
    assert planes.shape == (SIDE, SIDE, 14)
    assert (planes[..., M_PLANES["rgb"]] == aligned.rgb).all()
    assert (planes[..., M_PLANES["infrared"]][..., 0] == aligned.infrared).all()
    face = np.argwhere(np.isfinite(aligned.depth))[200]
    y, x = face
    distance = aligned.depth[y, x] / 1000
    free = aligned.infrared[y, x] * np.exp(0.7 * (distance - 0.6))
    assert planes[y, x, M_PLANES["stack"]][3] == pytest.approx(free, abs=0.51)
    total = spectral.summation(aligned.rgb[y : y + 1, x : x + 1], np.float32([[free]]))
    assert np.abs(planes[y, x, M_PLANES["summation"]].astype(int) - total[0, 0]).max() <= 1
    raw = spectral_planes(aligned, 0.0)
    assert (raw[..., M_PLANES["stack"]][..., :3] == aligned.rgb).all()
    maps = depth_planes(aligned, scale_range(*scale_of(aligned)))
    outside = np.isnan(aligned.depth)
    assert (maps[outside] == 255).all()
    assert maps[..., D_PLANES["f1"]][~outside].min() == 0
    assert maps[..., D_PLANES["f3"]][~outside].min() < 30


def test_a_print_is_flat_and_a_face_is_not(live):
    def median_angle(capture, face):
        aligned = align_capture(capture, face.landmarks, 1.0, SIDE)
        angle = depth_planes(aligned, scale_range(0.0, 1.0))[..., 2]
        return np.median(angle[np.isfinite(aligned.depth)]) * 90 / 255

    assert median_angle(*frame("print_flat")) < 6
    assert median_angle(*live) > 12


@pytest.mark.parametrize(("angle", "wanted"), [(17.0, False), (23.0, True)])
@pytest.mark.parametrize("axis", ["yaw_deg", "pitch_deg", "roll_deg"])
def test_a_turned_head_is_rejected_with_the_reason(live, axis, angle, wanted):
    capture, _ = live
    pose = replace(Pose(0.0, 0.0, 0.0), **{axis: angle})
    marks = ((HEAD @ rotation(pose).T)[:, :2] * 24 + [80, 70]).astype(np.float32)
    prepared = prepare(capture, Face(Box(40, 40, 80, 80), marks, 1.0))
    assert (ReasonCode.EXTREME_POSE in codes(prepared)) is wanted
    if wanted:
        assert prepared.aligned is None


def test_shifted_infrared_is_told_and_a_little_is_borne(live):
    capture, face = live
    assert registration_of(prepare(*live).aligned).length_px < 1.5
    moved = replace(capture, infrared=np.roll(capture.infrared, 9, axis=1))
    assert codes(prepare(moved, face)) == [ReasonCode.MISREGISTERED]
    nudged = replace(capture, infrared=np.roll(capture.infrared, 2, axis=1))
    assert codes(prepare(nudged, face)) == []


def test_a_dead_infrared_sensor_is_told(live):
    capture, face = live
    black = replace(capture, infrared=np.zeros((PX, PX), np.uint8))
    assert codes(prepare(black, face)) == [ReasonCode.MISSING_MODALITY]


def test_depth_that_is_lost_is_told(live):
    capture, face = live
    nothing = replace(capture, depth_mm=np.full((PX, PX), np.nan, np.float32))
    assert codes(prepare(nothing, face)) == [ReasonCode.NO_DEPTH]
    spots = np.full((PX, PX), np.nan, np.float32)
    spots[70:80, 70:80] = 600
    assert codes(prepare(replace(capture, depth_mm=spots), face)) == [ReasonCode.NO_DEPTH]


def glass(capture, face):
    """The capture with nothing measured on the face and all of the rest measured."""
    away = capture.depth_mm.copy()
    x, y = face.landmarks.mean(0).astype(int)
    away[y - 36 : y + 36, x - 36 : x + 36] = np.nan  # all five landmarks lie in the hole
    return replace(capture, depth_mm=away)


def test_a_face_without_depth_amid_depth_is_judged_as_having_none(live):
    """A screen's glass returns nothing, its frame does: that is evidence, and no dead sensor."""
    capture, face = live
    prepared = prepare(glass(capture, face), face)
    assert codes(prepared) == []
    [remark] = [r for r in prepared.reasons if r.code is ReasonCode.NO_DEPTH]
    assert "glass of a screen" in remark.advice
    aligned = prepared.aligned
    assert not aligned.has_depth
    assert (depth_planes(aligned, scale_range(0.0, 1.0)) == 255).all()
    planes = spectral_planes(aligned, 0.7)  # no distance: the picture as taken
    assert np.array_equal(planes[..., M_PLANES["stack"]][..., :3], aligned.rgb)
    limits = CaptureLimits(min_alive_share=0.999)
    again = prepare_capture(glass(capture, face), [face], 1.3, SIDE, limits)
    assert codes(again) == [ReasonCode.NO_DEPTH]
    assert again.aligned is None


def test_no_face_is_no_face(live):
    prepared = prepare_capture(live[0], [], 1.3, SIDE, CaptureLimits())
    assert codes(prepared) == [ReasonCode.NO_FACE]
    assert prepared.face is None
