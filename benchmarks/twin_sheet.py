"""A contact sheet of a twin: four people of every kind of attack, in every modality.

python benchmarks/twin_sheet.py casia-fasd TWIN docs/twin-casia-fasd.jpg [--protocol release]

The first picture of a clip. Depth is shown around the distance of the picture's middle; what has no
depth is black.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from bonafide.datasets.loaders import Asked, load
from bonafide.datasets.media import first_picture
from bonafide.simulator.world_sheet import depth_picture

PEOPLE = 4
HEIGHT_PX = 150
LABEL_PX = 16


def modalities_of(row):
    """Colour, and depth and infrared where there are any: (height, width, 3) uint8 each."""
    pictures = [first_picture(row)]
    if row.depth_path:
        depth = cv2.imread(row.depth_path, cv2.IMREAD_UNCHANGED)
        infrared = cv2.imread(row.infrared_path, cv2.IMREAD_UNCHANGED)
        pictures += [shown_depth(depth), grey(infrared)]
    return [fitted(picture) for picture in pictures]


def shown_depth(depth):
    """Millimetres as the world's sheets show them, around the middle; levels as they are."""
    if depth.dtype != np.uint16:
        return grey(depth)
    height, width = depth.shape
    return depth_picture(depth, np.array([[width / 2, height / 2]], np.float32))


def grey(picture):
    flat = picture if picture.ndim == 2 else picture[..., 0]
    return np.repeat(flat[..., None], 3, 2)


def fitted(picture):
    share = HEIGHT_PX / picture.shape[0]
    size = (round(picture.shape[1] * share), HEIGHT_PX)
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


def line_of(rows):
    """One line of the sheet: a picture of each of a few people."""
    by_person = {row.capture_subject: row for row in rows}
    people = sorted(by_person)[:: max(len(by_person) // PEOPLE, 1)][:PEOPLE]
    return np.hstack([picture for p in people for picture in modalities_of(by_person[p])])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("root", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--protocol")
    given = parser.parse_args()
    indexed = load(given.name, given.root, Asked(protocol=given.protocol, partial=True))
    by_kind = defaultdict(list)
    for row in indexed.rows:
        by_kind[row.pai_species, row.pai_detail].append(row)
    lines = {" ".join(kind): line_of(rows) for kind, rows in sorted(by_kind.items())}
    width = max(line.shape[1] for line in lines.values())
    sheet = Image.new("RGB", (width, len(lines) * (HEIGHT_PX + LABEL_PX)), "white")
    pen = ImageDraw.Draw(sheet)
    for number, (kind, line) in enumerate(lines.items()):
        top = number * (HEIGHT_PX + LABEL_PX)
        pen.text((3, top + 2), f"{kind.strip()} (simulated)", fill="black")
        sheet.paste(Image.fromarray(line), (0, top + LABEL_PX))
    sheet.save(given.output, quality=88)


if __name__ == "__main__":
    main()
