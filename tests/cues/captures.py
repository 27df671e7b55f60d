"""Rendered captures for tests: a few presentations before the three sensors (simulated)."""

import functools

import numpy as np

from bonafide.capture.multimodal import MultimodalCapture, depth_in_mm
from bonafide.simulator.capture_clip import capture_clip, stage_clip
from bonafide.simulator.identity import balanced_population
from bonafide.simulator.session import plan_capture
from bonafide.types import Box, Face

PX = 160


@functools.cache
def frame(species, seed=2, person=0):
    """(MultimodalCapture, Face with the true landmarks) of one frame."""
    people = balanced_population(np.random.default_rng(6), 4)
    plan = plan_capture(np.random.default_rng(seed), PX, PX, adverse=False, face_share=(0.42, 0.46))
    clip = stage_clip(
        people[person], species, np.random.default_rng(seed), plan, holder=people[(person + 1) % 4]
    )
    taken = next(capture_clip(clip, 1))
    capture = MultimodalCapture(
        taken.rgb, depth_in_mm(taken.depth_mm, None, species), taken.infrared, species
    )
    low, high = taken.landmarks.min(0), taken.landmarks.max(0)
    return capture, Face(Box(*(low - 15), *(high - low + 30)), taken.landmarks, 1.0)
