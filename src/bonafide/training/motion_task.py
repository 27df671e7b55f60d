"""How the motion CNN-LSTM is trained (sections 3.3 and 4.1), in the form that the loop asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn, optim

from bonafide.models import motion_cnn_lstm
from bonafide.models.motion_cnn_lstm import MotionCnnLstm
from bonafide.training.array_cache import ArrayCache
from bonafide.training.augmentation import jitter_geometry, recolour
from bonafide.training.checkpoint import load_tensors
from bonafide.training.clip_cache import clip_cache, pool5_cache
from bonafide.training.clip_faces import Faces
from bonafide.training.loop import BEST, compact
from bonafide.training.motion_settings import RANDOM, MotionSettings
from bonafide.training.ms_fans_task import balanced_cross_entropy
from bonafide.training.run import RECORD, Reporter, RunData, read_splits
from bonafide.training.sampler import BalancedSampler, balanced_sampler, step_rng, targets_of
from bonafide.training.settings import load_settings
from bonafide.types import Presentation, Split

FAMILY = "motion_cnn_lstm"

Clip = npt.NDArray[np.uint8] | npt.NDArray[np.float16]
InitialWeights = Mapping[str, npt.NDArray[np.float32]]
"""Of the CNN, see `models.initial_weights`; empty for random ones."""


@dataclass(frozen=True)
class ClipCaches:
    """The clip caches of one sample table, by split; a split without rows has none."""

    samples: dict[Split, list[Presentation]]
    clips: dict[Split, ArrayCache]

    def run_data(self) -> RunData:
        """What the run's record tells of them."""
        return RunData(self.samples, {split: len(c.missed) for split, c in self.clips.items()})


def open_clips(
    table: Path,
    folder: Path,
    settings: MotionSettings,
    workers: int,
    report: Reporter,
    faces: Mapping[Split, Faces] | None = None,
) -> ClipCaches:
    """Read and check a sample table, and read or open the clips of each of its splits.

    Args:
        table: the sample table.
        folder: of the caches.
        settings: which frames.
        workers: processes.
        report: told of the progress.
        faces: by split, see `clip_cache.clip_cache`; None finds them on the way.

    Raises:
        BonafideError: the table is faulty, its splits share subjects, or train or development is
            missing.
    """
    by_split = read_splits(table)
    clips = {}
    for split, rows in by_split.items():
        if rows:
            clips[split] = clip_cache(
                rows,
                folder / split.value,
                settings.clip(),
                faces=None if faces is None else faces[split],
                workers=workers,
                on_sample=report.preparing(split.value, len(rows)),
            )
    return ClipCaches(by_split, clips)


@dataclass(frozen=True)
class MotionData:
    """What training reads.

    Attributes:
        clips: (rows, N, side, side, 3) uint8 RGB, or pool5 of them (rows, N, channels, height,
            width) float16; usually memory-mapped.
        targets: (rows,) int64, indices into `types.CLASSES`.
        sampler: over the same rows.
        development_clips, development_targets: the same of the development set.
    """

    clips: npt.NDArray[np.uint8] | npt.NDArray[np.float16]
    targets: npt.NDArray[np.int64]
    sampler: BalancedSampler
    development_clips: npt.NDArray[np.uint8] | npt.NDArray[np.float16]
    development_targets: npt.NDArray[np.int64]


def motion_data(
    caches: ClipCaches,
    settings: MotionSettings,
    folder: Path,
    initial: InitialWeights,
    device: torch.device,
) -> MotionData:
    """The training and development clips as the task reads them; pool5 if the CNN is frozen.

    Args:
        caches: of `open_clips`.
        settings: of the run.
        folder: where pool5 is kept, if it is.
        initial: weights of the CNN.
        device: where pool5 is computed.
    """
    training, development = caches.clips[Split.TRAIN], caches.clips[Split.DEVELOPMENT]
    values = training.values, development.values
    if settings.freeze_cnn:
        network = build_network(settings, initial).to(device)
        values = (
            frozen_pool5(training, folder, Split.TRAIN, network, settings),
            frozen_pool5(development, folder, Split.DEVELOPMENT, network, settings),
        )
    return MotionData(
        values[0],
        targets_of(training.samples),
        balanced_sampler(training.samples),
        values[1],
        targets_of(development.samples),
    )


def frozen_pool5(
    clips: ArrayCache, folder: Path, split: Split, network: MotionCnnLstm, settings: MotionSettings
) -> npt.NDArray[np.float16]:
    """What a frozen CNN makes of a split's clips; before and after training it is the same.

    Args:
        clips: of the split.
        folder: where pool5 is kept.
        split: names the features.
        network: as it is before training, or as it was saved.
        settings: of the run.
    """
    return pool5_cache(clips, folder / f"pool5_{split.value}", network, settings.precision)


