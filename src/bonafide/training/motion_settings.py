"""The settings of a run of the motion CNN-LSTM."""

from __future__ import annotations

from dataclasses import dataclass

from bonafide.cues.clip_frames import ClipSettings
from bonafide.models.initial_weights import TRANSFER
from bonafide.models.motion_cnn_lstm import CNNS, VARIANTS
from bonafide.models.vgg_weights import KINDS
from bonafide.training.settings import check_common, require

RANDOM = "random"
INITIAL = (RANDOM, *KINDS, TRANSFER)


@dataclass(frozen=True)
class MotionSettings:
    """Settings of a run of the motion CNN-LSTM. Defaults marked (paper) are the paper's.

    Attributes:
        variant: cnn, cnn-lstm or cnn-lstm-a (paper: Tables 1 and 2).
        cnn: vgg16 (paper) or small.
        hidden: units of each LSTM layer.
        cnn_weight: of the CNN loss against the LSTM loss.
        initial: what the CNN begins with: vgg-face (paper), imagenet, the transfer of an earlier
            run, or random.
        initial_sha256: of the file that the weights were taken from; "" for random.
        freeze_cnn: leave the CNN as it begins, and train on its stored pool5.
        frames, window_s, extend, look_hz, preset, alpha, low_hz, high_hz, order: which frames of a
            clip, magnified or not; see `cues.clip_frames.ClipSettings`.
        shift: how far a training clip is moved at random, in sides; it is mirrored at random, too.
            0 leaves it as it is (the paper names no augmentation); see
            `augmentation.jitter_geometry`.
        jitter: strength of the change of colours, 0 switches it off; see `augmentation.recolour`.
            Both are alike in all frames of a clip, so that its motion stays.
        batch, accumulate: see `settings.RunSettings`.
        steps: of optimisation.
        learning_rate: of Adam (paper: 1e-5).
        evaluate_every, patience, seed, precision: see `settings.RunSettings`.
    """

    variant: str = "cnn-lstm-a"
    cnn: str = "vgg16"
    hidden: int = 256
    cnn_weight: float = 1.0
    initial: str = RANDOM
    initial_sha256: str = ""
    freeze_cnn: bool = False
    frames: int = 16
    window_s: float = 4.0
    extend: float = 1.6
    look_hz: float = 5.0
    preset: str = ""
    alpha: float = 0.0
    low_hz: float = 0.0
    high_hz: float = 0.0
    order: str = "in_order"
    shift: float = 0.0
    jitter: float = 0.0
    batch: int = 8
    accumulate: int = 1
    steps: int = 2000
    learning_rate: float = 1e-5
    evaluate_every: int = 100
    patience: int = 0
    seed: int = 0
    precision: str = "32-true"

    def __post_init__(self) -> None:
        require(self.variant in VARIANTS, "variant", f"one of {tuple(VARIANTS)}")
        require(self.cnn in CNNS, "cnn", f"one of {tuple(CNNS)}")
        require(self.hidden > 0, "hidden", "a positive whole number")
        require(self.frames > 0, "frames", "a positive whole number")
        require(self.cnn_weight >= 0, "cnn_weight", "0 or more")
        require(self.initial in INITIAL, "initial", f"one of {INITIAL}")
        plain = self.initial == RANDOM
        fits = self.cnn == "vgg16" or self.initial not in KINDS
        require(fits, "initial", "random or a transfer for another CNN than vgg16")
        require(plain == (self.initial_sha256 == ""), "initial_sha256", "set by --weights FILE")
        require(0 <= self.shift <= 0.25, "shift", "0 <= shift <= 0.25")
        require(0 <= self.jitter <= 1, "jitter", "0 <= jitter <= 1")
        kept = not self.freeze_cnn or self.shift == self.jitter == 0
        require(kept, "shift and jitter", "0 with freeze_cnn, whose pool5 is stored")
        require(self.learning_rate > 0, "learning_rate", "positive")
        check_common(self)
        self.clip()

    def clip(self) -> ClipSettings:
        """Which frames of a clip the network sees."""
        return ClipSettings(
            frames=self.frames,
            window_s=self.window_s,
            side_px=CNNS[self.cnn].input_px,
            extend=self.extend,
            look_hz=self.look_hz,
            preset=self.preset,
            alpha=self.alpha,
            low_hz=self.low_hz,
            high_hz=self.high_hz,
            order=self.order,
        )
