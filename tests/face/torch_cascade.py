"""The published detector written plainly in torch: the reference for tests and the benchmark.

It follows the PyPI package mtcnn 1.0.0 step by step, one box at a time, with none of the package's
or this project's code. Where the project's detector is batched and clever, this one is slow and
short: it resizes the picture itself to every level, samples patches with corners aligned as
TensorFlow's crop_and_resize does, and lets a box suppressed by another suppress in turn.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from bonafide.face.weights import load_tensors


class Conv(nn.Module):
    """Unpadded convolution, bias, PReLU per channel."""

    def __init__(self, kernel, bias, slope):
        super().__init__()
        self.kernel = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
        self.bias = torch.from_numpy(bias)
        self.slope = torch.from_numpy(slope.ravel())

    def forward(self, x):
        return functional.prelu(functional.conv2d(x, self.kernel, self.bias), self.slope)


class Dense(nn.Module):
    """x W + b with the package's (in, out) matrix."""

    def __init__(self, matrix, bias):
        super().__init__()
        self.matrix, self.bias = torch.from_numpy(matrix), torch.from_numpy(bias)

    def forward(self, x):
        return x @ self.matrix + self.bias


def _prefixed(tensors, name):
    count = sum(key.startswith(name) for key in tensors)
    return [tensors[f"{name}.{i}"] for i in range(count)]


class ProposalNet(nn.Module):
    def __init__(self, tensors):
        super().__init__()
        w = _prefixed(tensors, "pnet")
        self.conv1, self.conv2, self.conv3 = Conv(*w[:3]), Conv(*w[3:6]), Conv(*w[6:9])
        self.offsets = Dense(w[9][0, 0], w[10])  # a 1x1 convolution is a matrix on channels
        self.face = Dense(w[11][0, 0], w[12])

    def forward(self, x):
        """(n, 3, h, w) normalised -> offsets (n, rows, columns, 4), face (n, rows, columns, 2)."""
        x = functional.max_pool2d(self.conv1(x), 2, 2, ceil_mode=True)
        x = self.conv3(self.conv2(x)).permute(0, 2, 3, 1)
        return self.offsets(x), self.face(x).softmax(-1)


class RefinementNet(nn.Module):
    def __init__(self, tensors):
        super().__init__()
        w = _prefixed(tensors, "rnet")
        self.conv1, self.conv2, self.conv3 = Conv(*w[:3]), Conv(*w[3:6]), Conv(*w[6:9])
        self.dense, self.slope = Dense(*w[9:11]), torch.from_numpy(w[11])
        self.offsets, self.face = Dense(*w[12:14]), Dense(*w[14:16])

    def forward(self, x):
        x = functional.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True)
        x = functional.max_pool2d(self.conv2(x), 3, 2)
        x = self.dense(self.conv3(x).permute(0, 3, 2, 1).flatten(1))
        x = torch.where(x > 0, x, x * self.slope)
        return self.offsets(x), self.face(x).softmax(-1)


class OutputNet(nn.Module):
    def __init__(self, tensors):
        super().__init__()
        w = _prefixed(tensors, "onet")
        self.convs = [Conv(*w[i : i + 3]) for i in (0, 3, 6, 9)]
        self.dense, self.slope = Dense(*w[12:14]), torch.from_numpy(w[14])
        self.offsets, self.points, self.face = Dense(*w[15:17]), Dense(*w[17:19]), Dense(*w[19:])

    def forward(self, x):
        x = functional.max_pool2d(self.convs[0](x), 3, 2, ceil_mode=True)
        x = functional.max_pool2d(self.convs[1](x), 3, 2)
        x = functional.max_pool2d(self.convs[2](x), 2, 2, ceil_mode=True)
        x = self.dense(self.convs[3](x).permute(0, 3, 2, 1).flatten(1))
        x = torch.where(x > 0, x, x * self.slope)
        return self.offsets(x), self.points(x), self.face(x).softmax(-1)