@dataclass(frozen=True)
class MotionTask:
    """Implements `task.TrainingTask`."""

    settings: MotionSettings
    data: MotionData
    initial: InitialWeights
    family: str = FAMILY

    @property
    def name(self) -> str:
        """Such as "cnn-lstm-a magnified vgg16 vgg-face"; what is usual is left out."""
        s = self.settings
        parts = [
            s.variant,
            "magnified" if s.preset else "",
            s.cnn,
            "" if s.initial == RANDOM else s.initial,
            "frozen" if s.freeze_cnn else "",
            "" if s.order == "in_order" else s.order,
        ]
        return " ".join(part for part in parts if part)

    def build_network(self) -> MotionCnnLstm:
        """The network: the CNN's initial weights, all others drawn from the run's seed."""
        return build_network(self.settings, self.initial)

    def build_optimizer(self, network: nn.Module) -> optim.Optimizer:
        """Adam (section 4.1), over what learns."""
        learning = [each for each in network.parameters() if each.requires_grad]
        return optim.Adam(learning, self.settings.learning_rate)

    def learning_rate_at(self, step: int) -> float:
        """Constant: the paper names one value."""
        del step
        return self.settings.learning_rate

    def batch(self, step: int, rank: int, world: int) -> tuple[Tensor, ...]:
        """Clips (share, N, side, side, 3) uint8, or pool5 of them float32, and targets (share,)."""
        rng = step_rng(self.settings.seed, step)
        rows = np.array_split(self.data.sampler.draw(self.settings.batch, rng), world)[rank]
        rng = np.random.default_rng([self.settings.seed, step, rank])
        clips = np.stack([self._augmented(self.data.clips[row], rng) for row in rows])
        return _full(torch.from_numpy(clips)), torch.from_numpy(self.data.targets[rows])

    def _augmented(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """Moved and recoloured, alike in all frames. Settings allow neither for pool5."""
        if self.settings.shift:
            clip = jitter_geometry(clip, self.settings.shift, rng)
        if self.settings.jitter:
            clip = recolour(clip, self.settings.jitter, rng)
        return clip

    def loss(self, model: nn.Module, batch: tuple[Tensor, ...], step: int) -> Tensor:
        """LSTM loss and CNN loss together (section 3.3)."""
        del step
        clips, target = batch
        return motion_cnn_lstm.loss(
            model(clips),
            target,
            recurrent=motion_cnn_lstm.VARIANTS[self.settings.variant].recurrent,
            cnn_weight=self.settings.cnn_weight,
        )

    def development_measure(self, network: nn.Module) -> float:
        """Cross-entropy of the clips on the development set, both classes weighing the same."""
        assert isinstance(network, MotionCnnLstm)
        logits, _ = score_clips(network, self.data.development_clips)
        return balanced_cross_entropy(logits, self.data.development_targets)


def build_network(settings: MotionSettings, initial: InitialWeights) -> MotionCnnLstm:
    """The network of a run, before training."""
    torch.manual_seed(settings.seed)
    network = MotionCnnLstm(settings.variant, settings.cnn, settings.frames, settings.hidden)
    if initial:
        network.cnn.load_state_dict({name: torch.tensor(value) for name, value in initial.items()})
    if settings.freeze_cnn:
        network.freeze_cnn()
        network.cnn.load_state_dict(compact(network.cnn))  # as it will be saved, so one pool5 fits
    return network


def load_network(run: Path) -> tuple[MotionCnnLstm, MotionSettings]:
    """The kept (best on development) network of a run, on the CPU, in evaluation mode.

    Raises:
        BonafideError: the folder holds no finished run.
    """
    settings = load_settings(MotionSettings, run / RECORD)
    tensors, _ = load_tensors(run / BEST)
    network = build_network(settings, {})
    network.load_state_dict(tensors)
    return network.eval(), settings


def score_clips(
    network: MotionCnnLstm,
    clips: npt.NDArray[np.uint8] | npt.NDArray[np.float16],
    batch: int = 4,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Judge cached clips, or pool5 of them.

    Returns:
        logits (rows, 2) and attention (rows, N), float32.
    """
    device = next(network.parameters()).device
    network.eval()
    logits, attention = [], []
    with torch.inference_mode():
        for start in range(0, len(clips), batch):
            part = _full(torch.from_numpy(np.array(clips[start : start + batch])))
            output = network(part.to(device))
            logits.append(output.logits.float().cpu().numpy())
            attention.append(output.attention.float().cpu().numpy())
    return np.concatenate(logits), np.concatenate(attention)


def _full(clips: Tensor) -> Tensor:
    return clips.float() if clips.is_floating_point() else clips
