"""How a twin stores what it films: clips in a data set's container, and its lists of face boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from bonafide.simulator.capture_clip import CapturedFrame, capture_clip
from bonafide.simulator.twin import Job, Record
from bonafide.simulator.twin_scene import Scene, drawn_of, stage_scene
from bonafide.types import Landmarks, RgbImage

FACE_WIDTH = 2.15
"""Width of a stated face box, in distances between the eyes; it is 1.25 times as high."""


@dataclass(frozen=True, slots=True)
class ClipForm:
    """The shape of a data set's clips.

    Attributes:
        codec: FFmpeg's name; tag: four letters in the container, or "".
        pixels: FFmpeg's pixel format.
        rate_hz: of the time stamps' grid, the data set's frame rate.
        frames: (fewest, most) in a clip, drawn alike for live and attack.
        stride: ticks of that grid between two frames; above 1 the clip is sparse in time.
        quality: (best, worst) quantiser, drawn alike for live and attack.
        upside_down: the camera was held upside down, and the container does not say so.
        boxes: how the landmarks of all frames are stored beside the clip, or None.
    """

    codec: str
    tag: str
    pixels: str
    rate_hz: int
    frames: tuple[int, int]
    stride: int
    quality: tuple[int, int]
    upside_down: bool = False
    boxes: Callable[[list[Landmarks]], str] | None = None


def film_clip(job: Job, folder: Path) -> Record:
    """Film a job's scene into its first file, and its face boxes into its second; see `Job`."""
    scene, form = job.scene, job.form
    assert isinstance(scene, Scene)
    assert isinstance(form, ClipForm)
    scene_rng, rng = np.random.default_rng(job.seed).spawn(2)
    frames = int(rng.integers(form.frames[0], form.frames[1] + 1))
    quality = int(rng.integers(form.quality[0], form.quality[1] + 1))
    # A replayed video is played from its start; in a face, any moment is as good.
    start_s = float(rng.uniform(0, 20))
    clip = stage_scene(scene, scene_rng)
    if clip.staging.refresh is not None:
        start_s = 0.0
    taken = capture_clip(
        clip, frames, form.rate_hz / form.stride, modalities=False, start_s=start_s,
        device=job.device,
    )  # fmt: skip
    marks: list[Landmarks] = []
    write_clip(folder / job.files[0], _upright(taken, form, marks), form, quality)
    if form.boxes is not None:
        (folder / job.files[1]).write_text(form.boxes(marks))
    return drawn_of(scene, clip) | {
        "frames": frames,
        "quantiser": quality,
        "start_s": start_s,
        "landmarks": {job.files[0]: marks[0]},
    }


def _upright(
    taken: Iterator[CapturedFrame], form: ClipForm, marks: list[Landmarks]
) -> Iterator[RgbImage]:
    """Pictures as the file holds them; their landmarks are put into ``marks``."""
    for frame in taken:
        if form.upside_down:
            height, width = frame.rgb.shape[:2]
            turned = np.array([width - 1, height - 1], np.float32) - frame.landmarks
            # What is left becomes right: eyes and mouth corners change names.
            marks.append(turned[[1, 0, 2, 4, 3]])
            yield np.ascontiguousarray(frame.rgb[::-1, ::-1])
        else:
            marks.append(frame.landmarks)
            yield frame.rgb


def write_clip(path: Path, frames: Iterator[RgbImage], form: ClipForm, quality: int) -> None:
    """Encode a clip; the same frames give the same bytes.

    Args:
        path: .avi, .mov or .mp4; frames: (h, w, 3) uint8 R, G, B, even sides.
        quality: quantiser, 1 best to 31 worst; for H.264 the rate factor.
    """  # fmt: skip
    tick = Fraction(1, form.rate_hz)
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = None
        for number, rgb in enumerate(frames):
            if stream is None:
                stream = container.add_stream(form.codec, rate=form.rate_hz)
                stream.width, stream.height = rgb.shape[1], rgb.shape[0]
                stream.pix_fmt = form.pixels
                stream.time_base = stream.codec_context.time_base = tick
                stream.codec_context.thread_count = 1
                stream.codec_context.options = _options(form, quality)
                if form.tag:
                    stream.codec_context.codec_tag = form.tag
            picture = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            picture.pts, picture.time_base = number * form.stride, tick
            container.mux(stream.encode(picture))
        if stream is not None:
            container.mux(stream.encode(None))


def _options(form: ClipForm, quality: int) -> dict[str, str]:
    if form.codec == "libx264":
        return {"crf": str(quality), "preset": "veryfast", "flags": "+bitexact"}
    return {"qmin": str(quality), "qmax": str(quality), "flags": "+bitexact"}


# ------------------------------------------------------------------ face boxes


def face_box(landmarks: Landmarks) -> tuple[int, int, int, int]:
    """(left, top, width, height) in px around the five landmarks, by a fixed rule.

    >>> marks = np.array([[40, 50], [80, 50], [60, 70], [45, 90], [75, 90]], np.float32)
    >>> face_box(marks)
    (17, 18, 86, 107)
    """
    eyes = float(np.linalg.norm(landmarks[1] - landmarks[0]))
    mouth = (landmarks[3] + landmarks[4]) / 2
    tall = float(np.linalg.norm(mouth - (landmarks[0] + landmarks[1]) / 2))
    # A turned head brings the eyes together, but not eyes and mouth.
    width = FACE_WIDTH * max(eyes, 0.9 * tall)
    height = 1.25 * width
    middle = landmarks.mean(0)
    left, top = middle[0] - width / 2, middle[1] - 0.48 * height
    return round(float(left)), round(float(top)), round(width), round(height)


def replay_boxes(marks: list[Landmarks]) -> str:
    """Lines "frame x y w h", as Replay-Attack has them."""
    return "".join(f"{n} {' '.join(map(str, face_box(m)))}\n" for n, m in enumerate(marks))


def msu_boxes(marks: list[Landmarks]) -> str:
    """Lines "frame,left,top,right,bottom,x,y,x,y" with the eyes, as MSU-MFSD has them."""
    lines = []
    for number, mark in enumerate(marks):
        left, top, width, height = face_box(mark)
        eyes = [round(float(v)) for v in mark[:2].ravel()]
        values = (number, left, top, left + width, top + height, *eyes)
        lines.append(",".join(str(v) for v in values))
    return "\n".join(lines) + "\n"


def oulu_eyes(marks: list[Landmarks]) -> str:
    """Lines "frame,x,y,x,y" with the eye on the picture's left first, as OULU-NPU has them."""
    rows: list[npt.NDArray[np.int64]] = [np.rint(mark[:2].ravel()).astype(int) for mark in marks]
    return "".join(f"{n},{','.join(map(str, row))}\n" for n, row in enumerate(rows))
