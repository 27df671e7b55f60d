"""Machines over hand-made features: run folders beside their exports, with and without a compiler.

python benchmarks/machines.py RUN[=CACHE.npy] ... [--repeats 15]
python benchmarks/machines.py --magnified RUN=samples.csv ... [--clips 20]

Exports each RUN (of `train rival` a machine, or of `train texture`) with CACHE (its crops.npy,
clips.npy or features.npy) as the probe of the parity check, and times one presentation from crops
to score at one thread by the processor's clock, in turns: a face, or a clip of 100 frames of the
bundled photo. The last column is the export where numba is missing. Prints Markdown.

With --magnified, times the magnification of a clip, then exports each RUN of `train texture
--magnify` and tells how far the scores of test clips of the table move where numba is missing.
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from bonafide.capture.limits import Limits
from bonafide.cues import add_change, band_pass, band_pass_plain, lbp, lbp_plain
from bonafide.cues.magnification import magnify_clip
from bonafide.cues.magnification_settings import PRESETS
from bonafide.datasets.sample_table import read_sample_table
from bonafide.deploy.clip_scorers import TextureScorer
from bonafide.deploy.load import load_detector
from bonafide.deploy.machine_file import OnnxMachineScorer, OnnxTextureScorer
from bonafide.deploy.package import export_run
from bonafide.deploy.rival_export import sample_views
from bonafide.deploy.rival_scorer import RivalScorer
from bonafide.deploy.sample_face import sample_clips
from bonafide.models.catalogue import MACHINES
from bonafide.training.run import family_of
from bonafide.types import Split

FRAMES = 100
MAGNIFIED = 150  # five seconds at 30 frames a second


def roads(run, file):
    """Name -> a function that scores one presentation; and what that is."""
    if family_of(run) == "texture_svm":
        ours, theirs = OnnxTextureScorer(file), TextureScorer(run)
        clip = ours.record.preprocessing["clip"]
        [frames] = sample_clips(FRAMES, clip["side_px"], clip["extend"], 1)
        return lambda: theirs.score_clip(frames).score, lambda: ours.score_clip(frames).score
    ours, theirs = OnnxMachineScorer(file), RivalScorer(run)
    views = sample_views(MACHINES[ours.record.preprocessing["model"]].views, 1)
    return (
        lambda: float(theirs.score(views).score[0]),
        lambda: float(ours.score(views).score[0]),
    )


def timed(road):
    begin = time.process_time()
    score = road()
    return 1e3 * (time.process_time() - begin), score


def plain(road):
    """The same without a compiler."""

    def run():
        compiled = lbp.loops, band_pass.loops, add_change.compiled
        lbp.loops, band_pass.loops, add_change.compiled = lbp_plain, band_pass_plain, None
        try:
            return road()
        finally:
            lbp.loops, band_pass.loops, add_change.compiled = compiled

    return run


def moved(run, table, count):
    """Of test clips, evenly spaced: how far each score moves without a compiler."""
    clips = [sample for sample in read_sample_table(table) if sample.split is Split.TEST]
    clips = clips[:: max(len(clips) // count, 1)][:count]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        export_run(run, file, version="0")
        detector = load_detector(file)
    found = []
    for clip in clips:

        def road(clip=clip):
            judged, _ = detector.examine_file(Path(clip.path), Limits(), clip.rotation_deg)
            return judged.verdict.score

        pair = road(), plain(road)()
        if None not in pair:
            found.append(abs(pair[0] - pair[1]))
    return found


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--magnified", action="store_true")
    parser.add_argument("--clips", type=int, default=20)
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    if asked.magnified:
        [frames] = sample_clips(MAGNIFIED, 112, 1.0, 1)
        times_s = np.arange(MAGNIFIED) / 30
        for name in ("face-motion", "face-pulse"):

            def magnify(preset=PRESETS[name]):
                return magnify_clip(frames, times_s, preset)

            ways = magnify, plain(magnify)
            found = [[timed(way)[0] for way in ways] for _ in range(asked.repeats + 1)][1:]
            best = [min(turn[i] for turn in found) for i in range(2)]
            print(f"{name}: {MAGNIFIED} frames in {best[0]:.0f} ms, without numba {best[1]:.0f} ms")
        for run, _, table in (word.partition("=") for word in asked.runs):
            found = moved(Path(run), Path(table), asked.clips)
            print(f"{run}: {len(found)} clips, scores move by {max(found):.0e} at most", flush=True)
        return
    print("| run | MB | differs by | run folder, ms | export, ms | export, base install, ms |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for word in asked.runs:
        run, _, cache = word.partition("=")
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "model.onnx"
            differs = export_run(Path(run), file, probe=Path(cache) if cache else None, version="0")
            theirs, ours = roads(Path(run), file)
            ways = (theirs, ours, plain(ours))
            found = [[timed(way) for way in ways] for _ in range(asked.repeats + 1)][1:]
            scores = {round(score, 6) for turn in found for _, score in turn}
            assert max(scores) - min(scores) < 1e-4
            best = [min(turn[i][0] for turn in found) for i in range(3)]
            cells = " | ".join(f"{ms:.1f}" for ms in best)
            size = file.stat().st_size / 1e6
            print(f"| {run} | {size:.1f} | {differs:.0e} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