class TorchCascade:
    """detect(rgb) -> list of (left, top, right, bottom, confidence, points (5, 2)), best first."""

    def __init__(self, min_face_px=20, thresholds=(0.6, 0.7, 0.8)):
        tensors = load_tensors()
        self.pnet, self.rnet, self.onet = (
            ProposalNet(tensors),
            RefinementNet(tensors),
            OutputNet(tensors),
        )
        self.min_face_px, self.thresholds = min_face_px, thresholds

    @torch.no_grad()
    def detect(self, rgb):
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # small layers: more threads only wait for each other
        try:
            return self._detect(rgb)
        finally:
            torch.set_num_threads(threads)

    def _detect(self, rgb):
        picture = torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None]
        picture = (picture - 127.5) / 128
        boxes = self._propose(picture)
        boxes = self._refine(picture, boxes)
        return self._output(picture, boxes)

    def _propose(self, picture):
        height, width = picture.shape[2:]
        scale, found = 12 / self.min_face_px, []
        while min(height, width) * scale >= 12:
            size = int(height * scale), int(width * scale)
            level = functional.interpolate(picture, size=size, mode="area")
            offsets, face = self.pnet(level)
            on_level = []
            for y, x in (face[0, ..., 1] > self.thresholds[0]).nonzero().tolist():
                window = np.array([2 * x, 2 * y, 2 * x + 12, 2 * y + 12], dtype=float)
                box = (window + offsets[0, y, x].numpy() * 12) / scale
                on_level.append((*box, float(face[0, y, x, 1])))
            found += _suppress(on_level, 0.5)
            scale *= 0.709
        return [_square(box) for box in _suppress(found, 0.7)]

    def _refine(self, picture, boxes):
        refined = []
        for box in boxes:
            offsets, face = self.rnet(_patch(picture, box, 24))
            if face[0, 1] > self.thresholds[1]:
                refined.append((*_moved(box, offsets[0].numpy()), float(face[0, 1])))
        return [_square(box) for box in _suppress(refined, 0.7)]

    def _output(self, picture, boxes):
        found = []
        for box in boxes:
            offsets, points, face = self.onet(_patch(picture, box, 48))
            if face[0, 1] > self.thresholds[2]:
                left, top, right, bottom = box[:4]
                five = points[0].numpy().reshape(2, 5).T * [right - left + 1, bottom - top + 1]
                five += np.array([left - 1, top - 1])
                found.append((*_moved(box, offsets[0].numpy()), float(face[0, 1]), five))
        return _suppress(found, 0.7, smaller=True)


def _moved(box, offsets):
    left, top, right, bottom = box[:4]
    width, height = right - left + 1, bottom - top + 1
    return np.array(box[:4]) + offsets * [width, height, width, height]


def _square(box):
    left, top, right, bottom = box[:4]
    side = max(right - left, bottom - top)
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    return (x, y, x + side, y + side, *box[4:])


def _patch(picture, box, side):
    """Bilinear samples from corner to corner of the box; zero outside the picture."""
    height, width = picture.shape[2:]
    left, top, right, bottom = box[:4]
    x = np.linspace(left, right, side) * (width - 1) / width
    y = np.linspace(top, bottom, side) * (height - 1) / height
    grid = np.stack(np.meshgrid(2 * x / (width - 1) - 1, 2 * y / (height - 1) - 1), axis=-1)
    grid = torch.from_numpy(grid.astype(np.float32))[None]
    return functional.grid_sample(picture, grid, padding_mode="zeros", align_corners=True)


def _suppress(found, limit, *, smaller=False):
    """Drop a box if any better one, itself dropped or not, overlaps it by more than the limit."""
    found = sorted(found, key=lambda one: -one[4])
    return [
        one
        for i, one in enumerate(found)
        if all(_overlap(one, better, smaller) <= limit for better in found[:i])
    ]


def _overlap(a, b, smaller):
    common = max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    area_a, area_b = (a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1])
    return common / (min(area_a, area_b) if smaller else area_a + area_b - common)
