"""What is remembered of a clip while it is judged: sums and one frame, never the frames."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from bonafide.face.prepare import PreparedFace
from bonafide.types import Frame, Reason, ReasonCode, RgbImage

TRACK_SHARE = 0.2
"""A track with at least this share of a clip's evaluated frames has a say in the verdict."""

NO_FRAME = Reason(ReasonCode.NO_FACE, "No frame shows a face: look into the camera.", True)
REPLACED = Reason(
    ReasonCode.SEVERAL_FACES,
    "The face was lost or replaced on the way; the part with the lowest score counts.",
    False,
)


@dataclass(frozen=True, slots=True)
class Look:
    """One frame whose face can be judged.

    Attributes:
        index: of the frame.
        track: of the face, see `face.track`.
        crops: (n, crop_px, crop_px, 3) uint8 RGB.
    """

    index: int
    track: int
    crops: npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FrameScore:
    """What came of one frame of a clip.

    Attributes:
        index, time_s: of the frame.
        score: None when it could not be judged.
        reason: why not; None when it was judged.
    """

    index: int
    time_s: float
    score: float | None
    reason: ReasonCode | None


@dataclass
class ClipRun:
    """The state of one clip.

    Attributes:
        seen: frames looked at.
        evaluated: frames with a score.
        picture: the first evaluated frame, before that the first frame.
        first: what was prepared of the first evaluated frame.
        frames: index of the frame -> what came of it, in time order.
        alpha_sum: (n,) sum of the scale weights.
    """

    seen: int = 0
    evaluated: int = 0
    picture: RgbImage | None = None
    first: PreparedFace | None = None
    last_refused: PreparedFace | None = None
    frames: dict[int, FrameScore] = field(default_factory=dict)
    alpha_sum: npt.NDArray[np.float64] | float = 0.0
    _tracks: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    _refusals: Counter[ReasonCode] = field(default_factory=Counter)
    _reasons: dict[ReasonCode, Reason] = field(default_factory=dict)

    def see(self, frame: Frame, prepared: PreparedFace) -> None:
        """Note a frame that was looked at."""
        self.seen += 1
        blocking = [reason.code for reason in prepared.reasons if reason.blocking]
        why = blocking[0] if blocking else None
        self.frames[frame.index] = FrameScore(frame.index, frame.time_s, None, why)
        if self.picture is None or (self.first is None and prepared.crops is not None):
            self.picture = frame.rgb
        if self.first is None and prepared.crops is not None:
            self.first = prepared
        if prepared.crops is None:
            self.last_refused = prepared
        for reason in prepared.reasons:
            self._reasons[reason.code] = reason
            self._refusals[reason.code] += reason.blocking

    def book(self, look: Look, score: float, alpha: npt.NDArray[np.float32]) -> None:
        """Note the score of a frame."""
        self.evaluated += 1
        self.frames[look.index] = replace(self.frames[look.index], score=score, reason=None)
        self._tracks[look.track].append(score)
        self.alpha_sum = self.alpha_sum + alpha.astype(np.float64)

    def score(self) -> float:
        """The mean score; of several tracks with a say, the lowest mean.

        When the face is lost so often that no track has a say, all frames are one pool.
        """
        if not self._with_a_say():
            return float(np.mean([score for scores in self._tracks.values() for score in scores]))
        return min(float(np.mean(scores)) for scores in self._with_a_say())

    def remarks(self) -> tuple[Reason, ...]:
        """The first evaluated frame's remarks, and whether the face was replaced."""
        assert self.first is not None
        replaced = (REPLACED,) if len(self._with_a_say()) > 1 else ()
        return (*self.first.reasons, *replaced)

    def refusal(self) -> tuple[Reason, ...]:
        """Why no frame could be judged: the most frequent blocking reason first."""
        ordered = [self._reasons[code] for code, count in self._refusals.most_common() if count]
        return tuple(ordered) or (NO_FRAME,)

    def _with_a_say(self) -> list[list[float]]:
        enough = TRACK_SHARE * self.evaluated
        return [scores for scores in self._tracks.values() if len(scores) >= enough]
