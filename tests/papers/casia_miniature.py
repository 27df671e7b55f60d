"""CASIA-FASD's layout with a few people, videos 1, 3, 5 and 7, whose attacks carry a fine grid."""

import json

import numpy as np
from PIL import Image

from bonafide.datasets.tree import PROVENANCE

VIDEOS = ("1", "3", "5", "7")


def small_face(astronaut):
    """(200, 200, 3) with the face in the middle and room around it."""
    return np.asarray(Image.fromarray(astronaut[:400, 20:420]).resize((200, 200)))


def write_miniature(root, astronaut, write_clip, train=4, test=3, frames=2):
    """Write it; returns the root."""
    face = small_face(astronaut)
    for part, people in (("train_release", train), ("test_release", test)):
        for person in range(1, people + 1):
            for video in VIDEOS:
                folder = root / part / str(person)
                folder.mkdir(parents=True, exist_ok=True)
                rgb = np.roll(face, 2 * person, axis=1).copy()
                if video != "1":
                    step = int(video)
                    rgb[::step] = (
                        rgb[::step] // 2 + 110 - person
                    )  # faint, so that the face is found
                pictures = [np.roll(rgb, n, axis=0) for n in range(frames)]
                write_clip(folder / f"{video}.avi", pictures, codec="mjpeg", pixels="yuvj420p")
    (root / PROVENANCE).write_text(json.dumps({"simulator": "a grid, for tests"}))
    return root
