"""Draw docs/face.jpg: the astronaut's landmarks, box, and crops at the paper's seven scales.

python benchmarks/face_picture.py docs/face.jpg
"""

import sys

import cv2
import numpy as np
from skimage.data import astronaut

from bonafide.face.align import apply
from bonafide.face.crop import multi_scale_crops
from bonafide.face.detect import MtcnnDetector

SCALES = (0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.5)
ZOOM, LEFT, SHIFT = 1.2, 60, 4
YELLOW, GREEN, BLUE, RED = (255, 210, 0), (80, 255, 120), (80, 180, 255), (255, 40, 40)


def place(points):
    """Px of the picture -> OpenCV's fixed-point px of the drawing."""
    moved = (np.asarray(points) - [LEFT, 0] + 0.5) * ZOOM - 0.5
    return np.round(moved * 2**SHIFT).astype(np.int32)


def main():
    rgb = astronaut()
    face = MtcnnDetector().detect(rgb)[0]
    stack = multi_scale_crops(rgb, face.landmarks, SCALES)
    drawing = cv2.resize(rgb[:300, LEFT:390], None, fx=ZOOM, fy=ZOOM)
    box = face.box
    outlines = [
        (
            [
                [box.left, box.top],
                [box.right, box.top],
                [box.right, box.bottom],
                [box.left, box.bottom],
            ],
            YELLOW,
        ),
    ]
    square = [[-0.5, -0.5], [127.5, -0.5], [127.5, 127.5], [-0.5, 127.5]]
    for scale, color in ((1.0, GREEN), (1.5, BLUE)):
        outlines.append((apply(stack.to_picture[SCALES.index(scale)], square), color))
    for corners, color in outlines:
        cv2.polylines(drawing, [place(corners)], True, color, 2, cv2.LINE_AA, SHIFT)
    for x, y in place(face.landmarks).tolist():
        cv2.circle(drawing, (x, y), 4 << SHIFT, RED, -1, cv2.LINE_AA, SHIFT)
    width = drawing.shape[1]
    canvas = np.full((drawing.shape[0], width + 24 + 4 * 136, 3), 255, np.uint8)
    canvas[:, :width] = drawing
    for number, (crop, scale) in enumerate(zip(stack.crops, SCALES, strict=True)):
        top, left = 20 + number // 4 * 168, width + 24 + number % 4 * 136
        canvas[top : top + 128, left : left + 128] = crop
        where, font = (left, top + 146), cv2.FONT_HERSHEY_SIMPLEX
        cv2.putText(canvas, f"scale {scale}", where, font, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    cv2.imwrite(sys.argv[1], canvas[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
