"""Replay-Attack's and MSU-MFSD's layouts with a few people and short clips; attacks are greyer."""

import json

import numpy as np
from tests.papers.casia_miniature import small_face

from bonafide.datasets.msu_mfsd import TEST_IDS, TRAIN_IDS
from bonafide.datasets.replay_attack import CLIENTS, LIGHTS, SPLITS, clip_name
from bonafide.datasets.tree import PROVENANCE

FRAMES = 8
PEOPLE = {"train": 2, "devel": 1, "test": 2}
MSU_TRAIN, MSU_TEST = 2, 4


def write_replay_attack(root, astronaut, write_clip):
    """Each person once live and once as a print, in both lights; returns the root."""
    face = small_face(astronaut)
    for folder, split in SPLITS.items():
        for client in CLIENTS[split][: PEOPLE[folder]]:
            for light in LIGHTS:
                who = f"client{client:03d}_session01_webcam_authenticate_{light}_1"
                lit = face if light == "controlled" else (face * 0.8).astype(np.uint8)
                _film(root / folder / "real" / f"{who}.mov", lit, client, write_clip)
                name = clip_name(folder, client, "fixed", "print", "photo", light)
                _film(root / f"{name}.mov", lit // 2 + 60, client, write_clip)
    return _simulated(root)


def write_msu_mfsd(root, astronaut, write_clip):
    """Each person once live and once as a print, before the laptop; returns the root."""
    face = small_face(astronaut)
    for client in TRAIN_IDS[:MSU_TRAIN] + TEST_IDS[:MSU_TEST]:
        who = f"client{client:03d}_laptop_SD"
        _film(root / "real" / f"real_{who}_scene01.mov", face, client, write_clip)
        path = root / "attack" / f"attack_{who}_printed_photo_scene01.mov"
        _film(path, face // 2 + 60, client, write_clip)
    return _simulated(root)


def _film(path, rgb, client, write_clip):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_clip(path, [np.roll(rgb, client % 7 + i % 3, axis=0) for i in range(FRAMES)])


def _simulated(root):
    (root / PROVENANCE).write_text(json.dumps({"simulator": "greyer attacks, for tests"}))
    return root
