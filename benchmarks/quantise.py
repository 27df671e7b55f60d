"""Does int8 pay? An exported network against its 8-bit forms: time, scores, errors on a test set.

python benchmarks/quantise.py MODEL.onnx CACHE/development CACHE/test samples.csv [--repeats 30]

MODEL is a rival's export or one stage of a cascade; CACHE the run's crops (or captures). Static
quantisation is calibrated on development rows; all forms are timed in turns in one process, one
thread, one face at a time, by the processor's clock. Prints Markdown.
"""

import argparse
import csv
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import quant_pre_process

from bonafide.cues.plane_form import PlaneForm
from bonafide.datasets.sample_table import read_sample_table
from bonafide.deploy.runtime import OnnxModel
from bonafide.training.capture_cache import open_captures_of
from bonafide.types import Label

CALIBRATION = 48


def views_of(cache, record):
    """(rows, ...) uint8 as the graph takes them."""
    if record.family != "cascade":
        return np.load(cache / "crops.npy", mmap_mode="r")
    [stage] = record.preprocessing["stages"]
    captures = open_captures_of(cache)
    form = PlaneForm(**stage["planes"])
    rows = range(len(captures.arrays["rgb"]))
    return np.stack([form.of(captures.aligned(row)) for row in rows])


def live_of(cache, table):
    """(rows,) True for bona fide."""
    label = {s.presentation: s.label for s in read_sample_table(table)}
    with (cache / "rows.csv").open(newline="") as file:
        return np.array(
            [label[row["presentation"]] is Label.BONA_FIDE for row in csv.DictReader(file)]
        )


class Faces(quantization.CalibrationDataReader):
    def __init__(self, name, views):
        self.feeds = iter([{name: view[None]} for view in views])

    def get_next(self):
        return next(self.feeds, None)


def forms_of(model, views, folder):
    """Name -> path: the model as it is, and its 8-bit forms."""
    plain = folder / "plain.onnx"
    quant_pre_process(str(model), str(plain), skip_symbolic_shape=True)
    session = onnxruntime.InferenceSession(str(plain), providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    dynamic, static = folder / "dynamic.onnx", folder / "static.onnx"
    quantization.quantize_dynamic(str(plain), str(dynamic), op_types_to_quantize=["MatMul", "Gemm"])
    chosen = views[:: max(len(views) // CALIBRATION, 1)][:CALIBRATION]
    quantization.quantize_static(
        str(plain),
        str(static),
        Faces(name, chosen),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )
    return {
        "float32": plain,
        "dynamic, fully connected": dynamic,
        "static, all": static,
    }


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def auc(score, live):
    order = score[:, None] if score.ndim == 1 else score
    higher = (order[live] > score[~live]).mean() + 0.5 * (order[live] == score[~live]).mean()
    return float(higher)


def main():
    parser = argparse.ArgumentParser()
    for name in ("model", "development", "test", "table"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--repeats", type=int, default=30)
    asked = parser.parse_args()
    record = OnnxModel(asked.model).record
    test, live = views_of(asked.test, record), live_of(asked.test, asked.table)
    threshold = record.operating_point.threshold
    with tempfile.TemporaryDirectory() as folder:
        paths = forms_of(asked.model, views_of(asked.development, record), Path(folder))
        sessions = {name: session_of(path) for name, path in paths.items()}
        megabytes = {name: path.stat().st_size / 1e6 for name, path in paths.items()}
    given = next(iter(sessions.values())).get_inputs()[0].name
    seconds = {name: [] for name in sessions}
    for number in range(asked.repeats + 1):  # the first warms up
        view = np.array(test[number % len(test)])[None]
        for name, session in sessions.items():
            begin = time.process_time()
            session.run(None, {given: view})
            if number:
                seconds[name].append(time.process_time() - begin)
    scores = {
        name: np.concatenate([session.run(None, {given: np.array(v)[None]})[0] for v in test])
        for name, session in sessions.items()
    }
    print(f"{record.name}: {live.sum()} bona fide and {(~live).sum()} attack test faces, threshold "
          f"{threshold:.4f}.\n")  # fmt: skip
    print("| form | MB | ms | ratio | score moves by at most, mean | APCER | BPCER | AUC |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    base = np.median(seconds["float32"])
    for name, score in scores.items():
        moved = np.abs(score - scores["float32"])
        apcer, bpcer = (score[~live] >= threshold).mean(), (score[live] < threshold).mean()
        spent = np.median(seconds[name])
        print(f"| {name} | {megabytes[name]:.1f} | {1e3 * spent:.1f} | {base / spent:.2f} | "
              f"{moved.max():.3f}, {moved.mean():.3f} | {apcer:.1%} | {bpcer:.1%} | "
              f"{auc(score, live):.3f} |")  # fmt: skip


if __name__ == "__main__":
    main()
