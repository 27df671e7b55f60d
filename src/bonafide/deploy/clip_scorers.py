"""The scorers of clip models: an exported network, a run in torch, a texture machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bonafide.deploy.clip_detector import ClipScore
from bonafide.deploy.machine_file import clip_score
from bonafide.deploy.runtime import OnnxModel
from bonafide.types import BonafideError

Frames = npt.NDArray[np.uint8]


class OnnxClipScorer(OnnxModel):
    """An exported motion CNN-LSTM; needs no torch."""

    least_frames = 1

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """As `runtime.OnnxModel`.

        Raises:
            BonafideError: besides, a model of another family.
        """
        super().__init__(path, threads=threads)
        self.check_family("motion_cnn_lstm")

    def score_clip(self, frames: Frames) -> ClipScore:
        """See `clip_detector.ClipScorer.score_clip`.

        Raises:
            BonafideError: the frames do not fit the record.
        """
        clip = self.record.preprocessing["clip"]
        expected = (clip["frames"], clip["side_px"], clip["side_px"], 3)
        if frames.dtype != np.uint8 or frames.shape != expected:
            raise BonafideError(
                f"frames of shape {frames.shape} and type {frames.dtype} do not fit.",
                where=str(self.path),
                remedy=f"The model takes uint8 RGB frames of shape {expected}.",
            )
        score, attention = self.run(frames[None])
        return ClipScore(float(score[0]), attention[0])


class TorchClipScorer:
    """The network of a run folder, in torch; needs the [train] extra."""

    least_frames = 1

    def __init__(self, run: Path, *, threads: int = 1) -> None:
        """Load the kept weights of a finished run; sets torch's number of threads.

        Raises:
            BonafideError: the folder holds no finished run.
        """
        import torch

        from bonafide.deploy.package import record_of
        from bonafide.models.motion_cnn_lstm import MotionScorer
        from bonafide.training.loop import BEST
        from bonafide.training.motion_task import load_network

        torch.set_num_threads(threads)
        self.record = record_of(run, name="motion-cnn-lstm", version=run.resolve().name)
        network, _ = load_network(run)
        self.sha256 = hashlib.sha256((run / BEST).read_bytes()).hexdigest()
        self._scorer = MotionScorer(network).eval()

    def score_clip(self, frames: Frames) -> ClipScore:
        """See `clip_detector.ClipScorer.score_clip`."""
        import torch

        with torch.inference_mode():
            score, attention = self._scorer(torch.from_numpy(frames[None].copy()))
        return ClipScore(float(score[0]), attention[0].numpy())


class TextureScorer:
    """The texture machine of a run folder, in numpy; needs the [train] extra to read the run."""

    def __init__(self, run: Path, *, threads: int = 1) -> None:
        """Load a run's machine.

        Raises:
            BonafideError: the folder holds no finished run.
        """
        del threads  # there is nothing to share out
        from bonafide.deploy.package import record_of
        from bonafide.models.descriptors import CLIP_DESCRIPTORS
        from bonafide.training.loop import BEST
        from bonafide.training.texture_run import load_texture_run

        self.record = record_of(run, name="texture-svm", version=run.resolve().name)
        self.sha256 = hashlib.sha256((run / BEST).read_bytes()).hexdigest()
        self._machine = load_texture_run(run)
        self.least_frames = CLIP_DESCRIPTORS[self._machine.variant].least_frames

    def score_clip(self, frames: Frames) -> ClipScore:
        """The mean over the frames' probabilities (section 4.2), and each of them if by frame."""
        from bonafide.models.texture_svm import VARIANTS

        features = VARIANTS[self._machine.variant](frames)
        return clip_score(self._machine.probability(features), len(frames))
